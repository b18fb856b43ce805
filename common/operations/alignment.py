"""Alignment of an edit: where each pixel of the photo lies in a picture that a model made of it.

Unlike a subject on a new backing, an edit shows the photo again nearly everywhere, so corners of
the photo can be followed into it one by one.  That is faster than matching features and finer: the
corners lie on the photo's own pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.fields import push_pull
from common.geometry import Box, Size, whole
from common.image import F32, U8, Mask
from common.matting.registration import grey, register
from common.matting.registration.corners import Points, Similarity, followed, similarity

_LOOK = 1024  # px, longest side at which corners are followed; their places are far finer
_CORNERS = 600
_APART = 6  # px between two corners
_QUALITY = 0.01  # of the best corner
_WINDOW = 21  # px that are compared round a corner
_SHADE = 12.0  # px, sigma: wider differences are light, not structure
_AGREE = 3.0  # px from the similarity: a model's warp stays below
_LEAST = 24  # corners that agree; with fewer, features and contours are asked
_LEAST_SHARE = 0.3  # of all corners
_MAX_SHIFT = 0.09  # of the longer side
_WARP_CELLS = 32  # longer side of the grid on which the corners' own ways are averaged
_NEIGHBOURS = 2.0  # cells, sigma: one corner alone is noise
_WARP_REACH = 1.0  # corners' weight at which their average is believed by half
_TINY = 1e-6
_FINER = 1.5  # times the photo's width: a render beyond it is shrunk, and sharp enough


@dataclass(frozen=True, eq=False)
class Alignment:
    """A map from the photo into the render, both measured in shares of their width and height.

    Attributes
    ----------
    linear
        (2, 3): the centre of a pixel of the photo -> column and row of the render, 0..1.
    warp
        float32 (h, w, 2) on a small grid: what is added to that.
    """

    linear: NDArray[np.float64]
    warp: F32

    def sampled(self, render: U8, photo: Size, box: Box | None = None) -> U8:
        """Return the render as the photo shows it, uint8 (H, W, 3), or the part inside `box`."""
        box = box or whole(photo)
        height, width = render.shape[:2]
        x = (np.arange(box.left, box.right, dtype=np.float32) + 0.5) / photo.width
        y = (np.arange(box.top, box.bottom, dtype=np.float32)[:, None] + 0.5) / photo.height
        warp = piece(self.warp, photo, box)
        columns, rows = (
            (a * x + b * y + c + warp[..., axis]) * side - np.float32(0.5)
            for axis, (side, (a, b, c)) in enumerate(
                zip((width, height), self.linear.astype(np.float32), strict=True)
            )
        )
        how = cv2.INTER_CUBIC if width <= photo.width * _FINER else cv2.INTER_LINEAR
        out: U8 = cv2.remap(render, columns, rows, how, borderMode=cv2.BORDER_REPLICATE)
        return out


def piece(field: F32, size: Size, box: Box) -> F32:
    """Return a field (h, w, C) of a small grid on the pixels of `box` of a picture of `size`."""
    height, width = field.shape[:2]
    across = (np.arange(box.left, box.right, dtype=np.float32) + 0.5) * (width / size.width) - 0.5
    down = (np.arange(box.top, box.bottom, dtype=np.float32) + 0.5) * (height / size.height) - 0.5
    columns, rows = np.meshgrid(across, down)
    out: F32 = cv2.remap(
        field,
        columns.astype(np.float32),
        rows.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return out


def align(render: U8, source: U8, same: Mask) -> Alignment:
    """Find where each pixel of `source` lies in `render`.

    Parameters
    ----------
    render
        uint8 (h, w, 3), any size, about the ratio of `source`.
    source
        uint8 (H, W, 3).
    same
        bool (H, W): where both show the same scene.

    Notes
    -----
    A similarity on which most corners agree, and a smooth warp: the mean of what is left of the
    corners' ways round each place.  Where too few corners agree, `register` answers.

    References
    ----------
    Shi, Tomasi: Good Features to Track (1994).
    """
    tracks = _tracks(render, source, same)
    found = None if tracks is None else _similarity(tracks)
    if tracks is None or found is None:
        registration = register(render, source, same.astype(np.float32))
        return Alignment(np.eye(2, 3), registration.shift)
    return Alignment(_in_shares(found.affine, tracks.grid), _warp(tracks, found))


@dataclass(frozen=True, eq=False)
class _Tracks:
    """Corners of the photo, where they went, and the size of the grid whose pixels these are."""

    here: Points
    there: Points
    grid: Size


def _tracks(render: U8, source: U8, same: Mask) -> _Tracks | None:
    """Follow the corners of the photo into the render; None where there are too few."""
    grid = Size(source.shape[1], source.shape[0]).within(_LOOK)
    fixed, moving = (_structure(picture, grid) for picture in (source, render))
    allowed = _small_mask(same, grid)
    corners = cv2.goodFeaturesToTrack(fixed, _CORNERS, _QUALITY, _APART, mask=allowed)
    if corners is None or len(corners) < _LEAST:
        return None
    here, there = followed(fixed, moving, corners.reshape(-1, 2).astype(np.float32), _WINDOW)
    if len(here) < max(_LEAST, _LEAST_SHARE * len(corners)):
        return None
    return _Tracks(here, there, grid)


def _structure(picture: U8, grid: Size) -> U8:
    """Return a picture's gray on the grid without its wide shades, uint8 (h, w)."""
    height, width = picture.shape[:2]
    gray = grey(picture)
    if (width, height) != (grid.width, grid.height):
        shrinks = width >= grid.width
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        gray = cv2.resize(gray, (grid.width, grid.height), interpolation=how)
    quarter = (max(1, grid.width // 4), max(1, grid.height // 4))
    wide: U8 = cv2.resize(gray, quarter, interpolation=cv2.INTER_AREA)
    wide = cv2.GaussianBlur(wide, (0, 0), _SHADE / 4)
    shade: U8 = cv2.resize(wide, (grid.width, grid.height), interpolation=cv2.INTER_LINEAR)
    out: U8 = cv2.addWeighted(gray, 1, shade, -1, 128)
    return out


def _small_mask(same: Mask, grid: Size) -> U8:
    """Return 255 where a corner's whole window shows the same in both, uint8 (h, w)."""
    small: U8 = cv2.resize(
        same.astype(np.uint8), (grid.width, grid.height), interpolation=cv2.INTER_NEAREST
    )
    half = _WINDOW // 2
    kernel = np.ones((half, half), np.uint8)
    inner: U8 = cv2.erode(small, kernel)
    return inner * np.uint8(255)


def _similarity(tracks: _Tracks) -> Similarity | None:
    """Return the similarity on which most tracks agree, None where too few do or it goes far."""
    found = similarity(tracks.here, tracks.there, _AGREE)
    if found is None or not _stays_near(found.affine, tracks.grid):
        return None
    least = max(_LEAST, _LEAST_SHARE * len(found.agreeing))
    return found if int(found.agreeing.sum()) >= least else None


def _stays_near(matrix: NDArray[np.float64], grid: Size) -> bool:
    centre = np.array([grid.width / 2, grid.height / 2])
    moved = matrix[:, :2] @ centre + matrix[:, 2] - centre
    return float(np.hypot(*moved)) < _MAX_SHIFT * grid.longest


def _in_shares(matrix: NDArray[np.float64], grid: Size) -> NDArray[np.float64]:
    """Return a map of the grid's pixels, whose centres are whole numbers, as one of shares."""
    sides = np.array([grid.width, grid.height], np.float64)
    turn = matrix[:, :2] * sides / sides[:, None]
    offset = (matrix[:, 2] + 0.5 - matrix[:, :2] @ np.array([0.5, 0.5])) / sides
    return np.hstack([turn, offset[:, None]])


def _warp(tracks: _Tracks, found: Similarity) -> F32:
    """Return the mean of what is left of the corners' ways round each cell, in shares (h, w, 2)."""
    grid, cells = tracks.grid, tracks.grid.within(_WARP_CELLS)
    here, there = (points[found.agreeing] for points in (tracks.here, tracks.there))
    matrix = found.affine
    sides = np.array([grid.width, grid.height])
    left = (there - (here @ matrix[:, :2].T + matrix[:, 2])) / sides
    sums = np.zeros((cells.height, cells.width, 3), np.float32)
    columns, rows = ((here + 0.5) / sides * (cells.width, cells.height)).astype(int).T
    np.add.at(sums, (rows, columns), np.column_stack([left, np.ones(len(left))]))
    near: F32 = cv2.GaussianBlur(sums, (0, 0), _NEIGHBOURS, borderType=cv2.BORDER_CONSTANT)
    near *= np.float32(2 * np.pi * _NEIGHBOURS**2)  # a corner in its own cell weighs one
    weight = near[..., 2]
    mean: F32 = (near[..., :2] / np.maximum(weight, _TINY)[..., None]).astype(np.float32)
    trust = weight / (weight + np.float32(_WARP_REACH))
    out: F32 = push_pull(mean, weight) * trust[..., None]
    return out
