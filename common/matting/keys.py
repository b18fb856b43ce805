"""Key colours: the backings we ask a model for, and the one that suits a subject.

All maths of this room is written for a green backing.  A render on another key is *turned* first:
its channels are exchanged, or inverted, so that its key becomes green.  Every turn is its own
inverse and keeps straight lines straight in colour space, so the matting equation holds unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.fields import as_float, resized
from common.geometry import Size
from common.image import F32, U8, Mask


@dataclass(frozen=True)
class Key:
    """A backing colour: its name in prompts and options, and the RGB that is asked for."""

    name: str
    rgb: tuple[int, int, int]

    @property
    def hex(self) -> str:
        """The colour as ``#RRGGBB``."""
        return "#{:02X}{:02X}{:02X}".format(*self.rgb)


GREEN = Key("green", (0, 255, 0))
BLUE = Key("blue", (0, 0, 255))
MAGENTA = Key("magenta", (255, 0, 255))

KEYS = {key.name: key for key in (GREEN, BLUE, MAGENTA)}

_LOOK = 160  # px, longer side at which a subject's colours are counted
_RING = 0.08  # share of the shorter side whose colours count as background
_CELLS = 12  # cells a channel of the colour histogram
_CLEAR_GAIN = 0.01  # another key must lower the risk by this much: below it, green stays


def turned(pixels: U8, key: Key) -> U8:
    """Return uint8 RGB (H, W, 3) with channels turned so that `key` becomes green.

    Turning twice with the same key gives the picture back.
    """
    if key == BLUE:
        return np.ascontiguousarray(pixels[..., [0, 2, 1]])
    return ~pixels if key == MAGENTA else pixels


def turned_field(values: F32, key: Key) -> F32:
    """Return float32 RGB 0..1 (H, W, 3) turned as `turned` does bytes."""
    if key == BLUE:
        return np.ascontiguousarray(values[..., [0, 2, 1]])
    return np.float32(1) - values if key == MAGENTA else values


def excess(values: F32) -> F32:
    """Return how much greener than red and blue each pixel is: G - max(R, B), (H, W)."""
    red, green, blue = cv2.split(values)
    out: F32 = cv2.subtract(green, cv2.max(red, blue))
    return out


def choose_key(rgb: U8) -> Key:
    """Choose the key farthest in chroma from the colours of a subject.

    Parameters
    ----------
    rgb
        uint8 (H, W, 3), the subject's crop; colours that also fill its border are taken for
        background and count little.

    Returns
    -------
    The key of which the subject shows least; green unless another is clearly better.
    """
    height, width = rgb.shape[:2]
    small = resized(as_float(rgb), Size(width, height).within(_LOOK))
    weight = _subject_weight(small)
    risks = {key: _risk(small, weight, key) for key in KEYS.values()}
    best = min(risks, key=risks.__getitem__)
    return best if risks[best] < risks[GREEN] - _CLEAR_GAIN else GREEN


def _risk(small: F32, weight: F32, key: Key) -> float:
    """Return the mean of the key's own excess over the subject, 0..1."""
    shown = np.maximum(excess(turned_field(small, key)), 0)
    return float((shown * weight).sum() / weight.sum())


def _subject_weight(small: F32) -> F32:
    """Return how surely each pixel is subject: its colour is rare on the border, it lies inside."""
    height, width = small.shape[:2]
    cells = np.minimum(small * _CELLS, _CELLS - 1).astype(np.intp)
    codes = (cells[..., 0] * _CELLS + cells[..., 1]) * _CELLS + cells[..., 2]
    ring = _ring(height, width)
    count = _CELLS**3
    border = np.bincount(codes[ring], minlength=count) / ring.sum()
    inside = np.bincount(codes[~ring], minlength=count) / max(1, int((~ring).sum()))
    rarity = np.maximum(inside - border, 0) / (inside + 1e-9)
    weight: F32 = (rarity[codes] * ~ring + 1e-6).astype(np.float32)
    return weight


def _ring(height: int, width: int) -> Mask:
    depth = max(1, round(_RING * min(height, width)))
    ring = np.ones((height, width), np.bool_)
    if min(height, width) > 2 * depth:
        ring[depth:-depth, depth:-depth] = False
    return ring
