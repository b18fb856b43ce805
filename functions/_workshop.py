"""What the bucket door needs: buckets, operations, and the ways to run them, to park, to tell."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from common import jobs
from common.jobs import Buckets, Ending, Job, Made, Source
from common.operations.base import Operation
from common.operations.options import Options
from common.report import Report


class Finished(Protocol):
    """A result as files; see `functions._wiring.Finished`."""

    @property
    def picture(self) -> bytes | None:
        """The picture's file."""
        ...

    @property
    def content_type(self) -> str:
        """The picture's media type."""
        ...

    @property
    def suffix(self) -> str:
        """The suffix of the picture's file, with its dot."""
        ...

    @property
    def report(self) -> Report:
        """How it came to be."""
        ...


class RunJob(Protocol):
    """Runs a job; see `common.jobs.run`."""

    def __call__(
        self, job: Job, buckets: Buckets, work: Callable[[bytes], Made], *, max_bytes: int
    ) -> Ending:
        """Run the job, or raise a `StudioError` that may pass."""
        ...


class Postbox(Protocol):
    """Tells that results are finished; see `functions._notify.Postbox`."""

    def check(self) -> None:
        """Raise a `Misconfigured` where nothing can be told."""
        ...

    def promised(
        self, operation: str, source: Source, url: str
    ) -> contextlib.AbstractContextManager[None]:
        """Tell `url` of the result when the block has ended."""
        ...


class Run(Protocol):
    """Does an operation on a file's bytes; see `functions._wiring.run`."""

    def __call__(
        self,
        operation: Operation[Any],
        data: bytes,
        options: Options,
        *,
        backdrop: bytes | None = None,
        mask: bytes | None = None,
        name: str = "",
    ) -> Finished:
        """Return the result, or raise a `StudioError`."""
        ...


class Bulk(Protocol):
    """Lets asks wait for batches; see `functions._bulk.Bulk`."""

    def check(self, options: Options) -> None:
        """Raise a `StudioError` where the options cannot wait for a batch."""
        ...

    def run(
        self,
        job: Job,
        operation: Operation[Any],
        data: bytes,
        options: Options,
        *,
        backdrop: bytes | None = None,
        mask: bytes | None = None,
    ) -> Finished:
        """Return the result, or raise `Parked` where it waits for a batch."""
        ...

    def end(self, job: Job) -> None:
        """Throw away what waited for a job that has come to its end."""
        ...


@dataclass(frozen=True)
class Workshop:
    """What the door needs.

    Attributes
    ----------
    buckets
        Where pictures come from and results go.
    operation
        Operations by name.
    run
        Does one.
    max_bytes
        A larger picture is refused.
    run_job
        The way to run a job; whoever repeats old ones has another.
    postbox
        The way to tell an address that a result is finished.
    bulk
        The way to wait for batches.
    """

    buckets: Buckets
    operation: Callable[[str], Operation[Any]]
    run: Run
    max_bytes: int
    run_job: RunJob = jobs.run
    postbox: Postbox | None = None
    bulk: Bulk | None = None
