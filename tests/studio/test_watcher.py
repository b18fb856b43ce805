"""The folder watcher: what it takes, when, and how often it tries."""

from __future__ import annotations

import base64
import importlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from common.errors import ModelBusy
from common.store.folder import FolderBucket
from functions._notice import DEAD_AFTER
from studio.watcher import Patience, Watcher, has_result_in, loopback
from tests.support import shop as shared
from tests.support.jobs import document, names
from tests.support.shop import Shop, new_shop

QUICK = Patience(settle_seconds=0.15, first_wait=0.02, longest_wait=0.05, attempts=3)
SECONDS = 10.0


@dataclass
class Door:
    """Takes deliveries; answers with `statuses` in turn, then with 200."""

    statuses: list[int] = field(default_factory=list)
    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, operation: str, body: bytes) -> int:
        with self.lock:
            self.taken.append((operation, json.loads(body)["message"]))
            return self.statuses.pop(0) if self.statuses else 200

    @property
    def names(self) -> list[str]:
        return [message["attributes"]["objectId"] for _, message in self.taken]


@contextmanager
def watching_over(root: Path, door: Any, **how: Any) -> Iterator[Watcher]:
    watcher = Watcher(root, door, ("cutout", "detect"), **{"patience": QUICK, **how})
    watcher.start()
    try:
        yield watcher
    finally:
        watcher.stop()
        assert not [
            thread.name
            for thread in threading.enumerate()
            if thread.name == "watcher" or thread.name.startswith("delivery-")
        ]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def drop(root: Path, name: str, data: bytes = b"pixels") -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(data)


def test_a_dropped_file_is_delivered_once_as_cloud_storage_would_tell_it(tmp_path: Path) -> None:
    door = Door()
    with watching_over(tmp_path, door):
        drop(tmp_path, "cutout/red shoe.jpg")
        wait_until(lambda: door.taken != [])
        time.sleep(0.4)
    ((operation, message),) = door.taken
    stored = FolderBucket(tmp_path).stat("cutout/red shoe.jpg")
    assert stored is not None
    resource = json.loads(base64.b64decode(message["data"]))
    generation = str(stored.generation)
    assert operation == "cutout"
    assert (
        message["attributes"]
        | {
            "bucketId": tmp_path.name,
            "objectId": "cutout/red shoe.jpg",
            "objectGeneration": generation,
            "eventType": "OBJECT_FINALIZE",
            "payloadFormat": "JSON_API_V1",
        }
        == message["attributes"]
    )
    assert (resource["generation"], resource["size"]) == (generation, "6")
    assert resource["contentType"] == "image/jpeg"
    assert message["publishTime"].endswith("Z")


def test_metadata_travels_with_the_message(tmp_path: Path) -> None:
    door = Door()
    FolderBucket(tmp_path).write("cutout/a.jpg", b"x", metadata={"params": '{"key": "blue"}'})
    with watching_over(tmp_path, door):
        wait_until(lambda: door.taken != [])
    resource = json.loads(base64.b64decode(door.taken[0][1]["data"]))
    assert resource["metadata"] == {"params": '{"key": "blue"}'}


def test_files_that_were_there_before_are_delivered_unless_they_have_a_result(
    tmp_path: Path,
) -> None:
    door = Door()
    for name in ("cutout/done.jpg", "cutout/deep/new.jpg", "detect/new.jpg"):
        drop(tmp_path, name)
    with watching_over(tmp_path, door, has_result=lambda _, stored: "done" in stored.name):
        wait_until(lambda: len(door.taken) == 2)
        time.sleep(0.3)
    assert sorted(door.names) == ["cutout/deep/new.jpg", "detect/new.jpg"]


def test_what_is_no_picture_for_an_operation_is_not_delivered(tmp_path: Path) -> None:
    door = Door()
    with watching_over(tmp_path, door):
        for name in ["cutout/recipe.json", "cutout/.DS_Store", "cutout/.d/x.jpg", "other/x.jpg"]:
            drop(tmp_path, name)
        drop(tmp_path, "x.jpg")
        drop(tmp_path, "cutout/empty.jpg", b"")
        drop(tmp_path, "cutout/last.jpg")
        wait_until(lambda: door.taken != [])
        time.sleep(0.3)
    assert door.names == ["cutout/last.jpg"]


def test_a_file_is_taken_when_it_is_whole(tmp_path: Path) -> None:
    door = Door()
    (tmp_path / "cutout").mkdir()
    with watching_over(tmp_path, door), (tmp_path / "cutout" / "big.tif").open("wb") as copy:
        for _ in range(10):
            copy.write(b"a part ")
            copy.flush()
            time.sleep(0.05)
            assert door.taken == []
        wait_until(lambda: door.taken != [])
    resource = json.loads(base64.b64decode(door.taken[0][1]["data"]))
    assert resource["size"] == "70"


def test_a_folder_moved_in_as_a_whole_is_delivered(tmp_path: Path) -> None:
    door, desk = Door(), tmp_path / "desk"
    for number in range(3):
        drop(desk, f"summer/{number}.jpg")
    root = tmp_path / "input"
    (root / "cutout").mkdir(parents=True)
    with watching_over(root, door):
        time.sleep(0.2)
        (desk / "summer").rename(root / "cutout" / "summer")
        wait_until(lambda: len(door.taken) == 3)
    assert sorted(door.names) == [f"cutout/summer/{number}.jpg" for number in range(3)]


def test_an_overwritten_file_is_delivered_again_with_a_higher_generation(tmp_path: Path) -> None:
    door = Door()
    with watching_over(tmp_path, door):
        drop(tmp_path, "cutout/a.jpg", b"first")
        wait_until(lambda: len(door.taken) == 1)
        drop(tmp_path, "cutout/a.jpg", b"second")
        wait_until(lambda: len(door.taken) == 2)
    first, second = (int(message["attributes"]["objectGeneration"]) for _, message in door.taken)
    assert second > first


def test_a_name_that_the_door_will_refuse_is_delivered_all_the_same(tmp_path: Path) -> None:
    door = Door()
    with watching_over(tmp_path, door):
        drop(tmp_path, "cutout/back\\slash.jpg")
        wait_until(lambda: door.names == ["cutout/back\\slash.jpg"])


@pytest.mark.parametrize("status", [400, 409, 429, 500, 503])
def test_a_message_that_is_not_taken_comes_again(tmp_path: Path, status: int) -> None:
    door = Door([status, status])
    drop(tmp_path, "cutout/a.jpg")
    with watching_over(tmp_path, door):
        wait_until(lambda: len(door.taken) == 3)
        time.sleep(0.1)
    assert len(door.taken) == 3
    assert len({message["messageId"] for _, message in door.taken}) == 1
    assert not any(DEAD_AFTER in message["attributes"] for _, message in door.taken)


def test_after_the_last_attempt_it_comes_as_a_dead_letter(tmp_path: Path) -> None:
    door = Door([500] * 4)
    drop(tmp_path, "cutout/a.jpg")
    with watching_over(tmp_path, door):
        wait_until(lambda: len(door.taken) == 5)
    marks = [message["attributes"].get(DEAD_AFTER) for _, message in door.taken]
    assert marks == [None, None, None, "3", "4"]


def test_a_door_that_is_shut_or_broken_stops_nothing(tmp_path: Path) -> None:
    troubles: list[Exception] = [ConnectionRefusedError(), ZeroDivisionError()]
    door = Door()

    def shut(operation: str, body: bytes) -> int:
        if troubles:
            raise troubles.pop(0)
        return door(operation, body)

    drop(tmp_path, "cutout/a.jpg")
    with watching_over(tmp_path, shut):
        wait_until(lambda: door.names == ["cutout/a.jpg"])


def test_no_more_are_on_their_way_than_there_are_workers(tmp_path: Path) -> None:
    at_once: list[int] = []
    inside = threading.Semaphore(0)
    lock = threading.Lock()
    done: list[str] = []
    busy = 0

    def slow(operation: str, body: bytes) -> int:
        nonlocal busy
        with lock:
            busy += 1
            at_once.append(busy)
        inside.acquire(timeout=0.05)
        with lock:
            busy -= 1
            done.append(operation)
        return 200

    for number in range(8):
        drop(tmp_path, f"cutout/{number}.jpg")
    with watching_over(tmp_path, slow, workers=3):
        wait_until(lambda: len(done) == 8)
    assert max(at_once) == 3


def test_waits_grow_up_to_the_longest() -> None:
    patience = Patience(first_wait=1, longest_wait=60)
    waits = [patience.wait(failures) for failures in range(1, 9)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert patience.wait(10_000) == 60


def test_stopping_leaves_the_rest_to_the_next_watcher(tmp_path: Path) -> None:
    door = Door([500] * 100)
    drop(tmp_path, "cutout/a.jpg")
    slow = Patience(settle_seconds=0.1, first_wait=30, longest_wait=30)
    with watching_over(tmp_path, door, patience=slow):
        wait_until(lambda: len(door.taken) == 1)
        begun = time.monotonic()
    assert time.monotonic() - begun < 2
    door.statuses.clear()
    with watching_over(tmp_path, door):
        wait_until(lambda: len(door.taken) == 2)


def test_a_watcher_that_never_began_can_be_stopped(tmp_path: Path) -> None:
    Watcher(tmp_path, Door(), ("cutout",)).stop()


def test_without_notices_the_folder_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)  # as where it is not installed
    door = Door()
    with watching_over(tmp_path, door):
        drop(tmp_path, "cutout/a.jpg")
        wait_until(lambda: door.names == ["cutout/a.jpg"])


# --- with the real door ---------------------------------------------------------------------------


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return new_shop(tmp_path)


@pytest.fixture
def port(shop: Shop, tmp_path: Path) -> Iterator[int]:
    """Serve the door as the studio does: the framework's app under /events/cutout."""
    framework: Any = importlib.import_module("functions_framework")
    shared.CURRENT.append(shop)
    source = tmp_path / "door_of_the_watcher.py"
    source.write_text(shared.FUNCTION, encoding="utf-8")
    app = framework.create_app("cutout_dropped", str(source))
    mounted = DispatcherMiddleware(NotFound(), {"/events/cutout": app})
    server = make_server("127.0.0.1", 0, mounted, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()
    shared.CURRENT.remove(shop)


def test_a_dropped_picture_becomes_a_result_beside_nothing_else(
    shop: Shop, port: int, tmp_path: Path
) -> None:
    with watching_over(tmp_path / "input", loopback(port)):
        drop(tmp_path / "input", "cutout/red shoe.jpg")
        wait_until(lambda: len(names(shop.buckets.output)) == 2)
    assert (tmp_path / "output" / "cutout" / "red shoe.png").read_bytes() == b"PIXELS"
    assert len(shop.calls) == 1


def test_a_busy_model_is_asked_again_until_it_answers(
    shop: Shop, port: int, tmp_path: Path
) -> None:
    shop.troubles = [ModelBusy("Too many requests.")] * 2
    drop(tmp_path / "input", "cutout/shoe.jpg")
    with watching_over(tmp_path / "input", loopback(port)):
        wait_until(lambda: len(names(shop.buckets.output)) == 2)
    assert len(shop.calls) == 3


def test_a_model_that_stays_busy_ends_in_a_failed_result(
    shop: Shop, port: int, tmp_path: Path
) -> None:
    shop.troubles = [ModelBusy("Too many requests.")] * 100
    drop(tmp_path / "input", "cutout/shoe.jpg")
    with watching_over(tmp_path / "input", loopback(port)):
        wait_until(lambda: names(shop.buckets.output) == ["cutout/shoe.json"])
    said = document(shop.buckets.output, "cutout/shoe.json")
    assert (said["code"], said["attempts"]) == ("model-busy", QUICK.attempts)
    assert len(shop.calls) == QUICK.attempts


def test_the_next_watcher_delivers_only_what_has_no_result(
    shop: Shop, port: int, tmp_path: Path
) -> None:
    door, root = Door(), tmp_path / "input"
    drop(root, "cutout/done.jpg")
    with watching_over(root, loopback(port)):
        wait_until(lambda: len(names(shop.buckets.output)) == 2)
    drop(root, "cutout/new.jpg")
    with watching_over(root, door, has_result=has_result_in(shop.buckets.output)):
        wait_until(lambda: door.taken != [])
        time.sleep(0.3)
    assert door.names == ["cutout/new.jpg"]
