"""Corners followed from one picture into another, and the similarity that pairs of points agree on.

References
----------
Bouguet: Pyramidal Implementation of the Lucas-Kanade Feature Tracker (2001).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.image import U8, Mask
from common.matting.registration.scene import Affine

_LEVELS = 4  # halvings: a corner may have moved by about eight windows
_UNTIL = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 30, 0.01)  # steps, or px of the last one
_THERE_AND_BACK = 0.5  # px on either axis that a corner may miss when it is followed back
_LEAST = 8  # points that agree: two make a similarity, and chance makes more
_SCALES = (0.9, 1.1)
_MAX_TURN = 0.1  # sine of the rotation

Points = NDArray[np.float32]  # (n, 2): columns and rows


def followed(first: U8, second: U8, corners: Points, window: int) -> tuple[Points, Points]:
    """Return the corners of `first` that come back where they were, and their places in `second`.

    Both pictures are uint8 (h, w) of one size; `window` px are compared round a corner.
    """
    there, seen = _tracked(first, second, corners, window)
    back, seen_back = _tracked(second, first, there, window)
    sure = seen & seen_back & (np.abs(back - corners).max(1) < _THERE_AND_BACK)
    return corners[sure], there[sure]


def _tracked(first: U8, second: U8, corners: Points, window: int) -> tuple[Points, Mask]:
    there, seen, _ = cv2.calcOpticalFlowPyrLK(
        first, second, corners, None, winSize=(window,) * 2, maxLevel=_LEVELS, criteria=_UNTIL
    )
    return there, seen[:, 0] > 0


@dataclass(frozen=True, eq=False)
class Similarity:
    """A (2, 3) map from points to their partners, and which pairs agree on it, bool (n,)."""

    affine: Affine
    agreeing: Mask


def similarity(here: Points, there: Points, within: float) -> Similarity | None:
    """Return the similarity from `here` to `there` that most pairs agree on within so many pixels.

    None where fewer than eight do, or where it scales or turns as no model's picture is.
    """
    if len(here) < _LEAST:
        return None
    found, agreeing = cv2.estimateAffinePartial2D(
        here, there, method=cv2.RANSAC, ransacReprojThreshold=within
    )
    if found is None or int(agreeing.sum()) < _LEAST or not _is_plausible(found):
        return None
    return Similarity(found, agreeing[:, 0] > 0)


def _is_plausible(affine: Affine) -> bool:
    scale = float(np.hypot(affine[0, 0], affine[0, 1]))
    return _SCALES[0] < scale < _SCALES[1] and abs(float(affine[0, 1])) < _MAX_TURN
