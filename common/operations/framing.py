"""Framing: which part of the photo, and of what lies beyond it, a cutout's picture shows.

A frame is a `Box` in the photo's pixels that may reach beyond the photo on every side.  Pixels are
moved, never resampled: the subject keeps the size it has in the photo.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np

from common.errors import BadOptions
from common.geometry import Box, Size, refuse_vast, whole
from common.image import OPAQUE, U8, Image, Mask
from common.operations.options import CutoutOptions

VISIBLE = 13  # of 255: what is fainter than 5 % shows to nobody and moves no frame
_SPECK = 2e-4  # share of what is seen: a patch below it is left from keying, not a part
MAX_GROWTH = 4  # times the photo's pixels
ALWAYS_FINE = 4_000_000  # pixels that a frame may have whatever the photo's size

_NOISE = 1e-9  # of a quotient that should have been whole


# --- geometry -------------------------------------------------------------------------------------


def frame_for(subject: Box | None, photo: Size, options: CutoutOptions) -> Box:
    """Return the frame that the options ask for.

    Parameters
    ----------
    subject
        Where the subject is in the photo; None where nothing is to be seen.

    Raises
    ------
    BadOptions
        The frame would be far larger than the photo.
    """
    if subject is None or (options.crop == "none" and options.fill is None):
        return whole(photo)
    if options.fill is None:
        frame = with_room(subject, pixels_of(options.margin or "0", subject))
    else:
        frame = filled(subject, options.fill, 1.0 if options.crop == "subject" else photo.ratio)
    _refuse_vast(frame, photo)
    return frame


def pixels_of(length: str, subject: Box) -> int:
    """Return a length in pixels: ``40`` is itself, ``8%`` is of the subject's longer side."""
    if length.endswith("%"):
        return round(float(length[:-1]) / 100 * max(subject.width, subject.height))
    return int(length)


def with_room(subject: Box, margin: int) -> Box:
    """Return the subject's box with the same room on all four sides."""
    return Box(
        subject.top - margin,
        subject.left - margin,
        subject.bottom + margin,
        subject.right + margin,
    )


def filled(subject: Box, share: float, ratio: float) -> Box:
    """Return the smallest frame of a ratio of which the subject takes at most a share.

    Parameters
    ----------
    subject
        Stands in the middle, to half a pixel.
    share
        In 0..1, of width or height, whichever the subject fills more; of a square frame that is the
        subject's longer side over the frame's.
    ratio
        Width over height.
    """
    least_width, least_height = subject.width / share, subject.height / share
    height = math.ceil(max(least_height, least_width / ratio) - _NOISE)
    width = max(round(height * ratio), math.ceil(least_width - _NOISE))
    top = subject.top - (height - subject.height) // 2
    left = subject.left - (width - subject.width) // 2
    return Box(top, left, top + height, left + width)


def _refuse_vast(frame: Box, photo: Size) -> None:
    if frame.area > max(MAX_GROWTH * photo.pixels, ALWAYS_FINE):
        raise BadOptions(
            f"A frame of {frame.width}x{frame.height} is over {MAX_GROWTH} times "
            f"the photo of {photo}.",
            advice="Ask for a smaller margin or a larger fill.",
        )
    refuse_vast(Size(frame.width, frame.height))


# --- pixels ---------------------------------------------------------------------------------------


def subject_box(alpha: U8) -> Box | None:
    """Return where alpha (uint8, (H, W)) is to be seen, or None; specks move no frame."""
    seen = _without_specks(alpha >= VISIBLE)
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if rows.size == 0:
        return None
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _without_specks(seen: Mask) -> Mask:
    """Leave out patches that are nothing beside all that is seen."""
    _, labels, facts, _ = cv2.connectedComponentsWithStats(seen.astype(np.uint8), connectivity=8)
    areas = facts[:, cv2.CC_STAT_AREA]
    counts = areas >= max(_SPECK * seen.sum(), 1)
    counts[0] = False  # what is not seen
    out: Mask = counts[labels]
    return out


def framed(image: Image, frame: Box) -> Image:
    """Return what the frame shows of a picture; beyond the picture it is transparent."""
    if frame == whole(image.size):
        return image
    rgb = np.zeros((frame.height, frame.width, 3), np.uint8)
    alpha = np.zeros((frame.height, frame.width), np.uint8)
    shown = frame.intersection(whole(image.size))
    if shown is not None:
        there = shown.moved(-frame.top, -frame.left).slices
        rgb[there] = image.rgb[shown.slices]
        alpha[there] = OPAQUE if image.alpha is None else image.alpha[shown.slices]
    return replace(image, rgb=rgb, alpha=alpha)
