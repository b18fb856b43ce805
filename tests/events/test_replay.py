"""`studio replay`: what failed is run again, what is good is never touched."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from common.jobs import Buckets, State, bury, is_good, run
from common.store.folder import FolderBucket
from functions import _log, _wiring
from studio.command import main
from tests.support.files import product_files
from tests.support.jobs import PassingError, Work, assert_consistent, document, drop, names


@pytest.fixture
def folders(tmp_path: Path) -> Buckets:
    return Buckets(*(FolderBucket(tmp_path / name) for name in ("input", "work", "output")))


# --- the rule, one job at a time ------------------------------------------------------------------


def test_a_failure_that_would_stay_is_run_again_and_its_result_replaced(folders: Buckets) -> None:
    job = drop(folders)
    run(job, folders, Work(ValueError("a defect that was mended since")))
    assert run(job, folders, Work()).state is State.FOUND, "an event would leave it"
    assert run(job, folders, Work(), settles=is_good).state is State.DONE
    assert document(folders.output, "cutout/shoe.json")["job"]["outcome"] == "done"
    assert_consistent(folders.output)


def test_a_dead_letter_is_run_again(folders: Buckets) -> None:
    job = drop(folders)
    bury(job, folders, 10)
    assert run(job, folders, Work(), settles=is_good).state is State.DONE


def test_a_good_result_is_never_run_again_whatever_its_options_were(folders: Buckets) -> None:
    job = drop(folders, key="blue")
    run(job, folders, Work())
    other, work = replace(job, options={"key": "green"}), Work()
    assert run(other, folders, work, settles=is_good).state is State.FOUND
    assert work.runs == []


def test_a_replay_that_may_pass_leaves_the_failure_where_it_was(folders: Buckets) -> None:
    job = drop(folders)
    bury(job, folders, 10)
    with pytest.raises(PassingError):
        run(job, folders, Work(PassingError("Not now.")), settles=is_good)
    assert document(folders.output, "cutout/shoe.json")["job"]["outcome"] == "failed"


# --- the command, on a data folder ----------------------------------------------------------------


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("input", "work", "output"):
        monkeypatch.setenv(f"STUDIO_{name.upper()}_BUCKET", str(tmp_path / name))
    _forget()
    yield tmp_path
    _forget()


def _forget() -> None:
    _wiring.settings.cache_clear()
    _wiring.buckets.cache_clear()
    _log.logger.setLevel(logging.INFO)


def _bury(folders: Buckets, name: str) -> None:
    bury(drop(folders, name, product_files().photo), folders, 10)


def _outcome(folders: Buckets, name: str) -> str:
    return str(document(folders.output, name)["job"]["outcome"])


def test_all_that_failed_is_run_again(
    folders: Buckets, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _bury(folders, "detect/a.png")
    run(drop(folders, "detect/good.png"), folders, Work())
    before = folders.output.stat("detect/good.json")
    assert main(["replay", "--data", str(data)]) == 0
    assert _outcome(folders, "detect/a.json") == "done"
    assert folders.output.stat("detect/good.json") == before
    assert "1 of 1 failed inputs have a good result now." in capsys.readouterr().out


def test_only_what_is_named_is_run_again(
    folders: Buckets, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("detect/a.png", "detect/b.png", "detect/summer/c.png"):
        _bury(folders, name)
    named = ["detect/a.png", f"{data}/input/detect/summer", "detect/none.png"]
    assert main(["replay", "--data", str(data), *named]) == 0
    assert [_outcome(folders, f"detect/{n}.json") for n in ("a", "b", "summer/c")] == [
        "done",
        "failed",
        "done",
    ]
    assert "detect/none.png: nothing failed there." in capsys.readouterr().err


def test_what_still_fails_is_told(
    folders: Buckets, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bury(drop(folders, "detect/broken.png", b"no picture"), folders, 10)
    bury(drop(folders, "detect/gone.png"), folders, 10)
    folders.input.delete("detect/gone.png")
    assert main(["replay", "--data", str(data)]) == 1
    said = capsys.readouterr()
    assert "0 of 2 failed inputs" in said.out
    assert "detect/gone.png: the input is gone" in said.err
    assert "detect/broken.png:" in said.err
    assert names(folders.output) == ["detect/broken.json", "detect/gone.json"]
