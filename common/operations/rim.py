"""The rim of a photo on its canvas: what a render misses there, carried on into the new area.

The difference between photo and render along the border of the frame is one closed line of colours.
Carried on harmonically it is the membrane of Poisson editing: exact at the border, and the smoother
the farther out.  Beside a straight border that has a closed form, which needs no solver and no copy
of the canvas: a wave of the line falls by its own frequency times the distance.  Here all waves
fall more slowly, and the whole of it fades far out, where the border tells nothing any more.  The
first new pixel gets the whole of the line, so that the step across the border is the render's own.

References
----------
Perez, Gangnet, Blake: Poisson Image Editing (2003).  Farbman et al.: Coordinates for Instant Image
Cloning (2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from common.fields import resized
from common.geometry import Box, Placement, Size
from common.image import F32

DEPTH = 1  # px of the photo along its border that are compared
REACH = 0.35  # of the new area's depth: distance at which the correction has fallen to a third

_FALL = 1 / 3  # of the harmonic one: fine texture ends over a few pixels instead of in one step
_LONGEST = 16_000  # samples of the line: cv2.remap takes 32,767 at most


def sides_of(frame: Box) -> tuple[Box, Box, Box, Box]:
    """Return the strips of a frame along its top, right, bottom and left border, `DEPTH` deep."""
    down, across = min(DEPTH, frame.height), min(DEPTH, frame.width)
    return (
        Box(frame.top, frame.left, frame.top + down, frame.right),
        Box(frame.top, frame.right - across, frame.bottom, frame.right),
        Box(frame.bottom - down, frame.left, frame.bottom, frame.right),
        Box(frame.top, frame.left, frame.bottom, frame.left + across),
    )


@dataclass(frozen=True, eq=False)
class Rim:
    """The error along a frame's border, and how it looks from ever larger distances.

    Attributes
    ----------
    frame
        The photo's, on the canvas.
    table
        float32 (levels, samples + 2, 3): the line, clockwise from the top left, at the distances
        ``2 ** level - 1`` from the first new pixel; the first and the last sample are there again
        at the other end.
    depth
        Distance in pixels at which the correction has fallen to a third.
    """

    frame: Box
    table: F32
    depth: float

    @staticmethod
    def of(placement: Placement, errors: Sequence[F32]) -> Rim:
        """Make the rim from the errors (h, w, 3) on the strips of `sides_of`."""
        canvas, frame = placement.canvas, placement.frame
        top, right, bottom, left = errors
        line = np.concatenate(
            [top.mean(0), right.mean(1), bottom.mean(0)[::-1], left.mean(1)[::-1]], axis=0
        )
        across = max(frame.left, canvas.width - frame.right)
        down = max(frame.top, canvas.height - frame.bottom)
        farthest = float(np.hypot(down, across))
        levels = 2 + int(np.log2(1 + farthest))
        return Rim(frame, _from_afar(line, levels), max(1.0, REACH * farthest))

    def carried_on(self, box: Box) -> F32:
        """Return the correction (h, w, 3) in a box of the canvas beside, above or below the frame.

        Above and below it may reach beyond the frame's corners.
        """
        rows = np.arange(box.top, box.bottom, dtype=np.float32)
        columns = np.arange(box.left, box.right, dtype=np.float32)
        frame = self.frame
        near_rows = np.clip(rows, frame.top, frame.bottom - 1)
        near_columns = np.clip(columns, frame.left, frame.right - 1)
        apart = np.hypot((rows - near_rows)[:, None], (columns - near_columns)[None])
        distance: F32 = np.maximum(apart - 1, 0)
        along = self._along(box, near_rows, near_columns)
        position = np.ascontiguousarray(np.broadcast_to(along, distance.shape))
        out: F32 = cv2.remap(self.table, position, np.log2(1 + distance), cv2.INTER_LINEAR)
        out *= np.exp(distance * np.float32(-1 / self.depth))[..., None]
        return out

    def _along(self, box: Box, rows: F32, columns: F32) -> F32:
        """Return where on the line the nearest border pixel is, (h, 1) or (1, w), in samples."""
        frame = self.frame
        width, height = frame.width, frame.height
        if box.bottom <= frame.top:
            at = (columns - frame.left)[None]
        elif box.top >= frame.bottom:
            at = (width + height + frame.right - 1 - columns)[None]
        elif box.left >= frame.right:
            at = (width + rows - frame.top)[:, None]
        else:
            at = (2 * width + height + frame.bottom - 1 - rows)[:, None]
        samples = self.table.shape[1] - 2
        out: F32 = ((at + 0.5) * (samples / (2 * (width + height))) + 0.5).astype(np.float32)
        return out


def _from_afar(line: F32, levels: int) -> F32:
    """Return the closed line (n, 3) as it is seen from the distances ``2 ** level - 1``."""
    length = len(line)
    if length > _LONGEST:
        line = resized(line[None], Size(_LONGEST, 1))[0]
    distances = (2.0 ** np.arange(levels) - 1) * (len(line) / length)
    waves = np.fft.rfft(line, axis=0)
    frequency = 2 * np.pi * np.arange(len(waves)) / len(line)
    fall = np.exp(-frequency[None] * distances[:, None] * _FALL)
    seen = np.fft.irfft(waves[None] * fall[..., None], len(line), axis=1)
    return np.concatenate([seen[:, -1:], seen, seen[:, :1]], axis=1).astype(np.float32)
