"""The file of answers of a batch, line by line: answers, failures, and what was lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from common.bulk.provider import Bill


@dataclass
class Results:
    """What a file of answers came to.

    Attributes
    ----------
    wanted
        Keys that the batch holds; others are none of its.
    bill
        What an answer took; None where it does not tell.
    keep
        Takes each key's first answer, as it is read: a file may hold more than fits in memory.
    dollars
        What all the answers of a key cost together: a line may be answered, and billed, twice.
    untold
        Keys with an answer that does not tell what it took.
    errors
        Failures of single lines.
    """

    wanted: frozenset[str]
    bill: Callable[[object], Bill | None]
    keep: Callable[[str, dict[str, Any]], None]
    dollars: dict[str, float] = field(default_factory=dict)
    untold: set[str] = field(default_factory=set)
    errors: dict[str, Any] = field(default_factory=dict)

    def read(self, lines: Iterable[bytes]) -> None:
        """Read a file; lines that cannot be read are as if they were not there."""
        for line in lines:
            told = _object(line)
            key = str(told.get("key", ""))
            if key not in self.wanted:
                continue
            if isinstance(told.get("response"), Mapping):
                self._answered(key, told["response"])
            elif "error" in told:
                self.errors[key] = told["error"]

    def _answered(self, key: str, response: Mapping[str, Any]) -> None:
        bill = self.bill(response)
        if key not in self.dollars:
            self.keep(key, {"response": response, **(_took(bill) if bill else {})})
            self.dollars[key] = 0.0
        if bill is None:
            self.untold.add(key)
        else:
            self.dollars[key] += bill.dollars


def _took(bill: Bill) -> dict[str, float]:
    return {
        "dollars": bill.dollars,
        "input_tokens": bill.input_tokens,
        "output_tokens": bill.output_tokens,
    }


def _object(line: bytes) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
