"""Prices: dated, by modality, and never guessed."""

from __future__ import annotations

from datetime import date

import pytest

from common.errors import ModelUnknown
from common.settings import Settings
from common.vlm.prices import (
    PRICES,
    Tokens,
    dollars,
    picture_tokens,
    price_of,
    word_tokens,
)

NOVEMBER = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("model", "size", "expected"),
    [
        ("gemini-nano-banana-2.1", "1K", 0.0336),
        ("gemini-nano-banana-2.1", "2K", 0.0504),
        ("gemini-nano-banana-2.1", "4K", 0.1134),
        ("gemini-3.1-flash-lite-image", "1K", 0.0336),
        ("gemini-3-pro-image", "1K", 0.134),
        ("gemini-3-pro-image", "2K", 0.134),
        ("gemini-3-pro-image", "4K", 0.24),
    ],
)
def test_a_picture_costs_what_the_price_page_says(model: str, size: str, expected: float) -> None:
    price = price_of(model, NOVEMBER)
    assert dollars(price, Tokens(picture=picture_tokens(price, size))) == pytest.approx(
        expected, abs=5e-4
    )


def test_a_price_changes_on_its_day() -> None:
    a_million = Tokens(taken=1_000_000)
    assert dollars(price_of("gemini-3.8-flash", date(2026, 12, 31)), a_million) == 0.75
    assert dollars(price_of("gemini-3.8-flash", date(2027, 1, 1)), a_million) == 1.5


def test_a_clock_that_is_wrong_meets_the_first_known_price() -> None:
    price = price_of("gemini-3.8-flash", date(1970, 1, 1))
    assert price == price_of("gemini-3.8-flash", NOVEMBER)


@pytest.mark.parametrize(
    "model", ["", "gemini-2.5-flash-image", "gemini-3-pro-image-preview", "imagen-4", "gpt"]
)
def test_an_unknown_model_is_refused_with_a_list_of_the_known(model: str) -> None:
    with pytest.raises(ModelUnknown) as told:
        price_of(model, NOVEMBER)
    assert "gemini-nano-banana-2.1" in told.value.advice


def test_a_model_of_words_has_no_price_for_a_picture() -> None:
    with pytest.raises(ModelUnknown):
        picture_tokens(price_of("gemini-3.8-flash", NOVEMBER), "1K")


def test_tokens_of_an_untold_kind_are_billed_at_the_dearest_rate() -> None:
    price = price_of("gemini-nano-banana-2.1", NOVEMBER)
    assert dollars(price, Tokens(untold=1000)) == dollars(price, Tokens(picture=1000))
    assert dollars(price, Tokens(untold=1000)) > dollars(price, Tokens(words=1000))


def test_the_models_of_the_settings_have_prices() -> None:
    settings = Settings()
    price = price_of(settings.image_model, NOVEMBER)
    assert picture_tokens(price, settings.image_size)
    assert price_of(settings.text_model, NOVEMBER)


def test_every_price_says_where_it_stands_and_from_when() -> None:
    assert all("read 20" in price.told for price in PRICES)
    assert len({(price.model, price.since) for price in PRICES}) == len(PRICES)


def test_a_rate_that_stands_on_no_page_is_not_said_to_stand_there() -> None:
    for model in ("gemini-3.1-flash-lite-image", "gemini-3-pro-image"):
        assert "not checked" in price_of(model, NOVEMBER).told


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("word", 1), ("words", 2), ("신발", 2)])
def test_a_script_that_takes_more_tokens_is_counted_so(text: str, expected: int) -> None:
    assert word_tokens(text) == expected
