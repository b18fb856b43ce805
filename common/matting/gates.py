"""Gates: whether a cutout is good enough to be passed off as one.

In this order, since each needs what the one before makes sure of:

1. `backing`: share of the render's border that shows the key.  Good renders give 1; a photo 0.
2. `alignment`: correlation of the photo, rebuilt with the cutout, with the photo itself.  The model
   kept the subject: .97-.99; hair and mesh .55-.87; another subject: below .3.
3. `mirrored`: where the photo lies between the render as it is (0) and mirrored (1).  Good renders
   give -.1 to .4, mirrored ones .55 to 1.2 even of a wine glass or a telephone.  What is the same
   mirrored, as a ball of one colour, stays below one half, and its cutout is as good.
4. `unexplained`: share of what the photo shows over its bare background that the render does not
   explain.  Good renders give 0 to .2, white before white .4, smoke .6; another subject, or it
   elsewhere, 1 and more.
5. `misplaced`: share of the subject where the photo is clearly nearer to its bare background, as
   where one lens of a pair of glasses is laid on the other.  Good renders give 0, glass .08.
6. `texture`: correlation of print, modelling and outline.  Good renders give .9 and more, smoke and
   hair .7; another subject below .5.
7. `spill`, `holes`, `cut_off`, `drift`, `reflected`: flaws of an accepted cutout that a person
   should look at.  `reflected` is the share of the crop that may be a polished part of the subject
   in which the render shows its backing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from common.fields import as_bytes, deviation, halved, largest, mixture, thinned, total
from common.image import F32, OPAQUE, U8, Mask
from common.matting.guided import Layers
from common.matting.keyer import Keyed
from common.matting.keys import excess
from common.matting.likeness import likeness, texture_agreement
from common.matting.registration import correlation
from common.verdict import Verdict

_LEAST_BACKING, _GOOD_BACKING = 0.25, 0.85
_LEAST_ALIGNMENT, _LEAST_SOLID_ALIGNMENT, _GOOD_ALIGNMENT = 0.5, 0.78, 0.9
_LEAST_SUBJECT = 1e-4  # share of the crop: below it there is no subject at all
_MUCH_SPILL, _MUCH_HOLE, _MUCH_CUT_OFF, _MUCH_DRIFT = 0.06, 0.02, 0.005, 0.10
_MUCH_REFLECTED = 0.002  # share of the crop
_NOT_BACKGROUND = 0.16  # channel difference from which the photo does not show its background
_CHANGED = 0.15  # mean channel difference from which a place of the core was redrawn
_PLACE = 5  # px at half size, side of such a place
_LEAST_TEXTURE = 0.55  # correlation of detail below which the subject is another
_MIRRORED = 0.5  # from half way on the photo is nearer to the mirrored render
_DOUBTFUL_SIDE = (0.1, 0.8)  # between these, lace and lattices lie either way round
_MUCH_UNEXPLAINED, _MUCH_MISPLACED = 0.65, 0.11  # above the good renders' .59 and .08
_TEXTURE = 0.01  # sigma below which a region has nothing to correlate


def measured(photo: F32, layers: Layers, colour: F32, alpha: F32) -> dict[str, float]:
    """Measure a cutout at its working size.

    Parameters
    ----------
    photo
        float32 (H, W, 3), turned like the layers.
    layers
        What was known before the photo corrected it.
    colour, alpha
        The cutout: float32 (H, W, 3) and (H, W).
    """
    scene = _Look.of(photo, layers)
    like = likeness(scene.photo, scene.colour, scene.alpha)
    return {
        "alignment": _alignment(scene),
        "spill": _spill(colour, alpha),
        "holes": _unconfirmed_holes(scene, halved(alpha)),
        "drift": _drift(scene),
        "solidity": _solidity(scene.alpha),
        "texture": texture_agreement(scene.photo, scene.rebuilt, scene.near),
        "mirrored": like.mirrored,
        "unexplained": like.unexplained,
        "misplaced": like.misplaced,
    }


def measured_on_whole(alpha: U8) -> dict[str, float]:
    """Measure what only the whole picture shows: alpha, uint8 (H, W)."""
    return {
        "cut_off": _cut_off(alpha),
        "subject": cv2.mean(alpha)[0] / OPAQUE,
    }


@dataclass(frozen=True)
class _Look:
    """The photo and its layers at half the working size: gates judge places, not pixels."""

    photo: F32
    alpha: F32
    colour: F32
    behind: F32

    @staticmethod
    def of(photo: F32, layers: Layers) -> _Look:
        """Shrink everything to half the size."""
        shown = (photo, layers.alpha, layers.colour, layers.behind)
        return _Look(*(halved(values) for values in shown))

    @cached_property
    def rebuilt(self) -> F32:
        """The photo as the render explains it, (h, w, 3)."""
        return mixture(self.alpha, self.colour, self.behind)

    @cached_property
    def near(self) -> Mask:
        """The subject and close around it, (h, w)."""
        solid = (self.alpha > 0.5).astype(np.uint8)
        near: Mask = cv2.dilate(solid, np.ones((7, 7), np.uint8)) > 0
        return near


def measured_alone(keyed: Keyed) -> dict[str, float]:
    """Measure a keyed render of which there is no photo."""
    inside = keyed.part.box.slices
    return {
        "backing": keyed.backing.border_share,
        "spill": _spill(keyed.colour[inside], keyed.alpha[inside]),
        **measured_on_whole(as_bytes(keyed.alpha)),
    }


def is_side_doubtful(scores: Mapping[str, float]) -> bool:
    """Tell whether the scores leave open if the render is mirrored."""
    return _DOUBTFUL_SIDE[0] < scores["mirrored"] < _DOUBTFUL_SIDE[1]


def verdict(scores: Mapping[str, float]) -> Verdict:
    """Say what the scores mean, in the documented order."""
    rounded = {name: round(value, 4) for name, value in scores.items()}
    refusal = _refusal(scores)
    return Verdict(rounded, (refusal,) if refusal else (), _warnings(scores))


def _refusal(scores: Mapping[str, float]) -> str:
    if scores["backing"] < _LEAST_BACKING:
        return (
            f"Only {scores['backing']:.0%} of the render's border shows the key colour: "
            "the subject does not stand on one flat backing."
        )
    if scores["subject"] < _LEAST_SUBJECT:
        return "The render shows nothing but backing: the subject is missing."
    if "alignment" in scores and scores["alignment"] < _needed_alignment(scores):
        return (
            "The render does not show the photo's subject in its place (agreement "
            f"{scores['alignment']:.2f}, at least {_needed_alignment(scores):.2f} is needed)."
        )
    return _unlikeness(scores)


def _unlikeness(scores: Mapping[str, float]) -> str:
    """Say what speaks against a render whose outline agrees well enough; nothing of one alone."""
    mirrored, unexplained, misplaced = (
        scores.get(name, 0.0) for name in ("mirrored", "unexplained", "misplaced")
    )
    if mirrored > _MIRRORED:
        return (
            "The model mirrored the subject: the photo shows it the other way round. "
            "Have it rendered again."
        )
    if unexplained > _MUCH_UNEXPLAINED or misplaced > _MUCH_MISPLACED:
        return (
            "The model moved or changed the subject: where the render shows it, the photo shows "
            f"something else ({unexplained:.0%} unexplained, {misplaced:.0%} misplaced). "
            "Have it rendered again."
        )
    if scores.get("texture", 1.0) < _LEAST_TEXTURE:
        return (
            "The render shows a subject of about the same outline with other details "
            f"(agreement {scores['texture']:.2f}, at least {_LEAST_TEXTURE} is needed)."
        )
    return ""


def _needed_alignment(scores: Mapping[str, float]) -> float:
    """Return the least correlation: hair may miss by a pixel, a solid or redrawn subject not."""
    solid = min(max((scores["solidity"] - 0.6) / 0.25, 0.0), 1.0)
    redrawn = min(scores["drift"] / _MUCH_DRIFT, 1.0)
    return _LEAST_ALIGNMENT + (_LEAST_SOLID_ALIGNMENT - _LEAST_ALIGNMENT) * max(solid, redrawn)


def _warnings(scores: Mapping[str, float]) -> tuple[str, ...]:
    said = {
        "The backing does not reach all of the border.": scores["backing"] < _GOOD_BACKING,
        "The render agrees with the photo only roughly.": (
            scores.get("alignment", 1.0) < _GOOD_ALIGNMENT
        ),
        "Some of the backing's colour is left on the edge.": scores["spill"] > _MUCH_SPILL,
        "There are holes where the photo shows no background.": (
            scores.get("holes", 0.0) > _MUCH_HOLE
        ),
        "The subject touches the border of its crop and may be cut off.": (
            scores["cut_off"] > _MUCH_CUT_OFF
        ),
        "A polished part of the subject may mirror the backing, and be missing.": (
            scores.get("reflected", 0.0) > _MUCH_REFLECTED
        ),
        "The model redrew parts of the subject; the photo's colour was kept.": (
            scores.get("drift", 0.0) > _MUCH_DRIFT
        ),
    }
    return tuple(sentence for sentence, applies in said.items() if applies)


def _alignment(scene: _Look) -> float:
    """Return the correlation of the rebuilt photo with the photo, near the subject."""
    rebuilt, near = scene.rebuilt, scene.near
    if near.any() and deviation(scene.photo, near) < _TEXTURE:
        return 1.0 if float(np.abs(rebuilt - scene.photo)[near].mean()) < _CHANGED / 3 else 0.0
    return correlation(rebuilt, scene.photo, near)


def _spill(colour: F32, alpha: F32) -> float:
    """Return the mean excess of the key's colour on the edge over what the core shows, 0..1."""
    alpha, colour = thinned(alpha), thinned(colour)
    edge = (alpha > 0.1) & (alpha < 0.99)
    if not edge.any():
        return 0.0
    green = excess(colour)
    core = alpha > 0.99
    usual = max(0.0, float(np.percentile(green[core][::3], 90))) if core.any() else 0.0
    return float(np.maximum(green[edge] - usual - 0.02, 0).mean())


def _unconfirmed_holes(scene: _Look, alpha: F32) -> float:
    """Return the share of the silhouette that is open where the photo shows no background."""
    subject: U8 = (alpha >= 0.5).astype(np.uint8)
    outlines, _ = cv2.findContours(subject, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    silhouette = np.zeros_like(subject)
    cv2.drawContours(silhouette, outlines, -1, 1, cv2.FILLED)
    open_here = (silhouette > 0) & (alpha < 0.5)
    if not open_here.any():
        return 0.0
    other = largest(cv2.absdiff(scene.photo, scene.behind)) > _NOT_BACKGROUND
    return float((open_here & other).sum() / silhouette.sum())


def _cut_off(alpha: U8) -> float:
    """Return the share of the crop's border that the subject covers, 0..1."""
    border = np.concatenate([alpha[0], alpha[-1], alpha[1:-1, 0], alpha[1:-1, -1]])
    return float((border > OPAQUE // 2).mean())


def _solidity(alpha: F32) -> float:
    """Return the share of the subject that hides what is behind it, 0..1."""
    subject = float((alpha > 0.1).sum())
    return float((alpha > 0.9).sum()) / subject if subject else 0.0


def _drift(scene: _Look) -> float:
    """Return the share of the core that the model redrew: local mean difference, 0..1."""
    core: Mask = cv2.erode(scene.alpha, np.ones((_PLACE, _PLACE), np.uint8)) > 0.98
    if not core.any():
        return 0.0
    off: F32 = cv2.blur(total(cv2.absdiff(scene.colour, scene.photo)) / 3, (_PLACE, _PLACE))
    return float((off[core] > _CHANGED).mean())
