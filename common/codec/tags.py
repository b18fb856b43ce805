"""What goes into a file beside its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Tags:
    """Profile, resolution, EXIF and XMP as they are written; empty where there is none."""

    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    exif: bytes = b""
    xmp: bytes = b""

    def for_pillow(self, *, dpi: bool) -> dict[str, Any]:
        """Return them as parameters of Pillow's ``save``."""
        told: dict[str, Any] = {"icc_profile": self.icc, "exif": self.exif, "xmp": self.xmp}
        told |= {"dpi": self.dpi} if dpi else {}
        return {name: value for name, value in told.items() if value}
