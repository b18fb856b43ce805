"""The two ways to a matte: with the photo a render was made of, and from a render alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from common.fields import HALVES, as_bytes, as_float, largest, put, resized, shrunk, smoothstep
from common.geometry import Box, Part, Size
from common.image import F32, U8, Mask
from common.matting import gates
from common.matting.backing import Backing, find_key, measure
from common.matting.carrying import carried
from common.matting.edges import drawn_by_photo
from common.matting.finish import finished
from common.matting.guided import Layers, green_of_its_own, sharpened
from common.matting.interior import ALONE, levelled
from common.matting.keyer import Keyed, key_render, unlit
from common.matting.keys import Key, turned, turned_field
from common.matting.light import Light
from common.matting.mixing import light_of
from common.matting.reflection import missing_parts, reflections
from common.matting.registration import Registration, register
from common.matting.softness import deblurred
from common.renders import refuse_unfit
from common.verdict import Verdict

_WORTH_SHRINKING = 0.9  # a render nearly as large as the photo is worked at the photo's size
_GLANCE = 512  # px, longer side at which the subject is looked for
_LIKE_BACKING = 0.08  # channel difference from the backing below which a pixel shows it
_SOLID = 0.5  # alpha of what the keyer sees of the subject
_KEYED = 0.5  # share of what is no backing that the keyer must see, or else the key is its colour
_SUBJECT = 0.02  # alpha of what belongs to the subject
_NEAR_NOTHING, _NEAR_ALL = 0.04, (0.88, 0.95)  # noise beyond these, where no photo says better
_EDGE = 0.2  # alpha of what noise does not reach
_ROOM, _LEAST_ROOM = 0.06, 16  # share of the subject's longer side, px: room for its background
_CLEARLY_LESS = 0.65  # share of the other's miss: of what is symmetric it is .74 at least
_SAME_SIZE = 1.2  # a picture with hardly more pixels than wanted is left as it is


@dataclass(frozen=True)
class Matte:
    """A cutout.

    Attributes
    ----------
    rgb
        uint8 (H, W, 3), straight colour; where alpha is 255, the photo's own bytes.
    alpha
        uint8 (H, W).
    verdict
        What the gates say, with their scores (see `common.matting.gates`).
    reflections
        bool (h, w), small: where a polished part of an opaque subject may mirror the backing, and
        be missing; None where none may.
    """

    rgb: U8
    alpha: U8
    verdict: Verdict
    reflections: Mask | None = None


def cut(photo: U8, render: U8, key: Key | None, material: str = "") -> Matte:
    """Cut the subject out of a photo, led by a render of it on a flat backing.

    Parameters
    ----------
    photo
        uint8 RGB (H, W, 3): what the model was shown, at its full size.
    render
        uint8 RGB (h, w, 3), any size, about the photo's ratio.
    key
        The backing; None measures it at the render's border.
    material
        ``opaque``, ``translucent``, ``fine``, or empty where unknown.

    Returns
    -------
    The matte at the photo's size, colour from the photo.  A bad one is returned too: its verdict
    says so.

    Raises
    ------
    UnfitRender
        The render is of another ratio, too small, or of one colour.
    """
    refuse_unfit(render, Size(photo.shape[1], photo.shape[0]))
    key = key or find_key(render)
    pair = _Pair.of(photo, render, key)
    registration = pair.registered()
    part = pair.part_with_subject(registration)
    light = light_of(pair.render, pair.backing, pair.glance.alpha, key, material)
    keyed = key_render(pair.render, pair.backing, light)
    seen = as_float(pair.photo[part.box.slices])
    shown = green_of_its_own(carried(keyed, registration, seen, part), seen)
    layers = Layers(shown.alpha, shown.colour, shown.behind, shown.doubt, part)
    layers = sharpened(seen, layers, light)
    drawn = drawn_by_photo(layers.alpha, light.of(seen))
    rgb, alpha = finished(photo, replace(layers, alpha=levelled(drawn, material)), light)
    scores = gates.measured(seen, layers, *_shown_at(part, rgb, alpha, key))
    scores["backing"] = pair.backing.border_share
    scores["alignment"] = max(scores["alignment"], registration.score)
    scores |= gates.measured_on_whole(alpha)
    if gates.is_side_doubtful(scores):
        scores["mirrored"] = _settled_side(scores["mirrored"], pair, registration)
    if material != "opaque":  # of others nobody knows whether they are to be solid
        return Matte(rgb, alpha, gates.verdict(scores))
    found = reflections(shown, part, key)
    scores["reflected"] = 0.0 if found is None else float(found.mean())
    return Matte(rgb, alpha, gates.verdict(scores), found)


def witnessed(matte: Matte, other: Matte) -> Matte:
    """Return a matte with what it lacks of a polished subject, as another matte shows it.

    The other is of the same photo, by a way that knows no backing.  What it does not confirm was
    a reflection on the ground.
    """
    if matte.reflections is None:
        return matte
    missing = missing_parts(matte.reflections, matte.alpha, other.alpha)
    missing &= other.alpha > matte.alpha
    rgb, alpha = matte.rgb.copy(), matte.alpha.copy()
    put(other.rgb, missing, into=rgb)
    put(other.alpha, missing, into=alpha)
    scores = {**matte.verdict.scores, **gates.measured_on_whole(alpha), "reflected": 0.0}
    return Matte(rgb, alpha, gates.verdict(scores))


def _settled_side(score: float, pair: _Pair, as_it_is: Registration) -> float:
    """Return 1 if the render turned round agrees clearly better with the photo, 0 if clearly worse.

    What is nearly symmetric, as lace is, differs from its mirror image by so little that only the
    whole registration sees it, which takes too long to be asked every time.  What is symmetric
    keeps its `score`.
    """
    missed, missed_mirrored = 1 - as_it_is.score, 1 - pair.mirrored().registered().score
    if missed_mirrored < _CLEARLY_LESS * missed:
        return 1.0
    return 0.0 if missed < _CLEARLY_LESS * missed_mirrored else score


def key_alone(render: U8, key: Key | None = None) -> Matte:
    """Key a picture on a flat backing by itself: uint8 RGB (H, W, 3).

    Raises
    ------
    UnfitRender
        The picture is too small, or of one colour.
    """
    height, width = render.shape[:2]
    refuse_unfit(render, Size(max(width, 1), max(height, 1)))
    key = key or find_key(render)
    shown = turned(render, key)
    backing = measure(shown, key)
    keyed = key_render(shown, backing, Light(key, is_linear=False))
    look = resized(keyed.alpha, Size(width, height).within(_GLANCE))
    light = light_of(shown, backing, look, key, "")
    keyed = key_render(shown, backing, light) if light.is_linear else keyed
    rgb, alpha = np.zeros_like(render), np.zeros((height, width), np.uint8)
    inside = keyed.part.box.slices
    rgb[inside], alpha[inside] = _finished_alone(keyed, light)
    scores = gates.measured_alone(keyed)
    return Matte(rgb, alpha, gates.verdict(scores))


def _finished_alone(keyed: Keyed, light: Light) -> tuple[U8, U8]:
    """Return straight colour and alpha of the part that shows the subject, as bytes."""
    inside = keyed.part.box.slices
    first = np.ascontiguousarray(keyed.alpha[inside])
    alpha = as_bytes(_without_noise(levelled(deblurred(first), ALONE)))
    rgb = turned(as_bytes(unlit(keyed, light)), light.key).copy()
    put(np.zeros_like(rgb), alpha == 0, into=rgb)
    return rgb, alpha


def _without_noise(alpha: F32) -> F32:
    """Return alpha, (H, W), with what a render's noise makes of nothing and of all taken back.

    Beside an edge a little alpha is the edge's own.
    """
    nearly = np.maximum(alpha, smoothstep(alpha, *_NEAR_ALL))
    edge: U8 = cv2.dilate((alpha > _EDGE).view(np.uint8), np.ones((3, 3), np.uint8))
    return nearly * ((alpha >= _NEAR_NOTHING) | (edge > 0))


@dataclass(frozen=True)
class _Pair:
    """A photo and its render at the working size, uint8 (H, W, 3), turned; and a first glance.

    `glance` is the render keyed at a small size: enough to see where the subject is.
    """

    photo: U8
    render: U8
    key: Key
    backing: Backing
    glance: Keyed

    @staticmethod
    def of(photo: U8, render: U8, key: Key) -> _Pair:
        """Shrink, turn and glance."""
        size = _working_size(photo, render)
        small_photo, small = (turned(_shrunk(each, size), key) for each in (photo, render))
        return _Pair._seen(small_photo, small, key)

    @staticmethod
    def _seen(photo: U8, render: U8, key: Key) -> _Pair:
        backing = measure(render, key)
        look = Size(render.shape[1], render.shape[0]).within(_GLANCE)
        glance = key_render(_shrunk(render, look), backing, Light(key, is_linear=False))
        return _Pair(photo, render, key, backing, glance)

    def mirrored(self) -> _Pair:
        """Return the photo with the render's mirror image."""
        return _Pair._seen(self.photo, np.ascontiguousarray(self.render[:, ::-1]), self.key)

    def registered(self) -> Registration:
        """Find where each pixel of the photo lies in the render.

        A subject of the key's own colour is hardly seen by the keyer: the render itself, where it
        is no backing, is tried as well.
        """
        glance = self.glance
        found = register(as_bytes(glance.colour), self.photo, glance.alpha)
        other = self._other_than_backing()
        if float((glance.alpha > _SOLID).mean()) > _KEYED * float((other > _SOLID).mean()):
            return found
        by_render = register(glance.render, self.photo, other)
        return max(found, by_render, key=lambda each: each.score)

    def part_with_subject(self, registration: Registration) -> Part:
        """Return the part of the photo that shows the subject, with room for its background."""
        whole = Part.all_of(Size(self.photo.shape[1], self.photo.shape[0]))
        look = Part.all_of(whole.size.within(_GLANCE))
        own = Size(self.glance.alpha.shape[1], self.glance.alpha.shape[0])
        subject = np.maximum(self._other_than_backing(), self.glance.alpha)
        here: F32 = cv2.remap(subject, *registration.maps(look, own), cv2.INTER_LINEAR)
        left, top, width, height = cv2.boundingRect((here > _SUBJECT).view(np.uint8))
        if not width:
            return whole
        room = round(_ROOM * max(width, height)) + _LEAST_ROOM
        box = Box(top, left, top + height, left + width).widened(room, look.size)
        found = Part(box, look.size).scaled_to(whole.size)
        return Part(found.box.in_steps(HALVES, whole.size), whole.size)

    def _other_than_backing(self) -> F32:
        """Return 1 where the glance does not show its backing, (h, w)."""
        height, width = self.glance.alpha.shape
        backing = self.backing.over(Part.all_of(Size(width, height)))
        off = largest(cv2.absdiff(as_float(self.glance.render), backing))
        out: F32 = cv2.erode((off > _LIKE_BACKING).astype(np.float32), np.ones((2, 2), np.uint8))
        return out


def _shown_at(part: Part, rgb: U8, alpha: U8, key: Key) -> tuple[F32, F32]:
    """Return a finished cutout's colour, turned, and alpha at a part's own size."""
    own = part.scaled_to(Size(rgb.shape[1], rgb.shape[0])).box.slices
    size = (part.box.width, part.box.height)
    colour: U8 = cv2.resize(rgb[own], size, interpolation=cv2.INTER_AREA)
    cover: U8 = cv2.resize(alpha[own], size, interpolation=cv2.INTER_AREA)
    return turned_field(as_float(colour), key), as_float(cover)


def _working_size(photo: U8, render: U8) -> Size:
    """Return the photo's size, or its ratio at the render's number of pixels if that is less."""
    size = Size(photo.shape[1], photo.shape[0])
    own = Size(render.shape[1], render.shape[0])
    factor = (own.pixels / size.pixels) ** 0.5
    return size if factor >= _WORTH_SHRINKING else size.scaled(factor)


def _shrunk(pixels: U8, size: Size) -> U8:
    """Return the picture at `size`, by area, if it has more pixels than that."""
    height, width = pixels.shape[:2]
    return pixels if width * height <= size.pixels * _SAME_SIZE else shrunk(pixels, size)
