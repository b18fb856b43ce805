"""One JSON object a line, as Cloud Logging reads it; never a picture, a prompt or a secret."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

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
