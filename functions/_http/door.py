"""The frame of every path: ids, problems, strict headers, and one line in the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import flask

from common.errors import MethodNotAllowed, StudioError, UnknownPath
from common.settings import Settings
from functions import _wiring
from functions._http import cors, pages, problems
from functions._http.visit import Visit

STRICT = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "Cross-Origin-Resource-Policy": "same-origin",
}

BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})

Handler: TypeAlias = Callable[[Visit, flask.Request, Settings], flask.Response]
Tell: TypeAlias = Callable[[StudioError, Visit], flask.Response]


def enter(
    name: str, request: flask.Request, handler: Handler, tell: Tell = problems.respond
) -> flask.Response:
    """Answer a request; whatever goes wrong is told by `tell`.

    Parameters
    ----------
    name
        Of the function, for the log.
    handler
        Does the work.
    tell
        Makes a reply of a failure.
    """
    visit = Visit.of(name, request)
    try:
        settings = _wiring.settings()
        visit.project = settings.project
        response = (
            cors.preflight(request, settings.allowed_origins)
            or pages.everywhere(request)
            or handler(visit, request, settings)
        )
        response.headers.setdefault("Cache-Control", "no-store")
        cors.mark(response, request, settings.allowed_origins)
    except Exception as failure:  # noqa: BLE001 - the last line before a stranger sees our insides
        response = _told(failure, visit, request, tell)
    if request.method in BODILESS:
        problems.left_unread(response)
    for header, value in STRICT.items():
        response.headers.setdefault(header, value)
    response.headers["X-Request-ID"] = visit.request_id
    visit.log(response.status_code)
    return response


def _told(failure: Exception, visit: Visit, request: flask.Request, tell: Tell) -> flask.Response:
    visit.error = problems.understood(failure, request, visit)
    response = tell(visit.error, visit)
    response.headers["Cache-Control"] = "no-store"
    try:
        cors.mark(response, request, _wiring.settings().allowed_origins)
    except StudioError:
        return response  # the settings are what is wrong
    return response


def check_path(request: flask.Request, path: str, *methods: str) -> None:
    """Make sure that the request is for `path`, as it stands in the contract or as the root.

    Raises
    ------
    UnknownPath
        It is for another.
    MethodNotAllowed
        It is no one of `methods`.
    """
    if request.path.strip("/") not in {"", path.strip("/")}:
        raise UnknownPath("There is nothing at this path.", advice=f"The path is {path}.")
    check_method(request, *methods)


def check_method(request: flask.Request, *methods: str) -> None:
    """Make sure that the request's method is one of `methods`.

    Raises
    ------
    MethodNotAllowed
        It is not.
    """
    if request.method not in methods:
        raise MethodNotAllowed(
            f"This path does not speak {request.method}.",
            advice=f"Use {' or '.join(methods)}.",
            details={"allow": ", ".join(methods)},
        )
