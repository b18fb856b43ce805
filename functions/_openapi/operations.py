"""The paths of the operations, from their options' models."""

from __future__ import annotations

from typing import Any

from common.operations.base import Operation
from functions import _body
from functions._http import accept
from functions._openapi.parts import (
    BASE64,
    FIGURES,
    PICTURE,
    WITH_PICTURES,
    Json,
    failures,
    header,
    parameters,
    pictures,
    readable,
    ref,
)

NO_OPTIONS = {"operation"}  # the model's own mark, not the caller's
EXAMPLES: dict[str, Json] = {
    "detect": {"query": "the bottle"},
    "check": {"preset": ["amazon-main", "ebay"]},
    "cutout": {"background": "#ffffff", "crop": "subject", "margin": "8%"},
    "erase": {"region": [[0, 0, 200, 1000]]},
    "clean": {"remove": "cables, price stickers, dust", "even": True},
    "expand": {"aspect": "16:9", "anchor": "bottom"},
    "pipeline": {"steps": [{"operation": "erase"}, {"operation": "expand", "aspect": "1:1"}]},
}
ADDRESS = "https://shop.example/photos/shoe.jpg"


def path(operation: Operation[Any]) -> Json:
    """Return the path of an operation."""
    return {
        "post": {
            "operationId": operation.name,
            "summary": operation.summary,
            "tags": ["operations"],
            "description": _DESCRIPTION,
            "parameters": [
                *parameters("RequestId", "IdempotencyKey", "Prefer"),
                *_query(operation),
            ],
            "requestBody": {"required": True, "content": _bodies(operation)},
            "responses": _responses(),
        }
    }


_DESCRIPTION = (
    "Send exactly one picture: as a file (`image`), in base64 (`image` in JSON), or as an address"
    " (`image_url`, `image_uri`). Options stand in the body, the query or a `recipe`; the body wins"
    " over the query, the query over the recipe. `Accept` chooses what comes back."
)


def options_of(operation: Operation[Any]) -> tuple[Json, Json]:
    """Return the schema of an operation's options, and the schemas that it refers to."""
    schema = operation.options.model_json_schema(ref_template="#/components/schemas/{model}")
    definitions = schema.pop("$defs", {})
    properties = {
        name: value for name, value in schema["properties"].items() if name not in NO_OPTIONS
    }
    return properties, definitions


def _bodies(operation: Operation[Any]) -> Json:
    options, _ = options_of(operation)
    as_text = {name: as_form_field(schema) for name, schema in options.items()}
    files = dict.fromkeys(_body.PICTURES, PICTURE)
    addresses = {
        "image_url": {"type": "string", "format": "uri", "pattern": "^https://"},
        "image_uri": {"type": "string", "pattern": "^gs://"},
    }
    recipe = {"type": "object", "description": "options, as a file or a JSON object"}
    lenient = {name: as_json_member(schema) for name, schema in options.items()}
    encoded = dict.fromkeys(_body.ENCODED, BASE64)
    example = EXAMPLES.get(operation.name, {})
    return {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "properties": {**as_text, **files, **addresses, "recipe": {"type": "string"}},
            },
            "encoding": {name: {"contentType": readable()} for name in _body.PICTURES},
        },
        accept.JSON: {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "properties": {**lenient, **encoded, **addresses, "recipe": recipe},
            },
            "examples": {"address": {"value": {"image_url": ADDRESS, **example}}},
        },
    }


def as_json_member(schema: Json) -> Json:
    """Return the schema of an option in JSON, which may be written as on the command line too."""
    if "anyOf" in schema or schema.get("type") != "array":
        return schema
    told = {key: value for key, value in schema.items() if key in {"description", "default"}}
    bare = {key: value for key, value in schema.items() if key not in told}
    return {**told, "anyOf": [bare, {"type": "string"}]}


def as_form_field(schema: Json) -> Json:
    """Return the schema of an option in a form: text, which may come several times."""
    told = {key: value for key, value in schema.items() if key == "description"}
    if "enum" in schema:
        return {**told, "type": "string", "enum": schema["enum"]}
    if schema.get("type") == "array":
        return {**told, "type": "array", "items": {"type": "string"}}
    return {**told, "type": schema["type"] if schema.get("type") == "boolean" else "string"}


def _query(operation: Operation[Any]) -> list[Json]:
    options, _ = options_of(operation)
    return [
        {
            "name": name,
            "in": "query",
            "description": schema.get("description", ""),
            "schema": as_form_field(schema),
        }
        for name, schema in options.items()
        if "discriminator" not in str(schema)  # a pipeline's steps are no matter for a query
    ]


def _responses() -> Json:
    told = {"schema": ref("Result")}
    return {
        "200": {
            "description": "The picture, or the report with the picture in it.",
            "headers": FIGURES,
            "content": {**pictures(), accept.JSON: told},
        },
        "202": {
            "description": "It will be done later; the job tells when (`Prefer: respond-async`).",
            "headers": {
                "Location": header("the job", "string"),
                "Retry-After": header("seconds", "integer"),
                "Preference-Applied": header("respond-async", "string"),
            },
            "content": {accept.JSON: {"schema": ref("JobAccepted")}},
        },
        "303": {
            "description": "The picture is at `Location`: it is too large for a reply, or"
            " `Prefer: picture=url` asked for its address.",
            "headers": {**FIGURES, "Location": header("where the picture is", "string")},
            "content": {accept.JSON: {"schema": ref("Result")}},
        },
        **failures(WITH_PICTURES),
    }
