"""The safety net: runs what has no result, and throws away what has had its time.

An event may get lost, an instance may be killed, a queue may give up.  The sweep walks over the
inputs, runs those without a result through the same job as their events would, and stops when its
portion is done; the next one goes on from there.  It is one at a time by a claim, and where two run
all the same (a lease lapsed), the jobs' own claims and the generations keep them apart.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from common.errors import Claimed, InternalError, ObjectMissing, PreconditionFailed, StudioError
from common.jobs.claim import claimed
from common.jobs.job import Buckets
from common.jobs.run import Ending
from common.jobs.walk import Walk
from common.store import Bucket, Stored

SUMMARY = "sweep.json"  # in the output bucket: what the last sweep did, and where the next begins
TOLD = 20  # inputs that wait are told by name up to so many
ERRAND_SHARE = 0.2  # of the time, at most, for each errand; the inputs get the rest
DAY = 86400.0
# Of the work bucket; replies are kept for who asks again, and for who fetches a large one.  A batch
# is given up after a week or two: what is noted of one for longer, nobody waits for any more.
KEPT = {
    "batch/": 40 * DAY,
    "claims/": 7 * DAY,
    "notices/": 30 * DAY,
    "renders/": 30 * DAY,
    "replies/": DAY,
}

Do: TypeAlias = Callable[[str, Stored], Ending]  # an operation's name and an input -> how it ended
Errand: TypeAlias = Callable[[float], Mapping[str, Any]]  # until when -> what was done


@dataclass(frozen=True)
class Parking:
    """Inputs that wait for something else than their event.

    Attributes
    ----------
    ready
        Those that wait no more, each with its operation.
    held
        Name and generation of all that were parked: the walk over the inputs leaves them alone.
    do
        Runs one that is ready.
    """

    ready: Sequence[tuple[str, Stored]]
    held: Container[tuple[str, int]]
    do: Do


@dataclass(frozen=True)
class Portion:
    """How much one sweep does.

    Attributes
    ----------
    seconds
        It begins nothing after so long; what it has begun it ends.
    inputs
        It runs at most so many.
    together
        At a time.
    min_age
        Inputs younger than so many seconds are left to their events.
    """

    seconds: float = 240.0
    inputs: int = 500
    together: int = 2
    min_age: float = 900.0


def sweep(
    buckets: Buckets,
    operations: Collection[str],
    do: Do,
    portion: Portion,
    *,
    errands: Mapping[str, Errand] | None = None,
    parking: Callable[[], Parking] | None = None,
    clock: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """Sweep once; write down what was done and return it.

    Parameters
    ----------
    operations
        The names of the input bucket's folders.
    do
        Runs an input as its event would; raises a `StudioError` that may pass.
    errands
        What else is done regularly, by name.  One that fails is told and stops nothing.
    parking
        Tells, after the errands, which inputs wait, and which of them wait no more.

    Raises
    ------
    Claimed
        Another sweep is at work.
    StoreError
        The buckets are out of reach.
    """
    with claimed(buckets.work, "sweep", clock=clock):
        began = clock()
        last = last_summary(buckets.output)
        share = portion.seconds * ERRAND_SHARE
        done = {name: _ran(errand, clock() + share) for name, errand in (errands or {}).items()}
        expiry = _Expiry(buckets.work, clock)
        cleaned = expiry.run(last.get("cleaned", 0.0), clock() + share)
        parked = parking() if parking else NOBODY
        turn = _Round(buckets, do, portion, began + portion.seconds, clock, parked)
        following = turn.run(_from(operations, last.get("next")))
        summary = {
            "began": _told_time(began),
            "seconds": round(clock() - began, 1),
            **turn.told(),
            **done,
            "deleted": expiry.deleted,
            "cleaned": cleaned,
            "next": following,
        }
        _write_down(buckets.output, summary)
        return summary


def _never(_operation: str, _stored: Stored) -> Ending:
    raise AssertionError("nobody is parked")


NOBODY = Parking((), (), _never)


def last_summary(output: Bucket) -> dict[str, Any]:
    """Return what the last sweep wrote down; empty where there was none."""
    with contextlib.suppress(ObjectMissing, ValueError):
        summary = json.loads(output.read(SUMMARY)[0])
        if isinstance(summary, dict):
            return summary
    return {}


def _write_down(output: Bucket, summary: Mapping[str, Any]) -> None:
    body = json.dumps(summary, ensure_ascii=False, indent=2).encode()
    output.write(SUMMARY, body, content_type="application/json")


def _ran(errand: Errand, until: float) -> Mapping[str, Any]:
    try:
        return errand(until)
    except StudioError as error:
        return error.problem()


def _told_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


# --- inputs without a result ----------------------------------------------------------------------


def _from(operations: Collection[str], position: object) -> Iterator[tuple[str, str]]:
    """Yield each operation and where to begin in it: first the rest of what was not ended."""
    names = sorted(operations)
    if isinstance(position, dict) and position.get("operation") in names:
        at = names.index(position["operation"])
        yield names[at], str(position.get("name", ""))
        names = names[at + 1 :]
    yield from ((name, "") for name in names)


@dataclass
class _Round:
    """One walk over the inputs, and what came of it."""

    buckets: Buckets
    do: Do
    portion: Portion
    until: float
    clock: Callable[[], float]
    parked: Parking
    looked: int = 0
    young: int = 0
    begun: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    free: threading.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.free = threading.Semaphore(self.portion.together)

    def run(self, places: Iterator[tuple[str, str]]) -> dict[str, str] | None:
        """Run what is missing; return where the next sweep begins, None at the beginning."""
        with ThreadPoolExecutor(self.portion.together) as pool:
            for operation, stored in self.parked.ready:
                if self._is_over():
                    break
                self._begin(pool, self.parked.do, operation, stored)
            for operation, start in places:
                if self._is_over():
                    return {"operation": operation, "name": start}
                walk = Walk(self.buckets, operation, start)
                for seen in walk:
                    self.looked += 1
                    if not seen.outcome and self._is_due(seen.stored):
                        self._begin(pool, self.do, operation, seen.stored)
                    if self._is_over() and (name := walk.position()):
                        return {"operation": operation, "name": name}
        return None

    def _is_over(self) -> bool:
        return self.begun >= self.portion.inputs or self.clock() >= self.until

    def _begin(self, pool: ThreadPoolExecutor, do: Do, operation: str, stored: Stored) -> None:
        """Run an input as soon as a thread is free."""
        self.free.acquire()
        self.begun += 1
        pool.submit(self._one, do, operation, stored)

    def _is_due(self, stored: Stored) -> bool:
        if (stored.name, stored.generation) in self.parked.held:
            return False
        young = self.clock() - stored.updated.timestamp() < self.portion.min_age
        self.young += young
        return not young

    def _one(self, do: Do, operation: str, stored: Stored) -> None:
        try:
            self._count(str(do(operation, stored).state))
        except Claimed:
            self._count("claimed")
        except StudioError as error:
            self._wait(stored, error)
        except Exception as defect:  # noqa: BLE001 - one input must not end the sweep of all others
            failure = InternalError("The studio failed at this input; the fault is its own.")
            failure.__cause__ = defect
            self._wait(stored, failure)
        finally:
            self.free.release()

    def _count(self, how: str) -> None:
        with self.lock:
            self.ended[how] = self.ended.get(how, 0) + 1

    def _wait(self, stored: Stored, error: StudioError) -> None:
        self._count("waiting")
        with self.lock:
            if len(self.waiting) < TOLD:
                detail = error.message[:300]
                self.waiting.append({"name": stored.name, "code": error.code, "detail": detail})

    def told(self) -> dict[str, Any]:
        """Describe the round."""
        return {
            "looked": self.looked,
            "young": self.young,
            "run": self.begun,
            "ended": self.ended,
            "waiting": self.waiting,
        }


# --- what has had its time ------------------------------------------------------------------------


@dataclass
class _Expiry:
    """Deletes what the work bucket has kept long enough, once a day.

    A claim that is held is renewed all the time and so never old: an old one is stale.
    """

    work: Bucket
    clock: Callable[[], float]
    deleted: dict[str, int] = field(default_factory=dict)

    def run(self, last: float, until: float) -> float:
        """Delete until `until`; return when all was last looked at."""
        now = self.clock()
        if now - last < DAY:
            return last
        for prefix, seconds in KEPT.items():
            for stored in self.work.list(prefix):
                if self.clock() >= until:
                    return last
                if now - stored.updated.timestamp() > seconds:
                    self._delete(prefix, stored)
        return now

    def _delete(self, prefix: str, stored: Stored) -> None:
        with contextlib.suppress(ObjectMissing, PreconditionFailed):  # gone, or in use again
            self.work.delete(stored.name, if_generation=stored.generation)
            kind = prefix.rstrip("/")
            self.deleted[kind] = self.deleted.get(kind, 0) + 1
