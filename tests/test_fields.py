"""The small tools of image maths: bytes and floats, resampling, and filling what is not known."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.fields import (
    as_bytes,
    as_float,
    deviation,
    enlarged,
    halved,
    push_pull,
    put,
    resized,
    shrunk,
    smoothstep,
    thinned,
)
from common.geometry import Box, Part, Size
from common.image import F32


def ramp(height: int, width: int) -> F32:
    """A plane float32 (H, W, 1), 0 at the top left and 1 at the bottom right."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    plane: F32 = (y / (height - 1) + x / (width - 1)) / 2
    return plane[..., None]


def test_a_part_of_a_field_is_enlarged_as_the_whole_of_it_is() -> None:
    field = np.random.default_rng(2).random((12, 16)).astype(np.float32)
    large = Size(64, 48)
    everything = resized(field, large)
    for box in (Box(5, 6, 11, 14), Box(2, 3, 46, 60)):  # little of it, and much
        part = enlarged(field, Part.all_of(Size(16, 12)), Part(box, large))
        np.testing.assert_allclose(part, everything[box.slices], atol=2e-3)


def test_every_byte_survives_the_way_to_float_and_back() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(as_bytes(as_float(every)), every)


def test_floats_are_rounded_and_clipped_never_truncated() -> None:
    values = np.array([[-0.2, 0.0, 0.499 / 255, 0.501 / 255, 254.6 / 255, 1.0, 1.7]], np.float32)
    np.testing.assert_array_equal(as_bytes(values), [[0, 0, 0, 1, 255, 255, 255]])


@pytest.mark.parametrize("shape", [(0, 3), (0, 4, 3), (5,), (4, 6, 1), (4, 6, 4)])
def test_bytes_have_the_shape_of_their_floats(shape: tuple[int, ...]) -> None:
    assert as_bytes(np.ones(shape, np.float32)).shape == shape


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_only_where_the_mask_holds_something_is_put(height: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    new: F32 = random.random((height, width, 3)).astype(np.float32)
    wide: F32 = random.random((height + 2, width + 2, 3)).astype(np.float32)
    where = random.random((height, width)) > 0.5
    expected = wide.copy()
    expected[1:-1, 1:-1][where] = new[where]
    put(new, where, into=wide[1:-1, 1:-1])
    np.testing.assert_array_equal(wide, expected)


def test_as_float_is_float32_from_zero_to_one() -> None:
    out = as_float(np.array([[0, 255]], np.uint8))
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, [[0, 1]], atol=1e-7)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_resampling_a_flat_field_leaves_it_flat(h: int, w: int, height: int, width: int) -> None:
    out = resized(np.full((h, w, 3), 0.3, np.float32), Size(width, height))
    assert out.shape == (height, width, 3)
    np.testing.assert_allclose(out, 0.3, atol=1e-5)


def test_resampling_to_the_same_size_touches_nothing() -> None:
    field = ramp(5, 7)
    assert resized(field, Size(7, 5)) is field


def test_shrinking_keeps_the_mean() -> None:
    noise = np.random.default_rng(1).random((64, 48), np.float32)
    assert resized(noise, Size(12, 16)).mean() == pytest.approx(noise.mean(), abs=1e-4)


@pytest.mark.parametrize("size", [Size(64, 48), Size(32, 24), Size(30, 20), Size(100, 75)])
def test_shrinking_in_halves_is_shrinking_at_once(size: Size) -> None:
    noise = np.random.default_rng(2).random((96, 128, 3), np.float32)
    picture = cv2.GaussianBlur(noise, (0, 0), 3)  # a mean of means shares its borders otherwise
    at_once = cv2.resize(picture, (size.width, size.height), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(shrunk(picture, size), at_once, atol=0.02)


def test_what_has_the_size_already_is_not_shrunk() -> None:
    picture = np.zeros((4, 6, 3), np.uint8)
    assert shrunk(picture, Size(6, 4)) is picture


@given(st.integers(1, 30), st.integers(1, 30))
def test_half_of_a_field_rounds_odd_sides_up(height: int, width: int) -> None:
    field = np.full((height, width), 0.25, np.float32)
    assert halved(field).shape == thinned(field).shape == ((height + 1) // 2, (width + 1) // 2)
    np.testing.assert_allclose(halved(field), 0.25, atol=1e-6)


def test_every_other_row_and_column_is_what_a_slice_would_give() -> None:
    picture = np.random.default_rng(3).integers(0, 256, (20, 34, 3), np.uint8)
    np.testing.assert_array_equal(thinned(picture), picture[::2, ::2])


def test_deviation_is_that_of_the_liveliest_channel_inside_the_mask() -> None:
    picture = np.zeros((10, 10, 3), np.float32)
    picture[:5, ::2, 1] = 1
    picture[5:] = np.random.default_rng(4).random((5, 10, 3), np.float32)
    where = np.zeros((10, 10), np.bool_)
    where[:5] = True
    assert deviation(picture, where) == pytest.approx(0.5)


@given(st.floats(-1, 2, width=32))
def test_smoothstep_climbs_from_zero_to_one(value: float) -> None:
    steps = smoothstep(np.array([value, value + 0.01], np.float32), 0.2, 0.8)
    assert 0 <= steps[0] <= steps[1] + 1e-6 <= 1 + 2e-6


def test_smoothstep_is_flat_outside_and_half_in_the_middle() -> None:
    values = np.array([-1, 0.2, 0.5, 0.8, 9], np.float32)
    np.testing.assert_allclose(smoothstep(values, 0.2, 0.8), [0, 0, 0.5, 1, 1], atol=1e-6)


def test_push_pull_keeps_what_is_known() -> None:
    field = ramp(40, 60)
    known = np.zeros((40, 60), np.float32)
    known[::3, ::4] = 1
    filled = push_pull(field, known)
    inside = known > 0
    np.testing.assert_allclose(filled[inside], field[inside], atol=2e-3)


def test_push_pull_bridges_a_hole_with_what_lies_around_it() -> None:
    field = ramp(64, 64)
    known = np.ones((64, 64), np.float32)
    known[20:44, 20:44] = 0
    spoilt = np.where(known[..., None] > 0, field, np.float32(9))
    assert np.abs(push_pull(spoilt, known) - field).max() < 0.12


def test_push_pull_of_one_known_pixel_is_its_colour_everywhere() -> None:
    field = np.zeros((33, 17, 3), np.float32)
    field[5, 5] = (0.2, 0.4, 0.6)
    known = np.zeros((33, 17), np.float32)
    known[5, 5] = 1
    np.testing.assert_allclose(
        push_pull(field, known), np.broadcast_to([0.2, 0.4, 0.6], field.shape), atol=1e-3
    )


def test_push_pull_of_nothing_known_is_finite() -> None:
    filled = push_pull(np.ones((8, 8, 3), np.float32), np.zeros((8, 8), np.float32))
    assert np.isfinite(filled).all()
