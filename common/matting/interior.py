"""The level of the interior: what strong spill took from a solid subject is given back.

Light of the backing that a glossy or green subject reflects looks like transparency to any keyer.
Whether the subject is solid cannot be seen in one render; it is said by whoever knows (`material`),
or guessed where the interior is nearly solid anyway.
"""

from __future__ import annotations

import cv2
import numpy as np

from common.fields import HALVES, push_pull, smoothstep
from common.geometry import Box, Size
from common.image import F32, U8

_SILHOUETTE = 0.12  # alpha of what belongs to the subject at all
_RIM = 5.0  # px at the working size: depth of an edge's own profile
_ROOM = 16  # px around the subject, for every filter's support
_SOLID_LEVEL = 0.95  # a level above needs no help: fur keeps its softness
_SOLID_PART = 0.7  # alpha that no painted shadow reaches
_VEIL = (0.9, 0.96)  # a flat interior above these is solid: what is missing is the render's noise

# px, as far as no edge and no hole is near where alpha is above these
_AROUND, _FAINT = 9, (0.5, 0.7)
# px, as wide as a stroke of print; alpha of what may be ground to print on, and surely is
_PRINT, _GROUND = 9, (0.94, 0.98)

ALONE = "alone"  # a render without its photo: nothing says what it is made of

# Levels, by material, from which an interior is taken for solid, and surely.
_LEVELS = {
    "opaque": (0.12, 0.2),  # what is below is the backing's shadow
    "translucent": (0.55, 0.8),  # frames and labels
    "": (0.3, 0.55),
    ALONE: (0.8, 0.95),  # hair is nearly solid too, in places
}
_MAYBE_CLEAR = {"translucent", ALONE}  # what is thin deep inside may be glass


def levelled(alpha: F32, material: str) -> F32:
    """Return alpha with the interior raised to solid, (H, W) in 0..1.

    Parameters
    ----------
    alpha
        float32 (H, W).
    material
        ``opaque``: always; ``fine``: never, what the pictures show is kept; ``translucent`` or
        empty: where the interior is nearly solid, as frames and labels are; `ALONE`: where it is
        all but solid.
    """
    if material == "fine":
        return alpha
    size = Size(alpha.shape[1], alpha.shape[0])
    left, top, width, height = cv2.boundingRect((alpha > _SILHOUETTE).view(np.uint8))
    if not width:
        return alpha
    box = Box(top, left, top + height, left + width).widened(_ROOM, size)
    part = box.in_steps(HALVES, size).slices
    out = alpha.copy()
    out[part] = _without_veil(_raised(alpha[part], material))
    return out


def _raised(alpha: F32, material: str) -> F32:
    inside: U8 = (alpha > _SILHOUETTE).view(np.uint8)
    inside = cv2.morphologyEx(inside, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    if material == "opaque":
        inside = _with_solid_parts(inside, alpha)
    depth: F32 = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    sampled = ((depth >= _RIM) & (depth <= 3 * _RIM)).astype(np.float32)
    if not sampled.any():
        return alpha
    level = push_pull(alpha[..., None], sampled)[..., 0]
    near: F32 = cv2.dilate(sampled, np.ones((25, 25), np.uint8))
    needed = 1 - smoothstep(level, _SOLID_LEVEL, 0.99)
    deep = depth > _RIM
    solid = np.maximum(np.minimum(alpha / np.maximum(level, np.float32(0.05)), 1), deep)
    if material in _MAYBE_CLEAR:
        belief = np.maximum(near, deep) * needed
    else:
        belief = np.maximum(near * needed, deep)
    belief = belief * smoothstep(level, *_LEVELS[material]) * inside
    return alpha + belief * np.maximum(solid - alpha, 0)


def _with_solid_parts(inside: U8, alpha: F32) -> U8:
    """Keep the islands that are solid somewhere: what is thin everywhere is a painted shadow.

    A subject that is thin everywhere, as a green one may be, is kept as it is.
    """
    count, labels = cv2.connectedComponents(inside, connectivity=8)
    kept = np.zeros(count, np.bool_)
    kept[labels[(alpha > _SOLID_PART) & (inside > 0)]] = True
    out: U8 = kept[labels].view(np.uint8) if kept.any() else inside
    return out


def _without_veil(alpha: F32) -> F32:
    """Return alpha with nearly solid places made solid: flat ones, and print on solid ground."""
    flat: F32 = cv2.erode(alpha, np.ones((5, 5), np.uint8))
    thinnest: F32 = cv2.erode(alpha, _disk(_AROUND))
    ground: F32 = cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, _disk(_PRINT))
    print_ = smoothstep(thinnest, *_FAINT) * smoothstep(ground, *_GROUND)
    out: F32 = np.maximum(np.maximum(alpha, print_), smoothstep(flat, *_VEIL))
    return out


def _disk(diameter: int) -> U8:
    out: U8 = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
    return out
