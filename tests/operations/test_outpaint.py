"""A render is painted round the photo and nowhere else: in its place, tone and grain."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.composite import seam_step
from common.errors import UnfitRender
from common.fields import as_bytes, as_float
from common.geometry import Box, Placement, Size
from common.image import U8
from common.operations.grain import missing, noise_level, patches
from common.operations.outpaint import new_area, painted
from common.operations.rim import Rim, sides_of
from tests.support.pictures import backdrop, psnr, textured

CANVAS = Size(480, 320)
FRAME = Box(60, 100, 260, 380)
PLACEMENT = Placement(CANVAS, FRAME)
TRUTH = textured(CANVAS, seed=12)
PHOTO = np.ascontiguousarray(TRUTH[FRAME.slices])
OUTSIDE = np.ones(TRUTH.shape[:2], np.bool_)
OUTSIDE[FRAME.slices] = False


def erring(truth: U8) -> U8:
    """Return the truth moved by 1 %, scaled by 1.5 %, toned by 4 % and compressed."""
    height, width = truth.shape[:2]
    move = np.array([[1.015, 0, 0.01 * width], [0, 1.015, -0.01 * height]])
    moved = cv2.warpAffine(truth, move, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    toned = as_bytes(as_float(moved) * np.float32(0.96) + np.float32(0.03))
    _, data = cv2.imencode(".jpg", toned, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def test_an_erring_render_lands_in_its_place_and_tone() -> None:
    render = erring(TRUTH)
    painting = painted(PHOTO, render, PLACEMENT)
    assert np.array_equal(painting.rgb[FRAME.slices], PHOTO)
    assert psnr(painting.rgb, TRUTH, OUTSIDE) > 34
    assert psnr(painting.rgb, TRUTH, OUTSIDE) > psnr(render, TRUTH, OUTSIDE) + 8
    assert seam_step(painting.rgb, FRAME) < 1.3 * max(1, seam_step(TRUTH, FRAME))


def test_the_same_render_gives_the_same_canvas() -> None:
    render = erring(TRUTH)
    first, second = (painted(PHOTO, render, PLACEMENT).rgb for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("top", "left", "width"), [(0, 0, 40), (90, 120, 270), (30, 0, 269), (45, 60, 700)]
)
def test_the_photo_keeps_its_bytes_wherever_it_stands(top: int, left: int, width: int) -> None:
    frame = Box(top, left, top + 120, left + 150)
    placement = Placement(Size(270, 210), frame)
    photo = textured(frame.size, 1)
    render = textured(Size(width, round(width * 210 / 270)), 5)
    assert np.array_equal(painted(photo, render, placement).rgb[frame.slices], photo)


def test_the_new_area_and_the_photo_cover_the_canvas_once() -> None:
    times = np.zeros(TRUTH.shape[:2], int)
    for box in (*new_area(PLACEMENT), FRAME):
        times[box.slices] += 1
    assert (times == 1).all()


def test_a_render_of_another_ratio_is_refused() -> None:
    with pytest.raises(UnfitRender, match="ratio"):
        painted(PHOTO, textured(Size(300, 300)), PLACEMENT)


# --- the rim --------------------------------------------------------------------------------------


def test_a_constant_error_is_carried_on_whole_and_fades_far_out() -> None:
    errors = [np.full((side.height, side.width, 3), 0.1, np.float32) for side in sides_of(FRAME)]
    rim = Rim.of(PLACEMENT, errors)
    for box in new_area(PLACEMENT):
        carried = rim.carried_on(box)
        assert carried.max() == pytest.approx(0.1, abs=0.005)
        assert 0 < carried.min() < 0.08


def test_beside_the_border_the_render_is_off_by_nothing_and_its_own_step_stays() -> None:
    random = np.random.default_rng(4)
    errors = [
        random.normal(0, 0.1, (side.height, side.width, 3)).astype(np.float32)
        for side in sides_of(FRAME)
    ]
    first = Box(FRAME.top + 1, FRAME.right, FRAME.bottom - 1, FRAME.right + 1)
    carried = Rim.of(PLACEMENT, errors).carried_on(first)
    assert np.allclose(carried[:, 0], errors[1][1:-1, 0], atol=0.002)


def test_fine_detail_of_the_error_ends_near_the_border_and_the_coarse_goes_on() -> None:
    errors = [np.zeros((side.height, side.width, 3), np.float32) for side in sides_of(FRAME)]
    fine = np.tile([0.1, -0.1], FRAME.width // 2).astype(np.float32)
    errors[0][..., 0] = fine[: errors[0].shape[1]]
    errors[0][..., 1] = 0.1 * np.sin(np.linspace(0, 2 * np.pi, FRAME.width))
    carried = Rim.of(PLACEMENT, errors).carried_on(Box(0, FRAME.left, FRAME.top, FRAME.right))
    assert np.abs(carried[-20, :, 0]).max() < 0.005
    assert np.abs(carried[-20, :, 1]).max() > 0.05


# --- grain ----------------------------------------------------------------------------------------


def noisy(picture: U8, sigma: float, seed: int = 2) -> U8:
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape[:2])[..., None]
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("sigma", [1.0, 3.0, 8.0])
def test_noise_is_measured_in_the_flattest_places(sigma: float) -> None:
    plain = as_bytes(backdrop(Size(400, 300)))
    plain[:, 200:] = textured(Size(200, 300), 3)
    assert 255 * noise_level([noisy(plain, sigma)]) == pytest.approx(sigma, rel=0.12)


def test_a_clean_render_is_given_the_grain_of_the_photo() -> None:
    truth = as_bytes(backdrop(CANVAS))
    truth[100:220, 180:300] = textured(Size(120, 120), 3)
    photo = noisy(truth, 4)[FRAME.slices].copy()
    painting = painted(photo, erring(truth)[::2, ::2], PLACEMENT)
    levels = [255 * noise_level([painting.rgb[box.slices]]) for box in new_area(PLACEMENT)]
    assert levels == pytest.approx([4] * 4, rel=0.15)
    assert painting.grain * 255 == pytest.approx(4, rel=0.15)


def test_a_render_as_noisy_as_the_photo_is_left_alone() -> None:
    assert missing(0.01, 0.02) == 0
    assert missing(0.05, 0.03) == pytest.approx(0.04)
    assert painted(PHOTO, noisy(TRUTH, 4), PLACEMENT).grain == 0


def test_what_is_clipped_has_no_grain_to_tell() -> None:
    assert noise_level([np.full((64, 64, 3), 255, np.uint8)]) == 0
    assert noise_level([]) == 0


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_patches_lie_in_the_picture_and_apart(width: int, height: int) -> None:
    boxes = patches(Size(width, height))
    assert 1 <= len(boxes) <= 9
    for number, box in enumerate(boxes):
        assert box.intersection(Box(0, 0, height, width)) == box
        assert not any(box.intersection(other) for other in boxes[:number])
