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
from common.geometry import Part, Size
from common.image import F32, U8
from common.matting import key_alone
from common.matting.registration import register

Keyed = tuple[F32, F32]
Keyer = Callable[[U8], Keyed]

SHARED = Path(__file__).resolve().parents[2] / "shared"
PROTOTYPE = SHARED / "reference" / "matting"

SLOW = "pymatting closed form"  # seconds a megapixel

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
    """Apply the formula of ffmpeg's chromakey and despill, where ffmpeg is not installed."""
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


def registered(keyer: Keyer, photo: U8, render: U8) -> tuple[Keyed, Keyed]:
    """Give a keyer what only the studio has: its registration, and the photo's colour.

    Returned are two mattes with the keyer's alpha, carried to the photo's place.  The first has the
    photo's raw colour everywhere, which is the stronger on the whole: an edge that was taken for
    solid then shows the photo, not green.  The second has it where alpha is above a half, and the
    keyer's own colour beyond.
    """
    own = key_alone(render)
    way = register(own.rgb, photo, as_float(own.alpha))
    colour, alpha = keyer(render)
    height, width = alpha.shape
    whole = Part.all_of(Size(photo.shape[1], photo.shape[0]))
    columns, rows = way.maps(whole, Size(width, height))
    here: F32 = cv2.remap(alpha, columns, rows, cv2.INTER_LINEAR)
    carried: F32 = cv2.remap(
        colour, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    raw = as_float(photo)
    return (raw, here), (np.where((here > 0.5)[..., None], raw, carried), here)


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
    filtered = ffmpeg if shutil.which("ffmpeg") else chromakey
    found: dict[str, Keyer] = {"naive HSV": naive, "ffmpeg": filtered}
    if importlib.util.find_spec("pymatting"):
        found[SLOW] = closed_form
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
