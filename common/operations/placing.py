"""Placing: a picture on a canvas of a given ratio and size; made smaller, never larger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from common.composite import covering
from common.geometry import RELATIVE, Box, Box2d, Size, canvas_of_ratio, place, whole
from common.image import F32, OPAQUE, U8, Image
from common.operations.framing import framed
from common.operations.measures import ground_of, ring_of
from common.vlm.base import Detection

_BLUR = 0.03  # sigma over the longer side, of a photo that fills the canvas behind itself
_BLUR_WORK = 512  # px, longest side at which it is blurred
_BLOCK = 16  # px of a JPEG's largest block: what ends inside it may tint the rest of it


@dataclass(frozen=True, eq=False)
class Placed:
    """A picture on its canvas.

    Attributes
    ----------
    source
        The size that the picture before was scaled to.
    frame
        What the canvas shows of it; may reach beyond it.
    note
        What is to be said of it.
    """

    image: Image
    source: Size
    frame: Box
    note: str = ""

    def seen(self, found: Sequence[Detection]) -> tuple[Detection, ...]:
        """Return where things found in the picture before are on the canvas."""
        moved = ((thing, self._moved(thing.box_2d)) for thing in found)
        return tuple(replace(thing, box_2d=box) for thing, box in moved if box is not None)

    def _moved(self, box: Box2d) -> Box2d | None:
        rows = [self._down(y) for y in (box[0], box[2])]
        columns = [self._across(x) for x in (box[1], box[3])]
        y0, y1 = (min(max(round(y), 0), RELATIVE) for y in rows)
        x0, x1 = (min(max(round(x), 0), RELATIVE) for x in columns)
        return (y0, x0, y1, x1) if y1 > y0 and x1 > x0 else None

    def _down(self, y: float) -> float:
        return (y * self.source.height - RELATIVE * self.frame.top) / self.frame.height

    def _across(self, x: float) -> float:
        return (x * self.source.width - RELATIVE * self.frame.left) / self.frame.width


# --- the three ways -------------------------------------------------------------------------------


def small_enough(image: Image, longest: int) -> Placed:
    """Return the picture, its longer side at most `longest`."""
    size = image.size.within(longest)
    return Placed(shrunk(image, size), size, whole(size))


def subject_on_canvas(
    image: Image, subject: Box, fill: float, ratio: float, longest: int
) -> Placed:
    """Return the subject in the middle of a canvas of a ratio; beyond the picture it is clear.

    Parameters
    ----------
    subject
        Its box in the picture.
    fill
        Share of the canvas's width or height, whichever the subject fills more.
    longest
        Of the canvas, in pixels; a small subject gets a smaller canvas.
    """
    height = max(subject.height / fill, subject.width / fill / ratio)
    wanted = max(height, height * ratio)
    canvas = _of_ratio(min(longest, round(wanted)), ratio)
    small = shrunk(image, image.size.scaled(min(1.0, longest / wanted)))
    down, right = small.size.height / image.size.height, small.size.width / image.size.width
    top = round((subject.top + subject.bottom) / 2 * down - canvas.height / 2)
    left = round((subject.left + subject.right) / 2 * right - canvas.width / 2)
    frame = Box(top, left, top + canvas.height, left + canvas.width)
    return Placed(framed(small, frame), small.size, frame)


def scene_on_canvas(image: Image, subject: Box | None, ratio: float, longest: int) -> Placed:
    """Return an opaque picture cropped to a ratio about its subject, or put whole before itself.

    The crop never cuts into the subject's box: where the ratio has no room for it the whole picture
    stands on its border's colour or, where that is not of one colour, on its own blurred self.
    """
    crop = _crop_of_ratio(image.size, ratio, subject)
    if crop is None:
        return _before_itself(image, ratio, longest)
    canvas = _of_ratio(min(longest, crop.size.longest), ratio)
    source = image.size.scaled(canvas.width / crop.width)
    top = round(crop.top * source.height / image.size.height)
    left = round(crop.left * source.width / image.size.width)
    frame = Box(top, left, top + canvas.height, left + canvas.width)
    return Placed(shrunk(image.crop(crop), canvas), source, frame)


def _of_ratio(longest: int, ratio: float) -> Size:
    """Return the size of a ratio, width over height, with that longer side."""
    if ratio >= 1:
        return Size(longest, max(1, round(longest / ratio)))
    return Size(max(1, round(longest * ratio)), longest)


def _crop_of_ratio(size: Size, ratio: float, subject: Box | None) -> Box | None:
    """Return the largest crop of a ratio about the subject; None where it does not fit."""
    width = min(size.width, round(size.height * ratio))
    height = min(size.height, round(size.width / ratio))
    held = subject or whole(Size(1, 1)).moved(size.height // 2, size.width // 2)
    if held.width > width or held.height > height:
        return None
    top = _about((held.top + held.bottom) / 2, height, size.height)
    left = _about((held.left + held.right) / 2, width, size.width)
    return Box(top, left, top + height, left + width)


def _about(middle: float, length: int, limit: int) -> int:
    """Return the start of a stretch about a middle, kept inside 0..limit."""
    return min(max(round(middle - length / 2), 0), limit - length)


def _before_itself(image: Image, ratio: float, longest: int) -> Placed:
    around = canvas_of_ratio(image.size, ratio).longest
    canvas = _of_ratio(min(longest, around), ratio)
    scaled = image.size.scaled(min(1.0, longest / around))
    size = Size(min(scaled.width, canvas.width), min(scaled.height, canvas.height))
    small = shrunk(image, size)
    frame = place(size, canvas).frame
    behind, words = _behind(small.rgb, canvas)
    behind[frame.slices] = small.rgb
    note = (
        f"The subject has no room in this ratio: the whole photo is shown {words}."
        " Expanding the scene first would fill the canvas."
    )
    return Placed(
        replace(small, rgb=behind), size, whole(canvas).moved(-frame.top, -frame.left), note
    )


def _behind(rgb: U8, canvas: Size) -> tuple[U8, str]:
    """Return what fills a canvas behind a photo, and what to call it."""
    ground = ground_of(rgb)
    if ground.flat:
        colour = np.array(ground.colour, np.uint8)
        return np.tile(colour, (canvas.height, canvas.width, 1)), "on its border's colour"
    return _blurred(rgb, canvas), "before its own blurred self"


def _blurred(rgb: U8, canvas: Size) -> U8:
    work = canvas.within(_BLUR_WORK)
    behind = covering(rgb, work)
    smooth: U8 = cv2.GaussianBlur(behind, (0, 0), _BLUR * work.longest)
    out: U8 = cv2.resize(smooth, (canvas.width, canvas.height), interpolation=cv2.INTER_LINEAR)
    return out


def faded(image: Image, subject: Box) -> Image:
    """Return the picture whose shadows and haze, outside the subject's box, end before its border.

    Of a background that must be exact every pixel of the border counts, also under a shadow that
    nobody sees.
    """
    if image.alpha is None:
        return image
    size = image.size
    deep = ring_of(size) + _BLOCK
    down = _ramp(subject.top, subject.bottom, size.height, deep)
    across = _ramp(subject.left, subject.right, size.width, deep)
    alpha = image.alpha * np.minimum(down[:, None], across[None])
    return replace(image, alpha=np.rint(alpha).astype(np.uint8))


def _ramp(start: int, end: int, length: int, clear: int) -> F32:
    """Return weights: 1 between start and end, 0 within `clear` of the ends, straight between."""
    at = np.arange(length) + 0.5
    before = (at - clear) / max(start - clear, 1)
    after = (length - clear - at) / max(length - end - clear, 1)
    inside = (at > start) & (at < end)
    out: F32 = np.where(inside, 1, np.clip(np.minimum(before, after), 0, 1)).astype(np.float32)
    return out


# --- making smaller -------------------------------------------------------------------------------


def shrunk(image: Image, size: Size) -> Image:
    """Return the picture at a size no larger than its own; clear pixels lend no colour.

    What belonged to the old pixels, their deeper values and their file's figures, is dropped.
    """
    if size == image.size:
        return image
    told = replace(image.provenance, deep=None, file_bytes=None, jpeg_quality=None)
    if image.alpha is None:
        return replace(image, rgb=_resized(image.rgb, size), provenance=told)
    weight = image.alpha.astype(np.float32)
    alpha: F32 = cv2.resize(weight, (size.width, size.height), interpolation=cv2.INTER_AREA)
    planes = [_resized(image.rgb[..., c] * weight, size) for c in range(3)]
    colour = np.stack(planes, axis=2) / np.maximum(alpha, 1e-3)[..., None]
    rgb = np.rint(np.clip(colour, 0, OPAQUE)).astype(np.uint8)
    return replace(image, rgb=rgb, alpha=np.rint(alpha).astype(np.uint8), provenance=told)


def _resized(pixels: np.ndarray, size: Size) -> np.ndarray:
    out: np.ndarray = cv2.resize(pixels, (size.width, size.height), interpolation=cv2.INTER_AREA)
    return out
