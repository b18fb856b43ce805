"""Light: edges are taken in the light they were mixed in, and nobody is asked who cannot tell."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.fields import as_bytes
from common.image import F32, U8
from common.matting import GREEN, KEYS, MAGENTA, Key
from common.matting.backing import measure
from common.matting.keyer import key_render
from common.matting.keys import turned, turned_field
from common.matting.light import Light
from common.matting.mixing import light_of

HEIGHT, WIDTH = 220, 300
BACKINGS = {GREEN: (0.04, 0.75, 0.08), MAGENTA: (0.88, 0.05, 0.8)}
BROWN = (0.35, 0.2, 0.12)


def strands() -> F32:
    """Alpha of a ball of hair: a core, and strands of a pixel's width around it."""
    random = np.random.default_rng(4)
    alpha = np.zeros((4 * HEIGHT, 4 * WIDTH), np.uint8)
    centre = (2 * WIDTH, 2 * HEIGHT)
    cv2.circle(alpha, centre, 160, 255, cv2.FILLED)
    for angle in random.uniform(0, 2 * np.pi, 220):
        reach, bend = random.uniform(220, 400), random.uniform(-0.2, 0.2)
        tip = (
            round(centre[0] + reach * np.cos(angle + bend)),
            round(centre[1] + reach * np.sin(angle + bend)),
        )
        cv2.line(alpha, centre, tip, 255, 5, cv2.LINE_AA)
    small: U8 = cv2.resize(alpha, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return (small / 255).astype(np.float32)


def mixed(alpha: F32, key: Key, *, linear: bool) -> U8:
    """Hair on a backing, mixed in linear light (by sRGB's own curve) or in display values."""
    subject = np.array(BROWN, np.float32)
    backing = np.array(BACKINGS[key], np.float32)
    if not linear:
        return as_bytes(backing + alpha[..., None] * (subject - backing))
    subject, backing = to_linear(subject), to_linear(backing)
    return as_bytes(to_display(backing + alpha[..., None] * (subject - backing)))


def to_linear(values: F32) -> F32:
    out = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return np.asarray(out, np.float32)


def to_display(values: F32) -> F32:
    return np.asarray(
        np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055),
        np.float32,
    )


def told(render: U8, key: Key, material: str) -> Light:
    shown = turned(render, key)
    backing = measure(shown, key)
    glance = key_render(shown, backing, Light(key, is_linear=False))
    return light_of(shown, backing, glance.alpha, key, material)


def error(render: U8, light: Light, truth: F32) -> float:
    shown = turned(render, light.key)
    keyed = key_render(shown, measure(shown, light.key), light)
    return float(np.abs(keyed.alpha - truth).mean())


@given(st.sampled_from(list(KEYS.values())), st.floats(0, 1, width=32), st.booleans())
def test_what_is_shown_of_a_light_is_what_it_was_of(key: Key, value: float, linear: bool) -> None:
    light = Light(key, is_linear=linear)
    values = np.full((1, 1, 3), value, np.float32)
    np.testing.assert_allclose(light.shown(light.of(values)), values, atol=1e-3)


@given(st.sampled_from(list(KEYS.values())), st.floats(0, 1, width=32))
def test_linear_light_does_not_depend_on_how_a_picture_is_turned(key: Key, value: float) -> None:
    values = np.array([[[value, value / 2, value / 3]]], np.float32)
    lit = Light(key, is_linear=True).of(turned_field(values, key))
    np.testing.assert_allclose(turned_field(lit, key), values**2, atol=1e-6)


@pytest.mark.parametrize("key", BACKINGS, ids=lambda key: key.name)
@pytest.mark.parametrize("linear", [True, False], ids=["linear", "display"])
def test_hair_is_taken_in_the_light_it_was_mixed_in(key: Key, linear: bool) -> None:
    truth = strands()
    render = mixed(truth, key, linear=linear)
    light = told(render, key, "fine")
    assert light.is_linear is linear
    other = Light(key, is_linear=not linear)
    assert error(render, light, truth) < 0.6 * error(render, other, truth)


@pytest.mark.parametrize("material", ["opaque", "translucent"])
def test_solid_and_clear_subjects_are_taken_in_display_values(material: str) -> None:
    assert not told(mixed(strands(), GREEN, linear=True), GREEN, material).is_linear


def test_a_picture_without_edges_is_taken_in_display_values() -> None:
    faint = np.full((HEIGHT, WIDTH), 0.02, np.float32)
    assert not told(mixed(faint, GREEN, linear=True), GREEN, "fine").is_linear
