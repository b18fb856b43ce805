"""The keyer, the backing and the keys."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import simulator
from common.errors import UnfitRender
from common.fields import as_float
from common.image import U8
from common.matting import BLUE, GREEN, KEYS, MAGENTA, Key, choose_key, key_alone
from common.matting.backing import find_key, measure
from common.matting.keyer import key_render
from common.matting.keys import turned, turned_field
from common.matting.light import Light

keys = st.sampled_from(list(KEYS.values()))
bytes_rgb = st.tuples(*[st.integers(0, 255)] * 3)


def card(
    inside: tuple[int, int, int], backing: tuple[int, int, int] = (11, 190, 20), hole: int = 0
) -> U8:
    """A square of one colour on a backing, perhaps with a square hole."""
    picture = np.full((120, 160, 3), backing, np.uint8)
    picture[30:90, 40:120] = inside
    picture[60 - hole : 60 + hole, 80 - hole : 80 + hole] = backing
    return picture


@given(keys, bytes_rgb)
def test_turning_twice_changes_nothing(key: Key, colour: tuple[int, int, int]) -> None:
    pixels = np.full((2, 3, 3), colour, np.uint8)
    np.testing.assert_array_equal(turned(turned(pixels, key), key), pixels)
    field = as_float(pixels)
    np.testing.assert_allclose(turned_field(field, key), as_float(turned(pixels, key)), atol=1e-6)


@given(keys)
def test_every_key_turns_green(key: Key) -> None:
    assert tuple(turned(np.full((1, 1, 3), key.rgb, np.uint8), key)[0, 0]) == GREEN.rgb


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_the_key_is_read_from_the_border(key: Key) -> None:
    assert find_key(card((120, 120, 120), key.rgb)) == key


@settings(max_examples=30, deadline=None)
@given(keys, bytes_rgb)
def test_a_subject_without_the_keys_colour_is_never_eaten(
    key: Key, colour: tuple[int, int, int]
) -> None:
    red, green, blue = (int(value) for value in turned(np.array([[colour]], np.uint8), key)[0, 0])
    plain = np.array([[[max(red, green), min(red, green), blue]]], np.uint8)
    inside = tuple(int(value) for value in turned(plain, key)[0, 0])
    matte = key_alone(card(inside, key.rgb), key)  # type: ignore[arg-type]  # three numbers
    assert matte.alpha[34:86, 44:116].min() == 255
    assert (matte.rgb[34:86, 44:116] == inside).all()
    assert matte.alpha[:26].max() == 0


def test_a_grey_edge_pixel_gives_its_share_and_its_colour_back() -> None:
    """The identity of the matting equation: I = a F + (1 - a) B, solved for a and F."""
    picture = card((140, 140, 140)).astype(np.float32)
    backing = np.array((11, 190, 20), np.float32)
    for column, share in ((39, 0.5), (38, 0.25), (120, 0.75)):
        picture[30:90, column] = share * 140 + (1 - share) * backing
    render = np.rint(picture).astype(np.uint8)
    keyed = key_render(render, measure(render, GREEN), Light(GREEN, is_linear=False))
    for column, share in ((39, 0.5), (38, 0.25), (120, 0.75)):
        assert abs(float(np.median(keyed.alpha[40:80, column])) - share) < 0.03
        np.testing.assert_allclose(
            np.median(keyed.colour[40:80, column], axis=0), 140 / 255, atol=0.03
        )


def test_a_colour_beside_the_backings_light_keeps_its_own() -> None:
    """Half of a white card is lit by the backing; nothing is taken from the other half."""
    picture = card((225, 225, 225)).astype(np.float32)
    backing = np.array((11, 190, 20), np.float32)
    picture[30:90, 40:80] = 0.94 * picture[30:90, 40:80] + 0.06 * backing
    matte = key_alone(np.rint(picture).astype(np.uint8))
    assert (matte.alpha[34:86, 44:116] == 255).all()
    assert (matte.rgb[34:86, 84:116] == 225).all()


@pytest.mark.parametrize("spill", [0.03, 0.06, 0.09])
def test_spill_on_a_white_subject_is_no_transparency(spill: float) -> None:
    """It reflects the backing: its inside is solid, its edge keeps its place, and it is white."""
    backing = np.array((11, 190, 20), np.float32)
    white = (1 - spill) * np.full(3, 225, np.float32) + spill * backing
    picture = card((0, 0, 0)).astype(np.float32)
    picture[30:90, 40:120] = white
    picture[30:90, 39] = (white + backing) / 2
    render = np.rint(picture).astype(np.uint8)
    keyed = key_render(render, measure(render, GREEN), Light(GREEN, is_linear=False))
    assert keyed.alpha[33:87, 43:117].min() > 0.99
    assert abs(float(np.median(keyed.alpha[40:80, 39])) - 0.5) < 0.01
    np.testing.assert_allclose(key_alone(render).rgb[33:87, 43:117], 225, atol=4)


@pytest.mark.parametrize("print_", [(228, 232, 226), (190, 200, 170), (120, 128, 118)])
@pytest.mark.parametrize("quality", [95, 87])
def test_print_on_a_coloured_subject_is_solid(print_: tuple[int, int, int], quality: int) -> None:
    picture = card((20, 60, 200))
    for left in range(56, 104, 8):
        picture[50:70, left : left + 5] = print_
    render = simulator.jpeg(picture, quality, subsampled=quality < 90)
    assert (key_alone(render).alpha[34:86, 44:116] == 255).all()


def test_a_hole_stays_open() -> None:
    matte = key_alone(card((200, 60, 60), hole=10))
    assert matte.alpha[54:66, 74:86].max() == 0


def test_gradient_and_shadow_of_the_backing_leave_no_trace() -> None:
    y, x = np.mgrid[-1:1:240j, -1:1:320j]
    light = 1 - 0.12 * x - 0.1 * (x * x + y * y) - 0.25 * np.exp(-(x**2 + (y - 0.5) ** 2) * 8)
    picture = light[..., None] * np.array((36, 180, 48))
    picture[90:150, 120:200] = (150, 60, 60)
    matte = key_alone(np.rint(picture).astype(np.uint8))
    outside = np.ones((240, 320), bool)
    outside[86:154, 116:204] = False
    assert matte.alpha[outside].max() < 8


def test_a_shadow_falls_to_black_on_every_backing() -> None:
    y, x = np.mgrid[-1:1:240j, -1:1:320j]
    light = 1 - 0.35 * np.exp(-(x**2 + (y - 0.4) ** 2) * 10)
    for backing in ((36, 180, 48), (226, 12, 205), (20, 40, 220)):
        picture = np.rint(light[..., None] * np.array(backing)).astype(np.uint8)
        picture[70:130, 120:200] = (150, 140, 130)
        outside = np.ones((240, 320), bool)
        outside[66:134, 116:204] = False
        assert key_alone(picture).alpha[outside].max() < 8


def test_the_border_share_tells_a_backing_from_a_photo() -> None:
    assert measure(card((120, 30, 30)), GREEN).border_share == 1
    assert measure(np.full((100, 100, 3), 200, np.uint8), GREEN).border_share == 0


def test_a_picture_without_backing_is_refused_and_one_colour_is_an_error() -> None:
    noise = np.random.default_rng(0).integers(90, 160, (80, 80, 3)).astype(np.uint8)
    assert not key_alone(noise).verdict.accepted
    with pytest.raises(UnfitRender):
        key_alone(np.full((80, 80, 3), (0, 255, 0), np.uint8))


# --- the choice of a key --------------------------------------------------------------------------


@pytest.mark.parametrize("grey", [30, 128, 245])
def test_green_stands_for_a_neutral_subject(grey: int) -> None:
    assert choose_key(card((grey, grey, grey), (180, 160, 150))) == GREEN


@pytest.mark.parametrize(
    ("subject", "unfit"),
    [((20, 150, 50), GREEN), ((190, 30, 180), MAGENTA), ((20, 40, 190), BLUE)],
)
def test_a_subjects_own_colour_is_never_its_key(subject: tuple[int, int, int], unfit: Key) -> None:
    assert choose_key(card(subject, (180, 160, 150))) != unfit


def test_the_colour_of_the_surroundings_does_not_matter() -> None:
    assert choose_key(card((200, 200, 200), (40, 140, 50))) == GREEN
