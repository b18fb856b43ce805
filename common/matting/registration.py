"""Registration: where each pixel of the photo lies in a picture that a model made of it.

Models return the scene moved, scaled, turned and slightly warped.  Three steps, each kept only when
the two pictures then agree at least as well: features and a similarity, correlation and an affine
map, smoothed optical flow.

References
----------
Lowe: SIFT (2004); Evangelidis, Psarakis: ECC (2008); Kroeger et al.: DIS optical flow (2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.fields import as_bytes, as_float, push_pull, resized
from common.geometry import Size
from common.image import F32, U8, Mask

_LOOK = 512  # px, longer side at which pictures are registered
_MIN_MATCHES = 8
_SURE_MATCHES = 40  # with fewer, an affine refinement is held to a similarity
_MAX_SHIFT = 0.09  # of the longer side
_SCALES = (0.9, 1.1)
_MAX_TURN = 0.1  # sine of the rotation
_MAX_REFINEMENT = 0.08  # largest change of the affine part by correlation
_SMOOTHING = 0.04  # sigma of the flow, of the longer side
_FLOW_REACH = 6.0  # px, flow beyond about this is not believed

Affine = NDArray[np.float64]  # (2, 3): fixed pixel -> moving pixel, both on the small grid


@dataclass(frozen=True)
class Registration:
    """A map from the fixed picture into the moving one.

    Attributes
    ----------
    shift
        float32 (h, w, 2) on a small grid: how far right and down the moving picture holds what the
        fixed one shows here, in shares of width and height.
    score
        Normalised cross-correlation of colour after alignment, -1..1, near the weighted parts.
    start
        The same before alignment.
    """

    shift: F32
    score: float
    start: float

    def maps(self, fixed: Size, moving: Size) -> tuple[F32, F32]:
        """Return columns and rows of `moving` for every pixel of `fixed`, for `cv2.remap`."""
        shift = resized(self.shift, fixed)
        across = (np.arange(fixed.width) + 0.5) * (moving.width / fixed.width) - 0.5
        down = (np.arange(fixed.height) + 0.5) * (moving.height / fixed.height) - 0.5
        columns: F32 = shift[..., 0] * np.float32(moving.width) + across.astype(np.float32)
        rows: F32 = shift[..., 1] * np.float32(moving.height) + down.astype(np.float32)[:, None]
        return columns, rows


def register(moving: U8, fixed: U8, weight: F32) -> Registration:
    """Find where each pixel of `fixed` lies in `moving`.

    Parameters
    ----------
    moving
        uint8 RGB (h, w, 3), any size, about the ratio of `fixed`.
    fixed
        uint8 RGB (H, W, 3).
    weight
        float32 (h, w), 0..1: how far each pixel of `moving` shows what `fixed` shows, as the alpha
        of a subject, or 0 where a model was asked to change something.
    """
    scene = _Scene.of(moving, fixed, weight)
    start = best = scene.tried(np.eye(2, 3))
    found, matches = _similarity_of_features(scene)
    if found is not None:
        best = _better(scene.tried(found), best)
    refined = _refined_by_correlation(scene, best, to_similarity=matches < _SURE_MATCHES)
    if refined is not None:
        best = _better(scene.tried(refined), best)
    best = _better(scene.tried(best.affine, _smooth_flow(scene, best)), best)
    return Registration(scene.shift(best), best.score, start.score)


@dataclass(frozen=True)
class _Trial:
    """One candidate map, and the fixed picture rebuilt with it."""

    affine: Affine
    flow: F32 | None
    rebuilt: U8
    weight: F32
    score: float


def _better(candidate: _Trial, best: _Trial) -> _Trial:
    return candidate if candidate.score > best.score else best


@dataclass(frozen=True)
class _Scene:
    """Both pictures on one small grid: float32 RGB (h, w, 3), the weight (h, w), and bytes."""

    fixed: F32
    moving: F32
    weight: F32
    fixed_grey: U8
    columns: F32
    rows: F32

    @staticmethod
    def of(moving: U8, fixed: U8, weight: F32) -> _Scene:
        """Bring both pictures to the registration's grid."""
        size = Size(fixed.shape[1], fixed.shape[0]).within(_LOOK)
        shape = (size.width, size.height)
        small_fixed: U8 = cv2.resize(fixed, shape, interpolation=cv2.INTER_AREA)
        small_moving: U8 = cv2.resize(moving, shape, interpolation=cv2.INTER_AREA)
        small_weight: F32 = cv2.resize(weight, shape, interpolation=cv2.INTER_AREA)
        rows, columns = np.mgrid[0 : size.height, 0 : size.width].astype(np.float32)
        return _Scene(
            as_float(small_fixed), as_float(small_moving), small_weight, grey(small_fixed),
            columns, rows,
        )  # fmt: skip

    def maps(self, affine: Affine, flow: F32 | None = None) -> tuple[F32, F32]:
        """Return columns and rows of the moving picture for every grid point."""
        x, y = self.columns, self.rows
        if flow is not None:
            x, y = x + flow[..., 0], y + flow[..., 1]
        a = affine.astype(np.float32)
        return a[0, 0] * x + a[0, 1] * y + a[0, 2], a[1, 0] * x + a[1, 1] * y + a[1, 2]

    def tried(self, affine: Affine, flow: F32 | None = None) -> _Trial:
        """Rebuild the fixed picture: the moved subject over the fixed picture's own background."""
        columns, rows = self.maps(affine, flow)
        weight = _sampled(self.weight, columns, rows)
        moved = _sampled(self.moving, columns, rows)
        wide: F32 = cv2.dilate(weight, np.ones((7, 7), np.uint8))
        behind = push_pull(self.fixed, (wide < 0.03).astype(np.float32) + np.float32(1e-6), 7)
        rebuilt = behind + weight[..., None] * (moved - behind)
        near: U8 = cv2.dilate((weight > 0.5).astype(np.uint8), np.ones((13, 13), np.uint8))
        score = correlation(rebuilt, self.fixed, near > 0)
        return _Trial(affine, flow, as_bytes(rebuilt), weight, score)

    def shift(self, trial: _Trial) -> F32:
        """Return the map of `trial` as shares of width and height, as `Registration` keeps it."""
        columns, rows = self.maps(trial.affine, trial.flow)
        height, width = self.weight.shape
        return np.dstack([(columns - self.columns) / width, (rows - self.rows) / height])


def grey(pixels: U8) -> U8:
    """Return the luma of uint8 RGB (H, W, 3): uint8 (H, W)."""
    out: U8 = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return out


def correlation(a: F32, b: F32, where: Mask) -> float:
    """Return the normalised cross-correlation of two colour fields inside a mask, -1..1."""
    if not where.any():
        return 0.0
    first, second = a[where], b[where]
    first, second = first - first.mean(0), second - second.mean(0)
    scale = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return float((first * second).sum()) / (scale + 1e-9)


def _sampled(values: F32, columns: F32, rows: F32) -> F32:
    out: F32 = cv2.remap(
        values, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    )
    return out


# --- step one: features ---------------------------------------------------------------------------


def _similarity_of_features(scene: _Scene) -> tuple[Affine | None, int]:
    """Return the similarity that most SIFT matches agree on, and how many do."""
    fixed_points, moving_points = _matches(scene)
    if len(fixed_points) < _MIN_MATCHES:
        return None, 0
    found, agreeing = cv2.estimateAffinePartial2D(
        fixed_points, moving_points, method=cv2.RANSAC, ransacReprojThreshold=2.0
    )
    if found is None or int(agreeing.sum()) < _MIN_MATCHES or not _is_plausible(found):
        return None, 0
    return found, int(agreeing.sum())


def _matches(scene: _Scene) -> tuple[F32, F32]:
    """Return the places (n, 2) of unambiguous matches in the fixed and the moving picture."""
    nothing = np.zeros((0, 2), np.float32)
    sift = cv2.SIFT.create(1200, contrastThreshold=0.02)
    weight = scene.weight[..., None]
    moving = grey(as_bytes(scene.moving * weight + np.float32(0.5) * (1 - weight)))
    around: F32 = cv2.dilate(scene.weight, np.ones((41, 41), np.uint8))
    inside: F32 = cv2.erode(scene.weight, np.ones((3, 3), np.uint8))
    keys_fixed, fixed = sift.detectAndCompute(scene.fixed_grey, _bytes_mask(around > 0.3))
    keys_moving, moved = sift.detectAndCompute(moving, _bytes_mask(inside > 0.6))
    if min(len(keys_fixed), len(keys_moving)) < _MIN_MATCHES:
        return nothing, nothing
    pairs = [pair for pair in cv2.BFMatcher().knnMatch(fixed, moved, k=2) if len(pair) == 2]
    clear = [first for first, second in pairs if first.distance < 0.8 * second.distance]
    if not clear:
        return nothing, nothing
    here = np.array([keys_fixed[match.queryIdx].pt for match in clear], np.float32)
    there = np.array([keys_moving[match.trainIdx].pt for match in clear], np.float32)
    near = np.abs(here - there).max(1) < _MAX_SHIFT * max(scene.weight.shape)
    return here[near], there[near]


def _bytes_mask(mask: Mask) -> U8:
    return mask.astype(np.uint8) * np.uint8(255)


def _is_plausible(similarity: Affine) -> bool:
    scale = float(np.hypot(similarity[0, 0], similarity[0, 1]))
    return _SCALES[0] < scale < _SCALES[1] and abs(float(similarity[0, 1])) < _MAX_TURN


# --- step two: correlation ------------------------------------------------------------------------


def _refined_by_correlation(scene: _Scene, best: _Trial, *, to_similarity: bool) -> Affine | None:
    """Return the affine map after masked ECC; None when it does not converge or runs away."""
    near: U8 = cv2.dilate((best.weight > 0.5).astype(np.uint8), np.ones((13, 13), np.uint8))
    if not near.any():
        return None
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    change = np.eye(2, 3, dtype=np.float32)
    try:
        _, change = cv2.findTransformECC(
            scene.fixed_grey, grey(best.rebuilt), change, cv2.MOTION_AFFINE, criteria, near * 255, 5
        )
    except cv2.error:  # no gradient to hold on to, or no overlap left
        return None
    step: Affine = change.astype(np.float64)
    if to_similarity:
        step = _nearest_similarity(step, _centre(best.weight))
    if np.abs(step[:, :2] - np.eye(2)).max() > _MAX_REFINEMENT:
        return None
    return _after(best.affine, step)


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


def _after(outer: Affine, inner: Affine) -> Affine:
    """Return ``outer(inner(point))``."""
    last_row = [0.0, 0.0, 1.0]
    product: Affine = np.vstack([outer, last_row]) @ np.vstack([inner, last_row])
    return product[:2]


# --- step three: flow -----------------------------------------------------------------------------


def _smooth_flow(scene: _Scene, best: _Trial) -> F32:
    """Return DIS flow (h, w, 2) in grid pixels, smoothed by how much each pixel can know of it."""
    rebuilt = grey(best.rebuilt)
    flow: F32 = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(
        scene.fixed_grey, rebuilt, None
    )
    trust = _flow_trust(rebuilt, best.weight, flow)
    sigma = _SMOOTHING * max(trust.shape)
    summed: F32 = cv2.GaussianBlur(flow * trust[..., None], (0, 0), sigma)
    weight: F32 = cv2.GaussianBlur(trust, (0, 0), sigma)
    return summed / (weight + np.float32(2e-3))[..., None]


def _flow_trust(rebuilt: U8, weight: F32, flow: F32) -> F32:
    """Return 0..1: near the subject, where there is a gradient, for moderate flow."""
    slope = np.hypot(cv2.Sobel(rebuilt, cv2.CV_32F, 1, 0), cv2.Sobel(rebuilt, cv2.CV_32F, 0, 1))
    near: F32 = cv2.dilate(weight, np.ones((5, 5), np.uint8))
    moderate = np.exp(-(flow * flow).sum(-1) / (2 * _FLOW_REACH**2))
    trust: F32 = (near > 0.3) * np.minimum(slope / 60, 1) * moderate + 1e-5
    return trust.astype(np.float32)
