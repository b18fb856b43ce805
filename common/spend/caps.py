"""How much may be spent, on what."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

DAY = ""  # the account of all that a day costs; others bear the prefix whose costs they hold

_MICROS = 1_000_000  # a dollar; money is added up in whole millionths


@dataclass(frozen=True)
class Caps:
    """Limits in dollars; None, or a prefix that is not named, is no limit.

    Attributes
    ----------
    request
        For one request: all models' answers for one picture.
    day
        For one day in UTC, all instances together.
    prefixes
        A day, for pictures whose name begins so: ``cutout/shoes/``.  A picture that came over HTTP
        has its operation for a name: ``cutout/``.
    others
        A day, for accounts of other kinds under which all of this falls: a key's.
    """

    request: float | None = None
    day: float | None = None
    prefixes: Mapping[str, float] = field(default_factory=dict)
    others: Mapping[str, float] = field(default_factory=dict)

    @property
    def need_a_ledger(self) -> bool:
        """Whether a cap holds for more than one request."""
        return self.day is not None or bool(self.prefixes) or bool(self.others)

    def accounts(self, name: str) -> dict[str, int]:
        """Return the daily accounts that the picture `name` falls under, and their caps."""
        held = {prefix: cap for prefix, cap in self.prefixes.items() if name.startswith(prefix)}
        held |= self.others
        if self.day is not None:
            held[DAY] = self.day
        return {account: math.floor(cap * _MICROS) for account, cap in held.items()}


def micros(dollars: float) -> int:
    """Return dollars in millionths, rounded up: what is left over is never counted twice."""
    return math.ceil(round(dollars * _MICROS, 3))


def dollars(micros: int) -> float:
    """Return millionths in dollars."""
    return micros / _MICROS
