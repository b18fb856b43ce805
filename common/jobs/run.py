"""Look, claim, run, publish."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from common.errors import InternalError, ObjectMissing, StudioError
from common.jobs.claim import LEASE_SECONDS, claimed, last_problem
from common.jobs.job import Buckets, Job, Made
from common.jobs.results import Found, find, publish


class State(StrEnum):
    """How a job ended."""

    DONE = "done"
    FAILED = "failed"
    FOUND = "found"  # the result stood there already
    SUPERSEDED = "superseded"  # the result of a newer input stands there
    GONE = "gone"  # the input was deleted, or overwritten: then its own event comes


@dataclass(frozen=True)
class Ending:
    """How a job ended, the name of the document that tells about it, and what went wrong."""

    state: State
    name: str = ""
    error: StudioError | None = None


def run(
    job: Job,
    buckets: Buckets,
    work: Callable[[bytes], Made],
    *,
    max_bytes: int | None = None,
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
    max_bytes
        A larger input is refused unread.

    Raises
    ------
    Claimed
        Another instance is at it.
    StudioError
        A passing failure: deliver the event again.
    """
    found = find(buckets.output, job.operation, job.source)
    settled = _settled(job, found)
    if settled:
        return settled
    with claimed(buckets.work, job.digest(), seconds=lease_seconds, clock=clock) as claim:
        if not claim.fresh:
            # Whoever held the claim before may have published since we looked.
            found = find(buckets.output, job.operation, job.source)
        return _settled(job, found) or _Run(job, buckets, found).run(work, max_bytes)


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
    error = InternalError("The job was given up.", advice="Run it again.")
    problem = last_problem(buckets.work, job.digest()) or error.problem()
    report = {**problem, "retryable": True, "attempts": attempts}
    made = Made(None, "", "", report, failed=True)
    return _Run(job, buckets, found).publish(made, error)


def _settled(job: Job, found: Found | None) -> Ending | None:
    """Return the ending of a job about which nothing is left to do."""
    if found is None:
        return None
    if found.source.generation > job.source.generation:
        return Ending(State.SUPERSEDED, found.name)
    done = found.final and found.digest == job.digest()
    return Ending(State.FOUND, found.name) if done else None


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

    def publish(self, made: Made, error: StudioError | None = None) -> Ending:
        found = publish(self.buckets.output, self.job, made, self.found)
        if found is None or found.source.generation > self.job.source.generation:
            return Ending(State.SUPERSEDED, found.name if found else "")
        if made.failed:
            return Ending(State.FAILED if found.failed else State.FOUND, found.name, error)
        return Ending(State.DONE, found.name)
