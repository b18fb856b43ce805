"""Picture -> bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from common.codec import archive, colour, exif, png, tiff, xmp
from common.codec.fitting import fitted, too_small
from common.codec.formats import CONTENT_TYPES, LOSSY, SUFFIXES, WITH_ALPHA, WRITES
from common.codec.planes import PER_LEVEL, widened
from common.codec.reading import Profile
from common.codec.tags import Tags
from common.composite import over
from common.errors import BadOptions
from common.image import OPAQUE, U8, Image

Exif = Literal["keep", "no-gps", "strip"]

QUALITY = 92
LOSSLESS = 100
_LONGEST = {"jpeg": 65_500, "webp": 16_383, "zip": 65_500, "avif": 65_536}  # by their formats
_FINE = 85  # from this quality on chroma is kept at full resolution: logos have coloured edges
_FULL_CHROMA, _HALF_CHROMA = 0, 2  # as Pillow counts them: 4:4:4 and 4:2:0
_QUICK_LOSSLESS = 75  # of WebP: how hard it tries
_DEEP = frozenset({"png", "tiff"})  # what 16 bits a channel are written in
_AVIF_SPEED = 8  # of 10; 6, the library's own, takes three times as long for 3 % fewer bytes


@dataclass(frozen=True)
class Output:
    """How a picture is written.

    Attributes
    ----------
    format
        One of `WRITES`.  ``alpha`` is the alpha alone, as gray PNG; ``zip`` holds ``colour.jpg``
        and ``alpha.png``.
    quality
        1..100 for JPEG, WebP, AVIF and the colour in a zip; WebP at 100 is lossless.
    profile
        ``keep`` writes the space the picture is in, ``srgb`` converts.
    exif
        ``keep``, ``no-gps`` (all but the place) or ``strip``.  The orientation is never written: it
        is in the pixels.
    background
        RGB that transparency stands on where the format holds none; None refuses such pictures.
    digital_source
        The IPTC's term where pixels were generated, such as `common.codec.COMPOSITE`; goes into the
        XMP.  A term that the source brought along is kept.
    max_bytes
        The largest file.  A lossy format's quality is lowered as far as that takes; a lossless one
        is packed tighter, or refused.
    """

    format: str = "png"
    quality: int = QUALITY
    profile: Profile = "keep"
    exif: Exif = "no-gps"
    background: tuple[int, int, int] | None = None
    digital_source: str = ""
    max_bytes: int | None = None


@dataclass(frozen=True)
class File:
    """A written picture.

    Attributes
    ----------
    data
        Its bytes.
    content_type, suffix
        Its media type, and its name's end with the dot.
    quality
        The quality that it was written in, where the format has one.
    notes
        What was lost or chosen while writing, in plain sentences, for the report.
    """

    data: bytes
    content_type: str
    suffix: str
    quality: int | None = None
    notes: tuple[str, ...] = ()


def encode(image: Image, output: Output | str = "png", quality: int = QUALITY) -> bytes:
    """Return the picture as a file's bytes; see `write`, which tells more.

    Parameters
    ----------
    output
        How to write it; a format's name is short for ``Output(format=name, quality=quality)``.
    """
    wanted = Output(output, quality) if isinstance(output, str) else output
    return write(image, wanted).data


def quick_jpeg(image: Image, quality: int = QUALITY) -> bytes:
    """Return an opaque picture as a JPEG without tags, made in one pass.

    For a wire: it takes half the time of `encode` and a twentieth more bytes, of the same pixels.
    """
    return _saved(image, "JPEG", {}, quality=quality, subsampling=_sampling(quality))


def write(image: Image, output: Output) -> File:
    """Return the picture as a file, and what there is to say of it.

    Raises
    ------
    BadOptions
        The format is not written, cannot hold the picture's size or alpha, or not in so few bytes.
    """
    _check(image, output)
    notes = []
    if image.alpha is not None and output.format not in WITH_ALPHA:
        image = _flattened(image, output)
        notes.append(_on_ground(output))
    if output.profile == "srgb":
        image = colour.in_srgb(image)
    depth = _notes_on_depth(image, output)
    data, quality = _fitting(image, output)
    name = output.format
    return File(data, CONTENT_TYPES[name], SUFFIXES[name], quality, (*notes, *depth))


# --- what can be written --------------------------------------------------------------------------


def _check(image: Image, output: Output) -> None:
    if output.format not in WRITES:
        raise BadOptions(
            f"{output.format!r} is not a format the studio writes.",
            advice=f"Ask for one of: {', '.join(WRITES)}.",
            field="format",
        )
    if not 1 <= output.quality <= LOSSLESS:
        raise BadOptions("A file's quality is a number from 1 to 100.", field="file_quality")
    longest = _LONGEST.get(output.format)
    if longest is not None and image.size.longest > longest:
        raise BadOptions(
            f"A {output.format} file holds at most {longest} pixels a side; this picture is "
            f"{image.size}.",
            advice="Ask for png or tiff.",
            field="format",
        )


def _flattened(image: Image, output: Output) -> Image:
    if output.background is None:
        raise BadOptions(
            f"A {output.format} file cannot hold transparency.",
            advice="Ask for png or webp, or put the subject on a background.",
            field="format",
        )
    return over(image, np.array(output.background, np.uint8))


def _on_ground(output: Output) -> str:
    red, green, blue = output.background or (0, 0, 0)
    ground = "white" if min(red, green, blue) == OPAQUE else f"#{red:02X}{green:02X}{blue:02X}"
    return f"A {output.format} file holds no transparency; the subject is on {ground}."


def _notes_on_depth(image: Image, output: Output) -> list[str]:
    deep = image.provenance.deep
    if deep is None or output.format == "alpha" or _carries(image, output):
        return []
    if output.format not in _DEEP:
        return [f"The source has more than 8 bits a channel; a {output.format} file has 8 here."]
    return ["The source has more than 8 bits a channel; its new frame was written in 8."]


def _carries(image: Image, output: Output) -> bool:
    deep = image.provenance.deep
    return deep is not None and output.format in _DEEP and deep.shape == image.rgb.shape


# --- packing --------------------------------------------------------------------------------------


def _fitting(image: Image, output: Output) -> tuple[bytes, int | None]:
    """Return the file, and its quality where the format has one."""
    tags = _tags(image, output)
    pack = partial(_PACKERS[output.format], image, tags)
    most = output.max_bytes
    if output.format in LOSSY:
        if most is None:
            return pack(output.quality), output.quality
        return fitted(pack, output.quality, most, output.format)
    data = pack(output.quality)
    if most is not None and len(data) > most:
        data = _tighter(image, tags, output, data)
    return data, None


def _tighter(image: Image, tags: Tags, output: Output, data: bytes) -> bytes:
    """Return a lossless file in as few bytes as it takes; depth is given up before the picture."""
    most = output.max_bytes or 0
    if output.format == "png":
        data = png.tightest(_pixels(image), tags)
    if len(data) > most:
        raise too_small(len(data), most, output.format)
    return data


def _tags(image: Image, output: Output) -> Tags:
    came = image.provenance
    keeps, with_gps = output.exif != "strip", output.exif == "keep"
    return Tags(
        icc=came.icc,
        dpi=came.dpi,
        exif=exif.kept(came.exif, image.size, with_gps=with_gps) if keeps else b"",
        xmp=xmp.packet(came.xmp, output.digital_source, keep=keeps, with_gps=with_gps),
    )


def _png(image: Image, tags: Tags, quality: int) -> bytes:
    del quality
    return png.packed(_deepest(image), tags)


def _deepest(image: Image) -> NDArray[Any]:
    """Return pixels (H, W, 3 or 4), uint16 where the source's own depth is there to be kept."""
    deep = image.provenance.deep
    if deep is None or deep.shape != image.rgb.shape:
        return _pixels(image)
    colour = widened(image.rgb, deep)
    if image.alpha is None:
        return colour
    return np.dstack([colour, image.alpha.astype(np.uint16) * np.uint16(PER_LEVEL)])


def _alpha(image: Image, tags: Tags, quality: int) -> bytes:
    del quality
    alpha = np.full(image.rgb.shape[:2], OPAQUE, np.uint8) if image.alpha is None else image.alpha
    return png.packed(np.ascontiguousarray(alpha), Tags(dpi=tags.dpi, xmp=tags.xmp))


def _zip(image: Image, tags: Tags, quality: int) -> bytes:
    visible = (
        image if image.alpha is None else replace(image, rgb=archive.bled(image.rgb, image.alpha))
    )
    return archive.zipped(_jpeg(visible.opaque(), tags, quality), _alpha(image, Tags(), quality))


def _jpeg(image: Image, tags: Tags, quality: int) -> bytes:
    return _saved(
        image,
        "JPEG",
        tags.for_pillow(dpi=True),
        quality=quality,
        subsampling=_sampling(quality),
        optimize=True,
    )


def _sampling(quality: int) -> int:
    return _FULL_CHROMA if quality >= _FINE else _HALF_CHROMA


def _webp(image: Image, tags: Tags, quality: int) -> bytes:
    lossless = quality >= LOSSLESS
    effort = _QUICK_LOSSLESS if lossless else quality
    return _saved(
        image,
        "WEBP",
        tags.for_pillow(dpi=False),
        quality=effort,
        lossless=lossless,
        exact=lossless,
        method=4,
    )


def _avif(image: Image, tags: Tags, quality: int) -> bytes:
    sampling = "4:4:4" if quality >= _FINE else "4:2:0"
    return _saved(
        image,
        "AVIF",
        tags.for_pillow(dpi=False),
        quality=quality,
        speed=_AVIF_SPEED,
        subsampling=sampling,
    )


def _tiff(image: Image, tags: Tags, quality: int) -> bytes:
    del quality
    return tiff.packed(_deepest(image), tags)


_PACKERS: dict[str, Callable[[Image, Tags, int], bytes]] = {
    "png": _png,
    "jpeg": _jpeg,
    "webp": _webp,
    "avif": _avif,
    "tiff": _tiff,
    "zip": _zip,
    "alpha": _alpha,
}


def _saved(image: Image, name: str, told: dict[str, Any], **how: Any) -> bytes:
    out = io.BytesIO()
    _as_pillow(image).save(out, name, **told, **how)
    return out.getvalue()


def _as_pillow(image: Image) -> PIL.Image.Image:
    return PIL.Image.fromarray(_pixels(image))


def _pixels(image: Image) -> U8:
    if image.alpha is None:
        return np.ascontiguousarray(image.rgb)
    rgba: U8 = cv2.merge([*cv2.split(np.ascontiguousarray(image.rgb)), image.alpha])
    return rgba
