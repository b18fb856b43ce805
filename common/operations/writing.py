"""What is to go and what is to stay, as the user and the model tell it."""

from __future__ import annotations

from dataclasses import dataclass

from common.errors import ModelUnable
from common.geometry import Box, box_from_2d
from common.image import Image
from common.operations import detect
from common.operations.base import Models
from common.operations.options import EraseOptions
from common.operations.record import Record
from common.vlm.base import Ask, Detection, Find

SPARED = 0.5  # of a line's area inside an excluded box: the line is meant to stay


@dataclass(frozen=True)
class Writing:
    """Boxes to erase and to keep, in pixels of the photo, and the words in them where known.

    Attributes
    ----------
    whole_boxes
        The boxes were drawn by the user: all that stands in them is to go, not the strokes alone.
    """

    erase: tuple[Box, ...]
    keep: tuple[Box, ...] = ()
    texts: tuple[str, ...] = ()
    kept_texts: tuple[str, ...] = ()
    whole_boxes: bool = False


def question(image: Image) -> Ask[detect.Detections]:
    """Return the question where writing stands."""
    return detect.request(image, Find(objects=False, text=True))


def is_asked_for(options: EraseOptions) -> bool:
    """Tell whether a model must find the writing, or the options say all of it."""
    return bool(options.keep) or not options.region


def writing_in(record: Record, image: Image, options: EraseOptions, models: Models) -> Writing:
    """Return what is to go and what is to stay, asking the model only for what is not given.

    Raises
    ------
    ModelUnable
        Texts are to be kept and the engine cannot read.
    """
    lines = _lines(record, image, options, models)
    keep = [line for line in lines if _is_kept(line, options.keep)]
    stays = tuple(box_from_2d(line.box_2d, image.size) for line in keep) + excluded(image, options)
    words = tuple(line.text for line in keep)
    if options.region:
        return Writing(regions(image, options), stays, (), words, whole_boxes=True)
    found = [
        (box_from_2d(line.box_2d, image.size), line.text) for line in lines if line not in keep
    ]
    erase = [(box, text) for box, text in found if not _is_spared(box, stays)]
    return Writing(tuple(box for box, _ in erase), stays, tuple(text for _, text in erase), words)


def regions(image: Image, options: EraseOptions) -> tuple[Box, ...]:
    """Return the boxes that the user drew, but for those that the excluded ones cover."""
    stays = excluded(image, options)
    drawn = (box_from_2d(region, image.size) for region in options.region)
    return tuple(box for box in drawn if not any(_inside(box, other) == 1 for other in stays))


def excluded(image: Image, options: EraseOptions) -> tuple[Box, ...]:
    """Return the boxes in which everything stays."""
    return tuple(box_from_2d(box, image.size) for box in options.exclude)


def _lines(record: Record, image: Image, options: EraseOptions, models: Models) -> list[Detection]:
    if not is_asked_for(options):
        return []
    found = record.ask(models.chosen, question(image))
    lines = [detection for detection in found if detection.kind == "text"]
    if options.keep and lines and not any(line.text for line in lines):
        raise ModelUnable(
            "This engine finds writing but cannot read it, so it cannot tell what to keep.",
            advice="Give the regions to erase or to exclude, or use an engine that reads.",
            field="keep",
        )
    return lines


def _is_spared(box: Box, stays: tuple[Box, ...]) -> bool:
    return any(_inside(box, other) > SPARED for other in stays)


def _inside(box: Box, other: Box) -> float:
    """Return the share of `box` that lies in `other`."""
    part = box.intersection(other)
    return 0.0 if part is None else part.area / box.area


def _is_kept(line: Detection, keep: list[str]) -> bool:
    """Tell whether a line holds one of the texts to keep; case and spacing do not matter."""
    text = _plain(line.text)
    return any(_plain(wanted) in text for wanted in keep if _plain(wanted))


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()
