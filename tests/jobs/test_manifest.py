"""The manifest: a line for every run, a file for every day, written by many at once."""

from __future__ import annotations

import json
import math
import threading
import time
from dataclasses import replace

import pytest

from common.errors import BrokenPicture, StoreError
from common.jobs import Buckets, Job, Made, bury, manifest, run
from common.jobs.manifest import days, fold, lines, note
from tests.support.jobs import PassingError, Work, drop, names
from tests.support.stores import Watched

DAY = "2026-11-22"
NOON = 1795348800.0  # of that day


def told(buckets: Buckets) -> list[dict[str, object]]:
    return [line for day in days(buckets) for line in lines(buckets, day)]


def folded(buckets: Buckets) -> dict[str, list[dict[str, object]]]:
    return {
        stored.name: [json.loads(line) for line in buckets.output.read(stored.name)[0].splitlines()]
        for stored in buckets.output.list("manifest/")
    }


def test_a_day_tells_what_came_what_it_cost_and_what_failed(buckets: Buckets) -> None:
    def work(_: bytes) -> Made:
        report = {"engine": "gemini", "decision": "accepted", "milliseconds": {"model": 12.0}}
        return Made(b"12345", "image/png", ".png", report | {"cost": {"dollars": 0.1, "calls": 2}})

    run(drop(buckets, "cutout/a ä.jpg"), buckets, work)
    run(drop(buckets, "cutout/b.jpg"), buckets, Work(BrokenPicture("Broken.")))
    assert fold(buckets, math.inf) == {"folded": 2}
    ((name, said),) = folded(buckets).items()
    assert name == f"manifest/{str(said[0]['time'])[:10]}.jsonl"
    done, failed = sorted(said, key=lambda line: str(line["input"]))
    assert {
        key: done[key] for key in ("input", "outcome", "dollars", "calls", "bytes", "engine")
    } == {
        "input": "cutout/a ä.jpg",
        "outcome": "done",
        "dollars": 0.1,
        "calls": 2,
        "bytes": 5,
        "engine": "gemini",
    }
    assert (failed["outcome"], failed["code"], failed["detail"]) == (
        "failed",
        "broken-picture",
        "Broken.",
    )
    assert not [name for name in names(buckets.work) if name.startswith("manifest/")]


def test_lines_are_told_before_they_are_folded_and_only_once_after(folders: Buckets) -> None:
    run(drop(folders), folders, Work())
    before = told(folders)
    fold(folders, math.inf)
    run(drop(folders, "cutout/b.jpg"), folders, Work())
    assert len(before) == 1
    assert len(told(folders)) == 2


def test_what_passes_has_no_line_and_a_dead_letter_has_one(folders: Buckets) -> None:
    job = drop(folders)
    with pytest.raises(PassingError):
        run(job, folders, Work(PassingError("Not now.")))
    assert told(folders) == []
    bury(job, folders, 10)
    assert [line["code"] for line in told(folders)] == ["passing"]


def test_no_result_lacks_its_line_whenever_a_run_dies(folders: Buckets) -> None:
    def fails(method: str, name: str) -> None:
        if method == "write" and "lines" in name:
            raise StoreError("The bucket is away.")

    dying = replace(folders, work=Watched(folders.work, fails))
    with pytest.raises(StoreError):
        run(drop(folders), dying, Work())
    assert names(folders.output) == [], "no line, no result"


# --- folding --------------------------------------------------------------------------------------


def _noted(buckets: Buckets, number: int) -> list[Job]:
    made = [drop(buckets, f"cutout/{n}.jpg") for n in range(number)]
    for job in made:
        note(buckets.work, job, Made(None, "", "", {}), clock=lambda: NOON)
    return made


def test_a_fold_that_died_before_it_tidied_up_is_repeated_without_harm(folders: Buckets) -> None:
    _noted(folders, 5)
    kept = [
        (stored.name, folders.work.read(stored.name)[0], stored.metadata)
        for stored in folders.work.list()
    ]
    fold(folders, math.inf)
    for name, data, metadata in kept:
        folders.work.write(name, data, metadata=metadata)
    assert len(told(folders)) == 5
    fold(folders, math.inf)
    assert len(folded(folders)[f"manifest/{DAY}.jsonl"]) == 5


def test_two_who_fold_at_once_lose_and_double_nothing(buckets: Buckets) -> None:
    _noted(buckets, 20)
    threads = [threading.Thread(target=fold, args=(buckets, math.inf)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(folded(buckets)[f"manifest/{DAY}.jsonl"]) == 20


def test_a_long_day_has_several_files(folders: Buckets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "LARGEST", 500)
    monkeypatch.setattr(manifest, "PORTION", 2)
    _noted(folders, 9)
    fold(folders, math.inf)
    parts = folded(folders)
    assert sorted(parts) == [f"manifest/{DAY}{part}.jsonl" for part in (".002", ".003", "")]
    assert sum(map(len, parts.values())) == 9
    assert len(told(folders)) == 9


def test_folding_ends_when_its_time_is_over(folders: Buckets) -> None:
    _noted(folders, 3)
    assert fold(folders, time.time() - 1) == {"folded": 0}
    assert len(told(folders)) == 3


def test_a_line_without_metadata_is_read(folders: Buckets) -> None:
    _noted(folders, 1)
    (stored,) = folders.work.list()
    folders.work.write(stored.name, folders.work.read(stored.name)[0])
    assert len(told(folders)) == 1
    assert fold(folders, math.inf) == {"folded": 1}
    assert len(folded(folders)[f"manifest/{DAY}.jsonl"]) == 1
