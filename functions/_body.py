"""What an HTTP request brings: pictures, options, or the address of a picture.

Multipart form data and JSON carry the same names.  Options may stand in the query, in the body and
in a recipe; the body wins over the query, the query over the recipe.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any, NoReturn

import flask
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from common.errors import BadInput, BadOptions, PictureTooLarge, UnsupportedBody

SOURCES = ("image", "image_url", "image_uri")
SCHEMES = {"image_url": "https://", "image_uri": "gs://"}
PICTURES = ("image", "render", "background", "mask")  # what may come as a file
ENCODED = ("image", "render", "mask")  # what may come as base64 in JSON
DATA = "data:"  # begins a picture in base64 where a word or a colour may stand too
MAX_PARTS = 500
MAX_VALUES = 100_000  # of a JSON text; two bytes of one can take sixty in memory
VALUES = (",", "[", "{")  # each begins one at most, and no picture in base64 holds any
FIELDS_ALLOWANCE = 1_000_000  # bytes of a body beside its picture: options, recipe, boundaries


@dataclass(frozen=True)
class Asked:
    """A request, taken apart.

    Attributes
    ----------
    options
        Names and values, not yet validated.
    pictures
        Files by name: ``image``, ``render``, ``background``.
    address
        ``https://`` or ``gs://`` address of the picture where ``image`` is not among `pictures`.
    """

    options: dict[str, Any]
    pictures: dict[str, bytes] = field(default_factory=dict)
    address: str | None = None


def largest_body(max_bytes: int) -> int:
    """Return the most bytes a body may have: the largest picture in base64, and its fields."""
    return max_bytes * 4 // 3 + FIELDS_ALLOWANCE


def check_plain(request: flask.Request) -> None:
    """Make sure that a body came as it is.

    Raises
    ------
    UnsupportedBody
        It is compressed: nobody would know how large it is.
    """
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise UnsupportedBody(
            "A compressed body is not understood.", advice="Send it without Content-Encoding."
        )


def read(request: flask.Request) -> Asked:
    """Take a request apart.

    Raises
    ------
    UnsupportedBody
        Neither multipart form data nor JSON, or compressed.
    BadInput
        No picture, more than one, or a body that cannot be read.
    BadOptions
        A recipe that is not a JSON object, or a file under a name that takes none.
    werkzeug.exceptions.RequestEntityTooLarge
        More bytes than ``request.max_content_length``.
    """
    check_plain(request)
    match request.mimetype:
        case "multipart/form-data":
            fields, pictures = _from_form(request)
        case "application/json":
            fields, pictures = _from_json(request)
        case other:
            raise UnsupportedBody(
                f"A body of type {other or 'nothing'} is not understood.",
                advice="Send multipart/form-data or application/json.",
            )
    address = _only_source(fields, pictures)
    recipe = _recipe(fields.pop("recipe", {}))
    return Asked(recipe | _listed(request.args) | fields, pictures, address)


# --- multipart ------------------------------------------------------------------------------------


def _from_form(request: flask.Request) -> tuple[dict[str, Any], dict[str, bytes]]:
    request.max_form_parts = MAX_PARTS
    fields, pictures = _listed(request.form), {}
    for name, files in request.files.lists():
        if name not in (*PICTURES, "recipe"):
            raise BadOptions(f"{name} takes no file.", field=name)
        if len(files) > 1 or name in fields:
            _refuse_twice(name)
        content = files[0].read()
        if name == "recipe":
            fields[name] = content.decode(errors="replace")
        else:
            pictures[name] = content
    if isinstance(fields.get("image"), str):
        raise BadInput(
            "image came as text, not as a file.",
            advice="With curl, write -F image=@photo.jpg.",
            field="image",
        )
    return fields, pictures


def _listed(values: Any) -> dict[str, Any]:
    """Return form or query fields; one given again becomes a list."""
    return {name: many[0] if len(many) == 1 else many for name, many in values.lists()}


# --- JSON -----------------------------------------------------------------------------------------


def _from_json(request: flask.Request) -> tuple[dict[str, Any], dict[str, bytes]]:
    fields = json_object(request)
    pictures = {name: decoded(name, fields.pop(name)) for name in ENCODED if name in fields}
    background = fields.get("background")
    if isinstance(background, str) and background.startswith(DATA):
        pictures["background"] = decoded("background", fields.pop("background"))
    return fields, pictures


def json_object(request: flask.Request) -> dict[str, Any]:
    """Return a body that is one JSON object.

    Raises
    ------
    BadInput
        It is not.
    """
    return _object(whole(request), "The body")


def whole(request: flask.Request) -> bytes:
    """Return the body, which must not pass for whole where it is not.

    One in chunks is cut at the limit, and gunicorn gives less than was announced where the caller
    broke off.
    """
    data = request.get_data(cache=False)
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(data) >= limit:
        raise RequestEntityTooLarge
    if len(data) < (request.content_length or 0):
        raise ClientDisconnected
    return data


def _object(text: str | bytes, what: str) -> dict[str, Any]:
    if _most_values(text) > MAX_VALUES:
        raise BadInput(f"{what} holds more than {MAX_VALUES:,} values.", advice="Send fewer.")
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BadInput(f"{what} is not JSON.", advice="Send one JSON object.") from None
    if not isinstance(value, dict):
        raise BadInput(f"{what} is JSON, but not an object.", advice="Send one JSON object.")
    return value


def _most_values(text: str | bytes) -> int:
    """Return how many values a JSON text holds at most, without reading it."""
    if isinstance(text, str):
        return sum(map(text.count, VALUES))
    return sum(text.count(mark.encode()) for mark in VALUES)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def decoded(name: str, value: object) -> bytes:
    """Return the picture that the field `name` holds in base64, or in a data URL.

    Raises
    ------
    BadInput
        It holds none.
    """
    text = value if isinstance(value, str) else ""
    if text.startswith(DATA):
        text = text.partition(",")[2]
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        raise BadInput(
            f"{name} is not a picture in base64.",
            advice="Encode the file's bytes in base64, or send multipart form data.",
            field=name,
        )
    return data


# --- both -----------------------------------------------------------------------------------------


def _only_source(fields: dict[str, Any], pictures: dict[str, bytes]) -> str | None:
    """Take the picture's address out of `fields`, having made sure that one source was given."""
    given = [name for name in SOURCES if name in fields or name in pictures]
    if not given:
        raise BadInput(
            "There is no picture in the request.",
            advice=f"Send exactly one of {', '.join(SOURCES)}.",
            field="image",
        )
    if len(given) > 1:
        raise BadInput(
            f"The request names more than one picture: {' and '.join(given)}.",
            advice="Send exactly one.",
            field=given[1],
        )
    if given == ["image"]:
        return None
    return _address(given[0], fields.pop(given[0]))


def _address(name: str, value: object) -> str:
    scheme = SCHEMES[name]
    if not isinstance(value, str) or not value.lower().startswith(scheme):
        raise BadInput(f"{name} must begin with {scheme}", field=name)
    return scheme + value[len(scheme) :]  # GS:// is gs:// to everybody who looks at it later


def _recipe(value: object) -> dict[str, Any]:
    if isinstance(value, str):
        value = _object(value, "The recipe")
    if not isinstance(value, dict):
        raise BadOptions("The recipe is not a JSON object of options.", field="recipe")
    return value


def _refuse_twice(name: str) -> NoReturn:
    raise BadInput(f"{name} was given more than once.", field=name)


def check_bytes(pictures: dict[str, bytes], max_bytes: int) -> None:
    """Refuse a picture file of more than `max_bytes` before anything is done with it.

    Raises
    ------
    PictureTooLarge
        Naming the field.
    """
    for name, data in pictures.items():
        if len(data) > max_bytes:
            raise PictureTooLarge(
                f"{name} has {len(data):,} bytes; the limit is {max_bytes:,}.",
                advice="Send a smaller file.",
                field=name,
            )
