"""What the embedded engine is worth, with its networks and without them.

    python -m bench.embedded [subject text erase expand speed] [--without-weights]

Needs the pictures in ``../shared/data``.  Subject: intersection over union of alpha > .5 against
the truth.  Text: share of true lines of which at least 70 % lies in found boxes.  Erase: PSNR under
the ink of a line drawn on real surfaces.  Expand: PSNR of the new area where a cropped photo is
carried on to its old borders, beside replicated borders.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from common.composite import grown
from common.fields import as_bytes, as_float
from common.geometry import Box, Size
from common.glyphs import glyph_mask
from common.image import F32, U8, Mask
from common.vlm.embedded.erase import without
from common.vlm.embedded.extend import extended
from common.vlm.embedded.salience import SIDE
from common.vlm.embedded.sight import Sight
from common.vlm.embedded.subject import INSIDE, mask_box, subject_alpha
from tests.support.drawn import printed, studio

DATA = Path(__file__).parents[2] / "shared" / "data"
NO_CLEAR_SUBJECT = ("pymatting-lemur.png", "lemur_alpha", "smoke", "text-navy", "lace")
SURROUNDINGS = (
    "text/mmocr-img_9.jpg",
    "detection/coco-train2017_000000000094.jpg",
    "text/mmocr-img_5.jpg",
    "detection/coco-train2017_000000000089.jpg",
    "studio",
)
CANVAS = Size(900, 900)
MISLABELLED = "set_of_three"  # the boxes of its texts are the mirror image of the photo
SURFACES = {  # file -> top, left, bottom, right of a bare surface
    "brick": ("renders/wire_basket/wide.png", (20, 500, 190, 1100)),
    "wood": ("renders/bottle_label/wide.png", (1000, 40, 1300, 940)),
    "marble": ("renders/set_of_three/wide.png", (650, 300, 840, 1200)),
    "studio": ("inputs/spree-2-slice-toaster-black.webp", (20, 20, 110, 620)),
    "fur": ("renders/plush_bear/photo.png", (400, 300, 620, 520)),
    "kitchen": ("detection/coco-train2017_000000000089.jpg", (200, 150, 400, 450)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--without-weights", action="store_true")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print("No pictures to measure on: ../shared/data is not there.")
        return
    sight = _blind() if arguments.without_weights else Sight()
    for part in arguments.parts:
        PARTS[part](sight)


def _blind() -> Sight:
    return Sight(*(replace(w, package="no_such_package") for w in vars(Sight()).values()))


def subject(sight: Sight) -> None:
    see = sight.of_subjects()
    scores = []
    for name, rgb, truth in _subjects():
        ours, true = subject_alpha(rgb, see.see) > INSIDE, truth > INSIDE
        scores.append(float((ours & true).sum() / (ours | true).sum()))
        print(f"  {name:36} {scores[-1]:.3f}")
    mean, median = statistics.mean(scores), statistics.median(scores)
    print(f"subject ({see.name}): IoU mean {mean:.3f}, median {median:.3f}, {len(scores)} pictures")


def text(sight: Sight) -> None:
    find = sight.of_text()
    met = whole = extra = 0
    for _, rgb, boxes in _texts():
        lines = [line.box for line in find.see(rgb)]
        met += sum(_covered(box, lines) >= 0.7 for box in boxes)
        whole += len(boxes)
        extra += sum(not any(line.intersection(box) for box in boxes) for line in lines)
    print(f"text ({find.name}): {met} of {whole} labelled lines found, {extra} boxes elsewhere")
    wrong = sum(len(find.see(rgb)) for rgb in _wordless())
    print(f"  {wrong} boxes on pictures without writing")


def erase(_: Sight) -> None:
    for name, (file, corners) in SURFACES.items():
        ground = _read(file)[Box(*corners).slices].astype(np.float32)
        scale = min(ground.shape[0] / 90, ground.shape[1] / 200)
        ink = (20, 20, 30) if ground.mean() > 128 else (250, 250, 250)
        sale = printed(ground, colour=ink, scale=scale)
        hole = grown(glyph_mask(sale.rgb, [sale.box]), 3)
        erasure = without(sale.rgb, [sale.box], hole)
        before, after = (_psnr(rgb, sale.bare, sale.ink) for rgb in (sale.rgb, erasure.rgb))
        doubt = "doubted" if erasure.doubts else ""
        print(f"  {name:8} {before:5.1f} -> {after:5.1f} dB  {erasure.methods} {doubt}")


def expand(sight: Sight) -> None:
    see = sight.of_subjects().see
    ours, replicated = [], []
    for path in sorted((DATA / "inputs").glob("spree-*")):
        truth = _read(path)
        frame = _tight(subject_alpha(truth, see))
        outside = np.ones(truth.shape[:2], np.bool_)
        outside[frame.slices] = False
        photo = truth[frame.slices]
        filled = extended(truth, frame, subject_alpha(photo, see))
        sides = frame.top, truth.shape[0] - frame.bottom, frame.left, truth.shape[1] - frame.right
        plain: U8 = cv2.copyMakeBorder(photo, *sides, cv2.BORDER_REPLICATE)
        ours.append(_psnr(filled.rgb, truth, outside))
        replicated.append(_psnr(plain, truth, outside))
        print(f"  {path.stem:46} {ours[-1]:.1f} dB, replicated {replicated[-1]:.1f}")
    means = statistics.mean(ours), statistics.mean(replicated)
    print(f"expand on plain backdrops: {means[0]:.1f} dB, replicated borders {means[1]:.1f} dB")


def speed(sight: Sight) -> None:
    photo = _read("inputs/spree-high-speed-blender.webp")
    for name, act in (
        ("subject", lambda: subject_alpha(photo, sight.of_subjects().see)),
        ("text", lambda: sight.of_text().see(photo)),
    ):
        seconds = [_timed(act) for _ in range(4)]
        print(
            f"  {name:8} first {seconds[0]:.2f} s, then {min(seconds[1:]):.2f} s CPU, 1 megapixel"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak memory of this process so far {peak:.0f} MB; maps of {SIDE} x {SIDE}")


PARTS: dict[str, Callable[[Sight], None]] = {
    "speed": speed,
    "subject": subject,
    "text": text,
    "erase": erase,
    "expand": expand,
}


# --- pictures -------------------------------------------------------------------------------------


def _read(path: str | Path) -> U8:
    return np.asarray(Pillow.open(DATA / path).convert("RGB"))


def _subjects() -> Iterator[tuple[str, U8, F32]]:
    for folder in sorted((DATA / "renders").glob("*/")):
        alpha = (np.asarray(Pillow.open(folder / "alpha.png")) / 65535).astype(np.float32)
        yield folder.name, _read(folder / "photo.png"), alpha
    files = sorted((DATA / "foregrounds").glob("*.png"))
    clear = [file for file in files if not any(word in file.name for word in NO_CLEAR_SUBJECT)]
    for number, file in enumerate(clear):
        yield file.stem, *_composite(file, SURROUNDINGS[number % len(SURROUNDINGS)])


def _composite(file: Path, surroundings: str) -> tuple[U8, F32]:
    """Return a foreground amid blurred surroundings with some noise, and its alpha."""
    picture = Pillow.open(file).convert("RGBA")
    picture.thumbnail((800, 800))
    cut = as_float(np.asarray(picture))
    top, left = (CANVAS.height - cut.shape[0]) // 2, (CANVAS.width - cut.shape[1]) // 2
    layer = np.zeros((CANVAS.height, CANVAS.width, 4), np.float32)
    layer[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    blurred = _surroundings(surroundings)
    cover = layer[..., 3:]
    noise = np.random.default_rng(0).normal(0, 0.01, blurred.shape).astype(np.float32)
    return as_bytes(layer[..., :3] * cover + blurred * (1 - cover) + noise), layer[..., 3]


def _surroundings(name: str) -> F32:
    if name == "studio":
        return studio(CANVAS) / np.float32(255)
    ground = cv2.resize(_read(name), (CANVAS.width, CANVAS.height))
    return as_float(cv2.GaussianBlur(ground, (0, 0), 3))


def _texts() -> Iterator[tuple[str, U8, list[Box]]]:
    for path in sorted((DATA / "renders").glob("*/meta.json")):
        texts = json.loads(path.read_text())["texts"]
        if texts and path.parent.name != MISLABELLED:
            boxes = [_box(text["box_px"]) for text in texts]
            yield path.parent.name, _read(path.parent / "photo.png"), boxes
    labels = json.loads((DATA / "text" / "mmocr-textdet_test.json").read_text())
    for picture in labels["data_list"]:
        path = DATA / "text" / f"mmocr-{Path(picture['img_path']).name}"
        legible = [item for item in picture["instances"] if not item.get("ignore")]
        if path.exists():
            yield path.name, _read(path), [_box(item["bbox"]) for item in legible]


def _box(corners: list[Any]) -> Box:
    left, top, right, bottom = (round(value) for value in corners)
    return Box(top, left, bottom, right)


def _wordless() -> Iterator[U8]:
    for name in ("plush_bear", "mug_white", "eyeglasses", "wire_basket"):
        yield _read(f"renders/{name}/photo.png")
    for name in ("skimage-astronaut.png", "skimage-coffee.png", "skimage-retina.jpg"):
        yield _read(f"inputs/{name}")


def _tight(alpha: F32) -> Box:
    """Return a frame that leaves the subject two fifths of the room it has."""
    box = mask_box(alpha > INSIDE) or Box(0, 0, *alpha.shape)
    height, width = alpha.shape
    return Box(
        round(box.top * 0.6),
        round(box.left * 0.6),
        round(box.bottom + 0.4 * (height - box.bottom)),
        round(box.right + 0.4 * (width - box.right)),
    )


# --- figures --------------------------------------------------------------------------------------


def _covered(box: Box, found: list[Box]) -> float:
    seen = np.zeros((box.height, box.width), np.bool_)
    for other in found:
        common = box.intersection(other)
        if common is not None:
            seen[common.moved(-box.top, -box.left).slices] = True
    return float(seen.mean())


def _psnr(a: U8, b: U8, where: Mask) -> float:
    error = float(((a.astype(np.float32) - b)[where] ** 2).mean())
    return 10 * float(np.log10(255**2 / max(error, 1e-6)))


def _timed(act: Callable[[], object]) -> float:
    start = time.process_time()
    act()
    return time.process_time() - start


if __name__ == "__main__":
    main()
