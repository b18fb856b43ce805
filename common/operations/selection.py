"""What of a photo an edit may change: boxes of what is to go, and the pixels in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from common.composite import feather, grown
from common.errors import BadInput
from common.fields import as_float
from common.geometry import Box, Size, with_margin
from common.glyphs import glyph_mask, thing_mask
from common.image import F32, OPAQUE, U8, Image, Mask
from common.operations.windows import Window
from common.vlm.base import Sensitivity

DILATION = 0.04  # of a region's shorter side: anti-aliased rims and JPEG's ringing around strokes
FEATHER = 0.03  # of a region's shorter side
RADII = (2, 12)  # pixels, bounds of both
REACH: dict[Sensitivity, float] = {"low": 0.5, "normal": 1.0, "high": 2.0}  # times the dilation

HALF = OPAQUE // 2  # of a brought mask: lighter pixels are to go
_CELL = 24  # pixels: marks closer than that are one


@dataclass(frozen=True, eq=False)
class Selection:
    """Pixels of one window.

    Attributes
    ----------
    tight
        bool (h, w): what is to go.
    hole
        bool (h, w): `tight` with its rims, which nothing may be learned from.
    weight
        float32 (h, w): 1 where the edit is taken, 0 where the source stays.
    """

    tight: Mask
    hole: Mask
    weight: F32


Select = Callable[[U8, Window], Selection]  # a window's pixels, and the window


@dataclass(frozen=True, eq=False)
class Target:
    """What is to go and what is to stay, in pixels of the photo.

    Attributes
    ----------
    going, staying
        Boxes.
    select
        Finds the pixels that are to go inside the boxes.
    names
        What stands in each of the boxes that go, where it is known: writing in its own words.
    kept_names
        The same of writing that stays.
    """

    going: tuple[Box, ...]
    staying: tuple[Box, ...]
    select: Select
    names: tuple[str, ...] = ()
    kept_names: tuple[str, ...] = ()


def inside(window: Box, boxes: Sequence[Box]) -> Iterator[Box]:
    """Give the parts of `boxes` that lie in the window, in the window's own pixels."""
    for box in boxes:
        part = box.intersection(window)
        if part is not None:
            yield part.moved(-window.top, -window.left)


# --- ways to select -------------------------------------------------------------------------------


def strokes(sensitivity: Sensitivity = "normal") -> Select:
    """Select the strokes of writing inside the boxes."""
    return partial(_grown_from, glyph_mask, REACH[sensitivity])


def things(sensitivity: Sensitivity = "normal") -> Select:
    """Select what stands before its surface inside the boxes, all of a box where none is told."""
    return partial(_grown_from, thing_mask, REACH[sensitivity])


def whole_boxes(sensitivity: Sensitivity = "normal") -> Select:
    """Select all that stands in the boxes: who draws a region means what was drawn."""
    return partial(_grown_from, _boxes, REACH[sensitivity])


def mixed(graphics: Sequence[bool], sensitivity: Sensitivity) -> Select:
    """Select strokes, and of the boxes that are graphics, by number, the whole graphic."""

    def select(rgb: U8, window: Window) -> Selection:
        chosen = [
            _selected(rgb, window, of_kind, way)
            for of_kind, way in ((False, strokes(sensitivity)), (True, things(sensitivity)))
            if any(graphics[owner] == of_kind for owner in window.owners)
        ]
        return chosen[0] if len(chosen) == 1 else _both(*chosen)

    def _selected(rgb: U8, window: Window, of_kind: bool, way: Select) -> Selection:
        mine = [at for at, owner in enumerate(window.owners) if graphics[owner] == of_kind]
        parts = tuple(window.parts[at] for at in mine)
        return way(rgb, Window(window.box, parts, tuple(window.owners[at] for at in mine)))

    return select


def painted(mask: U8) -> Select:
    """Select what a mask (H, W) of the photo's size says: white goes, black stays, gray blends."""

    def select(rgb: U8, window: Window) -> Selection:
        del rgb
        levels = np.where(_boxes_of(window), mask[window.box.slices], 0).astype(np.uint8)
        return Selection(levels > HALF, levels > 0, as_float(levels))

    return select


def _grown_from(
    marked: Callable[[U8, Sequence[Box]], Mask], reach: float, rgb: U8, window: Window
) -> Selection:
    """Return the marked pixels with room for their rims, and a feather beyond it."""
    parts = tuple(inside(window.box, window.parts))
    tight = marked(rgb, parts)
    shorter = min(min(part.width, part.height) for part in parts)
    rim, fade = _radius(shorter, DILATION * reach), _radius(shorter, FEATHER)
    hole, weight = np.zeros_like(tight), np.zeros(tight.shape, np.float32)
    size = Size(tight.shape[1], tight.shape[0])
    for part in parts:  # by themselves: between them lies most of the window
        place = with_margin(part, size, 0, rim + fade + 1).slices
        near = grown(tight[place], rim)
        hole[place] |= near
        weight[place] = np.maximum(weight[place], feather(near, fade))
    return Selection(tight, hole, weight)


def _boxes(rgb: U8, boxes: Sequence[Box]) -> Mask:
    mask = np.zeros(rgb.shape[:2], bool)
    for box in boxes:
        mask[box.slices] = True
    return mask


def _boxes_of(window: Window) -> Mask:
    mask = np.zeros((window.box.height, window.box.width), bool)
    for part in inside(window.box, window.parts):
        mask[part.slices] = True
    return mask


def _both(one: Selection, other: Selection) -> Selection:
    return Selection(
        one.tight | other.tight, one.hole | other.hole, np.maximum(one.weight, other.weight)
    )


def _radius(shorter: int, share: float) -> int:
    return int(np.clip(round(shorter * share), *RADII))


# --- a mask that was brought ----------------------------------------------------------------------


def levels_of(mask: Image, size: Size) -> U8:
    """Return a mask picture's levels, uint8 (H, W), 255 where the photo is to be edited.

    Raises
    ------
    BadInput
        It has another size than the photo, or marks nothing.
    """
    if mask.size != size:
        raise BadInput(
            f"The mask has {mask.size} pixels, the photo {size}.",
            advice="Paint the mask over the photo at its full size: white goes, black stays.",
            field="mask",
        )
    levels: U8 = cv2.cvtColor(mask.rgb, cv2.COLOR_RGB2GRAY)
    if mask.alpha is not None:  # a layer that was painted: what is clear marks nothing
        levels = np.minimum(levels, mask.alpha)
    if not (levels > HALF).any():
        raise BadInput(
            "The mask marks nothing.",
            advice="Paint white what is to go; black stays byte for byte.",
            field="mask",
        )
    return levels


def marks_of(mask: Mask) -> tuple[Box, ...]:
    """Return boxes round what a mask marks, in whole cells; marks in cells that touch share one."""
    height, width = mask.shape
    rows, columns = -(-height // _CELL), -(-width // _CELL)
    padded = np.zeros((rows * _CELL, columns * _CELL), bool)
    padded[:height, :width] = mask
    cells = padded.reshape(rows, _CELL, columns, _CELL).any((1, 3)).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(cells)
    return tuple(
        Box(
            int(y) * _CELL,
            int(x) * _CELL,
            min(int(y + h) * _CELL, height),
            min(int(x + w) * _CELL, width),
        )
        for x, y, w, h, _ in stats[1:]
    )
