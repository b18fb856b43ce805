"""Things told apart in a subject's alpha: which pixels hang together, and their main colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.geometry import Box
from common.image import F32, U8, Mask
from common.palette import main_colours
from common.vlm.base import Colour
from common.vlm.embedded.subject import INSIDE, mask_box

_SPECK_OF_PICTURE = 1e-3  # smaller things are not worth a name
_SPECK_OF_LARGEST = 0.03  # smaller things are crumbs of the large one
_GAP = 0.008  # of the longer side: parts closer than this are one thing
_MOST = 12


@dataclass(frozen=True)
class Thing:
    """One connected thing: where it is, how sure its pixels are (0..1), its main colours."""

    box: Box
    confidence: float
    colours: tuple[Colour, ...]


def things_in(rgb: U8, alpha: F32) -> tuple[Thing, ...]:
    """Return the things in alpha, float32 (H, W), the largest first."""
    parts = sorted(_parts(alpha > INSIDE), key=np.count_nonzero, reverse=True)
    if not parts:
        return ()
    large = _SPECK_OF_LARGEST * np.count_nonzero(parts[0])
    least = max(large, _SPECK_OF_PICTURE * alpha.size)
    kept = [part for part in parts[:_MOST] if np.count_nonzero(part) >= least]
    return tuple(_thing(rgb, alpha, part) for part in kept)


def _parts(inside: Mask) -> list[Mask]:
    """Return connected parts; those with less than a gap between them count as connected."""
    reach = max(1, round(_GAP * max(inside.shape)))
    bridge = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * (reach // 2) + 1,) * 2)
    joined = cv2.dilate(inside.astype(np.uint8), bridge)
    count, labels = cv2.connectedComponents(joined)
    return [inside & (labels == index) for index in range(1, count)]


def _thing(rgb: U8, alpha: F32, part: Mask) -> Thing:
    box = mask_box(part)
    assert box is not None  # noqa: S101 - a part has pixels, it was counted
    return Thing(box, float(alpha[part].mean()), main_colours(rgb[part]))
