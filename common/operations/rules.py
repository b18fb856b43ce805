"""Rules: each measures one thing in the evidence and says how to mend it.  Nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

import cv2
import numpy as np

from common.geometry import Box
from common.image import U8
from common.operations.evidence import Evidence, Line
from common.operations.measures import blur_of, drawn_border, share_of
from common.presets import (
    Background,
    Blur,
    Border,
    Bytes,
    Fill,
    Formats,
    JpegQuality,
    LongestSide,
    Megapixels,
    Range,
    Ratio,
    Rule,
    ShortestSide,
    Text,
    Watermark,
)
from common.presets.model import proportion

_SAME_RATIO = 0.01  # a pixel of rounding on a small side is no other ratio
_ON, _BESIDE = 0.85, 0.15  # share of a line inside the subject's hull
_LIES_ON = 0.5  # the same where only the subject's box is known
_BIGGER = "Take it from a larger photo; the studio never enlarges."


@dataclass(frozen=True)
class Measured:
    """What a rule found.

    Attributes
    ----------
    measured, required
        In words, with units.
    fix
        What to do about it; empty where it passed.
    passed
        None where it could not be measured.
    """

    measured: str
    required: str
    fix: str = ""
    passed: bool | None = False


@singledispatch
def measure(rule: Rule, seen: Evidence) -> Measured:
    """Measure what a rule asks for."""
    raise TypeError(f"nothing measures {type(rule).__name__} in {type(seen).__name__}")


def _result(passed: bool | None, measured: str, required: str, fix: str) -> Measured:
    return Measured(measured, required, "" if passed else fix, passed)


# --- background and subject -----------------------------------------------------------------------


@measure.register
def _background(rule: Background, seen: Evidence) -> Measured:
    if seen.image.alpha is not None and not _opaque_border(seen.image.alpha):
        fix = "Put the subject on a background."
        return Measured(measured="transparent", required=_ground_wanted(rule), fix=fix)
    if rule.value == "plain":
        told = f"around {_hex(seen.ground.colour)}, up to {_hex(seen.ground.farthest)}"
        return _result(seen.ground.plain, told, _ground_wanted(rule), "Cut the subject out.")
    red, green, blue = bytes.fromhex(rule.value[1:])
    share, farthest = share_of(seen.flat.rgb, (red, green, blue))
    told = f"{_percent(share)} of the border" + ("" if share == 1 else f", up to {_hex(farthest)}")
    fix = f"Cut the subject out and put it on {rule.value}, with room on all sides."
    return _result(share == 1, told, _ground_wanted(rule), fix)


def _opaque_border(alpha: U8) -> bool:
    edges = (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1])
    return all(bool((edge == 255).all()) for edge in edges)


def _ground_wanted(rule: Background) -> str:
    return "one colour" if rule.value == "plain" else f"exactly {rule.value} on all of the border"


@measure.register
def _fill(rule: Fill, seen: Evidence) -> Measured:
    required = _range(rule.value, "{:.0%} of the frame")
    if seen.subject is None:
        return _unseen(required)
    size, box = seen.image.size, seen.subject.box
    longest = max(box.width / size.width, box.height / size.height)
    share = seen.subject.share
    by_area = "" if share is None else f", {share:.0%} by area"
    fix = "Crop closer to the subject." if _below(rule.value, longest) else "Leave it more room."
    return _result(rule.value.holds(longest), f"{longest:.1%}{by_area}", required, fix)


@measure.register
def _blur(rule: Blur, seen: Evidence) -> Measured:
    required = _range(rule.value, "{:g} px of blur")
    blur = _blur_of_subject(seen)
    if blur is None:
        return Measured("too few edges to tell", required, "Look at it at full size.", passed=None)
    fix = "Focus anew, or start from a photo that was not enlarged."
    return _result(rule.value.holds(blur), f"{blur:.2f} px", required, fix)


def _blur_of_subject(seen: Evidence) -> float | None:
    if seen.subject is None:
        return blur_of(seen.flat.rgb)
    part = seen.flat.rgb[seen.subject.box.slices]
    if seen.subject.mask is None:
        return blur_of(part)
    size = seen.image.size
    inner: U8 = cv2.erode(seen.subject.mask.astype(np.uint8), np.ones((7, 7), np.uint8))
    inside: U8 = cv2.resize(inner, (size.width, size.height), interpolation=cv2.INTER_NEAREST)
    return blur_of(part, inside[seen.subject.box.slices] > 0)


def _unseen(required: str) -> Measured:
    fix = "Cut the subject out, or look yourself."
    return Measured("the subject cannot be told from the scene", required, fix, passed=None)


# --- size and file --------------------------------------------------------------------------------


@measure.register
def _longest_side(rule: LongestSide, seen: Evidence) -> Measured:
    return _side(rule.value, seen.image.size.longest, "on the longer side")


@measure.register
def _shortest_side(rule: ShortestSide, seen: Evidence) -> Measured:
    size = seen.image.size
    return _side(rule.value, min(size.width, size.height), "on the shorter side")


def _side(wanted: Range, pixels: int, where: str) -> Measured:
    fix = _BIGGER if _below(wanted, pixels) else "Make it smaller."
    required = f"{_range(wanted, '{:.0f} px')} {where}"
    return _result(wanted.holds(pixels), f"{pixels} px", required, fix)


@measure.register
def _megapixels(rule: Megapixels, seen: Evidence) -> Measured:
    millions = seen.image.size.pixels / 1e6
    fix = _BIGGER if _below(rule.value, millions) else "Make it smaller."
    required = _range(rule.value, "{:g} megapixels")
    return _result(rule.value.holds(millions), f"{millions:.2f} megapixels", required, fix)


@measure.register
def _ratio(rule: Ratio, seen: Evidence) -> Measured:
    size = seen.image.size
    off = abs(size.ratio / proportion(rule.value) - 1)
    fix = f"Crop it, or expand the scene with --aspect {rule.value}."
    return _result(off <= _SAME_RATIO, str(size), rule.value, fix)


@measure.register
def _bytes(rule: Bytes, seen: Evidence) -> Measured:
    required = _range(rule.value, "{:,.0f} bytes")
    count = seen.image.provenance.file_bytes
    if count is None:
        return Measured("not a file yet", required, "Check the file.", passed=None)
    fix = "Raise the quality." if _below(rule.value, count) else "Lower quality or size."
    return _result(rule.value.holds(count), f"{count:,} bytes", required, fix)


@measure.register
def _formats(rule: Formats, seen: Evidence) -> Measured:
    got = seen.image.provenance.format
    required = " or ".join(rule.value)
    return _result(got in rule.value, got, required, f"Save it as {rule.value[0]}.")


@measure.register
def _jpeg_quality(rule: JpegQuality, seen: Evidence) -> Measured:
    required = _range(rule.value, "quality {:.0f}")
    provenance = seen.image.provenance
    if provenance.format != "jpeg":
        return Measured(f"{provenance.format}, no JPEG", required, passed=True)
    if provenance.jpeg_quality is None:
        return Measured("its tables are no known quality", required, "Save it anew.", passed=None)
    fix = "Save it anew from the original, at a higher quality."
    told = f"about {provenance.jpeg_quality}"
    return _result(rule.value.holds(provenance.jpeg_quality), told, required, fix)


# --- writing, marks, borders ----------------------------------------------------------------------


@measure.register
def _text(_rule: Text, seen: Evidence) -> Measured:
    required = "no writing but what is printed on the subject"
    if seen.lines is None:
        return Measured("nobody looked for writing", required, "Look yourself.", passed=None)
    added = [_is_added(line, seen) for line in seen.lines]
    if None in added and not any(added):
        told = f"{_lines(len(added))}, on the subject or beside it"
        return Measured(told, required, "Look yourself.", passed=None)
    wrong = sum(each is not False for each in added)
    told = f"{_lines(wrong)} laid over it or beside it, {_lines(len(added) - wrong)} on it"
    return _result(not wrong, told, required, "Erase the writing, or cut the subject out.")


def _is_added(line: Line, seen: Evidence) -> bool | None:
    """Whether a line was added: a model says so, or it stands beside the subject; None: unknown."""
    if line.added is not None:
        return line.added
    return None if seen.subject is None else _on_subject(line.box, seen) < _least_on(seen)


@measure.register
def _watermark(_rule: Watermark, seen: Evidence) -> Measured:
    required = "nothing laid over the photo"
    if seen.lines is None or seen.marks is None:
        return Measured("nobody looked for marks", required, "Look yourself.", passed=None)
    unknown = [line.box for line in seen.lines if line.added is None]
    over = sum(line.added is True for line in seen.lines)
    over += sum(_BESIDE < _on_subject(box, seen) < _ON for box in unknown if _outlined(seen))
    if unknown and not (over or seen.marks or _outlined(seen)):
        told = f"{_lines(len(unknown))} in the scene, laid over it or not"
        return Measured(told, required, "Look yourself.", passed=None)
    told = f"{_lines(over)} laid over it or across its outline, {seen.marks} other marks"
    fix = "Take the photo without the mark; erase removes writing."
    return _result(not over and not seen.marks, told, required, fix)


def _outlined(seen: Evidence) -> bool:
    """Whether the subject's outline is known, and not only a box around it."""
    return seen.subject is not None and seen.subject.mask is not None


def _least_on(seen: Evidence) -> float:
    """Return the share of a line that lies on the subject at the least where it is not beside."""
    return _BESIDE if _outlined(seen) else _LIES_ON


def _on_subject(line: Box, seen: Evidence) -> float:
    """Return the share of a line that lies on the subject without it: on its convex hull."""
    if seen.subject is None:
        return 0.0
    if seen.subject.mask is None:
        common = line.intersection(seen.subject.box)
        return 0.0 if common is None else common.area / line.area
    mask = seen.subject.mask.astype(np.uint8)
    scale = mask.shape[1] / seen.image.size.width
    top, left = int(line.top * scale), int(line.left * scale)
    bottom, right = (
        max(top + 1, round(line.bottom * scale)),
        max(left + 1, round(line.right * scale)),
    )
    mask[top:bottom, left:right] = 0
    points = cv2.findNonZero(mask)
    if points is None:  # the subject is writing
        return 1.0
    hull: U8 = cv2.fillConvexPoly(np.zeros_like(mask), cv2.convexHull(points), 1)
    return float(hull[top:bottom, left:right].mean())


@measure.register
def _border(_rule: Border, seen: Evidence) -> Measured:
    widths = drawn_border(seen.flat.rgb)
    told = ", ".join(f"{width} px at the {side}" for side, width in widths.items())
    return _result(not widths, told or "none", "no border drawn around it", "Crop it away.")


# --- words ----------------------------------------------------------------------------------------


def _below(wanted: Range, value: float) -> bool:
    return wanted.least is not None and value < wanted.least


def _range(wanted: Range, shape: str) -> str:
    """Return a range in words: at least this, at most that."""
    parts = []
    if wanted.least is not None:
        parts.append(f"at least {shape.format(wanted.least)}")
    if wanted.most is not None:
        parts.append(f"at most {shape.format(wanted.most)}")
    return ", ".join(parts)


def _percent(share: float) -> str:
    """Return a share in per cent that is 100 only where it is all."""
    return "100 %" if share == 1 else f"{min(share, 0.9999):.2%}".replace("%", " %")


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02X}{:02X}{:02X}".format(*colour)


def _lines(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"
