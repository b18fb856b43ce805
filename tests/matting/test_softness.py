"""The render's own blur, taken back where there is no photo to ask."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.image import F32
from common.matting.softness import deblurred


def disk(blur: float) -> F32:
    """An antialiased disk, blurred by so many pixels."""
    rows, columns = np.mgrid[0:160, 0:200].astype(np.float32)
    out: F32 = np.clip(60.5 - np.hypot(rows - 80, columns - 100), 0, 1).astype(np.float32)
    return cv2.GaussianBlur(out, (0, 0), blur) if blur else out


def miss(alpha: F32) -> float:
    """How far an alpha is from the crisp disk."""
    return float(np.abs(alpha - disk(0)).sum())


@pytest.mark.parametrize("blur", [1.2, 1.5])
def test_an_outline_out_of_focus_becomes_crisp(blur: float) -> None:
    assert miss(deblurred(disk(blur))) < 0.7 * miss(disk(blur))


def test_a_crisp_outline_is_left_alone() -> None:
    np.testing.assert_array_equal(deblurred(disk(0)), disk(0))


def test_what_was_never_sharp_stays_soft() -> None:
    smoke = disk(4)
    np.testing.assert_array_equal(deblurred(smoke), smoke)


def test_nothing_to_see_is_left_as_it_is() -> None:
    nothing = np.zeros((40, 50), np.float32)
    np.testing.assert_array_equal(deblurred(nothing), nothing)
    np.testing.assert_array_equal(deblurred(nothing + 1), nothing + 1)


def test_an_edge_that_runs_out_of_the_picture_is_no_fault() -> None:
    cropped = np.ascontiguousarray(disk(1.2)[60:, 100:])
    assert np.isfinite(deblurred(cropped)).all()
