"""The keyer: alpha and colour of a render from the render alone.

The render obeys the matting equation ``I = a F + (1 - a) B``.  The backing B is measured, the
foreground F near an edge is carried over from the nearest solid pixels, and alpha is where the
pixel lies on the line from B to F.

References
----------
Smith, Blinn: Blue Screen Matting (1996); Vlahos' colour difference key gives the first matte.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from common.fields import (
    HALVES,
    as_float,
    halved,
    mixture,
    push_pull,
    put,
    resized,
    smoothstep,
    spread,
    thinned,
    total,
)
from common.geometry import Box, Part, Size
from common.image import F32, U8
from common.matting.backing import Backing
from common.matting.keys import excess
from common.matting.light import Light

_LEAST_BACKING_EXCESS = 0.15  # the key's own excess is never taken for less
_CORE = 0.97  # first alpha that is solid once eroded by _BAND
_SHOWN = 0.95  # first alpha of a pixel that shows the subject and hardly anything else
_BAND = 4  # px, depth of a solid core's rim that is not trusted for colour
_THIN = 2  # every so many rows and columns tell where the subject is
_ENOUGH = 50  # such pixels of a core say what is usual there
_ROOM = 24  # px around the subject, for every filter's support
_ENCLOSED = 0.93  # first alpha, eroded by _BAND, of a place where nothing of the backing shows
_SPILLED = (0.85, 0.93)  # level of an interior that may be solid and spilled on, and surely is
_RIM, _INSIDE = 3, 6  # px, depths between which the level of an interior is told
_COLOUR_RIDGE = 0.02  # prior weight of the carried-over colour where alpha is low
_SOLID_LUMA = (
    0.25  # weight of luma beside solid cores; 1 in thin regions, whose chroma 4:2:0 spoils
)
_SOLID = 0.996  # above this a pixel shows itself and nothing of the backing


@dataclass(frozen=True)
class Keyed:
    """A keyed render, in the render's own pixels and turned colours.

    Attributes
    ----------
    alpha
        float32 (H, W), 0..1.
    colour
        float32 (H, W, 3), straight, in the backing's light; black beyond the part.
    render
        uint8 (H, W, 3), the render itself.
    backing
        What was measured.
    part
        Of the render: beyond it there is nothing but backing.
    thickness
        float32 (h, w), of the part: as `Explained` tells it.
    """

    alpha: F32
    colour: F32
    render: U8
    backing: Backing
    part: Part
    thickness: F32


def key_render(render: U8, backing: Backing, light: Light) -> Keyed:
    """Key a turned render, uint8 RGB (H, W, 3), whose edges were mixed in `light`."""
    noise, part = _noise_and_subject(render, backing, light)
    alpha, colour = np.zeros(render.shape[:2], np.float32), np.zeros(render.shape, np.float32)
    inside = part.box.slices
    mixed, behind = light.of(as_float(render[inside])), light.of(backing.over(part))
    told = explained(mixed, behind)
    alpha[inside] = np.clip((told.alpha - noise) / np.float32(1 - 1.6 * noise), 0, 1)
    colour[inside] = light.shown(_straight(mixed, behind, told.colour, alpha[inside]))
    return Keyed(alpha, colour, render, backing, part, told.thickness)


def _noise_and_subject(render: U8, backing: Backing, light: Light) -> tuple[float, Part]:
    """Return the noise of the backing, told as alpha, and the part with all that is more.

    Every other row and column is looked at.  Where nothing is more, the part is a corner.
    """
    thin = as_float(thinned(render))
    behind = backing.over(Part.all_of(Size(thin.shape[1], thin.shape[0])))
    share = _backing_share(light.of(thin), light.of(behind))
    noise = _noise_floor(share)
    other = (share < 1 - max(4 * noise, 0.04)).view(np.uint8)
    left, top, width, height = cv2.boundingRect(other)
    size = Size(render.shape[1], render.shape[0])
    corners = (top, left, top + max(height, 1), left + max(width, 1))
    top, left, bottom, right = (_THIN * corner for corner in corners)
    box = Box(top, left, bottom, right).widened(_ROOM, size)
    return noise, Part(box.in_steps(HALVES, size), size)


def _backing_share(pixels: F32, behind: F32) -> F32:
    """Return the first matte's 1 - alpha: the key's excess over that of the backing."""
    full = np.maximum(excess(behind), np.float32(_LEAST_BACKING_EXCESS))
    return np.clip(excess(pixels) / full, 0, 1)


def _noise_floor(share: F32) -> float:
    """Return the alpha below which there is only the backing's noise: 2.5 robust sigmas."""
    seen = share[::2, ::2]
    seen = seen[seen > 0.9]
    if not seen.size:
        return 0.05
    sigma = float(np.median(np.abs(seen - np.median(seen)))) * 1.48
    return min(max(2.5 * sigma, 0.008), 0.06)


@dataclass(frozen=True)
class Explained:
    """What the matting equation says of a render.

    Attributes
    ----------
    alpha
        float32 (h, w), its noise not yet taken off.
    colour
        float32 (h, w, 3), the subject's carried over from its solid parts, in the backing's light.
    thickness
        float32 (h, w), 1 and more: by how much alpha is larger than if that light were the backing
        seen through the subject.
    """

    alpha: F32
    colour: F32
    thickness: F32


def explained(pixels: F32, behind: F32) -> Explained:
    """Explain a render by the matting equation.

    Parameters
    ----------
    pixels, behind
        float32 (h, w, 3): the render and its backing, as they were mixed.
    """
    first = 1 - _backing_share(pixels, behind)
    thickness = _thickness(first)
    first = np.minimum(first * thickness, 1)
    disk: U8 = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _BAND + 1, 2 * _BAND + 1))
    deep: F32 = cv2.erode(first, disk)
    apart = pixels - behind
    squared = total(apart * apart)
    carried = _carried_colour(pixels, behind, first, deep, squared)
    alpha = _projected(apart, squared, carried - behind, first, deep)
    return Explained(alpha, carried, thickness)


def _thickness(first: F32) -> F32:
    """Return by how much a subject is thicker than its first matte says, (h, w), 1 and more.

    An interior that is nearly solid is taken for solid, and its edges for as much thicker: light
    of the backing falls on a white subject's rim and is no transparency.  Told at half the size.
    """
    size = Size(first.shape[1], first.shape[0])
    small = halved(first)
    depth: F32 = cv2.distanceTransform((small > 0.5).view(np.uint8), cv2.DIST_L2, 5)
    sampled = ((depth >= _RIM / 2) & (depth <= _INSIDE / 2)).astype(np.float32)
    if not sampled.any():
        return np.ones_like(first)
    level = push_pull(small[..., None], sampled)[..., 0]
    wanted = np.reciprocal(np.maximum(level, np.float32(0.1)))
    return resized(1 + smoothstep(level, *_SPILLED) * (wanted - 1), size)


def _straight(pixels: F32, behind: F32, carried: F32, alpha: F32) -> F32:
    """Return the subject's straight colour (h, w, 3), without the backing behind its edge."""
    return _despilled(_unmixed(pixels, behind, carried, alpha), carried, alpha)


def unlit(keyed: Keyed, light: Light) -> F32:
    """Return the colour of the part that shows the subject, (h, w, 3), without the backing's light.

    The light is taken out like the backing itself: ``F = (1 - s) F' + s B``, where s is what makes
    the subject thicker than its first matte, but no more than each pixel shows.
    """
    colour = keyed.colour[keyed.part.box.slices]
    if keyed.thickness.max() <= 1:
        return colour
    lit, behind = light.of(colour), light.of(keyed.backing.over(keyed.part))
    shown = np.maximum(1 - _backing_share(lit, behind), np.float32(0.1))
    out: F32 = lit - behind
    out *= spread(np.minimum(keyed.thickness, 1 / shown))
    out += behind
    return light.shown(np.clip(out, 0, 1, out=out))


def _carried_colour(pixels: F32, behind: F32, first: F32, deep: F32, apart: F32) -> F32:
    """Return the foreground's colour everywhere, carried over from where it is solid.

    Solid cores count most, then their rims, then, for subjects without a core (hair, mesh), the
    pixels that lie farthest from the backing in their neighbourhood.  `apart` is the square of
    each pixel's distance from the backing, (h, w).
    """
    rim: F32 = cv2.erode(first, np.ones((3, 3), np.uint8))
    core = deep > _CORE
    farthest: F32 = cv2.dilate(apart, np.ones((5, 5), np.uint8))
    purity = np.square(first * (first > 0.25) * np.square(apart / np.maximum(farthest, 0.003)))
    weight = np.float32(3e-4) * purity + np.float32(1e-7)
    weight = np.maximum(weight, np.float32(0.03) * (rim > _SHOWN))
    weight = np.maximum(weight, core)
    guess = spread(1 - first)
    guess *= behind
    np.subtract(pixels, guess, out=guess)
    guess /= spread(np.maximum(first, np.float32(0.15)))
    np.clip(guess, 0, 1, out=guess)
    put(pixels, rim > _SHOWN, into=guess)
    field = _filled_at_half_size(guess, weight)
    _cap_green(field, thinned(pixels)[thinned(core.view(np.uint8)) > 0])
    return resized(field, Size(first.shape[1], first.shape[0]))


def _filled_at_half_size(colour: F32, weight: F32) -> F32:
    small_weight = halved(weight)
    small = halved(colour * spread(weight))
    small /= spread(np.maximum(small_weight, 1e-12))
    return push_pull(small, small_weight * 50)


def _cap_green(field: F32, core: F32) -> None:
    """Limit, in place, the green of the carried colour to what the solid core shows."""
    if len(core) <= _ENOUGH:
        return
    thinned = core[:: max(1, len(core) // 5000)]
    usual = float(np.percentile(excess(thinned[None]), 90))
    limit = np.maximum(np.maximum(field[..., 0], field[..., 2]) + (usual + 0.02), 0)
    np.minimum(field[..., 1], limit, out=field[..., 1])


def _projected(apart: F32, squared: F32, line: F32, first: F32, deep: F32) -> F32:
    """Return alpha as the pixel's place on the line from backing to foreground.

    `apart` is how each pixel differs from the backing, (h, w, 3), and `squared` the square of that;
    `line` is how the foreground does, and is used up.

    Luma counts less than chroma near solid cores: the backing says nothing about brightness.
    Where the line is short, or the pixel lies far off it, the first matte stands.
    """
    less_luma = (1 - _luma_weight(deep)) * np.float32(1 / 3)
    sum_pixel, sum_line = total(apart), total(line)
    dot = total(apart * line)
    line *= line
    square = total(line)
    length = square - less_luma * sum_line * sum_line
    shown = dot - less_luma * sum_pixel * sum_line
    place: F32 = np.clip(shown / np.maximum(length, np.float32(1e-4)), 0, 1)
    off: F32 = np.sqrt(np.maximum(squared - place * (2 * dot - place * square), 0))
    trust = smoothstep(length, 0.02, 0.10) * (1 - smoothstep(off, 0.12, 0.35))
    alpha = first + trust * (place - first)
    return np.maximum(alpha, first * (deep > _ENCLOSED))


def _luma_weight(deep: F32) -> F32:
    """Return the weight of luma, (H, W): little beside solid cores, full in thin regions."""
    reach = 2 * _BAND + 3
    beside: F32 = cv2.dilate((deep > _CORE).astype(np.float32), np.ones((reach, reach), np.uint8))
    nearness: F32 = cv2.blur(beside, (9, 9))
    return 1 - np.float32(1 - _SOLID_LUMA) * smoothstep(nearness, 0.2, 0.9)


def ridge_gain(alpha: F32, ridge: F32 | np.float32) -> F32:
    """Return how much of what a pixel shows beside the expected goes to the colour, (h, w).

    All of it, divided by alpha, without a ridge; the larger that is, the less is believed.
    """
    out: F32 = np.divide(alpha, alpha * alpha + ridge * (1 - alpha) + np.float32(1e-9))
    return out


def _unmixed(pixels: F32, behind: F32, carried: F32, alpha: F32) -> F32:
    """Return the straight colour that explains the pixel, drawn to the carried one (ridge)."""
    gain = ridge_gain(alpha, np.float32(_COLOUR_RIDGE))
    colour = mixture(alpha, carried, behind)
    np.subtract(pixels, colour, out=colour)
    colour *= spread(gain)
    colour += carried
    np.clip(colour, 0, 1, out=colour)
    put(pixels, alpha > _SOLID, into=colour)
    return colour


def _despilled(colour: F32, carried: F32, alpha: F32) -> F32:
    """Take the key's light off the edge: green at most max(red, blue) or the carried green."""
    near_edge: F32 = cv2.blur((alpha < 0.5).astype(np.float32), (25, 25))
    near_edge = np.minimum(near_edge * 6, 1)
    limit = np.maximum(np.maximum(colour[..., 0], colour[..., 2]), carried[..., 1] + 0.02)
    colour[..., 1] -= near_edge * np.maximum(colour[..., 1] - limit, 0)
    return colour
