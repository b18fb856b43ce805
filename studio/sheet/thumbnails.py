"""Thumbnails: one picture at a time, small, on a checkerboard where it is transparent."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from common import codec
from common.composite import over
from common.errors import StudioError
from common.image import U8, Image
from common.operations.placing import shrunk
from functions import _wiring
from studio import files

_LIGHT, _DARK, _SQUARE = 255, 214, 12  # grays, and pixels of a square


def thumbnail(path: Path | None, longest: int) -> U8 | str:
    """Return a picture, its longer side at most `longest`, or why there is none to show."""
    if path is None:
        return "not there"
    try:
        data = files.read(path, _wiring.limits().max_bytes)
        image = codec.decode(data, _wiring.limits(), profile="srgb")
    except StudioError as error:
        return error.message
    small = shrunk(image, image.size.within(longest))
    return over(small, checkerboard(small)).rgb


def checkerboard(image: Image) -> U8:
    """Return what shows through a picture, uint8 (H, W, 3)."""
    rows, columns = np.indices(image.rgb.shape[:2]) // _SQUARE
    gray = np.where((rows + columns) % 2, _DARK, _LIGHT).astype(np.uint8)
    out: U8 = cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB)
    return out
