"""`studio status`: how far a folder is, what it cost, what failed and why."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from common import jobs
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
    """How many inputs, and what became of them."""

    done: int = 0
    failed: int = 0
    waiting: int = 0

    @property
    def ended(self) -> int:
        """Those about which nothing is left to do."""
        return self.done + self.failed

    @property
    def total(self) -> int:
        """All of them."""
        return self.ended + self.waiting

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
    for line in (*_table(counts), *_costs(buckets), *_failures(buckets, counts), *_sweep(buckets)):
        print(line)
    return DONE


def _count(buckets: Buckets, operation: str) -> Count:
    count = Count()
    for seen in Walk(buckets, operation):
        count.add(seen.outcome)
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
    return total


# --- what is told ---------------------------------------------------------------------------------


def _table(counts: dict[str, Count]) -> Iterator[str]:
    yield f"{'':10}{'inputs':>9}{'done':>9}{'failed':>9}{'waiting':>9}"
    for name, each in counts.items():
        if each.total:
            yield f"{name:10}{each.total:9}{each.done:9}{each.failed:9}{each.waiting:9}"
    if not any(each.total for each in counts.values()):
        yield "Nothing was dropped yet."


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
