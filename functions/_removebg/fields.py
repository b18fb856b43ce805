"""What callers of remove.bg's API may ask, and what it means here."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from common.geometry import Box2d, Size

MOST_PIXELS = {
    "preview": 250_000,
    "small": 250_000,
    "regular": 250_000,
    "medium": 1_500_000,
    "hd": 4_000_000,
    "full": 25_000_000,
    "4k": 25_000_000,
    "auto": 25_000_000,
    "50MP": 50_000_000,
}
COLOURS = {
    "white": "ffffff",
    "black": "000000",
    "red": "ff0000",
    "green": "008000",
    "lime": "00ff00",
    "blue": "0000ff",
    "yellow": "ffff00",
    "orange": "ffa500",
    "purple": "800080",
    "pink": "ffc0cb",
    "gray": "808080",
    "grey": "808080",
    "silver": "c0c0c0",
    "navy": "000080",
    "teal": "008080",
    "maroon": "800000",
    "olive": "808000",
    "aqua": "00ffff",
    "cyan": "00ffff",
    "magenta": "ff00ff",
    "fuchsia": "ff00ff",
    "brown": "a52a2a",
    "beige": "f5f5dc",
}
_LENGTH = re.compile(r"(\d{1,5}(?:\.\d{1,3})?)(px|%)?")
_MOST_MARGIN = 50.0  # per cent
_MOST_MARGIN_PX = 500.0

Lengths = tuple[tuple[float, str], ...]


def _lengths(value: object) -> Lengths:
    """Read ``10px``, ``5% 10%`` and the like."""
    found = [_LENGTH.fullmatch(part) for part in str(value).split()]
    if not 1 <= len(found) <= 4 or not all(found):
        raise ValueError(f"{str(value)[:40]!r} is neither pixels like 10px nor per cent like 10%.")
    return tuple((float(match[1]), match[2] or "px") for match in found if match)


def _margin(value: object) -> object:
    lengths = _lengths(value)
    for number, unit in lengths:
        if number > (_MOST_MARGIN if unit == "%" else _MOST_MARGIN_PX):
            raise ValueError("A margin is at most 50% or 500px.")
    top, right, bottom, left = {
        1: (0, 0, 0, 0),
        2: (0, 1, 0, 1),
        3: (0, 1, 2, 1),
        4: (0, 1, 2, 3),
    }[len(lengths)]
    return lengths[top], lengths[right], lengths[bottom], lengths[left]


def _scale(value: object) -> object:
    if value == "original":
        return None
    ((number, unit),) = _one(value)
    if unit != "%" or not 10 <= number <= 100:
        raise ValueError("A scale is original, or from 10% to 100%.")
    return number / 100


def _one(value: object) -> Lengths:
    lengths = _lengths(value)
    if len(lengths) != 1:
        raise ValueError("This takes one length.")
    return lengths


def _position(value: object) -> object:
    if value == "original":
        return None
    if value == "center":
        return 0.5, 0.5
    shares = [number for number, unit in _lengths(value) if unit == "%" and number <= 100]
    if len(shares) not in {1, 2} or len(shares) != len(str(value).split()):
        raise ValueError("A position is original, center, or one or two shares from 0% to 100%.")
    return shares[0] / 100, shares[-1] / 100


def _roi(value: object) -> object:
    lengths = _lengths(value)
    if len(lengths) != 4:
        raise ValueError("A region is x1 y1 x2 y2, each in pixels or per cent.")
    return lengths


def _colour(value: object) -> object:
    name = str(value).lower().removeprefix("#")
    name = COLOURS.get(name, name)
    if re.fullmatch(r"[0-9a-f]{3,4}", name):
        name = "".join(digit * 2 for digit in name)
    if not re.fullmatch(r"[0-9a-f]{6}([0-9a-f]{2})?", name):
        raise ValueError(f"{str(value)[:40]!r} is no colour like 81d4fa, 81d4fa77 or white.")
    return name


def _word(value: object) -> object:
    return value.lower() if isinstance(value, str) and value != "50MP" else value


class Asked(BaseModel):
    """One request; fields that are not known here are passed over, as that API does."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    image_file_b64: str | None = Field(default=None, description="the picture in base64")
    image_url: str | None = Field(default=None, description="its https address")
    size: Annotated[
        Literal["preview", "small", "regular", "medium", "hd", "full", "4k", "auto", "50MP"],
        BeforeValidator(_word),
    ] = Field(default="preview", description="most pixels of the result")
    type: str = Field(
        default="auto", max_length=40, description="auto, person, product, car, animal and others"
    )
    format: Annotated[Literal["auto", "png", "jpg", "webp", "zip"], BeforeValidator(_word)] = Field(
        default="auto", description="of the result; auto is png where it is transparent"
    )
    roi: Annotated[Lengths | None, BeforeValidator(_roi)] = Field(
        default=None, description="where the subject is: x1 y1 x2 y2 in pixels or per cent"
    )
    crop: bool = Field(default=False, description="trim what is empty")
    crop_margin: Annotated[Lengths, BeforeValidator(_margin)] = Field(
        default=((0.0, "px"),) * 4, description="room round the subject with crop, 1 to 4 lengths"
    )
    scale: Annotated[float | None, BeforeValidator(_scale)] = Field(
        default=None, description="original, or how much the subject fills: 10% to 100%"
    )
    position: Annotated[tuple[float, float] | None, BeforeValidator(_position)] = Field(
        default=None, description="original, center, or shares across and down"
    )
    channels: Annotated[Literal["rgba", "alpha"], BeforeValidator(_word)] = Field(
        default="rgba", description="the picture, or its alpha alone"
    )
    add_shadow: bool = Field(default=False, description="throw a soft shadow")
    semitransparency: bool = Field(default=True, description="keep glass half transparent")
    bg_color: Annotated[str | None, BeforeValidator(_colour)] = Field(
        default=None, description="behind the subject: 81d4fa, 81d4fa77, fff or a name"
    )
    bg_image_url: str | None = Field(default=None, description="https address of what is behind")

    @property
    def pixels(self) -> int:
        """Most pixels of the result."""
        return MOST_PIXELS[self.size]

    @property
    def subject(self) -> str:
        """What is cut out, in words; empty where the type says nothing."""
        return "" if self.type in {"auto", "graphic", "other"} else f"the {self.type}"

    def box(self, size: Size) -> Box2d | None:
        """Return the region in 0..1000, for a picture of this size."""
        if self.roi is None:
            return None
        sides = (size.width, size.height, size.width, size.height)
        shares = [
            number / 100 if unit == "%" else number / side
            for (number, unit), side in zip(self.roi, sides, strict=True)
        ]
        x1, y1, x2, y2 = (round(min(1.0, share) * 1000) for share in shares)
        return y1, x1, y2, x2

    def margins(self, subject: Size) -> tuple[int, int, int, int]:
        """Return the room round a subject of this size: top, right, bottom, left in pixels."""
        sides = (subject.height, subject.width, subject.height, subject.width)
        top, right, bottom, left = (
            round(number / 100 * side if unit == "%" else number)
            for (number, unit), side in zip(self.crop_margin, sides, strict=True)
        )
        return top, right, bottom, left


def given(values: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that say something: empty ones count as not sent."""
    return {name: value for name, value in values.items() if value not in ("", None)}
