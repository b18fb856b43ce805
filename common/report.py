"""What every result tells about itself, as one pydantic model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from common.geometry import Box2d

Decision = Literal["accepted", "review", "original", "refused", "planned"]

# The IPTC's terms (cv.iptc.org/newscodes/digitalsourcetype), the weightier one last.
DigitalSource = Literal["", "compositeWithTrainedAlgorithmicMedia", "trainedAlgorithmicMedia"]
COMPOSITE: DigitalSource = "compositeWithTrainedAlgorithmicMedia"  # a photo with generated parts


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PictureFacts(_Part):
    """Size in pixels and the file format of a picture."""

    width: int
    height: int
    format: str


class FoundBox(_Part):
    """One found thing: where, what, and how sure."""

    box_2d: Box2d = Field(description="ymin, xmin, ymax, xmax in 0..1000")
    pixels: tuple[int, int, int, int] = Field(description="top, left, bottom, right; half-open")
    label: str
    kind: Literal["object", "text"]
    text: str = ""
    layer: Literal["overlay", "scene", ""] = Field(
        default="", description="laid over the picture, or printed on the things in it"
    )
    material: Literal["opaque", "translucent", "fine", ""] = ""
    confidence: float = Field(ge=0, le=1)


class Fidelity(_Part):
    """How much of the source came through untouched."""

    equal_share: float = Field(ge=0, le=1, description="share of kept pixels equal to the source's")
    largest_difference: int = Field(
        ge=0, le=255, description="largest channel difference outside the edit, 0 is byte-equal"
    )


class PlannedCall(_Part):
    """One call to a model, told before it is made."""

    purpose: str
    model: str
    width: int
    height: int
    dollars: float


class Cost(_Part):
    """What the models took."""

    calls: int = Field(default=0, description="answers that were given")
    attempts: int = Field(default=0, description="requests that were sent, answered or not")
    remembered: int = Field(default=0, description="answers that were stored and cost nothing")
    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float = 0.0
    dollars_in_doubt: float = Field(
        default=0.0, description="of answers that were lost on the way and may have been charged"
    )

    @staticmethod
    def sum(costs: Iterable[Cost]) -> Cost:
        """Add costs up."""
        listed = list(costs)
        sums = {name: sum(getattr(cost, name) for cost in listed) for name in Cost.model_fields}
        return Cost(**{name: round(value, 6) for name, value in sums.items()})


class Rung(_Part):
    """One attempt on the ladder: with what, and why it was not the last."""

    engine: str
    key: str = ""
    accepted: bool
    reasons: list[str] = Field(default_factory=list)


class RuleCheck(_Part):
    """One rule of a preset, measured."""

    rule: str
    level: Literal["must", "advice"]
    passed: bool | None = Field(description="null where it could not be measured")
    measured: str
    required: str
    fix: str = Field(description="what to do about it; empty where it passed")
    source: str = Field(description="where the rule was read, or house")
    date: str = Field(description="when it was read")
    note: str = ""


class PresetCheck(_Part):
    """A picture measured against a preset; whether anybody accepts it is another matter."""

    preset: str
    title: str
    version: int
    passed: bool | None = Field(
        description="false where any must fails, null where one could not be measured"
    )
    result: PictureFacts | None = None
    bytes: int | None = Field(default=None, description="of the file")
    rules: list[RuleCheck]


class Report(_Part):
    """Everything a result says about how it came to be."""

    operation: str
    engine: str = Field(description="the engine behind the result")
    models: list[str] = Field(default_factory=list)
    source: PictureFacts
    result: PictureFacts | None = None
    boxes: list[FoundBox] = Field(default_factory=list)
    plan: dict[str, object] = Field(default_factory=dict)
    calls: list[PlannedCall] = Field(default_factory=list)
    scores: dict[str, float] = Field(default_factory=dict)
    fidelity: Fidelity | None = None
    cost: Cost = Field(default_factory=Cost)
    milliseconds: dict[str, float] = Field(default_factory=dict)
    ladder: list[Rung] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    decision: Decision = "accepted"
    digital_source: DigitalSource = Field(
        default="",
        description="the IPTC's term where pixels were generated, as the picture's XMP bears it",
    )
    steps: list[Report] = Field(default_factory=list, description="a pipeline's steps, in order")
    checks: list[PresetCheck] = Field(
        default_factory=list, description="the result measured against each preset"
    )
