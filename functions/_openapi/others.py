"""The paths beside the operations."""

from __future__ import annotations

from functions._http import accept, later, uploading
from functions._http.pages import ERRORS, HEALTH
from functions._openapi.parts import (
    ALWAYS,
    PICTURE,
    WITH_PICTURES,
    Json,
    failures,
    header,
    parameters,
    ref,
)
from functions._removebg.fields import Asked
from functions._removebg.serving import FILES, PATH

REMOVEBG = "removebg-"  # begins the names of its failures, which have another shape


def paths() -> Json:
    """Return them all."""
    return {
        uploading.PATH: {"post": _uploads()},
        later.JOBS + "{id}": {"get": _jobs()},
        PATH: {"post": _removebg()},
        HEALTH: {"get": _health()},
        ERRORS + "{code}": {"get": _page()},
        "/openapi.json": {"get": _contract()},
    }


def _uploads() -> Json:
    example = {"operation": "cutout", "content_type": "image/jpeg", "bytes": 41_000_000}
    return {
        "operationId": "uploads",
        "summary": "Get an address to which a large picture may be sent.",
        "tags": ["later"],
        "parameters": parameters("RequestId", "IdempotencyKey"),
        "requestBody": {
            "required": True,
            "content": {
                accept.JSON: {
                    "schema": ref("UploadRequest"),
                    "examples": {"cutout": {"value": example}},
                }
            },
        },
        "responses": {
            "201": {
                "description": "Send the picture to `upload_url`, with `headers` as they are.",
                "headers": {"Location": header("the job", "string")},
                "content": {accept.JSON: {"schema": ref("UploadTicket")}},
            },
            **failures(ALWAYS | {409, 412, 413, 415, 422}),
        },
    }


def _jobs() -> Json:
    return {
        "operationId": "jobs",
        "summary": "Ask what became of a job.",
        "tags": ["later"],
        "parameters": [
            *parameters("RequestId"),
            {
                "name": "id",
                "in": "path",
                "required": True,
                "description": "the job's id, as the reply that made it told",
                "schema": {"type": "string", "pattern": "^[a-z]+-[0-9a-f]{32}\\.[a-z0-9]{2,5}$"},
            },
        ],
        "responses": {
            "200": {
                "description": "How far it is, and what came of it.",
                "headers": {"Retry-After": header("seconds, as long as it is not done", "integer")},
                "content": {accept.JSON: {"schema": ref("JobStatus")}},
            },
            **failures(ALWAYS | {422}),
        },
    }


def _removebg() -> Json:
    schema = Asked.model_json_schema(ref_template="#/components/schemas/{model}")
    fields = {name: _as_text(value) for name, value in schema["properties"].items()}
    form = {"type": "object", "properties": fields}
    files = {"type": "object", "properties": {**fields, **dict.fromkeys(FILES, PICTURE)}}
    picture = {"schema": PICTURE}
    names = ("Type", "Width", "Height", "Credits-Charged")
    corner = tuple(f"Foreground-{side}" for side in ("Top", "Left", "Width", "Height"))
    return {
        "operationId": "removebg",
        "summary": "Remove a background, with remove.bg's fields, headers and errors.",
        "tags": ["compatible"],
        "parameters": parameters("RequestId", "IdempotencyKey"),
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": files},
                "application/x-www-form-urlencoded": {"schema": form},
                accept.JSON: {"schema": form},
            },
        },
        "responses": {
            "200": {
                "description": "The picture, or JSON with the picture in base64.",
                "headers": {f"X-{name}": header(name, "string") for name in (*names, *corner)},
                "content": {
                    **dict.fromkeys(
                        ("image/png", "image/jpeg", "image/webp", "application/zip"), picture
                    ),
                    accept.JSON: {"schema": ref("RemoveBgResult")},
                },
            },
            **failures(WITH_PICTURES - {401, 406}, REMOVEBG),
        },
    }


def _as_text(schema: Json) -> Json:
    """Return a field's schema: all but switches are text there."""
    told = {key: schema[key] for key in ("description",) if key in schema}
    if "enum" in schema:
        return {**told, "type": "string", "enum": schema["enum"]}
    return {**told, "type": "boolean" if schema.get("type") == "boolean" else "string"}


def _health() -> Json:
    return {
        "operationId": "health",
        "summary": "Ask whether the process answers.",
        "tags": ["about"],
        "security": [],
        "responses": {
            "200": {
                "description": "It does.",
                "content": {
                    accept.JSON: {
                        "schema": {
                            "type": "object",
                            "required": ["status"],
                            "properties": {"status": {"const": "ok"}},
                        }
                    }
                },
            },
            **failures({405, 500}),
        },
    }


def _page() -> Json:
    code = {"name": "code", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "operationId": "error",
        "summary": "Read about a failure: what it means, what to do.",
        "tags": ["about"],
        "security": [],
        "parameters": [code],
        "responses": {
            "200": {
                "description": "The page.",
                "content": {"text/markdown": {"schema": {"type": "string"}}},
            },
            **failures({404, 405, 500}),
        },
    }


def _contract() -> Json:
    return {
        "operationId": "contract",
        "summary": "Read this document.",
        "tags": ["about"],
        "security": [],
        "responses": {
            "200": {
                "description": "It.",
                "content": {accept.JSON: {"schema": {"type": "object"}}},
            },
            **failures({404, 405, 500}),
        },
    }
