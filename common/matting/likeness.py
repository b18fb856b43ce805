"""How like its photo a render is: what it explains, what it misplaces, and whether it is mirrored.

All three look at a small picture: another subject, another place or another side shows at any size,
while the render's noise, softness and half a pixel do not.  Print and outline are finer, and are
compared at the size that is given.  A part that the render lacks is not seen: what lies outside its
outline is background to all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.fields import as_bytes, deviation, halved, push_pull, resized, total
from common.geometry import Size
from common.image import F32, Mask
from common.matting.registration.scene import Rebuilt, Scene, correlation
from common.matting.registration.warp import flowed

_LOOK = 128  # px, longer side: small enough to follow a mirrored outline in two steps
_WINDOWS = (0.12, 0.06)  # sigma of those steps of flow, of the longer side: stiff, or smoke fits
_OPEN = 0.03  # alpha below which the photo shows its background
_COVERED = 0.3  # share of the largest alpha from which a place shows enough of the subject
_TINY = 1e-6  # weight of what lies beneath the subject: where nothing else is known, it is taken
_OUTLIER = np.float32(0.1)  # squared colour difference that counts no more when it grows
_NOISE = 2e-4  # mean squared colour difference that noise and light make by themselves
_OUTLINE = 0.01  # share of the contrast that an outline may make which is half a pixel off
_SOLID, _ENOUGH = 0.9, 30  # alpha of the core; pixels, fewer tell nothing
_CLEARLY = np.float32(0.03)  # squared colour difference by which the background must be nearer
_PLAIN = 0.02  # sigma of detail below which there is nothing to compare: grain alone makes .018


@dataclass(frozen=True)
class Likeness:
    """How like its photo a render is; 0 is like it in all three.

    Attributes
    ----------
    unexplained
        Share of what the photo shows over its bare background that the render does not explain.
        1 means that it explains nothing; more, that it shows what is not there.
    misplaced
        Share of the subject where the photo is nearer to its bare background, 0..1.
    mirrored
        Where the photo lies on the way from the render as it is, 0, to the render mirrored, 1.
    """

    unexplained: float
    misplaced: float
    mirrored: float


def likeness(photo: F32, colour: F32, alpha: F32) -> Likeness:
    """Compare a photo with a render of its subject that was carried into its place.

    Parameters
    ----------
    photo, colour
        float32 (H, W, 3).
    alpha
        float32 (H, W).
    """
    size = Size(alpha.shape[1], alpha.shape[0]).within(_LOOK)
    seen, shown = (as_bytes(resized(values, size)) for values in (photo, colour))
    cover = resized(alpha, size)
    scene = Scene.of(shown, seen, cover, _LOOK)
    as_it_is = scene.rebuilt(_moved(scene, 0.0))
    if not as_it_is.weight.any():
        return Likeness(1.0, 0.0, 0.0)
    other = Scene.of(shown[:, ::-1], seen, np.ascontiguousarray(cover[:, ::-1]), _LOOK)
    unexplained, misplaced = _missed(scene.fixed, as_it_is)
    return Likeness(unexplained, misplaced, _mirrored(scene, other))


def texture_agreement(photo: F32, rebuilt: F32, near: Mask) -> float:
    """Return the correlation of print, modelling and outline, -1..1; 1 where all is plain.

    Parameters
    ----------
    photo, rebuilt
        float32 (H, W, 3): the photo, and the render's subject over the photo's background.
    near
        bool (H, W): the subject and close around it.
    """
    shown, true = _texture(rebuilt), _texture(photo)
    if not near.any() or min(deviation(shown, near), deviation(true, near)) < _PLAIN:
        return 1.0
    return correlation(shown, true, near)


def _texture(values: F32) -> F32:
    """Return detail of some pixels' size: neither a small miss nor the light changes it much."""
    fine: F32 = cv2.GaussianBlur(values, (0, 0), 1)
    coarse: F32 = cv2.GaussianBlur(halved(fine), (0, 0), 3)
    return fine - resized(coarse, Size(values.shape[1], values.shape[0]))


def _missed(photo: F32, rebuilt: Rebuilt) -> tuple[float, float]:
    """Return what is unexplained and what is misplaced."""
    behind = _background(photo, rebuilt.weight)
    subject = _subject(rebuilt.weight)
    left = _squared(photo - _over(rebuilt, behind))
    bare = _squared(photo - behind)
    shares = (np.minimum(each, _OUTLIER)[subject].mean() for each in (left, bare))
    missed, there = (float(share) + _NOISE for share in shares)
    nearer = ((left > bare + _CLEARLY) & subject).view(np.uint8)
    places = cv2.morphologyEx(nearer, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return missed / there, float(places.sum() / subject.sum())


def _mirrored(scene: Scene, other: Scene) -> float:
    """Return where the photo lies between the render as it is and the render mirrored.

    `other` is the photo and the mirrored render, which is laid on the subject's middle.  Both then
    follow the photo by a smooth flow, so that neither wins by a better fit alone.  Only where the
    two differ counts: noise, a highlight or a fringe that neither explains leaves the answer alone.
    The whole tells by its outline, if that is off by more than registration is; the core, where no
    outline disturbs, by the least shade.
    """
    photo = scene.fixed
    across = _middle(other.weight) - _middle(scene.weight)
    as_it_is, mirrored = (
        each.rebuilt(flowed(each, _moved(each, by), _WINDOWS))
        for each, by in ((scene, 0.0), (other, across))
    )
    behind = _background(photo, np.maximum(as_it_is.weight, mirrored.weight))
    first, second = (_over(each, behind) for each in (as_it_is, mirrored))
    along, apart = total((photo - first) * (second - first)), _squared(second - first)
    subject = _subject(np.maximum(as_it_is.weight, mirrored.weight))
    margin = _NOISE + _OUTLINE * _mean(_squared(photo - behind), subject)
    core = _core(np.minimum(as_it_is.weight, mirrored.weight))
    return max(
        _mean(along, subject) / (_mean(apart, subject) + margin),
        _mean(along, core) / (_mean(apart, core) + _NOISE),
    )


def _core(weight: F32) -> Mask:
    """Return where the outline, and what little it is off by, is far."""
    deep: F32 = cv2.erode(weight, np.ones((5, 5), np.uint8))
    return deep > _SOLID


def _mean(field: F32, where: Mask) -> float:
    """Return the mean inside a mask; 0 where it holds too little to tell."""
    return float(field[where].mean()) if int(where.sum()) >= _ENOUGH else 0.0


def _moved(scene: Scene, across: float) -> F32:
    """Return the map, (h, w, 2), that looks so many pixels to the right."""
    height, width = scene.weight.shape
    return np.tile(np.array([across, 0], np.float32), (height, width, 1))


def _middle(weight: F32) -> float:
    """Return the column of the centre of mass."""
    columns = weight.sum(0)
    return float(np.average(np.arange(len(columns)), weights=columns))


def _subject(weight: F32) -> Mask:
    return weight > _COVERED * float(weight.max())


def _background(photo: F32, weight: F32) -> F32:
    """Return the photo, filled smoothly where the weight says that a subject is."""
    seen = cv2.dilate(weight, np.ones((3, 3), np.uint8)) < _OPEN
    return push_pull(photo, np.where(seen, np.float32(1), np.float32(_TINY)))


def _over(rebuilt: Rebuilt, behind: F32) -> F32:
    """Return the rebuilt picture over another background."""
    return rebuilt.picture + (1 - rebuilt.weight)[..., None] * (behind - rebuilt.behind)


def _squared(difference: F32) -> F32:
    return total(difference * difference)
