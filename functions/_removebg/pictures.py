"""From the studio's cutout to the picture that remove.bg's API would give."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace

import numpy as np

from common import codec
from common.composite import covering, over
from common.errors import NothingFound
from common.geometry import Box, Size
from common.image import OPAQUE, U8, Image
from common.operations.arranging import alpha_of, at_most, placed, trimmed
from common.operations.framing import subject_box
from functions._removebg.fields import Asked

WHITE = (255, 255, 255)
FORMATS = {"jpg": "jpeg"}  # where its name there is not its name here
ZIP_NAMES = {"colour.jpg": "color.jpg", "alpha.png": "alpha.png"}


@dataclass(frozen=True)
class Result:
    """A finished picture.

    Attributes
    ----------
    file
        As it is sent.
    size
        In pixels.
    foreground
        Where the subject is in the source.
    """

    file: codec.File
    size: Size
    foreground: Box


def finish(cutout: Image, asked: Asked, backdrop: Image | None) -> Result:
    """Return the cutout as it was asked for.

    Raises
    ------
    NothingFound
        There is no subject to be seen.
    """
    subject = subject_box(alpha_of(cutout))
    if subject is None:
        raise NothingFound("No subject was found in the picture.", advice="Name its region: roi.")
    picture = _arranged(cutout, subject, asked)
    picture = at_most(picture, asked.pixels)
    if asked.channels == "alpha":
        file = codec.write(picture, codec.Output(format="alpha"))
    else:
        file = _written(_grounded(picture, asked, backdrop), asked)
    return Result(file, picture.size, subject)


def _arranged(cutout: Image, subject: Box, asked: Asked) -> Image:
    if asked.crop:
        return trimmed(cutout, subject, asked.margins(subject.size))
    return placed(cutout, subject, asked.scale, asked.position)


def _grounded(picture: Image, asked: Asked, backdrop: Image | None) -> Image:
    """Return the picture on what is to be behind it."""
    if backdrop is not None:
        return over(picture, covering(over(backdrop, _colour(WHITE)).rgb, picture.size))
    if asked.bg_color is None:
        return picture
    red, green, blue, *opacity = bytes.fromhex(asked.bg_color)
    if not opacity or opacity[0] == OPAQUE:
        return over(picture, _colour((red, green, blue)))
    return _on_glass(picture, (red, green, blue), opacity[0])


def _on_glass(picture: Image, colour: tuple[int, int, int], opacity: int) -> Image:
    """Return the picture over a colour that is itself half transparent; straight alpha."""
    front = alpha_of(picture).astype(np.float32)[..., None] / OPAQUE
    back = (1 - front) * np.float32(opacity / OPAQUE)
    alpha = front + back
    mixed = picture.rgb * front + np.array(colour, np.float32) * back
    rgb = np.rint(mixed / np.maximum(alpha, 1e-6)).clip(0, OPAQUE).astype(np.uint8)
    return replace(picture, rgb=rgb, alpha=np.rint(alpha[..., 0] * OPAQUE).astype(np.uint8))


def _colour(colour: tuple[int, int, int]) -> U8:
    return np.array(colour, np.uint8)


def _written(picture: Image, asked: Asked) -> codec.File:
    opaque = picture.alpha is None
    format = ("jpg" if opaque else "png") if asked.format == "auto" else asked.format
    output = codec.Output(format=FORMATS.get(format, format), background=WHITE)
    if format == "zip" and opaque:
        picture = replace(picture, alpha=alpha_of(picture))
    file = codec.write(picture, output)
    return replace(file, data=_renamed(file.data)) if format == "zip" else file


def _renamed(archive: bytes) -> bytes:
    """Return an archive with the names that callers of that API look for."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(out, "w") as target:
        for entry in source.infolist():
            renamed = zipfile.ZipInfo(ZIP_NAMES[entry.filename], entry.date_time)
            target.writestr(renamed, source.read(entry))
    return out.getvalue()
