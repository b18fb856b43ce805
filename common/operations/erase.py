"""Erase: the writing gone, every other pixel as it was."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from common.errors import ModelError
from common.geometry import whole
from common.image import Image
from common.operations import retouch
from common.operations.base import Models, Operation, Outcome
from common.operations.ladder import Attempt, Climb
from common.operations.look import Look, can_look, look_again
from common.operations.masked import MaskedEdit, worst
from common.operations.options import EraseOptions
from common.operations.record import Record
from common.operations.retouch import Retouching, engines, windows_of
from common.operations.selection import Target, strokes, whole_boxes
from common.operations.told import excluded, told
from common.operations.writing import asked, writing_in
from common.prompts import Prompt, fill
from common.report import COMPOSITE
from common.verdict import Verdict

CLEAN = 0.1  # share of the writing found again up to which it is gone: finders draw boxes wide
MUCH = 0.5  # share above which the result is refused: finders also take rough surfaces for writing


def run(
    image: Image,
    options: EraseOptions,
    models: Models,
    backdrop: Image | None = None,
    mask: Image | None = None,
) -> Outcome:
    """Erase the writing window by window; each goes down the ladder until it is good enough."""
    del backdrop
    record = Record("erase", image, COMPOSITE)
    if options.dry_run:
        return _planned(record, image, options, models, mask)
    target = writing_in(record, image, options, models, mask)
    if not target.going:
        record.warnings.append("No writing was found; the picture is unchanged.")
        return retouch.untouched(record, image, models)
    erasing = Erasing(record, image, options, models)
    return erasing.outcome(target)


def _words(options: EraseOptions, edit: MaskedEdit) -> Prompt:
    """Return the prompt; what the user marked may be more than writing."""
    what = "what stands there" if options.region or options.mask else "the writing"
    return fill("erase", what=what, where=edit.places, keep=edit.kept)


class Erasing:
    """One run: writing is taken away, looked for again, and taken away once more."""

    def __init__(self, record: Record, image: Image, options: EraseOptions, models: Models) -> None:
        self._record = record
        self._image = image
        self._options = options
        self._models = models
        words = partial(_words, options)
        self._retouching = Retouching(record, image, options, models, words)

    def outcome(self, target: Target) -> Outcome:
        """Return the photo without its writing, and the report."""
        climbed = self._looked_at(target, self._retouching.edited(target))
        return self._retouching.settled(climbed)

    def _looked_at(self, target: Target, climbed: Climb) -> Climb:
        """Look for writing that is left, erase that once more, and tell in the verdict."""
        if not climbed.attempts or not climbed.attempts[0].verdict.accepted:
            return climbed
        best = climbed.attempts[0]
        look = self._look(target, best)
        if look is not None and look.text_left > CLEAN:
            second = self._second_pass(target, look, best)
            if second is not None:
                best, look = second, self._look(target, second)
        return Climb((best if look is None else _judged_again(best, look.text_left),))

    def _look(self, target: Target, attempt: Attempt) -> Look | None:
        windows = [window.box for window in windows_of(self._image, target, self._models)]
        with self._record.stage("look"):
            return look_again(self._image, attempt.image, windows, target, self._models)

    def _second_pass(self, target: Target, look: Look, first: Attempt) -> Attempt | None:
        """Erase what is left; None where that gives nothing good: the first pass stands then."""
        left = replace(target, going=look.left, names=())
        if self._options.what == "overlay":  # its ways to select go by the number of the box
            left = replace(left, select=strokes(self._options.sensitivity))
        try:
            climbed = self._retouching.edited(left)
        except ModelError as error:
            self._record.warnings.append(f"Writing is left; no second pass: {error.message}")
            return None
        if not climbed.attempts or not climbed.attempts[0].verdict.accepted:
            return None
        second = climbed.attempts[0]
        return replace(
            second,
            verdict=worst([first.verdict, second.verdict]),
            engine=engines([first, second]),
            vouched=first.vouched and second.vouched,
            plan=first.plan | {"second_pass": second.plan},
        )


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


# --- a dry run ------------------------------------------------------------------------------------


def _planned(
    record: Record, image: Image, options: EraseOptions, models: Models, mask: Image | None
) -> Outcome:
    """Quote the calls; without detection the whole photo stands for one window."""
    question = asked(image, options)
    if question is not None:
        record.quote("detect", models.chosen, question)
    everything = Target((whole(image.size),), excluded(image, options), whole_boxes())
    target = told(image, options, mask) or everything
    if not target.going:
        return record.planned(models.chosen.engine)
    plan = Retouching(record, image, options, models, partial(_words, options)).quote(target)
    if can_look(models, image):
        plan |= _up_to(record)
    return record.planned(models.chosen.engine, plan=plan)


def _up_to(record: Record) -> dict[str, object]:
    """Return the price of all calls with a second pass over all windows, and say so."""
    again = [call for call in record.calls if call.purpose == "render"]
    dollars = round(sum(call.dollars for call in again), 6)
    whole_price = round(dollars + sum(call.dollars for call in record.calls), 6)
    if dollars:
        record.warnings.append(
            f"Writing that is left is erased once more: up to {len(again)} more calls for"
            f" ${dollars:.4f}, up to ${whole_price:.4f} in all."
        )
    return {"up_to": {"calls": len(record.calls) + len(again), "dollars": whole_price}}


ERASE = Operation("erase", "Erase writing and keep every other pixel.", EraseOptions, run)
