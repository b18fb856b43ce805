"""Registration: where each pixel of the photo lies in a picture that a model made of it.

Models return the scene moved, scaled, turned and slightly warped, and in another light.  First a
similarity: from matching features where there are enough, else from the two pictures' contours,
which light does not move.  Then a smooth warp, which is only believed when it explains a good part
of what the similarity leaves: where the light alone differs, a warp would follow the light.

References
----------
Lowe: SIFT (2004); Evangelidis, Psarakis: ECC (2008); Lucas, Kanade: local least squares (1981).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.fields import as_bytes, as_float, largest, push_pull, resized, total
from common.geometry import Size
from common.image import F32, U8, Mask

_LOOK, _GLANCE = 512, 256  # px, longer sides of the fine and the coarse grid
_MIN_MATCHES = 8
_SURE_MATCHES = 40  # with fewer features, contours are asked too
_MAX_SHIFT = 0.09  # of the longer side
_SCALES = (0.9, 1.1)
_MAX_TURN = 0.1  # sine of the rotation
_MAX_REFINEMENT = 0.08  # largest change of scale and turn by contours
_CONTOUR = 0.01  # colour step a pixel that makes half a contour
_CONTOUR_BLURS = ((_GLANCE, 3.0), (_GLANCE, 1.5), (_LOOK, 1.5))  # grid, sigma: coarse to fine
_COARSE_WINDOWS = (0.12, 0.12, 0.06, 0.06, 0.04)  # sigma of the warp, of the longer side
_FINE_WINDOWS = (0.04, 0.04)
_LIGHT = 5.0  # px of the coarse grid: sigma below which differences of light are left in
_OUTLIER = 0.2  # colour difference that is believed by half
_RIDGE = 1e-3  # of the strongest window: what knows less stays where it is
_LARGEST_STEP = 3.0  # px
_STIFF_MATCHES, _STIFF = 60, 0.5  # so many matches within so many px (median): there is no warp
_WORTH_A_WARP = 0.85  # a warp must leave less than this of the similarity's disagreement

Affine = NDArray[np.float64]  # (2, 3): fixed pixel -> moving pixel, both on one grid


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
    fine, coarse = (_Scene.of(moving, fixed, weight, look) for look in (_LOOK, _GLANCE))
    start = fine.tried(np.zeros((*fine.weight.shape, 2), np.float32))
    best, is_sure = _rigid(fine, coarse, start)
    if not is_sure:
        warp = _warp(coarse, fine.carried(best.shift, coarse), _COARSE_WINDOWS)
        warped = fine.tried(_warp(fine, coarse.carried(warp, fine), _FINE_WINDOWS))
        if 1 - warped.score < _WORTH_A_WARP * (1 - best.score):
            best = warped
    return Registration(best.shift / fine.scale, best.score, start.score)


@dataclass(frozen=True)
class _Trial:
    """One candidate map, and the fixed picture rebuilt with it; (h, w, ...) on its grid.

    `shift` says, in grid pixels, how far right and down the moving picture holds what is here.
    """

    shift: F32
    rebuilt: F32
    behind: F32
    weight: F32
    score: float


@dataclass(frozen=True)
class _Scene:
    """Both pictures on one small grid: float32 RGB (h, w, 3), the weight (h, w)."""

    fixed: F32
    moving: F32
    weight: F32
    columns: F32
    rows: F32

    @staticmethod
    def of(moving: U8, fixed: U8, weight: F32, look: int) -> _Scene:
        """Bring both pictures to a grid whose longer side is at most `look`."""
        size = Size(fixed.shape[1], fixed.shape[0]).within(look)
        shape = (size.width, size.height)
        small_fixed: U8 = cv2.resize(fixed, shape, interpolation=cv2.INTER_AREA)
        small_moving: U8 = cv2.resize(moving, shape, interpolation=cv2.INTER_AREA)
        small_weight: F32 = cv2.resize(weight, shape, interpolation=cv2.INTER_AREA)
        rows, columns = np.mgrid[0 : size.height, 0 : size.width].astype(np.float32)
        return _Scene(as_float(small_fixed), as_float(small_moving), small_weight, columns, rows)

    @property
    def scale(self) -> F32:
        """Width and height of the grid."""
        return np.array(self.weight.shape[::-1], np.float32)

    def carried(self, shift: F32, other: _Scene) -> F32:
        """Return a shift of this grid on another grid of the same pictures."""
        height, width = other.weight.shape
        return resized(shift, Size(width, height)) * (other.scale / self.scale)

    def shift_of(self, affine: Affine) -> F32:
        """Return an affine map as a shift, (h, w, 2)."""
        a = affine.astype(np.float32)
        across = (a[0, 0] - 1) * self.columns + a[0, 1] * self.rows + a[0, 2]
        down = a[1, 0] * self.columns + (a[1, 1] - 1) * self.rows + a[1, 2]
        return np.dstack([across, down])

    def tried(self, shift: F32, behind: F32 | None = None) -> _Trial:
        """Rebuild the fixed picture: the moved subject over the fixed picture's own background.

        `behind` saves filling that background again when the map has hardly changed.
        """
        columns, rows = self.columns + shift[..., 0], self.rows + shift[..., 1]
        weight = _sampled(self.weight, columns, rows)
        moved = _sampled(self.moving, columns, rows)
        if behind is None:
            behind = self._background(weight)
        rebuilt = behind + weight[..., None] * (moved - behind)
        score = correlation(rebuilt, self.fixed, _surroundings(weight) > 0)
        return _Trial(shift, rebuilt, behind, weight, score)

    def _background(self, weight: F32) -> F32:
        wide: F32 = cv2.dilate(weight, np.ones((7, 7), np.uint8))
        return push_pull(self.fixed, (wide < 0.03).astype(np.float32) + np.float32(1e-6), 7)


def _surroundings(weight: F32) -> U8:
    """Return 255 on the subject and close around it: uint8 (h, w)."""
    window = np.ones((13, 13), np.uint8)
    near: U8 = cv2.dilate((weight > 0.5).astype(np.uint8) * np.uint8(255), window)
    return near


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


# --- a similarity ---------------------------------------------------------------------------------


def _rigid(fine: _Scene, coarse: _Scene, start: _Trial) -> tuple[_Trial, bool]:
    """Return the best similarity, and whether it is sure that there is no warp besides.

    It is that of features, or of contours where features are few.
    """
    found = _similarity_of_features(fine)
    best = start
    if found is not None:
        by_features = fine.tried(fine.shift_of(found.affine))
        best = by_features if by_features.score > start.score else start
    if found is not None and best is not start and found.matches >= _SURE_MATCHES:
        return best, found.matches >= _STIFF_MATCHES and found.miss < _STIFF
    by_contours = fine.tried(_shift_of_contours(fine, coarse, best))
    return (by_contours if by_contours.score > best.score else best), False


def _shift_of_contours(fine: _Scene, coarse: _Scene, best: _Trial) -> F32:
    """Return the shift after correlating contours, from coarse to fine."""
    shift, grid = best.shift, fine
    for look, blur in _CONTOUR_BLURS:
        scene = coarse if look == _GLANCE else fine
        shift, grid = grid.carried(shift, scene), scene
        shift = _by_contours(scene, scene.tried(shift), blur)
    return grid.carried(shift, fine)


def _by_contours(scene: _Scene, trial: _Trial, blur: float) -> F32:
    """Return the shift after one masked ECC of contours, held to a similarity."""
    near = _surroundings(trial.weight)
    if not near.any():
        return trial.shift
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    try:
        _, change = cv2.findTransformECC(
            _contours(scene.fixed, blur),
            _contours(trial.rebuilt, blur),
            np.eye(2, 3, dtype=np.float32),
            cv2.MOTION_AFFINE,
            criteria,
            near,
            1,
        )
    except cv2.error:  # no contour to hold on to, or no overlap left
        return trial.shift
    step = _nearest_similarity(np.asarray(change, np.float64), _centre(trial.weight))
    if np.abs(step[:, :2] - np.eye(2)).max() > _MAX_REFINEMENT:
        return trial.shift
    return _after(scene, trial.shift, step)


def _contours(pixels: F32, blur: float) -> F32:
    """Return how much of a contour each pixel is, 0..1, whatever its contrast, (h, w)."""
    smooth: F32 = cv2.GaussianBlur(pixels, (0, 0), 0.8)
    across, down = _slope(smooth, 1, 0), _slope(smooth, 0, 1)
    step = np.sqrt(largest(across * across + down * down))
    out: F32 = cv2.GaussianBlur(step / (step + np.float32(_CONTOUR)), (0, 0), blur)
    return out


def _slope(values: F32, across: int, down: int) -> F32:
    out: F32 = cv2.Sobel(values, cv2.CV_32F, across, down, scale=1 / 8)
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


def _after(scene: _Scene, shift: F32, step: Affine) -> F32:
    """Return the shift that goes by `step` first, then by `shift`."""
    first = scene.shift_of(step)
    there = (scene.columns + first[..., 0], scene.rows + first[..., 1])
    second: F32 = cv2.remap(shift, *there, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return first + second


@dataclass(frozen=True)
class _Agreement:
    """A similarity, how many matches agree on it, and the median of their misses in pixels."""

    affine: Affine
    matches: int
    miss: float


def _similarity_of_features(scene: _Scene) -> _Agreement | None:
    """Return the similarity that most SIFT matches agree on, if enough do."""
    fixed_points, moving_points = _matches(scene)
    if len(fixed_points) < _MIN_MATCHES:
        return None
    found, agreeing = cv2.estimateAffinePartial2D(
        fixed_points, moving_points, method=cv2.RANSAC, ransacReprojThreshold=2.0
    )
    if found is None or int(agreeing.sum()) < _MIN_MATCHES or not _is_plausible(found):
        return None
    here, there = (points[agreeing[:, 0] > 0] for points in (fixed_points, moving_points))
    miss = np.hypot(*(here @ found[:, :2].T + found[:, 2] - there).T)
    return _Agreement(found, len(miss), float(np.median(miss)))


def _matches(scene: _Scene) -> tuple[F32, F32]:
    """Return the places (n, 2) of unambiguous matches in the fixed and the moving picture."""
    nothing = np.zeros((0, 2), np.float32)
    sift = cv2.SIFT.create(1200, contrastThreshold=0.02)
    weight = scene.weight[..., None]
    moving = grey(as_bytes(scene.moving * weight + np.float32(0.5) * (1 - weight)))
    around: F32 = cv2.dilate(scene.weight, np.ones((41, 41), np.uint8))
    inside: F32 = cv2.erode(scene.weight, np.ones((3, 3), np.uint8))
    keys_fixed, fixed = sift.detectAndCompute(
        grey(as_bytes(scene.fixed)), _bytes_mask(around > 0.3)
    )
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


# --- a smooth warp --------------------------------------------------------------------------------


def _warp(scene: _Scene, shift: F32, windows: tuple[float, ...]) -> F32:
    """Return the shift on this grid after steps of flow over ever smaller windows."""
    trial = scene.tried(shift)
    for window in windows:
        flow = _flow_step(scene, trial, window * max(scene.weight.shape))
        trial = scene.tried(trial.shift + flow, trial.behind)
    return trial.shift


def _flow_step(scene: _Scene, trial: _Trial, sigma: float) -> F32:
    """Return the flow (h, w, 2), smooth over `sigma` grid pixels, that best explains what is left.

    Notes
    -----
    Lucas and Kanade's least squares in colour, with two changes.  Only the subject moves, so the
    gradient is that of the rebuilt picture less the background's own share.  And what is left is
    high-passed: the model's other light is no movement.
    """
    left = _high_passed(scene.fixed - trial.rebuilt, trial.weight)
    own = (1 - trial.weight)[..., None]
    across, down = (
        _slope(trial.rebuilt, *axis) - own * _slope(trial.behind, *axis)
        for axis in ((1, 0), (0, 1))
    )
    trust: F32 = np.reciprocal(1 + total(left * left) * np.float32(1 / _OUTLIER**2))
    pairs = (
        (across, across),
        (across, down),
        (down, down),
        (across, left),
        (down, left),
    )
    return _solved([np.multiply(trust, total(a * b)) for a, b in pairs], sigma)


def _high_passed(left: F32, weight: F32) -> F32:
    known = weight[..., None] + np.float32(1e-3)
    smooth: F32 = cv2.GaussianBlur(left * known, (0, 0), _LIGHT)
    share: F32 = cv2.GaussianBlur(known, (0, 0), _LIGHT)
    return left - smooth / share[..., None]


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
