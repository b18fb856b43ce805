"""Jobs for tests: inputs, a countable piece of work, and what must hold of every output bucket."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any

from common.errors import StudioError
from common.jobs import Buckets, Job, Made, Source
from common.store import Bucket


@dataclass
class Work:
    """Work that upper-cases the input's bytes and counts its runs; or fails with `error`."""

    error: Exception | None = None
    suffix: str = ".png"
    runs: list[bytes] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, data: bytes) -> Made:
        with self.lock:
            self.runs.append(data)
        if self.error is not None:
            raise self.error
        return Made(data.upper(), "image/png", self.suffix, {"operation": "cutout"})


_NO_RESULTS = {"manifest", "sweep.json"}


def drop(
    buckets: Buckets, name: str = "cutout/shoe.jpg", data: bytes = b"pixels", **options: Any
) -> Job:
    """Put a picture into the input bucket and return the job for it."""
    stored = buckets.input.write(name, data)
    source = Source(buckets.input.name, name, stored.generation)
    return Job(name.partition("/")[0], source, options)


def document(output: Bucket, name: str) -> dict[str, Any]:
    """Return what a result's document says."""
    said: dict[str, Any] = json.loads(output.read(name)[0])
    return said


def names(bucket: Bucket) -> list[str]:
    """Return the names of all objects."""
    return [stored.name for stored in bucket.list()]


def assert_consistent(output: Bucket) -> None:
    """Assert that every document speaks of the picture that stands, and no picture is alone."""
    there = {name for name in names(output) if name.partition("/")[0] not in _NO_RESULTS}
    told = {name: document(output, name) for name in there if name.endswith(".json")}
    spoken_of = {said["picture"]["name"] for said in told.values() if said["picture"]}
    assert there == {*told, *spoken_of}
    for said in told.values():
        if said["picture"]:
            stored = output.stat(said["picture"]["name"])
            assert stored is not None
            assert str(stored.generation) == said["picture"]["generation"]
            mark = stored.metadata["studio-input-generation"]
            assert mark == said["input"]["generation"]


class PassingError(StudioError):
    """A failure that passes."""

    code = "passing"
    title = "It will pass"
    status = 503
    retryable = True
