"""The plan of an expansion: the canvas, the steps that lead there, and how plain the photo ends."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from common.backdrop import fit_backdrop
from common.geometry import Box, Placement, whole
from common.image import U8, Image, Mask
from common.operations import canvas
from common.operations.options import ExpandOptions
from common.vlm.base import Quality

LOOK = 512  # px of the photo's longer side at which its borders are looked at
PLAIN = 12 / 255  # residual of the backdrop's fit: studio sets measure 2..10, real scenes 13..60
BAND = 0.05  # of the photo's shorter side: what of it the new area carries on
LEAST_BAND = 4  # pixels


@dataclass(frozen=True)
class Step:
    """One canvas to paint, the one before in its frame.

    Attributes
    ----------
    placement
        The canvas, and the frame that is known.
    photo
        Where on the canvas the photo itself stands.
    """

    placement: Placement
    photo: Box


@dataclass(frozen=True)
class ExpandPlan:
    """What to paint, decided before the model is asked for a picture.

    Attributes
    ----------
    placement
        The canvas, and the frame of it that holds the photo.
    steps
        In which it is painted, one after the other; the last canvas is the whole.
    quality
        Of the renders.
    residual
        Mean distance, 0..1, of the photo's borders from one smooth field: a low one is a plain
        backdrop, which needs no model to be carried on.
    subjects
        Boxes of the photo of what must not be painted a second time, as far as they are known.
    """

    placement: Placement
    steps: tuple[Step, ...]
    quality: Quality = "standard"
    residual: float = 1.0
    subjects: tuple[Box, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether a plain backdrop is to be carried on."""
        return self.residual <= PLAIN

    def at_once(self) -> ExpandPlan:
        """Return the plan with the whole canvas painted in one step."""
        return replace(self, steps=(Step(self.placement, self.placement.frame),))

    def facts(self) -> dict[str, object]:
        """Return the plan as the report shows it."""
        size, frame = self.placement.canvas, self.placement.frame
        return {
            "canvas": [size.width, size.height],
            "frame_pixels": [frame.top, frame.left, frame.bottom, frame.right],
            "steps": [
                [step.placement.canvas.width, step.placement.canvas.height] for step in self.steps
            ],
            "quality": self.quality,
            "backdrop": "plain" if self.plain else "scenery",
            "residual": round(self.residual, 4),
        }


def plan(image: Image, options: ExpandOptions, subjects: tuple[Box, ...] = ()) -> ExpandPlan:
    """Decide the canvas, where the photo stands on it, and the steps that lead there.

    Parameters
    ----------
    subjects
        Boxes in the photo; `fill` places the canvas by all of them together.

    Raises
    ------
    BadOptions
        The canvas would be smaller than the photo, or absurdly larger.
    """
    placement = canvas.placement_for(image.size, options, canvas.around(subjects))
    residual = _residual(image.rgb, placement)
    return ExpandPlan(placement, _steps(placement), options.quality, residual, subjects)


def _steps(placement: Placement) -> tuple[Step, ...]:
    """Return the steps, with the photo's own place on each canvas."""
    photo, steps = whole(placement.frame.size), []
    for each in canvas.steps(placement):
        photo = photo.moved(each.frame.top, each.frame.left)
        steps.append(Step(each, photo))
    return tuple(steps)


def _residual(rgb: U8, placement: Placement) -> float:
    """Return how far the photo's borders that grow are from one smooth field."""
    known = _growing_borders(placement)
    step = -(-max(known.shape) // LOOK)  # single pixels, not means: the grain belongs to it
    known = known[::step, ::step]
    return fit_backdrop(rgb[::step, ::step], known)[1] if known.any() else 1.0


def _growing_borders(placement: Placement) -> Mask:
    """Return the bands (h, w) of the photo along the sides where the canvas goes on."""
    size, frame = placement.canvas, placement.frame
    depth = max(LEAST_BAND, round(BAND * min(frame.width, frame.height)))
    known = np.zeros((frame.height, frame.width), bool)
    known[:depth] |= frame.top > 0
    known[-depth:] |= frame.bottom < size.height
    known[:, :depth] |= frame.left > 0
    known[:, -depth:] |= frame.right < size.width
    return known
