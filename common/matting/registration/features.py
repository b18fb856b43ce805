"""A similarity from points: corners that are followed, or features that are matched.

Corners of the subject are followed into the photo with sub-pixel steps, which is fast and needs the
subject about where it was.  Features find it wherever it went, at five times the price.

References
----------
Lowe: SIFT (2004).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.fields import as_bytes, halved, resized
from common.geometry import Size
from common.image import F32, U8
from common.matting.registration.corners import Points, followed, similarity
from common.matting.registration.scene import Affine, Scene, as_mask, grey

_MIN_MATCHES = 8
_AGREE = 2.0  # px of the grid from the similarity
_MAX_SHIFT = 0.09  # of the longer side

_CORNERS, _APART, _QUALITY = 500, 5, 0.01  # at most so many, px between, share of the best one
_WINDOW = 15  # px that are compared round a corner
_SHADE, _CONTRAST = 10.0, 1.5  # px, sigma: wider differences are light; gain of what is left
_MIN_CORNERS = 24  # that agree
_OF_FOLLOWED, _OF_ALL = 0.65, 0.12  # least shares of them: smooth contours slide along themselves


@dataclass(frozen=True)
class Agreement:
    """A similarity, how many matches agree on it, and the median of their misses in pixels."""

    affine: Affine
    matches: int
    miss: float


# --- corners --------------------------------------------------------------------------------------


def similarity_of_corners(scene: Scene) -> Agreement | None:
    """Return the similarity that corners of the subject agree on, if nearly all do."""
    moving, fixed = (as_bytes(pixels) for pixels in (scene.moving, scene.fixed))
    subject: F32 = cv2.erode(scene.weight, np.ones((3, 3), np.uint8))
    found = cv2.goodFeaturesToTrack(
        grey(moving), _CORNERS, _QUALITY, _APART, mask=as_mask(subject > 0.6)
    )
    if found is None or len(found) < _MIN_CORNERS:
        return None
    corners: Points = found.reshape(-1, 2)
    first = _structure(moving, scene.weight)
    second = _structure(fixed, np.ones_like(scene.weight))
    here, there = followed(first, second, corners, _WINDOW)
    agreed = _agreed(there, here)
    least = max(_MIN_CORNERS, _OF_FOLLOWED * len(here), _OF_ALL * len(corners))
    return agreed if agreed is not None and agreed.matches >= least else None


def _structure(pixels: U8, weight: F32) -> U8:
    """Return the luma without what changes slowly: the model's other light."""
    luma = grey(pixels).astype(np.float32)
    known = weight + np.float32(1e-3)
    half = halved(cv2.merge((luma * known, known)))
    sums: F32 = cv2.GaussianBlur(half, (0, 0), _SHADE / 2)
    smooth = resized(sums[..., 0] / sums[..., 1], Size(luma.shape[1], luma.shape[0]))
    detail: F32 = (luma - smooth) * np.float32(_CONTRAST / 255) + np.float32(128 / 255)
    return as_bytes(detail)


# --- features -------------------------------------------------------------------------------------


def similarity_of_features(scene: Scene) -> Agreement | None:
    """Return the similarity that most SIFT matches agree on, if enough do."""
    return _agreed(*_matches(scene))


def _matches(scene: Scene) -> tuple[Points, Points]:
    """Return the places (n, 2) of unambiguous matches in the fixed and the moving picture."""
    nothing = np.zeros((0, 2), np.float32)
    sift = cv2.SIFT.create(1200, contrastThreshold=0.02)
    weight = scene.weight[..., None]
    moving = grey(as_bytes(scene.moving * weight + np.float32(0.5) * (1 - weight)))
    around: F32 = cv2.dilate(scene.weight, np.ones((41, 41), np.uint8))
    inside: F32 = cv2.erode(scene.weight, np.ones((3, 3), np.uint8))
    keys_fixed, fixed = sift.detectAndCompute(grey(as_bytes(scene.fixed)), as_mask(around > 0.3))
    keys_moving, moved = sift.detectAndCompute(moving, as_mask(inside > 0.6))
    if min(len(keys_fixed), len(keys_moving)) < _MIN_MATCHES:
        return nothing, nothing
    pairs = [pair for pair in cv2.BFMatcher().knnMatch(fixed, moved, k=2) if len(pair) == 2]
    clear = [first for first, second in pairs if first.distance < 0.8 * second.distance]
    if not clear:
        return nothing, nothing
    here = np.array([keys_fixed[match.queryIdx].pt for match in clear], np.float32)
    there = np.array([keys_moving[match.trainIdx].pt for match in clear], np.float32)
    near = np.abs(here - there).max(1) < _MAX_SHIFT * max(scene.weight.shape)
    return here[near], there[near]


# --- both -----------------------------------------------------------------------------------------


def _agreed(here: Points, there: Points) -> Agreement | None:
    """Return the similarity from `here` to `there` that most pairs of points agree on."""
    found = similarity(here, there, _AGREE)
    if found is None:
        return None
    here, there = here[found.agreeing], there[found.agreeing]
    miss = np.hypot(*(here @ found.affine[:, :2].T + found.affine[:, 2] - there).T)
    return Agreement(found.affine, len(miss), float(np.median(miss)))
