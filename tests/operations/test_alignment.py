"""An edit that came back moved, scaled, warped and in another light is laid over its photo."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.geometry import Box, Size
from common.image import F32, U8
from common.operations.alignment import align, piece
from common.operations.edits import brought_back
from tests.support.pictures import psnr, textured

SIZE = Size(420, 300)
PHOTO = textured(SIZE, seed=2)
HOLE = np.zeros((300, 420), bool)
HOLE[120:180, 150:270] = True


def moved(scale: float, across: float, down: float, warp: float = 0.0) -> U8:
    rows, columns = np.mgrid[0:300, 0:420].astype(np.float32)
    x = (columns - 210) * scale + 210 + across + warp * np.sin(rows / 60)
    y = (rows - 150) * scale + 150 + down + warp * np.sin(columns / 60)
    out: U8 = cv2.remap(
        PHOTO,
        x.astype(np.float32),
        y.astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    return out


@pytest.mark.parametrize(
    "render",
    [moved(1.02, 6, -4), moved(0.98, -6, 4), moved(1, 5, 5, warp=2.0)],
    ids=["larger", "smaller", "warped"],
)
def test_what_was_moved_lies_on_the_photo_again(render: U8) -> None:
    laid = align(render, PHOTO, ~HOLE).sampled(render, SIZE)
    assert psnr(laid, PHOTO, HOLE) > 38
    assert psnr(laid, PHOTO, HOLE) > psnr(render, PHOTO, HOLE) + 8


def test_a_render_of_twice_the_size_is_laid_on_its_photo() -> None:
    large = cv2.resize(moved(1.01, 3, 2), (840, 600), interpolation=cv2.INTER_CUBIC)
    laid = align(large, PHOTO, ~HOLE).sampled(large, SIZE)
    assert psnr(laid, PHOTO, HOLE) > 36


def test_a_flat_photo_has_no_corners_and_is_left_where_it_is() -> None:
    flat = np.full((200, 200, 3), 180, np.uint8)
    laid = align(flat, flat, np.ones((200, 200), bool)).sampled(flat, Size(200, 200))
    assert np.array_equal(laid, flat)


def test_part_of_a_field_is_what_the_whole_has_there() -> None:
    field: F32 = np.random.default_rng(0).random((9, 12, 2)).astype(np.float32)
    box = Box(37, 80, 120, 301)
    everywhere = piece(field, SIZE, Box(0, 0, 300, 420))
    assert np.allclose(piece(field, SIZE, box), everywhere[box.slices], atol=1e-5)
    like = cv2.resize(field, (420, 300), interpolation=cv2.INTER_LINEAR)
    assert np.abs(everywhere - like).max() < 0.04  # OpenCV counts in 1/32 of a pixel


def test_another_light_is_taken_out_to_the_border() -> None:
    toned = np.clip(moved(1.01, 3, -2).astype(np.float32) * 1.04 - 4, 0, 255)
    shaded = toned * np.linspace(0.97, 1.03, 420, dtype=np.float32)[None, :, None]
    edit = brought_back(np.rint(np.clip(shaded, 0, 255)).astype(np.uint8), PHOTO, ~HOLE)
    box = Box(120, 150, 180, 270)
    mended = np.rint(edit.pixels(box) * 255).astype(np.uint8)
    assert psnr(mended, PHOTO[box.slices]) > 36
    assert edit.alignment > 0.99


def test_a_render_that_is_the_photo_outside_is_taken_byte_for_byte() -> None:
    render = PHOTO.copy()
    render[HOLE] = 7
    edit = brought_back(render, PHOTO, ~HOLE)
    assert edit.alignment == 1
    assert np.array_equal(np.rint(edit.pixels(Box(0, 0, 300, 420)) * 255), render)


def test_another_scene_is_not_taken_for_the_photo() -> None:
    other = textured(SIZE, seed=77)
    assert brought_back(other, PHOTO, ~HOLE).alignment < 0.5
