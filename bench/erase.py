"""What erasing is worth: text drawn by us over photos, so that the truth is known.

    python -m bench.erase [edits embedded text speed] [--sheet FILE.png]

Needs the pictures in ``../shared/data``, and a Korean font there.

edits     a model's edit of each window, simulated: the truth shifted, scaled, warped, toned and
          compressed.  PSNR under the mask against the truth, beside the edit pasted as it came; the
          seam; the share of pixels outside the mask that are the photo's own bytes.
embedded  the embedded engine's fill under the strokes, beside OpenCV's Telea on the same hole.
text      lines found by the embedded engine (80 % of the line covered), and found again after it
          has erased them.
speed     CPU besides the model, planning and composing, at several sizes of one picture.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from bench.simulator import jpeg
from common.geometry import Box, Size, box_from_2d, with_margin
from common.image import U8, Image, Mask
from common.operations import masked
from common.operations.base import Models
from common.operations.erase import run
from common.operations.masked import MaskedEdit
from common.operations.options import EraseOptions
from common.operations.selection import Target, strokes
from common.operations.windows import windows_around
from common.operations.writing import question
from common.vlm.embedded import EmbeddedModel
from common.vlm.embedded.erase import without

DATA = Path(__file__).parents[2] / "shared" / "data"
FONT = DATA / "text" / "font-NanumSquareB.ttf"
PHOTOS = (
    "renders/mug_white/photo.png",
    "renders/plush_bear/photo.png",
    "renders/wire_basket/photo.png",
    "renders/can_green/photo.png",
    "inputs/spree-high-speed-blender.webp",
    "inputs/spree-2-slice-toaster-black.webp",
    "inputs/spree-dual-basket-air-fryer.webp",
    "inputs/skimage-coffee.png",
    "inputs/skimage-astronaut.png",
    "detection/coco-train2017_000000000089.jpg",
)
PLAIN = tuple(name for name in PHOTOS if "spree" in name)
WORDS = {
    "Korean": ("여름 세일 50%", "무료 배송", "지금 구매하세요", "신제품 출시 기념"),
    "English": ("SUMMER SALE 50%", "Free shipping", "Buy it now", "New arrival 2026"),
}
TRIES = 400  # places that are tried for a line
CALM = 6.0  # levels: deviation below which a line's ground is plain
SURFACES = {  # file -> top, left, bottom, right of a bare surface
    "brick": ("renders/wire_basket/wide.png", (20, 500, 190, 1100)),
    "wood": ("renders/bottle_label/wide.png", (1000, 40, 1300, 940)),
    "marble": ("renders/set_of_three/wide.png", (650, 300, 840, 1200)),
    "studio": ("inputs/spree-2-slice-toaster-black.webp", (20, 20, 110, 620)),
    "fur": ("renders/plush_bear/photo.png", (400, 300, 620, 520)),
    "kitchen": ("detection/coco-train2017_000000000089.jpg", (200, 150, 400, 450)),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--sheet", type=Path, help="write before, after and difference here")
    arguments = parser.parse_args()
    if not FONT.exists():
        print("No pictures to measure on: ../shared/data is not there.")
        return
    cv2.setNumThreads(1)
    sheet: list[U8] = []
    for part in arguments.parts:
        PARTS[part](sheet)
    if arguments.sheet and sheet:
        Pillow.fromarray(np.vstack(sheet)).save(arguments.sheet)


# --- edits ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Level:
    """How far a simulated edit is off: shares of the side and of tone, pixels, JPEG quality."""

    shift: float
    scale: float
    warp: float
    tone: float
    quality: int


LEVELS = {
    "mild": Level(0.005, 0.007, 0.7, 0.013, 95),
    "hard": Level(0.015, 0.02, 2.0, 0.04, 90),
}


def edits(sheet: list[U8]) -> None:
    for name, level in LEVELS.items():
        ours: list[float] = []
        gains: list[float] = []
        seams: list[float] = []
        outside = 1.0
        for number, (photo, poster) in enumerate(_posters()):
            done = _edited(poster, level, number)
            ours.append(_psnr(done.rgb, poster.bare, done.mask))
            gains.append(ours[-1] - _psnr(done.pasted, poster.bare, done.mask))
            seams.append(done.seam)
            outside = min(outside, float((done.rgb == poster.rgb).all(2)[~done.kept_out].mean()))
            print(f"  {name} {photo:44} {ours[-1]:.1f} dB, {gains[-1]:+.1f}, seam {seams[-1]:.2f}")
            if name == "hard":
                sheet.append(_row(poster.rgb, done.rgb))
        print(
            f"edits, {name}: {statistics.mean(ours):.1f} dB (least {min(ours):.1f}),"
            f" +{statistics.mean(gains):.1f} dB over pasting (least {min(gains):+.1f}),"
            f" seam {statistics.mean(seams):.2f} (most {max(seams):.2f}),"
            f" {outside:.0%} of the pixels outside equal"
        )


@dataclass(frozen=True)
class _Done:
    """Results, where the edit was taken for the most part, and where at all."""

    rgb: U8
    pasted: U8
    mask: Mask
    kept_out: Mask
    seam: float


def _edited(poster: _Poster, level: Level, seed: int) -> _Done:
    random = np.random.default_rng(seed)
    rgb, pasted = poster.rgb.copy(), poster.rgb.copy()
    mask, taken = (np.zeros(rgb.shape[:2], np.bool_) for _ in range(2))
    seam = 0.0
    for edit in _plan(poster):
        place = edit.window.slices
        render = _off(poster.bare[place], level, random)
        rgb[place], verdict = masked.compose(rgb[place], Image(render), edit)
        pasted[place] = np.where(edit.weight[..., None] > 0.5, render, pasted[place])
        mask[place] |= edit.weight > 0.5
        taken[place] |= edit.weight > 0
        seam = max(seam, verdict.scores["seam"])
    return _Done(rgb, pasted, mask, taken, seam)


def _plan(poster: _Poster) -> tuple[MaskedEdit, ...]:
    image = Image(poster.rgb)
    target = Target(poster.boxes, (), strokes())
    return masked.plan(image, target, windows_around(poster.boxes, image.size))


def _off(truth: U8, level: Level, random: np.random.Generator) -> U8:
    """Return a picture as a model gives it back: moved, scaled, warped, toned, compressed."""
    height, width = truth.shape[:2]
    scale = 1 + level.scale * random.uniform(-1, 1)
    away = level.shift * max(height, width) * random.uniform(-1, 1, 2)
    coarse = random.standard_normal((4, 4, 2)).astype(np.float32)
    warp = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    warp *= level.warp / np.abs(warp).max()
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    x = (columns - width / 2) * scale + width / 2 + away[0] + warp[..., 0]
    y = (rows - height / 2) * scale + height / 2 + away[1] + warp[..., 1]
    moved = cv2.remap(
        truth,
        x.astype(np.float32),
        y.astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    gain = 1 + level.tone * random.uniform(-1, 1, 3)
    offset = 255 * level.tone / 4 * random.uniform(-1, 1, 3)
    toned = np.clip(moved * gain + offset, 0, 255)
    return jpeg(np.rint(toned).astype(np.uint8), level.quality, subsampled=True)


# --- embedded -------------------------------------------------------------------------------------


def embedded(_: list[U8]) -> None:
    better: dict[str, list[float]] = {}
    for name, ground in _surfaces():
        for language, words in WORDS.items():
            poster = _written(ground, words[:1], seed=3, height=0.3)
            (edit,) = _plan(poster)
            place = edit.window.slices
            filled = without(poster.rgb[place], edit.regions, edit.hole)
            telea: U8 = cv2.inpaint(
                poster.rgb[place], edit.hole.astype(np.uint8), 3, cv2.INPAINT_TELEA
            )
            where, truth = edit.hole, poster.bare[place]
            ours, theirs = (_psnr(rgb, truth, where) for rgb in (filled.rgb, telea))
            better.setdefault(name, []).append(ours - theirs)
            doubt = "doubted" if filled.doubts else ""
            print(
                f"  {name:8} {language:8} {ours:5.1f} dB, Telea {theirs:5.1f}"
                f"  {'+'.join(filled.methods)} {doubt}"
            )
    for name, gains in better.items():
        mean = statistics.mean(gains)
        print(f"embedded, {name}: {mean:+.1f} dB over Telea (least {min(gains):+.1f})")


def _surfaces() -> Iterator[tuple[str, U8]]:
    for name, (file, corners) in SURFACES.items():
        yield name, _read(file)[Box(*corners).slices]
    yield "stripes", _stripes()
    yield "weave", _weave()


def _stripes() -> U8:
    down = np.arange(600) // 12 % 2
    row = np.where(down[:, None], np.array([60.0, 140.0, 90.0]), np.array([200.0, 225.0, 190.0]))
    grain = np.random.default_rng(1).normal(0, 2, (200, 600, 3))
    return np.rint(np.clip(row[None] + grain, 0, 255)).astype(np.uint8)


def _weave() -> U8:
    rows, columns = np.mgrid[0:200, 0:600]
    light = 150 + 30 * np.sin(columns / 3.2) * np.sin(rows / 3.2)
    light += 12 * np.sin((rows + columns) / 9)
    grain = np.random.default_rng(2).normal(0, 2, (200, 600, 3))
    colour = np.array([1, 0.93, 0.8])
    out: U8 = np.rint(np.clip(light[..., None] * colour + grain, 0, 255)).astype(np.uint8)
    return out


# --- text -----------------------------------------------------------------------------------------


def text(sheet: list[U8]) -> None:
    engine = EmbeddedModel()
    for language in WORDS:
        met = lines = 0
        left: dict[bool, list[float]] = {True: [], False: []}
        for calm, poster in _calm_and_other(language):
            image = Image(poster.rgb)
            found = [
                box_from_2d(line.box_2d, image.size) for line in engine.ask(question(image)).value
            ]
            met += sum(_covered(box, found) >= 0.8 for box in poster.boxes)
            lines += len(poster.boxes)
            options = EraseOptions(on_fail="review")
            outcome = run(image, options, Models(engine, engine))
            left[calm].append(outcome.report.scores.get("text_left", 0.0))
            if outcome.image is not None:
                sheet.append(_row(poster.rgb, outcome.image.rgb))
        print(
            f"text, {language}: {met} of {lines} lines found ({met / lines:.0%}); text_left"
            f" {statistics.mean(left[True]):.3f} on plain (most {max(left[True]):.3f}),"
            f" {statistics.mean(left[False]):.3f} elsewhere"
        )


def _calm_and_other(language: str) -> Iterator[tuple[bool, _Poster]]:
    """Give posters whose lines stand on a plain backdrop, and others."""
    for number, photo in enumerate(PLAIN):
        yield True, _written(_fitting(photo), WORDS[language], seed=number, calm=True)
    for _, poster in _posters((language,)):
        yield False, poster


def _covered(box: Box, found: list[Box]) -> float:
    seen = np.zeros((box.height, box.width), np.bool_)
    for other in found:
        common = box.intersection(other)
        if common is not None:
            seen[common.moved(-box.top, -box.left).slices] = True
    return float(seen.mean())


# --- speed ----------------------------------------------------------------------------------------


def speed(_: list[U8]) -> None:
    photo = _read("inputs/skimage-astronaut.png")
    for side in (1024, 2048, 4096):
        bare = cv2.resize(photo, (side, side), interpolation=cv2.INTER_CUBIC)
        poster = _written(bare, WORDS["Korean"], seed=1, pixels=60)
        edits = _plan(poster)
        planning = _timed(partial(_plan, poster))
        random = np.random.default_rng(0)
        composing = 0.0
        for edit in edits:
            window = poster.bare[edit.window.slices]
            render = Image(_off(window, LEVELS["hard"], random))
            photographed = poster.rgb[edit.window.slices]
            composing += _timed(partial(masked.compose, photographed, render, edit))
        pixels = side * side / 1e6
        print(
            f"speed, {pixels:4.1f} MP, {len(edits)} windows: plan {planning:.0f} ms,"
            f" compose {composing:.0f} ms; {(planning + composing) / pixels:.0f} ms/MP"
        )


def _timed(act: Callable[[], object]) -> float:
    """Return the least of three runs' CPU, in milliseconds."""
    spent = []
    for _ in range(3):
        start = time.process_time()
        act()
        spent.append(time.process_time() - start)
    return 1000 * min(spent)


PARTS: dict[str, Callable[[list[U8]], None]] = {
    "edits": edits,
    "embedded": embedded,
    "text": text,
    "speed": speed,
}


# --- pictures -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Poster:
    """A photo with lines of writing, the photo, and the lines' boxes."""

    rgb: U8
    bare: U8
    boxes: tuple[Box, ...]


def _posters(languages: tuple[str, ...] = tuple(WORDS)) -> Iterator[tuple[str, _Poster]]:
    for number, photo in enumerate(PHOTOS):
        bare = _fitting(photo)
        for language in languages:
            yield photo, _written(bare, WORDS[language], seed=number)


def _calm_place(
    bare: U8, line: Box, others: list[Box], random: np.random.Generator
) -> tuple[int, int] | None:
    """Return how far down and right a line is moved to a plain place of its own."""
    tall, wide = bare.shape[:2]
    for _ in range(TRIES):
        down = int(random.integers(4, tall - line.bottom - 4))
        right = int(random.integers(4, wide - line.right - 4))
        place = with_margin(line.moved(down, right), Size(wide, tall), 0, 12)
        free = not any(place.intersection(other) for other in others)
        if free and bare[place.slices].std((0, 1)).max() < CALM:
            return down, right
    return None


def _fitting(photo: str) -> U8:
    bare = _read(photo)
    size = Size(bare.shape[1], bare.shape[0]).within(1024)
    out: U8 = cv2.resize(bare, (size.width, size.height), interpolation=cv2.INTER_AREA)
    return out


def _written(
    bare: U8,
    lines: tuple[str, ...],
    seed: int,
    *,
    height: float = 0.055,
    pixels: int = 0,
    calm: bool = False,
) -> _Poster:
    """Write the lines one below the other, each at a place, size and colour of its own.

    Lines of a calm poster stand where the photo is plain; who finds no such place is left out.
    """
    random = np.random.default_rng(seed)
    picture = Pillow.fromarray(bare)
    draw = ImageDraw.Draw(picture)
    tall, wide = bare.shape[:2]
    boxes: list[Box] = []
    for number, words in enumerate(lines):
        size = pixels or round(tall * height * random.uniform(0.7, 1.3))
        font = ImageFont.truetype(str(FONT), size)
        left, top, right, bottom = map(int, draw.textbbox((0, 0), words, font=font))
        x = int(random.uniform(0.03, 0.97) * max(1, wide - (right - left)))
        y = int(tall * (number + 0.3) / len(lines))
        x, y = min(x, wide - right - 2), min(y, tall - bottom - 2)
        if calm:
            place = _calm_place(bare, Box(top, left, bottom, right), boxes, random)
            if place is None:
                continue
            y, x = place
        under = bare[max(0, y + top) : y + bottom, max(0, x + left) : x + right]
        dark = (20, 20, 40) if number % 2 else (190, 20, 30)
        draw.text((x, y), words, font=font, fill=dark if under.mean() > 120 else (250, 250, 240))
        boxes.append(Box(max(0, y + top - 2), max(0, x + left - 2), y + bottom + 2, x + right + 2))
    rgb = jpeg(np.asarray(picture), 95, subsampled=False)
    touched = (np.asarray(picture) != bare).any(2)
    near = cv2.dilate(touched.astype(np.uint8), np.ones((17, 17), np.uint8)) > 0
    return _Poster(np.where(near[..., None], rgb, bare), bare, tuple(boxes))


def _row(before: U8, after: U8) -> U8:
    difference = np.clip(cv2.absdiff(before, after).astype(np.int16) * 3, 0, 255).astype(np.uint8)
    return np.hstack([_thumb(each) for each in (before, after, difference)])


def _thumb(rgb: U8) -> U8:
    out: U8 = cv2.resize(rgb, (420, 420), interpolation=cv2.INTER_AREA)
    return out


def _read(path: str) -> U8:
    return np.asarray(Pillow.open(DATA / path).convert("RGB"))


def _psnr(a: U8, b: U8, where: Mask) -> float:
    error = float(((a.astype(np.float32) - b)[where] ** 2).mean())
    return 10 * float(np.log10(255**2 / max(error, 1e-6)))


if __name__ == "__main__":
    main()
