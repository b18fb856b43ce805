"""Where a picture's subject stands, coarsely: two ways to the same small map.

A salience map is float32 ``(SIDE, SIDE)`` in 0..1, the whole picture squeezed into a square.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from common.fields import smoothstep
from common.image import F32, U8, Mask
from common.palette import clusters
from common.vlm.embedded.net import Net, as_batch

Salience = Callable[[U8], F32]

SIDE = 320  # what U^2-Net was trained on

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def squeezed(rgb: U8, side: int = SIDE) -> U8:
    """Return the picture as a square of `side`, its ratio given up."""
    out: U8 = cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA)
    return out


def net_salience(net: Net) -> Salience:
    """Return the salience that U^2-Net sees.

    References
    ----------
    Qin, Zhang, Huang, Dehghan, Zaiane, Jagersand: U^2-Net, Pattern Recognition 106 (2020).
    """

    def salience(rgb: U8) -> F32:
        small = squeezed(rgb)
        scale = float(max(small.max(), 1))
        out: F32 = net(as_batch(small, _IMAGENET_MEAN, _IMAGENET_DEVIATION, scale))[0, 0]
        return out

    return salience


# --- without a network ----------------------------------------------------------------------------

_BARRIER_SIDE = 160  # of the map on which paths are followed
_BORDER_SHARE = 0.04  # the ring that counts as background
_BORDER_CLUSTERS = 3
_LEAST_OF_BORDER = 0.2  # share of the ring from which a colour is surely the background's
_SWEEPS = 3  # rounds of four directions; more changes no pixel of note
_NOISE = 4.0  # Lab units that never tell a subject from its background
_LEAST_CONTRAST = 0.05  # of the Lab range: a flatter picture has no subject


def classical_salience(rgb: U8) -> F32:
    """Return what neither connects to the border nor wears its colours, sharpened by GrabCut.

    Good where the subject stands apart from a calm background; lost on clutter.

    References
    ----------
    Zhang, Sclaroff, Lin, Shen, Price, Mech: Minimum Barrier Salient Object Detection at 80 FPS
    (2015).  Rother, Kolmogorov, Blake: GrabCut (2004).
    """
    lab = _lab(squeezed(rgb, _BARRIER_SIDE))
    unlike, background = _unlike_border(lab)
    contrast = np.sqrt(unlike * _barrier_distance(lab, background))
    top = float(np.percentile(contrast, 99))
    if top < _LEAST_CONTRAST * 255:
        return np.zeros((SIDE, SIDE), np.float32)
    guess: F32 = cv2.resize(np.clip(contrast / top, 0, 1), (SIDE, SIDE))
    return _grab_cut(squeezed(rgb), guess)


def _lab(rgb: U8) -> F32:
    smooth = cv2.GaussianBlur(rgb, (0, 0), 1.0)
    out: F32 = cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB).astype(np.float32)
    return out


def _border_ring(height: int, width: int) -> Mask:
    ring = np.ones((height, width), np.bool_)
    deep = max(1, round(_BORDER_SHARE * min(height, width)))
    ring[deep:-deep, deep:-deep] = False
    return ring


def _unlike_border(lab: F32) -> tuple[F32, Mask]:
    """Return how far, in Lab units, (H, W) is from the border's colours, and what of it is sure.

    A colour that only a small part of the border wears may be the subject's, touching it.
    """
    ring = _border_ring(*lab.shape[:2])
    labels, centres = clusters(lab[ring], _BORDER_CLUSTERS)
    nearest = np.full(lab.shape[:2], np.inf, np.float32)
    background = np.zeros(lab.shape[:2], np.bool_)
    for index, centre in enumerate(centres):
        members = labels == index
        if members.mean() < _LEAST_OF_BORDER:
            continue
        background[ring] |= members
        spread = np.sqrt(np.mean((lab[ring][members] - centre) ** 2))
        away = np.linalg.norm(lab - centre, axis=2) - 2 * spread - _NOISE
        nearest = np.minimum(nearest, away)
    return np.maximum(nearest, 0).astype(np.float32), background


def _barrier_distance(lab: F32, background: Mask) -> F32:
    """Return, summed over channels, how much every path to the background must rise and fall."""
    total = np.zeros(lab.shape[:2], np.float32)
    for channel in np.moveaxis(lab, 2, 0):
        total += _barrier_of(channel, background)
    return total


def _barrier_of(values: F32, background: Mask) -> F32:
    """Minimum barrier distance of one channel: four directions swept, a row at a time."""
    distance = np.where(background, 0, np.inf).astype(np.float32)
    maps = distance, values.copy(), values.copy()
    for _ in range(_SWEEPS):
        for view in (_as_is, np.flipud, np.transpose, _from_right):
            _sweep(values=view(values), maps=(view(maps[0]), view(maps[1]), view(maps[2])))
    return distance


def _as_is(array: F32) -> F32:
    return array


def _from_right(array: F32) -> F32:
    return np.flipud(array.T)


def _sweep(values: F32, maps: tuple[F32, F32, F32]) -> None:
    """Let every row take the path through the row above where that path is flatter."""
    distance, highest, lowest = maps
    for row in range(1, len(values)):
        high = np.maximum(highest[row - 1], values[row])
        low = np.minimum(lowest[row - 1], values[row])
        reached = np.isfinite(distance[row - 1])
        better = reached & (high - low < distance[row])
        distance[row] = np.where(better, high - low, distance[row])
        highest[row] = np.where(better, high, highest[row])
        lowest[row] = np.where(better, low, lowest[row])


def _grab_cut(rgb: U8, guess: F32) -> F32:
    """Return the cut (SIDE, SIDE), softened by a pixel, that starts from `guess`."""
    labels = np.full(guess.shape, cv2.GC_PR_BGD, np.uint8)
    labels[guess > _otsu(guess)] = cv2.GC_PR_FGD
    labels[guess > 0.9] = cv2.GC_FGD
    labels[_border_ring(*guess.shape) & (guess < 0.5)] = cv2.GC_BGD
    if not ((labels == cv2.GC_PR_FGD) | (labels == cv2.GC_FGD)).any():
        return np.zeros(guess.shape, np.float32)
    cv2.setRNGSeed(0)  # GrabCut seeds its colour clusters by chance
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(rgb, labels, None, *models, 3, cv2.GC_INIT_WITH_MASK)
    inside = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.float32)
    tidy = cv2.morphologyEx(inside, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    soft: F32 = cv2.GaussianBlur(tidy, (0, 0), 1.5)
    return smoothstep(soft, 0.05, 0.95)


def _otsu(values: F32) -> float:
    steps = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    threshold, _ = cv2.threshold(steps, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(threshold) / 255
