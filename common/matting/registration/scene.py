"""The photo rebuilt with a candidate map, and how like the photo that is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.fields import as_float, halved, mixture, push_pull, resized, shrunk, spread
from common.geometry import Size
from common.image import F32, U8, Mask

_NOTHING = 0.03  # weight below which the photo shows its background
_TINY = 1e-6  # weight of what lies beneath the subject: where nothing else is known, it is taken

Affine = NDArray[np.float64]  # (2, 3): fixed pixel -> moving pixel, both on one grid


@dataclass(frozen=True)
class Rebuilt:
    """The fixed picture as a candidate map explains it; (h, w, ...) on the map's grid.

    Attributes
    ----------
    picture
        float32 (h, w, 3): the moved subject over the fixed picture's own background.
    behind
        float32 (h, w, 3): that background.
    weight
        float32 (h, w): the moved weight.
    """

    picture: F32
    behind: F32
    weight: F32


@dataclass(frozen=True)
class Trial:
    """One candidate map and its score.

    `shift`, float32 (h, w, 2), says in grid pixels how far right and down the moving picture holds
    what the fixed one shows here; `score` is the correlation of the rebuilt picture, -1..1.
    """

    shift: F32
    score: float


@dataclass(frozen=True)
class Scene:
    """Both pictures on one small grid: float32 RGB (h, w, 3), the weight (h, w)."""

    fixed: F32
    moving: F32
    weight: F32
    columns: F32
    rows: F32

    @staticmethod
    def of(moving: U8, fixed: U8, weight: F32, look: int) -> Scene:
        """Bring both pictures to a grid whose longer side is at most `look`."""
        size = Size(fixed.shape[1], fixed.shape[0]).within(look)
        small_fixed, small_moving = (as_float(shrunk(each, size)) for each in (fixed, moving))
        return Scene._on_grid(small_fixed, small_moving, shrunk(weight, size))

    def within(self, look: int) -> Scene:
        """Return the same pictures on a smaller grid whose longer side is at most `look`."""
        size = Size(self.weight.shape[1], self.weight.shape[0]).within(look)
        shown = (self.fixed, self.moving, self.weight)
        return Scene._on_grid(*(resized(picture, size) for picture in shown))

    @staticmethod
    def _on_grid(fixed: F32, moving: F32, weight: F32) -> Scene:
        height, width = weight.shape
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        return Scene(fixed, moving, weight, columns, rows)

    @property
    def scale(self) -> F32:
        """Width and height of the grid."""
        return np.array(self.weight.shape[::-1], np.float32)

    def carried(self, shift: F32, other: Scene) -> F32:
        """Return a shift of this grid on another grid of the same pictures."""
        height, width = other.weight.shape
        return resized(shift, Size(width, height)) * (other.scale / self.scale)

    def shift_of(self, affine: Affine) -> F32:
        """Return an affine map as a shift, (h, w, 2)."""
        a = affine.astype(np.float32)
        across = (a[0, 0] - 1) * self.columns + a[0, 1] * self.rows + a[0, 2]
        down = a[1, 0] * self.columns + (a[1, 1] - 1) * self.rows + a[1, 2]
        return np.dstack([across, down])

    def tried(self, shift: F32) -> Trial:
        """Rebuild the fixed picture with a map, and score it near the subject."""
        rebuilt = self.rebuilt(shift)
        near = surroundings(rebuilt.weight) > 0
        return Trial(shift, correlation(rebuilt.picture, self.fixed, near))

    def rebuilt(self, shift: F32, behind: F32 | None = None) -> Rebuilt:
        """Rebuild the fixed picture: the moved subject over the fixed picture's own background.

        `behind` saves filling that background again when the map has hardly changed.
        """
        columns, rows = self.columns + shift[..., 0], self.rows + shift[..., 1]
        moving: F32 = cv2.remap(self.moving, columns, rows, cv2.INTER_LINEAR)
        weight: F32 = cv2.remap(self.weight, columns, rows, cv2.INTER_LINEAR)
        if behind is None:
            behind = self._background(weight)
        return Rebuilt(mixture(weight, moving, behind), behind, weight)

    def _background(self, weight: F32) -> F32:
        """Return the fixed picture, filled smoothly where the subject is."""
        wide: F32 = cv2.dilate(weight, np.ones((7, 7), np.uint8))
        seen = wide < _NOTHING
        height, width = seen.shape
        known = np.where(seen, np.float32(1), np.float32(_TINY))
        share = halved(known)
        shown = halved(self.fixed * spread(known)) / spread(share)
        filled = push_pull(shown, share, 6)
        return mixture(seen.astype(np.float32), self.fixed, resized(filled, Size(width, height)))


def surroundings(weight: F32) -> U8:
    """Return 255 on the subject and close around it: uint8 (h, w)."""
    window = np.ones((13, 13), np.uint8)
    near: U8 = cv2.dilate(as_mask(weight > 0.5), window)
    return near


def as_mask(mask: Mask) -> U8:
    """Return a mask as OpenCV takes it: 255 where it is true."""
    return mask.view(np.uint8) * np.uint8(255)


def grey(pixels: U8) -> U8:
    """Return the luma of uint8 RGB (H, W, 3): uint8 (H, W)."""
    out: U8 = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return out


def slope(values: F32, across: int, down: int) -> F32:
    """Return the first derivative a pixel, to the right or down; (h, w) or (h, w, 3)."""
    out: F32 = cv2.Sobel(values, cv2.CV_32F, across, down, scale=1 / 8)
    return out


def correlation(a: F32, b: F32, where: Mask) -> float:
    """Return the normalised cross-correlation of two colour fields inside a mask, -1..1."""
    left, top, width, height = cv2.boundingRect(where.view(np.uint8))
    part = np.s_[top : top + height, left : left + width]
    inside = where[part]
    if not inside.any():
        return 0.0
    first, second = (_centred(field[part], inside) for field in (a, b))
    scale = np.sqrt(float(np.vdot(first, first)) * float(np.vdot(second, second)))
    return float(np.vdot(first, second) / (scale + 1e-9))


def _centred(values: F32, inside: Mask) -> F32:
    """Return the fields less their means, and 0 outside the mask."""
    out: F32 = cv2.subtract(values, cv2.mean(values, inside.view(np.uint8)))
    out *= spread(inside.astype(np.float32))
    return out
