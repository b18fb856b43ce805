"""Figures of a picture that rules ask for: border, subject, blur.  Arrays in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from common.geometry import Box, Size
from common.image import F32, U8, Mask

_RING = 0.01  # of the shorter side: what counts as the picture's border

# Ground and subject.
_WORK = 1024  # px, longest side at which connected things are looked for
_EXACT = 2  # levels within which a ring is one colour but for a file format's rounding
_TOLERANCE_EXACT, _TOLERANCE_PLAIN = 6, 18  # levels from the ground at which the subject begins
_PLAIN = 16  # levels within which a plain ring lies, light falling off included
_PLAIN_SHARE = 0.98  # of the ring; the subject may touch the rest
_CRUMB = 0.002  # of the largest thing's area: noise is no subject

# Drawn borders.
_DEEPEST = 0.12  # of the shorter side: a drawn border is no wider
_STEP = 12.0  # levels across the border's inner edge
_STRAIGHT = 0.95  # share of the side along which the step runs
_SOLID = 10.0  # levels within which the border's own colour lies
_WHITE, _MAT = 240, 0.025  # a white band wider than this share is the ground a subject stands on

# Blur.
_LARGEST = 2048  # px of the middle that is looked at
_WEAKEST = 0.03  # gradient, of 1: noise makes weaker ones
_FEWEST = 60  # edge pixels below which nothing is said
_REBLUR = 1.0  # px
_OWN = 0.5  # px squared: variance that the gradient's own filter adds to every edge


# --- ground ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ground:
    """The picture's border.

    Attributes
    ----------
    colour
        Its median, 0..255.
    exact
        Share of its pixels that have exactly this colour, 0..1.
    farthest
        The colour in it that is farthest from the median.
    plain
        It is of one colour but for noise and falling light.
    flat
        It is of one colour but for a file format's rounding.
    """

    colour: tuple[int, int, int]
    exact: float
    farthest: tuple[int, int, int]
    plain: bool
    flat: bool


def ring_of(size: Size) -> int:
    """Return how many pixels from its sides a picture's border reaches."""
    return max(1, round(_RING * min(size.width, size.height)))


def ring(rgb: U8) -> U8:
    """Return the pixels of the border, uint8 (N, 3), of a picture uint8 (H, W, 3)."""
    deep = ring_of(Size(rgb.shape[1], rgb.shape[0]))
    sides = (rgb[:deep], rgb[-deep:], rgb[deep:-deep, :deep], rgb[deep:-deep, -deep:])
    return np.concatenate([side.reshape(-1, 3) for side in sides])


def ground_of(rgb: U8) -> Ground:
    """Measure the border of a picture, uint8 (H, W, 3)."""
    pixels = ring(rgb)
    median = np.rint(np.median(pixels, axis=0)).astype(np.int16)
    away = np.abs(pixels - median).max(1)
    return Ground(
        _colour(median),
        float((away == 0).mean()),
        _colour(pixels[int(away.argmax())]),
        plain=bool((away <= _PLAIN).mean() >= _PLAIN_SHARE),
        flat=bool((away <= _EXACT).mean() >= _PLAIN_SHARE),
    )


def share_of(rgb: U8, colour: tuple[int, int, int]) -> tuple[float, tuple[int, int, int]]:
    """Return the share of the border that has exactly a colour, and the one farthest from it."""
    pixels = ring(rgb)
    away = np.abs(pixels.astype(np.int16) - np.array(colour, np.int16)).max(1)
    return float((away == 0).mean()), _colour(pixels[int(away.argmax())])


def _colour(values: U8 | np.ndarray) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in values)
    return red, green, blue


# --- subject --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Subject:
    """Where the subject is.

    Attributes
    ----------
    box
        In pixels of the picture.
    mask
        bool, of the whole picture at a working size; None where only a box is known.
    """

    box: Box
    mask: Mask | None = None

    @property
    def share(self) -> float | None:
        """Its area over the picture's, 0..1; None where only a box is known."""
        return None if self.mask is None else float(self.mask.mean())


def against(rgb: U8, ground: Ground) -> Mask:
    """Return what stands out from a plain ground, bool (H, W), in a picture uint8 (H, W, 3)."""
    tolerance = _TOLERANCE_EXACT if ground.flat else _TOLERANCE_PLAIN
    low = tuple(float(max(0, value - tolerance)) for value in ground.colour)
    high = tuple(float(min(255, value + tolerance)) for value in ground.colour)
    same: U8 = cv2.inRange(rgb, low, high)
    other: Mask = same == 0
    return other


def subject_in(seen: Mask, writing: Sequence[Box] = ()) -> Subject | None:
    """Return the subject among what is seen, bool (H, W): all but crumbs and lines of writing.

    Parameters
    ----------
    writing
        Boxes of lines; a thing that lies in one is the subject only where there is nothing else.
    """
    size = Size(seen.shape[1], seen.shape[0])
    small = size.within(_WORK)
    shrunk: U8 = cv2.resize(
        seen.astype(np.uint8) * np.uint8(255),
        (small.width, small.height),
        interpolation=cv2.INTER_AREA,
    )
    scale = small.width / size.width
    mask = _main_things(shrunk >= 128, [_scaled(box, scale) for box in writing])
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if rows.size == 0:
        return None
    rough = (
        max(0, int(rows[0] / scale) - 2),
        max(0, int(columns[0] / scale) - 2),
        min(size.height, int(np.ceil((rows[-1] + 1) / scale)) + 2),
        min(size.width, int(np.ceil((columns[-1] + 1) / scale)) + 2),
    )
    return Subject(_tight(seen, Box(*rough)), mask)


def _main_things(seen: Mask, writing: list[tuple[float, float, float, float]]) -> Mask:
    """Return the connected things that are neither crumbs nor writing; all of them if that is all.

    Lines within the hull of what remains are print on the subject and stay in it.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        seen.astype(np.uint8), connectivity=8
    )
    areas = stats[:, cv2.CC_STAT_AREA]
    if count < 2:
        return seen
    large = [label for label in range(1, count) if areas[label] >= _CRUMB * areas[1:].max()]
    written = [label for label in large if any(_within(stats[label], line) for line in writing)]
    kept = [label for label in large if label not in written] or large
    chosen: Mask = np.isin(labels, kept)
    return chosen


def _within(stat: np.ndarray, line: tuple[float, float, float, float]) -> bool:
    """Whether a thing's box lies in a line's, to a fifth of the line's height."""
    left, top, width, height = (float(value) for value in stat[:4])
    slack = 0.2 * (line[2] - line[0])
    return (
        top >= line[0] - slack
        and left >= line[1] - slack
        and top + height <= line[2] + slack
        and left + width <= line[3] + slack
    )


def _scaled(box: Box, scale: float) -> tuple[float, float, float, float]:
    return box.top * scale, box.left * scale, box.bottom * scale, box.right * scale


def _tight(seen: Mask, rough: Box) -> Box:
    """Return the smallest box around what is seen inside a rough one."""
    part = seen[rough.slices]
    rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
    return Box(
        rough.top + int(rows[0]),
        rough.left + int(columns[0]),
        rough.top + int(rows[-1]) + 1,
        rough.left + int(columns[-1]) + 1,
    )


# --- drawn borders --------------------------------------------------------------------------------


def drawn_border(rgb: U8) -> dict[str, int]:
    """Return the widths in pixels of a border drawn around a picture, by side; empty for none.

    A border is a band of one colour that ends in a straight step along a whole side, on opposite
    sides at least: a table's edge or a horizon lies on one.  A carton on white looks like a photo
    in a wide white mat, and is not taken for one.
    """
    shorter = min(rgb.shape[:2])
    deepest = max(2, round(_DEEPEST * shorter))
    turned = {"top": rgb, "bottom": rgb[::-1], "left": _lying(rgb), "right": _lying(rgb[:, ::-1])}
    widths = {
        side: _band(lines[: deepest + 1], max(1, round(_MAT * shorter)))
        for side, lines in turned.items()
    }
    found = {side: width for side, width in widths.items() if width}
    pairs = ({"top", "bottom"}, {"left", "right"})
    return found if any(pair <= found.keys() for pair in pairs) else {}


def _lying(rgb: U8) -> U8:
    return np.swapaxes(rgb, 0, 1)


def _band(lines: U8, widest_white: int) -> int:
    """Return the width of the band of one colour at the first of some lines, 0 for none.

    Corners belong to the neighbouring sides: steps are looked at between them.
    """
    signed = lines.astype(np.int16)
    corner = min(len(lines), lines.shape[1] // 4)
    steps = np.abs(np.diff(signed[:, corner : lines.shape[1] - corner], axis=0)).max(2)
    for inner, step in enumerate(steps, start=1):
        if (step > _STEP).mean() < _STRAIGHT:
            continue
        band = signed[:inner].reshape(-1, 3)
        colour = np.median(band, axis=0)
        if inner > widest_white and colour.min() >= _WHITE:
            return 0
        away = np.abs(band - colour).max(1)
        return inner if (away <= _SOLID).mean() >= _STRAIGHT else 0
    return 0


# --- blur -----------------------------------------------------------------------------------------


def blur_of(rgb: U8, inside: Mask | None = None) -> float | None:
    """Return the deviation in pixels of the blur at a picture's edges, None where it has too few.

    Parameters
    ----------
    rgb
        uint8 (H, W, 3); of large ones the middle is looked at.
    inside
        bool (H, W): where edges count.  The outline of a cutout is as sharp as its alpha, whatever
        the photo is like.

    Notes
    -----
    Reblurred with a known Gaussian, a sharp edge loses much of its gradient and a blurred one
    little; the ratio gives the edge's own blur.  The median over the stronger half of all edge
    pixels stands for the picture.

    References
    ----------
    Zhuo, Sim: Defocus Map Estimation from a Single Image (2011).
    """
    gray: F32 = cv2.cvtColor(_middle(rgb), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    first = _gradient(gray)
    second = _gradient(cv2.GaussianBlur(gray, (0, 0), _REBLUR))
    peak: F32 = cv2.dilate(first, np.ones((3, 3)))
    edges: Mask = (first >= peak) & (first > _WEAKEST)
    if inside is not None:
        edges &= _middle(inside)
    if edges.sum() < _FEWEST:
        return None
    strengths = first[edges]
    strong = strengths >= np.median(strengths)
    ratios = strengths[strong] / np.maximum(second[edges][strong], 1e-6)
    ratio = max(float(np.median(ratios)), 1.02)  # at 1 the blur would be infinite
    return float(np.sqrt(max(_REBLUR**2 / (ratio * ratio - 1) - _OWN, 0)))


def _gradient(gray: F32) -> F32:
    across: F32 = cv2.Sobel(gray, cv2.CV_32F, 1, 0) / 8
    down: F32 = cv2.Sobel(gray, cv2.CV_32F, 0, 1) / 8
    out: F32 = np.hypot(across, down)
    return out


def _middle(array: np.ndarray) -> np.ndarray:
    height, width = array.shape[:2]
    top, left = max(0, (height - _LARGEST) // 2), max(0, (width - _LARGEST) // 2)
    return array[top : top + _LARGEST, left : left + _LARGEST]
