"""The safety net: what it runs, how much at a time, and what it throws away."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from common.errors import BrokenPicture, Claimed, StoreError
from common.jobs import Buckets, Ending, Job, Portion, Source, claimed, run, sweep
from common.jobs.claim import claim_name
from common.jobs.sweep import DAY, last_summary
from common.store import Stored
from tests.support.jobs import PassingError, Work, assert_consistent, document, drop, names

ALL = Portion(seconds=60, inputs=1000, together=2, min_age=0)
OPERATIONS = ("cutout", "detect")


@dataclass
class Door:
    """Runs inputs as events would."""

    buckets: Buckets
    work: Work = field(default_factory=Work)
    most_attempts: int = 10

    def __call__(self, operation: str, stored: Stored) -> Ending:
        source = Source(self.buckets.input.name, stored.name, stored.generation)
        return run(
            Job(operation, source), self.buckets, self.work, most_attempts=self.most_attempts
        )


def swept(buckets: Buckets, work: Work | None = None, **how: Any) -> dict[str, Any]:
    door = Door(buckets, work or Work())
    return sweep(buckets, OPERATIONS, door, how.pop("portion", ALL), **how)


def test_what_has_no_result_is_run_and_the_rest_is_left_alone(buckets: Buckets) -> None:
    run(drop(buckets, "cutout/done.jpg"), buckets, Work())
    run(drop(buckets, "cutout/failed.jpg"), buckets, Work(BrokenPicture("Broken.")))
    drop(buckets, "cutout/lost.jpg", b"lost")
    drop(buckets, "detect/lost.jpg", b"lost too")
    drop(buckets, "backdrops/loft.jpg")
    work = Work()
    summary = swept(buckets, work)
    assert sorted(work.runs) == [b"lost", b"lost too"]
    assert (summary["looked"], summary["run"], summary["ended"]) == (4, 2, {"done": 2})
    assert summary["next"] is None
    assert document(buckets.output, "sweep.json") == summary == last_summary(buckets.output)
    assert swept(buckets)["run"] == 0, "the next one finds nothing"


def test_young_inputs_are_left_to_their_events(folders: Buckets) -> None:
    drop(folders, "cutout/new.jpg")
    summary = swept(folders, portion=Portion(min_age=900))
    assert (summary["run"], summary["young"]) == (0, 1)


def test_a_portion_is_bounded_and_the_next_goes_on_from_there(folders: Buckets) -> None:
    for number in range(7):
        drop(folders, f"cutout/{number}.jpg")
    drop(folders, "detect/8.jpg")
    work = Work(PassingError("Not now."))  # so that nobody but the position keeps the place
    runs = []
    for _ in range(4):
        summary = swept(folders, work, portion=Portion(inputs=3, min_age=0))
        runs.append((summary["run"], (summary["next"] or {}).get("name")))
    assert runs == [(3, "cutout/3.jpg"), (3, "cutout/6.jpg"), (2, None), (3, "cutout/3.jpg")]


def test_a_sweep_ends_when_its_time_is_over(folders: Buckets) -> None:
    for number in range(5):
        drop(folders, f"cutout/{number}.jpg")
    now = time.time()
    ticks = iter(range(10_000))
    summary = swept(
        folders, portion=Portion(seconds=12, min_age=0), clock=lambda: now + next(ticks)
    )
    assert 0 < summary["run"] < 5
    assert summary["next"]["name"].startswith("cutout/")


def test_what_may_pass_is_told_and_run_by_the_next_sweep(folders: Buckets) -> None:
    drop(folders, "cutout/a.jpg")
    summary = swept(folders, Work(PassingError("The model is busy.")))
    assert summary["waiting"] == [
        {"name": "cutout/a.jpg", "code": "passing", "detail": "The model is busy."}
    ]
    assert swept(folders)["ended"] == {"done": 1}


def test_a_defect_at_one_input_does_not_end_the_sweep(folders: Buckets) -> None:
    drop(folders, "cutout/a.jpg")
    drop(folders, "cutout/b.jpg")
    door = Door(folders)

    def do(operation: str, stored: Stored) -> Ending:
        if stored.name == "cutout/a.jpg":
            raise ZeroDivisionError
        return door(operation, stored)

    assert sweep(folders, OPERATIONS, do, ALL)["ended"] == {"waiting": 1, "done": 1}


def test_an_input_that_fails_again_and_again_is_given_up_for_all_to_see(folders: Buckets) -> None:
    drop(folders, "cutout/a.jpg")
    for _ in range(10):
        assert swept(folders, Work(PassingError("The model is busy.")))["ended"] == {"waiting": 1}
    work = Work()
    assert swept(folders, work)["ended"] == {"failed": 1}
    said = document(folders.output, "cutout/a.json")
    assert (said["code"], said["attempts"], work.runs) == ("passing", 10, [])
    assert swept(folders)["run"] == 0


def test_an_input_that_kills_whoever_runs_it_is_given_up_too(folders: Buckets) -> None:
    job = drop(folders, "cutout/bomb.jpg")
    for _ in range(10):
        pid = os.fork()
        if pid == 0:
            run(job, folders, lambda _: os._exit(9), lease_seconds=0.02)
        os.waitpid(pid, 0)
        time.sleep(0.03)
    assert swept(folders)["ended"] == {"failed": 1}
    assert document(folders.output, "cutout/bomb.json")["attempts"] == 10


def test_a_job_that_is_being_run_is_left_to_its_holder(folders: Buckets) -> None:
    job = drop(folders)
    with claimed(folders.work, job.digest()):
        assert swept(folders)["ended"] == {"claimed": 1}
    assert swept(folders)["ended"] == {"done": 1}


def test_two_sweeps_at_once_are_one(folders: Buckets) -> None:
    with claimed(folders.work, "sweep"), pytest.raises(Claimed):
        swept(folders)


def test_sweeps_that_run_together_all_the_same_run_each_input_once(folders: Buckets) -> None:
    for number in range(12):
        drop(folders, f"cutout/{number}.jpg", str(number).encode())
    work = Work()

    door = Door(folders, work)
    other = threading.Thread(target=swept, args=(folders, work))

    def do(operation: str, stored: Stored) -> Ending:
        if other.ident is None:  # our lease lapses
            folders.work.write(claim_name("sweep"), b"{}")
            other.start()
        return door(operation, stored)

    sweep(folders, OPERATIONS, do, Portion(min_age=0, together=1))
    other.join()
    assert sorted(work.runs) == sorted(str(number).encode() for number in range(12))
    assert_consistent(folders.output)


def test_errands_are_done_and_one_that_fails_stops_nothing(folders: Buckets) -> None:
    drop(folders)

    def fail(_: float) -> dict[str, Any]:
        raise StoreError("The bucket is away.")

    summary = swept(folders, errands={"good": lambda _: {"sent": 3}, "bad": fail})
    assert summary["good"] == {"sent": 3}
    assert summary["bad"]["code"] == "store-failed"
    assert summary["ended"] == {"done": 1}


def _clock(days: float) -> Callable[[], float]:
    return partial(lambda at: at, time.time() + days * DAY)


def test_what_the_work_bucket_has_kept_long_enough_is_deleted(folders: Buckets) -> None:
    for name in ("batch/asks/1", "claims/ab/1.json", "renders/1", "spend/1", "renders/new"):
        folders.work.write(name, b"{}")
    assert swept(folders)["deleted"] == {}
    assert swept(folders, clock=_clock(8))["deleted"] == {"claims": 2}, "and the sweep's own"
    assert swept(folders, clock=_clock(31))["deleted"]["renders"] == 2
    assert swept(folders, clock=_clock(41))["deleted"]["batch"] == 1
    assert "spend/1" in names(folders.work)


def test_old_work_is_looked_for_once_a_day(folders: Buckets) -> None:
    swept(folders)
    folders.work.write("renders/1", b"{}")
    last = last_summary(folders.output) | {"cleaned": time.time() + 40 * DAY - 60}
    folders.output.write("sweep.json", json.dumps(last).encode())
    assert swept(folders, clock=_clock(40))["deleted"] == {}
    assert swept(folders, clock=_clock(41))["deleted"]["renders"] == 1


def test_a_damaged_summary_begins_anew(folders: Buckets, tmp_path: Path) -> None:
    drop(folders)
    (tmp_path / "output" / "sweep.json").write_text("{")
    assert swept(folders)["ended"] == {"done": 1}
