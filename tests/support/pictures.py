"""Small pictures drawn by formula, with known truth, for tests of every room."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.fields import as_bytes, as_float
from common.geometry import Box, Size
from common.image import F32, U8, Image, Mask


@dataclass(frozen=True, eq=False)
class Scene:
    """A product on a backdrop, and everything it was made of.

    Attributes
    ----------
    photo
        uint8 (H, W, 3).
    alpha
        float32 (H, W), the truth.
    colour, behind
        float32 (H, W, 3), straight.
    box
        The subject's box in pixels.
    """

    photo: U8
    alpha: F32
    colour: F32
    behind: F32
    box: Box

    def on(self, backing: tuple[int, int, int]) -> U8:
        """Return the subject on a flat backing, as a perfect model would paint it."""
        ground = as_float(np.array(backing, np.uint8))
        alpha = self.alpha[..., None]
        return as_bytes(self.colour * alpha + ground * (1 - alpha))


def product(size: Size | None = None, seed: int = 0) -> Scene:
    """Return a striped disc with a hole on a soft gradient."""
    size = size or Size(240, 180)
    rows, columns = np.mgrid[0 : size.height, 0 : size.width].astype(np.float32)
    centre = (size.height * 0.52, size.width * 0.47)
    radius = 0.3 * min(size.width, size.height)
    far = np.hypot(rows - centre[0], columns - centre[1])
    alpha: F32 = np.clip(radius - far + 0.5, 0, 1) * np.clip(far - radius * 0.35 + 0.5, 0, 1)
    colour = _striped(rows, columns, seed)
    behind = backdrop(size)
    photo = as_bytes(colour * alpha[..., None] + behind * (1 - alpha[..., None]))
    reach = int(np.ceil(radius)) + 1
    top, left = int(centre[0]) - reach, int(centre[1]) - reach
    box = Box(max(0, top), max(0, left), top + 2 * reach + 1, left + 2 * reach + 1)
    return Scene(photo, alpha, colour, behind, box)


def can(size: Size | None = None) -> Scene:
    """Return a printed can on a polished foot, which mirrors the table it stands on."""
    size = size or Size(320, 360)
    body, foot = _can(size)
    rows, columns = np.mgrid[0 : size.height, 0 : size.width].astype(np.float32)
    behind = backdrop(size)
    colour = np.where(foot[..., None] > 0.5, 0.8 * behind, _striped(rows, columns, 3))
    alpha = np.maximum(body, foot)
    photo = as_bytes(colour * alpha[..., None] + behind * (1 - alpha[..., None]))
    top, left, bottom, right = _can_sides(size)
    return Scene(photo, alpha, colour.astype(np.float32), behind, Box(top, left, bottom, right))


def can_on(scene: Scene, backing: tuple[int, int, int]) -> U8:
    """Return the can as a good model paints it: its foot mirrors the backing, a little paler."""
    _, foot = _can(Size(scene.alpha.shape[1], scene.alpha.shape[0]))
    mirrored = 0.85 * as_float(np.array(backing, np.uint8)) + np.float32(0.04)
    shown = as_float(scene.on(backing))
    return as_bytes(shown + foot[..., None] * (mirrored - shown))


def _can(size: Size) -> tuple[F32, F32]:
    """Return how far each pixel shows the can's body, and how far its foot, (H, W) each."""
    top, left, bottom, right = _can_sides(size)
    foot = (bottom - top) // 5
    parts = []
    for first, last in ((top, bottom - foot), (bottom - foot, bottom)):
        drawn = np.zeros((size.height, size.width), np.float32)
        drawn[first:last, left:right] = 1
        parts.append(np.asarray(cv2.blur(drawn, (3, 3)), np.float32))
    return parts[0], parts[1]


def _can_sides(size: Size) -> tuple[int, int, int, int]:
    return size.height // 6, size.width // 3, size.height * 5 // 6, size.width * 2 // 3


def backdrop(size: Size) -> F32:
    """Return a warm studio gradient, float32 (H, W, 3)."""
    rows, columns = np.mgrid[0 : size.height, 0 : size.width].astype(np.float32)
    light = 0.82 - 0.12 * rows / size.height + 0.05 * columns / size.width
    out: F32 = np.stack([light, light * 0.97, light * 0.9], -1).astype(np.float32)
    return out


def textured(size: Size, seed: int = 1) -> U8:
    """Return smooth noise with detail at several scales, uint8 (H, W, 3)."""
    random = np.random.default_rng(seed)
    total: F32 = np.zeros((size.height, size.width, 3), np.float32)
    for cells, strength in ((4, 0.5), (12, 0.3), (40, 0.2)):
        coarse = random.random((cells, cells, 3), dtype=np.float32)
        total += strength * cv2.resize(
            coarse, (size.width, size.height), interpolation=cv2.INTER_CUBIC
        )
    return as_bytes(total)


def written(ground: U8, text: str = "SALE 50%", at: Box | None = None) -> tuple[U8, Mask]:
    """Return `ground` with dark writing over it, and the writing's pixels."""
    height, width = ground.shape[:2]
    at = at or Box(height // 3, width // 8, 2 * height // 3, 7 * width // 8)
    layer = np.zeros((height, width), np.uint8)
    scale = at.width / (20.0 * len(text))
    cv2.putText(
        layer,
        text,
        (at.left, (at.top + at.bottom) // 2),
        cv2.FONT_HERSHEY_SIMPLEX,
        scale,
        255,
        max(1, round(2 * scale)),
        cv2.LINE_AA,
    )
    alpha = as_float(layer)[..., None]
    ink = np.array([0.12, 0.1, 0.35], np.float32)
    picture = as_bytes(ink * alpha + as_float(ground) * (1 - alpha))
    return picture, layer > 0


def bounds(mask: Mask, margin: int = 3) -> Box:
    """Return the box of a mask with a margin, inside the picture."""
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    return Box(
        max(0, int(rows.min()) - margin),
        max(0, int(columns.min()) - margin),
        min(height, int(rows.max()) + 1 + margin),
        min(width, int(columns.max()) + 1 + margin),
    )


def psnr(a: U8, b: U8, where: Mask | None = None) -> float:
    """Return the peak signal-to-noise ratio in decibels, on a mask or everywhere."""
    difference = a.astype(np.float64) - b.astype(np.float64)
    if where is not None:
        difference = difference[where]
    error = float((difference**2).mean())
    return 99.0 if error == 0 else 10 * np.log10(255**2 / error)


def image(rgb: U8, alpha: U8 | None = None) -> Image:
    """Return an image of plain arrays."""
    return Image(rgb, alpha)


def _striped(rows: F32, columns: F32, seed: int) -> F32:
    phase = 0.7 * seed
    stripes = 0.5 + 0.5 * np.sin(columns / 7 + phase)
    waves = 0.5 + 0.5 * np.sin(rows / 11 + phase)
    out: F32 = np.stack([0.75 - 0.3 * stripes, 0.25 + 0.2 * waves, 0.2 + 0.3 * stripes], -1)
    return out.astype(np.float32)
