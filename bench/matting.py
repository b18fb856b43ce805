"""What the matting is worth: figures against a known truth and against peers.

    python -m bench.matting [keyer hard mild light physical wrong speed]
                            [--every N] [--jobs N] [--ours]

Needs the pictures in ``../shared/data``.

keyer     alpha of a simulated render, in the render's own pixels, hard and mild.
hard      the cutout from end to end, in the photo's pixels, of a badly made render; also with a
          shadow that a file paints on the ground counted as subject, as older figures were.  The
          worst ten go to ``bench/out/matting-worst.png``.
mild      the same of a well made render.
light     fine subjects whose edges are mixed in linear light.
physical  scenes of a path tracer, on green and on magenta.
wrong     good and wrong renders, shown to the gates.
speed     CPU on one thread, and the peak memory of the command.

At the end the goals are told, and whether they hold.  It measures and does not gate: a goal that is
missed ends it no differently.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from typing import TypeVar

import cv2

from bench.mattes import goals, scenes, sheet, wrong
from bench.mattes.figures import (
    FFMPEG,
    KEYER,
    LEVELS,
    LIGHTS,
    NAIVE,
    SAID,
    Job,
    Lit,
    Physical,
    Simulated,
    measured,
)
from bench.mattes.tables import Rows, by_scene, grid, kept, ratios, summary
from bench.peers import SLOW

PARTS = ("keyer", "hard", "mild", "light", "physical", "wrong", "speed")
SLOW_EVERY = 8  # the slow peer is shown every so many scenes

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


def main() -> None:
    """Run the parts that are named, all of them by default."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}")
    parser.add_argument("--every", type=int, default=1, help="take every n-th foreground")
    parser.add_argument("--jobs", type=int, default=1, help="processes, a scene each at a time")
    parser.add_argument("--ours", action="store_true", help="leave out the slower peers")
    options = parser.parse_args()
    parts = options.parts or list(PARTS)
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    if not scenes.DATA.is_dir():
        raise SystemExit(f"The pictures are missing: {scenes.DATA}")
    cv2.setNumThreads(1)
    reached = [*_scenes(parts, options), *_gates(parts, options)]
    if "speed" in parts:
        reached += goals.of_costs()
    goals.printed(reached)


def _scenes(parts: list[str], options: argparse.Namespace) -> list[goals.Goal]:
    """Measure scenes, print their tables, and return their goals."""
    jobs = list(_jobs(parts, options.every, peers=not options.ours))
    results = list(_spread(measured, jobs, options.jobs))
    rows = Rows(row for each in results for row in each.rows)
    _print(rows)
    strips = [one for each in results for one in each.strips]
    if strips:
        print(f"\nthe worst ten: {sheet.written(strips)}")
    return [*goals.of_keyers(rows), *goals.of_cutouts(rows), *goals.of_physical(rows)]


def _jobs(parts: list[str], every: int, *, peers: bool) -> Iterator[Job]:
    """Give the scenes to measure, each once."""
    for level in LEVELS:
        keyers, cutouts = "keyer" in parts, level in parts
        if keyers or cutouts:
            for count, index in enumerate(scenes.foregrounds(every)):
                slow = peers and count % SLOW_EVERY == 0
                yield Simulated(index, level, keyers, cutouts, peers, slow)
    if "light" in parts:
        fine = scenes.foregrounds(1, scenes.FINE_SUBJECTS)
        yield from (Lit(*each) for each in product(fine, LEVELS, LIGHTS))
    if "physical" in parts:
        keys = (key.name for key in scenes.BACKINGS)
        names = scenes.PHYSICAL
        yield from (Physical(name, key, peers) for key, name in product(keys, names))


def _print(rows: Rows) -> None:
    for level in LEVELS:
        _print_keyers(rows, level)
        if rows.of(f"cutout, {level}"):
            _print_cutouts(rows, level)
    for key in scenes.BACKINGS:
        table = f"physical, {key.name}"
        by_scene(f"physical renders on {key.name}", rows, table)
        summary(f"{table}, the six", rows, table, scenes.OPAQUE_SCENES.__contains__)
    lights = [f"{light}, {level}" for level, light in product(LEVELS, LIGHTS)]
    grid("edges of fine subjects, mixed in", rows, lights)


def _print_keyers(rows: Rows, level: str) -> None:
    table = f"keyer, {level}"
    ratios(f"keyer alone, {level}", rows, table, KEYER, (NAIVE, FFMPEG))
    summary(f"keyer alone, {level}", rows, table)
    slow = rows.of(table, SLOW)
    if slow:
        summary(f"those that {SLOW} was shown, {level}", rows, table, slow.__contains__)


def _print_cutouts(rows: Rows, level: str) -> None:
    table, filed = f"cutout, {level}", f"as filed, {level}"
    by_scene(f"end to end, {level}", rows, table)
    kept(f"end to end, {level}, {SAID}", rows.of(table, SAID))
    summary(f"end to end, {level}", rows, table)
    summary(f"green subjects, {level}", rows, table, scenes.is_green)
    as_files = rows.substituted(table, filed)
    summary(f"as the files have it: painted shadow counted as subject, {level}", as_files, table)
    summary(f"those with a painted shadow, {level}", rows, table, rows.of(filed).__contains__)


def _gates(parts: list[str], options: argparse.Namespace) -> list[goals.Goal]:
    """Show good and wrong renders to the gates, and return their goals."""
    if "wrong" not in parts:
        return []
    shown = scenes.foregrounds(options.every)
    pairs = list(zip(shown, shown[1:] + shown[:1], strict=True))
    judged = [one for each in _spread(wrong.judged, pairs, options.jobs) for one in each]
    judged += wrong.judged_physical()
    for each in judged:
        if each.refused == (each.kind == wrong.GOOD):
            print(f"misjudged: {each.scene}, {each.kind}")
    return list(goals.of_gates(judged))


def _spread(
    work: Callable[[Asked], Answer], asked: list[Asked], processes: int
) -> Iterator[Answer]:
    """Do the work in so many processes, one thread each, and give the answers in order."""
    if processes == 1:
        yield from map(work, asked)
        return
    with ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=cv2.setNumThreads, initargs=(1,)
    ) as pool:
        yield from pool.map(work, asked)


if __name__ == "__main__":
    main()
