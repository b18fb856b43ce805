"""Outpainting: a render of a canvas brought onto the canvas round the photo, and nowhere else.

The photo's frame is never written.  The new area is painted tile by tile straight from the render,
so that a canvas costs its own bytes and little more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from common.composite import Tone, likeness, tone_between
from common.fields import as_bytes, as_float
from common.geometry import Box, Placement, Size
from common.image import F32, U8
from common.operations import grain
from common.operations.alignment import Alignment, align
from common.operations.canvas import shown
from common.operations.rim import Rim, sides_of
from common.renders import refuse_misshapen

BLANK = 128  # the canvas around the photo, as the model sees it

_LOOK, _GLANCE = 1024, 512  # px, longest sides at which places and tones are compared
_TILE, _WIDEST = 1 << 19, 1 << 13  # pixels painted at a time, and in a row of them
_LONGEST = 16_000  # px of a render's side: cv2.remap takes 32,767 at most
_LEVELS: U8 = np.arange(256, dtype=np.uint8).reshape(1, 256, 1)
_SEED = 0  # of the grain: the same canvas comes out the same


@dataclass(frozen=True, eq=False)
class Painting:
    """A canvas that is filled.

    Attributes
    ----------
    rgb
        uint8 (H, W, 3); the photo's own bytes inside its frame.
    alignment
        Correlation of the render with the photo where both show the same, -1..1.
    grain
        Deviation of the noise that was added to the new area, 0..1.
    """

    rgb: U8
    alignment: float
    grain: float = 0.0


def on_canvas(photo: U8, placement: Placement) -> U8:
    """Return the photo on a blank canvas."""
    canvas, frame = placement.canvas, placement.frame
    rgb = np.full((canvas.height, canvas.width, 3), BLANK, np.uint8)
    rgb[frame.slices] = photo
    return rgb


def painted(photo: U8, render: U8, placement: Placement) -> Painting:
    """Fill the canvas round the photo from a render of it.

    Parameters
    ----------
    photo
        uint8 (h, w, 3), of the frame's size.
    render
        uint8, any size, about the canvas's ratio; it shows the photo again, perhaps moved a little
        and in another tone.

    Raises
    ------
    UnfitRender
        See `common.renders.refuse_misshapen`.
    """
    refuse_misshapen(render, placement.canvas)
    rgb = on_canvas(photo, placement)
    if render.shape == rgb.shape and np.array_equal(render[placement.frame.slices], photo):
        for box in new_area(placement):
            rgb[box.slices] = render[box.slices]
        return Painting(rgb, 1.0)
    brush = _Brush.of(rgb, render, placement)
    added = grain.missing(_level_of_photo(photo), _level_of_render(brush, placement))
    frame = placement.frame
    rim = Rim.of(placement, [brush.error(photo, frame, side) for side in sides_of(frame)])
    random = np.random.default_rng(_SEED)
    for tile in _tiles(placement):
        values = brush.pixels(tile) + rim.carried_on(tile)
        if added:
            noise = random.standard_normal(values.shape[:2], dtype=np.float32)
            values += (noise * np.float32(added))[..., None]
        rgb[tile.slices] = as_bytes(values)
    return Painting(rgb, brush.alignment, added)


def new_area(placement: Placement) -> Iterator[Box]:
    """Give the rectangles of a canvas that the photo leaves: above, below, left and right of it."""
    canvas, frame = placement.canvas, placement.frame
    if frame.top > 0:
        yield Box(0, 0, frame.top, canvas.width)
    if frame.bottom < canvas.height:
        yield Box(frame.bottom, 0, canvas.height, canvas.width)
    if frame.left > 0:
        yield Box(frame.top, 0, frame.bottom, frame.left)
    if frame.right < canvas.width:
        yield Box(frame.top, frame.right, frame.bottom, canvas.width)


def _tiles(placement: Placement) -> Iterator[Box]:
    """Give the new area in pieces, so that no copy of it in floats is ever whole."""
    for box in new_area(placement):
        rows = max(1, _TILE // min(box.width, _WIDEST))
        for top in range(box.top, box.bottom, rows):
            for left in range(box.left, box.right, _WIDEST):
                bottom, right = min(top + rows, box.bottom), min(left + _WIDEST, box.right)
                yield Box(top, left, bottom, right)


@dataclass(frozen=True, eq=False)
class _Brush:
    """Paints any box of the canvas from the render: moved onto the photo, and in its tone.

    `levels` is float32 (1, 256, 3): what each level of each channel becomes, 0..1.
    """

    render: U8
    canvas: Size
    found: Alignment
    levels: F32
    alignment: float

    @staticmethod
    def of(rgb: U8, render: U8, placement: Placement) -> _Brush:
        """Compare the render with the photo on its canvas, both made small."""
        render = _shrunk(render, placement.canvas)
        look, glance = (shown(placement, longest) for longest in (_LOOK, _GLANCE))
        photo, seen = _shrunk(rgb, look.canvas), _shrunk(render, look.canvas)
        known = np.zeros(photo.shape[:2], np.bool_)
        known[look.frame.slices] = True
        found = align(seen, photo, known)
        moved = found.sampled(_shrunk(seen, glance.canvas), glance.canvas)
        tone, alignment = _compared(moved, _shrunk(photo, glance.canvas), glance.frame)
        levels = tone.of(as_float(np.repeat(_LEVELS, 3, axis=2)))
        return _Brush(render, placement.canvas, found, levels, alignment)

    def pixels(self, box: Box) -> F32:
        """Return what the render shows in a box of the canvas, float32 (h, w, 3)."""
        out: F32 = cv2.LUT(self.found.sampled(self.render, self.canvas, box), self.levels)
        return out

    def error(self, photo: U8, frame: Box, side: Box) -> F32:
        """Return how far the photo is from the render in a box of its frame, (h, w, 3)."""
        truth = photo[side.moved(-frame.top, -frame.left).slices]
        return as_float(truth) - self.pixels(side)


def _compared(render: U8, photo: U8, frame: Box) -> tuple[Tone, float]:
    """Return the tone that is missing inside the frame, and how alike both are in that tone."""
    edit, truth = as_float(render[frame.slices]), as_float(photo[frame.slices])
    everywhere = np.ones(truth.shape[:2], np.bool_)
    tone = tone_between(edit, truth, everywhere.astype(np.float32))
    return tone, likeness(as_bytes(tone.of(edit)), photo[frame.slices], everywhere)


# --- how noisy ------------------------------------------------------------------------------------


def _level_of_photo(photo: U8) -> float:
    size = Size(photo.shape[1], photo.shape[0])
    return grain.noise_level(photo[box.slices] for box in grain.patches(size))


def _level_of_render(brush: _Brush, placement: Placement) -> float:
    """Return how noisy the new area is as the render shows it."""
    return grain.noise_level(
        as_bytes(brush.pixels(patch.moved(box.top, box.left)))
        for box in new_area(placement)
        for patch in grain.patches(box.size)
    )


# --- sampling -------------------------------------------------------------------------------------


def _shrunk(pixels: U8, size: Size) -> U8:
    """Return the pixels no larger than `size` on either side, and than `cv2.remap` takes."""
    height, width = pixels.shape[:2]
    small = (min(width, size.width, _LONGEST), min(height, size.height, _LONGEST))
    if small == (width, height):
        return pixels
    out: U8 = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
    return out
