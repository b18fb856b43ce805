"""Putting pictures together so that what need not change does not.

Alpha is straight in pictures and in `over`'s arguments; the blends are the premultiplied formula.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from common.fields import as_bytes, as_float, push_pull, resized
from common.geometry import Box, Size
from common.image import F32, OPAQUE, U8, Image, Mask

_FLAT = 3.0  # standard deviation in levels below which correlation means nothing
_MEMBRANE_WORK = 512  # longest side at which smooth corrections are computed
_GAIN = (0.8, 1.25)  # tone differences beyond this are content, not tone


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


def match_tone(edit: F32, source: F32, weight: F32) -> F32:
    """Return `edit` with each channel's gain and offset fitted to `source` where `weight` is high.

    All float32: (H, W, 3), (H, W, 3) and (H, W).  Gains outside 0.8..1.25 are clamped; a place too
    flat to tell a gain gets the offset alone.
    """
    total = float(weight.sum())
    if total < 1:
        return edit
    share = (weight / np.float32(total))[..., None]
    mean_edit, mean_source = (edit * share).sum((0, 1)), (source * share).sum((0, 1))
    centred = edit - mean_edit
    variance = (centred * centred * share).sum((0, 1))
    covariance = (centred * (source - mean_source) * share).sum((0, 1))
    gain = np.where(variance > 1e-3, covariance / np.maximum(variance, 1e-3), 1.0)
    matched: F32 = (centred * np.clip(gain, *_GAIN) + mean_source).astype(np.float32)
    return matched


def membrane(edit: F32, source: F32, known: F32, reach: F32 | None = None) -> F32:
    """Return `edit` corrected so that it meets `source` on `known` without a step.

    The difference is exact where `known` is high and is carried on smoothly into the rest, which is
    the membrane of Poisson editing at a fraction of its cost.

    Parameters
    ----------
    edit, source
        float32 (H, W, 3) in 0..1.
    known
        float32 (H, W), 0..1: where the source is to be met.
    reach
        float32 (H, W), 0..1: how much of the correction applies; everywhere all of it by default.

    References
    ----------
    Perez, Gangnet, Blake: Poisson Image Editing (2003).
    Farbman, Fattal, Lischinski: Convolution Pyramids (2011).
    """
    height, width = known.shape
    small = Size(width, height).within(_MEMBRANE_WORK)
    weight = resized(known, small)
    error = resized((source - edit) * known[..., None], small)
    floor = np.float32(1e-6)
    mean_error = (error / np.maximum(weight, floor)[..., None]).astype(np.float32)
    smooth = push_pull(mean_error, weight, levels=9)
    correction = resized(smooth, Size(width, height))
    if reach is not None:
        correction = correction * reach[..., None]
    return edit + correction


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
    """Return the mean gradient step across the border of `inside` over the picture's own there.

    1 means that the border cannot be told from its neighbourhood; sides that coincide with the
    picture's own are left out; 1 where none is left.
    """
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    rows = [_step(gray[:, inside.left : inside.right], at) for at in (inside.top, inside.bottom)]
    columns = [_step(gray[inside.top : inside.bottom].T, at) for at in (inside.left, inside.right)]
    steps = [step for step in rows + columns if step is not None]
    if not steps:
        return 1.0
    across, own = np.mean(steps, axis=0)
    return float(across / max(own, 0.5))


def _step(lines: F32, at: int) -> tuple[float, float] | None:
    """Return the mean step between rows ``at - 1`` and ``at``, and between the rows around them."""
    if at <= 0 or at >= lines.shape[0]:
        return None
    low, high = max(0, at - 6), min(lines.shape[0], at + 6)
    steps = np.abs(np.diff(lines[low:high], axis=0)).mean(1)
    across = float(steps[at - 1 - low])
    others = np.delete(steps, at - 1 - low)
    return across, float(others.mean()) if others.size else across
