"""What the local server shows beside the functions: the page, and the data folder's pictures."""

from __future__ import annotations

import gzip
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import flask
from werkzeug.exceptions import HTTPException

from common.errors import BadObjectName, MethodNotAllowed, ObjectMissing, UnknownPath
from common.jobs import Buckets, Source, find
from common.settings import Settings
from common.store import Bucket, Stored
from functions._engines import JOBS_FOLDER
from functions._http import problems
from functions._http.visit import Visit
from studio.facts import Fetch, make_facts

WEB = Path(__file__).parents[1] / "web"
ASSETS = frozenset(
    path.relative_to(WEB).as_posix()
    for path in WEB.rglob("*.*")
    if path.suffix in {".html", ".css", ".js", ".svg"}
)
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
FACTS = ".json"
WORDS = frozenset({"text/html", "text/css", "text/javascript", "application/json", "image/svg+xml"})
PICTURES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".psd": "image/vnd.adobe.photoshop",
}
# Nothing else is served: a page least of all.
SHOWN = {**PICTURES, FACTS: "application/json", ".zip": "application/zip"}
SHOWN_AT_ONCE = 60


def make_page(buckets: Buckets, settings: Settings, fetch: Fetch) -> flask.Flask:
    """Return the app that answers everything but the functions' own paths; see `make_facts`."""
    app = flask.Flask("studio", static_folder=None)
    app.register_blueprint(make_facts(settings, buckets.work, fetch))
    shelves = {"input": buckets.input, "output": buckets.output}

    @app.get("/")
    @app.get("/<path:name>")
    def asset(name: str = "index.html") -> flask.Response:
        return _asset(name)

    @app.get("/healthz")
    def health() -> dict[str, str]:
        return {"status": "ok", "engine": settings.engine}

    @app.get("/files/")
    def listing() -> dict[str, Any]:
        return {"results": results(buckets)}

    @app.get("/files/<shelf>/<path:name>")
    def file(shelf: str, name: str) -> flask.Response:
        return _file(shelves.get(shelf), name)

    _frame(app)
    return app


def _frame(app: flask.Flask) -> None:
    """Give every reply an id and strict headers, and make a problem of what is not there."""

    @app.before_request
    def begin() -> None:
        flask.g.visit = Visit.of("page", flask.request)

    @app.errorhandler(404)
    def nothing(_: HTTPException) -> flask.Response:
        return problems.respond(UnknownPath("There is nothing at this path."), flask.g.visit)

    @app.errorhandler(405)
    def spoken(error: HTTPException) -> flask.Response:
        allow = ", ".join(sorted(getattr(error, "valid_methods", None) or ["GET"]))
        problem = MethodNotAllowed(
            "This path does not speak that.", advice=f"Use {allow}.", details={"allow": allow}
        )
        return problems.respond(problem, flask.g.visit)

    @app.after_request
    def strict(response: flask.Response) -> flask.Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Request-ID"] = flask.g.visit.request_id
        return _compressed(response)


def results(buckets: Buckets) -> list[dict[str, Any]]:
    """Return every dropped picture with what became of it, the latest first.

    ``after`` is None where there is no picture (yet), ``report`` where the work is not done.
    """
    dropped = [stored for stored in buckets.input.list() if _is_dropped(stored.name)]
    dropped.sort(key=lambda stored: stored.updated, reverse=True)
    return [_result(buckets, stored) for stored in dropped[:SHOWN_AT_ONCE]]


def _is_dropped(name: str) -> bool:
    """Tell whether somebody dropped the picture: jobs' own are told of by ``/v1/jobs``."""
    return _suffix(name) in PICTURES and f"/{JOBS_FOLDER}/" not in name


def _result(buckets: Buckets, stored: Stored) -> dict[str, Any]:
    path = PurePosixPath(stored.name)
    source = Source(buckets.input.name, stored.name, stored.generation)
    found = find(buckets.output, path.parts[0], source)
    if found and found.source.generation < stored.generation:
        found = None  # it tells of the picture that this one replaced
    return {
        "operation": path.parts[0],
        "name": path.name,
        "before": _address("input", stored.name, stored.generation),
        "after": _address("output", *found.picture) if found and found.picture else None,
        "report": _address("output", found.name, found.stored_generation) if found else None,
    }


def _asset(name: str) -> flask.Response:
    """Return a part of the page."""
    if name not in ASSETS:
        flask.abort(404)
    return flask.send_from_directory(WEB, name)


def _compressed(response: flask.Response) -> flask.Response:
    """Return a reply of words compressed, where the browser takes it so; pictures are already."""
    if response.mimetype not in WORDS or response.status_code != 200:
        return response
    response.vary.add("Accept-Encoding")
    if flask.request.accept_encodings["gzip"] > 0:
        response.direct_passthrough = False
        response.set_data(gzip.compress(response.get_data(), mtime=0))
        response.content_encoding = "gzip"
    return response


def _file(bucket: Bucket | None, name: str) -> flask.Response:
    if bucket is None or _suffix(name) not in SHOWN:
        flask.abort(404)
    try:
        data, stored = bucket.read(name)
    except (ObjectMissing, BadObjectName):
        flask.abort(404)
    response = flask.Response(data, mimetype=SHOWN[_suffix(name)])
    response.set_etag(str(stored.generation))
    response.make_conditional(flask.request)
    return response


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _address(shelf: str, name: str, generation: int) -> str:
    return f"/files/{shelf}/{quote(name)}?{generation}"
