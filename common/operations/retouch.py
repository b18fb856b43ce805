"""Retouch: what is to go is taken away window by window, and every other pixel stays.

The way that erase and clean share; they differ in how they find what is to go, and in their words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from common.image import U8, Image, Mask
from common.operations import masked
from common.operations.base import Models, Outcome
from common.operations.ladder import Attempt, Climb, climb, fidelity, settle
from common.operations.masked import MaskedEdit
from common.operations.options import MaskedOptions
from common.operations.record import Record
from common.operations.selection import Target
from common.operations.windows import Window, one_window, windows_around
from common.prompts import Prompt
from common.vlm.base import Render, VisionModel, Without

BROUGHT_CONTEXT = (0.5, 96)  # share of the boxes' longer side, and pixels: of a brought window

Words = Callable[[MaskedEdit], Prompt]


def windows_of(image: Image, target: Target, models: Models) -> tuple[Window, ...]:
    """Return the windows; a render that was brought is one, of all that is to go."""
    if models.brought:
        return one_window(target.going, image.size, *BROUGHT_CONTEXT)
    return windows_around(target.going, image.size)


def request(image: Image, edit: MaskedEdit, words: Words) -> Render:
    """Return the wish for the edit's window without what is to go."""
    seen = Image(image.rgb[edit.window.slices].copy(), provenance=image.provenance)
    return Render(seen, Without(edit.regions, edit.hole), words(edit), edit.quality)


def untouched(record: Record, image: Image, models: Models) -> Outcome:
    """Return the photo as it is, and its report."""
    nothing = np.zeros(image.rgb.shape[:2], bool)
    return Outcome(image, record.report(models.chosen.engine, image), nothing)


class Retouching:
    """One run: the photo as it is by now, and what may have changed of it.

    Parameters
    ----------
    words
        What a window's edit is asked for.
    """

    def __init__(
        self, record: Record, image: Image, options: MaskedOptions, models: Models, words: Words
    ) -> None:
        self._record = record
        self._source = image
        self._options = options
        self._models = models
        self._words = words
        self._rgb: U8 = image.rgb.copy()
        self._kept: Mask = np.ones(image.rgb.shape[:2], bool)  # outside all masks so far

    def quote(self, target: Target) -> dict[str, object]:
        """Quote every window's call; return the plan as the report shows it."""
        windows = windows_of(self._source, target, self._models)
        edits = masked.plan(self._source, target, windows, self._options.quality)
        for edit in edits:
            wish = request(self._source, edit, self._words)
            self._record.quote("render", self._models.chosen, wish)
        return masked.facts(self._source, edits)

    def edited(self, target: Target) -> Climb:
        """Edit window after window; a refused one ends it where nobody would see more.

        The climb holds one attempt at most: all windows together, on top of all runs before.
        """
        with self._record.stage("plan"):
            windows = windows_of(self._source, target, self._models)
            edits = masked.plan(self._now(), target, windows, self._options.quality)
        done: list[Attempt] = []
        for edit in edits:
            rungs = ((model, edit) for model in self._models.in_turn())
            climbed = climb(self._record, rungs, self._attempt, self._models)
            best = max(climbed.attempts, key=lambda one: one.verdict.accepted, default=None)
            if best is None:
                return Climb((), climbed.failure)
            self._take(best, edit)
            done.append(best)
            if not best.verdict.accepted and self._options.on_fail != "review":
                break
        return Climb((self._together(done, edits),))

    def changed(self, attempt: Attempt, rgb: U8, where: Mask) -> Attempt:
        """Return the attempt with pixels that were changed without a model, inside `where`."""
        self._rgb = rgb
        self._kept &= ~where
        result = replace(self._source, rgb=rgb)
        return replace(attempt, image=result, fidelity=fidelity(self._source, result, self._kept))

    def settled(self, climbed: Climb) -> Outcome:
        """Return what came of it, with the mask of what may have changed; see `settle`."""
        outcome = settle(self._record, self._source, climbed, self._options.on_fail)
        unchanged = outcome.image is self._source
        return replace(outcome, mask=np.zeros_like(self._kept) if unchanged else ~self._kept)

    def _now(self) -> Image:
        return replace(self._source, rgb=self._rgb)

    def _attempt(self, model: VisionModel, edit: MaskedEdit) -> Attempt:
        rendered = self._record.render(model, request(self._now(), edit, self._words))
        with self._record.stage("compose"):
            window = self._rgb[edit.window.slices]
            result, verdict = masked.compose(window, rendered.image, edit)
        return Attempt(
            image=Image(result),
            verdict=verdict,
            engine=rendered.usage.engine,
            vouched=not rendered.low_confidence,
        )

    def _take(self, attempt: Attempt, edit: MaskedEdit) -> None:
        self._rgb[edit.window.slices] = attempt.image.rgb
        self._kept[edit.window.slices] &= edit.weight == 0

    def _together(self, done: Sequence[Attempt], edits: Sequence[MaskedEdit]) -> Attempt:
        """Return the windows' attempts as one; its fidelity is that outside all masks."""
        result = replace(self._source, rgb=self._rgb.copy())  # a second pass goes on from here
        return Attempt(
            image=result,
            verdict=masked.worst(attempt.verdict for attempt in done),
            engine=engines(done),
            vouched=all(attempt.vouched for attempt in done),
            fidelity=fidelity(self._source, result, self._kept),
            plan=masked.facts(result, edits),
        )


def engines(attempts: Iterable[Attempt]) -> str:
    """Return the names of those that made the attempts."""
    return " + ".join(dict.fromkeys(attempt.engine for attempt in attempts))
