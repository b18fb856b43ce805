"""What the user told with boxes or a mask: what is to go, and what is to stay."""

from __future__ import annotations

from collections.abc import Iterable

from common.errors import BadOptions
from common.geometry import Box, box_from_2d
from common.image import Image
from common.operations.options import MaskedOptions
from common.operations.selection import Target, levels_of, marks_of, painted, whole_boxes
from common.vlm.base import Detection, Sensitivity

_SURE: dict[Sensitivity, float] = {"low": 0.7, "normal": 0.0, "high": 0.0}  # of 0..1


def told(image: Image, options: MaskedOptions, mask: Image | None) -> Target | None:
    """Return what the user's mask or regions say is to go; None where there are none.

    Raises
    ------
    BadOptions
        The options name a mask, and none came.
    BadInput
        The mask has another size than the photo, or marks nothing.
    """
    if options.mask:
        if mask is None:
            raise BadOptions("mask: no picture came with the request.", field="mask")
        levels = levels_of(mask, image.size)
        return Target(marks_of(levels > 0), excluded(image, options), painted(levels))
    if not options.region:
        return None
    stays = excluded(image, options)
    drawn = (box_from_2d(region, image.size) for region in options.region)
    going = tuple(box for box in drawn if not any(share_inside(box, other) == 1 for other in stays))
    return Target(going, stays, whole_boxes(options.sensitivity))


def sure(found: Iterable[Detection], sensitivity: Sensitivity) -> list[Detection]:
    """Return the finds that are sure enough; who gives no doubts is believed."""
    return [each for each in found if each.confidence >= _SURE[sensitivity]]


def excluded(image: Image, options: MaskedOptions) -> tuple[Box, ...]:
    """Return the boxes in which everything stays."""
    return tuple(box_from_2d(box, image.size) for box in options.exclude)


def share_inside(box: Box, other: Box) -> float:
    """Return the share of `box` that lies in `other`."""
    part = box.intersection(other)
    return 0.0 if part is None else part.area / box.area
