"""Painted ground shadows, taken out of a foreground's alpha.

Shops' product pictures often hold, in their alpha, the soft dark shadow that the product throws on
the ground.  A cutout leaves it out on purpose, so it is no part of the truth: it darkens what lies
behind.  Alpha is subject over shadow, ``1 - a = (1 - a_s)(1 - s)``.
"""

from __future__ import annotations

import cv2
import numpy as np

from bench.simulator import Shadow
from common.fields import push_pull
from common.image import F32, U8, Mask

_SOLID, _RIM = 0.9, 3  # alpha of the subject; px around it that may hold some of its edge
_FAINT, _SOFT = 0.004, 0.75  # alpha of a shadow
_SEEN = 0.03  # alpha from which its colour is to be read
_WIDE, _LEAST = 9, 5000  # px: a square that fits into it, and how many places it fits
_DARK, _GREY = 0.25, 0.05  # brightest channel, and difference of channels
_SMOOTH = 0.06  # change of alpha from a pixel to the next


def split(colour: F32, alpha: F32) -> tuple[F32, F32, Shadow | None]:
    """Return a foreground's own colour and alpha, and the shadow beneath it if it has one.

    Parameters
    ----------
    colour, alpha
        float32 straight RGB (H, W, 3) and alpha (H, W).
    """
    rim = np.ones((2 * _RIM + 1, 2 * _RIM + 1), np.uint8)
    near: U8 = cv2.dilate((alpha > _SOLID).astype(np.uint8), rim)
    region = _region(colour, alpha, near > 0)
    if not region.any():
        return colour, alpha, None
    tint = np.median(colour[region & (alpha > _SEEN)], axis=0).astype(np.float32)
    known = np.where(region, alpha, 0).astype(np.float32)
    carried = push_pull(known[..., None], (near == 0).astype(np.float32))[..., 0]
    depth = np.where(near > 0, np.minimum(carried, alpha), known).astype(np.float32)
    depth[depth < _FAINT] = 0
    own = np.clip(1 - (1 - alpha) / np.maximum(1 - depth, 1e-3), 0, 1).astype(np.float32)
    own[region] = 0
    painted = colour * alpha[..., None] - ((1 - own) * depth)[..., None] * tint
    straight = np.where((depth > 0)[..., None], painted / np.maximum(own, 1e-3)[..., None], colour)
    return np.clip(straight, 0, 1).astype(np.float32), own, Shadow(depth, tint)


def _region(colour: F32, alpha: F32, near: Mask) -> Mask:
    """Return where there is shadow and nothing else: soft, wide, dark, grey, below the subject."""
    soft = (alpha > _FAINT) & (alpha < _SOFT) & ~near
    count, labels = cv2.connectedComponents(soft.astype(np.uint8))
    found = np.zeros(alpha.shape, bool)
    middle = np.flatnonzero(near.any(1)).mean() if near.any() else np.inf
    for label in range(1, count):
        one = labels == label
        if one.sum() > _LEAST and np.nonzero(one)[0].mean() > middle:
            found |= one & _is_shadow(colour, alpha, one)
    return found


def _is_shadow(colour: F32, alpha: F32, one: Mask) -> bool:
    seen = colour[one & (alpha > _SEEN)]
    if not len(seen):
        return False
    change: F32 = cv2.morphologyEx(alpha, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    wide: U8 = cv2.erode(one.astype(np.uint8), np.ones((_WIDE, _WIDE), np.uint8))
    return (
        int(wide.sum()) > _LEAST
        and float(np.percentile(seen.max(1), 95)) < _DARK
        and float(np.percentile(np.ptp(seen, axis=1), 95)) < _GREY
        and float(np.percentile(change[one], 95)) < _SMOOTH
    )
