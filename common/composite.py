"""Putting pictures together so that what need not change does not.

Alpha is straight in pictures and in `over`'s arguments; the blends are the premultiplied formula.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from common.fields import as_bytes, as_float
from common.geometry import Box, Size
from common.image import F32, OPAQUE, U8, Image, Mask

_FLAT = 3.0  # standard deviation in levels below which correlation means nothing
_GAIN = (0.8, 1.25)  # tone differences beyond this are content, not tone
_NEAR = 6  # rows on either side of a border that tell how rough the picture is there
_LEAST_STEP = 0.5  # levels: below it no step can be seen, however flat the picture


# --- over -----------------------------------------------------------------------------------------


def over(image: Image, background: U8) -> Image:
    """Return the picture laid over `background` (uint8, (3,) or (H, W, 3)); opaque.

    Where alpha is 255 the bytes are the picture's own, where 0 the background's.
    """
    if image.alpha is None:
        return image
    alpha = image.alpha.astype(np.uint16)[..., None]
    total = image.rgb * alpha
    total += np.asarray(background, dtype=np.uint16) * (OPAQUE - alpha)
    total += OPAQUE // 2
    total //= OPAQUE
    return replace(image, rgb=total.astype(np.uint8), alpha=None)


def covering(picture: U8, size: Size) -> U8:
    """Return `picture` scaled and cropped about its centre so that it covers `size` exactly."""
    height, width = picture.shape[:2]
    scale = max(size.width / width, size.height / height)
    grown = Size(max(size.width, round(width * scale)), max(size.height, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled: U8 = cv2.resize(picture, (grown.width, grown.height), interpolation=how)
    top, left = (grown.height - size.height) // 2, (grown.width - size.width) // 2
    return scaled[top : top + size.height, left : left + size.width]


# --- masked edits ---------------------------------------------------------------------------------


def grown(mask: Mask, radius: int) -> Mask:
    """Return the mask dilated by a disc of `radius` pixels."""
    if radius < 1:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    out: U8 = cv2.dilate(mask.astype(np.uint8), disc)
    return out > 0


def feather(mask: Mask, radius: int) -> F32:
    """Return weights (H, W): 1 on the mask, falling to exactly 0 at `radius` pixels from it."""
    if radius < 1:
        return mask.astype(np.float32)
    outside = (~mask).astype(np.uint8)
    distance: F32 = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ramp: F32 = np.clip(1 - distance / np.float32(radius + 1), 0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def keep_outside(source: U8, edit: F32, weight: F32) -> U8:
    """Return `edit` where `weight` is 1, `source` byte for byte where it is 0, the blend between.

    Parameters
    ----------
    source
        uint8 (H, W, 3).
    edit
        float32 (H, W, 3) in 0..1.
    weight
        float32 (H, W) in 0..1.
    """
    out = source.copy()
    inside = weight > 0
    share = weight[inside][:, None]
    out[inside] = as_bytes(share * edit[inside] + (1 - share) * as_float(source[inside]))
    return out


@dataclass(frozen=True, eq=False)
class Tone:
    """A gain and an offset for each channel, float32 (3,)."""

    gain: F32
    offset: F32

    def of(self, pixels: F32) -> F32:
        """Return float32 (..., 3) in this tone."""
        out: F32 = pixels * self.gain + self.offset
        return out


def tone_between(edit: F32, source: F32, weight: F32) -> Tone:
    """Return the tone that makes `edit` most like `source` where `weight` is high.

    All float32: (H, W, 3), (H, W, 3) and (H, W).  Gains outside 0.8..1.25 are clamped; a place too
    flat to tell a gain gets the offset alone.
    """
    total = float(weight.sum())
    if total < 1:
        return Tone(np.ones(3, np.float32), np.zeros(3, np.float32))
    share = (weight / np.float32(total))[..., None]
    mean_edit, mean_source = (edit * share).sum((0, 1)), (source * share).sum((0, 1))
    centred = edit - mean_edit
    variance = (centred * centred * share).sum((0, 1))
    covariance = (centred * (source - mean_source) * share).sum((0, 1))
    told = np.where(variance > 1e-3, covariance / np.maximum(variance, 1e-3), 1.0)
    gain = np.clip(told, *_GAIN).astype(np.float32)
    return Tone(gain, (mean_source - gain * mean_edit).astype(np.float32))


def match_tone(edit: F32, source: F32, weight: F32) -> F32:
    """Return `edit` (H, W, 3) in the tone of `source`; see `tone_between`."""
    return tone_between(edit, source, weight).of(edit)


# --- measuring ------------------------------------------------------------------------------------


def likeness(a: U8, b: U8, where: Mask) -> float:
    """Return how alike two pictures (H, W, 3) are on a mask, -1..1: the correlation of their gray.

    Where both are nearly flat correlation means nothing; there 1 is returned for tones less than
    eight levels apart and 0 for others.
    """
    first = cv2.cvtColor(a, cv2.COLOR_RGB2GRAY)[where].astype(np.float32)
    second = cv2.cvtColor(b, cv2.COLOR_RGB2GRAY)[where].astype(np.float32)
    if first.size == 0:
        return 1.0
    spread = float(first.std()), float(second.std())
    if max(spread) < _FLAT:
        return float(abs(float(first.mean() - second.mean())) < 8)
    covariance = float(((first - first.mean()) * (second - second.mean())).mean())
    return covariance / max(spread[0] * spread[1], 1e-3)


def seam_step(picture: U8, inside: Box) -> float:
    """Return the gradient step across the border of `inside` over the picture's own beside it.

    1 means that the border cannot be told from its neighbourhood.  The worst of the four sides
    counts; sides that coincide with the picture's own are left out; 1 where none is left.
    """
    columns, rows = slice(inside.left, inside.right), slice(inside.top, inside.bottom)
    turned = picture.transpose(1, 0, 2)
    steps = [
        step
        for lines, along, borders in (
            (picture, columns, (inside.top, inside.bottom)),
            (turned, rows, (inside.left, inside.right)),
        )
        for at in borders
        if (step := _step(lines, along, at)) is not None
    ]
    return max(steps, default=1.0)


def _step(lines: U8, along: slice, at: int) -> float | None:
    """Return the mean step between rows ``at - 1`` and ``at`` over that between the rows near."""
    if at <= 0 or at >= lines.shape[0]:
        return None
    low, high = max(0, at - _NEAR), min(lines.shape[0], at + _NEAR)
    strip = np.ascontiguousarray(lines[low:high, along])
    gray: F32 = cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY).astype(np.float32)
    steps = np.abs(np.diff(gray, axis=0)).mean(1)
    own = np.delete(steps, at - 1 - low)
    return float(steps[at - 1 - low] / max(float(own.mean()), _LEAST_STEP)) if own.size else 1.0
