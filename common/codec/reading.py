"""Bytes -> picture."""

from __future__ import annotations

import struct
import warnings
import zlib
from typing import Any, Literal

import cv2
import numpy as np
import PIL.Image

from common.codec import boxes, colour, exif, heif, limits
from common.codec.formats import READS, sniff
from common.codec.jpeg import quality_of
from common.codec.limits import Limits, OutOfTime, Timed
from common.codec.planes import Planes, planes_of
from common.errors import BrokenPicture, UnsupportedPicture
from common.image import Image, Provenance

Profile = Literal["keep", "srgb"]

# Pillow's own guard is a process-wide number with a warning; `Limits` is checked per call instead.
PIL.Image.MAX_IMAGE_PIXELS = None
# What it can live with in a file it tells in its own words, amid a user's screen or a server's log.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

# What decoders raise on damaged files; anything else is a defect and may be seen as one.
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
    RuntimeError,
    struct.error,
    zlib.error,
)

_ALSO = {"jpeg": ("MPO",)}  # several JPEGs in one file, as phones write it: the first is the photo
_LAYERED = {"psd", "jpeg"}  # Pillow counts layers, and a phone's second views, as frames
_PLAIN, _DEEP = 8, 16  # bits a channel
_SRGB_GAMMA, _GAMMA_TOLERANCE = 0.45455, 0.02  # of a PNG's gAMA chunk


def decode(data: bytes, limits: Limits | None = None, profile: Profile = "keep") -> Image:
    """Return the picture in `data`, upright by its EXIF orientation.

    Of several frames the first is taken.  An RGB picture keeps its own profile; CMYK, LAB and gray
    with a profile become sRGB.  Colour beyond 8 bits goes along in ``provenance.deep``.  What is
    lost or chosen is said in ``provenance.notes``.

    Parameters
    ----------
    limits
        What is refused before a pixel is decoded.
    profile
        ``srgb`` converts the colours to sRGB.

    Raises
    ------
    PictureTooLarge
        More bytes, or by its header more pixels, frames or passes, than `limits` allow.
    UnsupportedPicture
        Not one of `READS`.
    BrokenPicture
        The bytes do not hold what their beginning promises, or take too long to decode.
    """
    limits = limits or Limits()
    image = _decoded(data, limits)
    return colour.in_srgb(image) if profile == "srgb" else image


def _decoded(data: bytes, allowed: Limits) -> Image:
    limits.check_bytes(data, allowed)
    name = sniff(data)
    if name is None:
        raise UnsupportedPicture(
            "The file is not a picture the studio reads.",
            advice=f"Send one of: {', '.join(READS)}.",
        )
    try:
        if name in {"avif", "heic"}:
            limits.check_shape(boxes.largest(data) or (1, 1), allowed)
        return _from_heic(data, allowed) if name == "heic" else _from_pillow(data, name, allowed)
    except OutOfTime:
        raise BrokenPicture(
            f"The {name} file is not decoded after {allowed.seconds:g} seconds.",
            advice="Export it again, smaller or in another format.",
        ) from None
    except _DAMAGE as error:
        raise BrokenPicture(
            f"The {name} file is damaged and cannot be decoded.",
            advice="Export or download it again.",
        ) from error


# --- through Pillow -------------------------------------------------------------------------------


def _from_pillow(data: bytes, name: str, allowed: Limits) -> Image:
    notes = _note_frames(data, name, allowed) if name in {"gif", "tiff"} else []
    if name == "gif":
        limits.check_shape(limits.gif_size(data), allowed)
    formats = [name.upper(), *_ALSO.get(name, ())]
    with PIL.Image.open(Timed(data, allowed.seconds), formats=formats) as file:
        limits.check_shape(file.size, allowed)
        if name == "jpeg":
            limits.check_passes(data, file.size)
        if name not in {"gif", "tiff", *_LAYERED}:
            notes += _frames_note(getattr(file, "n_frames", 1), allowed)
        icc, dpi = file.info.get("icc_profile"), file.info.get("dpi")
        file.load()
        block, packet, turn = exif.of(file), _xmp_of(file), exif.orientation(file)
        notes += _colour_notes(file, icc) + _unheard(file, data, name, icc)
        planes = _planes(file, data, name, icc).turned(turn)
        came = Provenance(
            format=name,
            icc=_profile_after(file.mode, icc),
            dpi=_resolution(dpi),
            notes=tuple(notes),
            exif=block,
            xmp=packet,
            deep=planes.deep,
            file_bytes=len(data),
            jpeg_quality=quality_of(getattr(file, "quantization", {})),
        )
    return Image(planes.rgb, planes.alpha, came)


def _note_frames(data: bytes, name: str, allowed: Limits) -> list[str]:
    count = limits.gif_frames if name == "gif" else limits.tiff_pages
    return _frames_note(count(data, allowed.max_frames), allowed)


def _frames_note(frames: int, allowed: Limits) -> list[str]:
    limits.check_frames(frames, allowed)
    return [f"The file holds {frames} frames; the first was used."] if frames > 1 else []


def _xmp_of(file: PIL.Image.Image) -> bytes:
    packet = file.info.get("xmp", b"")
    return packet.encode() if isinstance(packet, str) else bytes(packet or b"")


def _resolution(dpi: Any) -> tuple[float, float] | None:
    try:
        across, down = float(dpi[0]), float(dpi[1])
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 1e5 and 0 < down < 1e5 else None


def _colour_notes(file: PIL.Image.Image, icc: bytes | None) -> list[str]:
    if file.mode == "CMYK":
        how = "by" if colour.space_of(icc) == "CMYK" else "without"
        return [f"The picture is CMYK; it was converted to sRGB {how} its print profile."]
    if file.mode == "LAB":
        return ["The picture is in LAB; it was converted to sRGB."]
    return []


def _unheard(file: PIL.Image.Image, data: bytes, name: str, icc: bytes | None) -> list[str]:
    """Return what the file says of its colours and is not followed."""
    if name == "avif":
        notes = _unheard_space(data, icc)
        if boxes.depth(data) > _PLAIN:
            notes.append("The AVIF has more than 8 bits a channel; it was read in 8.")
        return notes
    gamma = file.info.get("gamma", _SRGB_GAMMA) if name == "png" and not icc else _SRGB_GAMMA
    if abs(gamma - _SRGB_GAMMA) > _GAMMA_TOLERANCE and "srgb" not in file.info:
        return [f"The PNG names a gamma of {gamma:.3g}; its colours were taken for sRGB."]
    return []


def _unheard_space(data: bytes, icc: bytes | None) -> list[str]:
    space = "" if icc else boxes.colours(data)
    return [f"The file's colours are in {space}; they were taken for sRGB."] if space else []


def _profile_after(mode: str, icc: bytes | None) -> bytes | None:
    """Return the profile of the RGB pixels that a picture of a mode became."""
    if colour.space_of(icc) == "RGB":
        return icc
    return colour.srgb() if mode in {"CMYK", "LAB"} else None


def _planes(file: PIL.Image.Image, data: bytes, name: str, icc: bytes | None) -> Planes:
    if _is_deep(file, data, name):
        deep = _deep(file, data)
        if deep is not None:
            return deep
    if file.mode.startswith(("I", "F")):
        return planes_of(_scaled(file))
    if file.has_transparency_data:
        return planes_of(np.asarray(file.convert("RGBA")))
    if file.mode in {"CMYK", "LAB"} or (file.mode == "L" and colour.space_of(icc) == "GRAY"):
        file = colour.rgb_of(file, icc)
    return planes_of(np.array(file if file.mode == "RGB" else file.convert("RGB")))


# --- deeper than 8 bits ---------------------------------------------------------------------------


def _is_deep(file: PIL.Image.Image, data: bytes, name: str) -> bool:
    if name == "png":
        return data[24] == _DEEP and limits.png_is_whole(data)
    bits = getattr(file, "tag_v2", {}).get(258, ()) if name == "tiff" else ()
    return set(bits) == {_DEEP} and file.mode in {"RGB", "RGBA", "I;16", "I;16B", "I;16L"}


def _deep(file: PIL.Image.Image, data: bytes) -> Planes | None:
    """Return all 16 bits, which Pillow keeps of gray only; None where OpenCV reads them otherwise.

    Pillow has decoded the file before: what is damaged was refused by then.
    """
    read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if read is None or read.dtype != np.uint16 or read.shape[:2] != (file.height, file.width):
        return None
    if read.ndim == 3:
        return planes_of(read[..., [2, 1, 0, 3][: read.shape[2]]])
    clear = file.info.get("transparency")
    if not isinstance(clear, int):
        return planes_of(read)
    return planes_of(np.dstack([read, np.where(read == clear, 0, 65535).astype(np.uint16)]))


def _scaled(file: PIL.Image.Image) -> Any:
    """Return deep gray as uint16; Pillow's own conversion would clip instead of scale."""
    values = np.asarray(file, dtype=np.float64)
    top = 65535.0 if file.mode.startswith("I") else max(1.0, float(np.nanmax(values)))
    scaled = np.clip(np.nan_to_num(values) * (65535.0 / top), 0, 65535)
    return np.rint(scaled).astype(np.uint16)


# --- HEIC -----------------------------------------------------------------------------------------


def _from_heic(data: bytes, allowed: Limits) -> Image:
    file = heif.opened(data)
    limits.check_shape(file.size, allowed)
    icc = file.info.get("icc_profile") or None
    notes = _frames_note(len(file), allowed) + _unheard_space(data, icc)
    planes = heif.planes(file)
    came = Provenance(
        format="heic",
        icc=icc if colour.space_of(icc) == "RGB" else None,
        notes=tuple(notes),
        exif=file.info.get("exif") or b"",
        xmp=file.info.get("xmp") or b"",
        deep=planes.deep,
        file_bytes=len(data),
    )
    return Image(planes.rgb, planes.alpha, came)
