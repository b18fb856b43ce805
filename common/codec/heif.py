"""HEIC, as phones write it, through libheif, which is loaded when the first such file arrives."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from common.codec.planes import Planes, filled, planes_of
from common.errors import BrokenPicture, UnsupportedPicture


def opened(data: bytes) -> Any:
    """Return the file's main picture, told by its header; nothing is decoded yet.

    Raises
    ------
    UnsupportedPicture
        The library is not installed here.
    BrokenPicture
        The bytes do not hold what their beginning promises.
    """
    try:
        import pillow_heif  # noqa: PLC0415 - 26 MB of libraries for one kind of file
    except ImportError:
        raise UnsupportedPicture(
            "HEIC pictures cannot be read here.",
            advice="Install pillow-heif, or send the photo as JPEG.",
        ) from None
    file = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False, remove_stride=True)
    if not len(file):
        raise BrokenPicture("The heic file holds no picture.", advice="Export it again.")
    return file


def planes(file: Any) -> Planes:
    """Return the pixels of an opened file."""
    pixels = np.asarray(file)
    bits = int(file.info.get("bit_depth", 8))
    return planes_of(filled(pixels, bits) if pixels.dtype == np.uint16 else pixels)
