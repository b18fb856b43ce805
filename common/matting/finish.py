"""The photo's full size: the edge band is worked out there, tile by tile, all else is copied.

What the render knows is smooth and comes at the render's size; what only the photo knows, its fine
edges and its colour, is taken at the photo's own.  Only tiles that hold an edge are computed, in
floats; the rest of a large photo is never more than bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import cv2
import numpy as np

from common.fields import as_bytes, as_float
from common.geometry import Box, Size
from common.image import F32, OPAQUE, U8
from common.matting.guided import Layers, source_colour, updated_alpha
from common.matting.keys import Key, turned, turned_field

_TILE = 512  # px: small enough for the cache, large enough that margins are cheap


def finished(photo: U8, layers: Layers, key: Key) -> tuple[U8, U8]:
    """Return straight colour (H, W, 3) and alpha (H, W) at the photo's size, as bytes.

    Where alpha is 255 the colour is the photo's own bytes; where it is 0 the colour is black.

    Parameters
    ----------
    photo
        uint8 RGB (H, W, 3), not turned.
    layers
        At the working size: at most the photo's.
    key
        How the layers are turned.
    """
    height, width = photo.shape[:2]
    size = Size(width, height)
    reach = max(1, ceil(width / layers.alpha.shape[1]))
    rgb = np.zeros_like(photo)
    alpha = np.zeros((height, width), np.uint8)
    for tile in _tiles(size):
        wide = _widened(tile, reach + 2, size)
        first = _enlarged(layers.alpha, wide, size)
        if first.max() <= 0:
            continue
        inner = tile.moved(-wide.top, -wide.left).slices
        if first.min() >= 1:
            rgb[tile.slices], alpha[tile.slices] = photo[tile.slices], OPAQUE
            continue
        part = Layers(
            first,
            _enlarged(layers.colour, wide, size),
            _enlarged(layers.behind, wide, size),
            _enlarged(layers.doubt, wide, size),
        )
        colour, cover = _finished_tile(photo[wide.slices], part, reach, key)
        rgb[tile.slices], alpha[tile.slices] = colour[inner], cover[inner]
    return rgb, alpha


def _finished_tile(photo: U8, part: Layers, reach: int, key: Key) -> tuple[U8, U8]:
    pixels = as_float(turned(photo, key))
    exact = updated_alpha(pixels, part, reach)
    colour = as_bytes(turned_field(source_colour(pixels, part, exact), key))
    alpha = as_bytes(exact)
    np.copyto(colour, photo, where=(alpha == OPAQUE)[..., None])
    colour[alpha == 0] = 0
    return colour, alpha


def _tiles(size: Size) -> Iterator[Box]:
    for top in range(0, size.height, _TILE):
        for left in range(0, size.width, _TILE):
            yield Box(top, left, min(top + _TILE, size.height), min(left + _TILE, size.width))


def _widened(box: Box, margin: int, size: Size) -> Box:
    return Box(
        max(0, box.top - margin),
        max(0, box.left - margin),
        min(size.height, box.bottom + margin),
        min(size.width, box.right + margin),
    )


def _enlarged(values: F32, box: Box, size: Size) -> F32:
    """Return the part `box` of a field enlarged to `size`, without enlarging the rest."""
    height, width = values.shape[:2]
    if (width, height) == (size.width, size.height):
        return values[box.slices]
    across, down = width / size.width, height / size.height
    matrix = np.array(
        [
            [across, 0, (box.left + 0.5) * across - 0.5],
            [0, down, (box.top + 0.5) * down - 0.5],
        ]
    )
    out: F32 = cv2.warpAffine(
        values,
        matrix,
        (box.width, box.height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return out
