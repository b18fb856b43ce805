"""PNG: how it is packed, and 16 bits a channel, which Pillow does not write.

Photos pack best, and fastest, where only runs are matched (zlib's ``Z_RLE``): their noise repeats
nowhere else, and the filters have made runs of the rest.  Graphics do repeat; which of the two a
picture is, a few of its rows tell.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import PIL.Image
from PIL.PngImagePlugin import PngInfo

from common.codec.tags import Tags
from common.image import U16

XMP_KEY = "XML:com.adobe.xmp"
_RUNS: dict[str, int] = {"compress_level": 4, "compress_type": 3}  # zlib's Z_RLE
_MATCHES: dict[str, int] = {"compress_level": 4}  # 6 takes twice the time for 2 % fewer bytes
_HARDEST = {"compress_level": 9}
_BANDS, _BAND_ROWS = 8, 32  # of the sample
_INCH = 0.0254  # metres
_AFTER_HEADER = 33  # bytes: the signature and the IHDR chunk


def settings(picture: PIL.Image.Image) -> dict[str, int]:
    """Return Pillow's settings under which the picture packs well, told by a sample of its rows."""
    sample = _sample(picture)
    return min((_RUNS, _MATCHES), key=lambda how: len(packed(sample, Tags(), how)))


def packed(picture: PIL.Image.Image, tags: Tags, how: dict[str, int]) -> bytes:
    """Return the PNG of an 8-bit picture."""
    saved: dict[str, Any] = {**how, **tags.for_pillow(dpi=True)}
    if tags.xmp:
        saved["pnginfo"] = PngInfo()
        saved["pnginfo"].add_itxt(XMP_KEY, tags.xmp.decode())
    saved.pop("xmp", None)
    out = io.BytesIO()
    picture.save(out, "PNG", **saved)
    return out.getvalue()


def tightest(picture: PIL.Image.Image, tags: Tags) -> bytes:
    """Return the PNG of an 8-bit picture in as few bytes as it takes, in as much time."""
    return min((packed(picture, tags, {**how, **_HARDEST}) for how in (_RUNS, _MATCHES)), key=len)


def packed_deep(pixels: U16, tags: Tags) -> bytes:
    """Return the PNG of 16-bit RGB or RGBA pixels (H, W, 3 or 4)."""
    order = [2, 1, 0, 3][: pixels.shape[2]]
    how = [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    how += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_PAETH]
    _, file = cv2.imencode(".png", np.ascontiguousarray(pixels[..., order]), how)
    data: bytes = file.tobytes()
    return data[:_AFTER_HEADER] + _chunks(tags) + data[_AFTER_HEADER:]


def _sample(picture: PIL.Image.Image) -> PIL.Image.Image:
    width, height = picture.size
    if height <= _BANDS * _BAND_ROWS:
        return picture
    step = height // _BANDS
    sample = PIL.Image.new(picture.mode, (width, _BANDS * _BAND_ROWS))
    for band in range(_BANDS):
        top = band * step
        rows = picture.crop((0, top, width, top + _BAND_ROWS))
        sample.paste(rows, (0, band * _BAND_ROWS))
    return sample


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
