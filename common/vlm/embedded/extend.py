"""A photo carried on over a larger canvas: plain backdrops truly, scenery only softly."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.backdrop import fit_backdrop, grain
from common.fields import as_bytes, as_float, push_pull, resized
from common.geometry import Box, Size
from common.image import F32, U8, Mask

PLAIN = 12 / 255  # residual of the backdrop's fit: studio sets measure 2..10, real scenes 13..60

_BACKGROUND = 0.02  # alpha below which a pixel is none of the subject's
_CLEARANCE = 0.03  # of the longer side: shadows and soft edges round the subject
_LEAST_KNOWN = 0.1  # of the photo: less backdrop than this says little about the rest
_LEAST_SEAM = 0.6  # of a border: where more of it is subject, the subject would have to go on
_SOFTENING = 0.35  # sigma of the blur over the distance from the photo
_LEVELS = 8

# Of the photo's longer side: how deep at its border a trend is measured, how far it is evened out
# along the border (sigma), and how far out it has gone two thirds of its way.
_DEPTH, _ALONG, _WAY = 0.016, 0.03, 0.06
_LEAST_DEPTH = 12  # pixels: in fewer the grain looks like a trend
_BELIEVED = 0.5  # of a trend: it is measured on few pixels, and light seldom falls off for long


@dataclass(frozen=True, eq=False)
class Extension:
    """The canvas filled, and what speaks against trusting it (empty: nothing does)."""

    rgb: U8
    doubts: tuple[str, ...]


def extended(canvas: U8, frame: Box, alpha: F32) -> Extension:
    """Fill a canvas round the photo that stands in its `frame`.

    Parameters
    ----------
    canvas
        uint8 (H, W, 3); read inside `frame` only, where it comes back unchanged.
    frame
        Where the photo stands.
    alpha
        float32 (h, w) of the photo, at any size: its subject, which is not to be carried on.

    Notes
    -----
    Backdrop field + the border's residual, replicated outwards and blurred in proportion to the
    distance, and its damped trend: a shadow that thins out at the border goes on thinning + grain.
    Where no field fits, the border's own colours are spread, without a trend: the edges of things
    would be taken for one.

    References
    ----------
    Gardner, McKenzie: Forecasting Trends in Time Series (1985).
    """
    photo = canvas[frame.slices]
    background = _background(alpha, Size(frame.width, frame.height))
    known = np.zeros(canvas.shape[:2], np.bool_)
    known[frame.slices] = background
    field, residual = fit_backdrop(canvas, known)
    if residual <= PLAIN and background.mean() >= _LEAST_KNOWN:
        quirks = _quirks(as_float(photo) - field[frame.slices], background)
        filled = _spread(quirks, frame, canvas)
        filled += field
        _let_trends_run_out(filled, quirks, frame)
        filled += _grain(photo, background, canvas.shape)
        doubts = _doubts_of_seams(background, frame, canvas)
    else:
        filled = _spread(as_float(photo), frame, canvas)
        doubts = (
            "The surroundings are no plain backdrop: the new area is only a soft continuation.",
        )
    rgb = as_bytes(filled)
    rgb[frame.slices] = photo
    return Extension(rgb, doubts)


def _background(alpha: F32, size: Size) -> Mask:
    """Return where a photo of `size` shows its backdrop, told at alpha's own size."""
    reach = 2 * max(1, round(_CLEARANCE * max(alpha.shape) / 2)) + 1
    clear = (alpha < _BACKGROUND).astype(np.uint8)
    eroded: U8 = cv2.erode(clear, np.ones((reach, reach), np.uint8))
    enlarged: U8 = cv2.resize(eroded, (size.width, size.height), interpolation=cv2.INTER_NEAREST)
    return enlarged > 0


def _quirks(residual: F32, background: Mask) -> F32:
    """Return the backdrop's residual, carried on under the subject."""
    return push_pull(residual, background.astype(np.float32))


def _spread(inner: F32, frame: Box, canvas: U8) -> F32:
    """Return the frame's border replicated over the canvas, the more blurred the farther."""
    height, width = canvas.shape[:2]
    sides = (frame.top, height - frame.bottom, frame.left, width - frame.right)
    out: F32 = cv2.copyMakeBorder(inner, *sides, cv2.BORDER_REPLICATE)
    octave = np.log2(np.maximum(_SOFTENING * _distance(frame, height, width), 1e-3))
    size = Size(width, height)
    smaller = [resized(out, size.scaled(0.5 ** (level + 1))) for level in range(_LEVELS)]
    for level, small in enumerate(smaller):
        share = np.clip(octave - (level - 1), 0, 1)[..., None]
        blurred = resized(small, size)  # from here on in place: a canvas in floats is large
        blurred -= out
        blurred *= share
        out += blurred
    return out


def _let_trends_run_out(filled: F32, quirks: F32, frame: Box) -> None:
    """Carry on what the residual does towards each border, ever more slowly, round the frame."""
    height, width = filled.shape[:2]
    corners = (frame.left, width - frame.right), (frame.top, height - frame.bottom)
    turned, turned_quirks = filled.transpose(1, 0, 2), quirks.transpose(1, 0, 2)
    longest = max(quirks.shape)
    for outwards, inwards, beyond in (
        (filled[: frame.top][::-1], quirks, corners[0]),
        (filled[frame.bottom :], quirks[::-1], corners[0]),
        (turned[: frame.left][::-1], turned_quirks, corners[1]),
        (turned[frame.right :], turned_quirks[::-1], corners[1]),
    ):
        trend = np.pad(_trend(inwards, longest), (beyond, (0, 0)), mode="edge")
        gone = -np.expm1(np.arange(1, len(outwards) + 1, dtype=np.float32) / (-_WAY * longest))
        outwards[...] += (gone * np.float32(_WAY * longest))[:, None, None] * trend


def _trend(inwards: F32, longest: int) -> F32:
    """Return how much (n, 3) a pixel farther out brings; row 0 of `inwards` is the border."""
    depth = min(max(_LEAST_DEPTH, round(_DEPTH * longest)), len(inwards))
    away = np.arange(depth, dtype=np.float32) - np.float32((depth - 1) / 2)
    line = away / max(float((away**2).sum()), 0.5)  # least squares; 0.5: a photo of one pixel
    slope: F32 = -np.tensordot(line, inwards[:depth], 1)
    evened: F32 = cv2.GaussianBlur(
        slope[None], (0, 0), _ALONG * longest, borderType=cv2.BORDER_REPLICATE
    )
    believed: F32 = np.float32(_BELIEVED) * evened[0]
    return believed


def _distance(frame: Box, height: int, width: int) -> F32:
    """Return the distance (H, W) in pixels from the frame."""
    rows, columns = np.arange(height)[:, None], np.arange(width)[None]
    down = np.maximum(np.maximum(frame.top - rows, rows - frame.bottom + 1), 0)
    across = np.maximum(np.maximum(frame.left - columns, columns - frame.right + 1), 0)
    return np.hypot(down, across).astype(np.float32)


def _grain(photo: U8, background: Mask, shape: tuple[int, ...]) -> F32:
    """Return the camera's noise, alike in all channels, as strong as on the photo's backdrop."""
    deviation = grain(photo, background)
    noise = np.random.default_rng(0).normal(0, deviation, shape[:2])
    return noise.astype(np.float32)[..., None]


def _doubts_of_seams(background: Mask, frame: Box, canvas: U8) -> tuple[str, ...]:
    height, width = canvas.shape[:2]
    seams = {
        "top": (frame.top > 0, background[0]),
        "bottom": (frame.bottom < height, background[-1]),
        "left": (frame.left > 0, background[:, 0]),
        "right": (frame.right < width, background[:, -1]),
    }
    return tuple(
        f"The subject reaches the {side} border and ends there."
        for side, (grows, border) in seams.items()
        if grows and border.mean() < _LEAST_SEAM
    )
