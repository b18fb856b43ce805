"""Draws docs/pictures/before-after.png: what the embedded engine makes of the samples.

python -m bench.before_after
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from common import codec
from common.composite import over
from common.image import U8, Image
from common.operations import cutout, erase, expand
from common.operations.base import Models
from common.operations.options import CutoutOptions, EraseOptions, ExpandOptions, read_options
from common.vlm.embedded import EmbeddedModel

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "studio" / "samples"
PICTURE = ROOT / "docs" / "pictures" / "before-after.png"
WIDTH, GAP, SQUARE = 1000, 10, 12
PAPER = 255


def main() -> None:
    models = Models(EmbeddedModel())
    bear = _sample("cutout/plush_bear.jpg")
    bottle = _sample("erase/bottle_label.jpg")
    glasses = _sample("expand/eyeglasses.jpg")
    cut = cutout.run(bear, CutoutOptions(), models).image
    clean = erase.run(bottle, EraseOptions(), models).image
    wide = expand.run(glasses, read_options(ExpandOptions, {"margin": "0,30%,0,30%"}), models).image
    if cut is None or clean is None or wide is None:
        raise SystemExit("An operation gave no picture.")
    rows = [[bear, _on_checkerboard(cut), bottle, clean], [glasses, wide]]
    picture = np.vstack([_row(row) for row in rows])[:-GAP]
    PICTURE.write_bytes(codec.encode(Image(picture), "png"))
    print(PICTURE.relative_to(ROOT), f"{PICTURE.stat().st_size // 1000} kB")


def _sample(name: str) -> Image:
    return codec.decode((SAMPLES / name).read_bytes())


def _on_checkerboard(image: Image) -> Image:
    rows, columns = np.indices(image.rgb.shape[:2]) // SQUARE
    board = np.where((rows + columns) % 2, 255, 214).astype(np.uint8)
    return over(image, np.dstack([board] * 3))


def _row(images: list[Image]) -> U8:
    """Return pictures side by side, as high as makes the row `WIDTH` wide."""
    ratio = sum(image.size.ratio for image in images)
    height = round((WIDTH - GAP * (len(images) - 1)) / ratio)
    tiles: list[U8] = []
    for image in images:
        tiles += [_of_height(image, height), np.full((height, GAP, 3), PAPER, np.uint8)]
    return _padded(np.hstack(tiles[:-1]), GAP)


def _of_height(image: Image, height: int) -> U8:
    size = (round(height * image.size.ratio), height)
    out: U8 = cv2.resize(image.rgb, size, interpolation=cv2.INTER_AREA)
    return out


def _padded(row: U8, below: int) -> U8:
    """Return the row at exactly `WIDTH`, with paper below; rounding may have cost a column."""
    missing = max(0, WIDTH - row.shape[1])
    wide = np.pad(row, ((0, below), (0, missing), (0, 0)), constant_values=PAPER)
    return wide[:, :WIDTH]


if __name__ == "__main__":
    main()
