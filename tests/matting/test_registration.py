"""Registration: known movements are found, and what a model changed on purpose is left out."""

from __future__ import annotations

import cv2
import numpy as np

from common.geometry import Part, Size
from common.image import F32, U8
from common.matting.registration import register

HEIGHT, WIDTH = 300, 400
WHOLE = Part.all_of(Size(WIDTH, HEIGHT))


def picture(seed: int = 1) -> U8:
    random = np.random.default_rng(seed)
    coarse = random.uniform(20, 235, (30, 40, 3)).astype(np.float32)
    smooth: F32 = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0, 255).astype(np.uint8)


def moved(pixels: U8, scale: float, right: float, down: float) -> tuple[U8, F32]:
    """Return the picture moved, and the (2, 3) matrix that did it."""
    centre = np.array([(1 - scale) * WIDTH / 2 + right, (1 - scale) * HEIGHT / 2 + down])
    matrix = np.array([[scale, 0, centre[0]], [0, scale, centre[1]]], np.float32)
    out: U8 = cv2.warpAffine(pixels, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
    return out, matrix


def largest_error(columns: F32, rows: F32, matrix: F32) -> float:
    """Return the largest miss in pixels away from the border."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    miss = np.hypot(
        columns - (matrix[0, 0] * x + matrix[0, 2]), rows - (matrix[1, 1] * y + matrix[1, 2])
    )
    return float(miss[30:-30, 30:-30].max())


def test_a_known_movement_is_found_to_a_fraction_of_a_pixel() -> None:
    fixed = picture()
    moving, matrix = moved(fixed, 1.03, 5, -4)
    found = register(moving, fixed, np.ones((HEIGHT, WIDTH), np.float32))
    assert found.score > 0.99
    assert largest_error(*found.maps(WHOLE, WHOLE.size), matrix) < 0.3


def test_what_the_weight_leaves_out_does_not_pull_the_rest() -> None:
    fixed = picture()
    moving, matrix = moved(fixed, 0.98, -3, 2)
    moving[100:200, 120:280] = picture(seed=7)[100:200, 120:280]
    weight = np.ones((HEIGHT, WIDTH), np.float32)
    weight[90:210, 110:290] = 0
    found = register(moving, fixed, weight)
    assert largest_error(*found.maps(WHOLE, WHOLE.size), matrix) < 1.0


def test_the_map_holds_for_other_sizes_of_the_same_pictures() -> None:
    fixed = picture()
    moving, matrix = moved(fixed, 1.0, 8, 0)
    small: U8 = cv2.resize(moving, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    found = register(small, fixed, np.ones((HEIGHT // 2, WIDTH // 2), np.float32))
    columns, rows = found.maps(WHOLE, WHOLE.size)
    assert largest_error(columns, rows, matrix) < 0.5


def test_nothing_to_hold_on_to_moves_nothing() -> None:
    grey = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    found = register(grey, grey, np.zeros((HEIGHT, WIDTH), np.float32))
    assert np.abs(found.shift).max() < 1e-3
