"""Remembered answers in a bucket: of many who ask the same one pays, also when somebody dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from common.errors import ModelBusy, ModelError, ModelRefused, ModelUnavailable, StoreError
from common.image import Image
from common.spend import Caps, ledger_name
from common.spend.ledger import read_grants
from common.store import Bucket
from common.store.folder import FolderBucket
from common.vlm.base import Render, Rendered, VisionModel
from common.vlm.remembered import RememberedModel, Waiting
from common.vlm.scripted import ScriptedModel
from functions._shelf import BucketShelf
from tests.support.asking import ask_and_tell_who, different, instance
from tests.support.gemini_server import Call, GeminiServer, Reply, page
from tests.support.models import FOUND, OwnTime, edit, photo, question, wish
from tests.support.stores import Watched
from tests.vlm.conftest import Make

LEASE = 0.6  # seconds; renewed every third of it


def remembered(
    model: VisionModel,
    bucket: Bucket,
    since: float = 0.0,
    lease: float = LEASE,
    waiting: Waiting | None = None,
) -> RememberedModel:
    """Return a model as one instance of many has it."""
    shelf = BucketShelf(bucket, lease)
    waiting = waiting or Waiting(20.0, sleep=lambda _: time.sleep(0.02))
    return RememberedModel(model, shelf, lambda _: "test", since, waiting)


def slowly(seconds: float) -> Callable[[Render], Image]:
    def paint(render: Render) -> Image:
        time.sleep(seconds)
        return render.image

    return paint


@pytest.fixture
def work(tmp_path: Path) -> FolderBucket:
    return FolderBucket(tmp_path / "work")


# --- one pays, the others wait --------------------------------------------------------------------


def test_of_eight_who_ask_the_same_at_once_one_pays(
    gemini: Make, server: GeminiServer, work: FolderBucket
) -> None:
    instances = [remembered(gemini(), FolderBucket(work.root)) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda model: model.render(edit()), instances))
    assert len(server.calls) == 1
    assert sorted(made.usage.remembered for made in answers) == [False] + [True] * 7
    assert len({made.image.digest() for made in answers}) == 1


def test_who_asks_something_else_does_not_wait(work: FolderBucket) -> None:
    slow = remembered(ScriptedModel(renders=[slowly(0.5)]), work)
    quick = remembered(ScriptedModel(renders=[photo()]), work)
    first = threading.Thread(target=slow.render, args=(wish(),))
    first.start()
    start = time.monotonic()
    quick.render(wish(subject="another thing"))
    assert time.monotonic() - start < 0.4
    first.join()


def test_an_ask_that_takes_longer_than_a_lease_keeps_its_claim(work: FolderBucket) -> None:
    holder = remembered(ScriptedModel(renders=[slowly(4 * LEASE)]), work)
    waiting = remembered(ScriptedModel(), work)
    first = threading.Thread(target=holder.render, args=(wish(),))
    first.start()
    while not list(work.list("claims/")):
        time.sleep(0.005)
    assert waiting.render(wish()).usage.remembered
    first.join()


def test_when_the_first_fails_the_next_asks(work: FolderBucket) -> None:
    refused = threading.Event()

    def refuse(_: Render) -> Image:
        refused.wait(5)
        raise ModelRefused("no")

    failing = remembered(ScriptedModel(renders=[refuse]), work)
    inner = ScriptedModel(renders=[photo()])
    failures: list[ModelError] = []

    def fail() -> None:
        with pytest.raises(ModelRefused) as told:
            failing.render(wish())
        failures.append(told.value)

    first = threading.Thread(target=fail)
    first.start()
    while not list(work.list("claims/")):
        time.sleep(0.005)
    threading.Timer(0.1, refused.set).start()
    assert not remembered(inner, work).render(wish()).usage.remembered
    first.join()
    assert len(failures) == 1


def test_a_wait_without_end_is_told_and_paid_by_nobody(work: FolderBucket) -> None:
    own_time = OwnTime()
    with BucketShelf(work).claimed(_name_of(wish(), work)):
        inner = ScriptedModel()
        model = remembered(inner, work, waiting=Waiting(3.0, own_time.clock, own_time.sleep))
        with pytest.raises(ModelBusy, match="very same thing") as told:
            model.render(wish())
    assert told.value.retryable
    assert told.value.retry_after
    assert inner.rendered == []
    assert sum(own_time.slept) == pytest.approx(3.0)


def _name_of(render: Render, work: FolderBucket) -> str:
    """Return under which name a wish is remembered, by watching where it is looked for."""
    looked: list[str] = []

    def note(method: str, name: str) -> None:
        looked.append(name)
        raise StoreError("only looking")

    with pytest.raises(ModelUnavailable):
        remembered(ScriptedModel(), Watched(work, note)).render(render)
    return looked[0].rpartition("/")[2]


def test_a_claim_that_cannot_be_made_means_that_nobody_is_asked(work: FolderBucket) -> None:
    def no_claims(method: str, name: str) -> None:
        if method == "write" and name.startswith("claims/"):
            raise StoreError("full")

    inner = ScriptedModel([FOUND], [photo()])
    model = remembered(inner, Watched(work, no_claims))
    with pytest.raises(ModelUnavailable):
        model.render(wish())
    with pytest.raises(ModelUnavailable):
        model.ask(question())
    assert (inner.asked, inner.rendered) == ([], [])


@pytest.mark.parametrize("source", [photo(), photo(500, 180)], ids=["whole", "bordered"])
def test_what_is_remembered_of_gemini_is_its_own_file_and_shows_the_same(
    gemini: Make, work: FolderBucket, source: Image
) -> None:
    model = remembered(gemini(), work)
    first, second = model.render(edit(source)), model.render(edit(source))
    (entry,) = work.list("renders/")
    assert second.usage.remembered
    assert second.image.digest() == first.image.digest()
    assert first.file in work.read(entry.name)[0]


# --- asked anew -----------------------------------------------------------------------------------


def test_fresh_asks_anew_and_is_remembered_in_place_of_the_old(work: FolderBucket) -> None:
    inner = ScriptedModel(renders=[photo(), photo(200, 150)])
    remembered(inner, work).render(wish())
    fresh = remembered(inner, work, since=time.time()).render(wish())
    after = remembered(inner, work).render(wish())
    assert not fresh.usage.remembered
    assert after.usage.remembered
    assert after.image.digest() == fresh.image.digest()


def test_of_several_who_want_a_fresh_answer_at_once_one_pays(work: FolderBucket) -> None:
    remembered(ScriptedModel(renders=[photo()]), work).render(wish())
    inner = ScriptedModel(renders=[slowly(0.2)])
    now = time.time()
    with ThreadPoolExecutor(4) as threads:
        models = [remembered(inner, work, since=now) for _ in range(4)]
        list(threads.map(lambda model: model.render(wish()), models))
    assert len(inner.rendered) == 1


def test_what_is_asked_anew_is_quoted_at_its_price(work: FolderBucket) -> None:
    inner = ScriptedModel(renders=[photo()], dollars=0.03)
    remembered(inner, work).render(wish())
    assert remembered(inner, work).quote(wish()).dollars == 0
    assert remembered(inner, work, since=time.time() + 1).quote(wish()).dollars == 0.03


@pytest.mark.parametrize("data", [b"", b"x", b"\x00" * 500])
def test_a_damaged_entry_in_the_bucket_is_replaced(work: FolderBucket, data: bytes) -> None:
    inner = ScriptedModel(renders=[photo(), photo()])
    model = remembered(inner, work)
    model.render(wish())
    (entry,) = work.list("renders/")
    work.write(entry.name, data)
    assert not model.render(wish()).usage.remembered
    assert model.render(wish()).usage.remembered
    assert len(inner.rendered) == 2


# --- death ----------------------------------------------------------------------------------------


class _DeathError(BaseException):
    """Stands for kill -9: nothing after it is written."""


@dataclass
class Mortal:
    """Counts the steps of an ask, and dies at one of them."""

    last: int
    steps: int = 0

    def __call__(self, *_: str) -> None:
        self.steps += 1
        if self.steps > self.last:
            raise _DeathError


class MortalModel:
    """Passes a wish on; the way there and the way back are steps too."""

    engine = "gemini"

    def __init__(self, model: VisionModel, step: Mortal) -> None:
        self.ask, self.quote = model.ask, model.quote
        self._model, self._step = model, step

    def render(self, render: Render) -> Rendered:
        self._step("send")
        made = self._model.render(render)
        self._step("receive")
        return made


def _dying(bucket: Bucket, inner: VisionModel, last: int) -> int:
    """Ask, and die after the step number `last`; return how many steps there were."""
    mortal = Mortal(last)
    try:
        remembered(MortalModel(inner, mortal), Watched(bucket, mortal), lease=30.0).render(wish())
    except _DeathError:
        _forget_the_claims(bucket)
    return mortal.steps


def test_an_instance_that_is_killed_while_its_answer_is_under_way_is_followed(
    server: GeminiServer, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"

    def kill(_: Call) -> Reply:
        os.kill(int(pid.read_text("utf-8")), signal.SIGKILL)
        return page(502)

    server.script(kill)
    work = tmp_path / "work"
    process = multiprocessing.get_context("spawn").Process(
        target=ask_and_tell_who, args=(server.address, str(work), str(pid))
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    model = instance(server.address, FolderBucket(work), Caps(day=10.0))
    assert not model.render(different(0)).usage.remembered  # after the lease of the dead
    assert model.render(different(0)).usage.remembered
    assert len(server.calls) == 2
    granted = read_grants(FolderBucket(work).read(ledger_name(time.time()))[0])[""] / 1e6
    assert granted > 2 * 0.03  # nobody knows whether the first was charged: it stays spent


def _forget_the_claims(bucket: Bucket) -> None:
    """Let the leases of the dead end."""
    for claim in list(bucket.list("claims/")):
        bucket.write(claim.name, b'{"owner": "dead", "until": 1}')


def test_a_death_at_any_step_loses_at_most_the_one_answer_that_was_under_way(
    tmp_path: Path,
) -> None:
    steps = _dying(FolderBucket(tmp_path / "count"), ScriptedModel(renders=[photo()]), 1000)
    paid_twice = []
    for last in range(steps):
        bucket = FolderBucket(tmp_path / f"{last}")
        inner = ScriptedModel(renders=[photo(), photo()])
        _dying(bucket, inner, last)
        again = remembered(inner, bucket).render(wish())
        assert again.image.digest() == photo().digest()
        assert remembered(inner, bucket).render(wish()).usage.remembered
        if len(inner.rendered) > 1:
            paid_twice.append(last)
    # Only where the answer had come, or was coming, and was not yet stored.
    assert len(paid_twice) == 2
    assert paid_twice[1] == paid_twice[0] + 1
    assert steps > paid_twice[1] + 1
