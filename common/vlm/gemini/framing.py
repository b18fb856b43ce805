"""Pictures as Gemini takes and gives them: few ratios, few megabytes.

The model knows fourteen ratios.  A photo of another ratio is not stretched to the nearest one: it
gets a neutral border, and the border's share is cut off the answer again.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.codec import CONTENT_TYPES, decode, encode, quick_jpeg
from common.composite import over
from common.errors import BadInput, ModelAnswerUnreadable
from common.geometry import Box, Placement, Size, canvas_of_ratio, place, ratio_error
from common.image import U8, Image

# Names are nominal (16:9 is 1.792); the pixels of size 1K are what the model makes.
ASPECTS = {
    "1:1": Size(1024, 1024),
    "2:3": Size(848, 1264),
    "3:2": Size(1264, 848),
    "3:4": Size(896, 1200),
    "4:3": Size(1200, 896),
    "4:5": Size(928, 1152),
    "5:4": Size(1152, 928),
    "9:16": Size(768, 1376),
    "16:9": Size(1376, 768),
    "21:9": Size(1584, 672),
    "1:4": Size(512, 2048),
    "4:1": Size(2048, 512),
    "1:8": Size(384, 3072),
    "8:1": Size(3072, 384),
}

LONGEST_SEEN = {"1K": 2048, "2K": 3072, "4K": 4096}  # twice the answer's side, as bytes allow
LONGEST_ASKED = 2048  # of a picture with a question; the model spends 1120 tokens on any size

MOST_BYTES = 5_000_000  # a file's limit is 7 MB and may be meant of its base64, a third longer
SMALL_PIXELS = 1 << 16  # up to 256 x 256 PNG is quick; half a megapixel takes it 100 ms
QUALITY = 95
SHRINK = 0.7  # a step down when the file is too large: half the pixels

NEUTRAL = np.full(3, 128, dtype=np.uint8)


@dataclass(frozen=True)
class Framed:
    """A photo as the model sees it.

    Attributes
    ----------
    picture
        The photo, scaled down where it was large, on a canvas of a supported ratio.
    aspect
        The ratio's name.
    placement
        Where in the picture the photo stands.
    """

    picture: Image
    aspect: str
    placement: Placement


def nearest_aspect(size: Size) -> str:
    """Return the supported ratio that needs the smallest border around a photo of `size`."""
    return min(ASPECTS, key=lambda name: ratio_error(ASPECTS[name], size))


def frame(image: Image, longest: int) -> Framed:
    """Return the photo, at most `longest` on its longer side, on a canvas of the nearest ratio."""
    photo = seen(image, longest)
    aspect = nearest_aspect(photo.size)
    placement = place(photo.size, canvas_of_ratio(photo.size, ASPECTS[aspect].ratio))
    return Framed(_bordered(photo, placement), aspect, placement)


def seen(image: Image, longest: int) -> Image:
    """Return what a model may see of the picture: opaque on neutral grey, scaled down, untagged.

    The colour profile is left out so that the numbers of the answer compare with the photo's.
    """
    flat = over(image, NEUTRAL)
    return Image(_shrunk(flat.rgb, image.size.within(longest)))


def shown_part(answer: Size, framed: Framed) -> Box | None:
    """Return the part of an answer of a size that shows the photo; None for all of it."""
    canvas, photo = framed.placement.canvas, framed.placement.frame
    if canvas == photo.size:
        return None
    if ratio_error(answer, photo.size) < ratio_error(answer, canvas):
        return None  # the model left the border out by itself
    down, right = answer.height / canvas.height, answer.width / canvas.width
    top, left = round(photo.top * down), round(photo.left * right)
    bottom, end = round(photo.bottom * down), round(photo.right * right)
    return Box(top, left, max(bottom, top + 1), max(end, left + 1))


def packed(image: Image) -> tuple[bytes, str]:
    """Return the picture as a file small enough to send, and its MIME type."""
    if image.size.pixels <= SMALL_PIXELS:
        return encode(image, "png"), CONTENT_TYPES["png"]
    data = quick_jpeg(image, QUALITY)
    while len(data) > MOST_BYTES:
        image = Image(_shrunk(image.rgb, image.size.scaled(SHRINK)))
        data = quick_jpeg(image, QUALITY)
    return data, CONTENT_TYPES["jpeg"]


def unpacked(data: bytes) -> Image:
    """Return the model's picture, by its bytes and not by the type it was said to have.

    Raises
    ------
    ModelAnswerUnreadable
        The bytes are no picture, or a damaged one.
    """
    try:
        return decode(data)
    except BadInput as error:
        raise ModelAnswerUnreadable(
            "The model's picture cannot be decoded.", advice="Ask again."
        ) from error


def _shrunk(rgb: U8, size: Size) -> U8:
    if rgb.shape[:2] == (size.height, size.width):
        return rgb
    out: U8 = cv2.resize(rgb, (size.width, size.height), interpolation=cv2.INTER_AREA)
    return out


def _bordered(photo: Image, placement: Placement) -> Image:
    canvas = placement.canvas
    if canvas == photo.size:
        return photo
    rgb = np.full((canvas.height, canvas.width, 3), NEUTRAL, dtype=np.uint8)
    rgb[placement.frame.slices] = photo.rgb
    return Image(rgb)
