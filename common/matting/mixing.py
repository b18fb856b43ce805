"""The light a render's edges were mixed in, told by trying both on some of its edges.

Where hair or mesh was mixed in one light and is explained in the other, its pixels lie off the line
from backing to subject.  Only pixels with structure count: spill on a plain surface, and the shine
of a solid one, look like linear light and are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import log

import cv2
import numpy as np

from common.fields import as_float, mixture, total
from common.geometry import Box, Part, Size, whole
from common.image import F32, U8, Mask
from common.matting.backing import Backing
from common.matting.keyer import explained
from common.matting.keys import Key
from common.matting.light import Light

_WINDOWS, _WINDOW, _MARGIN = 3, 96, 12  # windows, px of each, px around it for the filters' support
_MIXED = (0.15, 0.85)  # alpha of pixels that show both
_STRUCTURE = 0.25  # change of alpha from a pixel to the next: hair, mesh, an outline
_ENOUGH = 300  # such pixels; fewer prove nothing
_NOTHING = 1e-3  # a miss below this is none

# log of how much better linear light must explain.  A solid subject is never asked, and glass never
# answers: both have few such edges.
_LEAST_EVIDENCE = {"fine": 0.25, "": 0.5}


def light_of(render: U8, backing: Backing, alpha: F32, key: Key, material: str) -> Light:
    """Return the light in which the edges of a render are explained best.

    Parameters
    ----------
    render
        uint8 (H, W, 3), turned as `key` says.
    backing
        Of the render.
    alpha
        float32 (h, w), a first alpha of the render at any size: where to look.
    material
        ``opaque``, ``translucent``, ``fine``, or empty where unknown.
    """
    display = Light(key, is_linear=False)
    windows = list(_windows(alpha, Size(render.shape[1], render.shape[0])))
    if material not in _LEAST_EVIDENCE or not windows:
        return display
    linear = Light(key, is_linear=True)
    lights = (display, linear)
    first = _missed_in(render, backing, windows[:1], lights)
    if _evidence(*first) <= 0:  # where the densest window speaks against it, the rest need not
        return display
    rest = _missed_in(render, backing, windows[1:], lights)
    found = [np.concatenate(pair) for pair in zip(first, rest, strict=True)]
    is_enough = min(len(miss) for miss in found) >= _ENOUGH
    return linear if is_enough and _evidence(*found) > _LEAST_EVIDENCE[material] else display


def _evidence(miss: F32, miss_linear: F32) -> float:
    """Return the log of how much better linear light explains than display values do."""
    if not len(miss) or not len(miss_linear):
        return 0.0
    return log((np.median(miss) + _NOTHING) / (np.median(miss_linear) + _NOTHING))


def _windows(alpha: F32, size: Size) -> Iterator[Box]:
    """Give the windows of a picture of `size` that hold most edges, by its small alpha."""
    scale = size.width / alpha.shape[1]
    side = max(1, round(_WINDOW / scale))
    edges = _has_structure(alpha).astype(np.float32)
    everything = whole(size)
    for _ in range(_WINDOWS):
        found: F32 = cv2.boxFilter(edges, -1, (side, side), borderType=cv2.BORDER_CONSTANT)
        _, most, _, (column, row) = cv2.minMaxLoc(found)
        if most <= 0:
            return
        top, left = max(0, row - side // 2), max(0, column - side // 2)
        edges[top : top + side, left : left + side] = 0
        corner = (round(top * scale), round(left * scale))
        yield Box(0, 0, _WINDOW, _WINDOW).moved(*corner).intersection(everything) or everything


def _has_structure(alpha: F32) -> Mask:
    """Tell which pixels show both subject and backing, and another share beside them."""
    change: F32 = cv2.morphologyEx(alpha, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    out: Mask = (alpha > _MIXED[0]) & (alpha < _MIXED[1]) & (change > _STRUCTURE)
    return out


def _missed_in(
    render: U8, backing: Backing, windows: list[Box], lights: tuple[Light, Light]
) -> list[F32]:
    """Return how far the edges in some windows are off what explains them, (n,), in each light."""
    nothing = np.empty(0, np.float32)
    return [
        np.concatenate([nothing, *(_missed(render, backing, box, light) for box in windows)])
        for light in lights
    ]


def _missed(render: U8, backing: Backing, box: Box, light: Light) -> F32:
    size = Size(render.shape[1], render.shape[0])
    wide = box.widened(_MARGIN, size)
    inner = box.moved(-wide.top, -wide.left).slices
    pixels = as_float(render[wide.slices])
    behind = light.of(backing.over(Part(wide, size)))
    told = explained(light.of(pixels), behind)
    mixed = np.clip(mixture(told.alpha, told.colour, behind), 0, 1)
    off = light.shown(mixed) - pixels
    miss: F32 = np.sqrt(total(off * off))[inner][_has_structure(told.alpha)[inner]]
    return miss
