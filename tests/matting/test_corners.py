"""Corners are followed honestly, and points agree on similarities as models make them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.geometry import Size
from common.matting.registration.corners import followed, similarity
from tests.support.pictures import textured

POINTS = np.random.default_rng(5).uniform(0, 400, (60, 2)).astype(np.float32)


def turned(sine: float, scale: float = 1.0) -> np.ndarray:
    cosine = (1 - sine**2) ** 0.5
    turn = scale * np.array([[cosine, -sine], [sine, cosine]])
    return (POINTS @ turn.T + (7, -3)).astype(np.float32)


def test_most_points_outvote_those_that_went_astray() -> None:
    there = turned(0.03, 1.04)
    there[:15] += 60
    found = similarity(POINTS, there, 1.0)
    assert found is not None
    assert not found.agreeing[:15].any()
    assert found.agreeing[15:].all()
    assert np.hypot(*found.affine[0, :2]) == pytest.approx(1.04, abs=1e-4)


@pytest.mark.parametrize(("sine", "scale"), [(0.3, 1.0), (0.0, 1.3), (0.0, 0.7)])
def test_no_model_turns_or_scales_a_picture_so_far(sine: float, scale: float) -> None:
    assert similarity(POINTS, turned(sine, scale), 1.0) is None


def test_few_points_agree_on_nothing() -> None:
    assert similarity(POINTS[:7], POINTS[:7], 1.0) is None


def test_corners_are_followed_where_the_picture_went_and_lost_where_it_shows_something_else() -> (
    None
):
    first = cv2.cvtColor(textured(Size(300, 200), 3), cv2.COLOR_RGB2GRAY)
    second = np.roll(first, (2, 5), (0, 1))
    second[:, 160:] = cv2.cvtColor(textured(Size(140, 200), 9), cv2.COLOR_RGB2GRAY)
    corners = cv2.goodFeaturesToTrack(first[:, :280], 200, 0.01, 6).reshape(-1, 2)
    here, there = followed(first, second, corners, 15)
    same, kept = corners[:, 0] < 140, here[:, 0] < 140
    assert kept.sum() > 0.5 * same.sum()
    assert (~kept).sum() < 0.15 * (~same).sum()
    assert np.abs(np.median(there[kept] - here[kept], 0) - (5, 2)).max() < 0.1
