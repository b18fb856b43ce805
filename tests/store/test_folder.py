"""What only a folder has: files dropped by hand, several processes, a crash."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import shutil
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import BadObjectName, ObjectMissing, PreconditionFailed, StoreError
from common.store.folder import DRAFT_SECONDS, SIDE_FOLDER, FolderBucket
from common.store.ledger import Ledger

YEAR_2001 = 1_000_000_000
RACES = 40


@pytest.fixture
def bucket(tmp_path: Path) -> FolderBucket:
    return FolderBucket(tmp_path / "input")


def _drop(bucket: FolderBucket, name: str, data: bytes, seconds: float | None = None) -> None:
    """Do as a person does: put a file there, perhaps with its old time preserved."""
    path = bucket.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    desk = bucket.root.parent / "desk.tmp"
    desk.write_bytes(data)
    if seconds is not None:
        os.utime(desk, (seconds, seconds))
    desk.replace(path)


def _generation(bucket: FolderBucket, name: str) -> int:
    stored = bucket.stat(name)
    assert stored is not None
    return stored.generation


def test_a_dropped_file_is_an_object(bucket: FolderBucket) -> None:
    _drop(bucket, "cutout/red shoe.jpg", b"pixels")
    data, stored = bucket.read("cutout/red shoe.jpg")
    assert data == b"pixels"
    assert stored.content_type == "image/jpeg"
    assert list(bucket.list("cutout/")) == [stored]


def test_a_result_is_an_ordinary_file(bucket: FolderBucket) -> None:
    bucket.write("cutout/shoe.png", b"pixels")
    assert (bucket.root / "cutout" / "shoe.png").read_bytes() == b"pixels"


def test_a_generation_stays_as_long_as_the_file_does(bucket: FolderBucket) -> None:
    _drop(bucket, "a.jpg", b"x")
    first = _generation(bucket, "a.jpg")
    (bucket.root / "a.jpg").chmod(0o600)
    assert _generation(bucket, "a.jpg") == first
    assert _generation(FolderBucket(bucket.root), "a.jpg") == first


@pytest.mark.parametrize("seconds", [None, YEAR_2001, 4_000_000_000])
def test_a_file_that_replaces_another_is_newer_whatever_its_time_says(
    bucket: FolderBucket, seconds: float | None
) -> None:
    _drop(bucket, "a.jpg", b"first", seconds=YEAR_2001 + 500)
    first = _generation(bucket, "a.jpg")
    _drop(bucket, "a.jpg", b"second", seconds)
    assert _generation(bucket, "a.jpg") > first
    with pytest.raises(ObjectMissing):
        bucket.read("a.jpg", generation=first)


def test_a_file_dropped_over_a_result_is_not_overwritten_unseen(bucket: FolderBucket) -> None:
    seen = bucket.write("a.png", b"ours").generation
    _drop(bucket, "a.png", b"somebody's", YEAR_2001)
    with pytest.raises(PreconditionFailed):
        bucket.write("a.png", b"ours again", if_generation=seen)
    assert bucket.read("a.png")[0] == b"somebody's"


def test_a_copied_folder_keeps_its_generations(bucket: FolderBucket, tmp_path: Path) -> None:
    _drop(bucket, "a.jpg", b"x")
    bucket.write("b.png", b"y", metadata={"k": "v"})
    told = list(bucket.list())
    shutil.copytree(bucket.root, tmp_path / "copy")
    assert list(FolderBucket(tmp_path / "copy").list()) == told


def test_hidden_and_unfinished_files_are_never_told(bucket: FolderBucket) -> None:
    for name in [".DS_Store", "cutout/.shoe.jpg.crdownload", ".trash/shoe.jpg"]:
        _drop(bucket, name, b"x")
    (bucket.root / SIDE_FOLDER / "drafts" / "half").write_bytes(b"half")
    (bucket.root / "empty folder").mkdir()
    assert list(bucket.list()) == []


def test_a_file_that_is_being_copied_is_not_read_by_halves(bucket: FolderBucket) -> None:
    path = bucket.root / "a.jpg"
    path.write_bytes(b"the first half")
    reader = FolderBucket(bucket.root)
    stored = reader.stat("a.jpg")
    assert stored is not None
    path.write_bytes(b"the first half and the second")
    with pytest.raises(ObjectMissing):
        reader.read("a.jpg", generation=stored.generation)


def test_names_that_only_a_folder_can_hold_are_told_and_refused(bucket: FolderBucket) -> None:
    _drop(bucket, "cutout/back\\slash.jpg", b"x")
    assert [stored.name for stored in bucket.list()] == ["cutout/back\\slash.jpg"]
    with pytest.raises(BadObjectName):
        bucket.read("cutout/back\\slash.jpg")


def test_a_name_that_is_no_unicode_is_left_out(bucket: FolderBucket) -> None:
    (bucket.root / "ok.jpg").write_bytes(b"x")
    bad = os.fsencode(bucket.root) + b"/bad-\xff.jpg"
    try:
        Path(os.fsdecode(bad)).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system refuses such names itself")
    assert [stored.name for stored in bucket.list()] == ["ok.jpg"]


def test_links_do_not_lead_out_of_the_bucket(bucket: FolderBucket, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.txt").write_bytes(b"secret")
    (bucket.root / "folder").symlink_to(tmp_path / "secret")
    (bucket.root / "file.txt").symlink_to(tmp_path / "secret" / "key.txt")
    assert list(bucket.list()) == []
    assert bucket.stat("file.txt") is None
    with pytest.raises(ObjectMissing):
        bucket.read("file.txt")
    with pytest.raises(BadObjectName):
        bucket.read("folder/key.txt")
    with pytest.raises(BadObjectName):
        bucket.write("folder/new.txt", b"x")


def test_a_device_or_a_pipe_is_no_object(bucket: FolderBucket) -> None:
    os.mkfifo(bucket.root / "pipe")
    assert bucket.stat("pipe") is None
    assert list(bucket.list()) == []


def test_a_file_and_a_folder_of_one_name_are_a_clear_error(bucket: FolderBucket) -> None:
    bucket.write("a", b"x")
    bucket.write("b/c", b"x")
    assert bucket.stat("a/deep") is None
    with pytest.raises(BadObjectName, match="a file stands where a folder is needed"):
        bucket.write("a/deep", b"x")
    with pytest.raises(BadObjectName):
        bucket.write("b", b"x")
    assert [stored.name for stored in bucket.list()] == ["a", "b/c"]


def test_a_folder_that_cannot_be_written_is_a_passing_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError):
        FolderBucket(tmp_path / "file" / "input")


class _PowerCutError(BaseException):
    """Stands for the moment a process dies."""


class _LedgerThatDies(Ledger):
    def write(self, name: str, entries: object) -> None:
        super().write(name, entries)  # type: ignore[arg-type]  # passed on as it came
        raise _PowerCutError


def test_a_death_between_note_and_move_leaves_the_old_object_whole(bucket: FolderBucket) -> None:
    old = bucket.write("a.png", b"old", metadata={"k": "v"})
    dying = FolderBucket(bucket.root)
    dying._ledger = _LedgerThatDies(bucket.root / SIDE_FOLDER / "ledger")
    with pytest.raises(_PowerCutError):
        dying.write("a.png", b"new", if_generation=old.generation)
    assert bucket.read("a.png") == (b"old", old)
    assert bucket.write("a.png", b"next", if_generation=old.generation).generation > old.generation


def test_drafts_of_the_dead_are_swept_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    drafts = FolderBucket(tmp_path / "b").root / SIDE_FOLDER / "drafts"
    for name, age in [("dead", DRAFT_SECONDS + 60), ("living", 1)]:
        (drafts / name).write_bytes(b"x")
        os.utime(drafts / name, (time.time() - age,) * 2)
    FolderBucket(tmp_path / "b")
    assert [path.name for path in drafts.iterdir()] == ["living"]


def test_a_broken_or_missing_side_folder_costs_metadata_and_nothing_else(
    bucket: FolderBucket,
) -> None:
    bucket.write("a.png", b"x", metadata={"k": "v"})
    for note in (bucket.root / SIDE_FOLDER / "ledger").rglob("*.json"):
        note.write_text('[{"generation": "many"')
    assert bucket.read("a.png")[0] == b"x"
    shutil.rmtree(bucket.root / SIDE_FOLDER)
    assert bucket.read("a.png")[0] == b"x"
    assert bucket.write("a.png", b"y").size == 1


def _write_often(root: str, over: bool, start: Barrier, wins: str) -> None:
    """In another process: take part in a race for each of many names."""
    bucket = FolderBucket(Path(root))
    won = []
    for number in range(RACES):
        seen = _generation(bucket, f"{number}") if over else 0
        start.wait(20)
        with contextlib.suppress(PreconditionFailed):
            bucket.write(f"{number}", b"mine", if_generation=seen)
            won.append(number)
    Path(wins).write_text(json.dumps(won))


@pytest.mark.parametrize("over", [False, True])
def test_of_two_processes_one_writes(tmp_path: Path, over: bool) -> None:
    bucket = FolderBucket(tmp_path / "b")
    for number in range(RACES if over else 0):
        bucket.write(f"{number}", b"start")
    method = multiprocessing.get_context("spawn")
    start = method.Barrier(2)
    results = [tmp_path / "one.json", tmp_path / "two.json"]
    processes = [
        method.Process(target=_write_often, args=(str(bucket.root), over, start, str(result)))
        for result in results
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    won = [number for result in results for number in json.loads(result.read_text())]
    assert sorted(won) == list(range(RACES))


part = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=st.lists(part, min_size=1, max_size=4), data=st.binary(max_size=50))
def test_every_name_is_kept_or_refused(tmp_path: Path, parts: list[str], data: bytes) -> None:
    bucket = FolderBucket(tmp_path / "b")
    name = "/".join(parts)
    try:
        stored = bucket.write(name, data)
    except BadObjectName:
        return
    assert bucket.read(name) == (data, stored)
    assert stored in bucket.list(name)
    bucket.delete(name)
