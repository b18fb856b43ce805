"""Processes that ask a Gemini on loopback, as instances of the studio do; some die at it."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

from common.errors import CapReached
from common.spend import Caps, Ledger, Purse
from common.store import Bucket
from common.store.folder import FolderBucket
from common.vlm.base import Render, Rendered, VisionModel
from common.vlm.gemini import GeminiModel
from common.vlm.remembered import RememberedModel, Waiting
from functions._shelf import BucketShelf
from tests.support.gemini_server import KEY
from tests.support.models import edit, photo
from tests.support.stores import Watched

LEASE = 0.5  # seconds: the dead are followed soon
NAME = "erase/photo.jpg"


def instance(
    address: str, bucket: Bucket, caps: Caps, ledger: Ledger | None = None, lease: float = LEASE
) -> RememberedModel:
    """Return a model as one instance has it: remembered, capped, and Gemini below."""
    purse = Purse(caps, ledger or Ledger(bucket), NAME)
    model = GeminiModel(api_key=KEY, base_url=address, purse=purse)
    return RememberedModel(model, BucketShelf(bucket, lease), model.identity, waiting=Waiting(60.0))


def different(number: int) -> Render:
    """Return a wish unlike all others."""
    return edit(photo(120 + number, 90))


def _warm(address: str) -> None:
    """Import the SDK and connect, so that all begin together."""
    GeminiModel(api_key=KEY, base_url=address).listed(10.0)


def ask_the_same(address: str, work: str, start: Barrier) -> None:
    """Ask what all ask, at the same moment."""
    _warm(address)
    model = instance(address, FolderBucket(Path(work)), Caps())
    start.wait(60)
    model.render(different(0))


def ask_many(address: str, work: str, start: Barrier, numbers: list[int], cap: float) -> None:
    """Ask for one picture after the other, whether or not the day's cap still allows it."""
    _warm(address)
    bucket = FolderBucket(Path(work))
    ledger = Ledger(bucket)
    start.wait(60)
    for number in numbers:
        try:
            instance(address, bucket, Caps(day=cap), ledger).render(different(number))
        except CapReached:
            continue
    ledger.close()


@dataclass
class Fate:
    """Kills its own process, as ``kill -9`` does, after so many steps."""

    last: int
    steps: int = 0

    def __call__(self, *_: str) -> None:
        self.steps += 1
        if self.steps > self.last:
            os.kill(os.getpid(), signal.SIGKILL)


class FatedModel:
    """Passes a wish on; the moments before it is sent and after it is answered are steps."""

    engine = "gemini"

    def __init__(self, model: VisionModel, fate: Fate) -> None:
        self.ask, self.quote = model.ask, model.quote
        self._model, self._fate = model, fate

    def render(self, render: Render) -> Rendered:
        self._fate()
        made = self._model.render(render)
        self._fate()
        return made


def ask_and_die(address: str, work: str, last: int, told: str) -> None:
    """Ask, and be killed after `last` steps; who lives to tell writes how many there were."""
    fate = Fate(last)
    bucket = Watched(FolderBucket(Path(work)), fate)
    purse = Purse(Caps(day=10.0), Ledger(bucket), NAME)
    model = GeminiModel(api_key=KEY, base_url=address, purse=purse)
    shelf = BucketShelf(bucket, LEASE)
    waiting = Waiting(60.0)
    RememberedModel(FatedModel(model, fate), shelf, model.identity, waiting=waiting).render(
        different(0)
    )
    Path(told).write_text(str(fate.steps), "utf-8")


def ask_and_tell_who(address: str, work: str, pid: str) -> None:
    """Ask; whoever answers may kill us meanwhile."""
    Path(pid).write_text(str(os.getpid()), "utf-8")
    instance(address, FolderBucket(Path(work)), Caps(day=10.0)).render(different(0))
