import numpy as np
import pytest

from common.geometry import Box
from common.glyphs import glyph_mask
from tests.support.drawn import Print, blank, printed, striped, studio


def recall(mask: np.ndarray, what: Print) -> float:
    return float((mask & what.ink).sum() / what.ink.sum())


def test_strokes_on_a_plain_ground_are_found_and_little_else() -> None:
    sale = printed(studio())
    mask = glyph_mask(sale.rgb, [sale.box])
    assert recall(mask, sale) > 0.97
    assert mask.sum() < 1.3 * sale.ink.sum()


def test_light_strokes_on_a_dark_ground_are_found() -> None:
    sale = printed(studio() * 0.2, colour=(240, 240, 230))
    mask = glyph_mask(sale.rgb, [sale.box])
    assert recall(mask, sale) > 0.97
    assert mask.sum() < 1.3 * sale.ink.sum()


def test_a_shadow_of_the_writing_goes_with_it() -> None:
    shadow = printed(studio(), colour=(150, 145, 140))
    moved = np.roll(shadow.ink, (3, 3), (0, 1))
    sale = printed(shadow.rgb.astype(np.float32))
    rgb = sale.bare.copy()
    rgb[moved] = (165, 160, 150)
    rgb[sale.ink] = sale.rgb[sale.ink]
    mask = glyph_mask(rgb, [sale.box])
    inside = np.zeros_like(moved)
    inside[sale.box.slices] = True
    assert (mask & moved & inside).sum() > 0.9 * (moved & inside).sum()


def test_strokes_on_stripes_are_told_by_their_colour() -> None:
    sale = printed(striped(), colour=(200, 20, 20))
    mask = glyph_mask(sale.rgb, [sale.box])
    assert recall(mask, sale) > 0.85  # the faintest rims are left to the halo of who erases
    assert mask.sum() < 0.6 * sale.box.area


def test_what_cannot_be_told_apart_is_the_whole_box() -> None:
    noise = np.random.default_rng(5).integers(0, 255, (60, 120, 3)).astype(np.uint8)
    box = Box(20, 30, 40, 90)
    mask = glyph_mask(noise, [box])
    assert mask[box.slices].all()


def test_a_box_of_bare_surface_is_taken_whole() -> None:
    box = Box(50, 60, 90, 160)
    assert glyph_mask(blank(), [box])[box.slices].all()


def test_nothing_outside_the_boxes_is_touched() -> None:
    sale = printed(studio())
    half = Box(sale.box.top, sale.box.left, sale.box.bottom, (sale.box.left + sale.box.right) // 2)
    mask = glyph_mask(sale.rgb, [half])
    mask[half.slices] = False
    assert not mask.any()


def test_a_frame_that_runs_through_is_not_writing() -> None:
    sale = printed(studio())
    rgb = sale.rgb.copy()
    line = sale.box.left + 2
    rgb[:, line : line + 2] = 30
    mask = glyph_mask(rgb, [sale.box])
    assert recall(mask, sale) > 0.97
    assert mask[:, line].mean() < 0.1


@pytest.mark.parametrize("box", [Box(0, 0, 1, 1), Box(0, 0, 256, 320), Box(0, 0, 3, 320)])
def test_any_box_of_the_picture_will_do(box: Box) -> None:
    assert glyph_mask(printed(studio()).rgb, [box])[box.slices].any()


def test_without_boxes_there_is_nothing_to_take() -> None:
    assert not glyph_mask(blank(), []).any()
