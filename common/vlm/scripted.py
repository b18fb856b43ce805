"""An engine that answers by a script, for tests and rehearsals."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any, TypeVar

from common.errors import StudioError
from common.image import Image
from common.vlm.base import Answer, Ask, Quote, Render, Rendered, Usage

T = TypeVar("T")

Line = str | StudioError | Callable[[Ask[Any]], str]
Scene = Image | StudioError | Callable[[Render], Image]


class ScriptEndedError(AssertionError):
    """The engine was asked more often than its script foresaw: the rehearsal is wrong."""


class ScriptedModel:
    """A `VisionModel` whose answers are written down beforehand; safe for several threads.

    Parameters
    ----------
    answers
        For each question in turn: the answer's text, a failure to raise, or a function of the
        question that gives the text.
    renders
        For each wish in turn: the picture, a failure to raise, or a function of the wish.
    dollars
        What each answer costs.
    """

    engine = "scripted"

    def __init__(
        self,
        answers: Iterable[Line] = (),
        renders: Iterable[Scene] = (),
        dollars: float = 0.0,
    ) -> None:
        self.asked: list[Ask[Any]] = []
        self.rendered: list[Render] = []
        self._answers = deque(answers)
        self._renders = deque(renders)
        self._dollars = dollars
        self._turn = Lock()

    def ask(self, ask: Ask[T]) -> Answer[T]:
        """Answer by the next line of the script."""
        with self._turn:
            self.asked.append(ask)
            line = _next(self._answers, f"question {len(self.asked)} ({ask.prompt.name})")
        if isinstance(line, StudioError):
            raise line
        text = line if isinstance(line, str) else line(ask)
        return Answer(ask.read(text), self._usage())

    def render(self, render: Render) -> Rendered:
        """Give the next picture of the script."""
        with self._turn:
            self.rendered.append(render)
            scene = _next(self._renders, f"wish {len(self.rendered)} ({render.prompt.name})")
        if isinstance(scene, StudioError):
            raise scene
        image = scene if isinstance(scene, Image) else scene(render)
        return Rendered(image, self._usage())

    def quote(self, request: Ask[Any] | Render) -> Quote:  # noqa: ARG002 - every request costs alike
        """Tell what any answer costs."""
        return Quote(self.engine, self._dollars)

    def _usage(self) -> Usage:
        return Usage(self.engine, self.engine, calls=1, dollars=self._dollars)


def _next(script: deque[T], what: str) -> T:
    if not script:
        raise ScriptEndedError(f"The script has no line for {what}.")
    return script.popleft()
