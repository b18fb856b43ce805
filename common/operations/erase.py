"""Erase: the writing gone, every other pixel as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce

import cv2
import numpy as np

from common.composite import feather, grown, keep_outside
from common.errors import ModelUnable
from common.geometry import Box, box_from_2d, box_to_2d, with_margin
from common.glyphs import glyph_mask
from common.image import F32, U8, Image, Mask
from common.operations import detect
from common.operations.base import Models, Operation, Outcome
from common.operations.edits import MIN_ALIGNMENT, SURE_ALIGNMENT, Edit, brought_back
from common.operations.ladder import Attempt, climb, fidelity, settle
from common.operations.options import EraseOptions
from common.operations.record import Record
from common.prompts import fill
from common.verdict import Verdict
from common.vlm.base import Ask, Detection, Find, Quality, Render, VisionModel, WithoutText

CONTEXT = 0.5  # of the writing's longer side: what the model sees around it
LEAST_CONTEXT = 96  # pixels
DILATION = 0.04  # of a region's shorter side: anti-aliased rims and JPEG's ringing around strokes
FEATHER = 0.03  # of a region's shorter side
RADII = (2, 12)  # pixels, bounds of both
UNCHANGED = 4.0  # levels: an edit that differs less from the writing has not erased it


@dataclass(frozen=True, eq=False)
class ErasePlan:
    """What to erase, decided before the model is asked for a picture.

    Attributes
    ----------
    window
        The part of the photo that the model sees, in pixels of the photo.
    regions
        Boxes of what is to go, in pixels of the window.
    strokes
        bool (h, w) of the window: what is to go, tight.
    weight
        float32 (h, w) of the window: 1 where the edit is taken, 0 where the source stays.
    same
        bool (h, w) of the window: where a good edit shows what the photo shows.  Writing to keep is
        left out: a model that takes it away too has not missed the rest.
    words, kept_words
        What is to go and what is to stay, for the prompt.
    quality
        Of the render.
    """

    window: Box
    regions: tuple[Box, ...]
    strokes: Mask
    weight: F32
    same: Mask
    words: str
    kept_words: str = ""
    quality: Quality = "standard"

    def facts(self, image: Image) -> dict[str, object]:
        """Return the plan as the report shows it."""
        inside = [box.moved(self.window.top, self.window.left) for box in self.regions]
        return {
            "window": list(box_to_2d(self.window, image.size)),
            "regions": [list(box_to_2d(box, image.size)) for box in inside],
            "edited_share": round(float((self.weight > 0).sum()) / image.size.pixels, 6),
            "quality": self.quality,
        }


@dataclass(frozen=True)
class Writing:
    """Boxes to erase and to keep, in pixels of the photo, and the words in them where known."""

    erase: tuple[Box, ...]
    keep: tuple[Box, ...] = ()
    texts: tuple[str, ...] = ()
    kept_texts: tuple[str, ...] = ()
    whole_boxes: bool = False


# --- plan, request, compose -----------------------------------------------------------------------


def plan(image: Image, writing: Writing, quality: Quality = "standard") -> ErasePlan:
    """Decide the window and the mask; `writing` must name at least one box to erase."""
    union = reduce(Box.union, writing.erase)
    window = with_margin(union, image.size, CONTEXT, LEAST_CONTEXT)
    regions = tuple(box.moved(-window.top, -window.left) for box in writing.erase)
    strokes = _strokes(image.crop(window), regions, writing.whole_boxes)
    shorter = min(min(box.width, box.height) for box in regions)
    allowed = grown(strokes, _radius(shorter, DILATION))
    weight = feather(allowed, _radius(shorter, FEATHER))
    same = weight == 0
    for kept in _inside(window, writing.keep):
        weight[kept.slices] = 0
        same[kept.slices] = False
    words = _in_words(regions, writing.texts, window)
    kept_words = _kept_words(writing)
    return ErasePlan(window, regions, strokes, weight, same, words, kept_words, quality)


def request(image: Image, erase: ErasePlan) -> Render:
    """Return the wish for the window without its writing."""
    prompt = fill("erase", where=erase.words, keep=erase.kept_words)
    seen = image.crop(erase.window).opaque()
    return Render(seen, WithoutText(erase.regions), prompt, erase.quality)


def compose(image: Image, render: Image, erase: ErasePlan) -> tuple[Image, Verdict]:
    """Return the photo with the edit under the mask only, and what the gate says of it.

    Raises
    ------
    UnfitRender
        The render cannot be one of this window.
    """
    source = image.rgb[erase.window.slices]
    edit = brought_back(render.rgb, source, erase.same)
    rgb = image.rgb.copy()
    rgb[erase.window.slices] = keep_outside(source, edit.pixels, erase.weight)
    return replace(image, rgb=rgb), _judged(image, edit, erase)


def _strokes(window: Image, regions: tuple[Box, ...], whole_boxes: bool) -> Mask:
    """Return the tight mask; a region that the user drew is meant as it was drawn."""
    if not whole_boxes:
        return glyph_mask(window.rgb, regions)
    mask = np.zeros(window.rgb.shape[:2], bool)
    for box in regions:
        mask[box.slices] = True
    return mask


def _radius(shorter: int, share: float) -> int:
    return int(np.clip(round(shorter * share), *RADII))


def _inside(window: Box, boxes: tuple[Box, ...]) -> Iterator[Box]:
    """Give the parts of `boxes` that lie in the window, in the window's own pixels."""
    for box in boxes:
        part = box.intersection(window)
        if part is not None:
            yield part.moved(-window.top, -window.left)


def _in_words(regions: tuple[Box, ...], texts: tuple[str, ...], window: Box) -> str:
    """Return the places, and the writing where it is known, as the prompt says them."""
    places = []
    for box, text in zip(regions, texts or ("",) * len(regions), strict=True):
        named = f' "{text}"' if text else ""
        places.append(f"box_2d {list(box_to_2d(box, window.size))}{named}")
    return "; ".join(places)


def _kept_words(writing: Writing) -> str:
    if not writing.kept_texts:
        return ""
    texts = ", ".join(f'"{text}"' for text in writing.kept_texts)
    return f" Writing that stays as it is: {texts}."


def _judged(image: Image, edit: Edit, erase: ErasePlan) -> Verdict:
    source = image.rgb[erase.window.slices]
    strokes = erase.strokes & (erase.weight > 0)
    difference: F32 = np.abs(edit.pixels * 255 - source).max(2)
    change = float(difference[strokes].mean()) if strokes.any() else 0.0
    refusals, warnings = [], []
    if edit.alignment < MIN_ALIGNMENT:
        refusals.append("The render shows something else around the writing.")
    elif edit.alignment < SURE_ALIGNMENT:
        warnings.append("The render differs from the photo around the writing.")
    if strokes.any() and change < UNCHANGED:
        refusals.append("The render left the writing as it was.")
    scores = {"alignment": edit.alignment, "change": change, "seam": _seam(source, edit, erase)}
    return Verdict(scores, tuple(refusals), tuple(warnings))


def _seam(source: U8, edit: Edit, erase: ErasePlan) -> float:
    """Return the gradient on the mask's rim over the gradient just outside it; 1 is invisible."""
    merged = keep_outside(source, edit.pixels, erase.weight)
    gray: F32 = cv2.cvtColor(merged, cv2.COLOR_RGB2GRAY).astype(np.float32)
    gradient = np.hypot(cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1))
    edited = erase.weight > 0
    rim = edited & (erase.weight < 1)
    around = grown(edited, 2 * RADII[1]) & ~grown(edited, 2)
    if not rim.any() or not around.any():
        return 1.0
    return float(gradient[rim].mean() / max(float(gradient[around].mean()), 2.0))


# --- run ------------------------------------------------------------------------------------------


def run(
    image: Image, options: EraseOptions, models: Models, backdrop: Image | None = None
) -> Outcome:
    """Erase the writing; on the way down the ladder until a result is good enough."""
    del backdrop
    record = Record("erase", image)
    if options.dry_run:
        return _planned(record, image, options, models)
    writing = _writing(record, image, options, models)
    if not writing.erase:
        record.warnings.append("No writing was found; the picture is unchanged.")
        return Outcome(image, record.report(models.chosen.engine, image))
    erase = plan(image, writing, options.quality)

    def attempt(model: VisionModel, erase: ErasePlan) -> Attempt:
        rendered = record.render(model, request(image, erase))
        with record.stage("compose"):
            result, verdict = compose(image, rendered.image, erase)
            kept = np.ones(image.rgb.shape[:2], bool)
            kept[erase.window.slices] = erase.weight == 0
            return Attempt(
                image=result,
                verdict=verdict,
                engine=rendered.usage.engine,
                vouched=not rendered.low_confidence,
                fidelity=fidelity(image, result, kept),
                plan=erase.facts(image),
            )

    rungs = ((model, erase) for model in models.in_turn())
    climbed = climb(record, rungs, attempt, models)
    return settle(record, image, climbed, options.on_fail)


def _writing(record: Record, image: Image, options: EraseOptions, models: Models) -> Writing:
    """Return what is to go and what is to stay, asking the model only for what is not given."""
    given = tuple(box_from_2d(region, image.size) for region in options.region)
    if given and not options.keep:
        return Writing(given, whole_boxes=True)
    found = record.ask(models.chosen, _question(image))
    lines = [detection for detection in found if detection.kind == "text"]
    if options.keep and lines and not any(line.text for line in lines):
        raise ModelUnable(
            "This engine finds writing but cannot read it, so it cannot tell what to keep.",
            advice="Give the regions to erase, or use an engine that reads.",
            field="keep",
        )
    keep = [line for line in lines if _is_kept(line, options.keep)]
    erase = [line for line in lines if line not in keep]
    kept = tuple(box_from_2d(line.box_2d, image.size) for line in keep)
    words = tuple(line.text for line in keep)
    if given:
        return Writing(given, kept, kept_texts=words, whole_boxes=True)
    boxes = tuple(box_from_2d(line.box_2d, image.size) for line in erase)
    return Writing(boxes, kept, tuple(line.text for line in erase), words)


def _is_kept(line: Detection, keep: list[str]) -> bool:
    """Tell whether a line holds one of the texts to keep; case and spacing do not matter."""
    text = _plain(line.text)
    return any(_plain(wanted) in text for wanted in keep if _plain(wanted))


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()


def _question(image: Image) -> Ask[detect.Detections]:
    return detect.request(image, Find(objects=False, text=True))


def _planned(record: Record, image: Image, options: EraseOptions, models: Models) -> Outcome:
    """Quote the calls; without detection the whole photo stands for the window."""
    if options.keep or not options.region:
        record.quote("detect", models.chosen, _question(image))
    boxes = tuple(box_from_2d(region, image.size) for region in options.region)
    if not boxes:
        height, width = image.rgb.shape[:2]
        boxes = (Box(0, 0, height, width),)
    erase = plan(image, Writing(boxes, whole_boxes=True), options.quality)
    record.quote("render", models.chosen, request(image, erase))
    return record.planned(models.chosen.engine, plan=erase.facts(image))


ERASE = Operation("erase", "Erase writing and keep every other pixel.", EraseOptions, run)
