"""A picture made elsewhere, in the place of a model that would make it."""

from __future__ import annotations

from typing import Any, TypeVar

from common.errors import ModelUnable
from common.image import Image
from common.vlm.base import Answer, Ask, Quote, Render, Rendered, Usage, VisionModel

T = TypeVar("T")


class GivenRender:
    """A `VisionModel` whose only picture is the user's own.

    Parameters
    ----------
    picture
        The render, made by whatever means.
    asks
        An engine for questions; None where nothing may be asked.
    """

    engine = "given"

    def __init__(self, picture: Image, asks: VisionModel | None = None) -> None:
        self._picture = picture
        self._asks = asks

    def ask(self, ask: Ask[T]) -> Answer[T]:
        """Pass the question on.

        Raises
        ------
        ModelUnable
            There is no engine for questions.
        """
        return self._answering().ask(ask)

    def render(self, render: Render) -> Rendered:  # noqa: ARG002 - the picture is what it is
        """Return the user's picture; whether it fits is for the operation to measure."""
        return Rendered(self._picture, Usage(self.engine, self.engine))

    def quote(self, request: Ask[Any] | Render) -> Quote:
        """Tell what a question costs; the picture costs nothing."""
        if isinstance(request, Ask):
            return self._answering().quote(request)
        return Quote(self.engine, 0.0)

    def _answering(self) -> VisionModel:
        if self._asks is None:
            raise ModelUnable(
                "A picture made elsewhere answers no questions.",
                advice="Say where the subject or the writing is, as a box.",
            )
        return self._asks
