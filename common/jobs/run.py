"""Look, claim, run, publish."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from common.errors import InternalError, ObjectMissing, StudioError
from common.jobs import manifest
from common.jobs.claim import LEASE_SECONDS, claimed, last_problem
from common.jobs.job import Buckets, Job, Made
from common.jobs.results import Found, find, publish


class State(StrEnum):
    """How a job ended."""

    DONE = "done"
    FAILED = "failed"
    FOUND = "found"  # the result stood there already
    SUPERSEDED = "superseded"  # the result of a newer input stands there
    PARKED = "parked"  # what it asks waits for a batch
    GONE = "gone"  # the input was deleted, or overwritten: then its own event comes


@dataclass(frozen=True)
class Ending:
    """How a job ended, the name of the document that tells about it, and what went wrong."""

    state: State
    name: str = ""
    error: StudioError | None = None


def is_final(found: Found, job: Job) -> bool:
    """Whether running `job` again would change nothing about what was found."""
    return found.final and found.digest == job.digest()


def is_good(found: Found, _job: Job) -> bool:
    """Whether what was found is no failure: the rule of a replay."""
    return not found.failed


def run(
    job: Job,
    buckets: Buckets,
    work: Callable[[bytes], Made],
    *,
    settles: Callable[[Found, Job], bool] = is_final,
    max_bytes: int | None = None,
    most_attempts: int | None = None,
    lease_seconds: float = LEASE_SECONDS,
    clock: Callable[[], float] = time.time,
) -> Ending:
    """Run a job, at most once, and publish what came of it.

    Parameters
    ----------
    work
        The input's bytes -> what they become.  What it raises decides: a `StudioError` that may
        pass is raised on, any other becomes a failed result.  Whatever else it raises is a defect
        and becomes a failed result too: repeating it would repeat its cost.
    settles
        Whether a result of this very generation leaves nothing to do.
    max_bytes
        A larger input is refused unread.
    most_attempts
        After so many, whether they failed or died, the job is given up for everybody to see.

    Raises
    ------
    Claimed
        Another instance is at it.
    StudioError
        A passing failure: deliver the event again.
    """
    found = find(buckets.output, job.operation, job.source)
    settled = _settled(job, found, settles)
    if settled:
        return settled
    with claimed(buckets.work, job.digest(), seconds=lease_seconds, clock=clock) as claim:
        if not claim.fresh:
            # Whoever held the claim before may have published since we looked.
            found = find(buckets.output, job.operation, job.source)
            settled = _settled(job, found, settles)
        if settled:
            return settled
        if most_attempts is not None and claim.attempts > most_attempts:
            return _Run(job, buckets, found).bury(claim.problem, claim.attempts - 1)
        return _Run(job, buckets, found).run(work, max_bytes)


def refuse(job: Job, buckets: Buckets, error: StudioError) -> Ending:
    """Publish that a job cannot be run at all, its options being wrong, say."""
    found = find(buckets.output, job.operation, job.source)
    return _settled(job, found) or _Run(job, buckets, found).give_up(error)


def bury(job: Job, buckets: Buckets, attempts: int) -> Ending:
    """Publish that a job was given up after `attempts` passing failures, and the last one's reason.

    A later event for the same input runs the job again.
    """
    found = find(buckets.output, job.operation, job.source)
    settled = _settled(job, found)
    if settled:
        return settled
    return _Run(job, buckets, found).bury(last_problem(buckets.work, job.digest()), attempts)


def _settled(
    job: Job, found: Found | None, settles: Callable[[Found, Job], bool] = is_final
) -> Ending | None:
    """Return the ending of a job about which nothing is left to do."""
    if found is None or found.source.generation < job.source.generation:
        return None
    if found.source.generation > job.source.generation:
        return Ending(State.SUPERSEDED, found.name)
    return Ending(State.FOUND, found.name) if settles(found, job) else None


@dataclass(frozen=True)
class _Run:
    """One run of a job, and what was found before it."""

    job: Job
    buckets: Buckets
    found: Found | None

    def run(self, work: Callable[[bytes], Made], limit: int | None) -> Ending:
        source = self.job.source
        try:
            data, _ = self.buckets.input.read(source.name, source.generation, limit)
        except ObjectMissing:
            return Ending(State.GONE)
        except StudioError as error:
            return self.give_up(error)
        try:
            made = work(data)
        except StudioError as error:
            return self.give_up(error)
        except Exception as defect:  # noqa: BLE001 - the result tells of it, the door logs its cause
            failure = InternalError("The studio failed at this picture; the fault is its own.")
            failure.__cause__ = defect
            return self.give_up(failure)
        return self.publish(made)

    def give_up(self, error: StudioError) -> Ending:
        """Publish a failure that stays; raise one that may pass."""
        if error.retryable:
            raise error
        return self.publish(Made(None, "", "", error.problem(), failed=True), error)

    def bury(self, problem: Mapping[str, Any] | None, attempts: int) -> Ending:
        """Publish that the job was given up, and the last reason that is known."""
        error = InternalError("The job was given up.", advice="Run it again.")
        report = {**(problem or error.problem()), "retryable": True, "attempts": attempts}
        return self.publish(Made(None, "", "", report, failed=True), error)

    def publish(self, made: Made, error: StudioError | None = None) -> Ending:
        manifest.note(self.buckets.work, self.job, made)
        found = publish(self.buckets.output, self.job, made, self.found)
        if found is None or found.source.generation > self.job.source.generation:
            return Ending(State.SUPERSEDED, found.name if found else "")
        if made.failed:
            return Ending(State.FAILED if found.failed else State.FOUND, found.name, error)
        return Ending(State.DONE, found.name)
