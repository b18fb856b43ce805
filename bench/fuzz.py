"""Hostile files by the hundred thousand: no crash, no 5xx, within memory and time.

    python -m bench.fuzz [--count 100000] [--seed 1] [--inputs DIR]

Seeds are small files of every format, and the odd ones of a folder; each file is a seed after one
to six mutations.  It is posted to `/v1/cutout` as a dry run, which decodes it and plans.  Told are
the replies by status, the slowest file by wall and by CPU, and how far the process's memory grew; a
reply of 500 or more, or one beyond the limits, ends the run with the file's number, which with the
same seed is the same file again.  The wall is told only: what else the machine does falls on it.
"""

from __future__ import annotations

import argparse
import io
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from functions import _log
from tests.support.hostile import mutated, seeds
from tests.support.served import served

INPUTS = Path(__file__).parents[2] / "shared" / "data" / "inputs"
MOST_SECONDS = 10.0
MOST_KILOBYTES = 1_500_000
TOLD_EVERY = 5000
FIELDS = {"dry_run": "true", "engine": "embedded", "box": "0,0,1000,1000"}


@dataclass
class Times:
    """How long each file took, in seconds."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @contextmanager
    def taken(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inputs", type=Path, default=INPUTS)
    arguments = parser.parse_args()
    _log.logger.disabled = True
    begin = seeds(arguments.inputs)
    statuses: Counter[int] = Counter()
    times = Times()
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder), STUDIO_ACCESS="open", STUDIO_MAX_MEGAPIXELS="20") as client,
    ):
        for number, data in enumerate(mutated(begin, arguments.count, arguments.seed), 1):
            form = {"image": (io.BytesIO(data), "a"), **FIELDS}
            with times.taken():
                status = client.post("/v1/cutout", data=form).status_code
            statuses[status] += 1
            if status >= 500 or times.cpu[-1] > MOST_SECONDS or _peak() > MOST_KILOBYTES:
                print(f"file {number}: {status}, {times.cpu[-1]:.1f} s CPU, {_peak() // 1000} MB")
                return 1
            if number % TOLD_EVERY == 0:
                _tell(number, statuses, times)
    _tell(arguments.count, statuses, times)
    return 0


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _tell(number: int, statuses: Counter[int], times: Times) -> None:
    told = ", ".join(f"{status}: {many}" for status, many in sorted(statuses.items()))
    print(
        f"{number} files: {told}; median {statistics.median(times.cpu) * 1000:.1f} ms CPU,"
        f" slowest {max(times.cpu):.2f} s CPU, {max(times.wall):.2f} s wall;"
        f" peak {_peak() // 1000} MB",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
