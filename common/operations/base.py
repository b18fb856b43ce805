"""What all operations share: the models they are handed, the outcome they give, how it is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from common.image import Image
from common.operations.options import Options
from common.report import Report
from common.vlm.base import VisionModel

O_contra = TypeVar("O_contra", bound=Options, contravariant=True)


@dataclass(frozen=True)
class Models:
    """The engines an operation may ask.

    Attributes
    ----------
    chosen
        The engine the user asked for, or a render the user brought.
    fallback
        The last rung of the ladder, normally the embedded engine; None forbids it.
    """

    chosen: VisionModel
    fallback: VisionModel | None = None


@dataclass(frozen=True)
class Outcome:
    """A picture (None where the operation answers with facts, or only planned) and its report."""

    image: Image | None
    report: Report


class Run(Protocol[O_contra]):
    """Do the operation: plan, ask, compose.

    `backdrop` is the picture behind a cutout, where the options name one.
    """

    def __call__(
        self, image: Image, options: O_contra, models: Models, backdrop: Image | None = None
    ) -> Outcome:
        """Return the result, or raise a `StudioError`."""
        ...


@dataclass(frozen=True)
class Operation(Generic[O_contra]):
    """An operation as the doors see it."""

    name: str
    summary: str
    options: type[O_contra]
    run: Run[O_contra]


@dataclass
class Stopwatch:
    """Milliseconds by stage."""

    milliseconds: dict[str, float] = field(default_factory=dict)
    clock: Callable[[], float] = time.perf_counter

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time inside the block to the stage `name`."""
        start = self.clock()
        try:
            yield
        finally:
            spent = (self.clock() - start) * 1000
            self.milliseconds[name] = round(self.milliseconds.get(name, 0.0) + spent, 1)
