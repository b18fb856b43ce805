"""What tests of models share: requests, a shelf in memory, and a time that only they move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from common.errors import Claimed, StoreError
from common.geometry import Box, Size
from common.image import Image
from common.prompts import fill
from common.vlm.answers import DETECTION_SCHEMA, read_detections
from common.vlm.base import Ask, Detection, Find, OnBacking, Render, Without

GREEN = (0, 255, 0)

FOUND = '[{"box_2d": [100, 200, 700, 800], "label": "thing", "kind": "object"}]'


def photo(width: int = 320, height: int = 240) -> Image:
    """Return a red disc on a grey gradient."""
    down, right = np.mgrid[0:height, 0:width]
    rgb = np.empty((height, width, 3), np.uint8)
    rgb[:] = (140 + right * 60 // width)[..., None]
    disc = np.hypot(down - height / 2, right - width / 2) < min(width, height) * 0.3
    rgb[disc] = (200, 30, 40)
    return Image(rgb)


def question(image: Image | None = None, query: str = "the disc") -> Ask[tuple[Detection, ...]]:
    """Return a question about a picture."""
    image = image or photo()
    size: Size = image.size
    return Ask(
        image,
        Find(query),
        fill("detect", query=query),
        DETECTION_SCHEMA,
        lambda text: read_detections(text, size),
    )


def wish(image: Image | None = None, subject: str = "the disc") -> Render:
    """Return the wish for a picture's subject on green."""
    prompt = fill("cutout", subject=subject, key_name="green", key_hex="#00FF00")
    return Render(image or photo(), OnBacking(GREEN, subject), prompt)


def edit(image: Image | None = None) -> Render:
    """Return the wish for a picture without what is written in its corner."""
    image = image or photo()
    prompt = fill("erase", what="the writing", where="box_2d [0, 0, 100, 100]", keep="")
    hole = np.zeros(image.rgb.shape[:2], bool)
    hole[:8, :8] = True
    return Render(image, Without((Box(0, 0, 8, 8),), hole), prompt)


@dataclass
class MemoryShelf:
    """A `Shelf`, whose ways of failing can be switched on."""

    kept: dict[str, bytes] = field(default_factory=dict)
    unreadable: bool = False
    unwritable: bool = False
    held: set[str] = field(default_factory=set)

    def get(self, name: str) -> bytes | None:
        if self.unreadable:
            raise StoreError("The shelf is out of reach.")
        return self.kept.get(name)

    def put(self, name: str, data: bytes) -> None:
        if self.unwritable:
            raise StoreError("The shelf is full.")
        self.kept[name] = data

    @contextmanager
    def claimed(self, name: str) -> Iterator[bool]:
        if name in self.held:
            raise Claimed("Somebody else is asking.", retry_after=1.0)
        self.held.add(name)
        try:
            yield False
        finally:
            self.held.discard(name)


@dataclass
class OwnTime:
    """A clock that moves only when somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
