"""Reflection: polished parts that mirror the backing in the render, and are taken for it.

A metal foot shows the backing in the render and the table in the photo, each in its own shade.  Its
hue is off the backing's by little, no more than a floor's in the light that the subject throws on
it.  So such places are only pointed at: who looks at the photo alone, and knows no backing, has to
say what they are.
"""

from __future__ import annotations

import cv2
import numpy as np

from common.fields import resized, shrunk
from common.geometry import Part, Size
from common.image import OPAQUE, U8, Mask
from common.matting.backing import in_some_light
from common.matting.carrying import Carried
from common.matting.keys import Key, turned_field

_SHARE = 4  # the size is shrunk by this: a reflection is a place, and noise has none
_OFF = 0.018  # largest channel distance from the backing in any light; good backings stay below
_SUBJECT = 0.5  # alpha of what was seen of the subject
_RIM, _BESIDE = 3, 9  # px of that size, windows round the subject: its soft rim, what is beside it
_LEAST = 0.01  # share of the subject's area: less is not worth a second look

_LOOK = 512  # px, longer side at which places are compared
_HALF = OPAQUE // 2
_THICK = 0.012  # share of the longer side: what is thinner is one outline beside another
_TAIL = 6  # times that, a window: a part ends in thin wedges, but an outline goes on and on
_SEAM = 4  # px of that size, on each side of a part: it joins the rest there
_POINTED_AT = 0.3  # share of a missing part where the render is off its backing


def reflections(seen: Carried, part: Part, key: Key) -> Mask | None:
    """Tell where a render may show its backing in a polished part of the subject.

    Parameters
    ----------
    seen
        The render in the place of a part of the photo.
    part
        That part.
    key
        Of the backing.

    Returns
    -------
    bool (h, w), the whole photo at a small size, true beside what was seen of the subject only;
    None where it would be next to nothing.
    """
    small = Size(max(1, part.box.width // _SHARE), max(1, part.box.height // _SHARE))
    shown = (turned_field(resized(each, small), key) for each in (seen.render, seen.backing))
    _, off = in_some_light(*shown)
    subject = (resized(seen.alpha, small) > _SUBJECT).view(np.uint8)
    other = ((off > _OFF) & (_widened(subject, _RIM) == 0)).view(np.uint8)
    found = _touching(_opened(other, _RIM), _widened(subject, _BESIDE) > 0)
    if np.count_nonzero(found) < max(1, _LEAST * np.count_nonzero(subject)):
        return None
    look = part.size.within(_LOOK)
    own = part.scaled_to(look).box
    out = np.zeros((look.height, look.width), np.uint8)
    out[own.slices] = cv2.resize(
        _widened(found, _RIM), (own.width, own.height), interpolation=cv2.INTER_NEAREST
    )
    return out > 0


def missing_parts(pointed_at: Mask, alpha: U8, other: U8) -> Mask:
    """Tell where a cutout lacks a part that mirrors its backing, (H, W) with the part's seam.

    Parameters
    ----------
    pointed_at
        bool (h, w), what `reflections` says.
    alpha, other
        uint8 (H, W): of the cutout, and of another that knows no backing.
    """
    height, width = pointed_at.shape
    ours, theirs = (shrunk(each, Size(width, height)) for each in (alpha, other))
    missing = ((theirs > _HALF) & (ours < _HALF)).view(np.uint8)
    thick = max(3, round(_THICK * max(height, width)))
    least = _LEAST * np.count_nonzero(ours >= _HALF)
    kept = _large_and_mostly(_opened(missing, thick), least, pointed_at)
    kept = _widened(kept, _TAIL * thick + 1) & missing
    wide = _widened(kept, 2 * _SEAM + 1)
    size = (alpha.shape[1], alpha.shape[0])
    out: U8 = cv2.resize(wide * np.uint8(OPAQUE), size, interpolation=cv2.INTER_LINEAR)
    return out > _HALF


def _widened(mask: U8, window: int) -> U8:
    out: U8 = cv2.dilate(mask, np.ones((window, window), np.uint8))
    return out


def _opened(mask: U8, window: int) -> U8:
    out: U8 = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((window, window), np.uint8))
    return out


def _touching(mask: U8, place: Mask) -> U8:
    """Keep the islands of a mask that reach into a place."""
    count, labels = cv2.connectedComponents(mask, connectivity=4)
    kept = np.zeros(count, np.bool_)
    kept[labels[(mask > 0) & place]] = True
    out: U8 = kept[labels].view(np.uint8)
    return out


def _large_and_mostly(mask: U8, least: float, place: Mask) -> U8:
    """Keep the islands of a mask that have so many pixels, of which enough lie in a place."""
    count, labels = cv2.connectedComponents(mask, connectivity=4)
    area = np.bincount(labels.ravel(), minlength=count)
    inside = np.bincount(labels[place], minlength=count)
    kept = (area >= least) & (inside > _POINTED_AT * area)
    kept[0] = False
    out: U8 = kept[labels].view(np.uint8)
    return out
