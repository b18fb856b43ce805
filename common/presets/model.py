"""A preset: rules that say what a picture must be, and what is made to meet them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Level = Literal["must", "advice"]
Colour = Annotated[str, Field(pattern=r"^#[0-9A-F]{6}$")]
Proportion = Annotated[str, Field(pattern=r"^[1-9]\d{0,3}:[1-9]\d{0,3}$")]
Source = Annotated[str, Field(pattern=r"^(https://\S+|house)$")]

HOUSE = "house"  # the source of a rule that is the studio's own


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(_Part):
    """From `least` to `most`, both allowed themselves; at least one of them is given."""

    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def _bounds_something(self) -> Range:
        if self.least is None and self.most is None:
            raise ValueError("Give least, most or both.")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least is larger than most.")
        return self

    def holds(self, value: float) -> bool:
        """Whether a value lies inside."""
        above = self.least is None or value >= self.least
        return above and (self.most is None or value <= self.most)


# --- rules ----------------------------------------------------------------------------------------


class _Rule(_Part):
    level: Level
    source: Source = Field(description="https address where the rule was read, or house")
    date: dt.date = Field(description="when it was read")
    note: str = Field(default="", max_length=300)


class Background(_Rule):
    """The border of the picture is exactly this colour, or of one colour: ``plain``."""

    rule: Literal["background"]
    value: Colour | Literal["plain"]


class Fill(_Rule):
    """The longer side of the subject's box over the frame's side, 0..1."""

    rule: Literal["fill"]
    value: Range


class LongestSide(_Rule):
    """Pixels."""

    rule: Literal["longest_side"]
    value: Range


class ShortestSide(_Rule):
    """Pixels."""

    rule: Literal["shortest_side"]
    value: Range


class Megapixels(_Rule):
    """Millions of pixels."""

    rule: Literal["megapixels"]
    value: Range


class Ratio(_Rule):
    """Width to height, as ``4:5``."""

    rule: Literal["ratio"]
    value: Proportion


class Bytes(_Rule):
    """Bytes of the file."""

    rule: Literal["bytes"]
    value: Range


class Formats(_Rule):
    """Any of these formats, by their short names."""

    rule: Literal["formats"]
    value: Annotated[list[str], Field(min_length=1)]


class JpegQuality(_Rule):
    """Quality of a JPEG file on the scale 1..100; other formats have none."""

    rule: Literal["jpeg_quality"]
    value: Range


class Text(_Rule):
    """No writing beside the subject."""

    rule: Literal["text"]
    value: Literal["none"]


class Watermark(_Rule):
    """Nothing laid over the photo."""

    rule: Literal["watermark"]
    value: Literal["none"]


class Border(_Rule):
    """No line or bar drawn around the picture."""

    rule: Literal["border"]
    value: Literal["none"]


class Blur(_Rule):
    """Pixels: how blurred the subject's edges are; see `common.operations.measures`."""

    rule: Literal["blur"]
    value: Range


Rule = (
    Background
    | Fill
    | LongestSide
    | ShortestSide
    | Megapixels
    | Ratio
    | Bytes
    | Formats
    | JpegQuality
    | Text
    | Watermark
    | Border
    | Blur
)


# --- presets --------------------------------------------------------------------------------------


class Make(_Part):
    """What an asset for the preset is made like.

    A rule says what is accepted; this says what is aimed at, with room to spare.
    """

    background: Colour | None = Field(
        default=None, description="behind the cutout subject; without it the scene may stay"
    )
    fill: float | None = Field(default=None, ge=0.1, le=1, description="of a cutout subject")
    ratio: Proportion | None = Field(default=None, description="of the canvas; without it any")
    longest: int = Field(ge=16, le=65_500, description="pixels; larger pictures are made smaller")
    format: str = Field(description="short name of the file format")
    quality: int = Field(ge=1, le=100, description="of lossy formats, where the bytes allow it")

    @property
    def proportion(self) -> float | None:
        """Width over height."""
        return None if self.ratio is None else proportion(self.ratio)


class Preset(_Part):
    """Everything one place of publication asks of a picture."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    title: str = Field(min_length=1, max_length=100)
    version: int = Field(ge=1)
    make: Make
    rules: Annotated[list[Annotated[Rule, Field(discriminator="rule")]], Field(min_length=1)]

    @property
    def formats(self) -> list[str] | None:
        """The formats that it takes; None where it does not say."""
        return next((rule.value for rule in self.rules if isinstance(rule, Formats)), None)

    @property
    def most_bytes(self) -> int | None:
        """The most bytes that any of its rules allows, advice included."""
        most = [rule.value.most for rule in self.rules if isinstance(rule, Bytes)]
        return min((int(value) for value in most if value is not None), default=None)

    @model_validator(mode="after")
    def _makes_what_it_takes(self) -> Preset:
        if self.formats is not None and self.make.format not in self.formats:
            raise ValueError(f"make.format {self.make.format} is none of the formats it takes.")
        return self


def proportion(ratio: str) -> float:
    """Return ``4:5`` as width over height."""
    width, _, height = ratio.partition(":")
    return int(width) / int(height)
