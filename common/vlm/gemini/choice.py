"""Which model makes a picture, and how large: as much as the crop needs, and no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from common.vlm.base import OnBacking, Render
from common.vlm.gemini.framing import ASPECTS, nearest_aspect
from common.vlm.prices import Price, picture_tokens

FACTORS = {"1K": 1, "2K": 2, "4K": 4}  # a side over the same side of size 1K
ENLARGED = 1.25  # a render may be enlarged by this much before the next size is asked for
MATTE_NEEDS = 0.5  # of the crop's side: the photo itself tells where an edge runs, the render which


@dataclass(frozen=True)
class Models:
    """Ids of the models for pictures by quality, and the largest size that may be asked for."""

    fast: str
    standard: str
    pro: str
    largest: str


@dataclass(frozen=True)
class Choice:
    """The price of the chosen model, which names it, and the size."""

    price: Price
    size: str


def choose(render: Render, models: Models, price: Callable[[str], Price]) -> Choice:
    """Return which model to ask for which size.

    A cutout takes nothing but the matte from its render: the cheap model makes one as well, as long
    as the largest picture that it makes is large enough.

    Raises
    ------
    ModelUnknown
        A model, or the largest size, has no known price.
    """
    picture_tokens(price(models.standard), models.largest)
    if render.quality == "pro":
        return _fitting(price(models.pro), models, render, _side(render))
    cheap = price(models.fast)
    if render.quality == "fast":
        return Choice(cheap, next(iter(FACTORS)))
    if not isinstance(render.intent, OnBacking):
        return _fitting(price(models.standard), models, render, _side(render))
    need = _side(render) * MATTE_NEEDS
    size = _size(_sizes(cheap, models), render, need)
    return Choice(cheap, size) if size else _fitting(price(models.standard), models, render, need)


def _fitting(price: Price, models: Models, render: Render, need: float) -> Choice:
    """Return the model with the smallest size that does, or its largest."""
    sizes = _sizes(price, models)
    return Choice(price, _size(sizes, render, need) or sizes[-1])


def _size(sizes: list[str], render: Render, need: float) -> str | None:
    """Return the smallest size whose longer side, enlarged a little, reaches `need`."""
    made = ASPECTS[nearest_aspect(render.image.size)].longest
    return next((size for size in sizes if made * FACTORS[size] * ENLARGED >= need), None)


def _sizes(price: Price, models: Models) -> list[str]:
    most = FACTORS[models.largest]
    return [
        size for size, factor in FACTORS.items() if factor <= most and size in price.picture_tokens
    ]


def _side(render: Render) -> float:
    return float(render.image.size.longest)
