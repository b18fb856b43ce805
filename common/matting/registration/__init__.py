"""Registration: where each pixel of the photo lies in a picture that a model made of it.

Models return the scene moved, scaled, turned and slightly warped, and in another light.  First a
similarity: from corners or features where there are enough, else from the two pictures' contours,
which light does not move.  Then a smooth warp, which is only believed when it explains a good part
of what the similarity leaves: where the light alone differs, a warp would follow the light.

`scene` rebuilds the photo with a candidate map and scores it; `features`, `contours` and `warp`
each propose one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from common.fields import enlarged
from common.geometry import Part, Size
from common.image import F32, U8
from common.matting.registration.contours import shift_of_contours
from common.matting.registration.features import (
    Agreement,
    similarity_of_corners,
    similarity_of_features,
)
from common.matting.registration.scene import Scene, Trial, correlation, grey
from common.matting.registration.warp import flowed

__all__ = ["Registration", "correlation", "grey", "register"]

_LOOK, _GLANCE = 512, 256  # px, longer sides of the fine and the coarse grid
_SURE_MATCHES = 40  # with fewer features, contours are asked too
_COARSE_WINDOWS = (0.12, 0.12, 0.06, 0.06, 0.04)  # sigma of the warp, of the longer side
_FINE_WINDOWS = (0.04, 0.04)
_STIFF_MATCHES, _STIFF = 60, 0.25  # so many matches within so many px (median): there is no warp
_LEAST_GAIN = 0.15  # share of the similarity's disagreement that a warp must take away ...
_WIDE_WARP = 1.5  # px of the fine grid (RMS) ... if it goes so far; a smaller one needs less


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
    """

    shift: F32
    score: float

    def maps(self, fixed: Part, moving: Size) -> tuple[F32, F32]:
        """Return columns and rows of `moving` for every pixel of `fixed`, for `cv2.remap`."""
        box, size = fixed.box, fixed.size
        own = Size(self.shift.shape[1], self.shift.shape[0])
        shift = enlarged(self.shift, Part.all_of(own), fixed)
        across = (np.arange(box.left, box.right) + 0.5) * (moving.width / size.width) - 0.5
        down = (np.arange(box.top, box.bottom) + 0.5) * (moving.height / size.height) - 0.5
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
    fine = Scene.of(moving, fixed, weight, _LOOK)
    coarse = fine.within(_GLANCE)
    best, is_sure = _rigid(fine, coarse)
    if not is_sure:
        best = _warped(fine, coarse, best)
    return Registration(best.shift / fine.scale, best.score)


def _rigid(fine: Scene, coarse: Scene) -> tuple[Trial, bool]:
    """Return the best similarity, and whether it is sure that there is no warp besides.

    It is that of corners or features, or of contours where both are few.
    """
    best, matches = None, 0
    agreed, scene = _agreed(fine, coarse)
    if agreed is not None:
        best = fine.tried(scene.carried(scene.shift_of(agreed.affine), fine))
        matches = agreed.matches
        if matches >= _STIFF_MATCHES and agreed.miss < _STIFF:
            return best, True
    unmoved = fine.tried(np.zeros((*fine.weight.shape, 2), np.float32))
    if best is None or best.score <= unmoved.score:
        best, matches = unmoved, 0
    if matches >= _SURE_MATCHES:
        return best, False
    by_contours = fine.tried(shift_of_contours(fine, coarse, best.shift))
    return (by_contours if by_contours.score > best.score else best), False


def _agreed(fine: Scene, coarse: Scene) -> tuple[Agreement | None, Scene]:
    """Return the similarity of corners, else that of features, and the grid it is told on."""
    corners = similarity_of_corners(fine)
    if corners is not None:
        return corners, fine
    return similarity_of_features(coarse), coarse  # SIFT looks at twice the size by itself


def _warped(fine: Scene, coarse: Scene, best: Trial) -> Trial:
    """Return the similarity with a smooth warp on top, where that explains enough of what is left.

    The farther a warp goes, the more it must explain: light alone can lead it astray.
    """
    shift = flowed(coarse, fine.carried(best.shift, coarse), _COARSE_WINDOWS)
    trial = fine.tried(flowed(fine, coarse.carried(shift, fine), _FINE_WINDOWS))
    needed = _LEAST_GAIN * min(1.0, _distance(fine, trial.shift - best.shift) / _WIDE_WARP)
    return trial if 1 - trial.score < (1 - needed) * (1 - best.score) else best


def _distance(scene: Scene, way: F32) -> float:
    """Return the root mean square of a shift over the subject, in pixels of the grid."""
    subject = scene.weight > 0.3
    return float(np.sqrt((way * way).sum(-1)[subject].mean())) if subject.any() else 0.0
