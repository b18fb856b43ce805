"""A simulator of green renders: what an image model makes of a photo, with the truth kept.

A subject with a true alpha is laid over a background (the photo), and over a backing as models
paint it: never the colour that was asked for, with a gradient and vignette, spill and a shadow;
the subject moved, scaled, turned, warped and toned; then blur, noise and compression.
numpy and cv2 only.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.fields import as_bytes, as_float
from common.geometry import Size
from common.image import F32, U8


@dataclass(frozen=True)
class Level:
    """How badly the model renders.

    Attributes
    ----------
    gradient, shadow, spill, tone
        Shares of brightness, darkening, key light on the subject, change of tone.
    scale, shift
        Largest change of size, and of place in shares of the side.
    turn, warp
        Degrees; sigma of the warp in pixels.
    blur, noise
        Sigma in pixels; sigma in 0..1.
    quality, subsampled
        JPEG quality, and whether chroma is halved (4:2:0).
    linear_photo, linear_render
        Whether edges are mixed in linear light, as cameras do, rather than in display values.
    """

    gradient: float
    shadow: float
    spill: float
    tone: float
    scale: float
    shift: float
    turn: float
    warp: float
    blur: float
    noise: float
    quality: int
    subsampled: bool
    linear_photo: bool = False
    linear_render: bool = False


HARD = Level(0.12, 0.35, 0.2, 0.04, 0.03, 0.015, 0.5, 1.8, 0.6, 0.012, 87, subsampled=True)
MILD = Level(0.04, 0.12, 0.07, 0.013, 0.01, 0.005, 0.17, 0.6, 0.2, 0.004, 95, subsampled=False)
EXACT = Level(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, subsampled=False)

GREENS = ((0, 255, 0), (11, 190, 20), (36, 147, 48), (8, 250, 3), (10, 244, 26), (30, 215, 60))
MAGENTAS = ((255, 0, 255), (224, 0, 200), (235, 20, 230))
BLUES = ((0, 0, 255), (20, 40, 220), (10, 60, 235))


@dataclass(frozen=True)
class Shadow:
    """A shadow on the ground, no part of the subject: its alpha, float32 (H, W), and its RGB."""

    alpha: F32
    colour: F32


@dataclass(frozen=True)
class Scene:
    """A photo, a model's render of it, and the truth.

    Attributes
    ----------
    photo, background
        uint8 RGB (H, W, 3): with the subject, and without.
    render
        uint8 RGB (h, w, 3): the subject on the backing, as the model returned it.
    colour, alpha
        The true subject in the photo's pixels: float32 straight RGB (H, W, 3), alpha (H, W).
    render_colour, render_alpha
        The true subject in the render's pixels, before spill, blur and compression.
    place
        float32 (h, w, 2): column and row of the photo that each pixel of the render shows.
    """

    photo: U8
    background: U8
    render: U8
    colour: F32
    alpha: F32
    render_colour: F32
    render_alpha: F32
    place: F32


def scene(
    colour: F32,
    alpha: F32,
    background: U8,
    level: Level,
    *,
    seed: int,
    backing: tuple[int, int, int] | None = None,
    render_size: Size | None = None,
    shadow: Shadow | None = None,
) -> Scene:
    """Simulate a photo of a subject and a model's render of it.

    Parameters
    ----------
    colour, alpha
        The subject: float32 straight RGB (H, W, 3) and alpha (H, W).
    background
        uint8 RGB (H, W, 3).
    level
        How badly the model renders.
    seed
        The same seed gives the same scene.
    backing
        RGB of the backing; None draws one of the greens that models give.
    render_size
        The size of the render; None is the photo's.
    shadow
        What the subject throws on the ground, in the photo's pixels: it darkens the background and
        the backing alike.
    """
    random = np.random.default_rng(seed)
    colour = carried_out(colour, alpha)
    ground = _shaded(as_float(background), shadow)
    photo = over(colour, alpha, ground, is_linear=level.linear_photo)
    size = render_size or Size(alpha.shape[1], alpha.shape[0])
    place = _place(Size(alpha.shape[1], alpha.shape[0]), size, level, random)
    moved = _moved(np.dstack([colour, alpha]), place)
    render_colour: F32 = np.ascontiguousarray(moved[..., :3])
    render_alpha: F32 = np.ascontiguousarray(moved[..., 3])
    base: F32 = np.array(backing or GREENS[seed % len(GREENS)], np.float32) / np.float32(255)
    behind = _shaded(_backing(base, render_alpha, level, random), _carried(shadow, place))
    shown = _toned(_spilled(render_colour, render_alpha, base, level), level, random)
    mixed = over(shown, render_alpha, behind, is_linear=level.linear_render)
    render = _compressed(mixed, level, random)
    return Scene(
        as_bytes(photo),
        as_bytes(ground),
        render,
        colour,
        alpha,
        render_colour,
        render_alpha,
        place,
    )


def over(colour: F32, alpha: F32, background: F32, *, is_linear: bool = False) -> F32:
    """Composite straight colour over a background: in display values, as editors do, or in light.

    Light follows sRGB's own curve (IEC 61966-2-1).
    """
    if is_linear:
        return _displayed(over(_light(colour), alpha, _light(background)))
    out: F32 = background + alpha[..., None] * (colour - background)
    return out


def _light(values: F32) -> F32:
    """Return linear light of display values, 0..1."""
    out: F32 = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return out.astype(np.float32)


def _displayed(light: F32) -> F32:
    curve = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    out: F32 = np.where(light <= 0.0031308, 12.92 * light, curve).astype(np.float32)
    return out


def _shaded(ground: F32, shadow: Shadow | None) -> F32:
    if shadow is None:
        return ground
    out: F32 = ground + shadow.alpha[..., None] * (shadow.colour - ground)
    return out


def _carried(shadow: Shadow | None, place: F32) -> Shadow | None:
    if shadow is None:
        return None
    return Shadow(_sampled(shadow.alpha, place, cv2.BORDER_CONSTANT), shadow.colour)


def carried_out(colour: F32, alpha: F32) -> F32:
    """Return the colour with hidden pixels (alpha 0) replaced by what lies nearest."""
    hidden: U8 = (alpha <= 0).astype(np.uint8)
    if not hidden.any() or hidden.all():
        return colour
    _, labels = cv2.distanceTransformWithLabels(
        hidden, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.zeros((int(labels.max()) + 1, 3), np.float32)
    seen = hidden == 0
    nearest[labels[seen]] = colour[seen]
    out: F32 = np.where(seen[..., None], colour, nearest[labels])
    return out


def _place(photo: Size, render: Size, level: Level, random: np.random.Generator) -> F32:
    """Return where each pixel of the render lies in the photo: scaled, turned, moved, warped."""
    factor = 1 + level.scale * random.uniform(-1, 1)
    angle = np.deg2rad(level.turn * random.uniform(-1, 1))
    away = level.shift * photo.longest * random.uniform(-1, 1, 2)
    cosine, sine = np.cos(angle) / factor, np.sin(angle) / factor
    rows, columns = np.mgrid[0 : render.height, 0 : render.width].astype(np.float32)
    x = (columns + 0.5) * (photo.width / render.width) - photo.width / 2 - away[0]
    y = (rows + 0.5) * (photo.height / render.height) - photo.height / 2 - away[1]
    straight = np.dstack([cosine * x + sine * y, -sine * x + cosine * y])
    middle = np.array([photo.width / 2 - 0.5, photo.height / 2 - 0.5])
    warp = _smooth_noise(render, random) * level.warp * photo.width / render.width
    out: F32 = (straight + middle + warp).astype(np.float32)
    return out


def _moved(layers: F32, place: F32) -> F32:
    """Sample float32 (H, W, 4), straight colour and alpha, at `place`: premultiplied inside."""
    shrinking = layers.shape[1] / place.shape[1]
    if shrinking > 1.2:
        layers = cv2.GaussianBlur(layers, (0, 0), 0.45 * shrinking)
    alpha = layers[..., 3:]
    straight = _sampled(layers[..., :3].copy(), place, cv2.BORDER_REPLICATE)
    painted = _sampled(layers[..., :3] * alpha, place, cv2.BORDER_CONSTANT)
    cover = _sampled(alpha.copy(), place, cv2.BORDER_CONSTANT)[..., None]
    colour = np.where(cover > 1e-3, painted / np.maximum(cover, 1e-3), straight)
    out: F32 = np.clip(np.dstack([colour, cover]), 0, 1).astype(np.float32)
    return out


def _sampled(values: F32, place: F32, border: int) -> F32:
    out: F32 = cv2.remap(values, place, None, cv2.INTER_LINEAR, borderMode=border)
    return out


def _smooth_noise(size: Size, random: np.random.Generator) -> F32:
    """Return a smooth field (h, w, 2) of sigma 1."""
    coarse = random.standard_normal((6, 6, 2)).astype(np.float32)
    field: F32 = cv2.resize(coarse, (size.width, size.height), interpolation=cv2.INTER_CUBIC)
    out: F32 = field / (field.std() + np.float32(1e-6))
    return out


def _backing(base: F32, alpha: F32, level: Level, random: np.random.Generator) -> F32:
    """Return the backing with gradient, vignette and the subject's soft shadow, (h, w, 3)."""
    height, width = alpha.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    slope = random.uniform(-1, 1, 2)
    light = 1 + level.gradient * (slope[0] * x + slope[1] * y) - level.gradient * (x**2 + y**2) / 2
    sigma = 0.03 * max(height, width)
    fallen = np.roll(alpha, (round(sigma), round(sigma / 2)), (0, 1))
    fallen[: round(sigma)] = 0
    shadow: F32 = cv2.GaussianBlur(fallen, (0, 0), sigma)
    light = light * (1 - level.shadow * shadow)
    out: F32 = np.clip(base * light[..., None], 0, 1).astype(np.float32)
    return out


def _spilled(colour: F32, alpha: F32, base: F32, level: Level) -> F32:
    """Let the backing's light fall on the subject, most of it near the silhouette."""
    sigma = 0.02 * max(alpha.shape)
    inside: F32 = cv2.GaussianBlur(alpha, (0, 0), sigma)
    amount = level.spill * np.clip(1.6 * (1 - inside), 0, 1)[..., None]
    luma = colour.mean(-1, keepdims=True)
    out: F32 = np.clip(colour + amount * base * (0.3 + 0.7 * luma) - amount * 0.15 * colour, 0, 1)
    return out


def _toned(colour: F32, level: Level, random: np.random.Generator) -> F32:
    gain = 1 + level.tone * random.uniform(-1, 1, 3)
    offset = level.tone / 2 * random.uniform(-1, 1, 3)
    out: F32 = np.clip(colour * gain + offset, 0, 1).astype(np.float32)
    return out


def _compressed(picture: F32, level: Level, random: np.random.Generator) -> U8:
    """Blur, add noise, and pass the picture through JPEG."""
    if level.blur > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), level.blur)
    grain = random.standard_normal(picture.shape).astype(np.float32)
    return jpeg(as_bytes(picture + level.noise * grain), level.quality, level.subsampled)


def jpeg(picture: U8, quality: int, subsampled: bool) -> U8:
    """Return the picture as JPEG leaves it; quality 100 leaves it alone."""
    if quality >= 100:
        return picture
    chroma = (
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420 if subsampled else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    )
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, chroma]
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), options)
    back = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(back[..., ::-1])
