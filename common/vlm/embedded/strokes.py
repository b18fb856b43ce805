"""Lines of writing without a network: rows of strong, close edges."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from common.geometry import Box, Size
from common.image import U8
from common.vlm.embedded.text import Line

_LONGEST = 1024  # of the picture in which edges are sought
_HALVINGS = 2  # large letters are found in smaller pictures
_BRIDGE = 11  # pixels between letters and words of one line, at the height the kernel suits
_LEAST_GRADIENT = 40  # levels; flatter pictures have no printed edge
_HEIGHTS = (7, 64)  # pixels of a line at which the kernels work
_LEAST_ASPECT = 1.5
_DENSITY = (0.25, 0.85)  # share of edge pixels in a line's box
_CONFIDENCE = 0.5  # of every line: rows of windows and fences look the same


def classical_text(rgb: U8) -> tuple[Line, ...]:
    """Return lines of writing, the larger first; neither small print nor slanted lines.

    Notes
    -----
    Morphological gradient, Otsu, closed along the row; a line is what is long, low, and neither
    empty nor solid inside.
    """
    size = Size(rgb.shape[1], rgb.shape[0])
    found: list[Box] = []
    for halving in reversed(range(_HALVINGS + 1)):
        scanned = size.within(_LONGEST).scaled(0.5**halving)
        scale = size.width / scanned.width
        for box in _rows(rgb, scanned):
            line = _enlarged(box, scale, size)
            if not any(line.intersection(other) for other in found):
                found.append(line)
    return tuple(Line(box, _CONFIDENCE) for box in found)


def _rows(rgb: U8, scanned: Size) -> Iterator[Box]:
    small = cv2.resize(rgb, (scanned.width, scanned.height), interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    round_kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    gradient = cv2.morphologyEx(gray, cv2.MORPH_GRADIENT, round_kernel)
    threshold, _ = cv2.threshold(gradient, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    edges = (gradient > max(threshold, _LEAST_GRADIENT)).astype(np.uint8)
    closed = cv2.morphologyEx(edges, cv2.MORPH_CLOSE, np.ones((1, _BRIDGE), np.uint8))
    contours, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        left, top, width, height = cv2.boundingRect(contour)
        density = float(edges[top : top + height, left : left + width].mean())
        if _is_a_line(width, height) and _DENSITY[0] < density < _DENSITY[1]:
            yield Box(top, left, top + height, left + width)


def _is_a_line(width: int, height: int) -> bool:
    return _HEIGHTS[0] <= height <= _HEIGHTS[1] and width >= _LEAST_ASPECT * height


def _enlarged(box: Box, scale: float, size: Size) -> Box:
    """Return the box in the picture's own pixels, with the rim that the small picture hides."""
    rim = scale + 1
    return Box(
        max(0, int(box.top * scale - rim)),
        max(0, int(box.left * scale - rim)),
        min(size.height, round(box.bottom * scale + rim)),
        min(size.width, round(box.right * scale + rim)),
    )
