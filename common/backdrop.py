"""Plain backdrops as smooth colour fields: fitted where they are seen, carried on where not.

A studio's sweep, a wall, a label: a few coefficients a channel describe them, and what stands
before them does not disturb the fit.
"""

from __future__ import annotations

import cv2
import numpy as np

from common.fields import as_float
from common.image import F32, U8, Mask

_SAMPLES = 8_000  # pixels; six coefficients want no more
_ROUNDS = 12
_SHARPNESS = 2.5  # deviations at which a pixel counts half: writing and props are no backdrop
_FLOOR = 0.5 / 255  # an exact backdrop still has rounding noise
_DAMPING = 0.5  # half sides beyond the known area within which a quadratic may go on growing


def fit_backdrop(rgb: U8, known: Mask) -> tuple[F32, float]:
    """Fit one quadratic colour field to a backdrop, whatever stands before it.

    Parameters
    ----------
    rgb
        uint8 (H, W, 3).
    known
        bool (H, W): pixels that show mostly backdrop; more than half of them must.

    Returns
    -------
    field
        float32 (H, W, 3) in 0..1, everywhere.  Outside the known area's bounding box the
        coordinates are damped, so that the field levels off instead of running away.
    residual
        Mean distance of the known pixels from the field, 0..1, the largest channel counting;
        noise alone gives about its own sigma, scenery 12/255 and more.

    Notes
    -----
    Iteratively reweighted least squares with Cauchy weights, started at the median colour.
    """
    height, width = known.shape
    rows, columns = np.nonzero(known)
    field = np.zeros((height, width, 3), np.float32)
    if not len(rows):
        return field, 1.0
    step = max(1, len(rows) // _SAMPLES)
    rows, columns = rows[::step], columns[::step]
    down = _damped(np.arange(height, dtype=np.float32), int(rows.min()), int(rows.max()))
    across = _damped(np.arange(width, dtype=np.float32), int(columns.min()), int(columns.max()))
    colours = as_float(rgb[rows, columns])
    coefficients, residual = _robust_fit(_basis(down[rows], across[columns]), colours)
    for row in range(height):
        field[row] = _basis(np.full(width, down[row]), across) @ coefficients
    np.clip(field, 0, 1, out=field)
    return field, residual


def _damped(position: F32, low: int, high: int) -> F32:
    """Return coordinates of -1..1 between `low` and `high`, levelling off outside."""
    middle, half = (low + high) / 2, max((high - low) / 2, 1.0)
    straight = (position - middle) / half
    beyond = np.maximum(np.abs(straight) - 1, 0)
    damped = np.clip(straight, -1, 1) + np.sign(straight) * _DAMPING * -np.expm1(-beyond / _DAMPING)
    out: F32 = damped.astype(np.float32)
    return out


def _basis(y: F32, x: F32) -> F32:
    out: F32 = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    return out


def _robust_fit(basis: F32, colours: F32) -> tuple[F32, float]:
    """Return coefficients (6, 3) and the mean distance from the fit."""
    coefficients = np.zeros((basis.shape[1], 3), np.float32)
    coefficients[0] = np.median(colours, axis=0)
    ridge = 1e-4 * np.eye(basis.shape[1], dtype=np.float32)
    for _ in range(_ROUNDS):
        distance = _distance(colours - basis @ coefficients)
        scale = _SHARPNESS * max(float(np.median(distance)), _FLOOR)
        weighted = basis * (1 / (1 + (distance / scale) ** 2))[:, None]
        normal = weighted.T @ basis / len(basis) + ridge * 1e-2
        coefficients = np.linalg.solve(normal, weighted.T @ colours / len(basis))
    distance = _distance(colours - basis @ coefficients)
    return coefficients.astype(np.float32), float(distance.mean())


def _distance(off: F32) -> F32:
    """Return the largest channel of (n, 3); several times faster than numpy's own."""
    size: F32 = np.abs(off)
    return np.maximum(np.maximum(size[:, 0], size[:, 1]), size[:, 2])


def grain(rgb: U8, known: Mask) -> float:
    """Return the deviation of the noise in the known pixels, 0..1, edges left out.

    References
    ----------
    Immerkaer: Fast Noise Variance Estimation (1996); here with a median for the mean.
    """
    gray: F32 = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    rough: F32 = np.abs(cv2.filter2D(gray, cv2.CV_32F, kernel))
    inside: Mask = cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if not inside.any():
        return 0.0
    return float(np.median(rough[inside])) * _MEDIAN_TO_SIGMA / 6


_MEDIAN_TO_SIGMA = 1.4826
