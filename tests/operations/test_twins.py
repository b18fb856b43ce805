"""A second subject is seen; what the scene repeats by itself is not one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.geometry import Box, Size
from common.image import U8
from common.operations.twins import SECOND, SURELY_SECOND, second_subject
from tests.support.pictures import textured

CANVAS = Size(640, 300)
FRAME = Box(0, 60, 300, 360)
SUBJECT = Box(80, 120, 240, 240)


def label(size: Size, seed: int = 5) -> U8:
    """Return a product with marks on it."""
    random = np.random.default_rng(seed)
    picture = np.full((size.height, size.width, 3), (200, 60, 50), np.uint8)
    for _ in range(60):
        x, y = int(random.integers(size.width)), int(random.integers(size.height))
        colour = tuple(int(level) for level in random.integers(0, 255, 3))
        cv2.rectangle(picture, (x, y), (x + 14, y + 9), colour, -1)
    return picture


def scene(*products: tuple[Box, U8], seed: int = 8) -> U8:
    """Return a textured wall with products before it."""
    canvas = (textured(CANVAS, seed) // 2 + 60).astype(np.uint8)
    for box, picture in products:
        size = (box.width, box.height)
        canvas[box.slices] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return canvas


PRODUCT = label(Size(120, 160))


def placed(scale: float) -> Box:
    return Box(40, 400, 40 + round(160 * scale), 400 + round(120 * scale))


@pytest.mark.parametrize("scale", [0.7, 1.0, 1.3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_copy_is_seen_mirrored_scaled_and_in_another_tone(
    scale: float, *, mirrored: bool
) -> None:
    copy = PRODUCT[:, ::-1] if mirrored else PRODUCT
    copy = np.clip(copy * np.array([0.9, 1.05, 1.1]) + 8, 0, 255).astype(np.uint8)
    canvas = scene((SUBJECT, PRODUCT), (placed(scale), copy))
    assert second_subject(canvas, FRAME, [SUBJECT]) > SURELY_SECOND


def test_half_a_copy_at_the_border_is_seen() -> None:
    canvas = scene((SUBJECT, PRODUCT), (Box(60, 580, 220, 640), PRODUCT[:, :60]))
    assert second_subject(canvas, FRAME, [SUBJECT]) > SURELY_SECOND


def test_another_product_is_no_second_one() -> None:
    canvas = scene((SUBJECT, PRODUCT), (placed(1.0), label(Size(120, 160), seed=77)))
    assert second_subject(canvas, FRAME, [SUBJECT]) < SECOND


def test_one_more_of_many_on_a_shelf_is_no_second_one() -> None:
    """The photo shows two of them by itself."""
    other = Box(90, 246, 230, 351)
    canvas = scene((SUBJECT, PRODUCT), (other, PRODUCT), (placed(1.0), PRODUCT))
    assert second_subject(canvas, FRAME, [SUBJECT]) < SECOND


def test_bricks_that_go_on_are_no_second_subject() -> None:
    rows, columns = np.indices((CANVAS.height, CANVAS.width))
    mortar = (rows % 24 < 3) | ((columns + 20 * (rows // 24 % 2)) % 40 < 3)
    wall = np.where(mortar[..., None], 190, (150, 70, 55)).astype(np.uint8)
    noise = np.random.default_rng(1).normal(0, 6, wall.shape)
    canvas = np.clip(wall + noise, 0, 255).astype(np.uint8)
    canvas[SUBJECT.slices] = PRODUCT
    assert second_subject(canvas, FRAME, [SUBJECT]) < SECOND
    assert second_subject(np.clip(wall + noise, 0, 255).astype(np.uint8), FRAME, [SUBJECT]) < SECOND


def test_without_a_subject_nothing_is_looked_for() -> None:
    assert second_subject(scene(), FRAME, []) == 0
    assert (
        second_subject(np.full((50, 80, 3), 200, np.uint8), Box(0, 0, 50, 40), [Box(9, 9, 40, 30)])
        == 0
    )
