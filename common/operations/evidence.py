"""Evidence: what is to be seen in a picture, looked at once for all the rules that ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from common.composite import over
from common.geometry import Box, box_from_2d
from common.image import OPAQUE, Image
from common.operations.framing import VISIBLE
from common.operations.measures import Ground, Subject, against, ground_of, subject_in
from common.vlm.base import Detection

_WHITE = np.full(3, OPAQUE, np.uint8)
_OVERLAY, _SCENE = "overlay", "scene"
_MARKS = ("watermark", "overlay", "badge", "sticker")  # in a label


@dataclass(frozen=True)
class Line:
    """One line of writing.

    Attributes
    ----------
    box
        In pixels of the picture.
    added
        It was laid over the photo, True, or belongs to the scene, False; None where nobody knows.
    """

    box: Box
    added: bool | None = None


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is to be seen in a picture.

    Attributes
    ----------
    image
        The picture; its provenance tells about its file.
    flat
        Its colours on white, without transparency.
    ground
        Its border.
    subject
        None where it cannot be told from the ground.
    lines
        Lines of writing; None where nobody looked.
    marks
        How many things without writing were laid over the photo; None where nobody looked.
    """

    image: Image
    flat: Image
    ground: Ground
    subject: Subject | None
    lines: tuple[Line, ...] | None = None
    marks: int | None = None


def gather(image: Image, found: Sequence[Detection] | None) -> Evidence:
    """Look at a picture.

    Parameters
    ----------
    found
        What a model found in it; None where none was asked.
    """
    flat = over(image, _WHITE)
    ground = ground_of(flat.rgb)
    if found is None:
        return Evidence(image, flat, ground, _subject(image, flat, ground, (), ()))
    lines = tuple(_line(image, thing) for thing in found if thing.kind == "text")
    things = [thing for thing in found if thing.kind == "object"]
    shown = [box_from_2d(thing.box_2d, image.size) for thing in things if not _is_mark(thing)]
    subject = _subject(image, flat, ground, [line.box for line in lines], shown)
    return Evidence(image, flat, ground, subject, lines, sum(map(_is_mark, things)))


def _line(image: Image, found: Detection) -> Line:
    added = {_OVERLAY: True, _SCENE: False}.get(found.layer)
    return Line(box_from_2d(found.box_2d, image.size), added)


def _is_mark(thing: Detection) -> bool:
    """Whether a thing without writing was laid over the photo."""
    named = any(word in thing.label.lower() for word in _MARKS)
    return thing.layer == _OVERLAY or (named and thing.layer != _SCENE)


def _subject(
    image: Image, flat: Image, ground: Ground, lines: Sequence[Box], things: Sequence[Box]
) -> Subject | None:
    """Return the subject: what is not transparent, what stands out, or what the model found."""
    if image.alpha is not None and not image.solid().all():
        return subject_in(image.alpha >= VISIBLE, lines)
    if ground.plain:
        return subject_in(against(flat.rgb, ground), lines)
    return Subject(_around(things)) if things else None


def _around(boxes: Sequence[Box]) -> Box:
    whole = boxes[0]
    for box in boxes[1:]:
        whole = whole.union(box)
    return whole
