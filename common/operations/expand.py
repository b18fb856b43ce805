"""Expand: a larger canvas, the scene carried on, the photo itself byte for byte as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from common.composite import seam_step
from common.errors import ModelError, NothingFound
from common.geometry import Box, Placement, box_from_2d, whole
from common.image import OPAQUE, U8, Image
from common.operations import canvas, detect
from common.operations.base import Models, Operation, Outcome
from common.operations.edits import MIN_ALIGNMENT, SURE_ALIGNMENT
from common.operations.extent import ExpandPlan, Step, plan
from common.operations.ladder import Attempt, climb, fidelity, settle
from common.operations.options import ExpandOptions
from common.operations.outpaint import Painting, on_canvas, painted
from common.operations.record import Record
from common.operations.twins import SECOND, SURELY_SECOND, second_subject
from common.prompts import fill
from common.report import COMPOSITE
from common.verdict import Verdict
from common.vlm.base import Ask, Detection, Extended, Find, Quality, Render, VisionModel

MAX_SEAM = 3.0  # gradient step over the picture's own above which the border shows as a line
MOST_SUBJECTS = 3  # of a photo that are looked for a second time
SHARE_TOLERANCE = 0.01  # of the canvas: whole pixels


# --- request, compose -----------------------------------------------------------------------------


def request(image: Image, step: Step, quality: Quality = "standard") -> Render:
    """Return the wish for the blank part of a step's canvas to be filled.

    A canvas larger than any model sees is shown small: the render is enlarged in the new area only.
    """
    seen = canvas.shown(step.placement)
    rgb = on_canvas(image.rgb, step.placement)
    if seen.canvas != step.placement.canvas:
        size = (seen.canvas.width, seen.canvas.height)
        small: U8 = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        rgb = small
    shown = Image(rgb, provenance=image.provenance)
    return Render(shown, Extended(seen.frame), fill("expand"), quality)


def compose(
    image: Image, render: Image, step: Step, subjects: tuple[Box, ...] = ()
) -> tuple[Image, Verdict]:
    """Return a step's canvas with `image` on it unchanged, and what the gate says of the rest.

    Parameters
    ----------
    image
        The photo, or the canvas of the step before.
    subjects
        Boxes of the photo of what must not be painted a second time.

    Raises
    ------
    UnfitRender
        The render cannot be one of this canvas.
    """
    painting = painted(image.rgb, render.rgb, step.placement)
    alpha = _alpha(image, step.placement)
    here = tuple(box.moved(step.photo.top, step.photo.left) for box in subjects)
    verdict = _judged(painting, step.placement, here)
    return replace(image, rgb=painting.rgb, alpha=alpha), verdict


def _alpha(image: Image, placement: Placement) -> U8 | None:
    """Return the photo's alpha on the canvas; the new area is opaque."""
    if image.alpha is None:
        return None
    alpha = np.full((placement.canvas.height, placement.canvas.width), OPAQUE, np.uint8)
    alpha[placement.frame.slices] = image.alpha
    return alpha


def _judged(painting: Painting, placement: Placement, subjects: tuple[Box, ...]) -> Verdict:
    scores = {
        "alignment": painting.alignment,
        "seam": seam_step(painting.rgb, placement.frame),
        "grain": painting.grain * 255,
    }
    refusals, warnings = [], []
    if painting.alignment < MIN_ALIGNMENT:
        refusals.append("The render shows something else where the photo stands.")
    elif painting.alignment < SURE_ALIGNMENT:
        warnings.append("The render differs from the photo; look at the seam.")
    if scores["seam"] > MAX_SEAM:
        refusals.append("The border of the photo shows as a line.")
    if subjects:
        scores["second_subject"] = second_subject(painting.rgb, placement.frame, subjects)
        if scores["second_subject"] > SURELY_SECOND:
            refusals.append("The subject was painted a second time.")
        elif scores["second_subject"] > SECOND:
            warnings.append("The new area may show the subject a second time.")
    return Verdict(scores, tuple(refusals), tuple(warnings))


# --- run ------------------------------------------------------------------------------------------


def run(
    image: Image,
    options: ExpandOptions,
    models: Models,
    backdrop: Image | None = None,
    mask: Image | None = None,
) -> Outcome:
    """Expand the canvas: a plain backdrop for nothing where that is good, else down the ladder."""
    del backdrop, mask
    record = Record("expand", image, COMPOSITE)
    if options.dry_run:
        return _planned(record, image, options, models)
    expand = plan(image, options, _subjects(record, image, options, models))
    _tell_of_fill(record, expand, options)
    if expand.placement.canvas == image.size:
        record.warnings.append("The canvas is the photo's own; the picture is unchanged.")
        return Outcome(image, record.report(models.chosen.engine, image, plan=expand.facts()))
    expanding = Expanding(record, image, options)
    free = _free_engine(image, expand, options, models)
    if free is not None:
        climbed = climb(record, [(free, expand.at_once())], expanding.surely, models)
        if any(tried.verdict.accepted for tried in climbed.attempts):
            return settle(record, image, climbed, options.on_fail)
    expand = _with_subjects(image, expand, models)
    climbed = climb(record, _rungs(image, expand, models), expanding.attempt, models)
    return settle(record, image, climbed, options.on_fail)


@dataclass(frozen=True)
class Expanding:
    """One run: its record, its photo and its options."""

    record: Record
    image: Image
    options: ExpandOptions

    def attempt(self, model: VisionModel, expand: ExpandPlan) -> Attempt:
        """Paint step after step with one engine; a refused step ends it where nobody sees more."""
        image, photo, vouched = self.image, expand.placement.frame, True
        engines, verdicts = [], []
        for step in expand.steps:
            rendered = self.record.render(model, request(image, step, expand.quality))
            with self.record.stage("compose"):
                image, verdict = compose(image, rendered.image, step, expand.subjects)
            photo, vouched = step.photo, vouched and not rendered.low_confidence
            engines.append(rendered.usage.engine)
            verdicts.append(verdict)
            if not verdict.accepted and self.options.on_fail != "review":
                break
        with self.record.stage("compose"):
            kept = np.ones(self.image.rgb.shape[:2], bool)
            return Attempt(
                image=image,
                verdict=_worst(verdicts),
                engine=engines[-1],
                vouched=vouched,
                fidelity=fidelity(self.image, image.crop(photo), kept),
                plan=expand.facts(),
            )

    def surely(self, model: VisionModel, expand: ExpandPlan) -> Attempt:
        """Return the attempt, refused where its engine does not vouch: a better one is there."""
        attempt = self.attempt(model, expand)
        if attempt.vouched:
            return attempt
        refusals = (*attempt.verdict.refusals, "The free engine does not vouch for its result.")
        return replace(attempt, verdict=replace(attempt.verdict, refusals=refusals))


def _worst(verdicts: list[Verdict]) -> Verdict:
    """Return the worst of each score over all steps, and every sentence once."""
    names = dict.fromkeys(name for each in verdicts for name in each.scores)
    return Verdict(
        {
            name: (min if name == "alignment" else max)(each.scores[name] for each in verdicts)
            for name in names
        },
        tuple(dict.fromkeys(text for each in verdicts for text in each.refusals)),
        tuple(dict.fromkeys(text for each in verdicts for text in each.warnings)),
    )


def _rungs(
    image: Image, expand: ExpandPlan, models: Models
) -> Iterator[tuple[VisionModel, ExpandPlan]]:
    for model in models.in_turn():
        yield model, _for(model, image, expand, models)


def _for(model: VisionModel, image: Image, expand: ExpandPlan, models: Models) -> ExpandPlan:
    """Return the plan as an engine takes it.

    A picture model is led in steps; a render that was brought is one picture, and an engine that
    costs nothing fills a canvas of any ratio by formula.
    """
    whole_canvas = expand.at_once()
    if models.brought or len(expand.steps) == 1:
        return whole_canvas
    paid = model.quote(request(image, whole_canvas.steps[0], expand.quality)).dollars > 0
    return expand if paid else whole_canvas


def _free_engine(
    image: Image, expand: ExpandPlan, options: ExpandOptions, models: Models
) -> VisionModel | None:
    """Return the engine that carries a plain backdrop on for nothing, where the chosen one costs.

    An engine that the user named is asked and no other.
    """
    free = models.fallback
    if free is None or models.brought or options.engine is not None or not expand.plain:
        return None
    wanted = request(image, expand.at_once().steps[0], expand.quality)
    costs = models.chosen.quote(wanted).dollars > 0
    return free if costs and free.quote(wanted).dollars == 0 else None


# --- the subject ----------------------------------------------------------------------------------


def _question(image: Image, options: ExpandOptions) -> Ask[detect.Detections]:
    return detect.request(image, Find(options.subject, objects=True, text=False))


def _subjects(
    record: Record, image: Image, options: ExpandOptions, models: Models
) -> tuple[Box, ...]:
    """Return the subject's boxes as far as the canvas needs them.

    Raises
    ------
    NothingFound
        `fill` needs a subject, and there is none.
    """
    if options.box is not None:
        return (box_from_2d(options.box, image.size),)
    if options.fill is None:
        return ()
    boxes = _boxes(image, record.ask(models.chosen, _question(image, options)))
    if not boxes:
        raise NothingFound(
            f"No {options.subject or 'subject'} was found in the picture.",
            advice="Say in other words what the subject is, or give its box.",
        )
    return boxes


def _with_subjects(image: Image, expand: ExpandPlan, models: Models) -> ExpandPlan:
    """Return the plan with what must not be painted again; the free engine is asked for it.

    A help and not a need: without a free engine, or where it finds nothing, nothing is looked for.
    """
    looker = models.fallback
    if expand.subjects or looker is None or looker.engine == models.chosen.engine:
        return expand
    question = detect.request(image, Find(objects=True, text=False))
    try:
        found = () if looker.quote(question).dollars else looker.ask(question).value
    except ModelError:
        return expand
    return replace(expand, subjects=_boxes(image, found)[:MOST_SUBJECTS])


def _boxes(image: Image, detections: tuple[Detection, ...]) -> tuple[Box, ...]:
    return tuple(
        box_from_2d(found.box_2d, image.size) for found in detections if found.kind == "object"
    )


def _tell_of_fill(record: Record, expand: ExpandPlan, options: ExpandOptions) -> None:
    """Say where the photo shows more around its subject than was asked for."""
    subject = canvas.around(expand.subjects)
    if options.fill is None or subject is None:
        return
    share = canvas.share_of(subject, expand.placement.canvas)
    if share < options.fill - SHARE_TOLERANCE:
        record.warnings.append(
            f"The subject fills {share:.0%} of the canvas and not {options.fill:.0%}: "
            "expanding keeps the whole photo, and adds no more to it than the ratio needs."
        )


# --- a dry run ------------------------------------------------------------------------------------


def _planned(record: Record, image: Image, options: ExpandOptions, models: Models) -> Outcome:
    """Quote the calls that are likely; where they may be followed by paid ones the plan says so."""
    subjects: tuple[Box, ...] = ()
    if options.box is not None:
        subjects = (box_from_2d(options.box, image.size),)
    elif options.fill is not None:
        record.quote("detect", models.chosen, _question(image, options))
        record.warnings.append("The subject was not looked for: this is the largest canvas.")
        subjects = (whole(image.size),)
    expand = plan(image, options, subjects)
    free = _free_engine(image, expand, options, models)
    model = free or models.chosen
    likely = expand.at_once() if free else _for(model, image, expand, models)
    told: dict[str, object] = {"engine": model.engine}
    if expand.placement.canvas != image.size:
        for wanted in _requests(image, likely):
            record.quote("render", model, wanted)
    if free is not None:
        paid = _for(models.chosen, image, expand, models)
        dollars = sum(models.chosen.quote(wanted).dollars for wanted in _requests(image, paid))
        told["otherwise"] = {"engine": models.chosen.engine, "dollars": dollars}
    return record.planned(model.engine, plan=likely.facts() | told)


def _requests(image: Image, expand: ExpandPlan) -> Iterator[Render]:
    """Give the wishes of all steps; what will have been painted by then is still blank."""
    for step in expand.steps:
        yield request(image, step, expand.quality)
        image = replace(image, rgb=on_canvas(image.rgb, step.placement), alpha=None)


EXPAND = Operation("expand", "Carry the scene on over a larger canvas.", ExpandOptions, run)
