"""The record of a run: everything noted while an operation works; it becomes the report."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from common.errors import ModelError
from common.image import Image
from common.operations.base import Outcome
from common.report import Cost, Decision, DigitalSource, PictureFacts, PlannedCall, Report, Rung
from common.vlm.base import Answer, Ask, Render, Rendered, Usage, VisionModel

T = TypeVar("T")


class Record:
    """Everything noted while an operation runs; it becomes the report.

    Parameters
    ----------
    makes
        What the operation's pictures are where pixels were generated; one that is the unchanged
        source is none of it.
    """

    def __init__(self, operation: str, source: Image, makes: DigitalSource = "") -> None:
        self._operation = operation
        self._source = source
        self._makes = makes
        self._usages: list[Usage] = []
        self._milliseconds: dict[str, float] = {}
        self.warnings: list[str] = list(source.provenance.notes)
        self.ladder: list[Rung] = []
        self.calls: list[PlannedCall] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time inside the block, in milliseconds, to the stage `name`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - start) * 1000
            self._milliseconds[name] = round(self._milliseconds.get(name, 0.0) + spent, 1)

    def ask(self, model: VisionModel, ask: Ask[T]) -> T:
        """Ask `model`, note what it took, return the value."""
        with self.stage("detect"), self._noting_failures(model):
            answer: Answer[T] = model.ask(ask)
        self._note(answer.usage, answer.notes)
        return answer.value

    def render(self, model: VisionModel, render: Render) -> Rendered:
        """Have `model` make a picture and note what it took."""
        with self.stage("render"), self._noting_failures(model):
            rendered = model.render(render)
        self._note(rendered.usage, rendered.notes)
        return rendered

    def quote(self, purpose: str, model: VisionModel, request: Ask[Any] | Render) -> None:
        """Note a call that would be made, and its price; nobody is called."""
        quote = model.quote(request)
        size = request.image.size
        self.calls.append(
            PlannedCall(
                purpose=purpose,
                model=quote.model,
                width=size.width,
                height=size.height,
                dollars=quote.dollars,
            )
        )

    def rung(self, engine: str, key: str, reasons: tuple[str, ...]) -> None:
        """Note one attempt; no reasons means that it was accepted."""
        self.ladder.append(Rung(engine=engine, key=key, accepted=not reasons, reasons=[*reasons]))

    def report(
        self, engine: str, result: Image | None = None, decision: Decision = "accepted", **rest: Any
    ) -> Report:
        """Return the report; `rest` fills its further fields."""
        return Report(
            operation=self._operation,
            engine=engine,
            models=list(dict.fromkeys(usage.model for usage in self._usages if usage.model)),
            source=facts(self._source),
            result=None if result is None else facts(result),
            calls=self.calls,
            cost=self._cost(),
            milliseconds=self._milliseconds,
            ladder=self.ladder,
            warnings=list(dict.fromkeys(self.warnings)),
            decision=decision,
            digital_source="" if result is None or result is self._source else self._makes,
            **rest,
        )

    def planned(self, engine: str, **rest: Any) -> Outcome:
        """Return a dry run's outcome: the calls that were quoted, their price, no picture."""
        report = self.report(engine, decision="planned", **rest)
        dollars = round(sum(call.dollars for call in self.calls), 6)
        cost = Cost(calls=len(self.calls), dollars=dollars)
        return Outcome(None, report.model_copy(update={"cost": cost}))

    @contextmanager
    def _noting_failures(self, model: VisionModel) -> Iterator[None]:
        """Note what a failed call cost: another rung may yet succeed, and the bill stays."""
        try:
            yield
        except ModelError as error:
            told = error.details
            self._usages.append(
                Usage(
                    model.engine,
                    model="",
                    calls=told.get("calls", 0),
                    attempts=told.get("attempts", 0),
                    dollars=told.get("dollars", 0.0),
                    dollars_in_doubt=told.get("dollars_in_doubt", 0.0),
                )
            )
            raise

    def _note(self, usage: Usage, notes: tuple[str, ...]) -> None:
        self._usages.append(usage)
        self.warnings += notes

    def _cost(self) -> Cost:
        return Cost.sum(
            Cost(
                calls=usage.calls,
                attempts=usage.attempts,
                remembered=usage.remembered,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                dollars=usage.dollars,
                dollars_in_doubt=usage.dollars_in_doubt,
            )
            for usage in self._usages
        )


def facts(image: Image) -> PictureFacts:
    """Return a picture's size and the format it came in."""
    size = image.size
    return PictureFacts(width=size.width, height=size.height, format=image.provenance.format)
