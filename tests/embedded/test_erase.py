import cv2
import numpy as np
import pytest

from common.geometry import Box
from common.glyphs import glyph_mask
from common.image import Mask
from common.vlm.embedded.erase import INPAINTING, PATCHMATCH, Erasure, without
from common.vlm.embedded.fill import patchmatch
from tests.support.drawn import SIZE, Print, printed, striped, studio


def erased(rgb: np.ndarray, boxes: list[Box]) -> Erasure:
    """Take the strokes in the boxes away, with rims as wide as an operation would choose."""
    strokes = glyph_mask(rgb, boxes).astype(np.uint8)
    hole = cv2.dilate(strokes, np.ones((7, 7), np.uint8)) > 0
    return without(rgb, boxes, hole)


def error(rgb: np.ndarray, what: Print) -> float:
    """Mean difference from the bare ground under the ink, in levels."""
    return float(np.abs(rgb[what.ink].astype(float) - what.bare[what.ink]).mean())


def far_from(what: Print, distance: int = 20) -> Mask:
    near = np.zeros(what.ink.shape, np.uint8)
    near[what.box.slices] = 1
    far: Mask = cv2.dilate(near, np.ones((2 * distance + 1,) * 2, np.uint8)) == 0
    return far


def test_writing_on_a_plain_ground_is_gone_without_a_trace() -> None:
    sale = printed(studio())
    erasure = erased(sale.rgb, [sale.box])
    assert error(erasure.rgb, sale) < 3
    assert erasure.methods == (INPAINTING,)
    assert not erasure.doubts


def test_far_from_the_regions_every_pixel_stays() -> None:
    sale = printed(studio())
    bare = erased(sale.rgb, [sale.box]).rgb
    assert np.array_equal(bare[far_from(sale)], sale.rgb[far_from(sale)])


def test_between_the_strokes_the_surface_stays() -> None:
    sale = printed(studio())
    bare = erased(sale.rgb, [sale.box]).rgb
    changed = (bare != sale.rgb).any(2)[sale.box.slices]
    assert changed.mean() < 0.75


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_veined_surface_is_filled_better_than_by_bridges_alone(seed: int) -> None:
    veins = np.random.default_rng(seed).normal(0, 1, (SIZE.height, SIZE.width)).astype(np.float32)
    veins = cv2.GaussianBlur(veins, (0, 0), sigmaX=40, sigmaY=2)
    sale = printed(studio() + 4 * (veins / veins.std())[..., None])
    hole = cv2.dilate(sale.ink.astype(np.uint8), np.ones((7, 7), np.uint8))
    bridged = cv2.inpaint(sale.rgb, hole, 3, cv2.INPAINT_TELEA)
    filled = without(sale.rgb, [sale.box], hole > 0).rgb
    assert error(filled, sale) < 0.97 * error(bridged, sale)


def test_stripes_go_on_under_the_writing() -> None:
    if patchmatch() is None:
        pytest.skip("pypatchmatch is not installed; stripes are only smeared without it.")
    sale = printed(striped(), colour=(200, 20, 20), scale=1)
    erasure = erased(sale.rgb, [sale.box])
    assert error(erasure.rgb, sale) < 0.35 * error(sale.rgb, sale)
    assert PATCHMATCH in erasure.methods


def test_on_a_wild_ground_the_engine_says_that_it_guessed() -> None:
    noise = np.random.default_rng(5).integers(0, 255, (120, 160, 3)).astype(np.uint8)
    assert erased(noise, [Box(40, 30, 80, 130)]).doubts


def test_texture_that_had_to_go_with_the_writing_is_doubted() -> None:
    stripes = np.rint(striped(period=4)).astype(np.uint8)
    assert erased(stripes, [Box(100, 100, 140, 200)]).doubts


def test_a_thing_that_the_writing_crossed_and_that_is_cut_off_now_is_doubted() -> None:
    ground = studio()
    sale = printed(ground)
    crossed = sale.rgb.copy()
    middle = (sale.box.left + sale.box.right) // 2
    shape = np.zeros(crossed.shape[:2], np.uint8)
    cv2.circle(shape, (middle, sale.box.top), sale.box.height, 1, sale.box.height // 2)
    crossed[shape > 0] = (250, 180, 40)
    assert erased(crossed, [sale.box]).doubts
    assert not erased(sale.rgb, [sale.box]).doubts


def test_a_region_that_is_the_whole_picture_is_doubted_and_left() -> None:
    noise = np.random.default_rng(5).integers(0, 255, (40, 50, 3)).astype(np.uint8)
    erasure = erased(noise, [Box(0, 0, 40, 50)])
    assert np.array_equal(erasure.rgb, noise)
    assert erasure.doubts


def test_two_lines_close_together_do_not_fill_each_other() -> None:
    ground = studio()
    sale = printed(ground)
    box = sale.box
    upper = Box(box.top, box.left, (box.top + box.bottom) // 2, box.right)
    lower = Box(upper.bottom, box.left, box.bottom, box.right)
    assert error(erased(sale.rgb, [upper, lower]).rgb, sale) < 6


def test_nothing_to_erase_changes_nothing() -> None:
    sale = printed(studio())
    erasure = erased(sale.rgb, [])
    assert np.array_equal(erasure.rgb, sale.rgb)
    assert erasure.methods == ()
