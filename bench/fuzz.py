"""Hostile files by the hundred thousand: no crash, no 5xx, within memory and time.

    python -m bench.fuzz [--count 100000] [--seed 1] [--inputs DIR]

Seeds are small files of every format, and the odd ones of a folder; each file is a seed after one
to six mutations.  It is posted to `/v1/cutout` as a dry run, which decodes it and plans.  Told are
the replies by status, the slowest files, and how far the process's memory grew; a reply of 500 or
more ends the run with the file's number, which with the same seed is the same file again.
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
from pathlib import Path

from functions import _log
from tests.support.hostile import mutated, seeds
from tests.support.served import served

INPUTS = Path(__file__).parents[2] / "shared" / "data" / "inputs"
MOST_SECONDS = 10.0
MOST_KILOBYTES = 1_500_000
TOLD_EVERY = 5000
FIELDS = {"dry_run": "true", "engine": "embedded", "box": "0,0,1000,1000"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inputs", type=Path, default=INPUTS)
    arguments = parser.parse_args()
    _log.logger.disabled = True
    begin = seeds(arguments.inputs)
    statuses: Counter[int] = Counter()
    times: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder), STUDIO_ACCESS="open", STUDIO_MAX_MEGAPIXELS="20") as client,
    ):
        for number, data in enumerate(mutated(begin, arguments.count, arguments.seed), 1):
            start = time.perf_counter()
            form = {"image": (io.BytesIO(data), "a"), **FIELDS}
            status = client.post("/v1/cutout", data=form).status_code
            times.append(time.perf_counter() - start)
            statuses[status] += 1
            if status >= 500 or times[-1] > MOST_SECONDS or _peak() > MOST_KILOBYTES:
                print(f"file {number}: {status}, {times[-1]:.1f} s, {_peak() // 1000} MB")
                return 1
            if number % TOLD_EVERY == 0:
                _tell(number, statuses, times)
    _tell(arguments.count, statuses, times)
    return 0


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _tell(number: int, statuses: Counter[int], times: list[float]) -> None:
    told = ", ".join(f"{status}: {many}" for status, many in sorted(statuses.items()))
    print(
        f"{number} files: {told}; median {statistics.median(times) * 1000:.1f} ms,"
        f" slowest {max(times):.2f} s; peak {_peak() // 1000} MB",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
