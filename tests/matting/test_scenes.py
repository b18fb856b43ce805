"""The measured scenes themselves: what counts as subject, and the light edges are mixed in."""

import cv2
import numpy as np
import pytest

from bench import simulator
from bench.mattes.painted import split
from common.image import F32

SIDE = 400
SHADE = np.float32(0.35)


def product() -> tuple[F32, F32]:
    alpha = np.zeros((SIDE, SIDE), np.float32)
    cv2.rectangle(alpha, (120, 80), (280, 250), 1.0, -1)
    soft: F32 = cv2.GaussianBlur(alpha, (0, 0), 0.7)
    return np.full((SIDE, SIDE, 3), (0.2, 0.4, 0.9), np.float32), soft


def shade(top: int) -> F32:
    alpha = np.zeros((SIDE, SIDE), np.float32)
    cv2.ellipse(alpha, (200, top + 30), (150, 40), 0, 0, 360, float(SHADE), -1)
    soft: F32 = cv2.GaussianBlur(alpha, (0, 0), 8)
    return soft


def filed(colour: F32, own: F32, shadow: F32) -> tuple[F32, F32]:
    """Return a product over its black shadow, as one straight colour and alpha."""
    alpha = 1 - (1 - own) * (1 - shadow)
    return colour * (own / np.maximum(alpha, 1e-4))[..., None], alpha


@pytest.mark.parametrize("top", [225, 300], ids=["touching", "apart"])
def test_a_painted_shadow_is_no_part_of_the_subject(top: int) -> None:
    colour, own = product()
    _, alpha, shadow = split(*filed(colour, own, shade(top)))
    assert shadow is not None
    assert np.abs(alpha - own).max() < 0.06  # on the edge, where shadow is carried on beneath it
    assert np.abs(alpha - own).mean() < 1e-4


def test_subject_over_shadow_is_the_picture_that_was_filed() -> None:
    colour, own = product()
    whole, covered = filed(colour, own, shade(225))
    straight, alpha, shadow = split(whole, covered)
    assert shadow is not None
    grey = np.full_like(colour, 0.6)
    ground = simulator.over(np.broadcast_to(shadow.colour, grey.shape), shadow.alpha, grey)
    rebuilt = simulator.over(straight, alpha, ground)
    assert np.abs(rebuilt - simulator.over(whole, covered, grey)).max() < 0.04


@pytest.mark.parametrize(
    ("colour", "sigma"), [((0.85, 0.85, 0.85), 8), ((0.3, 0.1, 0.1), 8), ((0.05, 0.05, 0.05), 0.7)]
)
def test_smoke_tinted_glass_and_thin_dark_parts_stay(
    colour: tuple[float, float, float], sigma: float
) -> None:
    alpha = product()[1]
    below = np.zeros((SIDE, SIDE), np.float32)
    for row in range(270, 370, 6 if sigma < 1 else 1):
        cv2.line(below, (60, row), (340, row), 0.4, 1)
    below = cv2.GaussianBlur(below, (0, 0), sigma)
    everything = np.full((SIDE, SIDE, 3), colour, np.float32)
    own = split(everything, np.maximum(alpha, below))
    assert own[2] is None


def test_light_is_mixed_brighter_than_display_values() -> None:
    black, white = (np.full((2, 2, 3), value, np.float32) for value in (0, 1))
    half = np.full((2, 2), 0.5, np.float32)
    assert np.allclose(simulator.over(white, half, black), 0.5)
    assert np.allclose(simulator.over(white, half, black, is_linear=True), 0.7354, atol=1e-3)
