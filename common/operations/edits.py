"""What erase and expand share: a model's edit of the photo, brought back onto the photo."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.composite import likeness, match_tone, membrane
from common.fields import as_bytes, as_float
from common.geometry import Size
from common.image import F32, U8, Mask
from common.matting.registration import register
from common.renders import fit_render

MIN_ALIGNMENT = (
    0.5  # correlation below which the render shows something else (wrong photos: <= .26)
)
SURE_ALIGNMENT = 0.9  # good edits of textured photos reach .97


@dataclass(frozen=True)
class Edit:
    """A model's edit in the source's own coordinates and tone.

    Attributes
    ----------
    pixels
        float32 (H, W, 3), 0..1.
    alignment
        Correlation with the source where both show the same, -1..1.
    """

    pixels: F32
    alignment: float


def brought_back(render: U8, source: U8, same: Mask, reach: F32 | None = None) -> Edit:
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

    Raises
    ------
    UnfitRender
        See `common.renders.fit_render`.
    """
    fitted = fit_render(render, Size(source.shape[1], source.shape[0]))
    if np.array_equal(fitted[same], source[same]):
        return Edit(as_float(fitted), 1.0)
    moved = _registered(render, source, same)
    known = same.astype(np.float32)
    photo = as_float(source)
    toned = match_tone(as_float(moved), photo, known)
    alignment = likeness(as_bytes(toned), source, same)
    return Edit(np.clip(membrane(toned, photo, known, reach), 0, 1), alignment)


def _registered(render: U8, source: U8, same: Mask) -> U8:
    registration = register(render, source, same.astype(np.float32))
    columns, rows = registration.maps(
        Size(source.shape[1], source.shape[0]), Size(render.shape[1], render.shape[0])
    )
    out: U8 = cv2.remap(render, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return out
