"""The level of the interior: what is solid is made so, and what only looks solid is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.image import F32, U8
from common.matting.interior import levelled

HEIGHT, WIDTH = 160, 220


def disk(radius: float, centre: tuple[float, float] = (80, 90)) -> F32:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    distance = np.hypot(y - centre[0], x - centre[1])
    return np.asarray(np.clip(radius + 0.5 - distance, 0, 1), np.float32)


def test_a_spilled_opaque_subject_is_solid_inside_and_keeps_its_edge() -> None:
    solid = levelled(disk(50) * np.float32(0.45) + disk(10) * np.float32(0.5), "opaque")
    assert (solid[disk(44) == 1] == 1).all()
    np.testing.assert_allclose(solid[80, 135:145], disk(50)[80, 135:145], atol=0.1)


@pytest.mark.parametrize("material", ["", "translucent", "fine"])
def test_glass_stays_clear(material: str) -> None:
    glass = disk(50) * np.float32(0.2)
    np.testing.assert_array_equal(levelled(glass, material), glass)


def test_a_painted_shadow_beside_an_opaque_subject_is_not_made_solid() -> None:
    shadow = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(shadow, (90, 145), (60, 9), 0, 0, 360, 90, cv2.FILLED)
    soft: U8 = cv2.GaussianBlur(shadow, (0, 0), 2)
    alpha = np.maximum(disk(40), soft.astype(np.float32) / 255)
    np.testing.assert_array_equal(levelled(alpha, "opaque")[130:], alpha[130:])


def test_an_opaque_subject_that_is_thin_everywhere_is_solid_all_the_same() -> None:
    assert (levelled(disk(50) * np.float32(0.5), "opaque")[disk(40) == 1] == 1).all()


@pytest.mark.parametrize("material", ["", "opaque"])
def test_print_in_the_keys_hue_does_not_let_the_background_through(material: str) -> None:
    alpha = disk(60)
    alpha[70:74, 60:120] = 0.6
    assert (levelled(alpha, material)[disk(50) == 1] == 1).all()


def test_a_hole_stays_a_hole() -> None:
    ring = disk(60) - disk(20)
    assert levelled(ring, "opaque")[disk(17) == 1].max() == 0


def test_fur_is_left_as_it_is() -> None:
    soft: F32 = cv2.GaussianBlur(disk(40), (0, 0), 6)
    np.testing.assert_array_equal(levelled(soft, "fine"), soft)
