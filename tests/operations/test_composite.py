"""Composing keeps what it promises: bytes outside stay, steps vanish, tones meet."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from common.composite import (
    covering,
    feather,
    keep_outside,
    likeness,
    match_tone,
    over,
    seam_step,
)
from common.errors import UnfitRender
from common.fields import as_bytes, as_float
from common.geometry import Box, Size
from common.image import U8, Image
from common.renders import fit_render, refuse_unfit
from tests.support.pictures import product, textured

PIXELS = arrays(np.uint8, (5, 6, 3))
PLANE = arrays(np.uint8, (5, 6))


@given(PIXELS, PLANE, PIXELS)
def test_over_is_the_rounded_formula_and_exact_at_both_ends(rgb: U8, alpha: U8, ground: U8) -> None:
    out = over(Image(rgb, alpha), ground).rgb
    share = alpha[..., None] / 255
    exact = rgb * share + ground * (1 - share)
    assert np.abs(out - exact).max() <= 0.5 + 1e-9
    assert np.array_equal(out[alpha == 255], rgb[alpha == 255])
    assert np.array_equal(out[alpha == 0], ground[alpha == 0])


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_a_covering_picture_has_exactly_the_size_asked(w: int, h: int, v: int, g: int) -> None:
    assert covering(np.zeros((h, w, 3), np.uint8), Size(v, g)).shape == (g, v, 3)


def test_a_feather_is_one_on_the_mask_and_exactly_zero_beyond_its_radius() -> None:
    mask = np.zeros((40, 40), bool)
    mask[18:22, 18:22] = True
    weight = feather(mask, 6)
    assert (weight[mask] == 1).all()
    assert weight[18:22, 28:].max() == 0
    assert 0 < weight[20, 24] < 1


def test_pixels_outside_the_weight_are_the_sources_bytes() -> None:
    source, edit = textured(Size(60, 40), 1), as_float(textured(Size(60, 40), 2))
    weight = feather(np.pad(np.ones((10, 10), bool), ((15, 15), (25, 25))), 4)
    out = keep_outside(source, edit, weight)
    assert np.array_equal(out[weight == 0], source[weight == 0])
    assert np.array_equal(out[weight == 1], as_bytes(edit)[weight == 1])


def test_a_tone_that_was_changed_comes_back() -> None:
    source = as_float(textured(Size(80, 60)))
    changed = np.clip(source * np.array([0.93, 1.04, 0.97], np.float32) + np.float32(0.02), 0, 1)
    back = match_tone(changed, source, np.ones(source.shape[:2], np.float32))
    assert np.abs(back - source).mean() < 0.004


def test_a_seam_is_seen_where_there_is_one_and_not_where_there_is_none() -> None:
    picture = textured(Size(160, 120))
    frame = Box(0, 40, 120, 120)
    assert seam_step(picture, frame) < 1.3
    cut = picture.copy()
    cut[frame.slices] = np.clip(cut[frame.slices].astype(int) + 40, 0, 255)
    assert seam_step(cut, frame) > 3


def test_likeness_tells_the_same_scene_from_another_and_flat_from_flat() -> None:
    everywhere = np.ones((60, 80), bool)
    a, b = textured(Size(80, 60), 1), textured(Size(80, 60), 9)
    flat = np.full((60, 80, 3), 200, np.uint8)
    assert likeness(a, a, everywhere) > 0.99
    assert likeness(a, b, everywhere) < 0.4
    assert likeness(flat, flat - np.uint8(3), everywhere) == 1
    assert likeness(flat, flat - np.uint8(60), everywhere) == 0


@pytest.mark.parametrize(
    ("shape", "message"),
    [((1, 240), "pixels"), ((180, 12), "pixels"), ((100, 400), "ratio"), ((400, 100), "ratio")],
)
def test_a_render_that_cannot_show_the_photo_is_refused(
    shape: tuple[int, int], message: str
) -> None:
    with pytest.raises(UnfitRender, match=message):
        fit_render(textured(Size(shape[1], shape[0])), Size(240, 180))


def test_a_render_of_one_colour_is_refused() -> None:
    with pytest.raises(UnfitRender, match="one flat colour"):
        refuse_unfit(np.full((180, 240, 3), 77, np.uint8), Size(240, 180))


def test_a_fitting_render_comes_in_any_size() -> None:
    photo = product().photo
    for size in (Size(120, 90), Size(1200, 896), Size(240, 180)):
        render = textured(size)
        assert fit_render(render, Size(240, 180)).shape == photo.shape
