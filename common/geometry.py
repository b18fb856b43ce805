"""Sizes, boxes and placements: integer maths, no pixels.

Two coordinate systems meet here and nowhere else:

- ``box_2d``: ``(ymin, xmin, ymax, xmax)`` in 0..1000 relative to the picture, as vision models
  answer and users write, so that every resolution crops alike;
- `Box`: half-open pixels ``[top, bottom) x [left, right)``, as arrays are sliced.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from common.errors import BadBox, BadOptions

RELATIVE = 1000
MAX_SIDE = 65_500  # the largest side JPEG and WebP writers and the decoders behind them agree on

MAX_CANVAS = 100_000_000  # pixels of a picture the studio makes: larger ones outgrow a function

Box2d = tuple[int, int, int, int]


@dataclass(frozen=True, order=True)
class Size:
    """Width and height of a picture in pixels, both at least 1."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if not (0 < self.width <= MAX_SIDE and 0 < self.height <= MAX_SIDE):
            raise BadOptions(
                f"A picture of {self.width} x {self.height} pixels cannot be made.",
                advice=f"Each side must lie in 1..{MAX_SIDE}.",
            )

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    @property
    def ratio(self) -> float:
        """Width over height."""
        return self.width / self.height

    @property
    def longest(self) -> int:
        """The longer side."""
        return max(self.width, self.height)

    def scaled(self, factor: float) -> Size:
        """Return this size times `factor`, rounded, never below one pixel."""
        return Size(max(1, round(self.width * factor)), max(1, round(self.height * factor)))

    def within(self, longest: int) -> Size:
        """Return the size shrunk, never grown, so that its longer side is at most `longest`."""
        return self if self.longest <= longest else self.scaled(longest / self.longest)


@dataclass(frozen=True)
class Box:
    """A half-open rectangle of pixels; never empty."""

    top: int
    left: int
    bottom: int
    right: int

    def __post_init__(self) -> None:
        if self.bottom <= self.top or self.right <= self.left:
            raise BadBox(f"The box {self} is empty.")

    def __str__(self) -> str:
        return f"{self.top},{self.left},{self.bottom},{self.right}"

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def size(self) -> Size:
        """Width and height."""
        return Size(self.width, self.height)

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index an array ``(H, W, ...)``."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def moved(self, down: int, right: int) -> Box:
        """Return the box shifted by whole pixels."""
        return Box(self.top + down, self.left + right, self.bottom + down, self.right + right)

    def widened(self, margin: int, size: Size) -> Box:
        """Return the box with `margin` pixels on every side, as far as a picture of `size` goes."""
        return Box(
            max(0, self.top - margin),
            max(0, self.left - margin),
            min(size.height, self.bottom + margin),
            min(size.width, self.right + margin),
        )

    def in_steps(self, step: int, size: Size) -> Box:
        """Return a box around this one with sides that `step` divides, where `size` has room."""
        top, bottom = _in_steps(self.top, self.bottom, step, size.height)
        left, right = _in_steps(self.left, self.right, step, size.width)
        return Box(top, left, bottom, right)

    def intersection(self, other: Box) -> Box | None:
        """Return what both boxes cover, or None."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        bottom, right = min(self.bottom, other.bottom), min(self.right, other.right)
        return Box(top, left, bottom, right) if bottom > top and right > left else None

    def union(self, other: Box) -> Box:
        """Return the smallest box that covers both."""
        return Box(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )


def _in_steps(start: int, end: int, step: int, limit: int) -> tuple[int, int]:
    """Return a range of 0..limit that holds another and that `step` divides, or that other."""
    length = -(-(end - start) // step) * step
    if length > limit:
        return start, end
    start = min(start, limit - length)
    return start, start + length


@dataclass(frozen=True)
class Part:
    """A part of a picture: a box of a picture of `size`."""

    box: Box
    size: Size

    @staticmethod
    def all_of(size: Size) -> Part:
        """Return the whole picture."""
        return Part(whole(size), size)

    def scaled_to(self, size: Size) -> Part:
        """Return the same part of the picture at another size, covering."""
        across, down = size.width / self.size.width, size.height / self.size.height
        box = Box(
            math.floor(self.box.top * down),
            math.floor(self.box.left * across),
            min(size.height, math.ceil(self.box.bottom * down)),
            min(size.width, math.ceil(self.box.right * across)),
        )
        return Part(box, size)


def whole(size: Size) -> Box:
    """Return the box of the whole picture."""
    return Box(0, 0, size.height, size.width)


def overlap(a: Box, b: Box) -> float:
    """Return intersection over union in 0..1."""
    common = a.intersection(b)
    return 0.0 if common is None else common.area / (a.area + b.area - common.area)


def refuse_vast(canvas: Size, field: str | None = None) -> None:
    """Refuse a canvas that is too large to be painted in memory.

    Raises
    ------
    BadOptions
        It has more than `MAX_CANVAS` pixels.
    """
    if canvas.pixels > MAX_CANVAS:
        raise BadOptions(
            f"A canvas of {canvas} has more than {MAX_CANVAS / 1e6:g} megapixels.",
            advice="Ask for a smaller one.",
            field=field,
        )


# --- relative coordinates -------------------------------------------------------------------------


def normal_box_2d(values: Sequence[float]) -> Box2d:
    """Make a tidy ``box_2d`` of four numbers as people and models write them.

    All of them in 0..1 are read as a 0-1 scale.  Each axis is sorted, clamped to 0..1000 and
    widened outwards to whole thousandths.

    Raises
    ------
    BadBox
        Not four finite numbers, or nothing is left inside the picture.
    """
    numbers = _finite(values)
    if all(0 <= number <= 1 for number in numbers):
        numbers = [number * RELATIVE for number in numbers]
    return _tidy(numbers)


def box_from_2d(box_2d: Sequence[float], size: Size) -> Box:
    """Return the smallest pixel box of a picture of `size` that covers `box_2d`.

    The numbers are thousandths, whatever they are: a scale is guessed once, at the door, or else
    the thousandth in the corner, ``(0, 0, 1, 1)``, would become the whole picture.

    Raises
    ------
    BadBox
        Not four finite numbers, or nothing is left inside the picture.
    """
    ymin, xmin, ymax, xmax = _tidy(_finite(box_2d))
    top, bottom = _covering(
        ymin * size.height / RELATIVE, ymax * size.height / RELATIVE, size.height
    )
    left, right = _covering(xmin * size.width / RELATIVE, xmax * size.width / RELATIVE, size.width)
    return Box(top, left, bottom, right)


def box_to_2d(box: Box, size: Size) -> Box2d:
    """Return the smallest ``box_2d`` that covers `box` of a picture of `size`.

    Raises
    ------
    BadBox
        The box lies outside the picture.
    """
    return _tidy(
        [
            box.top * RELATIVE / size.height,
            box.left * RELATIVE / size.width,
            box.bottom * RELATIVE / size.height,
            box.right * RELATIVE / size.width,
        ]
    )


def _finite(values: Sequence[float]) -> list[float]:
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError, OverflowError):  # JSON knows integers that no float holds
        numbers = []
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise BadBox("A box needs four finite numbers.")
    return numbers


def _tidy(numbers: Sequence[float]) -> Box2d:
    y0, x0, y1, x1 = numbers
    ymin, ymax = _covering(min(y0, y1), max(y0, y1), RELATIVE)
    xmin, xmax = _covering(min(x0, x1), max(x0, x1), RELATIVE)
    if ymax <= ymin or xmax <= xmin:
        raise BadBox(f"The box {', '.join(f'{n:g}' for n in numbers)} has no area in the picture.")
    return ymin, xmin, ymax, xmax


def _covering(low: float, high: float, limit: int) -> tuple[int, int]:
    """Round an interval outwards to integers, forgiving float noise, and clamp it to 0..limit."""
    noise = 1e-6
    return (
        min(max(math.floor(low + noise), 0), limit),
        max(min(math.ceil(high - noise), limit), 0),
    )


# --- crops ----------------------------------------------------------------------------------------


def with_margin(box: Box, size: Size, share: float, least: int = 0) -> Box:
    """Return `box` grown on every side by `share` of its longer side, kept inside the picture.

    Parameters
    ----------
    share
        Margin over the box's longer side, 0 or more.
    least
        The margin's lower bound in pixels.
    """
    margin = max(least, round(share * max(box.width, box.height)))
    return Box(
        max(0, box.top - margin),
        max(0, box.left - margin),
        min(size.height, box.bottom + margin),
        min(size.width, box.right + margin),
    )


# --- canvases -------------------------------------------------------------------------------------


class Anchor(StrEnum):
    """Where the source stands on a larger canvas."""

    CENTER = "center"
    TOP = "top"
    BOTTOM = "bottom"
    LEFT = "left"
    RIGHT = "right"
    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"


@dataclass(frozen=True)
class Placement:
    """A canvas, and the frame of it in which the source stands, pixel for pixel."""

    canvas: Size
    frame: Box


def place(source: Size, canvas: Size, anchor: Anchor = Anchor.CENTER) -> Placement:
    """Place a source on a canvas at least as large.

    Raises
    ------
    BadOptions
        The canvas is smaller than the source on some side.
    """
    if canvas.width < source.width or canvas.height < source.height:
        raise BadOptions(
            f"A canvas of {canvas} cannot hold the photo of {source}.",
            advice="Ask for a size at least as large as the photo on both sides.",
            field="size",
        )
    top = _start(canvas.height - source.height, "top" in anchor, "bottom" in anchor)
    left = _start(canvas.width - source.width, "left" in anchor, "right" in anchor)
    return Placement(canvas, Box(top, left, top + source.height, left + source.width))


def _start(free: int, at_start: bool, at_end: bool) -> int:
    if at_start:
        return 0
    return free if at_end else free // 2


def canvas_of_ratio(source: Size, ratio: float) -> Size:
    """Return the smallest canvas of `ratio` (width over height) that holds `source`.

    Raises
    ------
    BadOptions
        The ratio is so far off that no picture file could hold the canvas.
    """
    if ratio >= source.ratio:
        return Size(max(source.width, round(source.height * ratio)), source.height)
    return Size(source.width, max(source.height, round(source.width / ratio)))


def fitted(size: Size, inside: Size) -> Size:
    """Return `size` scaled, up or down, to the largest of its ratio that fits `inside`."""
    scaled = size.scaled(min(inside.width / size.width, inside.height / size.height))
    return Size(min(scaled.width, inside.width), min(scaled.height, inside.height))


def ratio_error(a: Size, b: Size) -> float:
    """Return how far two ratios are apart: 0 for equal, .05 for five per cent."""
    return abs(math.log(a.ratio / b.ratio))
