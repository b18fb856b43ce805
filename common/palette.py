"""The few colours that many pixels wear."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from common.image import F32, U8

_ROUNDS = 20
_STILL = 0.5  # shift of the centres, in the colours' own units, below which they stand

_SAMPLES = 4000  # pixels that speak for all
_MAIN = 3
_LEAST_SHARE = 0.08  # of the pixels; a rarer colour is no main colour


def clusters(colours: F32, count: int) -> tuple[NDArray[np.int32], F32]:
    """Part colours into groups by k-means that leaves nothing to chance.

    Parameters
    ----------
    colours
        float32 (N, C), N at least `count`.
    count
        Number of groups; some may end up empty.

    Returns
    -------
    Labels int32 (N,) in 0..count-1, and centres float32 (count, C).

    Notes
    -----
    The groups start as equal shares in order of brightness, so the same colours always part alike.
    """
    start = np.empty((len(colours), 1), np.int32)
    order = np.argsort(colours.sum(1), kind="stable")
    start[order, 0] = np.arange(len(colours)) * count // len(colours)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, _ROUNDS, _STILL)
    how = cv2.KMEANS_USE_INITIAL_LABELS
    _, labels, centres = cv2.kmeans(colours, count, start, stop, 1, how)
    return np.ravel(labels), centres


def main_colours(pixels: U8) -> tuple[tuple[int, int, int], ...]:
    """Return up to three main colours of uint8 pixels (N, 3), the most frequent first."""
    sample = pixels[:: max(1, len(pixels) // _SAMPLES)].astype(np.float32)
    if len(sample) < _MAIN:
        return ()
    labels, centres = clusters(sample, _MAIN)
    shares = np.bincount(labels, minlength=_MAIN) / len(sample)
    order = [index for index in np.argsort(-shares) if shares[index] >= _LEAST_SHARE]
    return tuple(_rounded(centres[index]) for index in order)


def _rounded(centre: F32) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in np.rint(centre))
    return red, green, blue
