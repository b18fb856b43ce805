"""The right to run a job, for as long as its holder lives.

A claim is a small object in the work bucket: who holds it and until when.  It is made where there
is none, renewed while the holder works, and taken over after it has ended, each by a conditional
write; so of several who want it one gets it.  A holder that dies is followed after one lease.
Clocks of different machines may differ by a fraction of a lease.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from common.errors import (
    Claimed,
    ObjectMissing,
    Parked,
    PreconditionFailed,
    StoreError,
    StudioError,
)
from common.store import Bucket

LEASE_SECONDS = 60.0  # how long the job of a dead instance waits
RENEWALS_A_LEASE = 3  # two may fail before the lease is lost


@dataclass
class Claim:
    """A claim that is held.

    Attributes
    ----------
    bucket, name
        Where it stands.
    owner
        Who holds it: a random name for this one run.
    generation
        What was last written.
    fresh
        Nobody held it before.
    attempts
        How often it was held, this time included.
    problem
        Why whoever held it last gave up, if that is known.
    """

    bucket: Bucket
    name: str
    owner: str
    generation: int
    fresh: bool
    attempts: int = 1
    problem: Mapping[str, Any] | None = None

    def write(self, until: float) -> None:
        """Write the claim anew; a `PreconditionFailed` says that somebody has taken it over."""
        note: dict[str, Any] = {"owner": self.owner, "until": until, "attempts": self.attempts}
        if self.problem is not None:
            note["problem"] = self.problem
        body = json.dumps(note).encode()
        self.generation = self.bucket.write(
            self.name, body, if_generation=self.generation, content_type="application/json"
        ).generation


@contextlib.contextmanager
def claimed(
    bucket: Bucket,
    digest: str,
    *,
    seconds: float = LEASE_SECONDS,
    clock: Callable[[], float] = time.time,
) -> Iterator[Claim]:
    """Hold the claim of the job `digest` inside the block.

    A `StudioError` that leaves the block is noted in the claim, for whoever must tell why the job
    was given up.  After `Parked` attempts are counted anew.

    Raises
    ------
    Claimed
        Somebody else holds it.
    """
    claim = _acquire(bucket, digest, seconds, clock)
    done = threading.Event()
    keeper = threading.Thread(target=_renew, args=(claim, done, seconds, clock), daemon=True)
    keeper.start()
    try:
        yield claim
    except Parked:
        claim.attempts, claim.problem = 0, None  # it got somewhere: what failed before is over
        raise
    except StudioError as error:
        claim.problem = error.problem()
        raise
    finally:
        done.set()
        keeper.join()
        with contextlib.suppress(StoreError):  # then the lease ends by itself
            claim.write(until=0)


def last_problem(bucket: Bucket, digest: str) -> dict[str, Any] | None:
    """Return why the job was last given up, if that is known."""
    try:
        data, _ = bucket.read(claim_name(digest))
    except ObjectMissing:
        return None
    return _problem(_read(data))


def is_held(bucket: Bucket, digest: str, clock: Callable[[], float] = time.time) -> bool:
    """Whether somebody is at work on the job."""
    try:
        data, _ = bucket.read(claim_name(digest))
    except ObjectMissing:
        return False
    return float(_read(data).get("until", 0)) > clock()


def claim_name(digest: str) -> str:
    """Return the name of a job's claim in the work bucket."""
    return f"claims/{digest[:2]}/{digest}.json"


def _acquire(bucket: Bucket, digest: str, seconds: float, clock: Callable[[], float]) -> Claim:
    claim = Claim(bucket, claim_name(digest), uuid.uuid4().hex, generation=0, fresh=True)
    try:
        claim.write(clock() + seconds)
    except PreconditionFailed:
        _take_over(claim, seconds, clock)
    return claim


def _take_over(claim: Claim, seconds: float, clock: Callable[[], float]) -> None:
    """Write over a claim that has ended; never over one that holds."""
    claim.fresh = False
    try:
        data, stored = claim.bucket.read(claim.name)
        note = _read(data)
        left = float(note.get("until", 0)) - clock()
        if left > 0:
            raise _held(left)
        claim.attempts, claim.problem = _attempts(note) + 1, _problem(note)
        claim.generation = stored.generation
        claim.write(clock() + seconds)
    except (PreconditionFailed, ObjectMissing):
        raise _held(seconds) from None  # somebody moved in the same moment


def _held(seconds: float) -> Claimed:
    return Claimed(
        "Another instance is working on this picture.",
        advice="Its result will stand in the output.",
        retry_after=round(max(seconds, 1.0), 1),
    )


def _renew(claim: Claim, done: threading.Event, seconds: float, clock: Callable[[], float]) -> None:
    while not done.wait(seconds / RENEWALS_A_LEASE):
        try:
            claim.write(clock() + seconds)
        except PreconditionFailed:
            return  # taken over; publication decides whose result stands
        except StoreError:
            continue  # the next renewal may pass


def _read(data: bytes) -> dict[str, Any]:
    """Return what a claim says; one that cannot be read has ended."""
    with contextlib.suppress(ValueError):
        note = json.loads(data)
        if isinstance(note, dict) and isinstance(note.get("until"), int | float):
            return note
    return {}


def _attempts(note: Mapping[str, Any]) -> int:
    attempts = note.get("attempts")
    return attempts if isinstance(attempts, int) else 0


def _problem(note: Mapping[str, Any]) -> dict[str, Any] | None:
    problem = note.get("problem")
    return problem if isinstance(problem, dict) else None
