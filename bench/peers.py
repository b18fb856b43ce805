"""Other ways to a matte, for comparison: none of them is part of the studio.

Each takes a render, uint8 RGB (H, W, 3), and gives straight colour float32 (H, W, 3) and alpha
(H, W).  A peer that is not installed is left out of the tables, and they say so.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from common.fields import as_float
from common.image import F32, U8

Keyed = tuple[F32, F32]
Keyer = Callable[[U8], Keyed]

SHARED = Path(__file__).resolve().parents[2] / "shared"
PROTOTYPE = SHARED / "reference" / "matting"

_SIMILARITY, _BLEND = 0.10, 0.10  # the settings that served ffmpeg's filter best


def naive(render: U8) -> Keyed:
    """Threshold hue and saturation around green, then open and close the mask."""
    hsv: U8 = cv2.cvtColor(render, cv2.COLOR_RGB2HSV)
    green: U8 = cv2.inRange(hsv, np.array([35, 60, 40]), np.array([85, 255, 255]))
    window = np.ones((3, 3), np.uint8)
    green = cv2.morphologyEx(green, cv2.MORPH_OPEN, window)
    green = cv2.morphologyEx(green, cv2.MORPH_CLOSE, window)
    return as_float(render), 1 - as_float(green)


def chromakey(render: U8) -> Keyed:
    """Apply the formula of ffmpeg's chromakey and despill, with the key measured at the border."""
    key = _border_median(render)
    chroma = _chroma(as_float(render)) - _chroma(key[None, None])
    distance = np.sqrt((chroma**2).sum(-1) / 2)
    alpha: F32 = np.clip((distance - _SIMILARITY) / _BLEND, 0, 1).astype(np.float32)
    return _despill(as_float(render)), alpha


def ffmpeg(render: U8) -> Keyed:
    """Run ffmpeg itself: chromakey with the border's key, then despill."""
    height, width = render.shape[:2]
    red, green, blue = (round(float(value) * 255) for value in _border_median(render))
    chain = (
        f"chromakey=0x{red:02X}{green:02X}{blue:02X}:{_SIMILARITY}:{_BLEND},"
        "despill=type=green,format=rgba"
    )
    raw = ["-f", "rawvideo", "-s", f"{width}x{height}"]
    done = subprocess.run(
        ["ffmpeg", "-v", "error", *raw, "-pix_fmt", "rgb24", "-i", "-", "-vf", chain, *raw,
         "-pix_fmt", "rgba", "-"],
        input=render.tobytes(), capture_output=True, check=True,
    )  # fmt: skip
    rgba = np.frombuffer(done.stdout, np.uint8).reshape(height, width, 4)
    return as_float(rgba[..., :3]), as_float(rgba[..., 3])


def closed_form(render: U8) -> Keyed:
    """Run pymatting's closed form matting on a trimap from the naive key, and its foreground."""
    pymatting = importlib.import_module("pymatting")

    rough = naive(render)[1]
    window = np.ones((15, 15), np.uint8)
    trimap = np.full(rough.shape, 0.5)
    trimap[cv2.erode(rough, window) > 0.5] = 1
    trimap[cv2.dilate(rough, window) < 0.5] = 0
    pixels = as_float(render).astype(np.float64)
    alpha = pymatting.estimate_alpha_cf(pixels, trimap)
    colour = pymatting.estimate_foreground_ml(pixels, alpha)
    return colour.astype(np.float32), alpha.astype(np.float32)


def prototype_keyer(render: U8) -> Keyed:
    """Run the reference prototype's keyer."""
    colour, alpha, *_ = _prototype("fast").key_fast(np.ascontiguousarray(render[..., ::-1]))
    return np.ascontiguousarray(colour[..., ::-1]), alpha


def prototype_guided(photo: U8, render: U8) -> Keyed:
    """Run the reference prototype with the photo."""
    bgr = [np.ascontiguousarray(pixels[..., ::-1]) for pixels in (photo, render)]
    layers, _ = _prototype("guided").guided(*bgr)
    return np.ascontiguousarray(layers[..., 2::-1]), layers[..., 3]


def keyers() -> dict[str, Keyer]:
    """Return the peers that are installed, by name."""
    found: dict[str, Keyer] = {"naive HSV": naive, "chromakey formula": chromakey}
    if shutil.which("ffmpeg"):
        found["ffmpeg"] = ffmpeg
    if importlib.util.find_spec("pymatting"):
        found["pymatting closed form"] = closed_form
    if PROTOTYPE.is_dir():
        found["prototype keyer"] = prototype_keyer
    return found


def _prototype(name: str) -> Any:
    if str(PROTOTYPE) not in sys.path:
        sys.path.insert(0, str(PROTOTYPE))
    return importlib.import_module(name)


def _border_median(render: U8) -> F32:
    depth = max(2, min(render.shape[:2]) // 40)
    sides = (render[:depth], render[-depth:], render[:, :depth], render[:, -depth:])
    ring = np.concatenate([side.reshape(-1, 3) for side in sides])
    median: F32 = (np.median(ring, axis=0) / 255).astype(np.float32)
    return median


def _chroma(pixels: F32) -> F32:
    red, green, blue = (pixels[..., channel] for channel in range(3))
    u = -0.1687 * red - 0.3313 * green + 0.5 * blue
    v = 0.5 * red - 0.4187 * green - 0.0813 * blue
    return np.stack([u, v], axis=-1)


def _despill(pixels: F32) -> F32:
    """ffmpeg's despill at its defaults: mix .5, expand 0, green scale -1."""
    out = pixels.copy()
    spill = np.maximum(pixels[..., 1] - (pixels[..., 0] + pixels[..., 2]) / 2, 0)
    out[..., 1] -= spill
    return out
