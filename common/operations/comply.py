"""Comply: what an operation made becomes an asset for every place of publication that is named.

Cut out, put on the background, framed and made smaller as each preset says, from one and the same
picture: a subject is cut out, and paid for, once.  Which file it becomes, and the check of that
file, are the door's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from common.composite import over
from common.errors import BadOptions, ModelError
from common.geometry import Box
from common.image import OPAQUE, U8, Image
from common.operations import backgrounds, check
from common.operations.base import Asset, Models, Operation, Outcome
from common.operations.cutout import CUTOUT
from common.operations.detect import Detections
from common.operations.evidence import gather
from common.operations.framing import subject_box
from common.operations.measures import share_of
from common.operations.options import CutoutOptions, Options
from common.operations.pipeline import summed
from common.operations.placing import (
    Placed,
    faded,
    scene_on_canvas,
    shrunk,
    small_enough,
    subject_on_canvas,
)
from common.presets import Preset, Ratio
from common.report import Report
from common.vlm.base import Ask, VisionModel

_FILL = 0.85  # of a subject where neither the options nor the preset say how large it is
_CLEAR = "transparent"


def complying(operation: Operation[Any]) -> Operation[Any]:
    """Return the operation, which also makes assets where its options may name presets."""
    if "preset" not in operation.options.model_fields:
        return operation
    return replace(operation, run=_Complying(operation))


@dataclass(frozen=True)
class _Complying:
    """An operation's run, and what follows it."""

    operation: Operation[Any]

    def __call__(
        self,
        image: Image,
        options: Any,
        models: Models,
        backdrop: Image | None = None,
        mask: Image | None = None,
    ) -> Outcome:
        if not options.preset:
            return self.operation.run(image, options, models, backdrop, mask)
        backgrounds.check(getattr(options, "background", _CLEAR), backdrop)
        outcome = self.operation.run(image, _bare(options), models, backdrop, mask)
        cut = _cutout(outcome.image or image, options, models)
        told = outcome.report if cut is None else _with(outcome.report, cut.report)
        if outcome.image is None:
            return replace(outcome, report=told)
        scene = _Material(image, outcome.image, _found(outcome.image, options.preset, models))
        alone = scene
        if cut is not None and cut.image is not None:
            alone = _Material(image, cut.image, _found(cut.image, options.preset, models))
        assets = tuple(
            _asset(alone if preset.make.background else scene, preset, options, backdrop)
            for preset in options.preset
        )
        return replace(outcome, report=told, assets=assets)


# --- before ---------------------------------------------------------------------------------------


def _bare(options: Options) -> Options:
    """Return the options without what is done for each preset anew."""
    own: dict[str, Any] = {"preset": []}
    if isinstance(options, CutoutOptions):
        own |= {"background": _CLEAR, "fill": None, "shadow": False}
    return options.model_copy(update=own)


def _cutout(picture: Image, options: Any, models: Models) -> Outcome | None:
    """Cut the subject out once, where any preset asks for a background that is not there."""
    if isinstance(options, CutoutOptions) or not _wants_cutout(picture, options.preset):
        return None
    if models.brought:
        raise BadOptions(
            "A render that was brought for this operation cannot cut the subject out as well.",
            advice="Run cutout with the preset on its result.",
            field="preset",
        )
    own = CutoutOptions(
        engine=options.engine,
        dry_run=options.dry_run,
        quality=getattr(options, "quality", "standard"),
        on_fail=getattr(options, "on_fail", "review"),
    )
    return CUTOUT.run(picture, own, models)


def _wants_cutout(image: Image, presets: Sequence[Preset]) -> bool:
    if _is_clear(image):
        return False
    colours = {preset.make.background for preset in presets if preset.make.background}
    return not all(_stands_on(image, colour) for colour in colours)


def _is_clear(image: Image) -> bool:
    """Whether anything of the picture is transparent."""
    return image.alpha is not None and not image.solid().all()


def _stands_on(image: Image, colour: str) -> bool:
    """Whether the border of an opaque picture is exactly a colour."""
    return share_of(image.rgb, backgrounds.colour_of(colour))[0] == 1


def _with(report: Report, cut: Report) -> Report:
    """Return the operation's report with what the cutout after it took."""
    steps = [report, cut]
    return summed(report, steps).model_copy(update={"steps": steps})


def _found(image: Image, presets: Sequence[Preset], models: Models) -> Detections | None:
    """Return what an engine that costs nothing finds in the picture, None where there is none.

    Where the subject stands alone, its alpha tells more of it than any engine.
    """
    clear = _is_clear(image)
    ask = check.request(over(image, np.full(3, OPAQUE, np.uint8)), objects=not clear)
    crops = not clear and any(map(_asks_for_ratio, presets))
    looker = _looker(models, ask) if crops or check.needs_a_look(presets) else None
    if looker is None:
        return None
    try:
        return looker.ask(ask).value
    except ModelError:  # the look is a help, not a need
        return None


def _looker(models: Models, ask: Ask[Detections]) -> VisionModel | None:
    for model in (models.fallback, models.chosen):
        if model is not None and model.quote(ask).dollars == 0:
            return model
    return None


# --- one asset ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Material:
    """What assets are made of: the photo, what became of it, and what is found in that."""

    photo: Image
    picture: Image
    found: Detections | None


def _asset(material: _Material, preset: Preset, options: Options, backdrop: Image | None) -> Asset:
    placed = _placed(material.picture, material.found, preset, options)
    wanted = getattr(options, "background", _CLEAR)
    background = preset.make.background or wanted
    notes = [placed.note] if placed.note else []
    if wanted != _CLEAR and wanted.upper() != background.upper():
        notes.append(f"{preset.name} asks for {background} behind the subject.")
    image = _dressed(placed, material, preset, options, backdrop)
    found = None if material.found is None else placed.seen(material.found)
    return Asset(preset, image, found, tuple(notes))


def _dressed(
    placed: Placed, material: _Material, preset: Preset, options: Options, backdrop: Image | None
) -> Image:
    """Give what stands on the canvas its shadow and its background; an opaque picture has both."""
    image = placed.image
    if image.alpha is None:
        return image
    wanted: str = getattr(options, "background", _CLEAR)
    background = preset.make.background or wanted
    behind = _behind(background, material, placed, image.alpha, backdrop)
    subject = subject_box(image.alpha)
    if getattr(options, "shadow", False):
        image = backgrounds.with_shadow(image)
    if preset.make.background and subject is not None:
        image = faded(image, subject)
    return image if behind is None else over(image, behind)


def _placed(picture: Image, found: Detections | None, preset: Preset, options: Options) -> Placed:
    """Put the picture onto the preset's canvas: its subject where that stands alone, else all."""
    make = preset.make
    fill = options.fill if isinstance(options, CutoutOptions) else None
    fill, ratio = fill or make.fill, make.proportion
    box = _subject(picture, found)
    alone = _is_clear(picture) or (make.background and _stands_on(picture, make.background))
    if alone and box is not None and (fill or ratio):
        ratio = ratio or picture.size.ratio
        return subject_on_canvas(picture, box, fill or _FILL, ratio, make.longest)
    if alone or ratio is None or not _asks_for_ratio(preset):
        return small_enough(picture, make.longest)
    return scene_on_canvas(picture.opaque(), box, ratio, make.longest)


def _asks_for_ratio(preset: Preset) -> bool:
    """Whether a rule wants the ratio: a scene is cropped for no less."""
    return any(isinstance(rule, Ratio) for rule in preset.rules)


def _subject(picture: Image, found: Detections | None) -> Box | None:
    if _is_clear(picture) and picture.alpha is not None:
        return subject_box(picture.alpha)
    subject = gather(picture, found).subject
    return None if subject is None else subject.box


def _behind(
    background: str, material: _Material, placed: Placed, alpha: U8, backdrop: Image | None
) -> U8 | None:
    """Return what is behind the subject on the canvas; the photo's own blur at the same scale."""
    photo = material.photo
    if background == backgrounds.BLUR:
        photo, small = (shrunk(each, placed.source) for each in (photo, material.picture))
        alpha = alpha if small.alpha is None else small.alpha
    return backgrounds.ground(background, photo, alpha, placed.frame, backdrop)
