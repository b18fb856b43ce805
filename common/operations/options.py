"""Options of every operation: one model each, the same names at every door.

A command's flag, a form field, a JSON member and a recipe's entry all bear the field's name and are
read by the same validators, so that they mean the same and are refused alike.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from common.errors import BadOptions, StudioError
from common.geometry import RELATIVE, Anchor, Box2d, Size, normal_box_2d
from common.operations.published import Published
from common.operations.written import Written, is_told
from common.presets import MOST as MOST_PRESETS
from common.presets import PresetsOption
from common.vlm.base import Quality, Sensitivity

AnyOptions = TypeVar("AnyOptions", bound="Options")
AnyModel = TypeVar("AnyModel", bound=BaseModel)

Engine = Literal["gemini", "embedded"]
OnFail = Literal["error", "review", "original"]
KeyName = Literal["auto", "green", "blue", "magenta"]
CropName = Literal["none", "subject"]
MaterialName = Literal["auto", "opaque", "translucent", "fine"]
What = Literal["all", "overlay"]

HOW_TO_WRITE_A_BOX = "Write it as Y0,X0,Y1,X1 in 0..1000."


def _box(value: object) -> object:
    numbers: Any = _numbers(value, "a box") if isinstance(value, str) else value
    try:
        box_2d = normal_box_2d(numbers)
    except StudioError as error:
        raise ValueError(f"{error} {HOW_TO_WRITE_A_BOX}") from None
    if max(map(float, numbers)) > RELATIVE:  # clamped, a box in pixels would crop something else
        raise ValueError(f"A box in pixels is not understood. {HOW_TO_WRITE_A_BOX}")
    return box_2d


def _boxes(value: object) -> object:
    """One box, as a string or four numbers, is a list of one; a JSON text is what it says."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = _json(value)
    if isinstance(value, str):
        return [value]
    if (
        isinstance(value, list)
        and len(value) == 4
        and all(isinstance(n, int | float) for n in value)
    ):
        return [value]
    return value


def _numbers(text: str, what: str) -> list[float]:
    try:
        return [float(part) for part in text.strip("[]() ").split(",")]
    except ValueError:
        raise ValueError(f"{text!r} is not {what}.") from None


def _json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):  # the latter for thousands of opening brackets
        raise ValueError("This is not JSON.") from None


def _strings(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _ratio(value: object) -> object:
    if not isinstance(value, str):
        return value
    wide, _, high = value.partition(":")
    try:
        ratio = float(wide) / float(high or 1)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{value!r} is not a ratio like 16:9.") from None
    return ratio


def _size(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d{1,6})[xX](\d{1,6})", value.strip())
    if not match:
        raise ValueError(f"{value!r} is not a size like 1920x1080.")
    try:
        return Size(int(match[1]), int(match[2]))
    except StudioError as error:
        raise ValueError(str(error)) from None


def _margin(value: object) -> object:
    value = [value] if isinstance(value, int) else value
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or len(parts) not in {1, 4}:
        raise ValueError(
            "A margin is one length or T,R,B,L, each in pixels (40) or per cent (10%)."
        )
    lengths = [_length(part) for part in parts]
    return tuple(lengths * 4 if len(lengths) == 1 else lengths)


def _length(value: object) -> str:
    length = str(value).strip()
    if not re.fullmatch(r"\d{1,6}|\d{1,4}(\.\d+)?%", length):
        raise ValueError(f"{length!r} is neither pixels like 40 nor a share like 10%.")
    return length


BoxOption = Annotated[Box2d, BeforeValidator(_box)]
BoxesOption = Annotated[list[BoxOption], BeforeValidator(_boxes)]
StringsOption = Annotated[list[str], BeforeValidator(_strings)]
RatioOption = Annotated[float, BeforeValidator(_ratio), Field(ge=1 / 50, le=50)]
SizeOption = Annotated[Size, BeforeValidator(_size)]
LengthOption = Annotated[str, BeforeValidator(_length)]
MarginOption = Annotated[tuple[str, str, str, str], BeforeValidator(_margin)]


class Options(BaseModel):
    """What every operation understands."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    engine: Engine | None = Field(
        default=None, description="gemini or embedded; by default gemini where it is set up"
    )
    dry_run: bool = Field(default=False, description="tell plan and price, call no model")
    fresh: bool = Field(
        default=False, description="ask the model anew, also where its answer is remembered"
    )


class GatedOptions(Options, Published, Written):
    """What operations that ask for a picture, and judge it, understand."""

    quality: Quality = Field(
        default="standard", description="of the model and its picture: fast, standard or pro"
    )

    on_fail: OnFail = Field(
        default="error",
        description="when the gate refuses: error, review (the best, marked) or original",
    )


class DetectOptions(Options):
    """Options of detect."""

    operation: Literal["detect"] = "detect"

    query: str = Field(default="", max_length=500, description="what to find, in plain words")


class CheckOptions(Options):
    """Options of check."""

    operation: Literal["check"] = "check"

    preset: PresetsOption = Field(
        min_length=1,
        max_length=MOST_PRESETS,
        description="what to measure against, like amazon-main,ebay",
    )


class CutoutOptions(GatedOptions):
    """Options of cutout."""

    operation: Literal["cutout"] = "cutout"

    subject: str = Field(default="", max_length=500, description="what to cut out, in plain words")
    box: BoxOption | None = Field(
        default=None, description="where the subject is: Y0,X0,Y1,X1 in 0..1000"
    )
    background: str = Field(
        default="transparent",
        max_length=2000,
        description="transparent, #RRGGBB, blur (the photo's own), or a picture to stand on",
    )
    shadow: bool = Field(default=False, description="throw a soft shadow where the subject stands")
    key: KeyName = Field(default="auto", description="backing colour: auto, green, blue or magenta")
    material: MaterialName = Field(
        default="auto",
        description="what the subject is made of: auto, opaque, translucent or fine (hair, mesh)",
    )
    crop: CropName = Field(
        default="none",
        description="the frame: none (the photo's) or subject (around what was cut out)",
    )
    margin: LengthOption | None = Field(
        default=None,
        description="room around the subject with crop subject: pixels, or per cent of its longer"
        " side",
    )
    fill: float | None = Field(
        default=None,
        ge=0.1,
        le=1,
        description="how much of the frame the subject fills, 0.1 to 1, in the middle of a frame of"
        " the photo's ratio, or of a square one with crop subject",
    )

    @model_validator(mode="after")
    def _one_frame(self) -> CutoutOptions:
        if self.margin is not None and self.fill is not None:
            raise ValueError("Give margin or fill, not both.")
        if self.margin is not None and self.crop == "none":
            raise ValueError("A margin goes with crop: subject.")
        if self.preset and self.crop != "none":
            raise ValueError("A preset frames the subject itself: give fill, not crop.")
        return self


class MaskedOptions(GatedOptions):
    """What operations understand that edit under a mask and keep every other pixel."""

    region: BoxesOption = Field(
        default_factory=list,
        max_length=100,
        description="where something is to go: Y0,X0,Y1,X1 in 0..1000; may be given again",
    )
    exclude: BoxesOption = Field(
        default_factory=list,
        max_length=100,
        description="where everything stays: Y0,X0,Y1,X1 in 0..1000; may be given again",
    )
    mask: str = Field(
        default="",
        max_length=2000,
        description="a picture of the photo's size that says what is to go: white goes, black stays"
        " byte for byte",
    )
    sensitivity: Sensitivity = Field(
        default="normal",
        description="how much is taken for what is to go, and how far round it the edit reaches:"
        " low, normal or high",
    )

    @model_validator(mode="after")
    def _one_way_to_say_where(self) -> Self:
        if self.mask and self.region:
            raise ValueError("Give mask or region, not both.")
        return self


class EraseOptions(MaskedOptions):
    """Options of erase."""

    operation: Literal["erase"] = "erase"

    keep: StringsOption = Field(
        default_factory=list, max_length=100, description="writing to keep; may be given again"
    )
    what: What = Field(
        default="all",
        description="all writing, or overlay: captions and graphics laid over the picture, not what"
        " is printed on the things in it",
    )

    @model_validator(mode="after")
    def _overlay_is_found(self) -> Self:
        if self.what == "overlay" and (self.mask or self.region):
            raise ValueError("what: overlay is for writing that is found; leave region and mask.")
        return self


class CleanOptions(MaskedOptions):
    """Options of clean."""

    operation: Literal["clean"] = "clean"

    remove: str = Field(
        default="",
        max_length=500,
        description="what is to go, in plain words: cables, price stickers, dust",
    )
    even: bool = Field(
        default=False, description="even out a plain backdrop; the subject and its shadow stay"
    )

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if not (self.remove or self.region or self.mask or self.even):
            raise ValueError("Say what to do: remove, region, mask or even.")
        return self


class ExpandOptions(GatedOptions):
    """Options of expand: exactly one of aspect, size and margin, or fill with or without aspect."""

    operation: Literal["expand"] = "expand"

    aspect: RatioOption | None = Field(default=None, description="the canvas's ratio, like 16:9")
    size: SizeOption | None = Field(
        default=None, description="the canvas in pixels, like 1920x1080"
    )
    margin: MarginOption | None = Field(
        default=None, description="top, right, bottom and left, each in pixels or per cent"
    )
    fill: float | None = Field(
        default=None,
        ge=0.05,
        le=1,
        description="how much of the canvas the subject fills at most, 0.05 to 1, in the middle of"
        " it; of the photo's ratio, or of that given as aspect",
    )
    anchor: Anchor = Field(
        default=Anchor.CENTER,
        description="where the photo stands on the canvas; with fill, at which border",
    )
    subject: str = Field(
        default="", max_length=500, description="what the subject is, in plain words"
    )
    box: BoxOption | None = Field(
        default=None,
        description="where the subject is: Y0,X0,Y1,X1 in 0..1000; found by itself where needed",
    )

    @model_validator(mode="after")
    def _one_canvas(self) -> ExpandOptions:
        given = [name for name in ("aspect", "size", "margin") if getattr(self, name) is not None]
        if self.fill is not None and given not in ([], ["aspect"]):
            raise ValueError("Give fill alone or with aspect.")
        if self.fill is None and len(given) != 1:
            raise ValueError("Give exactly one of aspect, size and margin, or fill.")
        return self


StepOptions = Annotated[
    DetectOptions | CutoutOptions | EraseOptions | CleanOptions | ExpandOptions,
    Field(discriminator="operation"),
]


class PipelineOptions(Options, Published, Written):
    """Options of pipeline: which operations, in which order, each with its own options."""

    operation: Literal["pipeline"] = "pipeline"
    steps: Annotated[list[StepOptions], BeforeValidator(_json)] = Field(
        min_length=1,
        max_length=10,
        description='a list of {"operation": NAME, ...options}, done one after the other',
    )

    @model_validator(mode="after")
    def _one_engine(self) -> PipelineOptions:
        if any(step.engine is not None or step.dry_run or step.fresh for step in self.steps):
            raise ValueError(
                "engine, dry_run and fresh belong to the whole pipeline, not to a step."
            )
        if any(getattr(step, "preset", []) for step in self.steps):
            raise ValueError("preset belongs to the whole pipeline, not to a step.")
        if any(map(is_told, self.steps)):
            raise ValueError(
                "format, file_quality, profile and exif belong to the whole pipeline, not to a"
                " step."
            )
        return self


def read_options(kind: type[AnyOptions], values: dict[str, Any]) -> AnyOptions:
    """Read `values` as options of `kind`.

    Raises
    ------
    BadOptions
        Naming the first field at fault in `field`, all of them in ``details["errors"]``.
    """
    return read_values(kind, values)


def read_values(kind: type[AnyModel], values: dict[str, Any]) -> AnyModel:
    """Read `values` as a model of `kind`; see `read_options`."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise _as_bad_options(error) from None


def _as_bad_options(error: ValidationError) -> BadOptions:
    faults = [
        {"field": ".".join(map(str, fault["loc"])), "message": _plain(fault["msg"])}
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    first = faults[0]
    name = first["field"]
    return BadOptions(
        f"{name}: {first['message']}" if name else first["message"],
        field=name or None,
        details={"errors": faults},
    )


_PLAINER = {
    "Extra inputs are not permitted": "There is no such option.",
    "Field required": "It has to be given.",
}


def _plain(message: str) -> str:
    return _PLAINER.get(message, message.removeprefix("Value error, "))
