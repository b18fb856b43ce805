"""A picture in memory, and the array types that the whole house speaks.

Pixels are RGB; alpha is straight.  Files, profiles and metadata are the codec's business: it reads
them into `Provenance` and writes them back, and nothing between looks inside.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from common.geometry import Box, Size

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

OPAQUE = 255


@dataclass(frozen=True)
class Provenance:
    """What a file said about itself beyond its pixels.

    Attributes
    ----------
    format
        The field's short name: ``jpeg``, ``png``, ``webp``, ``avif``, ``heic``, ``tiff``, ``bmp``,
        ``gif``, ``psd``.
    icc
        The colour profile that the pixels are in, written back with them; None means sRGB.
    dpi
        Horizontal and vertical resolution.
    notes
        What was lost or chosen while decoding, in plain sentences, for the report.
    exif, xmp
        The file's own metadata as it came, orientation aside; empty where there is none.
    deep
        uint16 (H, W, 3) of the upright picture, where the file has more than 8 bits a channel.
    file_bytes
        Of the whole file; None where the picture came from no file.
    jpeg_quality
        1..100, as its quantisation tables tell; None where it is no JPEG or they tell nothing.
    """

    format: str = "png"
    icc: bytes | None = field(default=None, repr=False)
    dpi: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
    exif: bytes = field(default=b"", repr=False)
    xmp: bytes = field(default=b"", repr=False)
    deep: U16 | None = field(default=None, repr=False, compare=False)
    file_bytes: int | None = None
    jpeg_quality: int | None = None


@dataclass(frozen=True, eq=False)
class Image:
    """A picture: colour, perhaps alpha, and where it came from.

    Attributes
    ----------
    rgb
        uint8 (H, W, 3).
    alpha
        uint8 (H, W), straight; None where every pixel is opaque.
    provenance
        See `Provenance`.
    """

    rgb: U8
    alpha: U8 | None = None
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        if self.rgb.dtype != np.uint8 or self.rgb.ndim != 3 or self.rgb.shape[2] != 3:
            raise TypeError(f"rgb must be uint8 (H, W, 3), not {self.rgb.dtype} {self.rgb.shape}")
        if self.alpha is None:
            return
        if self.alpha.dtype != np.uint8 or self.alpha.shape != self.rgb.shape[:2]:
            raise TypeError(f"alpha must be uint8 {self.rgb.shape[:2]}, not {self.alpha.shape}")

    @property
    def size(self) -> Size:
        """Width and height."""
        height, width = self.rgb.shape[:2]
        return Size(width, height)

    def crop(self, box: Box) -> Image:
        """Return the part inside `box`, as a view."""
        alpha = None if self.alpha is None else self.alpha[box.slices]
        return replace(self, rgb=self.rgb[box.slices], alpha=alpha)

    def opaque(self) -> Image:
        """Return the colour alone; the alpha is forgotten, not blended."""
        return self if self.alpha is None else replace(self, alpha=None)

    def solid(self) -> Mask:
        """Return where the picture is fully opaque, bool (H, W)."""
        if self.alpha is None:
            return np.ones(self.rgb.shape[:2], bool)
        solid: Mask = self.alpha == OPAQUE
        return solid

    def digest(self) -> str:
        """Return the SHA-256 of size and pixels, in hex: equal pictures, equal digest."""
        seen = hashlib.sha256(f"{self.size}{self.alpha is not None}".encode())
        seen.update(np.ascontiguousarray(self.rgb).data)
        if self.alpha is not None:
            seen.update(np.ascontiguousarray(self.alpha).data)
        return seen.hexdigest()
