"""A similarity from contours, for subjects without texture: light moves no contour.

References
----------
Evangelidis, Psarakis: enhanced correlation coefficient, ECC (2008).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from common.fields import largest
from common.image import F32
from common.matting.registration.scene import Affine, Scene, slope, surroundings

_MAX_REFINEMENT = 0.08  # largest change of scale and turn
_CONTOUR = 0.01  # colour step a pixel that makes half a contour
_COARSE_BLURS, _FINE_BLURS = (3.0, 1.5), (1.5,)  # px of the grid, sigma


def shift_of_contours(fine: Scene, coarse: Scene, shift: F32) -> F32:
    """Return the shift, (h, w, 2) of `fine`, after correlating contours from coarse to fine."""
    shift = fine.carried(shift, coarse)
    for blur in _COARSE_BLURS:
        shift = _correlated(coarse, shift, blur)
    shift = coarse.carried(shift, fine)
    for blur in _FINE_BLURS:
        shift = _correlated(fine, shift, blur)
    return shift


def _correlated(scene: Scene, shift: F32, blur: float) -> F32:
    """Return the shift after one masked ECC of contours, held to a similarity."""
    rebuilt = scene.rebuilt(shift)
    near = surroundings(rebuilt.weight)
    if not near.any():
        return shift
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    try:
        _, change = cv2.findTransformECC(
            _contours(scene.fixed, blur),
            _contours(rebuilt.picture, blur),
            np.eye(2, 3, dtype=np.float32),
            cv2.MOTION_AFFINE,
            criteria,
            near,
            1,
        )
    except cv2.error:  # no contour to hold on to, or no overlap left
        return shift
    step = _nearest_similarity(np.asarray(change, np.float64), _centre(rebuilt.weight))
    if np.abs(step[:, :2] - np.eye(2)).max() > _MAX_REFINEMENT:
        return shift
    return _after(scene, shift, step)


def _contours(pixels: F32, blur: float) -> F32:
    """Return how much of a contour each pixel is, 0..1, whatever its contrast, (h, w)."""
    smooth: F32 = cv2.GaussianBlur(pixels, (0, 0), 0.8)
    across, down = slope(smooth, 1, 0), slope(smooth, 0, 1)
    step = np.sqrt(largest(across * across + down * down))
    out: F32 = cv2.GaussianBlur(step / (step + np.float32(_CONTOUR)), (0, 0), blur)
    return out


def _nearest_similarity(step: Affine, centre: NDArray[np.float64]) -> Affine:
    """Return the similarity closest to an affine map, equal to it at `centre` (x, y)."""
    cosine = (step[0, 0] + step[1, 1]) / 2
    sine = (step[1, 0] - step[0, 1]) / 2
    turn = np.array([[cosine, -sine], [sine, cosine]])
    image = step[:, :2] @ centre + step[:, 2]
    return np.hstack([turn, (image - turn @ centre)[:, None]])


def _centre(weight: F32) -> NDArray[np.float64]:
    rows, columns = np.nonzero(weight > 0.5)
    return np.array([columns.mean(), rows.mean()])


def _after(scene: Scene, shift: F32, step: Affine) -> F32:
    """Return the shift that goes by `step` first, then by `shift`."""
    first = scene.shift_of(step)
    there = (scene.columns + first[..., 0], scene.rows + first[..., 1])
    second: F32 = cv2.remap(shift, *there, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return first + second
