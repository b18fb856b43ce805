"""Files that Pillow does not write, written here so that the codec can read them."""

from __future__ import annotations

import io
import struct

import numpy as np
import PIL.Image
import pillow_heif

from common.image import U16


def psd(picture: PIL.Image.Image) -> bytes:
    """Return an RGB picture as a Photoshop file with no layers: its composite alone, unpacked."""
    width, height = picture.size
    planes = np.asarray(picture.convert("RGB")).transpose(2, 0, 1).tobytes()
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3)
    return header + struct.pack(">IIIH", 0, 0, 0, 0) + planes


def heic(picture: PIL.Image.Image | U16) -> bytes:
    """Return a picture as HEIC, as well as that can be; uint16 (H, W, 3) as one of ten bits."""
    out = io.BytesIO()
    if isinstance(picture, PIL.Image.Image):
        file = pillow_heif.from_pillow(picture)
    else:
        size = (picture.shape[1], picture.shape[0])
        file = pillow_heif.from_bytes("RGB;16", size, picture.tobytes())
    file.save(out, format="HEIF", quality=-1, chroma=444)
    return out.getvalue()
