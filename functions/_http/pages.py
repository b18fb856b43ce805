"""What every function answers beside its own path: its health, and pages about failures.

A problem's ``type`` is the path of a page that tells what the failure means and what to do; the
pages are written from the tree of failures itself, and stand in docs/errors too.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import flask

from common.errors import StudioError, UnknownPath

ERRORS = "/errors/"
HEALTH = "/healthz"
_HEALTHS = {HEALTH, "/health"}  # Cloud Run answers paths that end in z itself, with a 404
_OWN = ("common.", "functions.", "studio.")  # a caller's own branches of the tree have no page
_CHARGED = {
    "no": "Nothing was charged.",
    "yes": "The model's answer was charged.",
    "maybe": "The model may have charged for it; the problem's `dollars` tell what is known.",
}


def everywhere(request: flask.Request) -> flask.Response | None:
    """Return the answer to a request for health or a page; None where it is for neither."""
    if request.method not in {"GET", "HEAD"}:
        return None
    if request.path in _HEALTHS:
        return flask.Response('{"status": "ok"}', mimetype="application/json")
    if request.path.startswith(ERRORS):
        return page_of(request.path.removeprefix(ERRORS))
    return None


def page_of(code: str) -> flask.Response:
    """Return the page about a failure.

    Raises
    ------
    UnknownPath
        There is no failure of that code.
    """
    kind = kinds().get(code)
    if kind is None:
        raise UnknownPath("There is no failure of that name.")
    response = flask.Response(page(kind), mimetype="text/markdown")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def kinds(root: type[StudioError] = StudioError) -> dict[str, type[StudioError]]:
    """Return the studio's own failures by code; where two share one, the more particular."""
    found = {root.code: root}
    for child in root.__subclasses__():
        if child.__module__.startswith(_OWN):
            found |= kinds(child)
    return dict(sorted(found.items()))


def page(kind: type[StudioError]) -> str:
    """Return the page about a failure, in Markdown."""
    meaning, advice, *_ = [*inspect.cleandoc(kind.__doc__ or "").split("\n\n"), ""]
    again = "Trying again can help" if kind.retryable else "Trying again as it was does not help"
    wait = ", after `Retry-After` where it is told" if kind.retryable else ""
    parts = [f"# {kind.title}", f"`{kind.code}`, HTTP status {kind.status}."]
    parts += [" ".join(text.split()) for text in (meaning, advice) if text]
    parts.append(f"{again}{wait}. {_CHARGED[kind.charged]}")
    return "\n\n".join(parts) + "\n"


def write(folder: Path) -> None:
    """Write all pages, and a list of them, into `folder`; pages of failures that are gone go."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text, "utf-8")
    for old in set(folder.glob("*.md")) - {folder / name for name in files()}:
        old.unlink()


def files() -> dict[str, str]:
    """Return the files of docs/errors by name."""
    rows = [
        f"| [{code}]({code}.md) | {kind.status} | {kind.title} |" for code, kind in kinds().items()
    ]
    head = [
        "# Errors",
        "",
        "Every failure is a problem document (RFC 9457), whose `type` is the path of its page.",
        "These pages are written by `python -m functions._http.pages docs/errors`.",
        "",
        "| code | status | what it says |",
        "|---|---|---|",
    ]
    pages = {f"{code}.md": page(kind) for code, kind in kinds().items()}
    return {"README.md": "\n".join([*head, *rows]) + "\n", **pages}


if __name__ == "__main__":
    write(Path(sys.argv[1]))
