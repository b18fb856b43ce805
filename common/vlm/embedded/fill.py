"""Holes in a picture filled from what lies around them."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np

from common.backdrop import fit_backdrop, grain
from common.fields import as_bytes, as_float, push_pull
from common.image import F32, U8, Mask

_BESIDE = 6  # pixels: the surface right beside the strokes
_OFF_THE_SURFACE = 2.0  # roughnesses beyond which a pixel belongs to something else
_PATCH_RADIUS = 3  # pixels; larger patches are slower and seldom better
_TELEA_RADIUS = 3
_LEAST_REHEARSAL = 0.3  # of a hole: with less of it in known ground a rehearsal tells nothing
_one_at_a_time = threading.Lock()  # the library's seed and buffers belong to the process


Fill = Callable[[U8, Mask], U8]  # a picture and its hole -> the picture with the hole filled


@dataclass(frozen=True, eq=False)
class Surface:
    """What stands right beside a hole, as one smooth surface.

    Attributes
    ----------
    field
        float32 (H, W, 3), 0..1, everywhere.
    beside
        bool (H, W): the known pixels that were looked at.
    roughness
        Distance from the field, 0..1, that four fifths of those pixels stay below.
    """

    field: F32
    beside: Mask
    roughness: float


def surface_beside(rgb: U8, hole: Mask) -> Surface:
    """Measure the surface beside a hole; what stands farther off is none of it."""
    kernel = np.ones((2 * _BESIDE + 1, 2 * _BESIDE + 1), np.uint8)
    beside: Mask = (cv2.dilate(hole.astype(np.uint8), kernel) > 0) & ~hole
    field, _ = fit_backdrop(rgb, beside)
    distance = np.abs(as_float(rgb) - field).max(2)[beside]
    roughness = float(np.percentile(distance, 80)) if len(distance) else 1.0
    return Surface(field, beside, roughness)


def smooth_fill(rgb: U8, hole: Mask, surface: Surface) -> U8:
    """Return the picture with its hole filled by the surface, its unevenness and its grain.

    The mean of two guesses that err differently: the surface's field with its unevenness, and
    bridges from rim to rim over all that is none of the surface.
    """
    distance = np.abs(as_float(rgb) - surface.field).max(2)
    trusted = surface.beside & (distance <= _OFF_THE_SURFACE * max(surface.roughness, 1 / 255))
    uneven = push_pull(as_float(rgb) - surface.field, trusted.astype(np.float32))
    bridged = as_float(inpainted(rgb, hole | (surface.beside & ~trusted)))
    noise = np.random.default_rng(0).normal(0, grain(rgb, ~hole), hole.shape)
    filled: F32 = np.float32(0.5) * (surface.field + uneven + bridged)
    filled += noise.astype(np.float32)[..., None]
    return _only_inside(rgb, as_bytes(filled), hole)


def textured_fill(rgb: U8, hole: Mask) -> U8:
    """Return the picture with its hole filled by patches of its surroundings.

    Where `patchmatch` is not installed the isophotes round the hole are carried on instead.

    References
    ----------
    Barnes, Shechtman, Finkelstein, Goldman: PatchMatch (2009).  Bertalmio, Bertozzi, Sapiro:
    Navier-Stokes, Fluid Dynamics, and Image and Video Inpainting (2001).
    """
    library = patchmatch()
    if library is None:
        out: U8 = cv2.inpaint(rgb, hole.astype(np.uint8), _TELEA_RADIUS, cv2.INPAINT_NS)
        return _only_inside(rgb, out, hole)
    with _one_at_a_time:
        patched: U8 = library.inpaint(rgb, hole.astype(np.uint8), patch_size=_PATCH_RADIUS)
    return _only_inside(rgb, patched, hole)


def inpainted(rgb: U8, hole: Mask) -> U8:
    """Return the picture with its hole bridged from its rim.

    References
    ----------
    Telea: An Image Inpainting Technique Based on the Fast Marching Method (2004).
    """
    out: U8 = cv2.inpaint(rgb, hole.astype(np.uint8), _TELEA_RADIUS, cv2.INPAINT_TELEA)
    return _only_inside(rgb, out, hole)


def rehearsed(rgb: U8, hole: Mask, ways: Sequence[Fill]) -> Fill:
    """Return the way that fills a hole of the same shape beside the hole best; there it is known.

    The first of `ways` where there is no room for a rehearsal.
    """
    moved = _beside_itself(hole)
    if moved is None:
        return ways[0]
    errors = [_error(way(rgb, hole | moved), rgb, moved) for way in ways]
    return ways[errors.index(min(errors))]


def _beside_itself(hole: Mask) -> Mask | None:
    """Return the hole moved off itself inside the window; None where most of it would be lost."""
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    best: Mask | None = None
    for axis, marked in ((0, rows), (1, columns)):
        far = int(marked[-1] - marked[0]) + 2 * _BESIDE
        for step in (far // 2, -far // 2, far, -far):
            moved = _shifted(hole, axis, step) & ~_near(hole)
            if best is None or moved.sum() > best.sum():
                best = moved
    return best if best is not None and best.sum() >= _LEAST_REHEARSAL * hole.sum() else None


def _shifted(hole: Mask, axis: int, step: int) -> Mask:
    """Return the hole moved by `step` pixels; what leaves the window is lost."""
    moved: Mask = np.roll(hole, step, axis)
    lost = slice(0, step) if step > 0 else slice(hole.shape[axis] + step, None)
    moved[(lost, slice(None)) if axis == 0 else (slice(None), lost)] = False
    return moved


def _near(hole: Mask) -> Mask:
    grown: U8 = cv2.dilate(hole.astype(np.uint8), np.ones((5, 5), np.uint8))
    return grown > 0


def _error(filled: U8, rgb: U8, where: Mask) -> float:
    return float(((filled[where].astype(np.float32) - rgb[where]) ** 2).mean())


def patchmatch() -> Any | None:
    """Return the optional library, or None where it is not installed or has no native part."""
    if find_spec("patchmatch") is None:
        return None
    library = importlib.import_module("patchmatch")
    return library if getattr(library, "patchmatch_available", False) else None


def _only_inside(rgb: U8, filled: U8, hole: Mask) -> U8:
    return np.where(hole[..., None], filled, rgb)
