"""A second look: whether writing is still found where it was erased, at no cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from common.errors import ModelError
from common.geometry import Box, box_from_2d
from common.image import Image, Mask
from common.operations.base import Models
from common.operations.selection import Target
from common.operations.writing import question
from common.vlm.base import VisionModel


@dataclass(frozen=True)
class Look:
    """What was found of the writing after it was erased.

    Attributes
    ----------
    text_left
        Share of the area where writing was found before in which it is found again, 0..1.
    left
        Boxes of what was found again, in pixels of the photo.
    """

    text_left: float
    left: tuple[Box, ...] = ()


def look_again(
    before: Image, after: Image, windows: Sequence[Box], target: Target, models: Models
) -> Look | None:
    """Look for writing inside the erased boxes, in the photo and in the result.

    Returns
    -------
    None where no engine looks for nothing, or where it does not see the writing in the photo
    either: what it does not see it cannot miss.
    """
    looker = _looker(models, before)
    if looker is None:
        return None
    try:
        seen = _found(looker, before, windows, target)
        if not seen:
            return None
        left = _found(looker, after, windows, target)
    except ModelError:  # the look is a help, not a need
        return None
    erased = _area(target.going, before) & ~_area(target.staying, before)
    known = _area(seen, before) & erased
    again = _area(left, before) & known
    return Look(float(again.sum() / known.sum()), left) if known.any() else None


def can_look(models: Models, image: Image) -> bool:
    """Tell whether there is an engine that looks for nothing."""
    return _looker(models, image) is not None


def _looker(models: Models, image: Image) -> VisionModel | None:
    """Return an engine that looks for nothing, if there is one."""
    looker = models.fallback
    if models.brought or looker is None or looker.quote(question(image)).dollars > 0:
        return None
    return looker


def _found(
    looker: VisionModel, image: Image, windows: Sequence[Box], target: Target
) -> tuple[Box, ...]:
    """Return the parts of the erased boxes where writing is found, in pixels of the photo."""
    found: list[Box] = []
    for window in windows:
        seen = image.crop(window).opaque()
        for line in looker.ask(question(seen)).value:
            box = box_from_2d(line.box_2d, seen.size).moved(window.top, window.left)
            parts = (box.intersection(erased) for erased in target.going)
            found += [part for part in parts if part is not None and line.kind == "text"]
    return tuple(dict.fromkeys(found))


def _area(boxes: Sequence[Box], image: Image) -> Mask:
    area = np.zeros(image.rgb.shape[:2], np.bool_)
    for box in boxes:
        area[box.slices] = True
    return area
