"""What the matting is worth: figures against a known truth and against peers.

    python -m bench.matting [hard mild physical wrong speed] [--every N] [--sheet]

Needs the pictures in ``../shared/data``.  SAD is the sum of alpha's absolute errors over the
picture, in thousands; PSNR is that of composites on white, black and magenta over the subject and
20 pixels around it, in dB.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench import peers, simulator
from common.fields import as_bytes, as_float, resized
from common.geometry import Size
from common.image import F32, U8
from common.matting import GREEN, KEYS, MAGENTA, Key, choose_key, cut
from common.matting.keyer import key_render
from common.matting.keys import turned_field

DATA = peers.SHARED / "data"
OUT = Path(__file__).parent / "out"
LONGEST = 800  # px, a subject with its margin
MARGIN = 0.08
PHYSICAL = ("bottle_label", "can_green", "mug_white", "plush_bear", "set_of_three", "wire_basket")
GREEN_SUBJECTS = ("frog", "plant", "neongreen", "greenlogo", "apple-drink")
MATERIALS = {
    "glasses": "translucent", "wine": "translucent", "fur": "fine", "hair": "fine",
    "lace": "fine", "motion": "translucent", "smoke": "translucent", "lemur": "fine",
    "sunnies": "translucent", "eyeglasses": "translucent", "plush_bear": "fine",
    "wire_basket": "fine", "set_of_three": "",
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """A subject with its true alpha: float32 straight RGB (H, W, 3) and alpha (H, W)."""

    name: str
    colour: F32
    alpha: F32

    @property
    def material(self) -> str:
        """What a detection call would say of it."""
        words = (word for word in MATERIALS if word in self.name)
        return MATERIALS.get(next(words, ""), "opaque")

    @property
    def is_green(self) -> bool:
        """Whether the subject itself is largely green."""
        return any(word in self.name for word in GREEN_SUBJECTS)


@dataclass(frozen=True)
class Figure:
    """How far a matte is from the truth."""

    sad: float
    psnr: float


@dataclass(frozen=True)
class Row:
    """One scene, one way."""

    scene: str
    way: str
    figure: Figure


# --- pictures -------------------------------------------------------------------------------------


def read(path: Path, mode: str = "RGB") -> U8:
    """Read a picture as uint8 (H, W, C)."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert(mode), np.uint8)


def subjects(every: int = 1) -> Iterator[Subject]:
    """Yield every n-th foreground with a margin around it, no side longer than `LONGEST`."""
    paths = [
        path
        for path in sorted((DATA / "foregrounds").glob("*.png"))
        if path.stem not in {"pymatting-lemur", "pymatting-lemur_alpha"}
    ]
    for path in paths[::every]:
        rgba = as_float(read(path, "RGBA"))
        height, width = rgba.shape[:2]
        factor = LONGEST / (max(height, width) * (1 + 2 * MARGIN))
        premultiplied = np.dstack([rgba[..., :3] * rgba[..., 3:], rgba[..., 3]])
        small = resized(premultiplied, Size(width, height).scaled(min(1, factor)))
        margin = round(MARGIN * max(small.shape[:2]))
        padded = np.pad(small, ((margin, margin), (margin, margin), (0, 0)))
        colour = padded[..., :3] / np.maximum(padded[..., 3:], 1e-4)
        yield Subject(path.stem, np.clip(colour, 0, 1), np.ascontiguousarray(padded[..., 3]))


def backgrounds() -> list[U8]:
    """Return photos to stand before: half of them busy, half of them blurred as by a lens."""
    photos = [read(path) for path in sorted((DATA / "detection").glob("coco-val*.jpg"))[:10]]
    return [
        cv2.GaussianBlur(photo, (0, 0), 4) if index % 2 else photo
        for index, photo in enumerate(photos)
    ]


def simulated(level: simulator.Level, every: int = 1) -> Iterator[tuple[Subject, simulator.Scene]]:
    """Yield subjects with their simulated scenes."""
    rooms = backgrounds()
    for index, subject in enumerate(subjects(every)):
        height, width = subject.alpha.shape
        room: U8 = cv2.resize(rooms[index % len(rooms)], (width, height))
        yield (
            subject,
            simulator.scene(subject.colour, subject.alpha, room, level, seed=index * every),
        )


@dataclass(frozen=True)
class Physical:
    """A physically rendered scene, and a drifted, recoloured, compressed render of it."""

    name: str
    photo: U8
    render: U8
    colour: F32
    alpha: F32
    matrix: NDArray[np.float64]


def physical(name: str, key: Key, seed: int = 0) -> Physical:
    """Return a scene of ``data/renders`` as a model would give it: moved, another green, JPEG."""
    folder = DATA / "renders" / name
    with Image.open(folder / "alpha.png") as picture:
        alpha = (np.asarray(picture, np.float32) / 65535).astype(np.float32)
    render = as_float(read(folder / f"{key.name}.png"))
    random = np.random.default_rng([seed, *name.encode()])
    ring = np.concatenate([render[:6].reshape(-1, 3), render[-6:].reshape(-1, 3)])
    wanted = turned_field(np.array([[[11, 190, 20]]], np.float32) / np.float32(255), key)[0, 0]
    drawn = wanted + random.uniform(-0.02, 0.02, 3).astype(np.float32)
    render = render + (1 - alpha)[..., None] * (drawn - np.median(ring, axis=0))
    matrix = _drift(Size(alpha.shape[1], alpha.shape[0]), random)
    moved = _drifted(np.clip(render, 0, 1).astype(np.float32), matrix)
    size = Size(alpha.shape[1], alpha.shape[0])
    longer = size.scaled(1024 / size.longest)
    moved = cv2.resize(moved, (longer.width, longer.height), interpolation=cv2.INTER_CUBIC)
    rgba = as_float(read(folder / "fg.png", "RGBA"))
    return Physical(
        name,
        read(folder / "photo.png"),
        simulator.jpeg(as_bytes(moved), 90, subsampled=True),
        np.ascontiguousarray(rgba[..., :3]),
        alpha,
        matrix,
    )


def _drift(size: Size, random: np.random.Generator) -> NDArray[np.float64]:
    """Return a move by at most 2 % with a scale of at most 1 %, (2, 3)."""
    scale = 1 + random.uniform(-0.01, 0.01)
    away = random.uniform(-0.02, 0.02, 2) * size.longest
    return np.array(
        [
            [scale, 0, (1 - scale) * size.width / 2 + away[0]],
            [0, scale, (1 - scale) * size.height / 2 + away[1]],
        ]
    )


def _drifted(render: F32, matrix: NDArray[np.float64]) -> F32:
    """Move the render; what comes in at the border is backing."""
    height, width = render.shape[:2]
    out: F32 = cv2.warpAffine(
        render, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return out


# --- figures --------------------------------------------------------------------------------------


def figure(colour: F32, alpha: F32, true_colour: F32, true_alpha: F32) -> Figure:
    """Compare a matte with the truth."""
    sad = float(np.abs(alpha - true_alpha).sum()) / 1000
    near: U8 = cv2.dilate((true_alpha > 0).astype(np.uint8), np.ones((41, 41), np.uint8))
    where = near > 0
    errors = []
    for backdrop in ((1, 1, 1), (0, 0, 0), (1, 0, 1)):
        new = np.array(backdrop, np.float32)
        ours = new + alpha[where, None] * (colour[where] - new)
        truth = new + true_alpha[where, None] * (true_colour[where] - new)
        errors.append(float(((ours - truth) ** 2).mean()))
    return Figure(sad, 10 * np.log10(1 / max(float(np.mean(errors)), 1e-9)))


def keyed_rows(level: simulator.Level, every: int) -> Iterator[Row]:
    """Yield the keyers' figures in the render's own pixels."""
    ways = {**peers.keyers(), "keyer": _own_keyer}
    for subject, scene in simulated(level, every):
        for way, keyer in ways.items():
            colour, alpha = keyer(scene.render)
            yield Row(
                subject.name, way, figure(colour, alpha, scene.render_colour, scene.render_alpha)
            )


def _own_keyer(render: U8) -> peers.Keyed:
    keyed = key_render(render)
    return keyed.colour, keyed.alpha


def guided_rows(level: simulator.Level, every: int) -> Iterator[Row]:
    """Yield the figures from end to end, in the photo's pixels."""
    for subject, scene in simulated(level, every):
        for way, matte in _end_to_end(scene.photo, scene.render, subject.material):
            yield Row(subject.name, way, figure(*matte, scene.colour, scene.alpha))


def physical_rows(key: Key | None) -> Iterator[Row]:
    """Yield the figures of the physical renders on a key, or on the one that suits each."""
    for name in (*PHYSICAL, "eyeglasses"):
        chosen = key or choose_key(read(DATA / "renders" / name / "photo.png"))
        scene = physical(name, chosen if chosen.name in {"green", "magenta"} else MAGENTA)
        for way, matte in _end_to_end(scene.photo, scene.render, MATERIALS.get(name, "opaque")):
            yield Row(name, way, figure(*matte, scene.colour, scene.alpha))


def _end_to_end(photo: U8, render: U8, material: str) -> Iterator[tuple[str, peers.Keyed]]:
    for way in ("naive HSV", "chromakey formula"):
        colour, alpha = peers.keyers()[way](render)
        size = Size(photo.shape[1], photo.shape[0])
        yield f"{way}, resized", (resized(colour, size), resized(alpha, size))
    if peers.PROTOTYPE.is_dir():
        yield "prototype guided", peers.prototype_guided(photo, render)
    for way, said in (("cut", ""), ("cut, material said", material), ("cut, opaque", "opaque")):
        matte = cut(photo, render, None, said)
        yield way, (as_float(matte.rgb), as_float(matte.alpha))


# --- tables ---------------------------------------------------------------------------------------


def table(title: str, rows: list[Row]) -> None:
    """Print means and medians by way."""
    print(f"\n{title}\n{'way':28s} {'SAD mean':>9s} {'median':>7s} {'PSNR mean':>10s}")
    for way in dict.fromkeys(row.way for row in rows):
        own = [row.figure for row in rows if row.way == way]
        sads = [one.sad for one in own]
        psnr = np.mean([one.psnr for one in own])
        print(f"{way:28s} {np.mean(sads):9.2f} {np.median(sads):7.2f} {psnr:10.2f}")


def scene_table(title: str, rows: list[Row]) -> None:
    """Print SAD by scene and way."""
    ways = list(dict.fromkeys(row.way for row in rows))
    print(f"\n{title}\n{'scene':32s} " + " ".join(f"{way[:18]:>18s}" for way in ways))
    for scene in dict.fromkeys(row.scene for row in rows):
        own = {row.way: row.figure for row in rows if row.scene == scene}
        print(
            f"{scene:32s} "
            + " ".join(f"{own[way].sad:10.1f} {own[way].psnr:7.1f}" for way in ways if way in own)
        )
