"""Erase: the writing gone, every other pixel as it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from common.composite import feather, grown, keep_outside
from common.errors import ModelError
from common.geometry import Box, box_to_2d, whole
from common.glyphs import glyph_mask
from common.image import F32, U8, Image, Mask
from common.operations.base import Models, Operation, Outcome
from common.operations.edits import MIN_ALIGNMENT, SURE_ALIGNMENT, Edit, brought_back
from common.operations.ladder import Attempt, Climb, climb, fidelity, settle
from common.operations.look import Look, look_again
from common.operations.options import EraseOptions
from common.operations.record import Record
from common.operations.windows import Window, one_window, windows_around
from common.operations.writing import (
    Writing,
    excluded,
    is_asked_for,
    question,
    regions,
    writing_in,
)
from common.prompts import fill
from common.verdict import Verdict
from common.vlm.base import Quality, Render, VisionModel, WithoutText

BROUGHT_CONTEXT = (0.5, 96)  # share of the writing's longer side, and pixels: of a brought window
DILATION = 0.04  # of a region's shorter side: anti-aliased rims and JPEG's ringing around strokes
FEATHER = 0.03  # of a region's shorter side
RADII = (2, 12)  # pixels, bounds of both
UNCHANGED = 4.0  # levels: an edit that differs less from the writing has not erased it
CLEAN = 0.1  # share of the writing found again up to which it is gone: finders draw boxes wide
MUCH = 0.5  # share above which the result is refused: finders also take rough surfaces for writing


@dataclass(frozen=True, eq=False)
class ErasePlan:
    """What to erase in one window, decided before the model is asked for a picture.

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


# --- plan, request, compose -----------------------------------------------------------------------


def plan(
    image: Image, writing: Writing, windows: Sequence[Window], quality: Quality = "standard"
) -> tuple[ErasePlan, ...]:
    """Decide the mask of each window; `writing` names what the windows were planned around."""
    return tuple(_plan(image, writing, window, quality) for window in windows)


def _plan(image: Image, writing: Writing, window: Window, quality: Quality) -> ErasePlan:
    box = window.box
    regions = tuple(part.moved(-box.top, -box.left) for part in window.parts)
    strokes = _strokes(image.crop(box), regions, writing.whole_boxes)
    shorter = min(min(part.width, part.height) for part in regions)
    allowed = grown(strokes, _radius(shorter, DILATION))
    weight = feather(allowed, _radius(shorter, FEATHER))
    same = weight == 0
    for going in _inside(box, writing.erase):  # another window's: a good edit may lack it or not
        same[going.slices] = False
    for kept in _inside(box, writing.keep):
        weight[kept.slices] = 0
        same[kept.slices] = False
    texts = [writing.texts[owner] if writing.texts else "" for owner in window.owners]
    kept_words = _kept_words(writing)
    return ErasePlan(
        box, regions, strokes, weight, same, _in_words(regions, texts, box), kept_words, quality
    )


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


def _in_words(regions: Sequence[Box], texts: Sequence[str], window: Box) -> str:
    """Return the places, and the writing where it is known, as the prompt says them."""
    places = []
    for box, text in zip(regions, texts, strict=True):
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
    """Erase the writing window by window; each goes down the ladder until it is good enough."""
    del backdrop
    record = Record("erase", image)
    if options.dry_run:
        return _planned(record, image, options, models)
    writing = writing_in(record, image, options, models)
    if not writing.erase:
        record.warnings.append("No writing was found; the picture is unchanged.")
        untouched = np.zeros(image.rgb.shape[:2], bool)
        return Outcome(image, record.report(models.chosen.engine, image), untouched)
    erasing = Erasing(record, image, options, models)
    climbed = erasing.looked_at(writing, erasing.edited(image, writing))
    outcome = settle(record, image, climbed, options.on_fail)
    return replace(outcome, mask=erasing.mask())


class Erasing:
    """One run: its record, its photo, its options and its models."""

    def __init__(self, record: Record, image: Image, options: EraseOptions, models: Models) -> None:
        self._record = record
        self._image = image
        self._options = options
        self._models = models
        self._kept = np.ones(image.rgb.shape[:2], bool)  # outside all masks so far

    def mask(self) -> Mask:
        """Return where pixels may have changed: all masks so far, their feathers included."""
        return ~self._kept

    def edited(self, image: Image, writing: Writing) -> Climb:
        """Edit window after window of `image`; a refused one ends it where nobody would see more.

        The climb holds one attempt at most: all windows together.
        """
        plans = plan(image, writing, _windows(image, writing, self._models), self._options.quality)
        done: list[Attempt] = []
        for erase in plans:
            rungs = ((model, erase) for model in self._models.in_turn())
            climbed = climb(self._record, rungs, partial(self._attempt, image), self._models)
            best = max(climbed.attempts, key=lambda one: one.verdict.accepted, default=None)
            if best is None:
                return Climb((), climbed.failure)
            image = best.image
            self._kept[erase.window.slices] &= erase.weight == 0
            done.append(best)
            if not best.verdict.accepted and self._options.on_fail != "review":
                break
        return Climb((self._together(done, plans),))

    def looked_at(self, writing: Writing, climbed: Climb) -> Climb:
        """Look for writing that is left, erase that once more, and tell in the verdict."""
        if not climbed.attempts or not climbed.attempts[0].verdict.accepted:
            return climbed
        best = climbed.attempts[0]
        look = self._look(writing, best)
        if look is not None and look.text_left > CLEAN:
            second = self._second_pass(replace(writing, erase=look.left, texts=()), best)
            if second is not None:
                best, look = second, self._look(writing, second)
        return Climb((best if look is None else _judged_again(best, look.text_left),))

    def _look(self, writing: Writing, attempt: Attempt) -> Look | None:
        windows = [window.box for window in _windows(self._image, writing, self._models)]
        with self._record.stage("look"):
            return look_again(self._image, attempt.image, windows, writing, self._models)

    def _second_pass(self, left: Writing, first: Attempt) -> Attempt | None:
        """Erase what is left; None where that gives nothing good: the first pass stands then."""
        try:
            climbed = self.edited(first.image, left)
        except ModelError as error:
            self._record.warnings.append(f"Writing is left; no second pass: {error.message}")
            return None
        if not climbed.attempts or not climbed.attempts[0].verdict.accepted:
            return None
        second = climbed.attempts[0]
        return replace(
            second,
            verdict=_worst([first.verdict, second.verdict]),
            engine=_engines([first, second]),
            vouched=first.vouched and second.vouched,
            plan=first.plan | {"second_pass": second.plan},
        )

    def _attempt(self, image: Image, model: VisionModel, erase: ErasePlan) -> Attempt:
        rendered = self._record.render(model, request(image, erase))
        with self._record.stage("compose"):
            result, verdict = compose(image, rendered.image, erase)
        return Attempt(
            image=result,
            verdict=verdict,
            engine=rendered.usage.engine,
            vouched=not rendered.low_confidence,
        )

    def _together(self, done: Sequence[Attempt], plans: Sequence[ErasePlan]) -> Attempt:
        """Return the windows' attempts as one; its fidelity is that outside all masks."""
        result = done[-1].image
        return Attempt(
            image=result,
            verdict=_worst(attempt.verdict for attempt in done),
            engine=_engines(done),
            vouched=all(attempt.vouched for attempt in done),
            fidelity=fidelity(self._image, result, self._kept),
            plan=_facts(result, plans),
        )


def _windows(image: Image, writing: Writing, models: Models) -> tuple[Window, ...]:
    """Return the windows; a render that was brought is one, of all the writing."""
    if models.brought:
        return one_window(writing.erase, image.size, *BROUGHT_CONTEXT)
    return windows_around(writing.erase, image.size)


def _engines(attempts: Sequence[Attempt]) -> str:
    return " + ".join(dict.fromkeys(attempt.engine for attempt in attempts))


def _judged_again(attempt: Attempt, text_left: float) -> Attempt:
    """Return the attempt with what the look says: some writing left is for people to see."""
    old = attempt.verdict
    refusals, warnings = old.refusals, old.warnings
    if text_left > MUCH:
        refusals += ("Writing is still found where it was erased.",)
    elif text_left > CLEAN:
        warnings += ("Some writing may be left where it was erased.",)
    verdict = Verdict({**old.scores, "text_left": text_left}, refusals, warnings)
    return replace(attempt, verdict=verdict, vouched=attempt.vouched and text_left <= CLEAN)


def _worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of each score, and every sentence once."""
    listed = list(verdicts)
    worst = {"alignment": min, "change": min, "seam": max}
    scores = {name: of(each.scores[name] for each in listed) for name, of in worst.items()}
    refusals = dict.fromkeys(sentence for each in listed for sentence in each.refusals)
    warnings = dict.fromkeys(sentence for each in listed for sentence in each.warnings)
    return Verdict(scores, tuple(refusals), tuple(warnings))


def _facts(image: Image, plans: Sequence[ErasePlan]) -> dict[str, object]:
    """Return the plans as the report shows them."""
    inside = [
        box.moved(each.window.top, each.window.left) for each in plans for box in each.regions
    ]
    edited = np.zeros(image.rgb.shape[:2], bool)
    for each in plans:
        edited[each.window.slices] |= each.weight > 0
    return {
        "windows": [list(box_to_2d(each.window, image.size)) for each in plans],
        "regions": [list(box_to_2d(box, image.size)) for box in inside],
        "edited_share": round(float(edited.mean()), 6),
        "quality": plans[0].quality,
    }


def _planned(record: Record, image: Image, options: EraseOptions, models: Models) -> Outcome:
    """Quote the calls; without detection the whole photo stands for one window."""
    if is_asked_for(options):
        record.quote("detect", models.chosen, question(image))
    boxes = regions(image, options) if options.region else (whole(image.size),)
    if not boxes:
        return record.planned(models.chosen.engine)
    writing = Writing(boxes, excluded(image, options), whole_boxes=True)
    plans = plan(image, writing, _windows(image, writing, models), options.quality)
    for erase in plans:
        record.quote("render", models.chosen, request(image, erase))
    return record.planned(models.chosen.engine, plan=_facts(image, plans))


ERASE = Operation("erase", "Erase writing and keep every other pixel.", EraseOptions, run)
