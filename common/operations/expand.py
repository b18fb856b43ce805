"""Expand: a larger canvas, the scene carried on, the photo itself byte for byte as it was."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from common.composite import seam_step
from common.errors import BadOptions
from common.fields import as_bytes
from common.geometry import Placement, Size, canvas_of_ratio, place
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
MAX_GROWTH = 25  # canvas pixels over the photo's: beyond this the model would invent it all


@dataclass(frozen=True)
class ExpandPlan:
    """The canvas and the frame of it that holds the photo, and the quality of the render."""

    placement: Placement
    quality: Quality = "standard"

    def facts(self) -> dict[str, object]:
        """Return the plan as the report shows it."""
        canvas, frame = self.placement.canvas, self.placement.frame
        return {
            "canvas": [canvas.width, canvas.height],
            "frame_pixels": [frame.top, frame.left, frame.bottom, frame.right],
            "quality": self.quality,
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
    if placement.canvas.pixels > MAX_GROWTH * source.pixels:
        raise BadOptions(
            f"A canvas of {placement.canvas} is over {MAX_GROWTH} times the photo of {source}.",
            advice="Expand by less, or in several rounds.",
        )
    return ExpandPlan(placement, options.quality)


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
    """Expand the canvas; on the way down the ladder until a result is good enough."""
    del backdrop
    record = Record("expand", image)
    expand = plan(image, options)
    if options.dry_run:
        record.quote("render", models.chosen, request(image, expand))
        return record.planned(models.chosen.engine, plan=expand.facts())
    if expand.placement.canvas == image.size:
        record.warnings.append("The canvas is the photo's own; the picture is unchanged.")
        return Outcome(image, record.report(models.chosen.engine, image, plan=expand.facts()))

    def attempt(model: VisionModel, expand: ExpandPlan) -> Attempt:
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

    rungs = ((model, expand) for model in models.in_turn())
    climbed = climb(record, rungs, attempt, models)
    return settle(record, image, climbed, options.on_fail)


EXPAND = Operation("expand", "Carry the scene on over a larger canvas.", ExpandOptions, run)
