"""The document."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import flask
from pydantic import BaseModel

from common.operations.registry import OPERATIONS
from common.report import Report
from common.settings import Access, Settings
from functions._http import accept, door, problems
from functions._http.pages import ERRORS
from functions._http.telling import JobStatus
from functions._http.uploading import UploadRequest, UploadTicket
from functions._http.visit import Visit
from functions._openapi import operations, others, parts
from functions._openapi.parts import Json

NAME = "openapi"
PATH = "/openapi.json"
VERSION = "1"
_SECURITY: dict[Access, list[dict[str, list[str]]]] = {
    "keys": [{"apiKey": []}, {"bearer": []}],
    "iam": [{"bearer": []}],
    "iap": [{"bearer": []}],
    "open": [],
}


def serve(request: flask.Request) -> flask.Response:
    """Answer a request for the document."""
    return door.enter(NAME, request, _answer)


def _answer(visit: Visit, request: flask.Request, settings: Settings) -> flask.Response:
    del visit
    if request.path.startswith(ERRORS):
        door.check_method(request, "GET", "HEAD")  # a page that is there was given before
    door.check_path(request, PATH, "GET", "HEAD")
    response = flask.Response(_text(settings.access), mimetype=accept.JSON)
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@cache
def _text(access: Access) -> str:
    return json.dumps(build(access), ensure_ascii=False)


def build(access: Access = "keys") -> Json:
    """Return the document.

    Parameters
    ----------
    access
        Who may ask; see `common.settings`.
    """
    paths = {f"/v1/{name}": operations.path(each) for name, each in OPERATIONS.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Visual Asset Automation Studio",
            "version": VERSION,
            "summary": "Product pictures become finished assets; every source pixel that need not"
            " change is kept.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": _SECURITY[access],
        "tags": [{"name": name} for name in ("operations", "later", "compatible", "about")],
        "paths": paths | others.paths(),
        "components": {
            "schemas": _schemas(),
            "responses": _responses(),
            "parameters": parts.PARAMETERS,
            "securitySchemes": {
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _responses() -> Json:
    theirs = parts.problem_responses("RemoveBgErrors", accept.JSON)
    return parts.problem_responses("Problem", problems.PROBLEM) | {
        f"{others.REMOVEBG}{status}": response for status, response in theirs.items()
    }


def _schemas() -> Json:
    found: Json = {}
    for model in (Report, JobStatus, UploadRequest, UploadTicket):
        found |= _of_model(model)
    for operation in OPERATIONS.values():
        found |= operations.options_of(operation)[1]
    found["Problem"] = parts.problem_schema()
    found["Result"] = _result(found["Report"])
    found["JobAccepted"] = _object(id="string", status="string", url="string")
    found |= _removebg()
    return dict(sorted(found.items()))


def _of_model(model: type[BaseModel]) -> Json:
    schema = model.model_json_schema(
        ref_template="#/components/schemas/{model}", mode="serialization"
    )
    definitions: dict[str, Any] = schema.pop("$defs", {})
    if "$ref" not in schema:
        definitions[model.__name__] = schema
    return definitions


def _result(report: Json) -> Json:
    """Return the schema of a JSON reply: the report, the request's id, and the picture."""
    asset = _object(preset="string", content_type="string")
    asset["properties"]["image"] = parts.BASE64
    more = {
        "request_id": {"type": "string"},
        "content_type": {"type": "string", "description": "the picture's"},
        "image": {**parts.BASE64, "description": "the picture, if there is one"},
        "mask": {**parts.BASE64, "description": "where pixels may have changed, as PNG"},
        "assets": {"type": "array", "items": asset, "description": "in place of the image"},
        "image_url": {"type": "string", "description": "where a large picture is"},
        "image_url_expires": {"type": "string", "format": "date-time"},
    }
    properties = {**report["properties"], **more}
    required = [*report.get("required", []), "request_id"]
    return {**report, "title": "Result", "properties": properties, "required": required}


def _object(**members: str) -> Json:
    properties = {name: {"type": kind} for name, kind in members.items()}
    return {"type": "object", "required": list(members), "properties": properties}


def _removebg() -> Json:
    fault = _object(title="string", code="string")
    sides = {f"foreground_{side}": "integer" for side in ("top", "left", "width", "height")}
    errors = {"errors": {"type": "array", "minItems": 1, "items": fault}}
    data = {"data": _object(result_b64="string", **sides)}
    return {
        "RemoveBgErrors": {"type": "object", "required": ["errors"], "properties": errors},
        "RemoveBgResult": {"type": "object", "required": ["data"], "properties": data},
    }
