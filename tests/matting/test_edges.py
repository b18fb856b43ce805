"""Edges drawn by the photo: hard ones move to where the photo shows them, soft ones stay."""

from __future__ import annotations

import cv2
import numpy as np

from common.image import F32
from common.matting.edges import drawn_by_photo

HEIGHT, WIDTH = 200, 260


def disk(right: float = 0.0, blur: float = 0.0, radius: float = 60.0) -> F32:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    distance = np.hypot(y - HEIGHT / 2, x - WIDTH / 2 - right)
    alpha: F32 = np.clip(radius + 0.5 - distance, 0, 1).astype(np.float32)
    if blur == 0:
        return alpha
    return np.asarray(np.clip(cv2.GaussianBlur(alpha, (0, 0), blur), 0, 1), np.float32)


def photo_of(alpha: F32) -> F32:
    """A reddish subject before a bluish ground, each with some grain."""
    grain = np.random.default_rng(3).normal(0, 0.01, (HEIGHT, WIDTH, 3)).astype(np.float32)
    subject, ground = np.array([0.8, 0.3, 0.2]), np.array([0.2, 0.4, 0.6])
    clean = ground + alpha[..., None] * (subject - ground)
    return np.asarray(np.clip(clean + grain, 0, 1), np.float32)


def error(alpha: F32, truth: F32) -> float:
    return float(np.abs(alpha - truth).mean())


def test_a_soft_edge_that_missed_by_a_pixel_moves_to_the_photos() -> None:
    truth = disk()
    guess = disk(right=1.0, blur=1.2)
    drawn = drawn_by_photo(guess, photo_of(truth))
    assert error(drawn, truth) < 0.8 * error(guess, truth)
    assert drawn.dtype == np.float32
    assert 0 <= drawn.min() <= drawn.max() <= 1


def test_far_from_an_edge_nothing_changes() -> None:
    guess = disk(right=1.0, blur=1.2)
    drawn = drawn_by_photo(guess, photo_of(disk()))
    far = (disk(radius=85) == 0) | (disk(radius=35) == 1)
    np.testing.assert_array_equal(drawn[far], guess[far])


def test_a_photo_that_does_not_show_the_edge_moves_nothing() -> None:
    guess = disk(blur=1.2)
    flat = np.full((HEIGHT, WIDTH, 3), 0.5, np.float32)
    np.testing.assert_allclose(drawn_by_photo(guess, flat), guess, atol=1e-3)


def test_wire_without_a_core_is_left_as_it_is() -> None:
    wire = np.zeros((HEIGHT, WIDTH), np.float32)
    wire[::12] = 1
    wire[:, ::12] = 1
    soft: F32 = cv2.GaussianBlur(wire, (0, 0), 0.8)
    np.testing.assert_array_equal(drawn_by_photo(soft, photo_of(np.roll(soft, 1, 0))), soft)
