"""Bytes <-> picture: the only room that knows file formats.

Pillow does the reading and writing (docs/decisions/0003-pillow-is-the-codec.md).  Formats are told
by content, never by name, and limits hold before a pixel is decoded.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import PIL.Image
import PIL.ImageOps

from common.errors import BadOptions, BrokenPicture, PictureTooLarge, UnsupportedPicture
from common.image import U8, Image, Provenance

READS = ("jpeg", "png", "webp", "tiff", "bmp", "gif")
WRITES = ("png", "jpeg", "webp")
CONTENT_TYPES = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "bmp": "image/bmp",
    "gif": "image/gif",
}
SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
WITH_ALPHA = frozenset({"png", "webp"})

# Pillow's own guard is a process-wide number with a warning; `Limits` is checked per call instead.
PIL.Image.MAX_IMAGE_PIXELS = None

# What Pillow's decoders raise on damaged files; anything else is a defect and may be seen as one.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    AttributeError,
    NotImplementedError,
    struct.error,
    zlib.error,
)

_MPO = "mpo"  # several JPEGs in one file, as phones write it: the first one is the photo
_PNG_LEVEL = 4  # level 6 takes twice the time for 2 % fewer bytes on photos
_LOSSLESS = 100


@dataclass(frozen=True)
class Limits:
    """What may be decoded at all.

    Attributes
    ----------
    max_bytes
        Largest file.
    max_pixels
        Most pixels by the file's header.
    """

    max_bytes: int = 50_000_000
    max_pixels: int = 100_000_000


def sniff(data: bytes) -> str | None:
    """Return the format's short name by the first bytes, or None where it is no known picture."""
    for name, matches in _MAGIC.items():
        if matches(data):
            return name
    return None


_MAGIC: dict[str, Callable[[bytes], bool]] = {
    "jpeg": lambda data: data.startswith(b"\xff\xd8\xff"),
    "png": lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"),
    "webp": lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP",
    "tiff": lambda data: data[:4] in {b"II*\0", b"MM\0*"},
    "bmp": lambda data: data.startswith(b"BM"),
    "gif": lambda data: data[:6] in {b"GIF87a", b"GIF89a"},
}


def decode(data: bytes, limits: Limits | None = None) -> Image:
    """Return the picture in `data`, upright by its EXIF orientation.

    Of several frames the first is taken; deeper pixels become 8 bits; CMYK and gray become RGB;
    what is lost by that is said in the provenance's notes.

    Raises
    ------
    PictureTooLarge
        More bytes, or by its header more pixels, than `limits` allow.
    UnsupportedPicture
        Not one of `READS`.
    BrokenPicture
        The bytes do not hold what their beginning promises.
    """
    limits = limits or Limits()
    _check_bytes(data, limits)
    name = sniff(data)
    if name is None:
        raise UnsupportedPicture(
            "The file is not a picture the studio reads.",
            advice=f"Send one of: {', '.join(READS)}.",
        )
    try:
        with _opened(data, name) as file:
            _check_pixels(file, limits)
            return _decoded(file, name)
    except _DAMAGE as error:
        raise BrokenPicture(
            f"The {name} file is damaged and cannot be decoded.",
            advice="Export or download it again.",
        ) from error


def encode(image: Image, format: str, quality: int = 92) -> bytes:
    """Return the picture as a file, with the colour profile and resolution it came with.

    Parameters
    ----------
    format
        One of `WRITES`.
    quality
        1..100 for JPEG and WebP; WebP at 100 is lossless.

    Raises
    ------
    BadOptions
        The format is not written, or cannot hold the picture's alpha.
    """
    if format not in WRITES:
        raise BadOptions(
            f"{format!r} is not a format the studio writes.",
            advice=f"Ask for one of: {', '.join(WRITES)}.",
            field="format",
        )
    if image.alpha is not None and format not in WITH_ALPHA:
        raise BadOptions(
            f"A {format} file cannot hold transparency.",
            advice="Ask for png or webp, or put the subject on a background.",
            field="format",
        )
    out = io.BytesIO()
    _as_pillow(image).save(out, format.upper(), **_parameters(image, format, quality))
    return out.getvalue()


def format_of(suffix: str) -> str:
    """Return the format that a file name's suffix (``.jpg``) asks for.

    Raises
    ------
    BadOptions
        The studio does not write such files.
    """
    name = suffix.lower().removeprefix(".")
    name = "jpeg" if name == "jpg" else name
    if name not in WRITES:
        raise BadOptions(
            f"The studio does not write {suffix or 'files without a suffix'}.",
            advice="Name the output .png, .jpg or .webp.",
            field="output",
        )
    return name


# --- reading --------------------------------------------------------------------------------------


def _check_bytes(data: bytes, limits: Limits) -> None:
    if not data:
        raise UnsupportedPicture("The file is empty.", advice="Send a picture.")
    if len(data) > limits.max_bytes:
        raise PictureTooLarge(
            f"The file has {len(data):,} bytes; the limit is {limits.max_bytes:,}.",
            advice="Send a smaller file.",
        )


def _opened(data: bytes, name: str) -> PIL.Image.Image:
    formats = [name.upper(), _MPO.upper()] if name == "jpeg" else [name.upper()]
    return PIL.Image.open(io.BytesIO(data), formats=formats)


def _check_pixels(file: PIL.Image.Image, limits: Limits) -> None:
    width, height = file.size
    if width * height > limits.max_pixels:
        raise PictureTooLarge(
            f"The picture has {width} x {height} pixels; the limit is "
            f"{limits.max_pixels / 1e6:g} megapixels.",
            advice="Send a smaller picture.",
        )


def _decoded(file: PIL.Image.Image, name: str) -> Image:
    notes = []
    frames = getattr(file, "n_frames", 1)
    if frames > 1 and file.format != _MPO.upper():
        notes.append(f"The file holds {frames} frames; the first was used.")
    icc, dpi, mode = file.info.get("icc_profile"), file.info.get("dpi"), file.mode
    file.load()
    upright = PIL.ImageOps.exif_transpose(file)
    notes += _notes_on(mode)
    colour, alpha = _planes(upright)
    return Image(
        colour, alpha, Provenance(name, icc if _is_rgb_profile(icc) else None, dpi, tuple(notes))
    )


def _notes_on(mode: str) -> list[str]:
    if mode.startswith(("I", "F")):
        return ["The picture has more than 8 bits a channel; it was worked on, and written, in 8."]
    if mode == "CMYK":
        return ["The picture is CMYK; it was converted to RGB without its print profile."]
    return []


def _is_rgb_profile(icc: bytes | None) -> bool:
    """Tell whether a profile describes RGB; a gray or CMYK one would be wrong beside RGB pixels."""
    return icc is not None and icc[16:20] == b"RGB "


def _planes(file: PIL.Image.Image) -> tuple[U8, U8 | None]:
    if file.mode.startswith(("I", "F")):
        file = _narrowed(file)
    if not file.has_transparency_data:
        return np.array(file.convert("RGB")), None
    rgba = np.array(file.convert("RGBA"))
    return np.ascontiguousarray(rgba[..., :3]), np.ascontiguousarray(rgba[..., 3])


def _narrowed(file: PIL.Image.Image) -> PIL.Image.Image:
    """Return deep gray as 8-bit gray; Pillow's own conversion would clip instead of scale."""
    values = np.asarray(file, dtype=np.float64)
    top = 65535.0 if file.mode.startswith("I") else max(1.0, float(np.nanmax(values)))
    scaled = np.clip(np.nan_to_num(values) * (255.0 / top), 0, 255)
    return PIL.Image.fromarray(np.rint(scaled).astype(np.uint8))


# --- writing --------------------------------------------------------------------------------------


def _as_pillow(image: Image) -> PIL.Image.Image:
    if image.alpha is None:
        return PIL.Image.fromarray(np.ascontiguousarray(image.rgb))
    return PIL.Image.fromarray(np.dstack([image.rgb, image.alpha]))


def _parameters(image: Image, format: str, quality: int) -> dict[str, object]:
    parameters: dict[str, object] = {}
    if image.provenance.icc is not None:
        parameters["icc_profile"] = image.provenance.icc
    if image.provenance.dpi is not None and format != "webp":
        parameters["dpi"] = image.provenance.dpi
    match format:
        case "png":
            parameters["compress_level"] = _PNG_LEVEL
        case "jpeg":
            parameters |= {"quality": quality, "subsampling": 0}
        case "webp":
            lossless = quality >= _LOSSLESS
            parameters |= {"quality": quality, "lossless": lossless, "exact": True, "method": 4}
    return parameters
