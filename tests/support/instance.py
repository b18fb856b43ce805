"""One instance of a function, as a process that may be killed: `python -m tests.support.instance`.

It serves the bucket door behind functions-framework.  The paid model below is a script that fails
at times; each of its answers is noted in a file, and noted again once it is safely remembered.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from common import jobs
from common.errors import BrokenPicture, ModelBusy, ModelUnavailable
from common.jobs import Buckets
from common.operations.base import Operation
from common.operations.options import Options
from common.report import Cost, PictureFacts, Report
from common.vlm.remembered import RememberedModel
from common.vlm.scripted import ScriptedModel
from functions import _log
from functions._shelf import BucketShelf
from functions._workshop import Workshop
from tests.support.gcs import bucket_at
from tests.support.models import FOUND, photo, question
from tests.support.shop import OPERATIONS, Product

LEASE = 1.5  # seconds: the dead are followed soon
PRICE = 0.01
FUNCTION = """
import functions_framework
from functions import _events
from tests.support import instance

@functions_framework.cloud_event
def cutout_dropped(event):
    _events.serve("cutout", event, instance.CURRENT[0])
"""
CURRENT: list[Workshop] = []


@dataclass(frozen=True)
class Setting:
    """What an instance is told when it starts."""

    storage: str
    buckets: tuple[str, str, str]
    notes: str
    seed: int
    model_faults: float
    thinking: float = 0.02

    def workshop(self) -> Workshop:
        """Return the door's workshop over real clients of Cloud Storage."""
        buckets = Buckets(*(bucket_at(self.storage, name) for name in self.buckets))
        run = partial(jobs.run, lease_seconds=LEASE)
        paid = Paid(self, buckets, random.Random(self.seed))  # noqa: S311 - for faults
        return Workshop(buckets, OPERATIONS.__getitem__, paid.run, 10_000, run_job=run)


@dataclass(frozen=True)
class Paid:
    """Does an operation with one paid, remembered answer."""

    setting: Setting
    buckets: Buckets
    chance: random.Random

    def run(
        self,
        operation: Operation[Any],
        data: bytes,
        options: Options,  # noqa: ARG002 - the door's own signature
        *,
        backdrop: bytes | None = None,  # noqa: ARG002 - as above
        mask: bytes | None = None,  # noqa: ARG002 - as above
        name: str = "",
    ) -> Product:
        """Ask about the input, and return it in capitals."""
        if data.startswith(b"broken"):
            raise BrokenPicture("The file ends too early.")
        paid: list[str] = []
        model = ScriptedModel([partial(self._answer, name, paid)], dollars=PRICE)
        shelf = BucketShelf(self.buckets.work, LEASE)
        answer = RememberedModel(model, shelf, lambda _: "m").ask(question(photo(9, 9), name))
        if paid and not answer.notes:
            self._note("kept", name)
        source = PictureFacts(width=1, height=1, format="jpeg")
        cost = Cost(calls=answer.usage.calls, dollars=answer.usage.dollars)
        report = Report(operation=operation.name, engine="scripted", source=source, cost=cost)
        return Product(data.upper(), "image/png", ".png", report)

    def _answer(self, name: str, paid: list[str], _: object) -> str:
        if self.chance.random() < self.setting.model_faults:
            raise self.chance.choice([ModelBusy, ModelUnavailable])("Not now.")
        paid.append(name)
        self._note("paid", name)
        time.sleep(self.setting.thinking * self.chance.random() * 2)
        return FOUND

    def _note(self, what: str, name: str) -> None:
        line = f"{what} {name}\n".encode()
        handle = os.open(self.setting.notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(handle, line)  # one write: whole, also from several processes
        finally:
            os.close(handle)


def main() -> None:
    """Serve until killed; say on the first line at which port."""
    import functions_framework  # noqa: PLC0415 - who imports `Setting` needs no server
    from werkzeug.serving import make_server  # noqa: PLC0415

    facts = json.loads(sys.argv[1])
    setting = Setting(**facts | {"buckets": tuple(facts["buckets"])})
    CURRENT.append(setting.workshop())
    source = Path(sys.argv[2])
    sys.modules["tests.support.instance"] = sys.modules["__main__"]
    app: Any = functions_framework.create_app("cutout_dropped", str(source))  # type: ignore[no-untyped-call]
    server = make_server("127.0.0.1", 0, app, threaded=True)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    _log.logger.disabled = True
    main()
