"""One request of remove.bg's API."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import flask

from common import codec
from common.errors import BadInput, StudioError, Unauthorized, UnsupportedBody
from common.image import Image
from common.operations.options import CutoutOptions, read_options, read_values
from common.report import Report
from common.settings import Settings
from functions import _body, _fetch, _log, _wiring
from functions._http import (
    accept,
    access,
    body_clock,
    crowd,
    door,
    idempotency,
    later,
    problems,
    replies,
)
from functions._http.access import Caller
from functions._http.visit import Visit
from functions._removebg.fields import Asked, given
from functions._removebg.pictures import Result, finish

NAME = "removebg"
PATH = "/v1.0/removebg"
FILES = ("image_file", "bg_image_file")
SOURCES = ("image_file", "image_file_b64", "image_url")
CODES = {"nothing-found": "unknown_foreground", "unauthorized": "auth_failed"}


@dataclass(frozen=True)
class Brought:
    """What a request brings."""

    asked: Asked
    files: dict[str, bytes] = field(default_factory=dict)

    def fingerprint(self, *more: object) -> str:
        """Return a mark of what is asked: equal marks, equal requests."""
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()}
        asked = self.asked.model_dump(mode="json", exclude={"image_file_b64"})
        return idempotency.fingerprint(NAME, asked, digests, *more)


def serve(request: flask.Request) -> flask.Response:
    """Answer a request."""
    return door.enter(NAME, request, _answer, _told)


def _answer(visit: Visit, request: flask.Request, settings: Settings) -> flask.Response:
    request.max_content_length = _body.largest_body(settings.max_bytes)
    door.check_path(request, PATH, "POST")
    caller = access.admit(request, settings)
    visit.facts["caller"] = caller.name
    caller.check_operation("cutout")
    as_json = request.accept_mimetypes.best_match(["image/*", accept.JSON]) == accept.JSON
    with crowd.seat(request, settings.requests_together):
        with body_clock.within(request, settings.body_seconds):
            brought = _read(request)
        _body.check_bytes(brought.files, settings.max_bytes)
        produce = partial(_now, visit, brought, settings, caller, as_json=as_json)
        mark = partial(brought.fingerprint, as_json)
        bucket = partial(idempotency.work_bucket, settings)
        once = idempotency.once(request, caller.folder, mark, bucket)
        if once is None:
            return produce()
        return once.do(produce, lambda error: _noted(error, visit))


# --- what is asked --------------------------------------------------------------------------------


def _read(request: flask.Request) -> Brought:
    values, files = _taken(request)
    asked = read_values(Asked, given(values))
    sources = [*files.keys() & {"image_file"}, *_named(asked)]
    if len(sources) != 1:
        raise BadInput(
            "There is no picture in the request."
            if not sources
            else f"The request names more than one picture: {' and '.join(sorted(sources))}.",
            advice=f"Send exactly one of {', '.join(SOURCES)}.",
            field=sources[1] if sources else "image_file",
        )
    if asked.image_file_b64 is not None:
        files["image_file"] = _body.decoded("image_file_b64", asked.image_file_b64)
    return Brought(asked, files)


def _named(asked: Asked) -> list[str]:
    return [name for name in SOURCES[1:] if getattr(asked, name) is not None]


def _taken(request: flask.Request) -> tuple[dict[str, Any], dict[str, bytes]]:
    _body.check_plain(request)
    match request.mimetype:
        case accept.JSON:
            return _body.json_object(request), {}
        case "application/x-www-form-urlencoded":
            return _from_text(_body.whole(request)), {}
        case "multipart/form-data":
            # A picture in base64 may be text there too, and callers of that API send it so.
            request.max_form_memory_size = request.max_content_length
            request.max_form_parts = _body.MAX_PARTS
            files = {name: file.read() for name, file in request.files.items() if name in FILES}
            return request.form.to_dict(), {name: data for name, data in files.items() if data}
    raise UnsupportedBody(
        "The body is neither a form nor JSON.",
        advice="Send multipart/form-data, a form or application/json.",
    )


def _from_text(body: bytes) -> dict[str, str]:
    """Return the fields of a form without files; the first counts where one comes again."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"),
            keep_blank_values=True,
            max_num_fields=_body.MAX_PARTS,
        )
    except ValueError:
        raise BadInput(f"The form has more than {_body.MAX_PARTS} fields.") from None
    return dict(reversed(pairs))


# --- what is made ---------------------------------------------------------------------------------


def _made(
    visit: Visit, brought: Brought, settings: Settings, caller: Caller
) -> tuple[Result, Report]:
    picture = _source(brought, settings)
    image = codec.decode(picture, _wiring.limits())
    backdrop = _backdrop(brought, settings)
    options = _options(brought.asked, image)
    visit.facts |= _log.asset(picture, brought.asked.model_dump(exclude={"image_file_b64"}))
    outcome = _wiring.outcome_of(
        _wiring.operation("cutout"), image, options, name=later.folder("cutout", caller)
    )
    visit.facts |= _log.came_of_it(outcome.report.model_dump(mode="json"))
    if outcome.image is None:
        raise AssertionError("a cutout that is no dry run is a picture")
    return finish(outcome.image, brought.asked, backdrop), outcome.report


def _source(brought: Brought, settings: Settings) -> bytes:
    if brought.asked.image_url is None:
        return brought.files["image_file"]
    return _fetch.Web().fetch(brought.asked.image_url, settings.max_bytes)


def _backdrop(brought: Brought, settings: Settings) -> Image | None:
    data = brought.files.get("bg_image_file")
    if data is None and brought.asked.bg_image_url is not None:
        data = _fetch.Web().fetch(brought.asked.bg_image_url, settings.max_bytes)
    return None if data is None else codec.decode(data, _wiring.limits())


def _options(asked: Asked, image: Image) -> CutoutOptions:
    values: dict[str, Any] = {
        "subject": asked.subject,
        "shadow": asked.add_shadow,
        "material": "auto" if asked.semitransparency else "opaque",
    }
    box = asked.box(image.size)
    return read_options(CutoutOptions, values | ({} if box is None else {"box": box}))


# --- what is answered -----------------------------------------------------------------------------


def _now(
    visit: Visit, brought: Brought, settings: Settings, caller: Caller, *, as_json: bool
) -> flask.Response:
    result, report = _made(visit, brought, settings, caller)
    return _reply(result, report, brought.asked, as_json=as_json)


def _reply(result: Result, report: Report, asked: Asked, *, as_json: bool) -> flask.Response:
    place = result.foreground
    corner = {"top": place.top, "left": place.left, "width": place.width, "height": place.height}
    if as_json:
        data: dict[str, Any] = {"result_b64": base64.b64encode(result.file.data).decode()}
        data |= {f"foreground_{name}": value for name, value in corner.items()}
        response = flask.Response(json.dumps({"data": data}), mimetype=accept.JSON)
    else:
        response = flask.Response(result.file.data, mimetype=result.file.content_type)
    response.headers["X-Type"] = "other" if asked.type == "auto" else _header(asked.type)
    response.headers["X-Width"] = str(result.size.width)
    response.headers["X-Height"] = str(result.size.height)
    response.headers["X-Credits-Charged"] = "1" if report.cost.dollars else "0"
    for side, length in corner.items():
        response.headers[f"X-Foreground-{side.title()}"] = str(length)
    for name, value in replies.figures(report).items():
        response.headers.setdefault(name, value)
    return response


def _header(text: str) -> str:
    return "".join(char for char in text if char.isascii() and char.isalnum()) or "other"


def _noted(error: StudioError, visit: Visit) -> flask.Response:
    visit.error = error
    return _told(error, visit)


def _told(error: StudioError, visit: Visit) -> flask.Response:
    """Return a failure in the shape of that API; it says 403 to callers it does not know."""
    code = CODES.get(error.code, error.code.replace("-", "_"))
    problem = error.problem()
    fault = {"title": error.message, "code": code, "detail": problem["detail"]}
    extra = {"type": problem["type"], "request_id": visit.request_id}
    response = problems.streamed(error, {"errors": [fault | extra]}, accept.JSON)
    if isinstance(error, Unauthorized):
        response.status_code = 403
    return response
