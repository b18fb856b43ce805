"""Nights of an office that sends batches: real buckets, the real SDK, a Gemini on loopback."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.bulk import Asks, Jobs, Office, Till, Visit
from common.errors import Parked
from common.spend import Caps, Ledger
from common.store import Bucket
from common.store.folder import FolderBucket
from common.vlm.base import Ask, Render
from common.vlm.gemini import Access, Batches, GeminiModel, bill
from common.vlm.remembered import RememberedModel
from functions._shelf import BucketShelf
from tests.support.asking import Fate
from tests.support.gemini_batches import Desk
from tests.support.gemini_server import KEY, GeminiServer, fault, obliging
from tests.support.stores import Watched

NAME = "detect/photo.jpg"
HOUR, DAY = 3600.0, 86400.0


@contextmanager
def running_desk() -> Iterator[tuple[GeminiServer, Desk]]:
    """Serve a Gemini with files and batches."""
    desk = Desk(fault)
    server = GeminiServer(obliging, desk)
    desk.answer = server.answer
    with server.running():
        yield server, desk


@dataclass
class Night:
    """One work bucket and its office; the time moves only when a test says so."""

    server: GeminiServer
    desk: Desk
    bucket: Bucket
    caps: Caps = field(default_factory=Caps)
    now: float = field(default_factory=lambda: time.time() // DAY * DAY + 3 * HOUR)  # far from 24 h

    @property
    def asks(self) -> Asks:
        return Asks(self.bucket)

    @property
    def jobs(self) -> Jobs:
        return Jobs(self.bucket)

    def clock(self) -> float:
        return self.now

    def visit(self, bucket: Bucket | None = None) -> dict[str, Any]:
        """Visit the office as a new process does, which lives to its end."""
        ledger = Ledger(self.bucket, self.clock)
        batches = Batches(Access(KEY, base_url=self.server.address), 20.0)
        till = Till(lambda _: self.caps, ledger)
        office = Office(bucket or self.bucket, batches, bill, till, self.clock)
        tally = office.visit(self.now + 1e9)
        ledger.close()
        return tally.told()

    def model(self, visit: Visit) -> RememberedModel:
        """Return the model as it is wired, its calls collected by `visit`."""
        model = GeminiModel(api_key=KEY, base_url=self.server.address, bulk=visit)
        return RememberedModel(model, BucketShelf(self.bucket), model.identity)

    def ask(self, *requests: Ask[Any] | Render, name: str = NAME) -> list[Any]:
        """Ask each; return the answers, None for what is parked."""
        return [self.one(request, name) for request in requests]

    def one(self, request: Ask[Any] | Render, name: str = NAME) -> Any:
        model = self.model(Visit(self.asks, name, self.clock))
        try:
            return model.render(request) if isinstance(request, Render) else model.ask(request)
        except Parked:
            return None

    def spent(self) -> float:
        """Return the day's grants in dollars, what no process holds any more included."""
        data, _ = self.bucket.read(Ledger(self.bucket, self.clock).today())
        return float(json.loads(data)["granted"][""]) / 1e6


class KilledError(BaseException):
    """Stands for ``kill -9``: nothing that handles failures may catch it."""


def killing(last: int) -> Callable[[str, str], None]:
    """Return a hook that ends the process that it is in before its step after `last`."""
    steps = [0]

    def before(method: str, name: str) -> None:
        steps[0] += 1
        if steps[0] > last:
            raise KilledError(f"before {method} {name}")

    return before


def visit_and_die(address: str, work: str, last: int) -> None:
    """Visit the office in a process of its own, and be killed after `last` steps in the bucket."""
    bucket = FolderBucket(Path(work))
    till = Till(lambda _: Caps(day=10.0), Ledger(bucket))
    batches = Batches(Access(KEY, base_url=address), 20.0)
    Office(Watched(bucket, Fate(last)), batches, bill, till).visit(time.time() + 1e9)
