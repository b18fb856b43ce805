"""What erase and expand share: a model's edit of the photo, brought back onto the photo."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.composite import Tone, likeness, tone_between
from common.fields import as_bytes, as_float, push_pull, resized
from common.geometry import Box, Size, whole
from common.image import F32, U8, Mask
from common.operations.alignment import Alignment, align
from common.renders import refuse_misshapen

MIN_ALIGNMENT = (
    0.5  # correlation below which the render shows something else (wrong photos: <= .26)
)
SURE_ALIGNMENT = 0.9  # good edits of textured photos reach .97

_WORK = 512  # longest side at which light is compared: it changes slowly
_PARTLY = 1e-3  # of a cell: where more of it is edited, its mean is neither picture's


@dataclass(frozen=True)
class Edit:
    """A model's edit in the source's own coordinates and tone.

    Attributes
    ----------
    pixels
        float32 (h, w, 3), 0..1, of the part that was wanted.
    alignment
        Correlation with the source where both show the same, -1..1.
    """

    pixels: F32
    alignment: float


def brought_back(
    render: U8, source: U8, same: Mask, reach: F32 | None = None, wanted: Box | None = None
) -> Edit:
    """Register a render to its source, match its tone, and take the last step out of the border.

    Parameters
    ----------
    render
        uint8 (h, w, 3), any size, about the source's ratio.
    source
        uint8 (H, W, 3).
    same
        bool (H, W): where both show the same scene.
    reach
        float32 (H, W), 0..1: how far the correction of the border reaches; everywhere by default.
    wanted
        The part of the source that is edited; all of it by default.

    Raises
    ------
    UnfitRender
        See `common.renders.refuse_misshapen`.

    Notes
    -----
    What is left of a step where the edit meets the source is carried on smoothly into the edit:
    the membrane of Poisson editing.  Light is compared on a small grid; only what is wanted is made
    at full size.

    References
    ----------
    Perez, Gangnet, Blake: Poisson Image Editing (2003).
    Farbman, Fattal, Lischinski: Convolution Pyramids (2011).
    """
    size = Size(source.shape[1], source.shape[0])
    wanted = wanted or whole(size)
    refuse_misshapen(render, size)
    if render.shape == source.shape and np.array_equal(render[same], source[same]):
        return Edit(as_float(render[wanted.slices]), 1.0)
    found = align(render, source, same)
    light = _light(render, source, same, found)
    pixels = as_float(found.sampled(render, size, wanted))
    pixels *= light.tone.gain
    pixels += light.tone.offset
    pixels += _part(light.left, size, wanted, reach)
    return Edit(np.clip(pixels, 0, 1, out=pixels), light.alignment)


@dataclass(frozen=True, eq=False)
class _Light:
    """What brings the render's light to the photo's.

    Attributes
    ----------
    tone
        Of the whole picture.
    left
        float32 (h, w, 3) on the small grid: what is left after that, carried on into the edit.
    alignment
        See `Edit`.
    """

    tone: Tone
    left: F32
    alignment: float


def _light(render: U8, source: U8, same: Mask, found: Alignment) -> _Light:
    grid = Size(source.shape[1], source.shape[0]).within(_WORK)
    known = resized(same.astype(np.float32), grid) > 1 - _PARTLY
    here, moved = _shrunk(source, grid), found.sampled(_shrunk(render, grid), grid)
    photo, edit = as_float(here), as_float(moved)
    weight = known.astype(np.float32)
    tone = tone_between(edit, photo, weight)
    toned = tone.of(edit)
    left = push_pull((photo - toned) * weight[..., None], weight, levels=9)
    return _Light(tone, left, likeness(as_bytes(toned), here, known))


def _shrunk(pixels: U8, grid: Size) -> U8:
    """Return the picture on the grid; one that is smaller stays as it is."""
    if pixels.shape[1] <= grid.width:
        return pixels
    out: U8 = cv2.resize(pixels, (grid.width, grid.height), interpolation=cv2.INTER_AREA)
    return out


def _part(field: F32, size: Size, box: Box, reach: F32 | None) -> F32:
    """Return a field of the small grid, on the pixels of `box` of a picture of `size`."""
    part = resized(field, size)[box.slices]
    return part if reach is None else part * reach[box.slices][..., None]
