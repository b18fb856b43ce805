"""PNG: the way of packing that suits the picture, and what stands beside the pixels.

Photos pack best, and fastest, where only runs are matched (zlib's ``Z_RLE``): their noise repeats
nowhere else, and a filter has made runs of the rest.  Graphics and what was a JPEG do repeat.
Which filter, and whether and how hard to look for matches, some rows of the picture tell.  OpenCV
packs runs in half the time of Pillow, and 16 bits; Pillow, whose zlib is the faster one, looks for
matches.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from common.codec.tags import Tags

Pack = Callable[[NDArray[Any]], bytes]  # pixels -> a PNG without tags

XMP_KEY = "XML:com.adobe.xmp"

_BANDS, _BAND_ROWS = 4, 32  # of the sample
_NEARLY = 1.02  # bytes over those of the smallest
_WORTH = 1.05  # the same, where the next way may take twice the time
_INCH = 0.0254  # metres
_AFTER_HEADER = 33  # bytes: the signature and the IHDR chunk
_TO_OPENCV = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}


def packed(pixels: NDArray[Any], tags: Tags) -> bytes:
    """Return the PNG of gray, RGB or RGBA pixels (H, W[, 3 or 4]), uint8 or uint16."""
    return _tagged(_way(pixels)(pixels), tags)


def tightest(pixels: NDArray[Any], tags: Tags) -> bytes:
    """Return the PNG of 8-bit pixels in as few bytes as it takes, in as much time."""
    return _tagged(min((pack(pixels) for pack in _TIGHT), key=len), tags)


# --- ways of packing ------------------------------------------------------------------------------


def _by_runs(row_filter: int, pixels: NDArray[Any]) -> bytes:
    """Match runs only; every row gets the same filter, or the one that suits it best."""
    how = [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    how += [cv2.IMWRITE_PNG_FILTER, row_filter]
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, _TO_OPENCV[pixels.shape[2]])
    data: bytes = cv2.imencode(".png", pixels, how)[1].tobytes()
    return data


def _by_matches(level: int, pixels: NDArray[Any]) -> bytes:
    out = io.BytesIO()
    PIL.Image.fromarray(pixels).save(out, "PNG", compress_level=level)
    return out.getvalue()


def _way(pixels: NDArray[Any]) -> Pack:
    """Return how to pack the picture; a harder search is tried only where any found something."""
    sample = _sample(pixels)
    if pixels.dtype != np.uint8:
        return _best(_DEEP_WAYS, sample, _NEARLY)
    way = _best((*_DEEP_WAYS, _SEARCHES[0]), sample, _NEARLY)
    return _best(_SEARCHES, sample, _WORTH) if way is _SEARCHES[0] else way


def _best(ways: tuple[Pack, ...], sample: NDArray[Any], near: float) -> Pack:
    """Return the first of the ways that packs the sample into nearly as few bytes as any."""
    sizes = [len(pack(sample)) for pack in ways]
    return next(pack for pack, size in zip(ways, sizes, strict=True) if size <= near * min(sizes))


_DEEP_WAYS: tuple[Pack, ...] = (  # the quickest first
    partial(_by_runs, cv2.IMWRITE_PNG_FILTER_SUB),
    partial(_by_runs, cv2.IMWRITE_PNG_FILTER_AVG),
    partial(_by_runs, cv2.IMWRITE_PNG_FILTER_PAETH),
)
_SEARCHES: tuple[Pack, ...] = (
    partial(_by_matches, 4),
    partial(
        _by_matches, 6
    ),  # of smooth renders half the bytes, of most cutouts a few per cent less
)
_TIGHT: tuple[Pack, ...] = (
    partial(_by_runs, cv2.IMWRITE_PNG_ALL_FILTERS),
    partial(_by_matches, 9),
)


def _sample(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return bands of rows from all over the picture."""
    height = pixels.shape[0]
    if height <= _BANDS * _BAND_ROWS:
        return pixels
    step = height // _BANDS
    tops = (band * step + step // 2 - _BAND_ROWS // 2 for band in range(_BANDS))
    return np.concatenate([pixels[top : top + _BAND_ROWS] for top in tops])


# --- what stands beside the pixels ----------------------------------------------------------------


def _tagged(data: bytes, tags: Tags) -> bytes:
    return data[:_AFTER_HEADER] + _chunks(tags) + data[_AFTER_HEADER:]


def _chunks(tags: Tags) -> bytes:
    made = []
    if tags.icc:
        made.append(_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(tags.icc)))
    if tags.dpi:
        across, down = (round(dots / _INCH) for dots in tags.dpi)
        made.append(_chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if tags.xmp:
        made.append(_chunk(b"iTXt", XMP_KEY.encode() + bytes(5) + tags.xmp))
    if tags.exif:
        made.append(_chunk(b"eXIf", tags.exif.removeprefix(b"Exif\0\0")))
    return b"".join(made)


def _chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))
