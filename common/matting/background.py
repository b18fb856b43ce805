"""The photo's background, carried on beneath the subject, and how surely it is known."""

from __future__ import annotations

import cv2
import numpy as np

from common.fields import halved, push_pull, resized, total
from common.geometry import Size
from common.image import F32

_LEAST_LIKENESS = 0.02  # noise of the photo that is always assumed, sigma in 0..1
_CLEAR = 0.02  # alpha below which the photo shows its background


def background(photo: F32, alpha: F32) -> tuple[F32, F32]:
    """Return the photo's background beneath the subject, and its sigma there.

    Both at full size, (H, W, 3) and (H, W), filled from outside the widened alpha.
    """
    height, width = alpha.shape
    wide: F32 = cv2.dilate(alpha, np.ones((9, 9), np.uint8))
    outside: F32 = (wide < _CLEAR).astype(np.float32)
    weight = halved(outside) + np.float32(1e-6)
    small = halved(photo)
    smooth: F32 = cv2.GaussianBlur(small, (0, 0), 3)
    ripple = total((small - smooth) ** 2)[..., None]
    behind = push_pull(small, weight)
    variance = push_pull(ripple * np.float32(1 / 3), weight)[..., 0]
    whole = Size(width, height)
    return resized(behind, whole), np.sqrt(resized(variance, whole)) + np.float32(_LEAST_LIKENESS)
