"""Edges drawn by the photo: the render says where the subject ends, the photo says how.

A render's edge is soft and may miss by a pixel or two.  Where, in a small window, the photo's own
colour explains alpha as a linear function, that function is the better edge: it follows the photo.

References
----------
He, Sun, Tang: Guided Image Filtering (2010), with a colour guide; He, Sun: Fast Guided Filter
(2015), whose functions are fitted at half the size.
"""

from __future__ import annotations

import cv2
import numpy as np

from common.fields import halved, resized, smoothstep, total
from common.geometry import Size
from common.image import F32, U8, Mask

_REACH = 3  # px of half the size, half a window: how far an edge may have been missed
_RIDGE = 1e-4  # variance of the photo's own noise, in 0..1 squared
_EXPLAINED = (0.8, 0.97)  # share of alpha's variance from which the photo is believed, and fully
_LEAST_VARIANCE = np.float32(1e-5)  # of alpha in a window: below it there is nothing to explain
_CLEAR, _SOLID = 0.03, 0.97  # alpha of surely background, surely subject


def drawn_by_photo(alpha: F32, photo: F32) -> F32:
    """Return alpha with its hard edges moved to where the photo shows them, (H, W) in 0..1.

    Parameters
    ----------
    alpha
        float32 (H, W).
    photo
        float32 (H, W, 3).

    Notes
    -----
    Only between a solid core and clear background, both within two windows: hair, mesh, wire and
    glass have no such edge, and there the photo's colours would explain too much.
    """
    height, width = alpha.shape
    whole = Size(width, height)
    small = halved(alpha)
    near = _hard_edges(small)
    if not near.any():
        return alpha
    *slopes, offset, explained, variance = _fitted(halved(photo), small)
    share = np.divide(explained, np.maximum(variance, _LEAST_VARIANCE), dtype=np.float32)
    soft: F32 = cv2.blur(near.astype(np.float32), (3, 3))
    belief = resized(smoothstep(share, *_EXPLAINED) * soft, whole)
    drawn = total(resized(cv2.merge(slopes), whole) * photo) + resized(offset, whole)
    drawn = np.clip(drawn, 0, 1, out=drawn)
    out: F32 = alpha + belief * (drawn - alpha)
    return out


def _hard_edges(alpha: F32) -> Mask:
    """Tell which pixels lie near an edge that has a core on one side and nothing on the other."""
    wide = np.ones((4 * _REACH + 1, 4 * _REACH + 1), np.uint8)
    core: U8 = cv2.erode((alpha > _SOLID).view(np.uint8), np.ones((3, 3), np.uint8))
    solid: Mask = cv2.dilate(core, wide) > 0
    clear: Mask = cv2.dilate((alpha < _CLEAR).view(np.uint8), wide) > 0
    soft = ((alpha > _CLEAR) & (alpha < _SOLID)).view(np.uint8)
    near: Mask = cv2.dilate(soft, np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8)) > 0
    return near & solid & clear


def _fitted(photo: F32, alpha: F32) -> list[F32]:
    """Fit alpha as a linear function of colour in each window: six fields (h, w).

    Slopes for red, green and blue, the offset, the variance of alpha that they explain, and all of
    it; each averaged over the windows that hold the pixel.
    """
    red, green, blue = cv2.split(photo)
    pairs = (red * red, red * green, red * blue, green * green, green * blue, blue * blue)
    means = _averaged(
        red, green, blue, alpha, alpha * alpha, *cv2.split(photo * alpha[..., None]), *pairs
    )
    colour, mean = means[:3], means[3]
    joint = [both - one * mean for both, one in zip(means[5:8], colour, strict=True)]
    slopes = _solved(_covariance(means[8:], colour), joint)
    offset = mean - _dot(slopes, colour)
    return _averaged(*slopes, offset, _dot(slopes, joint), means[4] - mean * mean)


def _averaged(*fields: F32) -> list[F32]:
    """Return the window mean of each field, (h, w)."""
    side = 2 * _REACH + 1
    return [cv2.blur(field, (side, side)) for field in fields]


def _dot(first: list[F32], second: list[F32]) -> F32:
    out: F32 = first[0] * second[0] + first[1] * second[1] + first[2] * second[2]
    return out


def _covariance(squares: list[F32], mean: list[F32]) -> list[F32]:
    """Return rr, rg, rb, gg, gb, bb of each window, with the ridge on the diagonal."""
    which = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    return [
        square - mean[a] * mean[b] + np.float32(_RIDGE if a == b else 0)
        for square, (a, b) in zip(squares, which, strict=True)
    ]


def _solved(covariance: list[F32], joint: list[F32]) -> list[F32]:
    """Solve the symmetric 3 x 3 systems by Cramer's rule."""
    rr, rg, rb, gg, gb, bb = covariance
    first = [gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb]
    second = [first[1], rr * bb - rb * rb, rb * rg - rr * gb]
    third = [first[2], second[2], rr * gg - rg * rg]
    determinant = _dot(first, [rr, rg, rb])
    return [_dot(row, joint) / determinant for row in (first, second, third)]
