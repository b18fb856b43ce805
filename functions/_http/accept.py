"""What the caller accepts, and what the caller prefers."""

from __future__ import annotations

import re

import flask

from common.errors import NotAcceptable

JSON = "application/json"
ZIP = "application/zip"
FORMATS = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/tiff": "tiff",
    ZIP: "zip",
}
OFFERED = [*(name for name in FORMATS if name != ZIP), JSON, ZIP]  # application/* means JSON
DEFAULT = "image/png"
LATER = "respond-async"
AS_ADDRESS = "picture=url"


def accepted(request: flask.Request) -> str:
    """Return the media type that the caller likes best of those that can be given.

    Raises
    ------
    NotAcceptable
        There is none.
    """
    if not request.headers.get("Accept", "").strip():
        return DEFAULT
    best = request.accept_mimetypes.best_match(OFFERED)
    if best is None:
        raise NotAcceptable(
            "None of the types in Accept can be given.",
            advice=f"Accept one of {', '.join(OFFERED)}.",
        )
    return best


def preferences(request: flask.Request) -> set[str]:
    """Return what the ``Prefer`` header (RFC 7240) names, in small letters, without blanks."""
    named = ",".join(request.headers.getlist("Prefer")).lower()
    return {re.sub(r'[\s"]', "", each.partition(";")[0]) for each in named.split(",")}


def applied(response: flask.Response, preference: str) -> None:
    """Say that a preference was followed."""
    response.headers["Preference-Applied"] = preference
