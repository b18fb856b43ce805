"""What a cutout takes: CPU time on one thread, and the peak memory of the command itself."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from bench import peers
from bench.mattes import scenes
from common.allocator import keep_freed
from common.geometry import Size
from common.image import U8
from common.matting import GREEN, cut, key_alone

KEYER, SMALL, LARGE = "keyer, 1 MP", "guided, 1 MP", "guided, 24 MP, 1K render"
PROTOTYPE = {KEYER: "the prototype's keyer, 1 MP", SMALL: "the prototype, guided, 1 MP"}
ROUNDS = 12
_STEP = 16  # px, of which both sides are multiples

# A child's peak begins with the memory of the process that forked it, so a small one has to.
_LAUNCHER = """
import os, sys
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)
print(used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def times() -> dict[str, float]:
    """Return CPU milliseconds a megapixel on one thread, least of some rounds.

    A machine may be slow for a while, so each round is run by all, the prototype too if it is here.
    Ours run in a process that starts as the studio's do, the prototype in one as it comes.
    """
    with _process(keep_freed) as ours, _process(_nothing) as theirs:
        workers = dict.fromkeys((KEYER, SMALL, LARGE), ours)
        if peers.PROTOTYPE.is_dir():
            workers |= dict.fromkeys(PROTOTYPE.values(), theirs)
        rounds = [
            {name: worker.submit(_spent, name).result() for name, worker in workers.items()}
            for _ in range(ROUNDS)
        ]
    least = {name: min(each[name] for each in rounds) for name in workers}
    return least | {LARGE: least[LARGE] / 24}


def _process(start: Callable[[], object]) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"), _started, (start,))


def _started(start: Callable[[], object]) -> None:
    start()
    cv2.setNumThreads(1)


def _nothing() -> None:
    """Leave a process as it is."""


@cache
def _works() -> dict[str, Callable[[], object]]:
    real = scenes.physical("bottle_label", GREEN)
    render, photo, large = _at(real.render, 1), _at(real.photo, 1), _at(real.photo, 24)
    return {
        KEYER: partial(key_alone, render),
        SMALL: partial(cut, photo, render, None),
        LARGE: partial(cut, large, render, None),
        PROTOTYPE[KEYER]: partial(peers.prototype_keyer, render),
        PROTOTYPE[SMALL]: partial(peers.prototype_guided, photo, render),
    }


def _spent(name: str) -> float:
    work = _works()[name]
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def peak(megapixels: int) -> float:
    """Return the peak memory, in MB, of the command on a photo of so many megapixels.

    It is infinite if the command fails.
    """
    real = scenes.physical("bottle_label", GREEN)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo, render, out = (folder / each for each in ("photo.jpg", "render.png", "out.png"))
        Image.fromarray(_at(real.photo, megapixels)).save(photo, quality=92)
        Image.fromarray(real.render).save(render)
        command = [str(Path(sys.executable).with_name("studio")), "cutout", str(photo)]
        command += ["--render", str(render), "-o", str(out)]
        told = subprocess.run(
            [sys.executable, "-c", _LAUNCHER, *command],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if told.returncode or not out.exists():
            return float("inf")
    return int(told.stdout.split()[-1]) / 1024


def _at(picture: U8, megapixels: float) -> U8:
    """Return a picture at about so many megapixels, in sizes that cameras and models make."""
    height, width = picture.shape[:2]
    size = Size(width, height).scaled((megapixels * 1e6 / (height * width)) ** 0.5 / _STEP)
    size = Size(size.width * _STEP, size.height * _STEP)
    return np.asarray(
        cv2.resize(picture, (size.width, size.height), interpolation=cv2.INTER_LINEAR), np.uint8
    )
