"""``GET /v1/jobs/<id>``: what became of work that is done later.

Where the buckets are folders, ``GET /v1/jobs/files/<token>`` gives what a signed address allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import flask
from pydantic import BaseModel, Field

from common.errors import ObjectMissing, UnknownJob
from common.jobs import Buckets, Found, Source, find
from common.jobs.claim import is_held
from common.settings import Settings
from functions import _events, _wiring
from functions._http import access, door, later
from functions._http.visit import Visit
from functions._notice import Notice
from functions._signing import Signer

NAME = "jobs"
PATH = "/v1/jobs/{id}"
_PUBLISHED = ("input", "job", "picture")  # of a result's document; the rest is the report


class JobPicture(BaseModel):
    """Where the picture of a job is to be had."""

    url: str
    expires: str = Field(description="until when, in UTC")
    content_type: str
    bytes: int


class JobStatus(BaseModel):
    """What became of a job."""

    id: str
    operation: str
    status: Literal["waiting", "working", "done", "failed"]
    url: str = Field(description="where this is told")
    picture: JobPicture | None = Field(default=None, description="once it is done, if there is one")
    report: dict[str, Any] | None = Field(default=None, description="once it is done")
    problem: dict[str, Any] | None = Field(default=None, description="why it failed")


def serve(request: flask.Request) -> flask.Response:
    """Answer a request."""
    return door.enter(NAME, request, _answer)


def _answer(visit: Visit, request: flask.Request, settings: Settings) -> flask.Response:
    door.check_method(request, "GET", "HEAD")
    name = request.path.strip("/").removeprefix("v1/jobs").strip("/")
    here = request.host_url.rstrip("/")
    signer = Signer(_wiring.buckets().work, here)
    if name.startswith("files/"):
        return _file(signer, name.removeprefix("files/"))
    caller = access.admit(request, settings)
    visit.facts |= {"caller": caller.name, "job": name}
    status = told(later.job_of(name, caller), _wiring.buckets(), signer)
    response = flask.jsonify(status.model_dump(mode="json", exclude_none=True))
    if status.status in {"waiting", "working"}:
        response.headers["Retry-After"] = str(later.ASK_AGAIN)
    return response


def told(job: later.Job, buckets: Buckets, signer: Signer) -> JobStatus:
    """Return what became of a job.

    A job whose picture has not arrived is waiting: nobody but its owner knows its number, and a
    number that was never given out waits for ever.
    """
    status = JobStatus(id=job.id, operation=job.operation, status="waiting", url=job.path)
    stored = buckets.input.stat(job.object_name)
    if stored is None:
        return status
    source = Source(buckets.input.name, job.object_name, stored.generation)
    found = find(buckets.output, job.operation, source)
    if found is None or found.source.generation < source.generation:
        return status.model_copy(update={"status": _under_way(job, source, buckets)})
    if found.failed:
        return status.model_copy(update={"status": "failed", "problem": _report(found.document)})
    update = {"status": "done", "report": _report(found.document)}
    return status.model_copy(update=update | {"picture": _picture(found, buckets, signer)})


def _under_way(job: later.Job, source: Source, buckets: Buckets) -> str:
    digest = _events.job_of(job.operation, Notice(source), _wiring.workshop()).digest()
    return "working" if is_held(buckets.work, digest) else "waiting"


def _report(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in _PUBLISHED}


def _picture(found: Found, buckets: Buckets, signer: Signer) -> JobPicture | None:
    if found.picture is None:
        return None
    address = signer.to_fetch(buckets.output, "output", found.picture[0])
    told = found.document["picture"]
    return JobPicture(
        url=address.url,
        expires=datetime.fromtimestamp(address.expires, UTC).isoformat(timespec="seconds"),
        content_type=told["content_type"],
        bytes=told["bytes"],
    )


def _file(signer: Signer, token: str) -> flask.Response:
    claims = signer.read(token, "get")
    buckets = _wiring.buckets()
    bucket = buckets.output if claims["shelf"] == "output" else buckets.work
    try:
        data, stored = bucket.read(claims["get"])
    except ObjectMissing:
        raise UnknownJob("What this address led to is gone.") from None
    return flask.Response(data, mimetype=stored.content_type)
