"""Source-guided matting: what the photo itself says about alpha and colour.

The render gives a first alpha.  Carried into the photo's pixels, it meets a second picture of the
same subject, before another background: the photo.  Two pictures of one subject on two known
backings fix alpha; and the colour need not be guessed from the render at all.

References
----------
Smith, Blinn: Blue Screen Matting (1996), triangulation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from common.fields import enlarged, largest, mixture, smoothstep, spread, total
from common.geometry import Part
from common.image import F32
from common.matting.carrying import Carried
from common.matting.keyer import ridge_gain
from common.matting.light import Light

_RENDER_NOISE = 0.07  # how well the render's colour is believed, sigma in 0..1
_LEAST_DOUBT, _EDGE_DOUBT = 0.03, 0.35  # prior sigma of alpha, flat and on its steepest edge
_NEAR_NOTHING, _NEAR_ALL = 0.012, 0.95  # alpha beyond these is 0 or 1: no veils, no pinholes
_NO_NOISE = (0.05, 0.1)  # change of alpha from a pixel to the next: less is noise, and stays
_SOME = np.s_[::2]  # rows that tell how much is to be undone
_SOFTNESS, _MOST_SHARPENING = 0.8, 3.0  # px, sigma of what is undone, and by how much at most


@dataclass(frozen=True)
class Layers:
    """All that is known, in the photo's place and turned colours, at the working size.

    Attributes
    ----------
    alpha
        float32 (H, W), the first alpha.
    colour
        float32 (H, W, 3), the subject's straight colour as the render shows it, tone matched.
    behind
        float32 (H, W, 3), the photo's background, carried on beneath the subject.
    doubt
        float32 (H, W), sigma of that background.
    part
        Of the photo at the working size: the subject with what lies around it.
    """

    alpha: F32
    colour: F32
    behind: F32
    doubt: F32
    part: Part

    def within(self, part: Part) -> Layers:
        """Return the layers of a part of theirs, at its size."""
        fields = (self.alpha, self.colour, self.behind, self.doubt)
        alpha, colour, behind, doubt = (enlarged(field, self.part, part) for field in fields)
        return Layers(alpha, colour, behind, doubt, part)


def green_of_its_own(seen: Carried, photo: F32) -> Carried:
    """Raise alpha where the subject itself is green, which no keyer can tell.

    The key's excess ``l = G - (R + B) / 2`` is linear in colour, so it obeys the matting equation
    on both backings, and the unknown foreground drops out:
    ``1 - a = (l(render) - l(photo)) / (l(backing) - l(background))``.
    What was raised shows the render's own colour: nothing of it is backing.
    """
    own = _blurred(linear_excess(photo))
    if float(own.max()) < 0.03:
        return seen
    apart = linear_excess(seen.backing) - linear_excess(seen.behind)
    shown = _blurred(linear_excess(seen.render) - linear_excess(photo))
    alpha = np.clip(1 - shown / np.maximum(apart, 0.2), 0, 1)
    green = smoothstep(own, 0.03, 0.10) * smoothstep(alpha, 0.5, 0.85) * (seen.alpha < 0.985)
    if not green.any():
        return seen
    green = green * _is_no_backing(seen, photo)
    green = cv2.morphologyEx(green, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    raised = green * np.maximum(np.where(alpha > 0.9, 1, alpha) - seen.alpha, 0)
    colour = mixture(raised, seen.render, seen.colour)
    return replace(seen, alpha=seen.alpha + raised, colour=colour)


def _is_no_backing(seen: Carried, photo: F32) -> F32:
    """Return 1 where the render looks like the photo rather than like its own backing.

    Grass behind the subject is as green as a green subject; but the render shows backing there.
    """
    from_backing = _blurred(largest(cv2.absdiff(seen.render, seen.backing)))
    from_photo = _blurred(largest(cv2.absdiff(seen.render, photo)))
    return smoothstep(from_backing - from_photo, 0, 0.06)


def linear_excess(values: F32) -> F32:
    """Return G - (R + B) / 2, (H, W): the key's excess in a form that mixes linearly."""
    out: F32 = cv2.transform(values, np.array([[-0.5, 1.0, -0.5]], np.float32))
    return out


def _blurred(values: F32) -> F32:
    out: F32 = cv2.GaussianBlur(values, (0, 0), 1.5)
    return out


def sharpened(photo: F32, layers: Layers, light: Light) -> Layers:
    """Undo the softness of the render's alpha by as much as the photo asks for.

    How much is the least-squares share of alpha's own detail that is missing in the photo rebuilt
    with it; one number for the picture, since a model's resampling is the same everywhere.
    """
    alpha = layers.alpha
    detail = alpha - cv2.GaussianBlur(alpha, (0, 0), _SOFTNESS)
    amount = min(max(_missing_share(detail, photo, layers, light), 0.0), _MOST_SHARPENING)
    change: F32 = cv2.morphologyEx(alpha, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    amounts = np.float32(amount) * smoothstep(change, *_NO_NOISE)
    return replace(layers, alpha=np.clip(alpha + amounts * detail, 0, 1))


def _missing_share(detail: F32, photo: F32, layers: Layers, light: Light) -> float:
    """Return how much of alpha's detail, (H, W), the photo shows besides; some rows tell."""
    detail, alpha, doubt = detail[_SOME], layers.alpha[_SOME], layers.doubt[_SOME]
    behind = light.of(layers.behind[_SOME])
    line = light.of(layers.colour[_SOME]) - behind
    left = light.of(photo[_SOME]) - behind
    left -= spread(alpha) * line
    trust = detail / np.square(np.float32(_RENDER_NOISE**2) + doubt * doubt)
    explained = float(np.vdot(trust, detail * total(line * line)))
    return float(np.vdot(trust, total(left * line))) / (explained + 1e-9)


def updated_alpha(photo: F32, layers: Layers, reach: int, light: Light) -> F32:
    """Correct alpha on edges by the photo: one Kalman step per pixel, (H, W) in 0..1.

    Parameters
    ----------
    photo
        float32 (H, W, 3) at the size of the layers.
    reach
        Pixels over which the first alpha blurs an edge, 1 at the render's own resolution.

    Notes
    -----
    Prior: the first alpha, doubted as much as it changes nearby.  Measurement: the place of the
    photo's pixel on the line from its background to the subject's colour, doubted as much as the
    pixel lies off that line.
    """
    alpha, behind = layers.alpha, light.of(layers.behind)
    window = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    change: F32 = cv2.morphologyEx(alpha, cv2.MORPH_GRADIENT, window)
    prior = (_LEAST_DOUBT + _EDGE_DOUBT * change) ** 2
    line, seen = light.of(layers.colour) - behind, light.of(photo) - behind
    place, length = total(seen * line), total(line * line)
    nearest = np.clip(place / np.maximum(length, 1e-4), 0, 1)
    off = np.maximum(total(seen * seen) - nearest * (2 * place - nearest * length), 0)
    noise = 3 * (_RENDER_NOISE**2 + off + 4 * (layers.doubt * (1 - alpha)) ** 2)
    better = (alpha * noise + place * prior) / (noise + length * prior)
    alpha = np.where(change > 0.02, np.clip(better, 0, 1), alpha)
    alpha[alpha < _NEAR_NOTHING] = 0
    alpha[alpha > _NEAR_ALL] = 1
    return alpha


def source_colour(photo: F32, layers: Layers, alpha: F32) -> F32:
    """Return the straight colour (H, W, 3): the photo with its background taken out of the edge.

    A ridge towards the render's colour: the less is known of the background, the nearer to it.
    """
    ridge = np.float32(0.05) + np.square(6 * layers.doubt)
    gain = ridge_gain(alpha, ridge)
    colour, behind = layers.colour, layers.behind
    left = photo - mixture(alpha, colour, behind)
    left *= spread(gain)
    left += colour
    return np.clip(left, 0, 1, out=left)
