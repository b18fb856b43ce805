"""What one request takes of a machine: CPU and memory of each operation, one thread at a time.

    python -m bench.sizing [--megapixels 2 12 24] [--operations cutout erase] [--format avif]

Run it with what a function is deployed with (an environment of requirements.txt alone, which has
none of the embedded engine's weights) for the figures that `terraform/sizes.tf` is made from.

Each measurement runs in a process of its own, with one thread, the way a function runs it: from a
file's bytes to a file's bytes, twice: with the embedded engine, which a request falls back to, and
with a given render, which is what a model in the cloud leaves to do here.  (What is asked in words
is answered by the embedded engine in both, so both are upper bounds.)  CPU is user and system time
of the request alone; memory is the process's peak, and of it what the request added.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2

from common import codec
from common.errors import StudioError
from common.image import U8, Image
from functions import _wiring

RENDERS = Path(__file__).parents[2] / "shared" / "data" / "renders"
SCENE = RENDERS / "bottle_label"  # small writing, chrome, a soft shadow: work for every operation
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
MEGAPIXELS = (2.0, 12.0, 24.0)
GIVEN = {"cutout": "green.png", "expand": "wide.png"}  # wide.png: 25 % more on each side
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "detect": {},
    "cutout": {"on_fail": "review"},
    "erase": {"on_fail": "review"},
    "expand": {"margin": "25%", "on_fail": "review"},
    "pipeline": {"steps": [{"operation": "erase"}, {"operation": "expand", "margin": "25%"}]},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megapixels", type=float, nargs="+", default=MEGAPIXELS)
    parser.add_argument("--operations", nargs="+", choices=OPTIONS, default=list(OPTIONS))
    parser.add_argument("--format", choices=("png", "avif"), default="png", help="of the result")
    parser.add_argument(
        "--one", nargs=3, metavar=("OPERATION", "HOW", "MEGAPIXELS"), help="in here"
    )
    arguments = parser.parse_args()
    if not SCENE.is_dir():
        print("No pictures to measure on: ../shared/data is not there.")
        return
    if arguments.one:
        operation, how, megapixels = arguments.one
        print(json.dumps(_measured(operation, how, float(megapixels), arguments.format)))
        return
    print(
        f"{'operation':10} {'how':9} {'MP':>4} {'CPU s':>7} {'peak MB':>8} {'added MB':>9}  ended"
    )
    for operation in arguments.operations:
        for how in ("embedded", "render") if operation in GIVEN else ("embedded",):
            for megapixels in arguments.megapixels:
                print(_row(operation, how, megapixels, arguments.format), flush=True)


def _row(operation: str, how: str, megapixels: float, format: str) -> str:
    command = [sys.executable, "-m", "bench.sizing", "--format", format]
    command += ["--one", operation, how, str(megapixels)]
    done = subprocess.run(
        command, env=os.environ | ONE_THREAD, check=True, capture_output=True, text=True
    )
    told = json.loads(done.stdout)
    return (
        f"{operation:10} {how:9} {megapixels:4.0f} {told['cpu']:7.2f} {told['peak']:8.0f} "
        f"{told['peak'] - told['idle']:9.0f}  {told['ended']}"
    )


def _measured(operation: str, how: str, megapixels: float, format: str) -> dict[str, Any]:
    """Run one request in this process and tell what it took."""
    cv2.setNumThreads(1)
    photo = _photo(megapixels)
    given = (SCENE / GIVEN[operation]).read_bytes() if how == "render" else None
    work = _wiring.operation(operation)
    options = work.options(engine="embedded", **OPTIONS[operation])
    _forget_the_peak()
    idle, begun = _resident(), _cpu()
    try:
        ended: str = _wiring.run(work, photo, options, given=given, format=format).report.decision
    except StudioError as error:
        ended = error.code
    peak = _peak()
    return {"cpu": _cpu() - begun, "idle": idle, "peak": peak, "ended": ended}


def _photo(megapixels: float) -> bytes:
    """Return the scene's photo as a JPEG of so many megapixels."""
    photo = codec.decode((SCENE / "photo.png").read_bytes())
    scale = (megapixels * 1e6 / photo.rgb[..., 0].size) ** 0.5
    larger: U8 = cv2.resize(photo.rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return codec.encode(Image(larger), "jpeg")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _forget_the_peak() -> None:
    """Let the peak begin anew: making the photo is no part of the request (Linux, proc(5))."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _resident() -> float:
    return _status("VmRSS")


def _peak() -> float:
    return _status("VmHWM")


def _status(name: str) -> float:
    """Return megabytes, as the kernel tells them."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:"))) / 1024


if __name__ == "__main__":
    main()
