import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.backdrop import fit_backdrop, grain
from common.geometry import Size
from common.image import F32
from tests.support.drawn import SIZE, ball, studio

LEVEL = 1 / 255


def seen(field: F32) -> F32:
    return field * 255


def test_a_plain_backdrop_is_met_within_its_own_noise() -> None:
    truth = studio()
    field, residual = fit_backdrop(np.rint(truth).astype(np.uint8), np.ones((256, 320), bool))
    assert np.abs(seen(field) - truth).mean() < 1.5
    assert residual < 3 * LEVEL


def test_a_subject_before_the_backdrop_does_not_bend_it() -> None:
    scene = ball()
    field, _ = fit_backdrop(scene.rgb, np.ones(scene.alpha.shape, bool))
    assert np.abs(seen(field) - studio()).mean() < 2


def test_the_field_goes_on_beyond_what_is_known() -> None:
    truth = studio()
    known = np.zeros((256, 320), bool)
    known[40:216, 50:270] = True
    field, _ = fit_backdrop(np.rint(truth).astype(np.uint8), known)
    assert np.abs(seen(field) - truth)[~known].mean() < 2


def test_scenery_has_a_large_residual() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    _, residual = fit_backdrop(noise, np.ones((64, 64), bool))
    assert residual > 40 * LEVEL


def test_of_nothing_known_nothing_is_claimed() -> None:
    field, residual = fit_backdrop(np.zeros((8, 9, 3), np.uint8), np.zeros((8, 9), bool))
    assert field.shape == (8, 9, 3)
    assert residual == 1


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 255))
def test_one_colour_stays_that_colour_however_small(height: int, width: int, level: int) -> None:
    rgb = np.full((height, width, 3), level, np.uint8)
    field, residual = fit_backdrop(rgb, np.ones((height, width), bool))
    assert seen(field) == pytest.approx(np.full_like(field, level), abs=0.6)
    assert residual < LEVEL


@pytest.mark.parametrize("sigma", [1.5, 4.0, 8.0])
def test_grain_is_measured(sigma: float) -> None:
    size = Size(SIZE.width, SIZE.height)
    clean = np.full((size.height, size.width), 128.0)
    noise = np.random.default_rng(2).normal(0, sigma, clean.shape)
    rgb = np.repeat(np.rint(clean + noise)[..., None], 3, axis=2).astype(np.uint8)
    assert grain(rgb, np.ones(clean.shape, bool)) * 255 == pytest.approx(sigma, rel=0.15)
