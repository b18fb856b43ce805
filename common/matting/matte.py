"""The two ways to a matte: with the photo a render was made of, and from a render alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2

from common.fields import as_bytes, as_float
from common.geometry import Size
from common.image import F32, U8
from common.matting import gates
from common.matting.backing import find_key
from common.matting.edges import drawn_by_photo
from common.matting.finish import finished
from common.matting.guided import Layers, aligned, background, green_of_its_own
from common.matting.interior import levelled
from common.matting.keyer import Keyed, key_render
from common.matting.keys import Key, turned, turned_field
from common.matting.registration import register
from common.renders import refuse_unfit
from common.verdict import Verdict

_WORTH_SHRINKING = 0.9  # a render nearly as large as the photo is worked at the photo's size
_SAME_SIZE = 1.2  # a picture with hardly more pixels than wanted is left as it is


@dataclass(frozen=True)
class Matte:
    """A cutout.

    Attributes
    ----------
    rgb
        uint8 (H, W, 3), straight colour; where alpha is 255, the photo's own bytes.
    alpha
        uint8 (H, W).
    verdict
        What the gates say, with the scores ``backing``, ``alignment``, ``spill``, ``holes``,
        ``cut_off`` and ``drift`` (see `common.matting.gates`).
    """

    rgb: U8
    alpha: U8
    verdict: Verdict


def cut(photo: U8, render: U8, key: Key | None, material: str = "") -> Matte:
    """Cut the subject out of a photo, led by a render of it on a flat backing.

    Parameters
    ----------
    photo
        uint8 RGB (H, W, 3): what the model was shown, at its full size.
    render
        uint8 RGB (h, w, 3), any size, about the photo's ratio.
    key
        The backing; None measures it at the render's border.
    material
        ``opaque``, ``translucent``, ``fine``, or empty where unknown.

    Returns
    -------
    The matte at the photo's size, colour from the photo.  A bad one is returned too: its verdict
    says so.

    Raises
    ------
    UnfitRender
        The render is of another ratio, too small, or of one colour.
    """
    refuse_unfit(render, Size(photo.shape[1], photo.shape[0]))
    key = key or find_key(render)
    size = _working_size(photo, render)
    small_photo = as_float(turned(_shrunk(photo, size), key))
    keyed = key_render(turned(_shrunk(render, size), key))
    layers, agreement = _layers(small_photo, keyed)
    drawn = drawn_by_photo(layers.alpha, small_photo)
    solid = replace(layers, alpha=levelled(drawn, material))
    rgb, alpha = finished(photo, solid, key)
    scores = gates.measured(
        small_photo,
        layers,
        turned_field(as_float(_shrunk(rgb, size)), key),
        as_float(_shrunk(alpha, size)),
    )
    scores["backing"] = keyed.backing.border_share
    scores["alignment"] = max(scores["alignment"], agreement)
    return Matte(rgb, alpha, gates.verdict(scores))


def key_alone(render: U8, key: Key | None = None) -> Matte:
    """Key a picture on a flat backing by itself: uint8 RGB (H, W, 3).

    Raises
    ------
    UnfitRender
        The picture is too small, or of one colour.
    """
    height, width = render.shape[:2]
    refuse_unfit(render, Size(max(width, 1), max(height, 1)))
    key = key or find_key(render)
    keyed = key_render(turned(render, key))
    alpha = as_bytes(keyed.alpha)
    rgb = turned(as_bytes(keyed.colour), key).copy()
    opaque = alpha == 255
    rgb[opaque] = render[opaque]
    rgb[alpha == 0] = 0
    scores = gates.measured_alone(keyed)
    return Matte(rgb, alpha, gates.verdict(scores))


def _working_size(photo: U8, render: U8) -> Size:
    """Return the photo's size, or its ratio at the render's number of pixels if that is less."""
    size = Size(photo.shape[1], photo.shape[0])
    own = Size(render.shape[1], render.shape[0])
    factor = (own.pixels / size.pixels) ** 0.5
    return size if factor >= _WORTH_SHRINKING else size.scaled(factor)


def _shrunk(pixels: U8, size: Size) -> U8:
    """Return the picture at `size`, by area, if it has more pixels than that."""
    height, width = pixels.shape[:2]
    if width * height <= size.pixels * _SAME_SIZE:
        return pixels
    out: U8 = cv2.resize(pixels, (size.width, size.height), interpolation=cv2.INTER_AREA)
    return out


def _layers(photo: F32, keyed: Keyed) -> tuple[Layers, float]:
    """Bring a keyed render and the photo together, at the working size; also how far they agree."""
    moving = as_bytes(keyed.colour)
    registration = register(moving, as_bytes(photo), keyed.alpha)
    seen = aligned(keyed, registration, photo)
    behind, doubt = background(photo, seen.alpha)
    seen = green_of_its_own(seen, photo, behind)
    return Layers(seen.alpha, seen.colour, behind, doubt), registration.score
