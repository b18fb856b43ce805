"""Expand: a larger canvas, the scene carried on, the photo itself byte for byte as it was."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from common.backdrop import fit_backdrop
from common.composite import seam_step
from common.errors import BadOptions
from common.fields import as_bytes
from common.geometry import Placement, Size, canvas_of_ratio, place, refuse_vast
from common.image import F32, OPAQUE, U8, Image, Mask
from common.operations.base import Models, Operation, Outcome
from common.operations.edits import MIN_ALIGNMENT, SURE_ALIGNMENT, brought_back
from common.operations.ladder import Attempt, climb, fidelity, settle
from common.operations.options import ExpandOptions
from common.operations.record import Record
from common.prompts import fill
from common.verdict import Verdict
from common.vlm.base import Extended, Quality, Render, VisionModel

BLANK = 128  # the canvas around the photo, as the model sees it
REACH = 0.35  # of the new area's depth: how far the correction of the seam reaches
MAX_SEAM = 3.0  # gradient step over the picture's own above which the border shows as a line
PLAIN = 12 / 255  # residual of the backdrop's fit: studio sets measure 2..10, real scenes 13..60
BAND = 0.05  # of the photo's shorter side: what of it the new area carries on
LEAST_BAND = 4  # pixels
MAX_GROWTH = 25  # canvas pixels over the photo's: beyond this the model would invent it all


@dataclass(frozen=True)
class ExpandPlan:
    """What to paint, decided before the model is asked for a picture.

    Attributes
    ----------
    placement
        The canvas, and the frame of it that holds the photo.
    quality
        Of the render.
    residual
        Mean distance, 0..1, of the photo's borders from one smooth field: a low one is a plain
        backdrop, which needs no model to be carried on.
    """

    placement: Placement
    quality: Quality = "standard"
    residual: float = 1.0

    @property
    def plain(self) -> bool:
        """Whether a plain backdrop is to be carried on."""
        return self.residual <= PLAIN

    def facts(self) -> dict[str, object]:
        """Return the plan as the report shows it."""
        canvas, frame = self.placement.canvas, self.placement.frame
        return {
            "canvas": [canvas.width, canvas.height],
            "frame_pixels": [frame.top, frame.left, frame.bottom, frame.right],
            "quality": self.quality,
            "backdrop": "plain" if self.plain else "scenery",
            "residual": round(self.residual, 4),
        }


# --- plan, request, compose -----------------------------------------------------------------------


def plan(image: Image, options: ExpandOptions) -> ExpandPlan:
    """Decide the canvas and where the photo stands on it.

    Raises
    ------
    BadOptions
        The canvas would be smaller than the photo, equal to it, or absurdly larger.
    """
    source = image.size
    if options.margin is not None:
        placement = _with_margins(source, options.margin)
    elif options.size is not None:
        placement = place(source, options.size, options.anchor)
    else:
        ratio = options.aspect or source.ratio
        placement = place(source, canvas_of_ratio(source, ratio), options.anchor)
    refuse_vast(placement.canvas)
    if placement.canvas.pixels > MAX_GROWTH * source.pixels:
        raise BadOptions(
            f"A canvas of {placement.canvas} is over {MAX_GROWTH} times the photo of {source}.",
            advice="Expand by less, or in several rounds.",
        )
    return ExpandPlan(placement, options.quality, _residual(image.rgb, placement))


def request(image: Image, expand: ExpandPlan) -> Render:
    """Return the wish for the blank part of the canvas to be filled."""
    canvas, frame = expand.placement.canvas, expand.placement.frame
    rgb = np.full((canvas.height, canvas.width, 3), BLANK, np.uint8)
    rgb[frame.slices] = image.rgb
    return Render(Image(rgb), Extended(frame), fill("expand"), expand.quality)


def compose(image: Image, render: Image, expand: ExpandPlan) -> tuple[Image, Verdict]:
    """Return the canvas with the photo on it unchanged, and what the gate says of the rest.

    Raises
    ------
    UnfitRender
        The render cannot be one of this canvas.
    """
    canvas, frame = expand.placement.canvas, expand.placement.frame
    known = np.zeros((canvas.height, canvas.width), bool)
    known[frame.slices] = True
    pasted = request(image, expand).image.rgb
    edit = brought_back(render.rgb, pasted, known, _reach(known))
    rgb = as_bytes(edit.pixels)
    rgb[frame.slices] = image.rgb
    alpha = _alpha(image, expand)
    return replace(image, rgb=rgb, alpha=alpha), _judged(rgb, edit.alignment, expand)


def _residual(rgb: U8, placement: Placement) -> float:
    """Return how far the photo's borders that grow are from one smooth field."""
    known = _growing_borders(placement)
    return fit_backdrop(rgb, known)[1] if known.any() else 1.0


def _growing_borders(placement: Placement) -> Mask:
    """Return the bands (h, w) of the photo along the sides where the canvas goes on."""
    canvas, frame = placement.canvas, placement.frame
    depth = max(LEAST_BAND, round(BAND * min(frame.width, frame.height)))
    known = np.zeros((frame.height, frame.width), bool)
    known[:depth] |= frame.top > 0
    known[-depth:] |= frame.bottom < canvas.height
    known[:, :depth] |= frame.left > 0
    known[:, -depth:] |= frame.right < canvas.width
    return known


def _with_margins(source: Size, margin: tuple[str, str, str, str]) -> Placement:
    sides = (source.height, source.width, source.height, source.width)
    top, right, bottom, left = (
        _pixels(length, side) for length, side in zip(margin, sides, strict=True)
    )
    canvas = Size(source.width + left + right, source.height + top + bottom)
    placed = place(source, canvas)
    frame = placed.frame.moved(top - placed.frame.top, left - placed.frame.left)
    return Placement(canvas, frame)


def _pixels(length: str, side: int) -> int:
    if length.endswith("%"):
        return round(float(length[:-1]) / 100 * side)
    return int(length)


def _reach(known: Mask) -> F32:
    """Return how much of the seam's correction applies: 1 at the photo, fading outwards."""
    distance: F32 = cv2.distanceTransform(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    depth = max(1.0, REACH * float(distance.max()))
    out: F32 = np.exp(-distance / np.float32(depth))
    return out


def _alpha(image: Image, expand: ExpandPlan) -> U8 | None:
    """Return the photo's alpha on the canvas; the new area is opaque."""
    if image.alpha is None:
        return None
    canvas, frame = expand.placement.canvas, expand.placement.frame
    alpha = np.full((canvas.height, canvas.width), OPAQUE, np.uint8)
    alpha[frame.slices] = image.alpha
    return alpha


def _judged(result: U8, alignment: float, expand: ExpandPlan) -> Verdict:
    frame = expand.placement.frame
    seam = seam_step(result, frame)
    refusals, warnings = [], []
    if alignment < MIN_ALIGNMENT:
        refusals.append("The render shows something else where the photo stands.")
    elif alignment < SURE_ALIGNMENT:
        warnings.append("The render differs from the photo; look at the seam.")
    if seam > MAX_SEAM:
        refusals.append("The border of the photo shows as a line.")
    return Verdict({"alignment": alignment, "seam": seam}, tuple(refusals), tuple(warnings))


# --- run ------------------------------------------------------------------------------------------


def run(
    image: Image, options: ExpandOptions, models: Models, backdrop: Image | None = None
) -> Outcome:
    """Expand the canvas: a plain backdrop for nothing where that is good, else down the ladder."""
    del backdrop
    record = Record("expand", image)
    expand = plan(image, options)
    free = _free_engine(image, expand, options, models)
    if options.dry_run:
        return _planned(record, image, expand, models, free)
    if expand.placement.canvas == image.size:
        record.warnings.append("The canvas is the photo's own; the picture is unchanged.")
        return Outcome(image, record.report(models.chosen.engine, image, plan=expand.facts()))

    def attempt(model: VisionModel, expand: ExpandPlan) -> Attempt:
        return _attempt(record, image, model, expand)

    if free is not None:
        climbed = climb(record, [(free, expand)], lambda *rung: _sure(attempt(*rung)), models)
        if any(tried.verdict.accepted for tried in climbed.attempts):
            return settle(record, image, climbed, options.on_fail)
    rungs = ((model, expand) for model in models.in_turn())
    climbed = climb(record, rungs, attempt, models)
    return settle(record, image, climbed, options.on_fail)


def _attempt(record: Record, image: Image, model: VisionModel, expand: ExpandPlan) -> Attempt:
    rendered = record.render(model, request(image, expand))
    with record.stage("compose"):
        result, verdict = compose(image, rendered.image, expand)
        inside = result.crop(expand.placement.frame)
        return Attempt(
            image=result,
            verdict=verdict,
            engine=rendered.usage.engine,
            vouched=not rendered.low_confidence,
            fidelity=fidelity(image, inside, np.ones(image.rgb.shape[:2], bool)),
            plan=expand.facts(),
        )


def _sure(attempt: Attempt) -> Attempt:
    """Return the attempt, refused where its engine does not vouch for it: a better one is there."""
    if attempt.vouched:
        return attempt
    refusals = (*attempt.verdict.refusals, "The free engine does not vouch for its result.")
    return replace(attempt, verdict=replace(attempt.verdict, refusals=refusals))


def _free_engine(
    image: Image, expand: ExpandPlan, options: ExpandOptions, models: Models
) -> VisionModel | None:
    """Return the engine that carries a plain backdrop on for nothing, where the chosen one costs.

    An engine that the user named is asked and no other.
    """
    free = models.fallback
    if free is None or models.brought or options.engine is not None or not expand.plain:
        return None
    wanted = request(image, expand)
    costs = models.chosen.quote(wanted).dollars > 0
    return free if costs and free.quote(wanted).dollars == 0 else None


def _planned(
    record: Record, image: Image, expand: ExpandPlan, models: Models, free: VisionModel | None
) -> Outcome:
    """Quote the call that is likely; where it may be followed by a paid one the plan says so."""
    wanted = request(image, expand)
    model = free or models.chosen
    told: dict[str, object] = {"engine": model.engine}
    if expand.placement.canvas != image.size:
        record.quote("render", model, wanted)
    if free is not None:
        quote = models.chosen.quote(wanted)
        told["otherwise"] = {"engine": models.chosen.engine, "dollars": quote.dollars}
    return record.planned(model.engine, plan=expand.facts() | told)


EXPAND = Operation("expand", "Carry the scene on over a larger canvas.", ExpandOptions, run)
