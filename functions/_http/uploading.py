"""``POST /v1/uploads``: an address to which a picture may be sent, past all limits of a request.

Size, type and options are bound by the signature.  What arrives is an input like any other: the
bucket door works on it, and the job tells of it.  Where the input bucket is a folder, the address
leads back here: ``PUT /v1/uploads/<token>``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

import flask
from pydantic import BaseModel, ConfigDict, Field

from common import codec
from common.errors import (
    BadInput,
    BadOptions,
    BadSignature,
    PictureTooLarge,
    PreconditionFailed,
    UnsupportedBody,
)
from common.operations.options import read_options, read_values
from common.operations.registry import OPERATIONS
from common.settings import Settings
from functions import _body, _wiring
from functions._http import accept, access, body_clock, crowd, door, idempotency, later, problems
from functions._http.access import Caller
from functions._http.visit import Visit
from functions._signing import META, Address, Signer

NAME = "uploads"
PATH = "/v1/uploads"
MOST_REQUEST = 100_000  # bytes of the request for an address


class UploadRequest(BaseModel):
    """What is to be uploaded, and what for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: str = Field(description="what is to be done with it")
    content_type: str = Field(description="the picture's media type, like image/jpeg")
    bytes: int | None = Field(
        default=None, ge=1, le=2**53, description="how many exactly; by default up to the limit"
    )
    options: dict[str, Any] = Field(default_factory=dict, description="the operation's options")


class UploadTicket(BaseModel):
    """Where to send the picture, and what tells of it."""

    id: str = Field(description="the job's")
    url: str = Field(description="where the job is told of")
    method: str = Field(description="with which the picture is sent")
    upload_url: str = Field(description="where it is sent; good once")
    headers: dict[str, str] = Field(description="which the request must bear, as they are")
    expires: str = Field(description="until when, in UTC")


def serve(request: flask.Request) -> flask.Response:
    """Answer a request."""
    return door.enter(NAME, request, _answer)


def _answer(visit: Visit, request: flask.Request, settings: Settings) -> flask.Response:
    token = request.path.strip("/").removeprefix("v1/uploads").strip("/")
    if token and "." in token:
        return _receive(token, visit, request, settings)
    door.check_path(request, PATH, "POST")
    caller = access.admit(request, settings)
    visit.facts["caller"] = caller.name
    request.max_content_length = MOST_REQUEST
    with body_clock.within(request, settings.body_seconds):
        asked = read_values(UploadRequest, _members(request))

    def produce() -> flask.Response:
        return _ticket(asked, caller, visit, request, settings)

    mark = partial(idempotency.fingerprint, NAME, asked.model_dump(mode="json"))
    once = idempotency.once(request, caller.folder, mark, lambda: _wiring.buckets().work)
    if once is None:
        return produce()
    return once.do(produce, lambda error: problems.noted(error, visit))


def _members(request: flask.Request) -> dict[str, Any]:
    _body.check_plain(request)
    if request.mimetype != accept.JSON:
        raise UnsupportedBody("A request for an upload is JSON.", advice=f"Send {accept.JSON}.")
    return _body.json_object(request)


def _ticket(
    asked: UploadRequest, caller: Caller, visit: Visit, request: flask.Request, settings: Settings
) -> flask.Response:
    buckets = _wiring.buckets()
    caller.check_operation(asked.operation)
    options = _checked(asked)
    job = later.new_job(asked.operation, _suffix(asked.content_type), caller)
    visit.facts["job"] = job.id
    signer = Signer(buckets.work, request.host_url.rstrip("/"))
    inbox = later.inbox(settings.input_bucket, settings.upload_account)
    address = signer.to_bring(
        inbox, job.object_name, asked.content_type, _sizes(asked, settings), options
    )
    response = flask.jsonify(_told(job, address).model_dump())
    response.status_code = 201
    response.headers["Location"] = job.path
    response.autocorrect_location_header = False
    return response


def _told(job: later.Job, address: Address) -> UploadTicket:
    expires = datetime.fromtimestamp(address.expires, UTC).isoformat(timespec="seconds")
    return UploadTicket(
        id=job.id,
        url=job.path,
        method=address.method,
        upload_url=address.url,
        headers=dict(address.headers),
        expires=expires,
    )


def _checked(asked: UploadRequest) -> str:
    """Return the options as metadata, having made sure that the operation understands them."""
    operation = OPERATIONS.get(asked.operation)
    if operation is None:
        raise BadOptions(
            f"There is no operation {asked.operation!r}.",
            advice=f"The operations are {', '.join(OPERATIONS)}.",
            field="operation",
        )
    read_options(operation.options, asked.options)
    return later.params(asked.options)


def _suffix(content_type: str) -> str:
    for format, known in codec.CONTENT_TYPES.items():
        if known == content_type and format in codec.READS:
            return later.suffix_of(format)
    raise BadInput(
        f"The studio reads no pictures of type {content_type!r}.",
        advice=f"Send one of: {', '.join(codec.CONTENT_TYPES[name] for name in codec.READS)}.",
        field="content_type",
    )


def _sizes(asked: UploadRequest, settings: Settings) -> tuple[int, int]:
    if asked.bytes is None:
        return 1, settings.max_bytes
    if asked.bytes > settings.max_bytes:
        raise PictureTooLarge(
            f"A picture of {asked.bytes:,} bytes is too large; the limit is "
            f"{settings.max_bytes:,}.",
            advice="Send a smaller file.",
            field="bytes",
        )
    return asked.bytes, asked.bytes


# --- where the input bucket is a folder -----------------------------------------------------------


def _receive(
    token: str, visit: Visit, request: flask.Request, settings: Settings
) -> flask.Response:
    door.check_method(request, "PUT")
    buckets = _wiring.buckets()
    claims = Signer(buckets.work, request.host_url.rstrip("/")).read(token, "put")
    headers: dict[str, str] = claims["headers"]
    fewest, most = map(int, headers["x-goog-content-length-range"].split(","))
    if request.mimetype != headers["Content-Type"]:
        raise BadSignature("The address was signed for another type.", field="Content-Type")
    request.max_content_length = most
    with crowd.seat(request, settings.requests_together):
        with body_clock.within(request, settings.body_seconds):
            data = _body.whole(request)
        if len(data) < fewest:
            raise BadSignature("The address was signed for more bytes.", field="Content-Length")
        metadata = {later.PARAMS: headers[f"{META}{later.PARAMS}"]}
        _write(claims["put"], data, headers["Content-Type"], metadata)
    visit.facts["object"] = claims["put"]
    return flask.Response(status=200)


def _write(name: str, data: bytes, content_type: str, metadata: dict[str, str]) -> None:
    try:
        _wiring.buckets().input.write(
            name, data, if_generation=0, content_type=content_type, metadata=metadata
        )
    except PreconditionFailed as error:
        raise BadSignature("This address was used already.", advice="Ask for a new one.") from error
