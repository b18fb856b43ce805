"""A cutout in two files: its colour as JPEG, its alpha as PNG, far smaller than both in one PNG."""

from __future__ import annotations

import io
import zipfile

import cv2
import numpy as np

from common.image import F32, U8, Mask

COLOUR, ALPHA = "colour.jpg", "alpha.png"

_BLOCK = 8  # pixels: what JPEG transforms together
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever it is written
_NEUTRAL = 128
_NOTHING = 1e-6  # weight: less than that of a pixel in a block
_BAND = 64 * _BLOCK  # rows that are worked on together


def zipped(colour: bytes, alpha: bytes) -> bytes:
    """Return both files in one, not packed again."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in ((COLOUR, colour), (ALPHA, alpha)):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return out.getvalue()


def bled(rgb: U8, alpha: U8) -> U8:
    """Return the colour with what is invisible filled in so that JPEG does not smear the outline.

    Invisible pixels get the mean of the visible ones in their block, or gray where there is none:
    the cheapest thing that a block can hold.

    Parameters
    ----------
    rgb, alpha
        uint8 (H, W, 3) and (H, W).
    """
    if alpha.all():
        return rgb
    out = rgb.copy()
    for top in range(0, len(alpha), _BAND):
        rows = slice(top, top + _BAND)
        _bleed(out[rows], alpha[rows] == 0)
    return out


def _bleed(rgb: U8, hidden: Mask) -> None:
    """Fill in the hidden pixels of a band, in place."""
    height, width = hidden.shape
    blocks = (-(-width // _BLOCK), -(-height // _BLOCK))
    seen = (~hidden).astype(np.float32)
    weight = _means(seen, blocks)
    for channel in range(3):
        level = _means(rgb[..., channel] * seen, blocks)
        mean = np.where(weight > 0, level / np.maximum(weight, _NOTHING), _NEUTRAL)
        levels = np.rint(mean).astype(np.uint8).repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)
        rgb[hidden, channel] = levels[:height, :width][hidden]


def _means(values: F32, blocks: tuple[int, int]) -> F32:
    """Return the mean of each block (rows, columns); what lies beyond the band counts as 0."""
    height, width = values.shape
    right, below = blocks[0] * _BLOCK - width, blocks[1] * _BLOCK - height
    whole = cv2.copyMakeBorder(values, 0, below, 0, right, cv2.BORDER_CONSTANT)
    out: F32 = cv2.resize(whole, blocks, interpolation=cv2.INTER_AREA)
    return out
