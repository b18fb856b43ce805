"""Pictures drawn for tests, with the truth about them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.geometry import Box, Size
from common.image import F32, U8, Mask

SIZE = Size(320, 256)


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and the truth about it."""

    rgb: U8
    alpha: F32
    boxes: tuple[Box, ...]


def studio(size: Size = SIZE, seed: int = 3) -> F32:
    """A plain backdrop, lighter at the top left, with the grain of a camera."""
    y, x = np.mgrid[: size.height, : size.width].astype(np.float32)
    light = 215 - 40 * y / size.height - 15 * x / size.width
    colour = np.stack([light, light * 0.97, light * 0.92], axis=2)
    grain = np.random.default_rng(seed).normal(0, 1.5, colour.shape)
    return (colour + grain).astype(np.float32)


def painted(ground: F32, colour: F32, alpha: F32) -> U8:
    mixed: F32 = ground * (1 - alpha[..., None]) + colour * alpha[..., None]
    return np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)


def disc(size: Size, centre: tuple[int, int], radius: int) -> F32:
    """Alpha of a disc with a soft rim; `centre` is x, y."""
    y, x = np.mgrid[: size.height, : size.width].astype(np.float32)
    away: F32 = np.hypot(x - centre[0], y - centre[1])
    soft: F32 = np.clip(radius + 0.5 - away, 0, 1).astype(np.float32)
    return soft


def ball() -> Scene:
    """A shaded red ball on a studio backdrop."""
    centre, radius = (170, 130), 70
    alpha = disc(SIZE, centre, radius)
    y, x = np.mgrid[: SIZE.height, : SIZE.width].astype(np.float32)
    shade = 1 - 0.5 * np.hypot(x - centre[0] + 25, y - centre[1] + 25) / radius
    colour = np.clip(shade, 0.25, 1)[..., None] * np.asarray([210, 40, 30], np.float32)
    box = Box(60, 100, 201, 241)
    return Scene(painted(studio(), colour.astype(np.float32), alpha), alpha, (box,))


def pair() -> Scene:
    """A large blue ball and a small green one, well apart."""
    first, second = disc(SIZE, (95, 130), 62), disc(SIZE, (250, 140), 40)
    ground = painted(studio(), np.full((256, 320, 3), (30, 60, 170), np.float32), first)
    rgb = painted(
        ground.astype(np.float32), np.full((256, 320, 3), (20, 110, 50), np.float32), second
    )
    boxes = Box(69, 34, 192, 157), Box(101, 211, 180, 290)
    return Scene(rgb, np.maximum(first, second), boxes)


def blank() -> U8:
    """Nothing but a backdrop."""
    return np.rint(studio()).astype(np.uint8)


def striped(size: Size = SIZE, period: int = 8) -> F32:
    """Upright stripes in two greens, as on a deck chair."""
    x = np.arange(size.width) // period % 2
    row = np.where(x[:, None], np.array([60.0, 140.0, 90.0]), np.array([200.0, 225.0, 190.0]))
    return np.broadcast_to(row, (size.height, size.width, 3)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Print:
    """Writing on a ground: the picture, the bare ground, where ink is, and the writing's box."""

    rgb: U8
    bare: U8
    ink: Mask
    box: Box


def printed(
    ground: F32,
    text: str = "Sale 25",
    colour: tuple[int, int, int] = (40, 30, 60),
    scale: float = 2,
) -> Print:
    """Write one line across the middle of a ground."""
    height, width = ground.shape[:2]
    mark = np.zeros((height, width), np.uint8)
    thick = max(1, round(2 * scale))
    (wide, tall), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
    left, base = (width - wide) // 2, (height + tall) // 2
    where = (left, base)
    cv2.putText(mark, text, where, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thick, cv2.LINE_AA)
    alpha = mark.astype(np.float32) / np.float32(255)
    bare = painted(ground, ground, np.zeros_like(alpha))
    ink = np.asarray(colour, np.float32)
    rgb = painted(bare.astype(np.float32), ink, alpha)
    box = Box(base - tall - 6, left - 6, base + below + 4, left + wide + 6)
    return Print(rgb, bare, alpha > 0, box)
