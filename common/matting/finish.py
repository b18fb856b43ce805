"""The photo's full size: the edge band is worked out there, tile by tile, all else is copied.

What the render knows is smooth and comes at the render's size; what only the photo knows, its fine
edges and its colour, is taken at the photo's own.  Only tiles that hold an edge are computed, in
floats; the rest of a large photo is never more than bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import numpy as np

from common.fields import as_bytes, as_float, enlarged, put
from common.geometry import Box, Part, Size
from common.image import OPAQUE, U8
from common.matting.guided import Layers, source_colour, updated_alpha
from common.matting.keys import turned, turned_field
from common.matting.light import Light

_TILE = 512  # px: small enough for the cache, large enough that margins are cheap


def finished(photo: U8, layers: Layers, light: Light) -> tuple[U8, U8]:
    """Return straight colour (H, W, 3) and alpha (H, W) at the photo's size, as bytes.

    Where alpha is 255 the colour is the photo's own bytes; where it is 0 the colour is black.

    Parameters
    ----------
    photo
        uint8 RGB (H, W, 3), not turned.
    layers
        At the working size: at most the photo's.
    light
        In which the photo's edges were mixed.
    """
    height, width = photo.shape[:2]
    whole = layers.part.scaled_to(Size(width, height))
    reach = max(1, ceil(width / layers.part.size.width))
    rgb = np.zeros_like(photo)
    alpha = np.zeros((height, width), np.uint8)
    for tile in _tiles(whole.box):
        wide = tile.widened(reach + 2, whole.size).intersection(whole.box) or tile
        part = Part(wide, whole.size)
        first = enlarged(layers.alpha, layers.part, part)
        if first.max() <= 0:
            continue
        if first.min() >= 1:
            rgb[tile.slices], alpha[tile.slices] = photo[tile.slices], OPAQUE
            continue
        colour, cover = _finished_tile(photo[wide.slices], layers.within(part), reach, light)
        inner = tile.moved(-wide.top, -wide.left).slices
        rgb[tile.slices], alpha[tile.slices] = colour[inner], cover[inner]
    return rgb, alpha


def _finished_tile(photo: U8, part: Layers, reach: int, light: Light) -> tuple[U8, U8]:
    pixels = as_float(turned(photo, light.key))
    exact = updated_alpha(pixels, part, reach, light)
    colour = as_bytes(turned_field(source_colour(pixels, part, exact), light.key))
    alpha = as_bytes(exact)
    put(photo, alpha == OPAQUE, into=colour)
    put(np.zeros_like(colour), alpha == 0, into=colour)
    return colour, alpha


def _tiles(box: Box) -> Iterator[Box]:
    for top in range(box.top, box.bottom, _TILE):
        for left in range(box.left, box.right, _TILE):
            yield Box(top, left, min(top + _TILE, box.bottom), min(left + _TILE, box.right))
