"""Holes in a picture filled from what lies around them."""

from __future__ import annotations

import importlib
import threading
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
_one_at_a_time = threading.Lock()  # the library's seed and buffers belong to the process


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
    """Return the picture with its hole filled by the surface, its unevenness and its grain."""
    distance = np.abs(as_float(rgb) - surface.field).max(2)
    trusted = surface.beside & (distance <= _OFF_THE_SURFACE * max(surface.roughness, 1 / 255))
    uneven = push_pull(as_float(rgb) - surface.field, trusted.astype(np.float32))
    noise = np.random.default_rng(0).normal(0, grain(rgb, ~hole), hole.shape)
    filled: F32 = surface.field + uneven + noise.astype(np.float32)[..., None]
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


def patchmatch() -> Any | None:
    """Return the optional library, or None where it is not installed or has no native part."""
    if find_spec("patchmatch") is None:
        return None
    library = importlib.import_module("patchmatch")
    return library if getattr(library, "patchmatch_available", False) else None


def _only_inside(rgb: U8, filled: U8, hole: Mask) -> U8:
    return np.where(hole[..., None], filled, rgb)
