"""What the page asks of its own server: what can be done here, what was spent, and pictures.

The operations' options are told by their JSON schemas, so that the page offers what the doors
understand, and nothing is written twice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import flask

from common.codec import CONTENT_TYPES, sniff
from common.errors import ObjectMissing, StudioError
from common.operations.base import Operation
from common.operations.pipeline import STEPS
from common.presets import named, names
from common.settings import Settings
from common.spend import ledger_name
from common.spend.caps import DAY, dollars
from common.spend.ledger import read_grants
from common.store import Bucket
from functions._http import problems
from studio.folder import SAMPLES

UNKNOWN = "application/octet-stream"  # the page shows it as a file that no browser can draw

Fetch = Callable[[str, int], bytes]


def make_facts(settings: Settings, work: Bucket, fetch: Fetch) -> flask.Blueprint:
    """Return the addresses below ``/studio/``.

    Parameters
    ----------
    work
        The bucket that holds the day's ledger.
    fetch
        Gets a picture from an address, with at most so many bytes: `functions._fetch.Web.fetch`.
    """
    app = flask.Blueprint("facts", __name__, url_prefix="/studio")

    @app.get("/facts.json")
    def facts() -> dict[str, Any]:
        return told(settings)

    @app.get("/spend.json")
    def spend() -> dict[str, Any]:
        return spent(settings, work)

    @app.get("/samples/<operation>/<name>")
    def sample(operation: str, name: str) -> flask.Response:
        if f"{operation}/{name}" not in sample_pictures():
            flask.abort(404)
        return flask.send_from_directory(SAMPLES / operation, name)

    @app.post("/fetch")
    def fetched() -> flask.Response:
        data = fetch(flask.request.form.get("image_url", ""), settings.max_bytes)
        return flask.Response(data, mimetype=CONTENT_TYPES.get(sniff(data) or "", UNKNOWN))

    @app.errorhandler(StudioError)
    def refused(error: StudioError) -> flask.Response:
        return problems.respond(error, flask.g.visit)

    return app


def told(settings: Settings) -> dict[str, Any]:
    """Return what the page needs to know of this studio before it can offer anything."""
    return {
        "engine": settings.engine,
        "engines": ["gemini", "embedded"] if settings.gemini_is_set_up else ["embedded"],
        "max_bytes": settings.max_bytes,
        "max_megapixels": settings.max_megapixels,
        "operations": {name: _operation(operation) for name, operation in STEPS.items()},
        "presets": [{"name": name, "title": named(name).title} for name in names()],
        "samples": [
            {"operation": name.partition("/")[0], "address": f"/studio/samples/{name}"}
            for name in sample_pictures()
        ],
    }


def _operation(operation: Operation[Any]) -> dict[str, Any]:
    """Return what a step of a recipe understands; presets are a whole recipe's."""
    schema = operation.options.model_json_schema()
    schema["properties"].pop("preset", None)
    used = json.dumps(schema["properties"])
    named = {name: own for name, own in schema.get("$defs", {}).items() if f'/{name}"' in used}
    return {"summary": operation.summary, "schema": {**schema, "$defs": named}}


def spent(settings: Settings, work: Bucket) -> dict[str, Any]:
    """Return the day's cap and what of it was set aside, in dollars; None where nothing is noted.

    What an instance has set aside and not yet spent counts as spent: see
    docs/decisions/0006-spend-is-reserved-in-blocks.md.
    """
    if settings.cap_day is None:
        return {"cap": None, "spent": None}
    try:
        data, _ = work.read(ledger_name(time.time()))
    except ObjectMissing:
        return {"cap": settings.cap_day, "spent": 0.0}
    return {"cap": settings.cap_day, "spent": dollars(read_grants(data).get(DAY, 0))}


def sample_pictures() -> list[str]:
    """Return the samples' names, ``cutout/mug.jpg``, sorted."""
    return sorted(path.relative_to(SAMPLES).as_posix() for path in SAMPLES.glob("*/*.jpg"))
