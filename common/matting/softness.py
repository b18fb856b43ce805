"""The softness of a render, told by its own steepest edges, and taken back.

A model's picture is a little out of focus: what was a crisp outline covers two or three pixels.
Where a photo is at hand it says how crisp (see `guided.sharpened`); alone, the steepest edges do.
"""

from __future__ import annotations

import cv2
import numpy as np

from common.fields import smoothstep
from common.image import F32

_MIDDLE = (0.35, 0.65)  # alpha of pixels that an outline runs through
_ENOUGH = 50  # such pixels; fewer prove nothing
_STEEPEST = 90  # percentile: the rest may be soft in truth
_CRISP = (0.33, 0.37)  # change of alpha a pixel on edges that are surely soft, and surely crisp
_NO_EDGE = (0.14, 0.22)  # the same of smoke and motion, and of anything with an outline
_SIGMA, _WINDOW = 1.0, 5  # px, the blur whose detail is given back
_AMOUNT = 1.5  # times that detail


def deblurred(alpha: F32) -> F32:
    """Return alpha, (H, W) in 0..1, with the blur of its picture taken back.

    Nothing changes where the steepest edges climb as a drawn outline's do, by about half of alpha
    a pixel, or as little as smoke's, which was never sharp.

    Notes
    -----
    One step of Van Cittert's iteration with an unsharp mask; one amount for the picture, since a
    model's softness is the same everywhere.
    """
    amount = _AMOUNT * _softness(alpha)
    if amount <= 0:
        return alpha
    blurred: F32 = cv2.GaussianBlur(alpha, (_WINDOW, _WINDOW), _SIGMA)
    sharp: F32 = cv2.addWeighted(alpha, 1 + amount, blurred, -amount, 0)
    return np.clip(sharp, 0, 1, out=sharp)


def _softness(alpha: F32) -> float:
    """Return how surely a picture is softer than a drawn outline, 0..1."""
    middle = (alpha > _MIDDLE[0]) & (alpha < _MIDDLE[1])
    middle[[0, -1]] = middle[:, [0, -1]] = False
    rows, columns = np.nonzero(middle)
    if len(rows) < _ENOUGH:
        return 0.0
    across = alpha[rows, columns + 1] - alpha[rows, columns - 1]
    down = alpha[rows + 1, columns] - alpha[rows - 1, columns]
    steepest = np.percentile(np.hypot(across, down) / 2, _STEEPEST).astype(np.float32)
    return float((1 - smoothstep(steepest, *_CRISP)) * smoothstep(steepest, *_NO_EDGE))
