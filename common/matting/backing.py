"""The backing: which key it is, its colour at the border, and a field of it over the whole render.

A model that is asked for #00FF00 gives (11, 190, 20), with a gradient, a hue that drifts and soft
shadows.  So nothing is assumed: the colour is measured at the border, then followed inwards as far
as pixels keep its hue at whatever brightness.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.fields import as_float, enlarged, largest, push_pull, shrunk, spread, total
from common.geometry import Part, Size
from common.image import F32, U8, Mask
from common.matting.keys import GREEN, KEYS, Key, excess, turned, turned_field

_LOOK = 256  # px, longer side at which the backing is measured: it is smooth
_RING = 0.04  # depth of the border ring as a share of the shorter side
_MIN_EXCESS = 0.2  # below this a border pixel does not show the key
_MIN_SHARE = 0.1  # with less of the border than this the key's colour is anybody's guess
_FIT_SIDE, _ROUNDS = 128, 3  # px, longer side of the pixels that are fitted; how often
_ENOUGH = 50  # such pixels; fewer are not fitted
_FIRST_HUE_ERROR, _HUE_ERROR = 0.10, 0.045  # largest channel distance from the shaded backing
_FIRST_SHADES, _SHADES = (0.45, 1.35), (0.5, 1.2)  # shadow and glow that are still backing
_HOLE_HUE_ERROR, _HOLE_SHADES = 0.02, (0.75, 1.1)  # stricter inside: shadow in a hole, not a leaf
_LIKENESS = 0.06  # sigma of the robust weights, in colour
_RIDGE = (0.0, 0.01, 0.01, 0.03, 0.03, 0.03)  # keeps the fit flat where nothing is seen


@dataclass(frozen=True)
class Backing:
    """The backing of a turned render.

    Attributes
    ----------
    colour
        float32 (3,), RGB 0..1: the median of the key-coloured border pixels.
    border_share
        Share of the border ring that shows the key, 0..1.
    field
        float32 (h, w, 3), the backing's colour everywhere, at a small size: it is smooth.
    unshaded
        float32 (h, w, 3), the same without shadows, and without what only looks like the backing.
    """

    colour: F32
    border_share: float
    field: F32
    unshaded: F32

    def over(self, part: Part) -> F32:
        """Return the backing's colour at every pixel of a part of the render, float32 (H, W, 3)."""
        own = Size(self.field.shape[1], self.field.shape[0])
        return enlarged(self.field, Part.all_of(own), part)


def find_key(render: U8) -> Key:
    """Return the key that most of the border of a render (uint8 RGB) shows; green when none."""
    step = max(1, max(render.shape) // _LOOK)
    thin = render[::step, ::step]
    shares = {key: _share(_border(as_float(turned(thin, key)))) for key in KEYS.values()}
    best = max(shares, key=shares.__getitem__)
    return best if shares[best] > 0 else GREEN


def measure(render: U8, key: Key) -> Backing:
    """Measure the backing of a render turned as `key` says, uint8 RGB (H, W, 3)."""
    small = as_float(_small(render))
    border = _border(small)
    keyed = border[excess(border[None])[0] > _MIN_EXCESS]
    share = len(keyed) / len(border)
    colour = np.median(keyed if share > _MIN_SHARE else border, axis=0).astype(np.float32)
    fit, seen = _fitted(small, colour, key)
    sure = _shaded_backing(small, fit, key, _HOLE_HUE_ERROR, _HOLE_SHADES)
    seen = _reaching_the_border(seen) | _eroded(sure)
    # the quadratic leaves shadows and local glow; what is seen of them is carried over
    field = fit + push_pull(small - fit, seen.astype(np.float32), levels=5)
    return Backing(colour, share, np.clip(field, 0, 1), fit)


def _small(render: U8) -> U8:
    height, width = render.shape[:2]
    size = Size(width, height).within(_LOOK)
    return shrunk(render, Size(max(8, size.width), max(8, size.height)))


def _border(small: F32) -> F32:
    """Return the pixels of the border ring, (n, 3)."""
    depth = max(3, int(_RING * min(small.shape[:2])))
    sides = (small[:depth], small[-depth:], small[:, :depth], small[:, -depth:])
    return np.concatenate([side.reshape(-1, 3) for side in sides])


def _share(border: F32) -> float:
    return float((excess(border[None]) > _MIN_EXCESS).mean())


def _fitted(small: F32, colour: F32, key: Key) -> tuple[F32, Mask]:
    """Fit a quadratic in x and y per channel to the backing; also return where it is seen."""
    terms = _quadratic_terms(*small.shape[:2])
    step = max(1, max(small.shape) // _FIT_SIDE)
    thin, thin_terms = (np.ascontiguousarray(each[::step, ::step]) for each in (small, terms))
    fit = np.vstack([colour, np.zeros((terms.shape[2] - 1, 3), np.float32)])
    hue_error, shades = _FIRST_HUE_ERROR, _FIRST_SHADES
    for _ in range(_ROUNDS):
        field = np.clip(thin_terms @ fit, 0, 1)
        seen = _shaded_backing(thin, field, key, hue_error, shades)
        if seen.sum() < _ENOUGH:
            break
        fit = _robust_fit(thin_terms, thin, field, seen)
        hue_error, shades = _HUE_ERROR, _SHADES
    whole = np.clip(terms @ fit, 0, 1)
    return whole, _shaded_backing(small, whole, key, hue_error, shades)


def _quadratic_terms(height: int, width: int) -> F32:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / height * 2 - 1, x / width * 2 - 1
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)


def _robust_fit(terms: F32, pixels: F32, guess: F32, seen: Mask) -> F32:
    """Return the coefficients (6, 3) of the ridge fit in which unlikely pixels count little.

    All of them are reckoned with, unseen ones at no weight: picking takes longer.
    """
    off = pixels - guess
    weight = np.exp(total(off * off) / np.float32(-2 * _LIKENESS**2))
    weight += np.float32(1e-3)
    weight *= seen
    flat = terms.reshape(-1, len(_RIDGE))
    weighted = (flat * weight.reshape(-1, 1)).T
    ridge = np.diag(_RIDGE) * (1e-3 * float(seen.sum()))
    wanted = weighted @ pixels.reshape(-1, 3)
    out: F32 = np.linalg.solve(weighted @ flat + ridge, wanted).astype(np.float32)
    return out


def _shaded_backing(
    small: F32, field: F32, key: Key, hue_error: float, shades: tuple[float, float]
) -> Mask:
    """Tell which pixels are the backing in some light: ``I`` close to ``k * field``.

    Shadows fall to black before the picture is turned, not after.
    """
    light, off = in_some_light(turned_field(small, key), turned_field(field, key))
    likely: Mask = (off < hue_error) & (light > shades[0]) & (light < shades[1])
    return likely


def in_some_light(pixels: F32, field: F32) -> tuple[F32, F32]:
    """Return the light in which each pixel is nearest to a backing, and how far it is off then.

    Pixels and backing are (h, w, 3), not turned; returned are the factor on the backing and the
    largest channel's distance, (h, w) each.
    """
    light: F32 = total(pixels * field)
    light /= np.maximum(total(field * field), np.float32(1e-6))
    return light, largest(cv2.absdiff(pixels, spread(light) * field))


def _eroded(mask: Mask) -> Mask:
    solid: U8 = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    return solid > 0


def _reaching_the_border(seen: Mask) -> Mask:
    """Keep what hangs together with the border: key-coloured spots inside may be the subject's."""
    _, labels = cv2.connectedComponents(_eroded(seen).astype(np.uint8), connectivity=4)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    kept: Mask = np.isin(labels, np.unique(rim[rim > 0]))
    return kept
