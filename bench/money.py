"""Whether money is safe: processes that ask at once, beyond a cap, and until they are killed.

It is run by ``python -m bench.gemini``.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.spend import Caps, ledger_name
from common.spend.ledger import read_grants
from common.store.folder import FolderBucket
from common.vlm.gemini.reply import read_reply
from common.vlm.prices import Tokens, dollars, price_of
from tests.support.asking import (
    LEASE,
    ask_and_die,
    ask_and_tell_who,
    ask_many,
    ask_the_same,
    different,
    instance,
)
from tests.support.gemini_server import Call, GeminiServer, Reply, picture
from tests.support.models import photo

PROCESSES = 8
ASKS = 200
CAP = 1.0

_spawn = multiprocessing.get_context("spawn")


def bench_money() -> None:
    """Print what was paid in each trial, and what it should be."""
    painted = picture(photo(1200, 896))
    with GeminiServer(lambda _: painted).running() as server:
        with tempfile.TemporaryDirectory() as work:
            _together(server, work)
        server.script()
        with tempfile.TemporaryDirectory() as work:
            _beyond_the_cap(server, work, _cost(painted))
        _killed(server, painted)


def _together(server: GeminiServer, work: str) -> None:
    _run_all(lambda start, _: (ask_the_same, (server.address, work, start)))
    print(f"{PROCESSES} processes ask the same at once: {len(server.calls)} paid (1 is right)")


def _beyond_the_cap(server: GeminiServer, work: str, each: float) -> None:
    share = ASKS // PROCESSES

    def one(start: Any, number: int) -> tuple[Callable[..., None], tuple[Any, ...]]:
        numbers = list(range(number * share, (number + 1) * share))
        return ask_many, (server.address, work, start, numbers, CAP)

    begun = time.perf_counter()
    _run_all(one)
    paid = len(server.calls) * each
    print(
        f"{ASKS} asks of {PROCESSES} processes against a cap of ${CAP:.2f}: "
        f"{len(server.calls)} paid, ${paid:.4f}; {time.perf_counter() - begun:.1f} s"
        f"{'' if paid <= CAP else '  OVERSPENT'}"
    )


def _cost(reply: Reply) -> float:
    tokens = read_reply(json.loads(reply.body)).tokens
    _expect(tokens is not None, "an answer tells its tokens")
    return dollars(price_of("gemini-nano-banana-2.1", datetime.now(UTC).date()), tokens or Tokens())


def _run_all(one: Callable[[Any, int], tuple[Callable[..., None], tuple[Any, ...]]]) -> None:
    start = _spawn.Barrier(PROCESSES)
    processes = []
    for number in range(PROCESSES):
        target, arguments = one(start, number)
        processes.append(_spawn.Process(target=target, args=arguments))
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        _expect(process.exitcode == 0, "every process ends well")


# --- kill -9 --------------------------------------------------------------------------------------


def _killed(server: GeminiServer, painted: Reply) -> None:
    """Kill an asking process at each of its steps, ask again, and tell where it was paid twice."""
    steps = _killed_after(server, 1000)[1]
    paid = [_killed_after(server, last)[0] for last in range(steps)]
    told = " ".join(map(str, paid))
    print(f"kill -9 at each of {steps} steps, then asked again; calls paid: {told}")
    print(
        f"kill -9 while the answer is under way; calls paid: {_killed_on_the_wire(server, painted)}"
    )
    print("paid twice only where the answer was sent and not yet stored")
    _expect(max(paid) <= 2, "at most one call is paid twice")


def _killed_after(server: GeminiServer, last: int) -> tuple[int, int]:
    """Return how many calls were paid in all, and the steps of an ask that nobody killed."""
    server.script()
    with tempfile.TemporaryDirectory() as folder:
        work, told = f"{folder}/work", Path(folder) / "steps"
        process = _spawn.Process(target=ask_and_die, args=(server.address, work, last, str(told)))
        process.start()
        process.join(60)
        ended = 0 if told.exists() else -signal.SIGKILL
        _expect(process.exitcode == ended, "a process that is not killed tells its steps")
        steps = int(told.read_text("utf-8")) if told.exists() else 0
        return _asked_again(server, work), steps


def _killed_on_the_wire(server: GeminiServer, painted: Reply) -> int:
    with tempfile.TemporaryDirectory() as folder:
        work, pid = f"{folder}/work", Path(folder) / "pid"

        def kill(_: Call) -> Reply:
            os.kill(int(pid.read_text("utf-8")), signal.SIGKILL)
            return painted

        server.script(kill)
        process = _spawn.Process(target=ask_and_tell_who, args=(server.address, work, str(pid)))
        process.start()
        process.join(60)
        _expect(process.exitcode == -signal.SIGKILL, "the process is killed")
        return _asked_again(server, work)


def _asked_again(server: GeminiServer, work: str) -> int:
    """Ask again once the lease of the dead has ended; return the calls that were paid in all."""
    bucket = FolderBucket(Path(work))
    stored = any(bucket.list("renders/"))
    time.sleep(LEASE)
    for _ in range(2):  # the second finds the first one's answer
        instance(server.address, bucket, Caps(day=10.0)).render(different(0))
    granted = read_grants(bucket.read(ledger_name(time.time()))[0])[""] / 1e6
    _expect(not stored or len(server.calls) == 1, "what was stored is not paid again")
    _expect(granted >= len(server.calls) * 0.03, "the ledger knows of every call")
    return len(server.calls)


def _expect(held: bool, what: str) -> None:
    if not held:
        raise SystemExit(f"This does not hold: {what}.")
