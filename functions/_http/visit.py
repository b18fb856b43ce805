"""One visit, and its line in the log."""

from __future__ import annotations

import logging
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import flask

from common.errors import StudioError
from functions import _log

_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_TRACE = re.compile(r"([0-9a-fA-F]{32})(/.*)?")


@dataclass
class Visit:
    """What the log tells of a request: sizes, scores and money, never its picture or words.

    Attributes
    ----------
    name
        Of the path's function.
    request_id
        The caller's own where it is harmless in headers and logs, else a new one.
    trace, project
        Where Cloud Logging files it.
    error, defect
        What went wrong; a defect's traceback goes to the log only.
    facts
        What else is told.
    """

    name: str
    request_id: str
    trace: str = ""
    project: str = ""
    error: StudioError | None = None
    defect: BaseException | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    start: float = field(default_factory=time.perf_counter)

    @staticmethod
    def of(name: str, request: flask.Request) -> Visit:
        """Return the visit that a request begins."""
        theirs = request.headers.get("X-Request-ID", "")
        trace = _TRACE.fullmatch(request.headers.get("X-Cloud-Trace-Context", ""))
        request_id = theirs if _SANE_ID.fullmatch(theirs) else uuid.uuid4().hex
        return Visit(name, request_id, trace[1] if trace else "")

    def log(self, status: int) -> None:
        """Write the line."""
        facts: dict[str, Any] = {
            "operation": self.name,
            "request_id": self.request_id,
            "status": status,
            "milliseconds": round((time.perf_counter() - self.start) * 1000, 1),
        }
        if self.error is not None:
            facts |= _log.went_wrong(self.error)
        if self.trace:
            at = f"projects/{self.project}/traces/{self.trace}" if self.project else self.trace
            facts["logging.googleapis.com/trace"] = at
        message = f"{self.name} {status}"
        _log.write(_severity(status), message, defect=self.defect, **(self.facts | facts))


def _severity(status: int) -> int:
    if status < 400:
        return logging.INFO
    return logging.WARNING if status < 500 else logging.ERROR
