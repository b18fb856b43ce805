"""What the models cost, as dated data.

A model that is not in the table is refused: its price would be a guess.  Where a modality's share
of an answer is not told, the dearest rate is taken, so that a cost is never told too low.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from common.errors import ModelUnknown

_PER_TOKEN = 1e-6  # prices are told per million tokens

BULK_SHARE = 0.5  # of the price in a batch: the provider's price page, read 2026-11

PICTURE_IN = 1120  # tokens of a picture that the model sees, whatever its size
CHARACTERS_A_TOKEN = 4  # of English; of Korean about one, so every other script counts so


@dataclass(frozen=True)
class Price:
    """A model's price from one day on, in dollars per million tokens.

    Attributes
    ----------
    model, since
        The model's id, and the first day of this price.
    told
        Where the figures stand, and when they were read.
    tokens_in, tokens_out
        Input of any kind; text and thoughts in the answer.
    picture_out
        Picture tokens in the answer; None where the model makes no pictures.
    picture_tokens
        Tokens of one picture by its size.
    most_out
        The longest answer in tokens that may be asked for.
    """

    model: str
    since: date
    told: str
    tokens_in: float
    tokens_out: float
    picture_out: float | None = None
    picture_tokens: Mapping[str, int] = field(default_factory=dict)
    most_out: int = 65_536


_PAGE = "the provider's price page, read 2026-11"
_SECOND_HAND = "third-party reports, read 2026-11"
_PICTURES_ONLY = (
    "dollars a picture: the provider's price page, read 2026-11; "
    "rates of input and words: not checked against any page"
)

PRICES = (
    Price(
        "gemini-nano-banana-2.1",
        date(2026, 10, 1),
        _SECOND_HAND,
        tokens_in=1.50,
        tokens_out=7.50,
        picture_out=30.0,
        picture_tokens={"1K": 1120, "2K": 1680, "4K": 3780},
        most_out=32_768,
    ),
    Price(
        "gemini-3.1-flash-lite-image",
        date(2026, 6, 30),
        _PICTURES_ONLY,
        tokens_in=0.25,
        tokens_out=1.50,
        picture_out=30.0,
        picture_tokens={"1K": 1120},
        most_out=4096,
    ),
    Price(
        "gemini-3-pro-image",
        date(2025, 11, 20),
        _PICTURES_ONLY,
        tokens_in=2.0,
        tokens_out=12.0,
        picture_out=120.0,
        picture_tokens={"1K": 1120, "2K": 1120, "4K": 2000},
        most_out=32_768,
    ),
    Price("gemini-3.8-flash", date(2026, 1, 1), _PAGE, tokens_in=0.75, tokens_out=3.75),
    Price("gemini-3.8-flash", date(2027, 1, 1), _PAGE, tokens_in=1.50, tokens_out=7.50),
    Price("gemini-3.5-flash-lite", date(2026, 1, 1), _PAGE, tokens_in=0.30, tokens_out=2.50),
)


def price_of(model: str, on: date) -> Price:
    """Return the price of `model` on a day; before the first known day, the first known price.

    Raises
    ------
    ModelUnknown
        The table has no price for that model.
    """
    prices = sorted(
        (price for price in PRICES if price.model == model), key=lambda price: price.since
    )
    if not prices:
        raise ModelUnknown(
            f"The model {model!r} has no known price, so it is not asked.",
            advice=f"Set one of: {', '.join(sorted({price.model for price in PRICES}))}.",
        )
    return next((price for price in reversed(prices) if price.since <= on), prices[0])


def in_bulk(price: Price) -> Price:
    """Return what the same costs in a batch."""
    picture = price.picture_out
    return replace(
        price,
        tokens_in=price.tokens_in * BULK_SHARE,
        tokens_out=price.tokens_out * BULK_SHARE,
        picture_out=None if picture is None else picture * BULK_SHARE,
    )


@dataclass(frozen=True)
class Tokens:
    """What one answer took, by direction and kind.

    Attributes
    ----------
    taken
        Input.
    words
        Text and thoughts in the answer.
    picture
        Picture tokens in the answer.
    untold
        Tokens of the answer whose kind was not told.
    """

    taken: int = 0
    words: int = 0
    picture: int = 0
    untold: int = 0

    @property
    def given(self) -> int:
        """All tokens of the answer."""
        return self.words + self.picture + self.untold


def dollars(price: Price, tokens: Tokens) -> float:
    """Return what the tokens cost."""
    picture = price.tokens_out if price.picture_out is None else price.picture_out
    return _PER_TOKEN * (
        tokens.taken * price.tokens_in
        + tokens.words * price.tokens_out
        + tokens.picture * picture
        + tokens.untold * max(picture, price.tokens_out)
    )


def picture_tokens(price: Price, size: str) -> int:
    """Return the tokens of one picture of a size (``1K``).

    Raises
    ------
    ModelUnknown
        The model makes no pictures, or none of that size.
    """
    if size not in price.picture_tokens:
        sizes = ", ".join(price.picture_tokens) or "no pictures at all"
        raise ModelUnknown(
            f"The model {price.model!r} has no known price for a picture of size {size!r}.",
            advice=f"It makes: {sizes}.",
        )
    return price.picture_tokens[size]


def prompt_tokens(text: str) -> int:
    """Return about how many tokens a picture and its prompt take."""
    return PICTURE_IN + word_tokens(text)


def word_tokens(text: str) -> int:
    """Return about how many tokens a text takes, rather too many than too few."""
    plain = len(text.encode("ascii", "ignore"))
    return len(text) - plain + -(-plain // CHARACTERS_A_TOKEN)
