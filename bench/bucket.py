"""What the bucket door costs beyond the operation, and what a storm leaves.

    python -m bench.bucket [--inputs N] [--long]

Overhead: inputs go through the door in one process, one after the other, with an operation that
takes no time, over folders and over Cloud Storage's double on loopback.  Told is the median and the
95th percentile of a file's time, files a second with one and with four at a time, and how many
requests a file takes.  Memory: the process's own, after the first tenth of the inputs and at the
end; what grows with the number of files shows.

Storm (``--long``): 500 inputs, each event one to four times in any order, 5 % of model calls and of
storage requests failing, instances killed with ``kill -9``; see `tests.support.storm`.
"""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.jobs import Buckets, State, Walk
from common.operations.base import Operation
from common.operations.options import Options
from common.report import PictureFacts, Report
from common.store import Bucket, Stored
from common.store.folder import FolderBucket
from functions import _events, _log, _sweeping
from functions._workshop import Workshop
from tests.support import gcs
from tests.support.shop import OPERATIONS, Product
from tests.support.stores import Watched
from tests.support.storm import Aftermath, Weather, assert_nothing_was_lost, storm

LIMIT = 30.0  # milliseconds a file beyond the operation
PICTURE = bytes(20_000)
STORM = 500
CLOUD_SHARE = 10  # the double is slow: of all inputs, one in so many goes through it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--long", action="store_true", help="the storm as well: minutes")
    arguments = parser.parse_args()
    _log.logger.disabled = True
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        over_folders = [FolderBucket(root / name) for name in ("input", "work", "output")]
        _measure("folders", Buckets(*over_folders), arguments.inputs)
        over_cloud = [gcs.new_cloud_bucket() for _ in range(3)]
        _measure("cloud's double", Buckets(*over_cloud), max(arguments.inputs // CLOUD_SHARE, 20))
        if arguments.long:
            _tell_storm(storm(Weather(STORM, instances=3, senders=8), root))


# --- overhead -------------------------------------------------------------------------------------


def _measure(where: str, buckets: Buckets, number: int) -> None:
    inputs = [buckets.input.write(f"cutout/{n:06}.jpg", PICTURE) for n in range(number)]
    workshop = Workshop(buckets, OPERATIONS.__getitem__, _nothing, 1_000_000)
    work = _Door(workshop)
    tenth = max(number // 10, 1)
    seconds = [work.timed(stored) for stored in inputs[:tenth]]
    early = _megabytes()
    half = number * 6 // 10
    seconds += [work.timed(stored) for stored in inputs[tenth:half]]
    alone = _megabytes()
    with ThreadPoolExecutor(4) as pool:
        began = time.perf_counter()
        list(pool.map(work.timed, inputs[half:]))
        together = (number - half) / (time.perf_counter() - began)
    late = _megabytes()
    quick = statistics.quantiles([1000 * s for s in seconds], n=20)
    print(f"{where}, {number} inputs")
    print(f"  a file      {quick[9]:6.1f} ms median, {quick[18]:.1f} ms at 95 % (limit {LIMIT:g})")
    rate = len(seconds) / sum(seconds)
    print(f"  a second    {rate:6.1f} files, {together:.1f} with four at a time")
    print(f"  calls       {_calls(buckets, workshop):6} of the store a file")
    print(
        f"  memory      {early:6.1f} MB after a tenth, {alone:.1f} MB one after the other,", end=""
    )
    print(f" {late:.1f} MB after four at a time")
    began = time.perf_counter()
    seen = sum(bool(each.outcome) for each in Walk(buckets, "cutout"))
    walked = 1000 * (time.perf_counter() - began) / seen
    print(f"  a walk      {walked:6.2f} ms an input that has its result")


def _nothing(
    operation: Operation[Any],
    data: bytes,
    options: Options,  # noqa: ARG001 - the door's own signature
    *,
    backdrop: bytes | None = None,  # noqa: ARG001
    mask: bytes | None = None,  # noqa: ARG001
    name: str = "",  # noqa: ARG001
) -> Product:
    """Make a picture in no time."""
    source = PictureFacts(width=1, height=1, format="jpeg")
    report = Report(operation=operation.name, engine="scripted", source=source)
    return Product(data, "image/png", ".png", report)


@dataclass(frozen=True)
class _Door:
    workshop: Workshop

    def timed(self, stored: Stored) -> float:
        began = time.perf_counter()
        ending = _events.work("cutout", _sweeping.notice_of(self.workshop, stored), self.workshop)
        if ending.state is not State.DONE:
            raise SystemExit(f"{stored.name}: {ending}")
        return time.perf_counter() - began


def _calls(buckets: Buckets, workshop: Workshop) -> int:
    """Count the store's calls for one more file."""
    calls: list[str] = []

    def count(method: str, name: str) -> None:
        calls.append(f"{method} {name}")

    watched = Buckets(*(_watched(b, count) for b in (buckets.input, buckets.work, buckets.output)))
    door = _Door(Workshop(watched, workshop.operation, workshop.run, workshop.max_bytes))
    door.timed(buckets.input.write("cutout/one-more.jpg", PICTURE))
    return len(calls)


def _watched(bucket: Bucket, count: Callable[[str, str], None]) -> Bucket:
    return Watched(bucket, count)


def _megabytes() -> float:
    """Return what the process holds now: resident pages, not their peak."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


# --- the storm ------------------------------------------------------------------------------------


def _tell_storm(after: Aftermath) -> None:
    assert_nothing_was_lost(after)
    done = list(after.outcomes.values()).count("done")
    paid, kept = sum(after.paid.values()), sum(after.kept.values())
    print(f"storm, {len(after.outcomes)} inputs in {after.seconds:.0f} s")
    print(f"  {done} done, {len(after.outcomes) - done} failed for all to see")
    print(
        f"  {after.deliveries} deliveries, {after.dead_letters} dead letters, {after.kills} kills"
    )
    print(f"  {after.failed_requests} of {after.requests} storage requests failed")
    print(f"  {paid} answers paid, {paid - kept} of them died before they were remembered")
    print(f"  the sweep after it ran {after.swept[0]}, the next one {after.swept[1]}")


if __name__ == "__main__":
    main()
