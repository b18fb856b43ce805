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
MOST_TEXT = 1000  # characters: a wrong option may be a megabyte long, and is repeated twice
MOST_ERRORS = 20


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
    """Return `document` with the status and headers of `error`; the request is left unread."""
    payload = json.dumps(bounded(document), ensure_ascii=False).encode("utf-8", "replace")
    response = flask.Response(payload, status=error.status, mimetype=content_type)
    left_unread(response)
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


def left_unread(response: flask.Response) -> None:
    """Let a reply go out without what is left of the request's body.

    It becomes a stream: before any other reply functions-framework reads the rest, whatever its
    size and however long it takes, and a body that was refused must not be read.
    """
    if not response.is_streamed:
        payload = response.get_data()
        response.response = iter([payload])
        response.content_length = len(payload)


def bounded(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document that repeats no more of a request than a reader needs."""
    told = {name: _shortened(value) for name, value in document.items()}
    if "errors" in document:
        told["errors"] = [bounded(each) for each in document["errors"][:MOST_ERRORS]]
    return told


def _shortened(value: Any) -> Any:
    long = isinstance(value, str) and len(value) > MOST_TEXT
    return f"{value[: MOST_TEXT - 1]}…" if long else value


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
