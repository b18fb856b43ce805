"""The salient subject: full-size alpha from a coarse salience map, and its own colour at edges."""

from __future__ import annotations

import math

import cv2
import numpy as np

from common.fields import as_bytes, as_float, push_pull, resized, smoothstep
from common.geometry import Box, Size, with_margin
from common.image import F32, U8, Mask
from common.vlm.base import Colour
from common.vlm.embedded.salience import SIDE, Salience

INSIDE = 0.5  # salience above which a pixel counts as the subject's
_LEAST_AREA = 1e-3  # of the picture; a smaller subject is a speck

_CLOSER_MARGIN = 0.15  # of the subject's longer side, kept round it in the second look
_WORTH_A_LOOK = 0.85  # a crop larger than this share of the picture shows nothing new
_AGREEMENT = 0.93  # IoU of both looks; below it the second one ruins as many as it mends


def subject_alpha(rgb: U8, salience: Salience) -> F32:
    """Return the subject's alpha, float32 (H, W) in 0..1; all 0 where nothing stands out.

    Notes
    -----
    A second look at the subject's own crop sharpens a small subject, and now and then takes a
    part for the whole; so it counts only where it agrees with the first.
    """
    size = Size(rgb.shape[1], rgb.shape[0])
    first = resized(salience(rgb), size)
    box = mask_box(first > INSIDE)
    if box is None or np.mean(first > INSIDE) < _LEAST_AREA:
        return np.zeros_like(first)
    crop = with_margin(box, size, _CLOSER_MARGIN)
    if crop.area < _WORTH_A_LOOK * size.pixels:
        second = np.zeros_like(first)
        second[crop.slices] = resized(salience(rgb[crop.slices]), crop.size)
        if _agreement(first, second) >= _AGREEMENT:
            return without_wisps(_refined_inside(rgb, second, crop))
    return without_wisps(refined(rgb, first))


def _refined_inside(rgb: U8, coarse: F32, crop: Box) -> F32:
    alpha = np.zeros_like(coarse)
    alpha[crop.slices] = refined(rgb[crop.slices], coarse[crop.slices])
    return alpha


def mask_box(mask: Mask) -> Box | None:
    """Return the smallest box that holds every true pixel, or None where there is none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _agreement(a: F32, b: F32) -> float:
    inside_a, inside_b = a > INSIDE, b > INSIDE
    return float((inside_a & inside_b).sum() / max((inside_a | inside_b).sum(), 1))


_CORE = 0.9


def without_wisps(alpha: F32) -> F32:
    """Return alpha without the faint patches that touch nothing solid."""
    count, labels = cv2.connectedComponents((alpha > 0).astype(np.uint8))
    solid = np.zeros(count, np.bool_)
    solid[np.unique(labels[alpha > _CORE])] = True
    return np.where(solid[labels], alpha, 0).astype(np.float32)


# --- the edge band --------------------------------------------------------------------------------

_GUIDE_SIDE = 640  # of the picture in which the filter's coefficients are measured
_RADIUS = 2.0  # in pixels of the salience map
_FLATNESS = 1e-4  # variance of the guide below which alpha is only smoothed
_BAND = 0.05  # salience this far from 0 and 1 is an edge
_SURE = 0.15  # the net's ramps are wider than edges are: this close to 0 or 1 is 0 or 1


def refined(rgb: U8, coarse: F32) -> F32:
    """Return alpha that follows the picture's edges, from a coarse one of the same size.

    Parameters
    ----------
    rgb
        uint8 (H, W, 3).
    coarse
        float32 (H, W) in 0..1, enlarged from a salience map.

    Returns
    -------
    float32 (H, W) in 0..1; outside the edge band the coarse one.

    References
    ----------
    He, Sun: Fast Guided Filter (2015), colour guide.
    """
    height, width = coarse.shape
    size = Size(width, height)
    small = size.within(_GUIDE_SIDE)
    guide = resized(as_float(rgb), small)
    radius = max(1, round(_RADIUS * small.longest / SIDE))
    slope, offset = _guided_coefficients(guide, resized(coarse, small), radius)
    followed = (resized(slope, size) * as_float(rgb)).sum(2) + resized(offset, size)
    edge = ((coarse > _BAND) & (coarse < 1 - _BAND)).astype(np.uint8)
    reach = 2 * math.ceil(size.longest / SIDE) + 1
    band = cv2.dilate(edge, np.ones((reach, reach), np.uint8)) > 0
    return smoothstep(np.where(band, followed, coarse), _SURE, 1 - _SURE)


def _guided_coefficients(guide: F32, alpha: F32, radius: int) -> tuple[F32, F32]:
    """Return slope (H, W, 3) and offset (H, W): alpha is locally ``slope . guide + offset``."""
    mean_guide, mean_alpha = _box_mean(guide, radius), _box_mean(alpha, radius)
    covariance = _box_mean(guide * alpha[..., None], radius) - mean_guide * mean_alpha[..., None]
    products = guide[..., :, None] * guide[..., None, :]
    spread = _box_mean(products.reshape(*alpha.shape, 9), radius).reshape(*alpha.shape, 3, 3)
    spread -= mean_guide[..., :, None] * mean_guide[..., None, :]
    spread += _FLATNESS * np.eye(3, dtype=np.float32)
    slope = np.linalg.solve(spread, covariance[..., None])[..., 0].astype(np.float32)
    offset = mean_alpha - (slope * mean_guide).sum(2)
    return _box_mean(slope, radius), _box_mean(offset, radius)


def _box_mean(values: F32, radius: int) -> F32:
    """Return the mean over a window of ``2 radius + 1``, for any number of channels."""
    window = (2 * radius + 1, 2 * radius + 1)
    out: F32 = cv2.boxFilter(values, -1, window, borderType=cv2.BORDER_REFLECT)
    return out


# --- colour ---------------------------------------------------------------------------------------

_SOLID = 0.98
_PURE = 0.02
_RIDGE = 0.1  # how far a thin pixel may stray from the foreground round it


def on_backing(rgb: U8, alpha: F32, backing: Colour) -> U8:
    """Return the subject over one flat colour, with no trace of its old background.

    Parameters
    ----------
    rgb
        uint8 (H, W, 3).
    alpha
        float32 (H, W) in 0..1.
    backing
        The flat colour, 0..255.
    """
    flat = np.asarray(backing, np.float32) / np.float32(255)
    cover = alpha[..., None]
    return as_bytes(unmixed(as_float(rgb), alpha) * cover + flat * (1 - cover))


def unmixed(colour: F32, alpha: F32) -> F32:
    """Return the subject's own colour (H, W, 3); where it is opaque, the pixel's.

    Notes
    -----
    Foreground and background are smooth fields carried in from where each stands alone; the
    least change to the foreground that explains the pixel is added (ridge by alpha).
    """
    solid, pure = (alpha > _SOLID).astype(np.float32), (alpha < _PURE).astype(np.float32)
    if not solid.any() or not pure.any():
        return colour
    near = push_pull(colour, solid)
    far = push_pull(colour, pure)
    cover = alpha[..., None]
    missing = colour - cover * near - (1 - cover) * far
    own = near + cover / (cover * cover + _RIDGE * (1 - cover) + 1e-6) * missing
    return np.where(cover > _SOLID, colour, np.clip(own, 0, 1)).astype(np.float32)
