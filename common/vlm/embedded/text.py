"""Lines of writing, found by PaddleOCR's detector; where they stand, not what they say."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from common.geometry import Box, Size
from common.image import F32, U8
from common.vlm.base import Sensitivity
from common.vlm.embedded.net import Net, as_batch


@dataclass(frozen=True)
class Line:
    """One line of writing: its box in pixels, and how sure the finder is, 0..1."""

    box: Box
    confidence: float


TextFinder = Callable[[U8], tuple[Line, ...]]

_LONGEST = 1280  # of the scanned picture: letters of a hundredth of the picture stay legible
_PIXELS = 960_000  # of the scanned picture: the network's memory, about 300 MB, grows with them
_LEAST = 736  # of its shorter side: the detector was trained on letters of 10 pixels and more
_POSTER = 2000  # longest side from which quarters are scanned as well, for the small print
_QUARTER = 9 / 16  # of a side: quarters overlap by an eighth, so that no short line is halved
_STRIDE = 32  # the network halves its input five times
_UNCLIP = 1.6  # the network is trained to shrink lines; this much of area over perimeter undoes it
_THINNEST = 3.0  # pixels of the scanned picture
_BULKY = 80.0  # pixels of the scanned picture: what is thicker must be as long as a line and sure,
_SQUAT = 2.0  # for where no writing is the network takes large shapes and bare walls for a block


@dataclass(frozen=True)
class Bars:
    """Probabilities that must be reached.

    Attributes
    ----------
    ink
        Above it a pixel belongs to a line.
    sure
        Mean inside the rectangle of a line; shapes mistaken for writing fill it badly.
    sure_of_bulk
        The same of what is bulky.
    """

    ink: float
    sure: float
    sure_of_bulk: float


BARS: dict[Sensitivity, Bars] = {
    "low": Bars(0.3, 0.75, 0.85),
    "normal": Bars(0.3, 0.6, 0.75),
    "high": Bars(0.2, 0.4, 0.65),
}


def net_text(net: Net, sensitivity: Sensitivity = "normal") -> TextFinder:
    """Return the finder that reads the network's probability map.

    References
    ----------
    Liao, Wan, Yao, Chen, Bai: Real-time Scene Text Detection with Differentiable Binarization
    (2020).
    """

    def scan(rgb: U8) -> tuple[Line, ...]:
        size = Size(rgb.shape[1], rgb.shape[0])
        scanned = scan_size(size)
        how = cv2.INTER_AREA if scanned.width < size.width else cv2.INTER_LINEAR
        small: U8 = cv2.resize(rgb, (scanned.width, scanned.height), interpolation=how)
        ink = net(as_batch(small, (0.5,) * 3, (0.5,) * 3, 255.0))[0, 0]
        return tuple(lines_in(ink, size, BARS[sensitivity]))

    return lambda rgb: _with_small_print(rgb, scan)


def _with_small_print(rgb: U8, scan: TextFinder) -> tuple[Line, ...]:
    """Return the lines of the whole picture, and of a poster those its quarters alone show."""
    lines = list(scan(rgb))
    height, width = rgb.shape[:2]
    if max(height, width) < _POSTER:
        return tuple(lines)
    for quarter in _quarters(height, width):
        for line in scan(rgb[quarter.slices]):
            moved = replace(line, box=line.box.moved(quarter.top, quarter.left))
            if not any(_mostly_inside(moved.box, other.box) for other in lines):
                lines.append(moved)
    return tuple(lines)


def _quarters(height: int, width: int) -> list[Box]:
    tall, wide = math.ceil(height * _QUARTER), math.ceil(width * _QUARTER)
    corners = ((top, left) for top in (0, height - tall) for left in (0, width - wide))
    return [Box(top, left, top + tall, left + wide) for top, left in corners]


def _mostly_inside(box: Box, other: Box) -> bool:
    common = box.intersection(other)
    return common is not None and 2 * common.area > min(box.area, other.area)


def scan_size(size: Size) -> Size:
    """Return the size at which a picture is scanned: small ones enlarged, sides in 32s."""
    shorter = min(size.width, size.height)
    affordable = min(_LONGEST / size.longest, math.sqrt(_PIXELS / size.pixels))
    scale = min(max(_LEAST / shorter, 1.0), affordable)
    return Size(_in_strides(size.width * scale), _in_strides(size.height * scale))


def _in_strides(side: float) -> int:
    return max(_STRIDE, round(side / _STRIDE) * _STRIDE)


def lines_in(ink: F32, size: Size, bars: Bars = BARS["normal"]) -> Iterator[Line]:
    """Yield the lines of a probability map (h, w) in pixels of a picture of `size`.

    Each contour's smallest rectangle is grown by ``area * 1.6 / perimeter`` on every side.
    """
    mask = (ink > bars.ink).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        centre, (width, height), angle = cv2.minAreaRect(contour)
        if not _could_be_a_line(width, height):
            continue
        confidence = _mean_inside(ink, cv2.boxPoints((centre, (width, height), angle)))
        if confidence < (bars.sure if min(width, height) <= _BULKY else bars.sure_of_bulk):
            continue
        grow = _UNCLIP * width * height / (width + height)
        corners = cv2.boxPoints((centre, (width + grow, height + grow), angle))
        box = _covering(corners, Size(ink.shape[1], ink.shape[0]), size)
        if box is not None:
            yield Line(box, confidence)


def _could_be_a_line(width: float, height: float) -> bool:
    thin, long = sorted((width, height))
    return thin >= _THINNEST and (thin <= _BULKY or long >= _SQUAT * thin)


def _mean_inside(ink: F32, corners: F32) -> float:
    inside = np.zeros(ink.shape, np.uint8)
    cv2.fillPoly(inside, [np.rint(corners).astype(np.int32)], 1)
    return float(ink[inside > 0].mean())


def _covering(corners: F32, scanned: Size, size: Size) -> Box | None:
    """Return the upright box round four corners (x, y), scaled to `size` and clamped."""
    across, down = size.width / scanned.width, size.height / scanned.height
    (left, top), (right, bottom) = corners.min(0), corners.max(0)
    rows = max(0, math.floor(top * down)), min(size.height, math.ceil(bottom * down))
    columns = max(0, math.floor(left * across)), min(size.width, math.ceil(right * across))
    if rows[1] <= rows[0] or columns[1] <= columns[0]:
        return None
    return Box(rows[0], columns[0], rows[1], columns[1])
