"""What all operations share: the models they are handed, and the outcome they give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from common.image import Image, Mask
from common.operations.options import Options
from common.presets import Preset
from common.report import Report
from common.vlm.base import Detection, VisionModel

O_contra = TypeVar("O_contra", bound=Options, contravariant=True)


@dataclass(frozen=True)
class Models:
    """The engines an operation may ask.

    Attributes
    ----------
    chosen
        The engine the user asked for, or a render the user brought.
    fallback
        The last rung of the ladder, and where it costs nothing a second look at what another
        engine gave; normally the embedded engine.  None forbids both.
    brought
        The chosen "model" is a render that the user brought: its frame is exact, no other render
        is tried, and where it does not fit that is the user's to mend.
    """

    chosen: VisionModel
    fallback: VisionModel | None = None
    brought: bool = False

    def in_turn(self) -> Iterator[VisionModel]:
        """Give the engines in the order in which they are tried."""
        yield self.chosen
        if self.brought or self.fallback is None:
            return
        if self.fallback.engine != self.chosen.engine:
            yield self.fallback


@dataclass(frozen=True, eq=False)
class Asset:
    """A picture made for one place of publication, not yet a file.

    Attributes
    ----------
    found
        What a model found in it, for the check of the file; None where none was asked.
    notes
        What had to be done to it, or could not be, in plain sentences.
    """

    preset: Preset
    image: Image
    found: tuple[Detection, ...] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """A picture (None where the operation answers with facts, or only planned) and its report.

    Attributes
    ----------
    mask
        bool (H, W): where pixels may have changed; None where the operation has no such mask.
    assets
        The picture made into what each preset asks for, where the options name presets.
    """

    image: Image | None
    report: Report
    mask: Mask | None = None
    assets: tuple[Asset, ...] = ()


class Run(Protocol[O_contra]):
    """Do the operation: plan, ask, compose.

    `backdrop` is the picture behind a cutout, and `mask` says what is to go, where the options name
    one.
    """

    def __call__(
        self,
        image: Image,
        options: O_contra,
        models: Models,
        backdrop: Image | None = None,
        mask: Image | None = None,
    ) -> Outcome:
        """Return the result, or raise a `StudioError`."""
        ...


@dataclass(frozen=True)
class Operation(Generic[O_contra]):
    """An operation as the doors see it."""

    name: str
    summary: str
    options: type[O_contra]
    run: Run[O_contra]
