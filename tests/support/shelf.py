"""Product pictures for presets: drawn small, as marketplaces want them and as they do not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np

from common.geometry import Size
from common.image import U8, Image, Provenance
from common.vlm.base import Detection
from tests.support.pictures import textured

WHITE = (255, 255, 255)


@cache
def product(
    size: Size | None = None,
    fill: float = 0.9,
    ground: tuple[int, int, int] = WHITE,
    blur: float = 0.0,
) -> Image:
    """Return a textured ellipse on one colour, `fill` of the frame on both sides."""
    size = size or Size(320, 320)
    rgb = np.full((size.height, size.width, 3), ground, np.uint8)
    mask = np.zeros((size.height, size.width), np.uint8)
    middle = (size.width // 2, size.height // 2)
    axes = (round(fill * size.width / 2), round(fill * size.height / 2))
    cv2.ellipse(mask, middle, axes, 0, 0, 360, 255, -1)
    skin = (textured(size).astype(np.uint16) * 2 // 3).astype(np.uint8)
    skin[::16] = skin[1::16] = 20  # crisp lines, as on knitwear, and a label of black and white
    rows = slice(3 * size.height // 10, 6 * size.height // 10)
    skin[rows, size.width // 3 : size.width // 2] = 10
    skin[rows, size.width // 2 : 2 * size.width // 3] = 235
    rgb[mask > 0] = skin[mask > 0]
    if blur:
        rgb = cv2.GaussianBlur(rgb, (0, 0), blur)
    return Image(rgb, provenance=Provenance("jpeg", file_bytes=40_000, jpeg_quality=95))


def told(image: Image, **facts: object) -> Image:
    """Return the picture with other facts about its file."""
    return replace(image, provenance=replace(image.provenance, **facts))  # type: ignore[arg-type]


def framed(image: Image, width: int, colour: tuple[int, int, int] = (10, 10, 10)) -> Image:
    """Return the picture with a line drawn around it."""
    rgb: U8 = image.rgb.copy()
    for side in (rgb[:width], rgb[-width:], rgb[:, :width], rgb[:, -width:]):
        side[:] = colour
    return replace(image, rgb=rgb)


def line(box: tuple[int, int, int, int], layer: str = "") -> Detection:
    """Return a line of writing that a model found."""
    return Detection(box, "line", "text", layer=layer)


def thing(box: tuple[int, int, int, int], label: str = "thing", layer: str = "") -> Detection:
    """Return a thing that a model found."""
    return Detection(box, label, "object", layer=layer)
