"""Light: the values in which a picture mixes subject and background on an edge.

Cameras and renderers mix linear light, painting programs and many models mix display values.  The
matting equation holds in the one that was mixed: taken in the other, hair and mesh come out too
thin or too thick.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from common.image import F32
from common.matting.keys import MAGENTA, Key


@dataclass(frozen=True)
class Light:
    """Values of a turned picture as they were mixed.

    Attributes
    ----------
    key
        How the picture is turned.
    is_linear
        Whether light itself was mixed; else display values.

    Notes
    -----
    Linear light is told as the square of display values: within .05 of sRGB's own curve, and its
    inverse is a root.
    """

    key: Key
    is_linear: bool

    def of(self, values: F32) -> F32:
        """Return turned display values, 0..1, as they were mixed; same shape."""
        if not self.is_linear:
            return values
        if self.key == MAGENTA:  # turned by inversion: 1 - (1 - v)^2
            return values * (np.float32(2) - values)
        return values * values

    def shown(self, values: F32) -> F32:
        """Return mixed values, 0..1, as they are displayed; the inverse of `of`."""
        if not self.is_linear:
            return values
        if self.key == MAGENTA:
            return 1 - np.sqrt(np.maximum(1 - values, 0), dtype=np.float32)
        out: F32 = np.sqrt(np.maximum(values, 0))
        return out
