"""What several paths share: problems, headers, media types, references."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from common import codec
from functions._http import accept, problems
from functions._http.pages import ERRORS, kinds

Json = dict[str, Any]

# What the frame of every path may answer, and what the ways to a model and a bucket may.
ALWAYS = frozenset({400, 401, 403, 404, 405, 408, 429, 500, 503})
WITH_PICTURES = ALWAYS | {406, 409, 412, 413, 415, 422, 502, 504}
PICTURE = {"type": "string", "format": "binary"}
BASE64 = {"type": "string", "contentEncoding": "base64"}


def ref(name: str) -> Json:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def problem_schema() -> Json:
    """Return the schema of a problem document."""
    return {
        "type": "object",
        "description": "A failure, as RFC 9457 has it: whose doing, what next, what it cost.",
        "required": [
            *("type", "title", "status", "detail", "code"),
            *("retryable", "charged", "request_id"),
        ],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string"},
            "code": {"type": "string", "enum": list(kinds())},
            "retryable": {"type": "boolean"},
            "charged": {"type": "string", "enum": ["no", "yes", "maybe"]},
            "request_id": {"type": "string"},
            "field": {"type": "string", "description": "the option or field at fault"},
            "retry_after": {"type": "number", "description": "seconds"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                },
            },
        },
        "examples": [problem_example("bad-options")],
    }


def problem_example(code: str) -> Json:
    """Return an example of a problem."""
    kind = kinds()[code]
    return {
        "type": f"{ERRORS}{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": (kind.__doc__ or "").partition("\n")[0],
        "code": code,
        "retryable": kind.retryable,
        "charged": kind.charged,
        "request_id": "4f1c2f6f8f5b4b0c9f3f0f4f4d7b7a11",
    }


def problem_responses(schema: str, media_type: str = problems.PROBLEM) -> dict[str, Json]:
    """Return a response for each status that a failure has, naming its codes."""
    codes: dict[int, list[str]] = defaultdict(list)
    for code, kind in kinds().items():
        codes[kind.status].append(code)
    return {
        str(status): _problem_response(sorted(named), schema, media_type)
        for status, named in sorted(codes.items())
    }


def _problem_response(codes: list[str], schema: str, media_type: str) -> Json:
    examples = {}
    if media_type == problems.PROBLEM:
        examples = {"examples": {code: {"value": problem_example(code)} for code in codes}}
    headers = {"X-Request-ID": header("the request's id", "string")}
    if any(kinds()[code].retryable for code in codes):
        headers["Retry-After"] = header("seconds, where a time is known", "integer")
    return {
        "description": ", ".join(f"[{code}]({ERRORS}{code})" for code in codes),
        "headers": headers,
        "content": {media_type: {"schema": ref(schema), **examples}},
    }


def failures(statuses: Iterable[int], prefix: str = "") -> Json:
    """Return references to the responses of failures."""
    return {
        str(status): {"$ref": f"#/components/responses/{prefix}{status}"}
        for status in sorted(statuses)
    }


def header(description: str, kind: str) -> Json:
    """Return the description of a reply's header."""
    return {"description": description, "schema": {"type": kind}}


FIGURES: Json = {
    "X-Request-ID": header("the request's id", "string"),
    "X-Engine": header("the engine behind the result", "string"),
    "X-Decision": header("accepted, review, original or planned", "string"),
    "X-Cost-USD": header("what the models took", "number"),
    "X-Scores": header("the quality gates' figures, as JSON", "string"),
    "X-Width": header("of the result", "integer"),
    "X-Height": header("of the result", "integer"),
}

PARAMETERS: Json = {
    "RequestId": {
        "name": "X-Request-ID",
        "in": "header",
        "description": "the caller's own id; it comes back, and stands in the log",
        "schema": {"type": "string", "maxLength": 128},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "the same key and request are answered the same, and done once, for a day",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "`respond-async`: 202 and a job; `picture=url`: where the picture is",
        "schema": {"type": "string", "examples": ["respond-async", "picture=url"]},
    },
}


def parameters(*names: str) -> list[Json]:
    """Return references to parameters."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def pictures() -> Json:
    """Return the media types in which a picture comes back."""
    return {media_type: {"schema": PICTURE} for media_type in accept.FORMATS}


def readable() -> str:
    """Return the media types of files that can be sent, for a form's part."""
    return ", ".join(codec.CONTENT_TYPES[name] for name in codec.READS)
