"""A smooth warp: the flow that best explains what a similarity leaves.

References
----------
Lucas, Kanade: local least squares (1981).
"""

from __future__ import annotations

import cv2
import numpy as np

from common.fields import halved, resized, spread, total
from common.geometry import Size
from common.image import F32
from common.matting.registration.scene import Rebuilt, Scene, slope

_LIGHT = 5.0  # px of the grid, sigma: wider differences are the model's other light
_OUTLIER = 0.2  # colour difference that is believed by half
_RIDGE = 1e-3  # of the strongest window: what knows less stays where it is
_LARGEST_STEP = 3.0  # px of the grid


def flowed(scene: Scene, shift: F32, windows: tuple[float, ...]) -> F32:
    """Return the shift, (h, w, 2), after steps of flow over ever smaller windows.

    `windows` are sigmas in shares of the grid's longer side.
    """
    behind: F32 | None = None
    for window in windows:
        rebuilt = scene.rebuilt(shift, behind)
        behind = rebuilt.behind
        shift = shift + flow_step(scene.fixed, rebuilt, window * max(scene.weight.shape))
    return shift


def flow_step(fixed: F32, rebuilt: Rebuilt, sigma: float) -> F32:
    """Return the flow (h, w, 2), smooth over `sigma` pixels, that best explains what is left.

    `fixed` is what was rebuilt: float32 (h, w, 3) or (h, w).

    Notes
    -----
    Lucas and Kanade's least squares, with two changes.  Only the subject moves, so the gradient is
    that of the rebuilt picture less the background's own share.  And what is left is high-passed:
    the model's other light is no movement.
    """
    left = _high_passed(fixed - rebuilt.picture, rebuilt.weight)
    own = _spread(1 - rebuilt.weight, left)
    across, down = (
        slope(rebuilt.picture, *axis) - own * slope(rebuilt.behind, *axis)
        for axis in ((1, 0), (0, 1))
    )
    trust: F32 = np.reciprocal(1 + _dot(left, left) * np.float32(1 / _OUTLIER**2))
    trust = _spread(trust, left)
    believed, believed_down = trust * across, trust * down
    pairs = (
        (believed, across),
        (believed, down),
        (believed_down, down),
        (believed, left),
        (believed_down, left),
    )
    return _solved([_dot(a, b) for a, b in pairs], sigma)


def _dot(a: F32, b: F32) -> F32:
    """Return the product of two fields, summed over their channels if they have any, (h, w)."""
    return total(a * b) if a.ndim > 2 else a * b


def _spread(weight: F32, like: F32) -> F32:
    """Return a weight (h, w) with as many dimensions as `like`."""
    return spread(weight) if like.ndim > 2 else weight


def _high_passed(left: F32, weight: F32) -> F32:
    """Return what is left without its wide differences, which are measured at half the size."""
    height, width = weight.shape
    known = weight + np.float32(1e-3)
    sums: F32 = cv2.GaussianBlur(
        halved(cv2.merge((left * _spread(known, left), known))), (0, 0), _LIGHT / 2
    )
    wide = sums[..., :-1] / sums[..., -1:]
    return left - resized(wide.reshape(*wide.shape[:2], *left.shape[2:]), Size(width, height))


def _solved(terms: list[F32], sigma: float) -> F32:
    """Solve the 2 x 2 systems xx, xy, yy, xr, yr summed over windows; at a quarter of the size."""
    height, width = terms[0].shape
    quarter = Size(max(1, width // 4), max(1, height // 4))
    xx, xy, yy, xr, yr = (
        cv2.GaussianBlur(resized(term, quarter), (0, 0), sigma / 4) for term in terms
    )
    ridge = np.float32(_RIDGE) * float((xx + yy).max()) + np.float32(1e-9)
    xx, yy = xx + ridge, yy + ridge
    determinant = xx * yy - xy * xy
    flow = np.dstack([(yy * xr - xy * yr) / determinant, (xx * yr - xy * xr) / determinant])
    return resized(np.clip(flow, -_LARGEST_STEP, _LARGEST_STEP), Size(width, height))
