"""Which model is asked for which size: what the crop needs, and no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from common.errors import ModelUnknown
from common.image import Image
from common.vlm.base import Quality, Render
from common.vlm.gemini.choice import Models, choose
from common.vlm.prices import Price, price_of
from tests.support.gemini_server import GeminiServer
from tests.support.models import edit, wish
from tests.vlm.conftest import Make

FAST, STANDARD, PRO = (
    "gemini-3.1-flash-lite-image",
    "gemini-nano-banana-2.1",
    "gemini-3-pro-image",
)
MODELS = Models(FAST, STANDARD, PRO, "4K")


def blank(width: int, height: int) -> Image:
    return Image(np.zeros((height, width, 3), np.uint8))


def today(model: str) -> Price:
    return price_of(model, date(2026, 11, 22))


def chosen(render: Render, models: Models = MODELS) -> tuple[str, str]:
    choice = choose(render, models, today)
    return choice.price.model, choice.size


@pytest.mark.parametrize(
    ("width", "expected"), [(300, "1K"), (1500, "1K"), (1600, "2K"), (3000, "2K"), (3100, "4K")]
)
def test_an_edit_is_asked_for_in_the_size_that_the_crop_needs(width: int, expected: str) -> None:
    assert chosen(edit(blank(width, width * 3 // 4))) == (STANDARD, expected)


@pytest.mark.parametrize(
    ("width", "expected"), [(300, (FAST, "1K")), (3000, (FAST, "1K")), (3100, (STANDARD, "2K"))]
)
def test_a_matte_is_the_cheap_models_as_long_as_it_is_large_enough(
    width: int, expected: tuple[str, str]
) -> None:
    assert chosen(wish(blank(width, width * 3 // 4))) == expected


@pytest.mark.parametrize("wanted", [edit, wish])
def test_fast_is_the_cheap_model_in_its_only_size(wanted: Callable[[Image], Render]) -> None:
    assert chosen(replace(wanted(blank(4000, 3000)), quality="fast")) == (FAST, "1K")


@pytest.mark.parametrize("wanted", [edit, wish])
def test_pro_is_the_best_model_in_the_size_of_the_crop(wanted: Callable[[Image], Render]) -> None:
    assert chosen(replace(wanted(blank(800, 600)), quality="pro")) == (PRO, "1K")
    assert chosen(replace(wanted(blank(4000, 3000)), quality="pro")) == (PRO, "4K")


@pytest.mark.parametrize(
    ("largest", "expected"),
    [("1K", (STANDARD, "1K")), ("2K", (STANDARD, "2K")), ("4K", (STANDARD, "4K"))],
)
def test_no_picture_is_larger_than_the_operator_allows(
    largest: str, expected: tuple[str, str]
) -> None:
    assert chosen(edit(blank(4000, 3000)), replace(MODELS, largest=largest)) == expected


def test_a_narrow_crop_is_measured_by_its_own_ratio() -> None:
    assert chosen(edit(blank(3072, 384))) == (STANDARD, "1K")  # 8:1 is 3072 wide at 1K


@pytest.mark.parametrize("quality", ["fast", "standard", "pro"])
def test_a_quality_whose_model_has_no_price_is_refused(quality: Quality) -> None:
    unknown = Models("gemini-9", "gemini-9", "gemini-9", "4K")
    with pytest.raises(ModelUnknown):
        chosen(replace(edit(), quality=quality), unknown)


def test_the_quote_the_call_and_the_bill_name_the_same_model(
    gemini: Make, server: GeminiServer
) -> None:
    model = gemini()
    models: dict[Quality, str] = {"fast": FAST, "standard": STANDARD, "pro": PRO}
    for quality, name in models.items():
        render = replace(edit(), quality=quality)
        assert model.quote(render).model == name
        assert model.render(render).usage.model == name
        assert server.calls[-1].model == name


def test_a_larger_picture_is_quoted_higher(gemini: Make) -> None:
    quotes = [gemini().quote(edit(blank(side, side))).dollars for side in (800, 2000, 4000)]
    assert quotes == sorted(set(quotes))
    assert gemini().quote(replace(edit(), quality="pro")).dollars > 0.13
