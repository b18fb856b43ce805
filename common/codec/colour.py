"""Colour profiles: which space pixels are in, and the way from one to another, through littlecms.

The default is to convert nothing: a picture is worked on in its own RGB space and keeps its
profile, so that pixels which need not change stay as they are.  What is in no RGB space (CMYK, LAB,
gray with a profile) becomes sRGB on purpose, and so does what a model is shown.
"""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache, lru_cache

import numpy as np
import PIL.Image
from PIL import ImageCms

from common.errors import BrokenPicture
from common.image import U8, Image

_DATE = slice(24, 36)  # of a profile's header: littlecms writes the time of the day there
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
_LATTICE = 9  # colours a channel by which a profile is compared with sRGB
_SAME = 2  # levels: versions of sRGB differ by that much from each other
_SPACE = slice(16, 20)  # of a profile's header


@cache
def srgb() -> bytes:
    """Return a profile of sRGB, the same bytes every time."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_DATE] = bytes(12)
    return bytes(profile)


def space_of(icc: bytes | None) -> str:
    """Return the colour space a profile says it is for (``RGB``, ``CMYK``), or nothing."""
    return icc[_SPACE].decode("latin-1").strip() if icc else ""


@lru_cache(maxsize=16)
def is_srgb(icc: bytes | None) -> bool:
    """Whether numbers in this profile mean what they mean in sRGB; no profile is sRGB.

    One that littlecms cannot read is taken for sRGB too: there is nothing better to do with it.
    """
    if icc is None or icc == srgb():
        return True
    steps = np.linspace(0, 255, _LATTICE).astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    try:
        seen = _through(lattice, icc, srgb())
    except ImageCms.PyCMSError:
        return True
    return int(np.abs(seen.astype(np.int16) - lattice).max()) <= _SAME


def between(rgb: U8, source: bytes | None, target: bytes | None) -> U8:
    """Return pixels (H, W, 3) of one profile's space as those of another's; None is sRGB."""
    start, end = _usable(source), _usable(target)
    return rgb if start == end else _through(rgb, start, end)


def in_profile(image: Image, icc: bytes | None) -> Image:
    """Return the picture in another space, and tagged so; its deeper pixels are left behind."""
    rgb = between(image.rgb, image.provenance.icc, icc)
    if rgb is image.rgb and image.provenance.icc == icc:
        return image
    deep = image.provenance.deep if rgb is image.rgb else None
    return replace(image, rgb=rgb, provenance=replace(image.provenance, icc=icc, deep=deep))


def in_srgb(image: Image) -> Image:
    """Return the picture in sRGB, tagged so where it had a profile at all."""
    return image if image.provenance.icc is None else in_profile(image, srgb())


def rgb_of(file: PIL.Image.Image, icc: bytes | None) -> PIL.Image.Image:
    """Return a CMYK, LAB or gray picture as sRGB, by its profile where it has a fitting one.

    Raises
    ------
    BrokenPicture
        The profile cannot be used.
    """
    source = _profile_for(file.mode, icc)
    if source is None:
        return file.convert("RGB")
    try:
        converted = ImageCms.profileToProfile(
            file, source, _opened(srgb()), _INTENT, outputMode="RGB", flags=_FLAGS
        )
    except ImageCms.PyCMSError:
        return file.convert("RGB")
    if converted is None:
        raise BrokenPicture(
            "The picture's colours cannot be converted.", advice="Export it as RGB."
        )
    return converted


def _profile_for(mode: str, icc: bytes | None) -> ImageCms.ImageCmsProfile | None:
    if mode == "LAB":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    wanted = {"CMYK": "CMYK", "L": "GRAY"}.get(mode)
    try:
        return _opened(icc) if icc and space_of(icc) == wanted else None
    except (OSError, ImageCms.PyCMSError):
        return None


def _usable(icc: bytes | None) -> bytes:
    return srgb() if icc is None or is_srgb(icc) else icc


def _opened(icc: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(icc))


def _through(rgb: U8, source: bytes, target: bytes) -> U8:
    try:
        transform = ImageCms.buildTransform(
            _opened(source), _opened(target), "RGB", "RGB", _INTENT, _FLAGS
        )
    except OSError as error:
        raise ImageCms.PyCMSError(error) from error
    picture = PIL.Image.fromarray(np.ascontiguousarray(rgb))
    ImageCms.applyTransform(picture, transform, inPlace=True)
    return np.array(picture)
