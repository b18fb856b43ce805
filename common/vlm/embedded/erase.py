"""What is to go taken away: its pixels are a hole, and the hole becomes what surrounds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from common.fields import as_float
from common.geometry import Box, Size, whole, with_margin
from common.image import F32, U8, Mask
from common.vlm.embedded.fill import (
    Fill,
    Surface,
    inpainted,
    patchmatch,
    rehearsed,
    smooth_fill,
    surface_beside,
    textured_fill,
)

PATCHMATCH = "PatchMatch"
INPAINTING = "inpainting"

_CONTEXT = 1.0  # of a region's shorter side: how much of the surroundings is looked at
_CONTEXT_PIXELS = (32, 96)  # more would not be alike, and patches are sought in all of it
_LEAST_KNOWN = 0.15  # of the context: with less of it in sight nothing is known of the rest

_SMOOTH = 12 / 255  # roughness up to which what stands beside the strokes is one surface
_ALL_GONE = 0.8  # of a region: its strokes were not told apart, so its texture went with them
_BESIDE = 2  # pixels beside the hole where what was cut off still shows
_OTHER = 28 / 255  # distance from the surface that is certainly another thing
_THIN = 12.0  # px from the rim to the middle: farther in, a bridge between rims is a smear
_CUT = 0.5  # of a region's shorter side: a longer run of another thing passed under the writing
_TEXTURE = {  # whether PatchMatch is there -> its name, and the roughness beyond which it guesses
    True: (PATCHMATCH, 45 / 255),  # brick measures 30, fur 26..39, a face 55
    False: (INPAINTING, 20 / 255),
}


@dataclass(frozen=True, eq=False)
class Erasure:
    """The picture without what was to go, what filled it, and what speaks against trusting it."""

    rgb: U8
    methods: tuple[str, ...]
    doubts: tuple[str, ...]


def without(rgb: U8, regions: Sequence[Box], hole: Mask) -> Erasure:
    """Take away what stands in the hole.

    Parameters
    ----------
    rgb
        uint8 (H, W, 3); comes back unchanged but for the hole.
    regions
        Boxes inside the picture, one round each thing that is to go: each is filled by itself.
    hole
        bool (H, W): the pixels of what is to go, with their rims.
    """
    out, size = rgb.copy(), Size(rgb.shape[1], rgb.shape[0])
    holes = hole.copy()
    methods: list[str] = []
    busy = 0
    for region in regions:
        window = _context(region, holes, size)
        part = holes[window.slices]
        if not part.any() or part.all():
            busy += int(part.all())
            continue
        shorter = min(region.width, region.height)
        filled = _filled(out[window.slices], part, float(holes[region.slices].mean()), shorter)
        out[window.slices] = filled.rgb
        holes[window.slices] = False
        methods.append(filled.method)
        busy += filled.doubtful
    return Erasure(out, tuple(dict.fromkeys(methods)), _doubts(busy))


def _context(region: Box, holes: Mask, size: Size) -> Box:
    """Return the region with enough of its surroundings to fill it from."""
    margin = int(np.clip(round(_CONTEXT * min(region.width, region.height)), *_CONTEXT_PIXELS))
    window = with_margin(region, size, 0, margin)
    while window != whole(size) and (~holes[window.slices]).mean() < _LEAST_KNOWN:
        margin *= 2
        window = with_margin(region, size, 0, margin)
    return window


@dataclass(frozen=True, eq=False)
class _Filled:
    rgb: U8
    method: str
    doubtful: bool


def _filled(rgb: U8, hole: Mask, taken: float, shorter: int) -> _Filled:
    """Return the window with its hole filled in the way that suits what stands beside it.

    `taken` is the share of the region that is hole: of what is nearly all gone nothing is known.
    `shorter` is the region's shorter side.
    """
    surface = surface_beside(rgb, hole)
    if surface.roughness <= _SMOOTH:
        cut = _longest_cut(rgb, hole, surface) > _CUT * shorter
        return _Filled(smooth_fill(rgb, hole, surface), INPAINTING, doubtful=cut)
    method, busy = _TEXTURE[patchmatch() is not None]
    doubtful = surface.roughness > busy or taken > _ALL_GONE
    way = _textured_way(rgb, hole)
    return _Filled(way(rgb, hole), INPAINTING if way is inpainted else method, doubtful)


def _textured_way(rgb: U8, hole: Mask) -> Fill:
    """Return patches of the texture, or bridges from rim to rim where strokes are thin and suit."""
    deepest = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3).max()
    return textured_fill if deepest > _THIN else rehearsed(rgb, hole, (textured_fill, inpainted))


def _longest_cut(rgb: U8, hole: Mask, surface: Surface) -> float:
    """Return how long, in pixels, the hole's rim runs through one thing that is not the surface.

    A smooth surface may still have something on it that the hole cuts off: an arc, a cable.
    """
    kernel = np.ones((2 * _BESIDE + 1, 2 * _BESIDE + 1), np.uint8)
    beside = (cv2.dilate(hole.astype(np.uint8), kernel) > 0) & ~hole
    distance: F32 = np.abs(as_float(rgb) - surface.field).max(2)
    other = beside & (distance > _OTHER)
    labels = cv2.connectedComponents(other.astype(np.uint8))[1]
    return float(np.bincount(labels[other], minlength=1).max()) / _BESIDE


def _doubts(busy: int) -> tuple[str, ...]:
    if not busy:
        return ()
    places = "one place" if busy == 1 else f"{busy} places"
    return (f"In {places} the background is busy: look at what took the place of what is gone.",)
