"""EXIF: what a camera wrote, with what may leave the house."""

from __future__ import annotations

import contextlib
import struct
from typing import Any

import PIL.Image
from PIL import ExifTags, TiffTags

from common.geometry import Size

_HEAD = b"Exif\0\0"
_STALE = (  # what the pixels no longer are
    ExifTags.Base.Orientation,
    ExifTags.Base.ImageWidth,
    ExifTags.Base.ImageLength,
    ExifTags.Base.Compression,
    ExifTags.Base.BitsPerSample,
    ExifTags.Base.SamplesPerPixel,
    ExifTags.Base.PhotometricInterpretation,
    ExifTags.Base.StripOffsets,
    ExifTags.Base.RowsPerStrip,
    ExifTags.Base.StripByteCounts,
    ExifTags.Base.PlanarConfiguration,
    ExifTags.Base.TileWidth,
    ExifTags.Base.TileLength,
    ExifTags.Base.TileOffsets,
    ExifTags.Base.TileByteCounts,
    ExifTags.Base.ExtraSamples,
    ExifTags.Base.JPEGTables,
    ExifTags.Base.XMLPacket,
    ExifTags.Base.InterColorProfile,
    ExifTags.Base.ImageResources,  # Photoshop's, with a thumbnail
    37724,  # Photoshop's layers
)
_TYPES = {  # as the standard has them; Pillow guesses from a value, and takes bytes for numbers
    TiffTags.LONG: (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight),
    TiffTags.UNDEFINED: (
        ExifTags.Base.OECF,
        ExifTags.Base.ComponentsConfiguration,
        ExifTags.Base.MakerNote,
        ExifTags.Base.UserComment,
        ExifTags.Base.SpatialFrequencyResponse,
        ExifTags.Base.FileSource,
        ExifTags.Base.SceneType,
        ExifTags.Base.DeviceSettingDescription,
    ),
    TiffTags.SIGNED_RATIONAL: (
        ExifTags.Base.ShutterSpeedValue,
        ExifTags.Base.BrightnessValue,
        ExifTags.Base.ExposureBiasValue,
        ExifTags.Base.AmbientTemperature,
        ExifTags.Base.WaterDepth,
        ExifTags.Base.CameraElevationAngle,
    ),
}
TiffTags.TAGS_V2_GROUPS[ExifTags.IFD.Exif].update(
    {tag: TiffTags.TagInfo(tag, tag.name, kind, 1) for kind, tags in _TYPES.items() for tag in tags}
)
_INTEROP = 0xA005  # an offset into the old file
_DAMAGE = (SyntaxError, ValueError, TypeError, KeyError, IndexError, OSError, OverflowError)
UPRIGHT = 1


def orientation(file: PIL.Image.Image) -> int:
    """Return how the picture is to be turned, 1..8 as EXIF has it; 1 where it does not say."""
    try:
        turned = file.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    except (*_DAMAGE, struct.error):
        return UPRIGHT
    return turned if isinstance(turned, int) and turned in range(1, 9) else UPRIGHT


def kept(exif: bytes, size: Size, *, with_gps: bool) -> bytes:
    """Return EXIF for a written picture of `size`; empty where nothing of it can be read.

    The orientation is in the pixels by now, and a thumbnail would show what was changed: both stay
    behind.  So does the place, unless it is asked for.
    """
    if not exif:
        return b""
    tags = PIL.Image.Exif()
    try:
        tags.load(exif if exif.startswith(_HEAD) else _HEAD + exif)
        camera = dict(tags.get_ifd(ExifTags.IFD.Exif))
        place = dict(tags.get_ifd(ExifTags.IFD.GPSInfo)) if with_gps else {}
        for tag in (*_STALE, ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            with contextlib.suppress(KeyError):
                del tags[tag]
        camera.pop(_INTEROP, None)
        for tag, pixels in ((0xA002, size.width), (0xA003, size.height)):
            if tag in camera:
                camera[tag] = pixels
        for ifd, content in ((ExifTags.IFD.Exif, camera), (ExifTags.IFD.GPSInfo, place)):
            if content:
                tags[ifd] = content
        return tags.tobytes() if len(tags) else b""
    except (*_DAMAGE, struct.error):
        return b""


def listed(exif: bytes) -> dict[int, Any]:
    """Return written EXIF as tags and values, its directories nested."""
    tags = PIL.Image.Exif()
    if exif:
        tags.load(exif)
    nested = {ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo}
    return {tag: tags.get_ifd(tag) if tag in nested else value for tag, value in tags.items()}


def of(file: PIL.Image.Image) -> bytes:
    """Return the EXIF block of a picture just opened; a TIFF's is its own directory."""
    raw = file.info.get("exif")
    if isinstance(raw, bytes):
        return raw
    if file.format != "TIFF":
        return b""
    with contextlib.suppress(*_DAMAGE, struct.error):
        return file.getexif().tobytes()
    return b""
