"""Bytes <-> picture: the only room that knows file formats, profiles and metadata.

    image = decode(data, Limits(), profile="keep")
    data = encode(image, Output(format="jpeg", quality=90, background=(255, 255, 255)))
    file = write(image, Output(format="webp", max_bytes=200_000))    # tells quality and notes too

Formats are told by content, never by name, and limits hold before a pixel is decoded.  Pillow, cv2
and libheif do the reading and writing (docs/decisions/0003 and 0008).
"""

from common.codec.colour import in_profile, in_srgb, srgb
from common.codec.formats import (
    CONTENT_TYPES,
    READS,
    SUFFIXES,
    WITH_ALPHA,
    WRITES,
    format_of,
    sniff,
)
from common.codec.limits import Limits
from common.codec.reading import Profile, decode
from common.codec.writing import QUALITY, Exif, File, Output, encode, quick_jpeg, write
from common.codec.xmp import COMPOSITE, TRAINED, term_in

__all__ = [
    "COMPOSITE",
    "CONTENT_TYPES",
    "QUALITY",
    "READS",
    "SUFFIXES",
    "TRAINED",
    "WITH_ALPHA",
    "WRITES",
    "Exif",
    "File",
    "Limits",
    "Output",
    "Profile",
    "decode",
    "encode",
    "format_of",
    "in_profile",
    "in_srgb",
    "quick_jpeg",
    "sniff",
    "srgb",
    "term_in",
    "write",
]
