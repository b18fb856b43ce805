"""One JSON object a line, as Cloud Logging reads it; never a picture, a prompt or a secret."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

from common.errors import StudioError

_LEVELS = {
    logging.DEBUG: "DEBUG",
    logging.INFO: "INFO",
    logging.WARNING: "WARNING",
    logging.ERROR: "ERROR",
    logging.CRITICAL: "CRITICAL",
}


class JsonLines(logging.Formatter):
    """Formats a record and its facts as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "severity": _LEVELS.get(record.levelno, "DEFAULT"),
            "message": record.getMessage(),
        }
        line |= facts_of(record)
        if record.exc_info:
            line["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class StandardOutput(logging.Handler):
    """Writes each record as a line of whatever standard output is at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line at once: a function may be frozen right after its reply."""
        sys.stdout.write(self.format(record) + "\n")
        sys.stdout.flush()


def facts_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return the facts that `write` put beside a record's message."""
    facts: dict[str, Any] = getattr(record, "facts", {})
    return facts


def write(level: int, message: str, *, defect: BaseException | None = None, **facts: Any) -> None:
    """Write one line: a message and facts that JSON can hold; a defect adds its traceback."""
    logger.log(level, message, extra={"facts": facts}, exc_info=defect)


# --- what is told of an asset ---------------------------------------------------------------------


def asset(data: bytes, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return which picture it is, and a mark of what was asked: equal options, equal mark."""
    asked = json.dumps(options, sort_keys=True, default=str).encode()
    return {
        "source": hashlib.sha256(data).hexdigest(),
        "options": hashlib.sha256(asked).hexdigest(),
    }


def of_event(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the id and, where it has one, the trace of a CloudEvent."""
    told = {"request_id": str(attributes.get("id", ""))}
    parent = _TRACEPARENT.match(str(attributes.get("traceparent", "")))
    return told | ({"logging.googleapis.com/trace": parent[1]} if parent else {})


_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-")  # W3C trace context


def came_of_it(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a report tells the operator: who, how often, at what cost, how well."""
    told = {name: report[name] for name in _TOLD if name in report}
    told["stages"] = report.get("milliseconds", {})
    told["rungs"] = len(report.get("ladder", ()))
    return told


def went_wrong(error: StudioError) -> dict[str, Any]:
    """Return what a failure tells the operator; of a refused result also what came of it."""
    told: dict[str, Any] = {"code": error.code, "charged": error.charged}
    told |= {name: error.details[name] for name in _SPENT if name in error.details}
    report = error.details.get("report")
    return (came_of_it(report) if isinstance(report, Mapping) else {}) | told


_TOLD = ("engine", "models", "decision", "cost", "scores")
_SPENT = ("charged", "attempts", "dollars", "dollars_in_doubt", "cap", "quotas", "reason")


def _logger() -> logging.Logger:
    made = logging.getLogger("studio.doors")
    if not made.handlers:
        handler = StandardOutput()
        handler.setFormatter(JsonLines())
        made.addHandler(handler)
    made.setLevel(logging.INFO)
    made.propagate = False  # one line each, whatever the framework does with the root logger
    return made


logger = _logger()
