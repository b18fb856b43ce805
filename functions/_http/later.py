"""Work that is done later: a picture in the input bucket, and a job that tells of it.

A job is nothing but its picture's place: ``cutout/jobs/<whose>/<number>.jpg`` in the input bucket
is ``/v1/jobs/cutout-<number>.jpg`` for whose it is, and nothing for anybody else.  Options travel
as the object's metadata, which the bucket door reads.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import flask

from common import codec
from common.errors import BadOptions, UnknownJob, UnsupportedPicture
from common.operations.registry import OPERATIONS
from common.settings import Settings
from common.store import Bucket, open_bucket
from functions import _body
from functions._engines import JOBS_FOLDER
from functions._http import accept
from functions._http.access import Caller

JOBS = "/v1/jobs/"
BESIDE = {"background": "backdrops/jobs", "mask": "masks/jobs"}  # where such pictures wait
PARAMS = "params"
MOST_PARAMS = 6000  # bytes: all metadata of an object may have 8 KiB
ASK_AGAIN = 2  # seconds
SUFFIXES = {"jpeg": ".jpg"}  # where a format's name is not its suffix
_ID = re.compile(r"([a-z]+)-([0-9a-f]{32})(\.[a-z0-9]{2,5})")


@dataclass(frozen=True)
class Job:
    """A job's two names.

    Attributes
    ----------
    id
        As callers know it.
    operation
        Which.
    object_name
        Of its picture in the input bucket.
    """

    id: str
    operation: str
    object_name: str

    @property
    def path(self) -> str:
        """Where it is told of."""
        return JOBS + self.id


def is_set_up(settings: Settings) -> bool:
    """Whether there is a bucket in which work can wait, and somebody who may put it there."""
    in_the_cloud = settings.input_bucket.startswith("gs://")
    return bool(settings.input_bucket) and (not in_the_cloud or bool(settings.upload_account))


@cache
def inbox(address: str, account: str) -> Bucket:
    """Return the input bucket as whoever may write it."""
    return open_bucket(address, account)


def folder(operation: str, caller: Caller) -> str:
    """Return the folder of a caller's pictures, with its slash; caps go by it."""
    return f"{operation}/{JOBS_FOLDER}/{caller.folder}/"


def new_job(operation: str, suffix: str, caller: Caller) -> Job:
    """Return a job that nobody has."""
    number = uuid.uuid4().hex
    place = f"{folder(operation, caller)}{number}{suffix}"
    return Job(f"{operation}-{number}{suffix}", operation, place)


def job_of(job_id: str, caller: Caller) -> Job:
    """Return the job that a caller names.

    Raises
    ------
    UnknownJob
        It is no name of a job.
    """
    match = _ID.fullmatch(job_id)
    if match is None or match[1] not in OPERATIONS:
        raise UnknownJob("There is no such job.", advice="Its id came in a Location.")
    return Job(job_id, match[1], folder(match[1], caller) + match[2] + match[3])


def params(options: Mapping[str, Any]) -> str:
    """Return options as an object's metadata hold them: JSON in ASCII.

    Raises
    ------
    BadOptions
        They are too long for metadata.
    """
    text = json.dumps(dict(options), separators=(",", ":"))
    if len(text) > MOST_PARAMS:
        raise BadOptions(
            f"The options have {len(text):,} bytes; {MOST_PARAMS:,} can wait with a picture.",
            advice="Send the request without Prefer: respond-async.",
        )
    return text


def suffix_of(format: str) -> str:
    """Return the suffix of a format's files."""
    return SUFFIXES.get(format, f".{format}")


def drop(operation: str, picture: bytes, asked: _body.Asked, caller: Caller, bucket: Bucket) -> Job:
    """Put a picture, and those that its options name, into `bucket`, and return the job.

    Raises
    ------
    BadOptions
        What came with the picture cannot wait with it.
    UnsupportedPicture
        It is none.
    """
    if "render" in asked.pictures:
        raise BadOptions(
            "A render cannot wait with its picture.",
            advice="Send the request without Prefer: respond-async.",
            field="render",
        )
    job = new_job(operation, _suffix(picture), caller)
    options = dict(asked.options)
    for name, place in BESIDE.items():
        beside = asked.pictures.get(name)
        if beside is not None:
            options[name] = f"{place}/{uuid.uuid4().hex}{_suffix(beside)}"
            bucket.write(options[name], beside, if_generation=0)
    bucket.write(
        job.object_name,
        picture,
        if_generation=0,
        content_type=codec.CONTENT_TYPES[_format(picture)],
        metadata={PARAMS: params(options)},
    )
    return job


def _suffix(picture: bytes) -> str:
    return suffix_of(_format(picture))


def _format(picture: bytes) -> str:
    format = codec.sniff(picture)
    if format is None:
        raise UnsupportedPicture(
            "The file is not a picture the studio reads.",
            advice=f"Send one of: {', '.join(codec.READS)}.",
        )
    return format


def accepted(job: Job) -> flask.Response:
    """Return the reply to a request whose work is done later."""
    response = flask.jsonify(id=job.id, status="waiting", url=job.path)
    response.status_code = 202
    response.headers["Location"] = job.path
    response.headers["Retry-After"] = str(ASK_AGAIN)
    response.autocorrect_location_header = False
    accept.applied(response, accept.LATER)
    return response
