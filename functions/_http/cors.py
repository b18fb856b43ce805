"""Which web pages may call from a browser: those on the list, and no other."""

from __future__ import annotations

from collections.abc import Collection

import flask

SECONDS = 600  # for which a browser remembers the answer
ASKED = "Access-Control-Request-Method"
HEADERS = "Accept, Authorization, Content-Type, Idempotency-Key, Prefer, X-Api-Key, X-Request-ID"
SHOWN = (
    "Idempotency-Replayed, Location, Preference-Applied, Retry-After, X-Cost-USD,"
    " X-Credits-Charged, X-Decision, X-Engine, X-Foreground-Height, X-Foreground-Left,"
    " X-Foreground-Top, X-Foreground-Width, X-Height, X-Request-ID, X-Scores, X-Type, X-Width"
)


def preflight(request: flask.Request, origins: Collection[str]) -> flask.Response | None:
    """Return the answer to a browser that asks whether a page may call; None where none asks."""
    if request.method != "OPTIONS" or ASKED not in request.headers:
        return None
    response = flask.Response(status=204)
    if request.headers.get("Origin") in origins:
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT"
        response.headers["Access-Control-Allow-Headers"] = HEADERS
        response.headers["Access-Control-Max-Age"] = str(SECONDS)
    return response


def mark(response: flask.Response, request: flask.Request, origins: Collection[str]) -> None:
    """Let the page that called read the reply, if it is on the list; cookies never count."""
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin in origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = SHOWN
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
