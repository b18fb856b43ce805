"""TIFF, 8 or 16 bits a channel, packed, with all that a directory may tell.

Written here because Pillow writes either packed pixels or nested directories (EXIF), and no 16-bit
colour.  Strips are deflated differences of neighbours, which every reader since TIFF 6.0's
supplement of 2002 understands.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import TiffTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from common.codec import exif
from common.codec.tags import Tags

STRIP_BYTES = 1 << 20  # of pixels: large enough to pack well, small enough to be read piecewise
LEVEL = 4

_DEFLATE, _RGB, _CONTIGUOUS, _DIFFERENCES, _STRAIGHT_ALPHA, _INCH = 8, 2, 1, 2, 2, 2


def packed(pixels: NDArray[Any], tags: Tags) -> bytes:
    """Return the TIFF of RGB or RGBA pixels (H, W, 3 or 4), uint8 or uint16."""
    rows = max(1, STRIP_BYTES // pixels[0].nbytes)
    strips = list(_strips(pixels, rows))
    directory = ImageFileDirectory_v2(prefix=b"II")
    _tell_pixels(directory, pixels, rows, strips)
    _tell_tags(directory, tags)
    out = io.BytesIO()
    directory.save(out)
    out.writelines(strips)
    return out.getvalue()


def _strips(pixels: NDArray[Any], rows: int) -> Iterator[bytes]:
    """Give the strips, packed: runs alone are matched, since a photo's noise repeats nowhere."""
    little = pixels.dtype.newbyteorder("<")
    for top in range(0, len(pixels), rows):
        strip = pixels[top : top + rows].astype(little)
        strip[:, 1:] -= pixels[top : top + rows, :-1]
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
        yield packer.compress(strip.tobytes()) + packer.flush()


def _tell_pixels(
    directory: ImageFileDirectory_v2, pixels: NDArray[Any], rows: int, strips: list[bytes]
) -> None:
    height, width, channels = pixels.shape
    lengths = [len(strip) for strip in strips]
    directory[256], directory[257] = width, height
    directory[258] = (8 * pixels.itemsize,) * channels
    directory[259], directory[262], directory[277] = _DEFLATE, _RGB, channels
    directory.tagtype[273] = directory.tagtype[279] = TiffTags.LONG
    directory[273] = tuple(int(at) for at in np.cumsum([0, *lengths[:-1]]))  # from the first on
    directory[278], directory[279] = rows, tuple(lengths)
    directory[284], directory[317] = _CONTIGUOUS, _DIFFERENCES
    if channels == 4:
        directory[338] = _STRAIGHT_ALPHA


def _tell_tags(directory: ImageFileDirectory_v2, tags: Tags) -> None:
    for tag, value in exif.listed(tags.exif).items():
        directory[tag] = value
    if tags.dpi:
        directory[282], directory[283], directory[296] = *tags.dpi, _INCH
    for tag, kind, blob in ((34675, TiffTags.UNDEFINED, tags.icc), (700, TiffTags.BYTE, tags.xmp)):
        if blob:
            directory.tagtype[tag] = kind
            directory[tag] = blob
