"""Pipeline: several operations on one picture, in one request, with one report."""

from __future__ import annotations

from typing import Any, get_args

from common.errors import StudioError
from common.image import Image
from common.operations.base import Models, Operation, Outcome
from common.operations.clean import CLEAN
from common.operations.cutout import CUTOUT
from common.operations.detect import DETECT
from common.operations.erase import ERASE
from common.operations.expand import EXPAND
from common.operations.options import PipelineOptions, StepOptions
from common.operations.record import Record
from common.report import Cost, Decision, DigitalSource, Report

STEPS: dict[str, Operation[Any]] = {
    operation.name: operation for operation in (DETECT, CUTOUT, ERASE, CLEAN, EXPAND)
}

_WEIGHT: tuple[DigitalSource, ...] = get_args(DigitalSource)
_GRAVITY: tuple[Decision, ...] = ("accepted", "review", "original", "planned")


def run(
    image: Image,
    options: PipelineOptions,
    models: Models,
    backdrop: Image | None = None,
    mask: Image | None = None,
) -> Outcome:
    """Do the steps in order, each on the picture that the one before gave.

    A step that fails ends the pipeline; its error says which one it was, and carries the reports of
    the steps that were done, since they may have been paid for.
    """
    record = Record("pipeline", image)
    reports: list[Report] = []
    current: Image | None = None
    for number, step in enumerate(options.steps, start=1):
        own = step.model_copy(update={"dry_run": options.dry_run, "engine": options.engine})
        try:
            with record.stage(f"{number} {step.operation}"):
                outcome = STEPS[step.operation].run(current or image, own, models, backdrop, mask)
        except StudioError as error:
            _locate(error, number, step, reports)
            raise
        reports.append(outcome.report)
        current = outcome.image or current
    report = record.report(
        " + ".join(dict.fromkeys(report.engine for report in reports)),
        current,
        steps=reports,
        boxes=[box for report in reports for box in report.boxes],
    )
    return Outcome(current, summed(report, reports))


def _locate(error: StudioError, number: int, step: StepOptions, done: list[Report]) -> None:
    """Say in the error which step failed, and hand over the reports of those before it."""
    error.message = f"Step {number} ({step.operation}): {error.message}"
    error.details["steps"] = [report.model_dump(mode="json") for report in done]


def summed(report: Report, reports: list[Report]) -> Report:
    """Return a report with what those of its parts took, said and decided."""
    return report.model_copy(
        update={
            "cost": Cost.sum(step.cost for step in reports),
            "calls": [call for step in reports for call in step.calls],
            "models": list(dict.fromkeys(model for step in reports for model in step.models)),
            "warnings": list(dict.fromkeys(text for step in reports for text in step.warnings)),
            "digital_source": max(
                (step.digital_source for step in reports), key=_WEIGHT.index, default=""
            ),
            "decision": max((step.decision for step in reports), key=_GRAVITY.index),
        }
    )


PIPELINE = Operation("pipeline", "Do several operations in one request.", PipelineOptions, run)
