"""`studio status`: how far a folder is, what it cost, what failed and why."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from common import jobs
from common.bulk import Asks, Inputs, Jobs
from common.jobs import Buckets, Walk, manifest
from common.operations.registry import OPERATIONS
from functions import _wiring
from studio import upkeep
from studio.command import DONE
from studio.progress import Progress

REASONS = 20  # failures that are told with their reason
PAUSE_SECONDS = 1.0
PAUSE_SHARE = 4.0  # of the time that one look takes: looking must not slow the work down


@dataclass
class Count:
    """How many inputs, and what became of them; those that are parked wait for a batch."""

    done: int = 0
    failed: int = 0
    waiting: int = 0
    parked: int = 0

    @property
    def ended(self) -> int:
        """Those about which nothing is left to do."""
        return self.done + self.failed

    @property
    def total(self) -> int:
        """All of them."""
        return self.ended + self.waiting + self.parked

    def add(self, outcome: str) -> None:
        """Count one more."""
        name = outcome or "waiting"
        setattr(self, name, getattr(self, name) + 1)


def run(arguments: argparse.Namespace) -> int:
    """Tell how far the data folder is; on a terminal, draw a bar until all is done."""
    upkeep.enter(arguments.data)
    buckets = _wiring.buckets()
    _follow(buckets)
    counts = {name: _count(buckets, name) for name in OPERATIONS}
    lines = (_table(counts), _batches(buckets), _costs(buckets), _failures(buckets, counts))
    for line in chain(*lines, _sweep(buckets)):
        print(line)
    return DONE


def _count(buckets: Buckets, operation: str) -> Count:
    parked = {(each.name, int(each.generation)) for each in Inputs(buckets.work).all()}
    count = Count()
    for seen in Walk(buckets, operation):
        is_parked = (seen.stored.name, seen.stored.generation) in parked
        count.add(seen.outcome or ("parked" if is_parked else ""))
    return count


# --- while it runs --------------------------------------------------------------------------------


def _follow(buckets: Buckets) -> None:
    """Draw a bar on a terminal until everything has come to its end."""
    if not sys.stderr.isatty():
        return
    progress, drawn, total = Progress(0, sys.stderr), 0, 0
    while True:
        began = time.monotonic()
        now = _sum(_count(buckets, name) for name in OPERATIONS)
        if now.total != total or now.ended < drawn:
            progress.clear()
            progress, drawn, total = Progress(now.total, sys.stderr), 0, now.total
        for _ in range(now.ended - drawn):
            progress.step("")
        drawn = now.ended
        if not now.waiting:
            progress.clear()
            return
        time.sleep(max(PAUSE_SECONDS, PAUSE_SHARE * (time.monotonic() - began)))


def _sum(counts: Iterator[Count]) -> Count:
    total = Count()
    for count in counts:
        total.done += count.done
        total.failed += count.failed
        total.waiting += count.waiting
        total.parked += count.parked
    return total


# --- what is told ---------------------------------------------------------------------------------


def _table(counts: dict[str, Count]) -> Iterator[str]:
    yield f"{'':10}{'inputs':>9}{'done':>9}{'failed':>9}{'waiting':>9}{'parked':>9}"
    for name, each in counts.items():
        if each.total:
            counted = (each.total, each.done, each.failed, each.waiting, each.parked)
            yield f"{name:10}" + "".join(f"{number:9}" for number in counted)
    if not any(each.total for each in counts.values()):
        yield "Nothing was dropped yet."


def _batches(buckets: Buckets) -> Iterator[str]:
    """Yield what waits for batches, and a line for each batch that is under way."""
    inputs = sum(1 for _ in Inputs(buckets.work).all())
    unsent = sum(1 for ask in Asks(buckets.work).waiting() if not ask.job)
    if inputs:
        yield f"{inputs} inputs wait for a batch; {unsent} asks are still to be sent."
    for job in Jobs(buckets.work).all():
        since = datetime.fromtimestamp(job.since, UTC).isoformat(" ", "minutes")
        state = f"{job.state} since {since}"
        yield f"  {job.batch or job.title}: {len(job.names)} asks of {job.model}, {state}"


def _costs(buckets: Buckets) -> Iterator[str]:
    """Yield a line for each day, by the manifest: every run counts, also those since replaced."""
    for day in manifest.days(buckets):
        noted = list(manifest.lines(buckets, day))
        failed = sum(line["outcome"] == "failed" for line in noted)
        dollars = sum(line["dollars"] for line in noted)
        yield f"{day}: {len(noted)} runs, {failed} failed, ${dollars:.4f}"


def _failures(buckets: Buckets, counts: dict[str, Count]) -> Iterator[str]:
    total = sum(each.failed for each in counts.values())
    if not total:
        return
    yield "Failed (after mending the cause: studio replay):"
    told = 0
    for operation in OPERATIONS:
        for found in jobs.failures(buckets.output, operation):
            if told == REASONS:
                yield f"  and {total - told} more"
                return
            told += 1
            yield f"  {found.source.name}: {found.document.get('detail', '')}"


def _sweep(buckets: Buckets) -> Iterator[str]:
    last: dict[str, Any] = jobs.last_summary(buckets.output)
    if last:
        yield f"Last sweep {last['began']}: {last['run']} of {last['looked']} inputs run."
        yield from (f"  {each['name']}: {each['detail']}" for each in last["waiting"])
        batch = last.get("batch") or {}
        yield from (f"  Batches: {batch[why]}" for why in ("held", "detail") if why in batch)
