"""The HTTP door: one request in, a picture, a report or a problem out."""

from __future__ import annotations

import base64
import json
import logging
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import flask
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from common.errors import (
    BadInput,
    BadOptions,
    InternalError,
    MethodNotAllowed,
    NotAcceptable,
    PictureTooLarge,
    StudioError,
    UnknownPath,
)
from common.operations.options import read_options
from common.settings import Settings
from functions import _body, _fetch, _log, _wiring
from functions._wiring import Finished

JSON = "application/json"
PROBLEM = "application/problem+json"
FORMATS = {"image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp"}
TAKES_RENDER = ("cutout", "erase", "expand")
A_PICTURE = "a picture"  # the option's value where the background came as a file

_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_TRACE = re.compile(r"([0-9a-fA-F]{32})(/.*)?")


def serve(
    operation_name: str, request: flask.Request, run: Callable[..., Finished] = _wiring.run
) -> flask.Response:
    """Answer a request for an operation; whatever goes wrong becomes a problem document.

    Parameters
    ----------
    run
        Does the work; see `functions._wiring.run`.
    """
    visit = _Visit(operation_name, _request_id(request), _trace(request))
    try:
        response = _answer(visit, request, run)
    except StudioError as error:
        response = _problem(visit, error)
    except RequestEntityTooLarge:
        response = _problem(visit, _too_large(request))
    except HTTPException as error:
        response = _problem(visit, BadInput(error.description or "The request cannot be read."))
    except Exception as defect:  # noqa: BLE001 - the last line before a stranger sees our insides
        visit.defect = defect
        response = _problem(visit, _internal())
    response.headers["X-Request-ID"] = visit.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    visit.log(response.status_code)
    return response


# --- the way of a request -------------------------------------------------------------------------


def _answer(visit: _Visit, request: flask.Request, run: Callable[..., Finished]) -> flask.Response:
    settings = _wiring.settings()
    visit.project = settings.project
    request.max_content_length = _body.largest_body(settings.max_bytes)
    _check_path(visit.operation, request)
    operation = _wiring.operation(visit.operation)
    accepted = _accepted(request)
    asked = _body.read(request)
    _body.check_bytes(asked.pictures, settings.max_bytes)
    options = read_options(operation.options, _named(asked, visit.operation))
    picture = _picture(asked, settings)
    visit.facts |= _log.asset(picture, options.model_dump(mode="json"))
    finished = run(
        operation,
        picture,
        options,
        given=asked.pictures.get("render"),
        backdrop=asked.pictures.get("background"),
        format=FORMATS.get(accepted, "png"),
    )
    visit.facts |= _log.came_of_it(finished.report.model_dump(mode="json"))
    return _reply(visit, finished, as_json=accepted == JSON)


def _check_path(operation: str, request: flask.Request) -> None:
    if request.path.strip("/") not in {"", f"v1/{operation}"}:
        raise UnknownPath("There is nothing at this path.", advice=f"Post to /v1/{operation}.")
    if request.method != "POST":
        raise MethodNotAllowed(
            f"This path does not speak {request.method}.", advice="Use POST with a picture."
        )


def _accepted(request: flask.Request) -> str:
    if "Accept" not in request.headers:
        return next(iter(FORMATS))
    best = request.accept_mimetypes.best_match([*FORMATS, JSON])
    if best is None:
        raise NotAcceptable(
            "None of the types in Accept can be given.",
            advice=f"Accept one of {', '.join([*FORMATS, JSON])}.",
        )
    return best


def _named(asked: _body.Asked, operation: str) -> dict[str, Any]:
    """Return the options; a background that came as a file is one, in a pipeline of its step."""
    if "render" in asked.pictures and operation not in TAKES_RENDER:
        raise BadOptions(f"{operation} takes no render.", field="render")
    if "background" in asked.pictures and operation != "pipeline":
        return asked.options | {"background": A_PICTURE}
    return asked.options


def _picture(asked: _body.Asked, settings: Settings) -> bytes:
    if asked.address is None:
        return asked.pictures["image"]
    if asked.address.startswith("gs://"):
        return _fetch.from_bucket(asked.address, settings.allowed_buckets, settings.max_bytes)
    return _fetch.Web().fetch(asked.address, settings.max_bytes)


# --- replies --------------------------------------------------------------------------------------


def _reply(visit: _Visit, finished: Finished, *, as_json: bool) -> flask.Response:
    if as_json or finished.picture is None:
        response = flask.Response(_told(visit, finished), mimetype=JSON)
    else:
        response = flask.Response(finished.picture, mimetype=finished.content_type)
    report = finished.report
    response.headers["Vary"] = "Accept"
    response.headers["X-Engine"] = report.engine
    response.headers["X-Decision"] = report.decision
    response.headers["X-Cost-USD"] = f"{report.cost.dollars:.6f}"
    response.headers["X-Scores"] = json.dumps(report.scores, separators=(",", ":"))
    return response


def _told(visit: _Visit, finished: Finished) -> str:
    document: dict[str, Any] = {"request_id": visit.request_id}
    document |= finished.report.model_dump(mode="json")
    if finished.picture is not None:
        document["content_type"] = finished.content_type
        document["image"] = base64.b64encode(finished.picture).decode()
    return json.dumps(document, ensure_ascii=False)


def _problem(visit: _Visit, error: StudioError) -> flask.Response:
    """Return the problem document of `error`.

    It is streamed: functions-framework reads the rest of the body before any other reply, and a
    body that was refused for its size must not be read.
    """
    visit.error = error
    text = json.dumps(error.problem() | {"request_id": visit.request_id}, ensure_ascii=False)
    payload = text.encode()
    response = flask.Response(iter([payload]), status=error.status, mimetype=PROBLEM)
    response.content_length = len(payload)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = "POST"
    cost = _cost(error)
    if cost is not None:
        response.headers["X-Cost-USD"] = f"{cost:.6f}"
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, round(error.retry_after)))
    return response


def _cost(error: StudioError) -> float | None:
    """Return what a request cost that failed, where it cost anything."""
    dollars = error.details.get("dollars")
    return dollars if isinstance(dollars, float) else None


def _too_large(request: flask.Request) -> PictureTooLarge:
    if request.content_length is None or request.content_length <= (
        request.max_content_length or 0
    ):
        return PictureTooLarge(
            "The body has a text field that is too large, too many parts, or no end.",
            advice="Send pictures as file parts.",
        )
    return PictureTooLarge(
        f"The body has {request.content_length:,} bytes; the limit is "
        f"{request.max_content_length:,}. It was not read.",
        advice="Send a smaller picture.",
    )


def _internal() -> InternalError:
    return InternalError(
        "The studio failed at this request; that is the studio's fault.",
        advice="The request id finds it in the log.",
    )


# --- one visit, and its line in the log -----------------------------------------------------------


@dataclass
class _Visit:
    """What the log tells of a request: sizes, scores and money, never its picture or words."""

    operation: str
    request_id: str
    trace: str
    project: str = ""
    error: StudioError | None = None
    defect: Exception | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    start: float = field(default_factory=time.perf_counter)

    def log(self, status: int) -> None:
        """Write the line."""
        facts: dict[str, Any] = {
            "operation": self.operation,
            "request_id": self.request_id,
            "status": status,
            "milliseconds": round((time.perf_counter() - self.start) * 1000, 1),
        }
        if self.error is not None:
            facts |= _log.went_wrong(self.error)
        if self.trace:
            at = f"projects/{self.project}/traces/{self.trace}" if self.project else self.trace
            facts["logging.googleapis.com/trace"] = at
        _log.write(
            _severity(status),
            f"{self.operation} {status}",
            defect=self.defect,
            **(self.facts | facts),
        )


def _severity(status: int) -> int:
    if status < 400:
        return logging.INFO
    return logging.WARNING if status < 500 else logging.ERROR


def _request_id(request: flask.Request) -> str:
    """Return the caller's own id where it is harmless in headers and logs, else a new one."""
    theirs = request.headers.get("X-Request-ID", "")
    return theirs if _SANE_ID.fullmatch(theirs) else uuid.uuid4().hex


def _trace(request: flask.Request) -> str:
    match = _TRACE.fullmatch(request.headers.get("X-Cloud-Trace-Context", ""))
    return match[1] if match else ""
