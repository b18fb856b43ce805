"""How far mattes are from the truth, scene by scene: the studio's and its peers'.

SAD is the sum of alpha's absolute errors over the picture, in thousands.  PSNR is that of
composites on white, black and magenta over the subject and 20 pixels around it, in dB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace

import cv2
import numpy as np

from bench import peers, simulator
from bench.mattes import scenes, sheet
from common.fields import as_float, resized
from common.geometry import Size
from common.image import F32, U8, Image
from common.matting import KEYS, Matte, cut, key_alone
from common.matting.backing import find_key
from common.matting.keys import turned, turned_field
from common.operations.base import Models
from common.operations.cutout import run
from common.operations.options import CutoutOptions
from common.vlm.embedded import EmbeddedModel
from common.vlm.given import GivenRender

NAIVE, FFMPEG, SAID, UNKNOWN = "naive HSV", "ffmpeg", "cut, material said", "cut, unknown"
KEYER, OPAQUE = "our keyer", "cut, opaque said"
STUDIO = "studio, material said"  # the whole operation, with the embedded engine at its side
WITH_OURS, WITH_OURS_TOO = "ffmpeg, registered, raw", "ffmpeg, registered, own edge"
LEVELS = {"hard": simulator.HARD, "mild": simulator.MILD}
LIGHTS = {
    "display": {},
    "linear render": {"linear_render": True},
    "both linear": {"linear_render": True, "linear_photo": True},
}
_SOLID = 0.999  # true alpha of an opaque pixel
_OPAQUE, _NEARLY = 255, 0.9


@dataclass(frozen=True)
class Kept:
    """How many opaque pixels are the photo's own.

    Attributes
    ----------
    solid, kept, nearly
        Pixels whose true alpha is 1; those of them that are opaque with the photo's own bytes;
        those whose alpha is .9 and more.
    inner, inner_kept
        The same of those that lie two pixels and more inside.
    opaque, own
        Opaque pixels of the matte; those of them that are the photo's own bytes.
    """

    solid: int = 0
    kept: int = 0
    nearly: int = 0
    inner: int = 0
    inner_kept: int = 0
    opaque: int = 0
    own: int = 0

    def __add__(self, other: Kept) -> Kept:
        """Count both."""
        return Kept(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Row:
    """One scene, one way: how far its matte is from the truth.

    Attributes
    ----------
    table, scene, way
        Where the row belongs.
    sad, psnr
        Its figures.
    pixels
        What became of opaque ones, where it was counted.
    """

    table: str
    scene: str
    way: str
    sad: float
    psnr: float
    pixels: Kept = Kept()


@dataclass(frozen=True)
class Measured:
    """What came of one scene."""

    rows: list[Row]
    strips: list[sheet.Strip]


@dataclass(frozen=True)
class Simulated:
    """A simulated scene to measure: which foreground, which level, what is wanted of it.

    `all_peers` asks the prototype too, `slow` the peer that takes longest.
    """

    index: int
    level: str
    keyers: bool
    cutouts: bool
    all_peers: bool
    slow: bool

    def measured(self) -> Measured:
        """Render the scene once, and run every way on it."""
        case = scenes.simulated_case(self.index, LEVELS[self.level])
        rows = list(self._keyed(case)) if self.keyers else []
        if not self.cutouts:
            return Measured(rows, [])
        ours = list(_ours(case, f"cutout, {self.level}", ("", scenes.material_of(case.name))))
        rows += [row for row, _ in ours]
        rows += _peers(case, f"cutout, {self.level}", keep_slow=self.all_peers)
        rows += self._as_filed()
        strip = sheet.strip(case, ours[-1][1], self.level, ours[-1][0].psnr)
        return Measured(rows, [strip])

    def _keyed(self, case: scenes.Case) -> Iterator[Row]:
        title = f"keyer, {self.level}"
        truth = case.in_render or case.truth
        own = key_alone(case.render)
        yield _row(title, case.name, KEYER, (as_float(own.rgb), as_float(own.alpha)), truth)
        for way, keyer in self._keyers().items():
            yield _row(title, case.name, way, keyer(case.render), truth)

    def _keyers(self) -> dict[str, peers.Keyer]:
        found = peers.keyers()
        if not self.slow:
            found.pop(peers.SLOW, None)
        return found if self.all_peers else {way: found[way] for way in (NAIVE, FFMPEG)}

    def _as_filed(self) -> Iterator[Row]:
        """Give the figures of the scene in which a painted shadow is a part of the subject."""
        if scenes.subject(self.index).shadow is None:
            return
        case = scenes.simulated_case(self.index, LEVELS[self.level], as_filed=True)
        title = f"as filed, {self.level}"
        for row, _ in _ours(case, title, ("", scenes.material_of(case.name))):
            yield row
        yield from _peers(case, title, keep_slow=self.all_peers)


@dataclass(frozen=True)
class Lit:
    """A simulated scene of a fine subject whose edges are mixed in one light or another."""

    index: int
    level: str
    light: str

    def measured(self) -> Measured:
        """Run our ways, with the material said and unknown."""
        level = replace(LEVELS[self.level], **LIGHTS[self.light])
        case = scenes.simulated_case(self.index, level)
        title = f"{self.light}, {self.level}"
        return Measured([row for row, _ in _ours(case, title, ("", "fine"))], [])


@dataclass(frozen=True)
class Physical:
    """A physically rendered scene on a key."""

    name: str
    key: str
    all_peers: bool

    def measured(self) -> Measured:
        """Run every way on it."""
        case = scenes.physical(self.name, KEYS[self.key])
        said = scenes.material_of(self.name)
        title = f"physical, {self.key}"
        ways = _ours(case, title, ("", said, "opaque"), (UNKNOWN, SAID, OPAQUE))
        rows = [row for row, _ in ways]
        rows.append(_studios(case, title, said))
        return Measured(rows + list(_peers(case, title, keep_slow=self.all_peers)), [])


Job = Simulated | Lit | Physical


def measured(job: Job) -> Measured:
    """Do a job: a function, so that processes can be handed it."""
    return job.measured()


def _ours(
    case: scenes.Case,
    title: str,
    materials: tuple[str, ...],
    ways: tuple[str, ...] = (UNKNOWN, SAID),
) -> Iterator[tuple[Row, Matte]]:
    for way, material in zip(ways, materials, strict=True):
        matte = cut(case.photo, case.render, None, material)
        row = _row(title, case.name, way, (as_float(matte.rgb), as_float(matte.alpha)), case.truth)
        yield replace(row, pixels=_kept(matte, case)), matte


def _studios(case: scenes.Case, title: str, material: str) -> Row:
    """Run the operation as the command does with a render that is brought."""
    options = CutoutOptions.model_validate({"material": material or "auto", "on_fail": "review"})
    models = Models(GivenRender(Image(case.render)), fallback=EmbeddedModel(), brought=True)
    made = run(Image(case.photo), options, models).image
    if made is None or made.alpha is None:
        raise AssertionError(f"no cutout of {case.name}")
    return _row(title, case.name, STUDIO, (as_float(made.rgb), as_float(made.alpha)), case.truth)


def _peers(case: scenes.Case, title: str, *, keep_slow: bool) -> Iterator[Row]:
    for way, matte in _peer_mattes(case, keep_slow=keep_slow):
        yield _row(title, case.name, way, matte, case.truth)


def _peer_mattes(case: scenes.Case, *, keep_slow: bool) -> Iterator[tuple[str, peers.Keyed]]:
    """Give the peers' mattes in the photo's place: resized, or carried there by us."""
    key = find_key(case.render)  # the peers know green only: they are shown every key as green
    photo, render = turned(case.photo, key), turned(case.render, key)
    size = Size(photo.shape[1], photo.shape[0])
    found = peers.keyers()
    for way in (NAIVE, FFMPEG):
        colour, alpha = found[way](render)
        yield f"{way}, resized", (resized(turned_field(colour, key), size), resized(alpha, size))
    mattes = peers.registered(found[FFMPEG], photo, render)
    ways = (WITH_OURS, WITH_OURS_TOO)
    for way, (colour, alpha) in zip(ways, mattes, strict=True):
        yield way, (turned_field(colour, key), alpha)
    if keep_slow and peers.PROTOTYPE.is_dir():
        colour, alpha = peers.prototype_guided(photo, render)
        yield "prototype", (turned_field(colour, key), alpha)


def _row(table: str, scene: str, way: str, matte: peers.Keyed, truth: peers.Keyed) -> Row:
    """Compare a matte with the truth."""
    (colour, alpha), (true_colour, true_alpha) = matte, truth
    sad = float(np.abs(alpha - true_alpha).sum()) / 1000
    near: U8 = cv2.dilate((true_alpha > 0).astype(np.uint8), np.ones((41, 41), np.uint8))
    where = near > 0
    errors = []
    for backdrop in ((1, 1, 1), (0, 0, 0), (1, 0, 1)):
        new = np.array(backdrop, np.float32)
        ours = _laid(colour[where], alpha[where], new)
        wanted = _laid(true_colour[where], true_alpha[where], new)
        errors.append(float(((ours - wanted) ** 2).mean()))
    psnr = 10 * np.log10(1 / max(float(np.mean(errors)), 1e-9))
    return Row(table, scene, way, sad, float(psnr))


def _laid(colour: F32, alpha: F32, backdrop: F32) -> F32:
    out: F32 = backdrop + alpha[:, None] * (colour - backdrop)
    return out


def _kept(matte: Matte, case: scenes.Case) -> Kept:
    """Count the opaque pixels that are the photo's own."""
    solid = case.truth[1] >= _SOLID
    inner = cv2.erode(solid.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    opaque = matte.alpha == _OPAQUE
    own = opaque & (matte.rgb == case.photo).all(2)
    nearly = solid & (matte.alpha >= _NEARLY * _OPAQUE)
    counted = (solid, solid & own, nearly, inner, inner & own, opaque, own)
    return Kept(*(int(each.sum()) for each in counted))
