"""Files that Pillow does not write, written here so that the codec can read them."""

from __future__ import annotations

import io
import struct

import numpy as np
import PIL.Image
import pillow_heif


def psd(picture: PIL.Image.Image) -> bytes:
    """Return an RGB picture as a Photoshop file with no layers: its composite alone, unpacked."""
    width, height = picture.size
    planes = np.asarray(picture.convert("RGB")).transpose(2, 0, 1).tobytes()
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3)
    return header + struct.pack(">IIIH", 0, 0, 0, 0) + planes


def heic(picture: PIL.Image.Image) -> bytes:
    """Return a picture as HEIC, as well as that can be without loss."""
    out = io.BytesIO()
    pillow_heif.from_pillow(picture).save(out, format="HEIF", quality=-1)
    return out.getvalue()
