"""Everything that may happen between two steps, at every step: others, failures, death."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from common.errors import BrokenPicture, Claimed, StoreError
from common.jobs import Buckets, Job, Made, Source, State, run
from common.jobs.claim import claim_name
from common.store.folder import FolderBucket
from tests.support.jobs import Work, assert_consistent, document, drop, names
from tests.support.stores import Hook, Watched

LONG_AFTER = 10_000_000_000.0  # every lease has ended by then


class _DeathError(BaseException):
    """Stands for kill -9: nothing after it is written."""


class _At:
    """Does `action` before the call number `step` of any bucket, once."""

    def __init__(self, step: int, action: Callable[[], None]) -> None:
        self.step, self.action, self.calls = step, action, 0

    def __call__(self, *_: str) -> None:
        self.calls += 1
        if self.calls == self.step + 1:
            self.action()


def _watched(buckets: Buckets, hook: Hook) -> Buckets:
    return Buckets(*(Watched(b, hook) for b in (buckets.input, buckets.work, buckets.output)))


def _steps(tmp_path: Path) -> int:
    """Count the calls of the longer of two runs: of a first input, and of one that replaces it."""
    buckets = _buckets(tmp_path / "count")
    counts = []
    for data in (b"first", b"second"):
        hook = _At(-1, lambda: None)
        run(drop(buckets, data=data), _watched(buckets, hook), Work())
        counts.append(hook.calls)
    return max(counts)


def _buckets(root: Path) -> Buckets:
    return Buckets(*(FolderBucket(root / name) for name in ("input", "work", "output")))


def _every_step(tmp_path: Path) -> list[tuple[int, Buckets]]:
    return [(step, _buckets(tmp_path / f"{step}")) for step in range(_steps(tmp_path))]


def _quietly(job: Job, buckets: Buckets, work: Work) -> None:
    with contextlib.suppress(Claimed, StoreError):
        run(job, buckets, work)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("before", [False, True])
def test_a_newer_input_at_any_moment_wins(tmp_path: Path, fails: bool, before: bool) -> None:
    for step, buckets in _every_step(tmp_path):
        if before:
            run(drop(buckets, data=b"first"), buckets, Work())
        older = drop(buckets, data=b"older")

        def newer(buckets: Buckets = buckets) -> None:
            job = drop(buckets, data=b"newer")
            run(job, buckets, Work(BrokenPicture("Broken.") if fails else None))

        hook = _At(step, newer)
        _quietly(older, _watched(buckets, hook), Work())
        if hook.calls <= step:
            continue
        if fails:
            assert names(buckets.output) == ["cutout/shoe.json"], step
        else:
            assert buckets.output.read("cutout/shoe.png")[0] == b"NEWER", step
        assert_consistent(buckets.output)


def test_a_newer_picture_without_its_document_is_not_covered(folders: Buckets) -> None:
    def dies(method: str, name: str) -> None:
        if (method, name) == ("write", "cutout/shoe.json"):
            raise _DeathError

    def work(data: bytes) -> Made:
        """Meanwhile the input is overwritten, and who works on that dies before its document."""
        newer = drop(folders, data=b"newer")
        with pytest.raises(_DeathError):
            run(newer, replace(folders, output=Watched(folders.output, dies)), Work())
        return Made(data.upper(), "image/png", ".png", {})

    assert run(drop(folders, data=b"older"), folders, work).state is State.SUPERSEDED
    assert folders.output.read("cutout/shoe.png")[0] == b"NEWER"
    stored = folders.input.stat("cutout/shoe.jpg")
    assert stored is not None
    newer = Job("cutout", Source(folders.input.name, stored.name, stored.generation))
    assert run(newer, folders, Work(), clock=lambda: LONG_AFTER).state is State.DONE
    assert_consistent(folders.output)


class _Mortal:
    """Dies before the call number `step`, and at every call after it."""

    def __init__(self, step: int) -> None:
        self.left = step

    def __call__(self, *_: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise _DeathError


def test_a_death_at_any_moment_costs_nothing_but_time(tmp_path: Path) -> None:
    for step, buckets in _every_step(tmp_path):
        run(drop(buckets, data=b"first"), buckets, Work())
        job = drop(buckets, data=b"second")
        with contextlib.suppress(_DeathError):
            run(job, _watched(buckets, _Mortal(step)), Work())
        ending = run(job, buckets, Work(), clock=lambda: LONG_AFTER)
        assert ending.state in {State.DONE, State.FOUND}, step
        assert buckets.output.read("cutout/shoe.png")[0] == b"SECOND", step
        assert_consistent(buckets.output)


def test_a_failing_call_at_any_moment_is_mended_by_the_next_delivery(tmp_path: Path) -> None:
    for step, buckets in _every_step(tmp_path):
        run(drop(buckets, data=b"first"), buckets, Work())
        job = drop(buckets, data=b"second")

        def fail() -> None:
            raise StoreError("The bucket is away.")

        _quietly(job, _watched(buckets, _At(step, fail)), Work())
        ending = run(job, buckets, Work(), clock=lambda: LONG_AFTER)
        assert ending.state in {State.DONE, State.FOUND}, step
        assert buckets.output.read("cutout/shoe.png")[0] == b"SECOND", step
        assert_consistent(buckets.output)


def test_the_same_job_at_any_moment_leaves_one_result(tmp_path: Path) -> None:
    for step, buckets in _every_step(tmp_path):
        job = drop(buckets)

        def twin(buckets: Buckets = buckets, job: Job = job) -> None:
            run(job, buckets, Work(), clock=lambda: LONG_AFTER)  # as if our lease had lapsed

        _quietly(job, _watched(buckets, _At(step, twin)), Work())
        assert buckets.output.read("cutout/shoe.png")[0] == b"PIXELS", step
        assert names(buckets.output) == ["cutout/shoe.json", "cutout/shoe.png"], step


def test_two_at_the_same_job_who_cover_each_others_picture_keep_one(folders: Buckets) -> None:
    job = drop(folders)
    slow_may_go_on, slow_is_waiting = threading.Event(), threading.Event()

    def slow_waits(method: str, name: str) -> None:
        if (method, name) == ("write", "cutout/shoe.json"):
            slow_is_waiting.set()
            slow_may_go_on.wait(10)

    slow = threading.Thread(
        target=run, args=(job, replace(folders, output=Watched(folders.output, slow_waits)), Work())
    )

    def quick_is_between(method: str, name: str) -> None:
        if method != "write":
            return
        if name == "cutout/shoe.png" and slow.ident is None:  # soon the slow one's picture is there
            slow.start()
            assert slow_is_waiting.wait(10)
        if name == "cutout/shoe.json":  # ours covers it; now its document comes first
            slow_may_go_on.set()
            slow.join(10)

    def work(data: bytes) -> Made:
        # Our lease lapses here: the slow one takes the job over.
        folders.work.delete(claim_name(job.digest()))
        return Made(data.upper(), "image/png", ".png", {})

    assert (
        run(job, replace(folders, output=Watched(folders.output, quick_is_between)), work).state
        is State.DONE
    )
    assert folders.output.read("cutout/shoe.png")[0] == b"PIXELS"
    assert names(folders.output) == ["cutout/shoe.json", "cutout/shoe.png"]


def test_other_options_at_any_moment_leave_picture_and_document_that_agree(tmp_path: Path) -> None:
    for step, buckets in _every_step(tmp_path):
        job = drop(buckets, key="auto")
        other = replace(job, options={"key": "blue"})

        def twin(buckets: Buckets = buckets, other: Job = other) -> None:
            run(other, buckets, Work())

        _quietly(job, _watched(buckets, _At(step, twin)), Work())
        assert_consistent(buckets.output)


@pytest.mark.parametrize("fails", [False, True])
def test_a_namesake_at_any_moment_gets_its_own_place(tmp_path: Path, fails: bool) -> None:
    for step, buckets in _every_step(tmp_path):
        job, namesake = drop(buckets, "cutout/shoe.jpg"), drop(buckets, "cutout/shoe.png")

        def other(buckets: Buckets = buckets, namesake: Job = namesake) -> None:
            run(namesake, buckets, Work(BrokenPicture("Broken.") if fails else None))

        hook = _At(step, other)
        assert run(job, _watched(buckets, hook), Work()).state is State.DONE
        owners = {
            document(buckets.output, name)["input"]["name"]
            for name in names(buckets.output)
            if name.endswith(".json")
        }
        expected = {job.source.name, namesake.source.name}
        assert owners == (expected if hook.calls > step else {job.source.name}), step
        assert_consistent(buckets.output)


@pytest.mark.parametrize("seed", range(3))
def test_deliveries_in_any_number_and_order_run_each_input_once(
    buckets: Buckets, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - for shuffling, not for secrets
    jobs = [drop(buckets, f"cutout/{n}.jpg", f"picture {n}".encode()) for n in range(6)]
    deliveries = [job for job in jobs for _ in range(chance.randint(1, 4))]
    chance.shuffle(deliveries)
    work = Work()
    waiting = threading.Lock()

    def deliver() -> None:
        while True:
            with waiting:
                if not deliveries:
                    return
                job = deliveries.pop()
            try:
                run(job, buckets, work)
            except Claimed:
                with waiting:  # as Pub/Sub does: later again
                    deliveries.insert(0, job)

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(work.runs) == [f"picture {n}".encode() for n in range(6)]
    assert len(names(buckets.output)) == 12
    assert_consistent(buckets.output)


def _work_for_ever(root: str, job: Job) -> None:
    """In another process: hold the job's claim until somebody kills us."""

    def work(data: bytes) -> Made:
        time.sleep(600)
        raise AssertionError(data)

    run(job, _buckets(Path(root)), work, lease_seconds=0.6)


def test_a_process_that_was_killed_is_followed_after_its_lease(tmp_path: Path) -> None:
    buckets = _buckets(tmp_path)
    job = drop(buckets)
    method = multiprocessing.get_context("spawn")
    process = method.Process(target=_work_for_ever, args=(str(tmp_path), job))
    process.start()
    deadline = time.monotonic() + 30
    while not names(buckets.work):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.join()
    with pytest.raises(Claimed):
        run(job, buckets, Work())
    time.sleep(0.7)
    work = Work()
    assert run(job, buckets, work).state is State.DONE
    assert len(work.runs) == 1
    assert_consistent(buckets.output)
