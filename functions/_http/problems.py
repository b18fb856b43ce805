"""Whatever goes wrong becomes a problem document (RFC 9457)."""

from __future__ import annotations

import json
from typing import Any

import flask
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from common.errors import (
    BadInput,
    InternalError,
    MethodNotAllowed,
    PictureTooLarge,
    StudioError,
    Unauthorized,
)
from functions._http.visit import Visit

PROBLEM = "application/problem+json"


def understood(failure: Exception, request: flask.Request, visit: Visit) -> StudioError:
    """Return a failure as one of the studio's own; a defect is noted for the log."""
    match failure:
        case StudioError():
            return failure
        case RequestEntityTooLarge():
            return _too_large(request)
        case HTTPException():
            return BadInput(failure.description or "The request cannot be read.")
    visit.defect = failure
    return InternalError(
        "The studio failed at this request; that is the studio's fault.",
        advice="The request id finds it in the log.",
    )


def respond(error: StudioError, visit: Visit) -> flask.Response:
    """Return the problem document of `error`."""
    return streamed(error, error.problem() | {"request_id": visit.request_id}, PROBLEM)


def noted(error: StudioError, visit: Visit) -> flask.Response:
    """Return the problem document of `error`, which the log is to tell too."""
    visit.error = error
    return respond(error, visit)


def streamed(error: StudioError, document: dict[str, Any], content_type: str) -> flask.Response:
    """Return `document` with the status and headers of `error`.

    It is streamed: functions-framework reads the rest of the body before any other reply, and a
    body that was refused for its size must not be read.
    """
    payload = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    response = flask.Response(iter([payload]), status=error.status, mimetype=content_type)
    response.content_length = len(payload)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = error.details.get("allow", "POST")
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = 'Bearer realm="studio"'
    cost = error.details.get("dollars")
    if isinstance(cost, float):
        response.headers["X-Cost-USD"] = f"{cost:.6f}"
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, round(error.retry_after)))
    return response


def _too_large(request: flask.Request) -> PictureTooLarge:
    limit = request.max_content_length or 0
    if request.content_length is None or request.content_length <= limit:
        return PictureTooLarge(
            "The body has a text field that is too large, too many parts, or no end.",
            advice="Send pictures as file parts.",
        )
    return PictureTooLarge(
        f"The body has {request.content_length:,} bytes; the limit is {limit:,}. It was not read.",
        advice="Send a smaller picture.",
    )
