"""Smooth fields: the small tools of image maths that several rooms share.

Everything takes and gives float32 arrays, ``(H, W)`` or ``(H, W, C)``.
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np

from common.geometry import Part, Size
from common.image import F32, U8, Mask

_LEAST_WEIGHT = 1e-8  # below this a pyramid cell knows nothing of its own
_TRUST = 1e-3  # weight at which a pixel believes itself rather than the coarser level

_MUCH = 0.1  # of a picture: resampling all of it is faster then than such a part alone

Pixels = TypeVar("Pixels", U8, F32)

HALVES = 8  # sides that are halved three times without a rest: OpenCV's area mean is fast there

_ONES: F32 = np.ones((1, 3), np.float32)


def as_float(pixels: U8) -> F32:
    """Return uint8 0..255 as float32 0..1, same shape."""
    out: F32 = pixels.astype(np.float32)
    out *= np.float32(1 / 255)
    return out


def as_bytes(values: F32) -> U8:
    """Return float32 0..1 as uint8 0..255: clipped and rounded, never truncated."""
    if not values.size:  # OpenCV gives nothing for nothing
        return np.zeros(values.shape, np.uint8)
    out: U8 = cv2.addWeighted(values, 255, values, 0, 0, dtype=cv2.CV_8U)  # it rounds and saturates
    return out.reshape(values.shape)


def resized(values: F32, size: Size) -> F32:
    """Return the field resampled: area mean when it shrinks, linear when it grows."""
    height, width = values.shape[:2]
    if (width, height) == (size.width, size.height):
        return values
    if size.width <= width and size.height <= height:
        out = shrunk(values, size)
    else:
        out = cv2.resize(values, (size.width, size.height), interpolation=cv2.INTER_LINEAR)
    return out.reshape(size.height, size.width, *values.shape[2:])


def shrunk(values: Pixels, size: Size) -> Pixels:
    """Return a picture at a smaller size or its own, by area mean.

    In halves while they come out even: OpenCV makes those many times faster than other shares.
    """
    height, width = values.shape[:2]
    while width >= 2 * size.width and height >= 2 * size.height and not (width | height) % 2:
        width, height = width // 2, height // 2
        values = cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA)
    if (width, height) == (size.width, size.height):
        return values
    out: Pixels = cv2.resize(values, (size.width, size.height), interpolation=cv2.INTER_AREA)
    return out


def thinned(values: Pixels) -> Pixels:
    """Return every other row and column, several times faster than a slice can be copied.

    Odd sides are rounded up, and a few of their rows and columns stand beside each other.
    """
    height, width = values.shape[:2]
    half = ((width + 1) // 2, (height + 1) // 2)
    out: Pixels = cv2.resize(values, half, interpolation=cv2.INTER_NEAREST)
    return out


def halved(values: F32) -> F32:
    """Return the field at half the size, odd sides rounded up, by area mean."""
    height, width = values.shape[:2]
    return resized(values, Size((width + 1) // 2, (height + 1) // 2))


def enlarged(values: F32, held: Part, wanted: Part) -> F32:
    """Return a part of a field at another size, linearly, without enlarging the rest.

    `values` are the part `held` of a field; returned is the part `wanted` of the same field.
    """
    if held.size == wanted.size:
        return values[wanted.box.moved(-held.box.top, -held.box.left).slices]
    is_whole = held == Part.all_of(held.size)
    if is_whole and wanted.box.area > _MUCH * wanted.size.pixels:
        return np.ascontiguousarray(resized(values, wanted.size)[wanted.box.slices])
    across = held.size.width / wanted.size.width
    down = held.size.height / wanted.size.height
    matrix = np.array(
        [
            [across, 0, (wanted.box.left + 0.5) * across - 0.5 - held.box.left],
            [0, down, (wanted.box.top + 0.5) * down - 0.5 - held.box.top],
        ]
    )
    out: F32 = cv2.warpAffine(
        values,
        matrix,
        (wanted.box.width, wanted.box.height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return out


def smoothstep(values: F32, low: float, high: float) -> F32:
    """Return 0 below `low`, 1 above `high`, and the cubic 3t^2 - 2t^3 between."""
    t: F32 = values - np.float32(low)
    t *= np.float32(1 / (high - low))
    t = np.clip(t, 0, 1)
    out: F32 = 3 - 2 * t
    out *= t
    out *= t
    return out


def total(values: F32) -> F32:
    """Return the sum over the channels of (H, W, 3), (H, W); several times faster than numpy's."""
    out: F32 = cv2.transform(values, _ONES)
    return out


def spread(values: F32) -> F32:
    """Return (H, W) as three equal channels, (H, W, 3), which reckon faster than `[..., None]`."""
    out: F32 = cv2.merge((values, values, values))
    return out


def mixture(alpha: F32, colour: F32, behind: F32) -> F32:
    """Return ``a F + (1 - a) B``, (H, W, 3), of alpha (H, W) and two pictures (H, W, 3)."""
    out: F32 = colour - behind
    out *= spread(alpha)
    out += behind
    return out


def put(values: Pixels, where: Mask, into: Pixels) -> None:
    """Copy values into another array of their shape where a mask (H, W) holds.

    Dozens of times faster than numpy's, for pictures of three channels.
    """
    cv2.copyTo(values, where.view(np.uint8), into)


def largest(values: F32) -> F32:
    """Return the largest channel of (H, W, 3), (H, W); several times faster than numpy's."""
    first, second, third = cv2.split(values)
    out: F32 = cv2.max(cv2.max(first, second), third)
    return out


def deviation(values: F32, where: Mask) -> float:
    """Return the standard deviation inside a mask (H, W) of the channel that has the largest."""
    _, sigmas = cv2.meanStdDev(values, mask=where.view(np.uint8))
    return float(sigmas.max())


def push_pull(values: F32, weight: F32, levels: int = 8) -> F32:
    """Fill a field everywhere from where it is known.

    Parameters
    ----------
    values
        float32 (H, W, C); read only where `weight` is above 0.
    weight
        float32 (H, W), 0 or more: how well the field is known there.
    levels
        How often the pyramid is halved: gaps up to about ``2 ** levels`` pixels are bridged.

    Returns
    -------
    float32 (H, W, C).

    Notes
    -----
    The pull averages known pixels downwards, the push fills unknown ones from the coarser level.

    References
    ----------
    Gortler, Grzeszczuk, Szeliski, Cohen: The Lumigraph (1996), section 3.3.
    """
    sums, weights = _pulled(values, weight, levels)
    coarse, known = sums[-1], weights[-1][..., None]
    mean = coarse.sum((0, 1)) / max(float(known.sum()), _LEAST_WEIGHT)
    filled: F32 = np.where(known < _LEAST_WEIGHT, mean, coarse / np.maximum(known, _LEAST_WEIGHT))
    for total, own in zip(sums[-2::-1], weights[-2::-1], strict=True):
        below = resized(filled, Size(total.shape[1], total.shape[0]))
        filled = total + np.float32(_TRUST) * below
        filled /= _over_channels(own + np.float32(_TRUST), total)
    return filled


def _over_channels(weight: F32, values: F32) -> F32:
    """Return a weight (H, W) in the channels of some values (H, W, C)."""
    return spread(weight) if values.shape[2] == 3 else weight[..., None]


def _pulled(values: F32, weight: F32, levels: int) -> tuple[list[F32], list[F32]]:
    """Return the pyramids of weighted sums and of weights, finest first."""
    sums, weights = [values * _over_channels(weight, values)], [weight]
    for _ in range(levels):
        height, width = weights[-1].shape
        if min(height, width) < 4:
            break
        sums.append(halved(sums[-1]))
        weights.append(halved(weights[-1]))
    return sums, weights
