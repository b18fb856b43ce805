"""Key colours: the backings we ask a model for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """A backing colour: its name in prompts and options, and the RGB that is asked for."""

    name: str
    rgb: tuple[int, int, int]

    @property
    def hex(self) -> str:
        """The colour as ``#RRGGBB``."""
        return "#{:02X}{:02X}{:02X}".format(*self.rgb)


GREEN = Key("green", (0, 255, 0))
BLUE = Key("blue", (0, 0, 255))
MAGENTA = Key("magenta", (255, 0, 255))

KEYS = {key.name: key for key in (GREEN, BLUE, MAGENTA)}
