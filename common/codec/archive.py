"""A cutout in two files: its colour as JPEG, its alpha as PNG, far smaller than both in one PNG."""

from __future__ import annotations

import io
import zipfile

import cv2
import numpy as np

from common.image import F32, U8

COLOUR, ALPHA = "colour.jpg", "alpha.png"

_BLOCK = 8  # pixels: what JPEG transforms together
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever it is written
_NEUTRAL = 128


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
    hidden = alpha == 0
    if not hidden.any():
        return rgb
    height, width = alpha.shape
    seen = (~hidden).astype(np.float32)
    blocks = (-(-width // _BLOCK), -(-height // _BLOCK))
    padded = (blocks[0] * _BLOCK, blocks[1] * _BLOCK)
    out = rgb.copy()
    for channel in range(3):
        level = _means(rgb[..., channel] * seen, blocks, padded)
        weight = _means(seen, blocks, padded)
        mean = np.where(weight > 0, level / np.maximum(weight, 1e-6), _NEUTRAL)
        whole: U8 = cv2.resize(
            np.rint(mean).astype(np.uint8), padded, interpolation=cv2.INTER_NEAREST
        )
        out[hidden, channel] = whole[:height, :width][hidden]
    return out


def _means(values: F32, blocks: tuple[int, int], padded: tuple[int, int]) -> F32:
    height, width = values.shape
    whole = cv2.copyMakeBorder(
        values, 0, padded[1] - height, 0, padded[0] - width, cv2.BORDER_CONSTANT
    )
    out: F32 = cv2.resize(whole, blocks, interpolation=cv2.INTER_AREA)
    return out
