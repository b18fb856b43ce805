"""What a call to Gemini costs this machine, and whether money is safe when many ask and some die.

    python -m bench.gemini [--calls N]

Overhead: a server on loopback, in a process of its own, answers with the same bytes each time.
Told is the median CPU time of this process: all of a call, and of it packing the photo and decoding
the picture; the rest is the SDK's request and the reading of its answer.  Memory is the peak of
what one call allocates, in pictures: over the pixels of the larger of the photo and the answer.

The third line of a photo is a render as it is wired: claimed, and kept in a bucket of the disk.

Money: processes of their own ask the same at once; ask for more than a day's cap allows; are killed
with ``kill -9`` at every step of an ask, and asked again.  Told is what the server was paid.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np

from bench.money import bench_money
from common.codec import encode
from common.image import Image
from common.store.folder import FolderBucket
from common.vlm.gemini import GeminiModel
from common.vlm.gemini.framing import LONGEST_SEEN, frame, packed, unpacked
from common.vlm.remembered import RememberedModel
from functions._shelf import BucketShelf
from tests.support.gemini_server import KEY, WORD_MODELS, Call, GeminiServer, Reply, picture, words
from tests.support.models import FOUND, question, wish

SIZES = ((640, 480), (1200, 896), (4000, 3000))
ANSWER = (1200, 896)


def main() -> None:
    """Print all that is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=15)
    calls = parser.parse_args().calls
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,))
    server.start()
    try:
        model = GeminiModel(api_key=KEY, base_url=ours.recv())
        with tempfile.TemporaryDirectory() as work:
            _measure(model, _kept(model, work), calls)
    finally:
        ours.send("done")
        server.join()
    bench_money()


def _measure(model: GeminiModel, kept: RememberedModel, calls: int) -> None:
    model.ask(question())  # the import and the first connection are not what is measured
    answer = textured(*ANSWER)
    decoding = _median(partial(unpacked, encode(answer, "jpeg", 95)), calls)
    print("photo      call     total    pack  decode    rest  ms |  peak, pictures")
    for width, height in SIZES:
        photo = textured(width, height)
        packing = _median(partial(_packed, photo), calls)
        pixels = max(photo.rgb.nbytes, answer.rgb.nbytes)
        asking = partial(model.ask, question(photo))
        wishing = partial(model.render, replace(wish(photo), quality="fast"))  # size 1K for all
        _tell(photo, "ask", (_median(asking, calls), packing, 0.0), _peak(asking) / pixels)
        keeping = partial(kept.render, replace(wish(photo), quality="fast"))
        _tell(
            photo, "render", (_median(wishing, calls), packing, decoding), _peak(wishing) / pixels
        )
        _tell(photo, "kept", (_median(keeping, calls), packing, decoding), _peak(keeping) / pixels)


def _kept(model: GeminiModel, work: str) -> RememberedModel:
    """Return the model as it is wired: claimed and kept in a bucket; nothing kept counts here."""
    shelf = BucketShelf(FolderBucket(Path(work)))
    return RememberedModel(model, shelf, model.identity, since=float("inf"))


def _tell(photo: Image, name: str, times: tuple[float, float, float], pictures: float) -> None:
    figures = (*times, times[0] - times[1] - times[2])
    columns = "".join(f"{ms:8.1f}" for ms in figures)
    print(f"{photo.size!s:10} {name:6}{columns}     |  {pictures:.1f}")


def _packed(photo: Image) -> tuple[bytes, str]:
    return packed(frame(photo, LONGEST_SEEN["1K"]).picture)


def _median(work: Callable[[], object], calls: int) -> float:
    times = []
    for _ in range(calls):
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1000)
    return statistics.median(times)


def _peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def _serve(line: Connection) -> None:
    painted, found = picture(textured(*ANSWER)), words(FOUND)

    def same(call: Call) -> Reply:
        return found if call.model in WORD_MODELS else painted

    with GeminiServer(same).running() as server:
        line.send(server.address)
        line.recv()


def textured(width: int, height: int) -> Image:
    """Return a photo-like picture: smooth light and fine grain."""
    draw = np.random.default_rng(5)
    light = draw.integers(40, 215, (6, 8, 3)).astype(np.float32)
    smooth = cv2.resize(light, (width, height), interpolation=cv2.INTER_CUBIC)
    grain = draw.normal(0, 4, (height, width, 1))
    return Image(np.clip(np.rint(smooth + grain), 0, 255).astype(np.uint8))


if __name__ == "__main__":
    main()
