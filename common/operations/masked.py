"""A masked edit: one window of the photo, drawn anew by a model and taken under a mask only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from common.composite import keep_outside
from common.geometry import Box, Size, box_to_2d, with_margin
from common.image import F32, U8, Image, Mask
from common.operations.edits import MIN_ALIGNMENT, SURE_ALIGNMENT, brought_back
from common.operations.selection import RADII, Target, inside, marks_of
from common.operations.windows import Window
from common.verdict import Verdict
from common.vlm.base import Quality

UNCHANGED = 4.0  # levels: an edit that differs less from what was to go has not taken it away

_AROUND = (
    2,
    2 * RADII[1],
)  # pixels from the mask: the photo's own gradients that a seam is held to
_FLAT = 2.0  # levels: a smaller gradient cannot be seen, however flat the picture


@dataclass(frozen=True, eq=False)
class MaskedEdit:
    """What to change in one window, decided before the model is asked for a picture.

    Attributes
    ----------
    window
        The part of the photo that the model sees, in pixels of the photo.
    regions
        Boxes of what is to go, in pixels of the window.
    tight
        bool (h, w) of the window: what is to go.
    hole
        bool (h, w) of the window: `tight` with its rims, inside `weight`.
    weight
        float32 (h, w) of the window: 1 where the edit is taken, 0 where the source stays.
    same
        bool (h, w) of the window: where a good edit shows what the photo shows.  What is to stay is
        left out: a model that takes it away too has not missed the rest.
    places, kept
        What is to go and what is to stay, in words for the prompt.
    quality
        Of the render.
    """

    window: Box
    regions: tuple[Box, ...]
    tight: Mask
    hole: Mask
    weight: F32
    same: Mask
    places: str
    kept: str = ""
    quality: Quality = "standard"


# --- plan -----------------------------------------------------------------------------------------


def plan(
    image: Image, target: Target, windows: Sequence[Window], quality: Quality = "standard"
) -> tuple[MaskedEdit, ...]:
    """Decide the mask of each window; the windows were planned around what is to go."""
    return tuple(_plan(image, target, window, quality) for window in windows)


def _plan(image: Image, target: Target, window: Window, quality: Quality) -> MaskedEdit:
    box = window.box
    selection = target.select(image.rgb[box.slices], window)
    weight, hole = selection.weight, selection.hole
    same = weight == 0
    for going in inside(box, target.going):  # another window's: a good edit may lack it or not
        same[going.slices] = False
    for kept in inside(box, target.staying):
        weight[kept.slices] = 0
        hole[kept.slices] = False
        same[kept.slices] = False
    regions = tuple(inside(box, window.parts))
    names = [target.names[owner] if target.names else "" for owner in window.owners]
    places, kept_words = _places(regions, names, box), _kept(target)
    return MaskedEdit(
        box, regions, selection.tight, hole, weight, same, places, kept_words, quality
    )


def _places(regions: Sequence[Box], names: Sequence[str], window: Box) -> str:
    """Return the places, and what stands there where it is known, as the prompt says them."""
    places = []
    for box, name in zip(regions, names, strict=True):
        named = f' "{name}"' if name else ""
        places.append(f"box_2d {list(box_to_2d(box, window.size))}{named}")
    return "; ".join(places)


def _kept(target: Target) -> str:
    if not target.kept_names:
        return ""
    names = ", ".join(f'"{name}"' for name in target.kept_names)
    return f" Writing that stays as it is: {names}."


# --- compose --------------------------------------------------------------------------------------


def compose(window: U8, render: Image, edit: MaskedEdit) -> tuple[U8, Verdict]:
    """Return the window with the render under the mask only, and what the gate says of it.

    Parameters
    ----------
    window
        The photo's pixels in the edit's window, uint8 (h, w, 3).

    Raises
    ------
    UnfitRender
        The render cannot be one of this window.
    """
    brought = brought_back(render.rgb, window, edit.same)
    result = window.copy()
    change = _Mean()
    for box in marks_of(edit.weight > 0):
        source, pixels, weight = window[box.slices], brought.pixels(box), edit.weight[box.slices]
        result[box.slices] = keep_outside(source, pixels, weight)
        tight = edit.tight[box.slices] & (weight > 0)
        change.add(np.abs(pixels[tight] * 255 - source[tight]).max(1))
    scores = {"alignment": brought.alignment, "change": change.value, "seam": _seam(result, edit)}
    return result, _judged(scores, anything=change.count > 0)


@dataclass
class _Mean:
    """A mean over many small arrays; 0 of none."""

    total: float = 0.0
    count: int = 0

    def add(self, values: F32) -> None:
        """Take more values in."""
        self.total += float(values.sum())
        self.count += values.size

    @property
    def value(self) -> float:
        """The mean."""
        return self.total / max(self.count, 1)


def _judged(scores: dict[str, float], *, anything: bool) -> Verdict:
    refusals, warnings = [], []
    if scores["alignment"] < MIN_ALIGNMENT:
        refusals.append("The render shows something else around what was to go.")
    elif scores["alignment"] < SURE_ALIGNMENT:
        warnings.append("The render differs from the photo around what was to go.")
    if anything and scores["change"] < UNCHANGED:
        refusals.append("The render left what was to go as it was.")
    return Verdict(scores, tuple(refusals), tuple(warnings))


def _seam(result: U8, edit: MaskedEdit) -> float:
    """Return the gradient on the mask's rim over the gradient just outside it; 1 is invisible."""
    size = Size(result.shape[1], result.shape[0])
    rim, around = _Mean(), _Mean()
    for mark in marks_of(edit.weight > 0):
        place = with_margin(mark, size, 0, _AROUND[1]).slices
        gradient, weight = _gradient(result[place]), edit.weight[place]
        near, nearest = (_widened(weight > 0, radius) for radius in reversed(_AROUND))
        rim.add(gradient[(weight > 0) & (weight < 1)])
        around.add(gradient[near & ~nearest])
    if not rim.count or not around.count:
        return 1.0
    return rim.value / max(around.value, _FLAT)


def _gradient(rgb: U8) -> F32:
    gray: F32 = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    across, down = (cv2.Sobel(gray, cv2.CV_32F, *axis) for axis in ((1, 0), (0, 1)))
    out: F32 = cv2.magnitude(across, down)
    return out


def _widened(mask: Mask, radius: int) -> Mask:
    """Return the mask dilated by a square: for statistics, and several times faster than a disc."""
    out: U8 = cv2.dilate(mask.astype(np.uint8), np.ones((2 * radius + 1,) * 2, np.uint8))
    return out > 0


# --- several windows ------------------------------------------------------------------------------


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of each score, and every sentence once."""
    listed = list(verdicts)
    worse = {"alignment": min, "change": min, "seam": max}
    scores = {name: of(each.scores[name] for each in listed) for name, of in worse.items()}
    refusals = dict.fromkeys(sentence for each in listed for sentence in each.refusals)
    warnings = dict.fromkeys(sentence for each in listed for sentence in each.warnings)
    return Verdict(scores, tuple(refusals), tuple(warnings))


def facts(image: Image, edits: Sequence[MaskedEdit]) -> dict[str, object]:
    """Return the plans as the report shows them."""
    regions = [
        box.moved(each.window.top, each.window.left) for each in edits for box in each.regions
    ]
    edited = np.zeros(image.rgb.shape[:2], bool)
    for each in edits:
        edited[each.window.slices] |= each.weight > 0
    return {
        "windows": [list(box_to_2d(each.window, image.size)) for each in edits],
        "regions": [list(box_to_2d(box, image.size)) for box in regions],
        "edited_share": round(float(edited.mean()), 6),
        "quality": edits[0].quality,
    }
