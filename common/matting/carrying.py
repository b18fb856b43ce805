"""A keyed render carried into the photo's pixels.

Registration finds the way on a small grid; here it is followed, and corrected by what is left to
see at the working size: a flow of a pixel or less, smooth, and believed only if it helps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from common.fields import Pixels, as_float, enlarged
from common.geometry import Part, Size
from common.image import F32, U8, Mask
from common.matting.background import background
from common.matting.keyer import Keyed
from common.matting.registration import Registration
from common.matting.registration.scene import Rebuilt, surroundings
from common.matting.registration.warp import flow_step

_THIN = np.s_[::3, ::3]  # so many rows and columns tell the tone ...
_ENOUGH = 45  # ... unless they are fewer than this
_TONE = (0.8, 1.25)  # the model's contrast is matched within this
_WINDOWS = (0.04, 0.03)  # sigma of the last steps of flow, of the photo's longer side
_SETTLED = 0.05  # px, root mean square: a smaller flow is not worth its price
_OUTLIER = np.float32(0.01)  # squared colour difference that counts no more when it grows


@dataclass(frozen=True)
class Carried:
    """A keyed render in the photo's place, and the photo's background beneath it.

    Attributes
    ----------
    alpha, colour
        float32 (H, W) and straight (H, W, 3), the tone matched to the photo's.
    backing, render
        float32 (H, W, 3): the backing, and the render itself.
    behind, doubt
        float32 (H, W, 3) and (H, W): the photo's background, and its sigma.
    """

    alpha: F32
    colour: F32
    backing: F32
    render: F32
    behind: F32
    doubt: F32


def carried(keyed: Keyed, registration: Registration, photo: F32, part: Part) -> Carried:
    """Carry a keyed render into a part of the photo, float32 (H, W, 3), and match its tone."""
    way = _Way.of(keyed, registration, part)
    alpha = way.alpha
    behind, doubt = background(photo, alpha)
    toned = _tone_matched(keyed.colour, way.thinned().carry(keyed.colour), photo, alpha)
    axis = _clearest_axis(photo, alpha, behind)
    way = _corrected(way, *(cv2.transform(each, axis) for each in (toned, photo, behind)))
    return Carried(
        way.alpha,
        way.carry(toned),
        _backing_here(keyed, registration, part),
        as_float(way.carry(keyed.render)),
        behind,
        doubt,
    )


def _clearest_axis(photo: F32, alpha: F32, behind: F32) -> F32:
    """Return the axis of colour, (1, 3), on which the subject differs most from its background."""
    apart = (photo[_THIN] - behind[_THIN])[alpha[_THIN] > 0.5]
    if len(apart) <= _ENOUGH:
        return np.full((1, 3), 1 / np.sqrt(3), np.float32)
    _, axes = np.linalg.eigh(apart.T @ apart)
    axis: F32 = axes[:, -1:].T.astype(np.float32)
    return axis


@dataclass(frozen=True)
class _Way:
    """Where each pixel of a part of the photo lies in a keyed render: columns and rows, (H, W)."""

    keyed: Keyed
    part: Part
    columns: F32
    rows: F32

    @staticmethod
    def of(keyed: Keyed, registration: Registration, part: Part) -> _Way:
        own = Size(keyed.alpha.shape[1], keyed.alpha.shape[0])
        return _Way(keyed, part, *registration.maps(part, own))

    def carry(self, values: Pixels, how: int = cv2.INTER_LINEAR) -> Pixels:
        """Return the render's values in the photo's place."""
        out: Pixels = cv2.remap(
            values, self.columns, self.rows, how, borderMode=cv2.BORDER_REPLICATE
        )
        return out

    def thinned(self) -> _Way:
        """Return the way of some pixels only."""
        columns, rows = (np.ascontiguousarray(field[_THIN]) for field in (self.columns, self.rows))
        return _Way(self.keyed, self.part, columns, rows)

    @cached_property
    def alpha(self) -> F32:
        """Alpha, (H, W), with as little blur as resampling allows."""
        return np.clip(self.carry(self.keyed.alpha, cv2.INTER_CUBIC), 0, 1)

    def after(self, flow: F32) -> _Way:
        """Return the way that goes by a flow, (H, W, 2) in the photo's pixels, as well."""
        height, width = self.keyed.alpha.shape
        across, down = width / self.part.size.width, height / self.part.size.height
        columns = self.columns + np.float32(across) * flow[..., 0]
        return _Way(self.keyed, self.part, columns, self.rows + np.float32(down) * flow[..., 1])


def _corrected(way: _Way, colour: F32, photo: F32, behind: F32) -> _Way:
    """Return the way after the last steps of flow, or as it was if they do not help.

    Pictures are (H, W), one axis of colour: flow is seen there as well, for a third of the price.
    """
    first = rebuilt = _rebuilt(way, colour, behind)
    near = surroundings(first.weight)
    if not near.any():
        return way
    latest = way
    for window in _WINDOWS:
        flow = flow_step(photo, rebuilt, window * way.part.size.longest)
        if _distance(flow, near) < _SETTLED:
            break
        latest = latest.after(flow)
        rebuilt = _rebuilt(latest, colour, behind)
    helps = latest is not way and _missed(photo, rebuilt, near) < _missed(photo, first, near)
    return latest if helps else way


def _rebuilt(way: _Way, colour: F32, behind: F32) -> Rebuilt:
    alpha = way.alpha
    return Rebuilt(behind + alpha * (way.carry(colour) - behind), behind, alpha)


def _distance(flow: F32, where: U8) -> float:
    """Return the root mean square of a flow, (H, W, 2), inside a mask."""
    return float(np.sqrt(sum(cv2.mean(flow * flow, where))))


def _missed(photo: F32, rebuilt: Rebuilt, where: U8) -> float:
    off = photo - rebuilt.picture
    return float(cv2.mean(np.minimum(off * off, _OUTLIER), where)[0])


def _backing_here(keyed: Keyed, registration: Registration, part: Part) -> F32:
    """Carry the backing, which is smooth and small, at its own size."""
    field = keyed.backing.unshaded
    small = Part.all_of(Size(field.shape[1], field.shape[0]))
    moved: F32 = cv2.remap(
        field,
        *registration.maps(small, small.size),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return enlarged(moved, small, part)


def _tone_matched(colour: F32, here: F32, photo: F32, alpha: F32) -> F32:
    """Return a render's colour, (h, w, 3), without the model's change of tone.

    Gain and offset per channel, measured on the core, where `here` is that colour in the photo's
    place, thinned.
    """
    deep: F32 = cv2.erode(alpha, np.ones((7, 7), np.uint8))
    core: Mask = deep[_THIN] > 0.98
    if core.sum() <= _ENOUGH:
        return colour
    shown, true = here[core], photo[_THIN][core]
    mean, wanted = shown.mean(0), true.mean(0)
    variance = shown.var(0)
    slope = ((shown - mean) * (true - wanted)).mean(0) / np.maximum(variance, 1e-6)
    gain = np.where(variance > 0.002, np.clip(slope, *_TONE), 1)
    tone = np.hstack([np.diag(gain), (wanted - gain * mean)[:, None]])
    matched: F32 = cv2.transform(colour, tone)
    return np.clip(matched, 0, 1, out=matched)
