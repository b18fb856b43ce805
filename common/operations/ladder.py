"""The ladder: attempt after attempt until a result is good enough, and what happens if none is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import cv2
import numpy as np

from common.errors import (
    GateRefused,
    ModelEmpty,
    ModelRefused,
    ModelUnable,
    ModelUnfit,
    StudioError,
    UnfitRender,
)
from common.image import U8, Image, Mask
from common.operations.base import Models, Outcome
from common.operations.options import OnFail
from common.operations.record import Record
from common.report import Decision, Fidelity, Report
from common.verdict import Verdict
from common.vlm.base import VisionModel

R = TypeVar("R")

UNCHANGED = "No result was good enough; this is the unchanged source."

# Failures that another rung of the ladder may mend; all others are the caller's to see.
MENDABLE = (ModelRefused, ModelEmpty, ModelUnable)


@dataclass(frozen=True)
class Attempt:
    """What one rung of the ladder gave: a composed picture, how good it is, and who made it.

    Attributes
    ----------
    vouched
        False where the engine itself has its doubts: the result is given, and marked for review.
    """

    image: Image
    verdict: Verdict
    engine: str
    key: str = ""
    vouched: bool = True
    fidelity: Fidelity | None = None
    plan: dict[str, object] = field(default_factory=dict)


def fidelity(source: Image, result: Image, kept: Mask) -> Fidelity:
    """Compare two pictures of one size where the source had to be kept (bool (H, W))."""
    count = int(np.count_nonzero(kept))
    if not count:
        return Fidelity(equal_share=1.0, largest_difference=0)
    channels: U8 = cv2.absdiff(source.rgb, result.rgb)
    difference = np.maximum(np.maximum(channels[..., 0], channels[..., 1]), channels[..., 2])
    difference *= kept
    changed = int(np.count_nonzero(difference))
    return Fidelity(equal_share=1 - changed / count, largest_difference=int(difference.max()))


@dataclass(frozen=True)
class Climb:
    """How the ladder ended: attempts that gave a picture, and the last failure that gave none."""

    attempts: tuple[Attempt, ...]
    failure: StudioError | None = None


def climb(
    record: Record,
    rungs: Iterable[tuple[VisionModel, R]],
    attempt: Callable[[VisionModel, R], Attempt],
    models: Models,
) -> Climb:
    """Try rung after rung until an attempt is accepted.

    Parameters
    ----------
    rungs
        Engines, and what to try with each.
    attempt
        Makes one attempt.  That a model declined, or gave a picture of another shape, ends the rung
        and not the climb; a render that the user brought is the only rung, and the user's to mend.
    """
    made: list[Attempt] = []
    failure: StudioError | None = None
    for model, wanted in rungs:
        try:
            latest = attempt(model, wanted)
        except (*MENDABLE, UnfitRender) as error:
            if models.brought:
                raise
            failure = ModelUnfit(error.message) if isinstance(error, UnfitRender) else error
            record.rung(model.engine, _key_of(wanted), (error.message,))
            continue
        record.rung(latest.engine, latest.key, latest.verdict.refusals)
        made.append(latest)
        if latest.verdict.accepted:
            break
    return Climb(tuple(made), failure)


def _key_of(wanted: object) -> str:
    key = getattr(wanted, "key", None)
    return getattr(key, "name", "")


def settle(record: Record, source: Image, climbed: Climb, on_fail: OnFail) -> Outcome:
    """Return the accepted attempt, or do what `on_fail` says.

    Raises
    ------
    GateRefused
        No attempt was accepted and `on_fail` is ``error``; the report goes along in ``details``.
    ModelError
        No engine gave a picture at all, and `on_fail` is not ``original``.
    """
    best = max(climbed.attempts, key=lambda attempt: attempt.verdict.accepted, default=None)
    if best is None:
        return _without_picture(record, source, climbed.failure, on_fail)
    record.warnings += best.verdict.warnings
    if best.verdict.accepted:
        decision: Decision = "accepted" if best.vouched else "review"
        return Outcome(best.image, _told(record, best, best.image, decision))
    if on_fail == "original":
        record.warnings.append(UNCHANGED)
        return Outcome(source, _told(record, best, source, "original"))
    if on_fail == "review":
        record.warnings.append("The gate refused this result; look at it before you use it.")
        return Outcome(best.image, _told(record, best, best.image, "review"))
    report = _told(record, best, None, "refused")
    raise GateRefused(
        "No result was good enough: " + " ".join(best.verdict.refusals),
        advice="Try another box, words or engine, or set on_fail to review to see it anyway.",
        details={"report": report.model_dump(mode="json")},
    )


def _without_picture(
    record: Record, source: Image, failure: StudioError | None, on_fail: OnFail
) -> Outcome:
    engine = record.ladder[-1].engine
    if on_fail == "original":
        record.warnings.append(UNCHANGED)
        return Outcome(source, record.report(engine, source, "original"))
    failure = failure or ModelEmpty("No engine gave a picture.")
    failure.details["ladder"] = [rung.model_dump(mode="json") for rung in record.ladder]
    raise failure


def _told(record: Record, best: Attempt, result: Image | None, decision: Decision) -> Report:
    return record.report(
        best.engine,
        result,
        decision,
        plan=best.plan,
        scores={name: round(score, 4) for name, score in best.verdict.scores.items()},
        fidelity=best.fidelity,
    )
