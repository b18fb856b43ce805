"""What a night of batches costs this machine, and whether anything is asked twice when sweeps die.

    python -m bench.bulk [--asks N]

A Gemini on loopback takes files and batches through the real SDK.  Told are milliseconds an ask:
to note it, to send it in a batch of fifty, to take its answer in, and to read it from there.

Then a visit of the office, in a process of its own, is killed with ``kill -9`` at each of its steps
and visited again: once while it sends, once while it takes answers in.  Told is how often the two
asks of each run were answered, and so paid, in all.
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.spend import Caps
from common.store.folder import FolderBucket
from common.vlm.base import Ask
from tests.support.models import edit, photo, question
from tests.support.nights import Night, running_desk, visit_and_die

_spawn = multiprocessing.get_context("spawn")
QUARTER = 900.0  # seconds between two sweeps


def main() -> None:
    """Print all that is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--asks", type=int, default=100)
    _night(parser.parse_args().asks)
    for name, prepare in (("sends", _parked), ("takes answers in", _sent)):
        paid = _killed(prepare)
        print(f"kill -9 at each of {len(paid)} steps of a visit that {name}; answers paid: {paid}")
        if set(paid) != {2}:
            raise SystemExit("Two asks are to be paid twice in all: once each.")


def _night(number: int) -> None:
    with running_desk() as (server, desk), tempfile.TemporaryDirectory() as work:
        night = Night(server, desk, FolderBucket(Path(work)), Caps(day=100.0))
        wishes = [edit(photo(1200 + each, 896)) for each in range(number)]
        night.one(question())  # the import is not what is measured
        night.visit()
        for name, do in (
            ("noted", lambda: night.ask(*wishes)),
            ("sent", night.visit),
            ("answered by the server", desk.end),
            ("taken in", night.visit),
            ("read", lambda: night.ask(*wishes)),
        ):
            _told(name, do, number)


def _told(name: str, do: Callable[[], object], number: int) -> None:
    begun = time.process_time()
    do()
    print(f"{name:24}{(time.process_time() - begun) * 1000 / number:8.1f} ms of CPU an ask")


# --- kill -9 --------------------------------------------------------------------------------------


def _requests() -> list[Ask[Any]]:
    return [question(photo(60 + number, 40)) for number in range(2)]


def _parked(night: Night) -> None:
    night.ask(*_requests())


def _sent(night: Night) -> None:
    _parked(night)
    night.visit()
    night.desk.end()


def _killed(prepare: Callable[[Night], None]) -> list[int]:
    """Return how many answers were paid after a death at each step, until a visit lives."""
    paid: list[int] = []
    lived = False
    with running_desk() as (server, desk):
        while not lived:
            desk.clear()
            server.script()
            with tempfile.TemporaryDirectory() as work:
                bucket, caps = FolderBucket(Path(work)), Caps(day=10.0)
                night = Night(server, desk, bucket, caps, now=time.time())  # as the other process
                prepare(night)
                lived = _visited(night, work, len(paid))
                _through(night)
                if None in night.ask(*_requests()):
                    raise SystemExit("An ask was lost.")
            paid.append(len(server.calls))
    return paid


def _visited(night: Night, work: str, last: int) -> bool:
    address = night.server.address
    process = _spawn.Process(target=visit_and_die, args=(address, work, last))
    process.start()
    process.join(60)
    if process.exitcode not in {0, -signal.SIGKILL}:
        raise SystemExit("A visit ended in an error of its own.")
    return process.exitcode == 0


def _through(night: Night) -> None:
    for _ in range(4):
        night.now += QUARTER
        night.visit()
        night.desk.end()
    night.visit()


if __name__ == "__main__":
    main()
