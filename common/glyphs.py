"""Strokes of writing, and things, inside boxes: what to take away, and no more."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from common.backdrop import fit_backdrop
from common.fields import as_bytes, as_float, largest
from common.geometry import Box, Size, with_margin
from common.image import F32, U8, Mask
from common.palette import clusters

_RING = 0.2  # of a box's shorter side: the surface looked at round the box
_LEAST_RING = 4  # pixels
_SMOOTH = 9 / 255  # distance from one colour field up to which a pixel is surface
_LEAST_SURFACE = 0.4  # of the box: less surface than this is texture, not a field
_STROKE = 28 / 255  # distance from the surface that is certainly ink
_RIM = 9 / 255  # distance that is ink where it touches ink: anti-aliasing, outlines, shadows
_PARTED = 0.82  # of the variance between two tones: one wide tone gives .64, an even spread .75
_NOISE = 2.5  # times the median distance of the surface's pixels; about three deviations
_EDGE = 0.08  # of a box's shorter side, on both sides of its edge, where surface prevails
_ALIKE = 60  # levels round the edge's colour that light and dirt may make of one surface
_MINOR = 0.12  # of all strokes: what passes through and weighs more has letters hanging on it
_MANY = 0.3  # of all strokes: frames and rules together weigh less
_COLOURS = 8  # groups into which a textured surface and its ink are parted
_TYPICAL = 2.5  # times more frequent inside the box than round it: the colour is ink's
_SHARES = (0.015, 0.75)  # of the box: strokes that fill less or more were not told apart
_SAMPLES = 20_000  # pixels for the groups
_LEAST_RING_SURFACE = 0.5  # of the ring round a thing's box
_OWN = 0.6  # of a thing that the box is drawn round, in sight of the box; the rest is its rim


def glyph_mask(rgb: U8, boxes: Sequence[Box]) -> Mask:
    """Return the strokes inside the boxes, with their anti-aliased rims, outlines and shadows.

    Parameters
    ----------
    rgb
        uint8 (H, W, 3).
    boxes
        Boxes inside the picture, each round one line of writing.

    Returns
    -------
    bool (H, W); never outside the boxes.  A box whose strokes cannot be told apart is all true.
    """
    mask = np.zeros(rgb.shape[:2], np.bool_)
    size = Size(rgb.shape[1], rgb.shape[0])
    for box in boxes:
        least = max(_LEAST_RING, round(_RING * min(box.width, box.height)))
        window = with_margin(box, size, 0, least)
        inside = np.zeros((window.height, window.width), np.bool_)
        inside[box.moved(-window.top, -window.left).slices] = True
        mask[window.slices] |= _strokes(rgb[window.slices], inside)
    return mask


def thing_mask(rgb: U8, boxes: Sequence[Box]) -> Mask:
    """Return what stands before a smooth surface inside the boxes, all that it encloses included.

    As `glyph_mask`, for things: labels, cables, badges.  A box whose surface is not smooth, so that
    the thing cannot be told from it, is all true.
    """
    mask = np.zeros(rgb.shape[:2], np.bool_)
    size = Size(rgb.shape[1], rgb.shape[0])
    for box in boxes:
        least = max(_LEAST_RING, round(_RING * min(box.width, box.height)))
        window = with_margin(box, size, 0, least)
        inside = np.zeros((window.height, window.width), np.bool_)
        inside[box.moved(-window.top, -window.left).slices] = True
        mask[window.slices] |= _thing(rgb[window.slices], inside)
    return mask


def _thing(rgb: U8, inside: Mask) -> Mask:
    """Return what stands before the surface in one box; what only reaches into it is another's."""
    ring = ~inside
    if not ring.any():
        return inside
    field, _ = fit_backdrop(rgb, ring)
    distance = largest(np.abs(as_float(rgb) - field))
    if (distance[ring] < _SMOOTH).mean() < _LEAST_RING_SURFACE:
        return inside
    noise = _NOISE * float(np.median(distance[ring]))
    off = _touching(distance > max(_RIM, noise), (distance > max(_STROKE, 2 * noise)) & inside)
    count, labels = cv2.connectedComponents(off.astype(np.uint8))
    own = np.bincount(labels[inside], minlength=count)
    of_the_box = own > _OWN * np.bincount(labels.ravel(), minlength=count)
    of_the_box[0] = False
    thing = _filled(of_the_box[labels]) & inside
    return thing if thing.any() else inside


def _filled(mask: Mask) -> Mask:
    """Return the mask with its holes."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    return filled > 0


def _strokes(rgb: U8, inside: Mask) -> Mask:
    """Return the strokes of one box; its own pixels are `inside`, the others its surroundings."""
    for told_apart in (_off_the_surface, _of_the_inks_colours):
        strokes = told_apart(rgb, inside) & inside
        if _SHARES[0] <= strokes.sum() / inside.sum() <= _SHARES[1]:
            return strokes
    return inside


def _off_the_surface(rgb: U8, inside: Mask) -> Mask:
    """Return what differs from a smooth surface; nothing where there is no such surface."""
    field, _ = fit_backdrop(rgb, _like_the_rim(rgb, inside))
    distance = largest(np.abs(as_float(rgb) - field))
    ink, parted = _otsu(distance[inside])
    surface = distance[inside & (distance <= ink)]
    plain = (distance[inside] < _SMOOTH).mean() >= _LEAST_SURFACE
    if not len(surface) or not (plain or parted >= _PARTED):
        return np.zeros(inside.shape, np.bool_)
    noise = _NOISE * float(np.median(surface))
    # On a rough surface the gap between the two tones tells ink sooner than the roughness does.
    strong = distance > max(_STROKE, min(2 * noise, ink))
    return _without_passing_lines(_touching(distance > max(_RIM, noise), strong))


def _like_the_rim(rgb: U8, inside: Mask) -> Mask:
    """Return the pixels whose colours are near what prevails on both sides of the box's edge."""
    thick = max(1, round(_EDGE * min(_sides(inside))))
    kernel = np.ones((2 * thick + 1, 2 * thick + 1), np.uint8)
    padded = inside.astype(np.uint8)
    edge = cv2.dilate(padded, kernel) > cv2.erode(padded, kernel, borderValue=0)
    usual = np.median(rgb[edge], axis=0)
    near: Mask = np.abs(rgb - usual).max(2) < _ALIKE
    return near


def _sides(inside: Mask) -> tuple[int, int]:
    """Return height and width of a box given as a mask."""
    return int(inside.any(1).sum()), int(inside.any(0).sum())


def _otsu(distance: F32) -> tuple[float, float]:
    """Return Otsu's threshold, and how much of the variance lies between its two classes, 0..1."""
    steps = as_bytes(distance)
    threshold, _ = cv2.threshold(steps, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    above = steps > threshold
    share, total = above.mean(), steps.astype(np.float32).var()
    if total == 0 or share in {0.0, 1.0}:
        return float(threshold) / 255, 0.0
    gap = steps[above].mean() - steps[~above].mean()
    return float(threshold) / 255, float(share * (1 - share) * gap * gap / total)


def _touching(weak: Mask, strong: Mask) -> Mask:
    """Return the connected parts of `weak` that hold something of `strong`."""
    count, labels = cv2.connectedComponents(weak.astype(np.uint8))
    holds = np.zeros(count, np.bool_)
    holds[np.unique(labels[strong])] = True
    holds[0] = False
    kept: Mask = holds[labels]
    return kept


def _without_passing_lines(strokes: Mask) -> Mask:
    """Return the strokes without thin things that run from side to side: frames, rules, arcs."""
    count, labels = cv2.connectedComponents(strokes.astype(np.uint8))
    shares = np.bincount(labels.ravel(), minlength=count) / max(int(strokes.sum()), 1)
    upright = np.intersect1d(labels[0], labels[-1])
    level = np.intersect1d(labels[:, 0], labels[:, -1])
    passing = np.zeros(count, np.bool_)
    passing[np.union1d(upright, level)] = True
    lines = passing & (shares < _MINOR)
    if shares[lines].sum() > _MANY:  # a tight box, or a rough surface: these are the letters
        return strokes
    kept: Mask = strokes & ~lines[labels]
    return kept


def _of_the_inks_colours(rgb: U8, inside: Mask) -> Mask:
    """Return the pixels whose colours are far more frequent inside the box than round it."""
    lab: F32 = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    if inside.all() or inside.sum() < _COLOURS:
        return np.zeros(inside.shape, np.bool_)
    flat = lab.reshape(-1, 3)
    sample = flat[:: max(1, len(flat) // _SAMPLES)]
    if len(sample) < _COLOURS:
        return np.zeros(inside.shape, np.bool_)
    _, centres = clusters(sample, _COLOURS)
    labels = np.linalg.norm(lab[..., None, :] - centres, axis=3).argmin(2)
    within = np.bincount(labels[inside], minlength=_COLOURS) / inside.sum()
    around = np.bincount(labels[~inside], minlength=_COLOURS) / (~inside).sum()
    ink = (within > _TYPICAL * around + 0.005)[labels]
    grown: U8 = cv2.dilate(ink.astype(np.uint8), np.ones((3, 3), np.uint8))
    return grown > 0
