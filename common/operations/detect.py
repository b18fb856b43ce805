"""Detect: what is where in the picture."""

from __future__ import annotations

from common.geometry import box_from_2d
from common.image import Image
from common.operations.base import Models, Operation, Outcome
from common.operations.options import DetectOptions
from common.operations.record import Record
from common.prompts import fill
from common.report import FoundBox
from common.vlm.answers import DETECTION_SCHEMA, read_detections
from common.vlm.base import Ask, Detection, Find

Detections = tuple[Detection, ...]

EVERYTHING = "every object that stands out and every line of writing"
SUBJECT = "the main subject, the thing that is being shown"
OVERLAID = (
    "every line of writing, and every graphic that was laid over the picture: badges, banners,"
    " frames, watermarks, logos"
)
WRITING = "every line of writing, in any script, printed on things or laid over the picture"


def request(image: Image, find: Find) -> Ask[Detections]:
    """Return the question that finds what `find` wants, in words and as data."""
    return Ask(
        image=image,
        intent=find,
        prompt=fill("detect", query=_in_words(find)),
        schema=DETECTION_SCHEMA,
        read=lambda text: read_detections(text, image.size),
    )


def compose(image: Image, detections: Detections) -> list[FoundBox]:
    """Return the detections with their pixel boxes in `image`."""
    return [_found(image, detection) for detection in detections]


def run(
    image: Image,
    options: DetectOptions,
    models: Models,
    backdrop: Image | None = None,
    mask: Image | None = None,
) -> Outcome:
    """Find things; the outcome is the report's boxes, without a picture."""
    del backdrop, mask
    record = Record("detect", image)
    ask = request(image, Find(options.query))
    if options.dry_run:
        record.quote("detect", models.chosen, ask)
        return record.planned(models.chosen.engine)
    boxes = compose(image, record.ask(models.chosen, ask))
    return Outcome(None, record.report(models.chosen.engine, boxes=boxes))


def _in_words(find: Find) -> str:
    if find.query:
        return find.query
    if not find.objects:
        return WRITING
    return EVERYTHING if find.text else SUBJECT


def _found(image: Image, detection: Detection) -> FoundBox:
    box = box_from_2d(detection.box_2d, image.size)
    return FoundBox.model_validate(
        {
            "box_2d": detection.box_2d,
            "pixels": (box.top, box.left, box.bottom, box.right),
            "label": detection.label,
            "kind": detection.kind,
            "text": detection.text,
            "layer": detection.layer,
            "material": detection.material,
            "confidence": detection.confidence,
        }
    )


DETECT = Operation("detect", "Find objects and writing.", DetectOptions, run)
