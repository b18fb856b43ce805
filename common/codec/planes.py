"""Pixels as they leave a decoder: colour, alpha, and what is beyond 8 bits; and back together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.image import U8, U16

PER_LEVEL = 257  # 65535 / 255: each of 256 levels has that many of 65536


@dataclass(frozen=True, eq=False)
class Planes:
    """Colour uint8 (H, W, 3); alpha uint8 (H, W) and deeper colour uint16 (H, W, 3), or None."""

    rgb: U8
    alpha: U8 | None = None
    deep: U16 | None = None

    def turned(self, orientation: int) -> Planes:
        """Return them upright, by an EXIF orientation of 1..8."""
        if orientation == 1:
            return self
        return Planes(*(_turned(plane, orientation) for plane in (self.rgb, self.alpha, self.deep)))


def planes_of(pixels: NDArray[Any]) -> Planes:
    """Take pixels apart: uint8 or uint16, gray (H, W) or (H, W, 1..4) with the alpha last."""
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    channels = pixels.shape[2]
    alpha = pixels[..., -1] if channels in {2, 4} else None
    colour = np.repeat(pixels[..., :1], 3, axis=2) if channels < 3 else pixels[..., :3]
    colour = np.ascontiguousarray(colour)
    if pixels.dtype != np.uint16:
        return Planes(colour, None if alpha is None else np.ascontiguousarray(alpha))
    return Planes(narrowed(colour), None if alpha is None else narrowed(alpha), colour)


def filled(pixels: NDArray[np.uint16], bits: int) -> U16:
    """Return 10 or 12 bits that stand high in 16 with the low ones filled: white becomes 65535."""
    return pixels | (pixels >> np.uint16(bits)) if bits < 16 else pixels


def narrowed(deep: NDArray[np.uint16]) -> U8:
    """Return 16 bits as 8, to the nearest level; a cut would darken by half a level."""
    out: U8 = cv2.convertScaleAbs(np.ascontiguousarray(deep), alpha=1 / PER_LEVEL)
    return out.reshape(deep.shape)


def widened(rgb: U8, deep: U16) -> U16:
    """Return 8-bit pixels in 16, with the source's own depth where they are still the source's.

    Parameters
    ----------
    rgb
        uint8 (H, W, 3): what was made.
    deep
        uint16 (H, W, 3): the source that it was made of.
    """
    out = rgb.astype(np.uint16) * np.uint16(PER_LEVEL)
    same = (narrowed(deep) == rgb).all(axis=2)
    out[same] = deep[same]
    return out


def _turned(plane: Any, orientation: int) -> Any:
    if plane is None:
        return None
    match orientation:
        case 2:
            turned = plane[:, ::-1]
        case 3:
            turned = plane[::-1, ::-1]
        case 4:
            turned = plane[::-1]
        case 5:
            turned = plane.swapaxes(0, 1)
        case 6:
            turned = plane.swapaxes(0, 1)[:, ::-1]
        case 7:
            turned = plane[::-1, ::-1].swapaxes(0, 1)
        case _:
            turned = plane.swapaxes(0, 1)[::-1]
    return np.ascontiguousarray(turned)
