"""Clean: named clutter gone and a plain backdrop even, every other pixel as it was."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import cv2
import numpy as np

from common.errors import ModelError
from common.geometry import Box, box_from_2d, whole
from common.image import Image, Mask
from common.matting import MAGENTA
from common.operations import detect, retouch
from common.operations.base import Models, Operation, Outcome
from common.operations.evening import PLAIN, evened
from common.operations.ladder import Attempt, Climb
from common.operations.masked import MaskedEdit
from common.operations.options import CleanOptions
from common.operations.placing import shrunk
from common.operations.record import Record
from common.operations.retouch import Retouching
from common.operations.selection import Target, things, whole_boxes
from common.operations.told import excluded, share_inside, sure, told
from common.prompts import Prompt, fill
from common.verdict import Verdict
from common.vlm.base import Ask, Find, OnBacking, Render

SPARED = 0.5  # of a thing's box inside an excluded box: the thing is meant to stay
EVENING = "backdrop"  # the engine's name where no model was needed

_LOOK = 1024  # px, longest side at which the subject is told from the backdrop


def run(
    image: Image,
    options: CleanOptions,
    models: Models,
    backdrop: Image | None = None,
    mask: Image | None = None,
) -> Outcome:
    """Take the clutter away window by window, then even the backdrop out."""
    del backdrop
    record = Record("clean", image)
    retouching = Retouching(record, image, options, models, partial(_words, options))
    if options.dry_run:
        target = _planned_target(record, image, options, models, mask)
        plan = retouching.quote(target) if target.going else {}
        return record.planned(models.chosen.engine, plan=plan)
    target = _target(record, image, options, models, mask)
    if target.going:
        climbed = retouching.edited(target)
    elif not options.even:
        record.warnings.append("Nothing of that was found; the picture is unchanged.")
        return retouch.untouched(record, image, models)
    else:
        climbed = Climb((Attempt(image, Verdict({}), EVENING),))
    if options.even and climbed.attempts:
        climbed = Climb((_evened(record, climbed.attempts[0], retouching, options, models),))
    return retouching.settled(climbed)


# --- what is to go --------------------------------------------------------------------------------


def question(image: Image, options: CleanOptions) -> Ask[detect.Detections] | None:
    """Return the question where the clutter stands; None where nobody needs to be asked."""
    if not options.remove or options.region or options.mask:
        return None
    return detect.request(image, Find(options.remove, named=True, sensitivity=options.sensitivity))


def _target(
    record: Record, image: Image, options: CleanOptions, models: Models, mask: Image | None
) -> Target:
    given = told(image, options, mask)
    if given is not None:
        return given
    stays = excluded(image, options)
    asked = question(image, options)
    found = () if asked is None else record.ask(models.chosen, asked)
    boxes = [box_from_2d(each.box_2d, image.size) for each in sure(found, options.sensitivity)]
    going = tuple(box for box in boxes if not _is_spared(box, stays))
    return Target(going, stays, things(options.sensitivity))


def _is_spared(box: Box, stays: tuple[Box, ...]) -> bool:
    return any(share_inside(box, other) > SPARED for other in stays)


def _words(options: CleanOptions, edit: MaskedEdit) -> Prompt:
    what = options.remove or "what stands there"
    return fill("clean", what=what, where=edit.places, keep=edit.kept)


# --- the backdrop ---------------------------------------------------------------------------------


def _evened(
    record: Record,
    attempt: Attempt,
    retouching: Retouching,
    options: CleanOptions,
    models: Models,
) -> Attempt:
    """Return the attempt with an even backdrop; refused where the backdrop is not plain."""
    image = attempt.image
    with record.stage("even"):
        done = evened(image.rgb, _protected(image, options, models))
    scores = {**attempt.verdict.scores, "backdrop": done.residual}
    refusals = attempt.verdict.refusals
    if done.residual > PLAIN:
        refusals += ("The backdrop is not plain enough to be evened.",)
        return replace(attempt, verdict=Verdict(scores, refusals, attempt.verdict.warnings))
    scores |= dict(zip(("uneven_before", "uneven"), done.unevenness, strict=True))
    share = round(float((done.weight > 0).mean()), 6)
    return replace(
        retouching.changed(attempt, done.rgb, done.weight > 0),
        verdict=Verdict(scores, refusals, attempt.verdict.warnings),
        plan=attempt.plan | {"evened_share": share},
    )


def _protected(image: Image, options: CleanOptions, models: Models) -> Mask:
    """Return what is certainly no backdrop: what an engine that costs nothing sees, and boxes."""
    protected = ~image.solid()
    seen = _subject(image, models)
    if seen is not None:
        whole_size = (image.size.width, image.size.height)
        protected |= (
            cv2.resize(seen.astype(np.uint8), whole_size, interpolation=cv2.INTER_LINEAR) > 0
        )
    for box in excluded(image, options):
        protected[box.slices] = True
    return protected


def _subject(image: Image, models: Models) -> Mask | None:
    """Return the subject as an engine lays it on a backing, bool (h, w); None where none can."""
    small = shrunk(image, image.size.within(_LOOK)).opaque()
    prompt = fill("cutout", subject="the main subject", key_name=MAGENTA.name, key_hex=MAGENTA.hex)
    wish = Render(small, OnBacking(MAGENTA.rgb), prompt)
    engine = models.fallback
    if engine is None or engine.quote(wish).dollars > 0:
        return None
    try:
        laid = engine.render(wish).image.rgb
    except ModelError:  # nothing stands out: a help is missing, not a need
        return None
    if laid.shape != small.rgb.shape:
        return None
    seen: Mask = (laid != np.array(MAGENTA.rgb, np.uint8)).any(2)
    return seen


# --- a dry run ------------------------------------------------------------------------------------


def _planned_target(
    record: Record, image: Image, options: CleanOptions, models: Models, mask: Image | None
) -> Target:
    """Quote the question, for which the whole photo stands: what it will find is not known."""
    asked = question(image, options)
    if asked is None:
        return told(image, options, mask) or Target((), (), whole_boxes())
    record.quote("detect", models.chosen, asked)
    return Target((whole(image.size),), excluded(image, options), whole_boxes())


CLEAN = Operation("clean", "Remove named clutter, even a plain backdrop out.", CleanOptions, run)
