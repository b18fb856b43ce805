"""Backgrounds: what a cutout stands on, and the shadow it throws there."""

from __future__ import annotations

import re
from dataclasses import replace

import cv2
import numpy as np

from common.composite import covering, over
from common.errors import BadOptions
from common.fields import as_bytes, as_float, push_pull
from common.geometry import Box, Size, whole
from common.image import F32, OPAQUE, U8, Image

WHITE = (255, 255, 255)
BLUR = "blur"

# The photo's own background, blurred: all shares are of the photo's longer side.
_WORK = 512  # px, longest side at which smooth things are computed
_CLEARANCE = 0.02  # round the subject: soft edges, contact shadow, colour thrown onto the ground
_SIGMA = 0.03
_UNKNOWN = 1e-6  # weight of hidden pixels: they count only where nothing else is there to be seen

# The contact shadow: all shares are of each thing's own size.
_STRENGTH = 0.45  # opacity before the blur thins it
_FLATNESS = 0.12  # height of the shadow over the thing's
_ABOVE = 0.7  # of that height: the thing hides most of it, and so seems to touch the ground
_SOFTNESS = 0.035  # sigma of the blur over the thing's longer side
_STANDS = 0.5  # alpha from which a pixel belongs to a thing that throws a shadow
_LEAST_THING = 0.01  # of the largest thing's area: crumbs throw none


# --- what is behind -------------------------------------------------------------------------------


def check(background: str, backdrop: Image | None) -> None:
    """Refuse a background that cannot be painted, before anything is paid.

    Raises
    ------
    BadOptions
        It is no word, no colour, and no picture came with it.
    """
    if background not in {"transparent", BLUR} and backdrop is None:
        colour_of(background)


def ground(
    background: str, photo: Image, alpha: U8, frame: Box, backdrop: Image | None
) -> U8 | None:
    """Return what is behind the cutout inside a frame: None, one colour (3,), or (H, W, 3); uint8.

    Parameters
    ----------
    background
        ``transparent``, ``blur``, ``#RRGGBB``, or the name of the picture given as `backdrop`.
    photo, alpha
        The photo and the cutout's alpha, uint8 (H, W).
    frame
        In the photo's pixels; may reach beyond it.
    """
    if background == "transparent":
        return None
    if background == BLUR:
        return _carried_on(blurred(over(photo, np.array(WHITE, np.uint8)).rgb, alpha), frame)
    if backdrop is not None:
        return covering(over(backdrop, np.array(WHITE, np.uint8)).rgb, frame.size)
    return np.array(colour_of(background), np.uint8)


def colour_of(background: str) -> tuple[int, int, int]:
    """Return ``#RRGGBB`` or ``#RGB`` as numbers; `BadOptions` where it is neither."""
    match = re.fullmatch(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})", background)
    if not match:
        raise BadOptions(
            f"background: {background!r} is no colour, and no picture came with it.",
            advice="Write transparent, blur, a colour as #RRGGBB, or give a picture.",
            field="background",
        )
    digits = match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def blurred(photo: U8, alpha: U8) -> U8:
    """Return the photo's background, blurred, with nothing of the subject in it.

    The subject's place is filled from its surroundings before the blur, or else the blur would
    smear the subject's colours into a halo.

    Parameters
    ----------
    photo
        uint8 (H, W, 3).
    alpha
        uint8 (H, W): the subject.
    """
    size = Size(photo.shape[1], photo.shape[0])
    small = size.within(_WORK)
    seen = _shrunk(photo, small)
    hidden: U8 = cv2.dilate((_shrunk(alpha, small) > 0).astype(np.uint8), _disc(small))
    weight = np.where(hidden > 0, np.float32(_UNKNOWN), np.float32(1))
    filled = push_pull(as_float(seen), weight, levels=9)
    sigma = max(1.0, _SIGMA * small.longest)
    smooth: F32 = cv2.GaussianBlur(filled, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return _grown(as_bytes(smooth), size)


def _disc(size: Size) -> U8:
    radius = max(2, round(_CLEARANCE * size.longest))
    disc: U8 = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return disc


def _carried_on(picture: U8, frame: Box) -> U8:
    """Return what a frame shows of a smooth picture, whose border goes on beyond it."""
    height, width = picture.shape[:2]
    rows = np.clip(np.arange(frame.top, frame.bottom), 0, height - 1)
    columns = np.clip(np.arange(frame.left, frame.right), 0, width - 1)
    return picture if frame == whole(Size(width, height)) else picture[rows][:, columns]


# --- the shadow -----------------------------------------------------------------------------------


def with_shadow(cutout: Image) -> Image:
    """Return the cutout with a soft black shadow where its things stand, as part of its alpha.

    Fully opaque pixels are untouched.  The blend is the premultiplied one: black under the cutout,
    so that colour is only divided by the alpha that the shadow adds.
    """
    if cutout.alpha is None:
        return cutout
    free = OPAQUE - cutout.alpha.astype(np.uint16)
    added = (contact_shadow(cutout.alpha) * free + OPAQUE // 2) // OPAQUE
    alpha = cutout.alpha + added
    rgb = cutout.rgb.copy()
    changed = added > 0
    total = alpha[changed][:, None].astype(np.uint32)
    own = cutout.alpha[changed][:, None].astype(np.uint32)
    rgb[changed] = ((rgb[changed] * own + total // 2) // total).astype(np.uint8)
    return replace(cutout, rgb=rgb, alpha=alpha.astype(np.uint8))


def contact_shadow(alpha: U8) -> U8:
    """Return the opacity of the shadow that each thing throws where it stands.

    Parameters
    ----------
    alpha
        uint8 (H, W).

    Returns
    -------
    uint8 (H, W): every connected thing's silhouette, pressed flat onto its lowest line and blurred.
    """
    size = Size(alpha.shape[1], alpha.shape[0])
    small = _shrunk(alpha, size.within(_WORK))
    shadow = np.zeros(small.shape, np.float32)
    for box, silhouette in _things(small):
        np.maximum(shadow, _pressed(box, silhouette, small.shape), out=shadow)
    return _grown(as_bytes(np.float32(_STRENGTH) * shadow), size)


def _things(alpha: U8) -> list[tuple[Box, F32]]:
    """Return the connected things' boxes and alpha, float32 of the box's size."""
    stands = (alpha >= _STANDS * OPAQUE).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(stands, connectivity=8)
    largest = int(stats[1:, cv2.CC_STAT_AREA].max()) if count > 1 else 0
    found: list[tuple[Box, F32]] = []
    for label in range(1, count):
        left, top, width, height, area = map(int, stats[label])
        if area < _LEAST_THING * largest:
            continue
        box = Box(top, left, top + height, left + width)
        own = np.where(labels[box.slices] == label, alpha[box.slices], np.uint8(0))
        found.append((box, as_float(own.astype(np.uint8))))
    return found


def _pressed(box: Box, silhouette: F32, shape: tuple[int, ...]) -> F32:
    """Return a silhouette pressed flat about its lowest line, blurred, on the whole picture."""
    height = max(2, round(_FLATNESS * box.height))
    flat: F32 = cv2.resize(silhouette, (box.width, height), interpolation=cv2.INTER_AREA)
    sigma = max(1.0, _SOFTNESS * max(box.width, box.height))
    room = height + int(np.ceil(3 * sigma))  # beyond the picture too: a blur needs all of it
    layer = np.zeros((shape[0] + 2 * room, shape[1] + 2 * room), np.float32)
    top = room + box.bottom - round(_ABOVE * height)
    layer[top : top + height, room + box.left : room + box.right] = flat
    soft: F32 = cv2.GaussianBlur(layer, (0, 0), sigma)
    return soft[room:-room, room:-room]


# --- scale ----------------------------------------------------------------------------------------


def _shrunk(pixels: U8, size: Size) -> U8:
    out: U8 = cv2.resize(pixels, (size.width, size.height), interpolation=cv2.INTER_AREA)
    return out


def _grown(pixels: U8, size: Size) -> U8:
    out: U8 = cv2.resize(pixels, (size.width, size.height), interpolation=cv2.INTER_LINEAR)
    return out
