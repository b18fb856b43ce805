"""Evening: a plain backdrop becomes as smooth as it was meant; the subject and its shadow stay.

Light that falls off evenly is meant and stays, since a smooth field describes it; creases, stains,
dust and blotches of light are not, and go.  The grain is the photo's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.backdrop import fit_backdrop, grain
from common.composite import grown
from common.fields import as_bytes, as_float, largest, resized, smoothstep
from common.geometry import Size
from common.image import F32, U8, Mask

PLAIN = 12 / 255  # residual of the border's fit: studio sets measure 2..10, real scenes 13..60

_WORK = 1024  # px, longest side at which subject and shadow are told from the backdrop
_BORDER = 0.06  # of the shorter side: a subject seldom reaches it
_LIKE = 12 / 255  # distance from the border's field up to which a pixel is backdrop
_STRONG = 24 / 255  # distance from the field that no light makes: a thing, or dirt
_THING = 2e-3  # of the picture: smaller things before the backdrop are dirt
_SHADOW = 2.5 / 255  # darker than the field by more, next to the subject: its shadow
_SHADOW_BLUR = 3.0  # px of the small picture, sigma: shadows are soft, grain and specks are not
_SHADOW_REACH = 0.2  # of the longer side: no shadow reaches farther
_CLEARANCE = 0.01  # of the longer side round the subject: soft edges, and what light it throws
_FADE = 0.02  # of the longer side over which evening sets in
_FINE = 2.0  # px, sigma: what is finer is grain
_GRAIN = 3.0  # deviations beyond which what is fine is no grain but dust


@dataclass(frozen=True, eq=False)
class Evened:
    """The evened picture, and what was done to it.

    Attributes
    ----------
    rgb
        uint8 (H, W, 3).
    weight
        float32 (H, W): how far each pixel was evened; where it is 0 the picture's bytes stand.
    residual
        Mean distance of the border from one smooth field, 0..1; see `PLAIN`.
    unevenness
        Deviation of the backdrop from its field in levels, grain left out: before and after.
    """

    rgb: U8
    weight: F32
    residual: float
    unevenness: tuple[float, float]


def evened(rgb: U8, subject: Mask | None = None) -> Evened:
    """Even out the backdrop of a photo.

    Parameters
    ----------
    rgb
        uint8 (H, W, 3).
    subject
        bool (H, W), or of a smaller picture of the same ratio: what is certainly no backdrop, as
        where it has the backdrop's own colour.  What differs from the backdrop is told by itself.
    """
    size = Size(rgb.shape[1], rgb.shape[0])
    grid = size.within(_WORK)
    small = as_bytes(resized(as_float(rgb), grid))
    known = np.zeros(small.shape[:2], bool) if subject is None else _on(grid, subject)
    field, residual = _field(small, known)
    standing = _standing(small, field, known)
    free: F32 = cv2.distanceTransform(
        (~standing).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    weight = resized(smoothstep(free, 1, 1 + _FADE * grid.longest), size)
    merged = _merged(rgb, resized(field, size), weight)
    before, after = (_unevenness(picture, field, weight, grid) for picture in (rgb, merged))
    return Evened(merged, weight, residual, (before, after))


def _on(grid: Size, mask: Mask) -> Mask:
    shown: U8 = cv2.resize(
        mask.astype(np.uint8), (grid.width, grid.height), interpolation=cv2.INTER_NEAREST
    )
    return shown > 0


def _field(small: U8, subject: Mask) -> tuple[F32, float]:
    """Return the backdrop's field (h, w, 3), and how far the border is from one."""
    border = np.ones(small.shape[:2], bool)
    depth = max(2, round(_BORDER * min(border.shape)))
    border[depth:-depth, depth:-depth] = False
    border &= ~subject
    first, residual = fit_backdrop(small, border)
    alike = largest(np.abs(as_float(small) - first)) < _LIKE
    field, _ = fit_backdrop(small, (alike | border) & ~subject)
    return field, residual


def _standing(small: U8, field: F32, subject: Mask) -> Mask:
    """Return what stands before the backdrop: the subject, its clearance, its shadow."""
    off = as_float(small) - field
    strong = largest(np.abs(off)) > _STRONG
    _, labels, stats, _ = cv2.connectedComponentsWithStats(strong.astype(np.uint8))
    thing = stats[:, cv2.CC_STAT_AREA] > _THING * strong.size
    thing[np.unique(labels[subject])] = True
    thing[0] = False
    standing = _filled(thing[labels] | subject)
    longest = max(standing.shape)
    near = grown(standing, max(2, round(_CLEARANCE * longest)))
    return near | _shadow(off, near, round(_SHADOW_REACH * longest))


def _filled(mask: Mask) -> Mask:
    """Return the mask with its holes: what a subject encloses may have the backdrop's colour."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    return filled > 0


def _shadow(off: F32, standing: Mask, reach: int) -> Mask:
    """Return what is softly darker than the backdrop and touches what stands before it."""
    soft: F32 = cv2.GaussianBlur(off, (0, 0), _SHADOW_BLUR)
    dark = (largest(soft) < -_SHADOW) | standing
    away: F32 = cv2.distanceTransform((~standing).astype(np.uint8), cv2.DIST_L2, 3)
    _, labels = cv2.connectedComponents((dark & (away <= reach)).astype(np.uint8))
    touching = np.zeros(int(labels.max()) + 1, bool)
    touching[np.unique(labels[standing])] = True
    touching[0] = False
    shadow: Mask = touching[labels]
    return shadow


def _merged(rgb: U8, field: F32, weight: F32) -> U8:
    """Return the picture on its field, with its own grain, as far as `weight` says."""
    inside = weight > 0
    photo = as_float(rgb)
    fine: F32 = photo - cv2.GaussianBlur(photo, (0, 0), _FINE)
    sigma = max(grain(rgb, weight == 1), 0.25 / 255)
    dust = largest(np.abs(fine)) > _GRAIN * sigma
    fine[grown(dust, round(_FINE))] = 0
    share = weight[inside][:, None]
    out = rgb.copy()
    out[inside] = as_bytes(share * (field + fine)[inside] + (1 - share) * photo[inside])
    return out


def _unevenness(rgb: U8, field: F32, weight: F32, grid: Size) -> float:
    """Return the deviation from the field in levels where the picture was evened all the way."""
    where = resized(weight, grid) >= 1
    if not where.any():
        return 0.0
    soft: F32 = cv2.GaussianBlur(resized(as_float(rgb), grid) - field, (0, 0), _FINE)
    return float(np.sqrt((soft[where] ** 2).mean()) * 255)
