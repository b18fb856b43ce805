"""What a model sees is sRGB, and what it paints goes back into the photo's own colours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from common.codec import in_profile, in_srgb
from common.vlm.base import Answer, Ask, OnBacking, Quote, Render, Rendered, VisionModel

T = TypeVar("T")


class ColourManaged:
    """A `VisionModel` that shows another one pictures in sRGB, which is all that models know.

    An answer comes back in the profile of the picture that was shown, except for a subject on its
    backing: there only the outline is taken, which is told best by the very numbers of the backing
    that was asked for.  Converted to Display P3, pure green is no longer pure, and the alpha of a
    synthetic product is off by ten times as much.

    Parameters
    ----------
    model
        Who is asked.
    """

    def __init__(self, model: VisionModel) -> None:
        self._model = model

    @property
    def engine(self) -> str:
        """The engine of the model that is asked."""
        return self._model.engine

    def ask(self, ask: Ask[T]) -> Answer[T]:
        """Ask about the picture in sRGB."""
        return self._model.ask(replace(ask, image=in_srgb(ask.image)))

    def render(self, render: Render) -> Rendered:
        """Have the picture made in sRGB; return it in the space of the request's."""
        made = self._model.render(_shown(render))
        if isinstance(render.intent, OnBacking):
            return replace(made, image=in_srgb(made.image))
        return replace(made, image=in_profile(made.image, render.image.provenance.icc))

    def quote(self, request: Ask[Any] | Render) -> Quote:
        """Tell what the same request would cost."""
        return self._model.quote(_shown(request))


def _shown(request: Any) -> Any:
    return replace(request, image=in_srgb(request.image))
