"""What writing is to go and what is to stay, as the user and the model tell it."""

from __future__ import annotations

from common.errors import ModelUnable
from common.geometry import Box, box_from_2d
from common.image import Image
from common.operations import detect
from common.operations.base import Models
from common.operations.options import EraseOptions
from common.operations.record import Record
from common.operations.selection import Select, Target, mixed, strokes
from common.operations.told import excluded, share_inside, sure, told
from common.vlm.base import Ask, Detection, Find, Sensitivity

SPARED = 0.5  # of a line's area inside an excluded box: the line is meant to stay


def question(image: Image, sensitivity: Sensitivity = "normal") -> Ask[detect.Detections]:
    """Return the question where writing stands."""
    return detect.request(image, Find(objects=False, text=True, sensitivity=sensitivity))


def asked(image: Image, options: EraseOptions) -> Ask[detect.Detections] | None:
    """Return the question that the options leave open; None where they say all of it."""
    if (options.region or options.mask) and not options.keep:
        return None
    if options.what == "overlay":
        return detect.request(image, Find(detect.OVERLAID, sensitivity=options.sensitivity))
    return question(image, options.sensitivity)


def writing_in(
    record: Record, image: Image, options: EraseOptions, models: Models, mask: Image | None
) -> Target:
    """Return what is to go and what is to stay, asking the model only for what is not given.

    Raises
    ------
    ModelUnable
        Texts are to be kept and the engine cannot read, or overlays are to go and it cannot tell
        them from what is printed on things.
    BadInput
        The mask cannot be one of this photo.
    """
    found = _found(record, image, options, models)
    keep = [line for line in found if _is_kept(line, options.keep)]
    stays = tuple(box_from_2d(line.box_2d, image.size) for line in keep)
    stays += excluded(image, options)
    words = tuple(line.text for line in keep)
    given = told(image, options, mask)
    if given is not None:
        return Target(given.going, stays, given.select, (), words)
    going = [line for line in found if line not in keep and _is_wanted(line, options)]
    boxes = [box_from_2d(line.box_2d, image.size) for line in going]
    chosen = [at for at, box in enumerate(boxes) if not _is_spared(box, stays)]
    return Target(
        tuple(boxes[at] for at in chosen),
        stays,
        _select([going[at] for at in chosen], options.sensitivity),
        tuple(going[at].text for at in chosen),
        words,
    )


def _found(record: Record, image: Image, options: EraseOptions, models: Models) -> list[Detection]:
    question = asked(image, options)
    if question is None:
        return []
    answered = record.ask(models.chosen, question)
    found = sure(answered, options.sensitivity)
    lines = [line for line in found if line.kind == "text"]
    if options.keep and lines and not any(line.text for line in lines):
        raise ModelUnable(
            "This engine finds writing but cannot read it, so it cannot tell what to keep.",
            advice="Give the regions to erase or to exclude, or use an engine that reads.",
            field="keep",
        )
    if options.what == "all":
        return lines
    if lines and not any(line.layer for line in lines):
        raise ModelUnable(
            "This engine finds writing but cannot tell what was laid over the picture from what is"
            " printed on the things in it.",
            advice="Give the regions to erase or to exclude, or use an engine that understands.",
            field="what",
        )
    return found


def _is_wanted(line: Detection, options: EraseOptions) -> bool:
    return options.what == "all" or line.layer == "overlay"


def _select(going: list[Detection], sensitivity: Sensitivity) -> Select:
    graphics = [each.kind != "text" for each in going]
    return mixed(graphics, sensitivity) if any(graphics) else strokes(sensitivity)


def _is_spared(box: Box, stays: tuple[Box, ...]) -> bool:
    return any(share_inside(box, other) > SPARED for other in stays)


def _is_kept(line: Detection, keep: list[str]) -> bool:
    """Tell whether a line holds one of the texts to keep; case and spacing do not matter."""
    text = _plain(line.text)
    return any(_plain(wanted) in text for wanted in keep if _plain(wanted))


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()
