"""Grain: how noisy a picture is, told from its flattest places, and how to make more of it."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from common.geometry import Box, Size
from common.image import F32, U8

_BLOCK = 16  # px, side of the blocks that are compared: enough pixels for a deviation
_FLATTEST = 10.0  # percentile of the blocks: what is rougher is texture, not noise
_BIAS = 0.92  # of that percentile where all blocks hold nothing but noise of one deviation
_CLIPPED = (6, 249)  # levels: where white and black are cut off there is no noise to see
_PATCH, _PATCHES = 192, 3  # px, and patches a side: noise is alike all over a picture
_LAPLACIAN: F32 = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_TO_SIGMA = np.sqrt(np.pi / 2) / 6  # mean of the absolute Laplacian of white noise -> its deviation


def patches(size: Size) -> tuple[Box, ...]:
    """Return a few boxes spread over a picture of `size`, or all of a small one."""
    tops, lefts = (_starts(length) for length in (size.height, size.width))
    return tuple(
        Box(top, left, min(top + _PATCH, size.height), min(left + _PATCH, size.width))
        for top in tops
        for left in lefts
    )


def noise_level(pictures: Iterable[U8]) -> float:
    """Return the deviation of the noise, 0..1, in parts (h, w, 3) of one picture.

    Notes
    -----
    Texture is rough too, so that only the flattest blocks count.  Noise that a camera or a codec
    has smoothed is told as less than it is: what is added for it stays on the safe side.

    References
    ----------
    Immerkaer: Fast Noise Variance Estimation (1996).  Olsen: Estimation of Noise in Images (1993),
    for the flattest blocks.
    """
    rough = [_roughness(picture) for picture in pictures]
    blocks = np.concatenate(rough) if rough else np.zeros(0, np.float32)
    return float(np.percentile(blocks, _FLATTEST)) / _BIAS / 255 if blocks.size else 0.0


def missing(wanted: float, there: float) -> float:
    """Return the deviation of the noise that makes `there` as noisy as `wanted`; 0 for enough."""
    return float(np.sqrt(max(wanted**2 - there**2, 0.0)))


def _roughness(picture: U8) -> F32:
    """Return the deviation of each block (n,) that is not clipped, in levels."""
    gray: F32 = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    rows, columns = (length // _BLOCK for length in gray.shape)
    if not rows or not columns:
        return np.zeros(0, np.float32)
    rough: F32 = np.abs(cv2.filter2D(gray, cv2.CV_32F, _LAPLACIAN))
    means = [_blocks(values, rows, columns).mean((1, 3)) for values in (gray, rough)]
    shown = (means[0] > _CLIPPED[0]) & (means[0] < _CLIPPED[1])
    out: F32 = (means[1][shown] * _TO_SIGMA).astype(np.float32)
    return out


def _blocks(values: F32, rows: int, columns: int) -> F32:
    whole = values[: rows * _BLOCK, : columns * _BLOCK]
    return whole.reshape(rows, _BLOCK, columns, _BLOCK)


def _starts(length: int) -> list[int]:
    """Return where patches start along a side: evenly, without overlap."""
    count = min(_PATCHES, max(1, length // _PATCH))
    room = max(0, length - count * _PATCH)
    return [number * _PATCH + room * (2 * number + 1) // (2 * count) for number in range(count)]
