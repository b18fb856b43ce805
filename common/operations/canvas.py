"""Canvases: where the photo stands on the larger picture, and in which steps that is painted.

Integer maths, no pixels.  The photo is moved, never resampled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import pairwise

from common.errors import BadOptions
from common.geometry import Anchor, Box, Placement, Size, canvas_of_ratio, place, refuse_vast, whole
from common.operations.options import ExpandOptions

MAX_GROWTH = 25  # canvas pixels over the photo's: beyond this the model would invent it all

STEP = 2.0  # canvas over what is known of it: with more to invent, models lose scale and scene
LEEWAY = 1.15  # by which a step may be larger, where that gives it a ratio that models draw
_WIDE = (1.0, 5 / 4, 4 / 3, 3 / 2, 16 / 9, 21 / 9, 4.0, 8.0)
RATIOS = (*_WIDE, 9 / 16, 2 / 3, 3 / 4, 4 / 5, 1 / 4, 1 / 8)  # that models draw without a border
LONGEST_SHOWN = 3072  # px: models draw at most 4096 of a side, and in floats that is too much

_SEARCH = 40  # halvings of an interval: more than a pixel of the largest canvas needs


# --- where the photo stands -----------------------------------------------------------------------


def placement_for(photo: Size, options: ExpandOptions, subject: Box | None = None) -> Placement:
    """Return the canvas that the options ask for, and the photo's frame on it.

    Parameters
    ----------
    subject
        The subject's box in the photo; needed for `fill` and for nothing else.

    Raises
    ------
    BadOptions
        The canvas would be smaller than the photo on some side, or absurdly larger.
    """
    if options.fill is not None and subject is not None:
        placement = _filled(photo, subject, options.fill, options.aspect, options.anchor)
    elif options.margin is not None:
        placement = _with_margins(photo, options.margin)
    elif options.size is not None:
        placement = place(photo, options.size, options.anchor)
    else:
        canvas = canvas_of_ratio(photo, options.aspect or photo.ratio)
        placement = place(photo, canvas, options.anchor)
    refuse_vast(placement.canvas)
    if placement.canvas.pixels > MAX_GROWTH * photo.pixels:
        raise BadOptions(
            f"A canvas of {placement.canvas} is over {MAX_GROWTH} times the photo of {photo}.",
            advice="Expand by less, or in several rounds.",
        )
    return placement


def around(boxes: Sequence[Box]) -> Box | None:
    """Return the smallest box around all boxes; None around none."""
    return reduce(Box.union, boxes) if boxes else None


def share_of(subject: Box, canvas: Size) -> float:
    """Return the subject's share of a canvas, of width or height, whichever it fills more."""
    return max(subject.width / canvas.width, subject.height / canvas.height)


def _filled(
    photo: Size, subject: Box, share: float, aspect: float | None, anchor: Anchor
) -> Placement:
    """Return the smallest canvas of a ratio that holds the photo and shows enough room around.

    The subject stands in the middle, or as near to it as the whole photo allows; on an axis that
    the anchor names the photo stands at that border.
    """
    ratio = aspect or photo.ratio
    wanted = max(subject.height / share, subject.width / share / ratio)
    height = max(wanted, photo.height, photo.width / ratio)
    canvas = Size(max(photo.width, math.ceil(height * ratio - 1e-6)), math.ceil(height - 1e-6))
    anchored = place(photo, canvas, anchor).frame
    top, left = anchored.top, anchored.left
    if not _names(anchor, "top", "bottom"):
        top = _centred(subject.top + subject.bottom, photo.height, canvas.height)
    if not _names(anchor, "left", "right"):
        left = _centred(subject.left + subject.right, photo.width, canvas.width)
    return Placement(canvas, whole(photo).moved(top, left))


def _names(anchor: Anchor, *sides: str) -> bool:
    return any(side in anchor for side in sides)


def _centred(ends: int, photo: int, canvas: int) -> int:
    """Return where the photo starts so that a subject (sum of its ends) is in the middle."""
    return min(max((canvas - ends) // 2, 0), canvas - photo)


def _with_margins(photo: Size, margin: tuple[str, str, str, str]) -> Placement:
    sides = (photo.height, photo.width, photo.height, photo.width)
    top, right, bottom, left = (
        _pixels(length, side) for length, side in zip(margin, sides, strict=True)
    )
    canvas = Size(photo.width + left + right, photo.height + top + bottom)
    return Placement(canvas, whole(photo).moved(top, left))


def _pixels(length: str, side: int) -> int:
    if length.endswith("%"):
        return round(float(length[:-1]) / 100 * side)
    return int(length)


# --- what the model is shown ----------------------------------------------------------------------


def shown(placement: Placement, longest: int = LONGEST_SHOWN) -> Placement:
    """Return the placement shrunk to what a model can see; the frame is rounded inwards."""
    canvas, frame = placement.canvas, placement.frame
    small = canvas.within(longest)
    if small == canvas:
        return placement
    down, across = small.height / canvas.height, small.width / canvas.width
    top, left = math.ceil(frame.top * down), math.ceil(frame.left * across)
    bottom, right = math.floor(frame.bottom * down), math.floor(frame.right * across)
    return Placement(small, Box(top, left, max(bottom, top + 1), max(right, left + 1)))


# --- in which steps it is painted -----------------------------------------------------------------


def steps(placement: Placement) -> tuple[Placement, ...]:
    """Return the canvases to paint one after the other, each with the one before in its frame.

    The first frame holds the photo, the last canvas is the whole.  No step is more than `STEP`
    times what is known (`LEEWAY` over that where it meets a ratio that models draw), so that a
    model never has to invent far more than it sees.
    """
    boxes = [*_nested(placement)]
    return tuple(
        Placement(outer.size, inner.moved(-outer.top, -outer.left))
        for inner, outer in pairwise(boxes)
    )


def _nested(placement: Placement) -> Iterator[Box]:
    """Give boxes on the canvas from the photo's frame to the whole canvas."""
    here, end = placement.frame, whole(placement.canvas)
    yield here
    while here.area * STEP * LEEWAY < end.area:
        count = math.ceil(math.log(end.area / here.area) / math.log(STEP * LEEWAY))
        area = here.area * (end.area / here.area) ** (1 / count)
        here = _drawable(here, end, _between(here, end, _share_for(here, end, area)))
        yield here
    yield end


def _between(inner: Box, outer: Box, share: float) -> Box:
    """Return the box at a share of the way; all four borders arrive together."""
    return Box(
        inner.top - round((inner.top - outer.top) * share),
        inner.left - round((inner.left - outer.left) * share),
        inner.bottom + round((outer.bottom - inner.bottom) * share),
        inner.right + round((outer.right - inner.right) * share),
    )


def _share_for(inner: Box, outer: Box, area: float) -> float:
    """Return the share of the way at which a box has an area."""
    low, high = 0.0, 1.0
    for _ in range(_SEARCH):
        middle = (low + high) / 2
        low, high = (middle, high) if _between(inner, outer, middle).area < area else (low, middle)
    return high


def _drawable(here: Box, end: Box, step: Box) -> Box:
    """Return the step with the nearest ratio that models draw, where one lies near enough."""
    found = [
        box
        for ratio in RATIOS
        if (box := _of_ratio(here, end, ratio)) and _is_near(here.area, step.area, box.area)
    ]
    return min(found, key=lambda box: abs(math.log(box.area / step.area)), default=step)


def _is_near(known: int, wanted: int, area: int) -> bool:
    return wanted / LEEWAY <= area <= min(wanted * LEEWAY, known * STEP * LEEWAY)


def _of_ratio(here: Box, end: Box, ratio: float) -> Box | None:
    """Return the box between two that has a ratio, if there is one."""
    wider, higher = end.width - here.width, end.height - here.height
    slope = wider - ratio * higher
    if abs(slope) < 1:  # the ratio hardly changes on the way
        return None
    share = (ratio * here.height - here.width) / slope
    return _between(here, end, share) if 0 < share < 1 else None
