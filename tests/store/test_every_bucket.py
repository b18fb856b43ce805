"""One contract over both buckets: a folder, and Cloud Storage as its double shows it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common.errors import BadObjectName, ObjectMissing, PictureTooLarge, PreconditionFailed
from common.store import Bucket, Stored
from common.store.folder import FolderBucket
from tests.support.gcs import new_cloud_bucket

RACERS = 20


@pytest.fixture(params=["folder", "cloud"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Bucket:
    return FolderBucket(tmp_path / "input") if request.param == "folder" else new_cloud_bucket()


def test_what_was_written_is_read_back(bucket: Bucket) -> None:
    written = bucket.write(
        "cutout/shoe.jpg", b"pixels", content_type="image/jpeg", metadata={"params": '{"ä": 1}'}
    )
    data, read = bucket.read("cutout/shoe.jpg")
    assert data == b"pixels"
    assert read == written == bucket.stat("cutout/shoe.jpg")
    assert (read.name, read.size, read.content_type) == ("cutout/shoe.jpg", 6, "image/jpeg")
    assert read.metadata == {"params": '{"ä": 1}'}
    assert abs(read.updated - datetime.now(UTC)) < timedelta(minutes=1)


def test_nothing_is_told_of_an_object_that_is_not_there(bucket: Bucket) -> None:
    assert bucket.stat("cutout/shoe.jpg") is None
    with pytest.raises(ObjectMissing):
        bucket.read("cutout/shoe.jpg")
    with pytest.raises(ObjectMissing):
        bucket.delete("cutout/shoe.jpg")


def test_an_empty_object_is_an_object(bucket: Bucket) -> None:
    bucket.write("empty", b"")
    assert bucket.read("empty")[0] == b""


def test_generations_rise_with_every_write_and_after_a_deletion(bucket: Bucket) -> None:
    generations = [bucket.write("a", b"same").generation for _ in range(20)]
    bucket.delete("a")
    generations.append(bucket.write("a", b"same").generation)
    assert generations[0] > 0
    assert generations == sorted(set(generations))


def test_a_generation_that_was_overwritten_cannot_be_read(bucket: Bucket) -> None:
    old = bucket.write("a", b"old")
    new = bucket.write("a", b"new")
    assert bucket.read("a", generation=new.generation)[0] == b"new"
    with pytest.raises(ObjectMissing):
        bucket.read("a", generation=old.generation)


def test_zero_writes_only_where_there_is_no_object(bucket: Bucket) -> None:
    bucket.write("a", b"first", if_generation=0)
    with pytest.raises(PreconditionFailed):
        bucket.write("a", b"second", if_generation=0)
    assert bucket.read("a")[0] == b"first"


def test_a_generation_writes_only_over_itself(bucket: Bucket) -> None:
    first = bucket.write("a", b"first")
    second = bucket.write("a", b"second", if_generation=first.generation)
    with pytest.raises(PreconditionFailed):
        bucket.write("a", b"third", if_generation=first.generation)
    with pytest.raises(PreconditionFailed):
        bucket.write("absent", b"", if_generation=second.generation)
    assert bucket.read("a")[0] == b"second"


def test_a_failed_write_leaves_nothing_behind(bucket: Bucket) -> None:
    bucket.write("a", b"1", if_generation=0)
    with pytest.raises(PreconditionFailed):
        bucket.write("a", b"2", if_generation=0)
    assert [stored.name for stored in bucket.list()] == ["a"]


@pytest.mark.parametrize("over", ["nothing", "an object"])
def test_of_twenty_who_write_at_once_one_succeeds(bucket: Bucket, over: str) -> None:
    seen = bucket.write("a", b"0").generation if over == "an object" else 0
    won, lost = _race(lambda: bucket.write("a", b"the same bytes", if_generation=seen))
    assert (len(won), len(lost)) == (1, RACERS - 1)
    assert bucket.stat("a") == won[0]


def _race(write: Callable[[], Stored]) -> tuple[list[Stored], list[PreconditionFailed]]:
    won: list[Stored] = []
    lost: list[PreconditionFailed] = []
    start = threading.Barrier(RACERS)

    def run() -> None:
        start.wait()
        try:
            won.append(write())
        except PreconditionFailed as error:
            lost.append(error)

    threads = [threading.Thread(target=run) for _ in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won, lost


def test_an_object_above_the_limit_is_not_read(bucket: Bucket) -> None:
    bucket.write("a", b"12345")
    assert bucket.read("a", limit=5)[0] == b"12345"
    with pytest.raises(PictureTooLarge, match="5 bytes; the limit is 4"):
        bucket.read("a", limit=4)


def test_lists_are_sorted_by_whole_name(bucket: Bucket) -> None:
    names = ["a", "a.b", "a/b", "a/b c", "a0", "b/z.jpg", "b/ä.jpg", "c-d", "c/d"]
    for name in reversed(names):
        if name != "a":  # a folder cannot hold both a and a/b
            bucket.write(name, b"x")
    assert [stored.name for stored in bucket.list()] == names[1:]


def test_a_list_holds_what_begins_with_the_prefix(bucket: Bucket) -> None:
    for name in ["cutout/a.jpg", "cutout/deep/er/b.jpg", "cutouts.txt", "erase/c.jpg"]:
        bucket.write(name, name.encode())
    assert _names(bucket, "cutout/") == ["cutout/a.jpg", "cutout/deep/er/b.jpg"]
    assert _names(bucket, "cutout") == ["cutout/a.jpg", "cutout/deep/er/b.jpg", "cutouts.txt"]
    assert _names(bucket, "cutout/deep/e") == ["cutout/deep/er/b.jpg"]
    assert _names(bucket, "nothing/") == []


@pytest.mark.parametrize("start", ["", "a", "b", "b/", "b/c", "b/d", "b/d/e", "b/dx", "bb", "z"])
def test_a_list_begins_at_any_name(bucket: Bucket, start: str) -> None:
    names = ["a", "b-", "b/c", "b/d/e", "b/d/f", "b/dd", "c"]
    for name in names:
        bucket.write(name, b"x")
    assert [stored.name for stored in bucket.list("", start)] == [n for n in names if n >= start]
    assert [stored.name for stored in bucket.list("b/", start)] == [
        n for n in names if n >= start and n.startswith("b/")
    ]


def test_a_list_tells_the_same_as_stat(bucket: Bucket) -> None:
    bucket.write("cutout/a.jpg", b"x", metadata={"k": "v"}, content_type="image/jpeg")
    assert list(bucket.list()) == [bucket.stat("cutout/a.jpg")]


def _names(bucket: Bucket, prefix: str) -> list[str]:
    return [stored.name for stored in bucket.list(prefix)]


def test_a_deleted_object_is_gone(bucket: Bucket) -> None:
    bucket.write("a", b"x")
    bucket.delete("a")
    assert bucket.stat("a") is None
    assert list(bucket.list()) == []


def test_a_deletion_may_name_the_generation(bucket: Bucket) -> None:
    if not isinstance(bucket, FolderBucket):
        pytest.skip("fake-gcs-server ignores the precondition of a deletion")
    old = bucket.write("a", b"old").generation
    new = bucket.write("a", b"new").generation
    with pytest.raises(PreconditionFailed):
        bucket.delete("a", if_generation=old)
    bucket.delete("a", if_generation=new)
    assert bucket.stat("a") is None


GOOD_NAMES = [
    "shoe.jpg",
    "cutout/summer 2026/red shoe (1).jpg",
    "cutout/Schuh-ä.jpg",
    "cutout/Schuh-a\u0308.jpg",  # decomposed: another name than the one above
    "cutout/鞋子/👟.png",
    "cutout/100%+&=#?;'\"<>|*.jpg",
    "cutout/a..b.jpg",
    f"cutout/{'x' * 251}.jpg",
    "/".join(["d" * 99] * 10),
]


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_any_writing_is_a_name(bucket: Bucket, name: str) -> None:
    bucket.write(name, name.encode(), if_generation=0)
    assert bucket.read(name)[0] == name.encode()
    assert [stored.name for stored in bucket.list()] == [name]


def test_composed_and_decomposed_names_are_two(bucket: Bucket) -> None:
    bucket.write("ä", b"composed")
    bucket.write("a\u0308", b"decomposed")
    assert bucket.read("ä")[0] == b"composed"


BAD_NAMES = [
    "",
    "/etc/passwd",
    "..",
    "../secret",
    "cutout/../../secret",
    "cutout/./a.jpg",
    "cutout//a.jpg",
    "cutout/",
    "cutout/.hidden.jpg",
    ".studio/lock",
    "cutout\\..\\secret",
    "a\0b",
    "a\nb",
    "a\ud800b",
    f"cutout/{'x' * 256}",
    f"cutout/{'ä' * 128}",
    "/".join(["d" * 99] * 11),
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_means_something_else_elsewhere_is_refused(bucket: Bucket, name: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: bucket.stat(name),
        lambda: bucket.read(name),
        lambda: bucket.write(name, b"x"),
        lambda: bucket.delete(name),
    ]
    for call in calls:
        with pytest.raises(BadObjectName):
            call()
    assert list(bucket.list()) == []
