"""Arranging a finished cutout: trimmed to its subject, at another size, at another place.

Unlike framing, which moves pixels and never resamples them, this is for callers who ask for a
picture of a certain size.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from common.fields import as_bytes, as_float, resized
from common.geometry import Box, Size
from common.image import OPAQUE, U8, Image
from common.operations.framing import framed

_LEAST = 1e-6  # of alpha: below it there is no colour to get back


def trimmed(cutout: Image, subject: Box, margins: tuple[int, int, int, int]) -> Image:
    """Return the cutout's part round its subject, with room in pixels: top, right, bottom, left."""
    top, right, bottom, left = margins
    frame = Box(
        subject.top - top, subject.left - left, subject.bottom + bottom, subject.right + right
    )
    return framed(cutout, frame)


def placed(
    cutout: Image, subject: Box, scale: float | None, position: tuple[float, float] | None
) -> Image:
    """Return the subject at another size, or place, on a transparent canvas of the cutout's size.

    Parameters
    ----------
    scale
        Share of the canvas, 0..1, that the subject fills in width or height, whichever it fills
        more; None keeps its size.
    position
        Where in the free room it stands, across and down, each 0 (left, top) to 1; None keeps its
        place, or is the middle where its size changes.
    """
    if scale is None and position is None:
        return cutout
    canvas = cutout.size
    part = cutout.crop(subject)
    if scale is not None:
        factor = scale * min(canvas.width / subject.width, canvas.height / subject.height)
        size = part.size.scaled(factor)
        part = rescaled(part, Size(min(size.width, canvas.width), min(size.height, canvas.height)))
    across, down = position or (0.5, 0.5)
    left = round((canvas.width - part.size.width) * across)
    top = round((canvas.height - part.size.height) * down)
    return framed(part, Box(-top, -left, canvas.height - top, canvas.width - left))


def at_most(picture: Image, pixels: int) -> Image:
    """Return the picture, shrunk where it has more than `pixels`."""
    size = picture.size
    if size.pixels <= pixels:
        return picture
    factor = math.sqrt(pixels / size.pixels)
    return rescaled(picture, Size(int(size.width * factor) or 1, int(size.height * factor) or 1))


def rescaled(picture: Image, size: Size) -> Image:
    """Return the picture at another size; colour is weighed by alpha, so that none bleeds in."""
    if picture.size == size:
        return picture
    if picture.alpha is None:
        return replace(picture, rgb=as_bytes(resized(as_float(picture.rgb), size)))
    alpha = as_float(picture.alpha)
    thin = resized(as_float(picture.rgb) * alpha[..., None], size)
    small = resized(alpha, size)
    rgb = thin / np.maximum(small, _LEAST)[..., None]
    return replace(picture, rgb=as_bytes(rgb.clip(0, 1)), alpha=as_bytes(small))


def alpha_of(picture: Image) -> U8:
    """Return alpha, uint8 (H, W)."""
    if picture.alpha is not None:
        return picture.alpha
    return np.full(picture.rgb.shape[:2], OPAQUE, np.uint8)
