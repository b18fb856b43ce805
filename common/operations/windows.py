"""Which windows of a picture a model is shown: each drawn at the model's native size, in few calls.

Integer maths, no pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations, pairwise

from common.geometry import Box, Size, with_margin

NATIVE = 1024  # longest side that models draw pixel for pixel; larger windows would be shrunk
MOST = 12  # windows of one picture: each is a call that is paid
CONTEXT = 1.0  # of a box's shorter side, a line's height: what the model sees around it
CONTEXT_PIXELS = (96, 192)  # less says too little of the surface, more only takes pixels away


@dataclass(frozen=True)
class Window:
    """A part of the picture, and what of the boxes is edited in it.

    Attributes
    ----------
    box
        In pixels of the picture.
    parts
        The boxes, or pieces of them, in pixels of the picture.
    owners
        For each part, the number of the box that it is a part of.
    """

    box: Box
    parts: tuple[Box, ...]
    owners: tuple[int, ...]

    def joined(self, other: Window) -> Window:
        """Return the window that does the work of both."""
        box = self.box.union(other.box)
        return Window(box, self.parts + other.parts, self.owners + other.owners)


def windows_around(boxes: Sequence[Box], size: Size) -> tuple[Window, ...]:
    """Plan the windows in which `boxes` are edited.

    Parameters
    ----------
    boxes
        Inside a picture of `size`.

    Returns
    -------
    Windows of at most `NATIVE` pixels a side, in reading order: as large as their parts with their
    context, no two of them so close that one would do.  A longer line is cut into pieces.  Larger
    are only the windows of what is large on both sides, which no model could redraw piece by piece,
    and those that keep the number at `MOST`.
    """
    windows = _shared(
        [
            Window(_with_context(piece, size), (piece,), (number,))
            for number, box in enumerate(boxes)
            for piece in _pieces(box)
        ]
    )
    while len(windows) > MOST:
        windows = _shared(_with_the_nearest_joined(windows))
    return tuple(sorted(windows, key=lambda window: (window.box.top, window.box.left)))


def one_window(boxes: Sequence[Box], size: Size, share: float, least: int) -> tuple[Window]:
    """Return the one window around all boxes, with a margin as in `with_margin`."""
    box = with_margin(reduce(Box.union, boxes), size, share, least)
    return (Window(box, tuple(boxes), tuple(range(len(boxes)))),)


def context(box: Box) -> int:
    """Return how many pixels around a box a model needs to see."""
    low, high = CONTEXT_PIXELS
    return min(max(round(CONTEXT * min(box.width, box.height)), low), high)


def _with_context(box: Box, size: Size) -> Box:
    return with_margin(box, size, 0, context(box))


def _pieces(box: Box) -> Iterator[Box]:
    """Cut a line that is too long for a window into equal pieces along its longer side."""
    room = NATIVE - 2 * context(box)
    shorter, longer = sorted((box.width, box.height))
    if shorter > room or longer <= room:
        yield box
        return
    count = math.ceil(longer / room)
    cuts = [number * longer // count for number in range(count + 1)]
    for start, end in pairwise(cuts):
        if box.width >= box.height:
            yield Box(box.top, box.left + start, box.bottom, box.left + end)
        else:
            yield Box(box.top + start, box.left, box.top + end, box.right)


def _shared(windows: list[Window]) -> list[Window]:
    """Join windows as long as one of the native size does the work of two."""
    done: list[Window] = []
    waiting = sorted(windows, key=lambda window: (window.box.top, window.box.left), reverse=True)
    while waiting:
        window = waiting.pop()
        near = [other for other in done if _does_for_both(window.box, other.box)]
        if not near:
            done.append(window)
            continue
        nearest = min(near, key=lambda other: other.box.union(window.box).area)
        done.remove(nearest)
        waiting.append(nearest.joined(window))  # larger now: it may reach a third
    return done


def _does_for_both(a: Box, b: Box) -> bool:
    union = a.union(b)
    return union in (a, b) or max(union.width, union.height) <= NATIVE


def _with_the_nearest_joined(windows: list[Window]) -> list[Window]:
    """Join the two windows whose common window is shrunk least."""
    first, second = min(combinations(windows, 2), key=lambda pair: _longest(*pair))
    rest = [window for window in windows if window is not first and window is not second]
    return [*rest, first.joined(second)]


def _longest(a: Window, b: Window) -> int:
    union = a.box.union(b.box)
    return max(union.width, union.height)
