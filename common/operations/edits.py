"""A model's edit of the photo, brought back onto the photo: its place, its light, its border."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.composite import Tone, likeness, tone_between
from common.fields import as_bytes, as_float, push_pull, resized
from common.geometry import Box, Size
from common.image import F32, U8, Mask
from common.operations.alignment import Alignment, align, piece
from common.renders import refuse_misshapen

MIN_ALIGNMENT = (
    0.5  # correlation below which the render shows something else (wrong photos: <= .26)
)
SURE_ALIGNMENT = 0.9  # good edits of textured photos reach .97

_WORK = 512  # longest side at which light is compared: it changes slowly
_PARTLY = 1e-3  # of a cell: where more of it is edited, its mean is neither picture's


@dataclass(frozen=True, eq=False)
class _Fit:
    """What brings a render to its photo.

    Attributes
    ----------
    place
        Where the photo's pixels lie in the render.
    tone
        Of the whole picture.
    left
        float32 (h, w, 3) on a small grid: what is left after that, carried on into the edit.
    """

    place: Alignment
    tone: Tone
    left: F32


@dataclass(frozen=True, eq=False)
class Edit:
    """A model's edit, to be had in the source's own coordinates and tone.

    Attributes
    ----------
    alignment
        Correlation with the source where both show the same, -1..1.
    """

    alignment: float
    _render: U8
    _size: Size
    _fit: _Fit | None = None  # None where the render lies on the source pixel for pixel

    def pixels(self, box: Box) -> F32:
        """Return the part inside `box`, float32 (h, w, 3) in 0..1."""
        if self._fit is None:
            return as_float(self._render[box.slices])
        fit = self._fit
        pixels = as_float(fit.place.sampled(self._render, self._size, box))
        pixels *= fit.tone.gain
        pixels += fit.tone.offset
        pixels += piece(fit.left, self._size, box)
        return np.clip(pixels, 0, 1, out=pixels)


def brought_back(render: U8, source: U8, same: Mask) -> Edit:
    """Register a render to its source, match its tone, and take the last step out of the border.

    Parameters
    ----------
    render
        uint8 (h, w, 3), any size, about the source's ratio.
    source
        uint8 (H, W, 3).
    same
        bool (H, W): where both show the same scene.

    Raises
    ------
    UnfitRender
        See `common.renders.refuse_misshapen`.

    Notes
    -----
    What is left of a step where the edit meets the source is carried on smoothly into the edit:
    the membrane of Poisson editing.  Light is compared on a small grid; only what is asked for is
    made at full size.

    References
    ----------
    Perez, Gangnet, Blake: Poisson Image Editing (2003).
    Farbman, Fattal, Lischinski: Convolution Pyramids (2011).
    """
    size = Size(source.shape[1], source.shape[0])
    refuse_misshapen(render, size)
    if render.shape == source.shape and _is_equal(render, source, same):
        return Edit(1.0, render, size)
    place = align(render, source, same)
    grid = size.within(_WORK)
    known = resized(same.astype(np.float32), grid) > 1 - _PARTLY
    here, moved = _shrunk(source, grid), place.sampled(_shrunk(render, grid), grid)
    photo, edit = as_float(here), as_float(moved)
    weight = known.astype(np.float32)
    tone = tone_between(edit, photo, weight)
    toned = tone.of(edit)
    left = push_pull((photo - toned) * weight[..., None], weight, levels=9)
    alignment = likeness(as_bytes(toned), here, known)
    return Edit(alignment, render, size, _Fit(place, tone, left))


def _is_equal(render: U8, source: U8, same: Mask) -> bool:
    difference: U8 = cv2.absdiff(render, source)
    changed: U8 = cv2.bitwise_and(difference, difference, mask=same.astype(np.uint8))
    return not changed.any()


def _shrunk(pixels: U8, grid: Size) -> U8:
    """Return the picture on the grid; one that is smaller stays as it is."""
    if pixels.shape[1] <= grid.width:
        return pixels
    out: U8 = cv2.resize(pixels, (grid.width, grid.height), interpolation=cv2.INTER_AREA)
    return out
