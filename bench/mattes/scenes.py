"""Pictures with a known truth: foregrounds before photos, and physically rendered scenes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench import peers, simulator
from bench.mattes import painted
from common.fields import as_bytes, as_float, resized
from common.geometry import Size
from common.image import F32, U8
from common.matting import GREEN, MAGENTA, Key, choose_key

DATA = peers.SHARED / "data"
BACKINGS = {GREEN: (11, 190, 20), MAGENTA: (226, 12, 205)}
LONGEST = 800  # px, a subject with its margin
MARGIN = 0.08
OPAQUE_SCENES = (
    "bottle_label", "can_green", "mug_white", "plush_bear", "set_of_three", "wire_basket",
)  # fmt: skip
PHYSICAL = (*OPAQUE_SCENES, "eyeglasses")
GREEN_SUBJECTS = ("frog", "plant", "neongreen", "greenlogo", "apple-drink")
FINE_SUBJECTS = ("fur", "hair", "lace", "lemur")
MATERIALS = {
    "glasses": "translucent", "wine": "translucent", "fur": "fine", "hair": "fine",
    "lace": "fine", "motion": "translucent", "smoke": "translucent", "lemur": "fine",
    "sunnies": "translucent", "eyeglasses": "translucent", "plush_bear": "fine",
    "wire_basket": "fine", "set_of_three": "",
}  # fmt: skip
NO_FOREGROUNDS = {"pymatting-lemur", "pymatting-lemur_alpha"}  # the photo, and a mask


def material_of(name: str) -> str:
    """Return what a detection call would say of a subject."""
    words = (word for word in MATERIALS if word in name)
    return MATERIALS.get(next(words, ""), "opaque")


def is_green(name: str) -> bool:
    """Tell whether a subject is of the key's own colour."""
    return any(word in name for word in GREEN_SUBJECTS)


@dataclass(frozen=True)
class Subject:
    """A subject with its true alpha: float32 straight RGB (H, W, 3) and alpha (H, W).

    `shadow` is what the file paints beneath it, which is no part of the truth.
    """

    name: str
    colour: F32
    alpha: F32
    shadow: simulator.Shadow | None = None


@dataclass(frozen=True)
class Case:
    """A scene to measure: its subject's name, and the truth in the photo's pixels.

    `truth` is float32 straight RGB (H, W, 3) and alpha (H, W), `in_render` the same in the render's
    pixels where it is known.
    """

    name: str
    photo: U8
    render: U8
    truth: peers.Keyed
    in_render: peers.Keyed | None = None


# --- simulated ------------------------------------------------------------------------------------


def foregrounds(every: int = 1, words: tuple[str, ...] = ("",)) -> list[int]:
    """Return the numbers of every n-th foreground, of those that are named by any of the words."""
    named = [
        index for index, path in enumerate(_paths()) if any(word in path.stem for word in words)
    ]
    return named[::every]


def name_of(index: int) -> str:
    """Return the name of a foreground."""
    return _paths()[index].stem


def subject(index: int, *, as_filed: bool = False) -> Subject:
    """Return a foreground with a margin around it, no side longer than `LONGEST`.

    Parameters
    ----------
    index
        Its number, of those in `foregrounds`.
    as_filed
        Whether a painted shadow stays a part of the subject, as the file has it.
    """
    path = _paths()[index]
    colour, alpha = _padded(as_float(read(path, "RGBA")))
    if as_filed:
        return Subject(path.stem, colour, alpha)
    return Subject(path.stem, *painted.split(colour, alpha))


@lru_cache(maxsize=2)
def simulated(index: int, level: simulator.Level, *, as_filed: bool = False) -> simulator.Scene:
    """Return the simulated scene of a foreground; the latest two are kept, as neighbours meet."""
    shown = subject(index, as_filed=as_filed)
    rooms = _rooms()
    height, width = shown.alpha.shape
    room: U8 = cv2.resize(rooms[index % len(rooms)], (width, height))
    return simulator.scene(shown.colour, shown.alpha, room, level, seed=index, shadow=shown.shadow)


def simulated_case(index: int, level: simulator.Level, *, as_filed: bool = False) -> Case:
    """Return a simulated scene as a case."""
    scene = simulated(index, level, as_filed=as_filed)
    return Case(
        name_of(index),
        scene.photo,
        scene.render,
        (scene.colour, scene.alpha),
        (scene.render_colour, scene.render_alpha),
    )


def read(path: Path, mode: str = "RGB") -> U8:
    """Read a picture as uint8 (H, W, C)."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert(mode), np.uint8)


@lru_cache(maxsize=1)
def _paths() -> tuple[Path, ...]:
    found = sorted((DATA / "foregrounds").glob("*.png"))
    return tuple(path for path in found if path.stem not in NO_FOREGROUNDS)


def _padded(rgba: F32) -> peers.Keyed:
    height, width = rgba.shape[:2]
    factor = LONGEST / (max(height, width) * (1 + 2 * MARGIN))
    premultiplied = np.dstack([rgba[..., :3] * rgba[..., 3:], rgba[..., 3]])
    small = resized(premultiplied, Size(width, height).scaled(min(1, factor)))
    margin = round(MARGIN * max(small.shape[:2]))
    padded = np.pad(small, ((margin, margin), (margin, margin), (0, 0)))
    colour = padded[..., :3] / np.maximum(padded[..., 3:], 1e-4)
    return np.clip(colour, 0, 1), np.ascontiguousarray(padded[..., 3])


@lru_cache(maxsize=1)
def _rooms() -> list[U8]:
    """Return photos to stand before: half of them busy, half of them blurred as by a lens."""
    photos = [read(path) for path in sorted((DATA / "detection").glob("coco-val*.jpg"))[:10]]
    return [
        cv2.GaussianBlur(photo, (0, 0), 4) if index % 2 else photo
        for index, photo in enumerate(photos)
    ]


# --- physical -------------------------------------------------------------------------------------


def physical(name: str, key: Key, seed: int = 0) -> Case:
    """Return a scene of ``data/renders`` as a model would give it: moved, another green, JPEG."""
    folder = DATA / "renders" / name
    with Image.open(folder / "alpha.png") as picture:
        alpha = (np.asarray(picture, np.float32) / 65535).astype(np.float32)
    size = Size(alpha.shape[1], alpha.shape[0])
    random = np.random.default_rng([seed, *name.encode()])
    render = _recoloured(as_float(read(folder / f"{key.name}.png")), alpha, key, random)
    moved = _drifted(np.clip(render, 0, 1).astype(np.float32), _drift(size, random))
    longer = size.scaled(1024 / size.longest)
    moved = cv2.resize(moved, (longer.width, longer.height), interpolation=cv2.INTER_CUBIC)
    colour = as_float(read(folder / "fg.png", "RGBA"))[..., :3]
    return Case(
        name,
        read(folder / "photo.png"),
        simulator.jpeg(as_bytes(moved), 90, subsampled=True),
        (np.ascontiguousarray(colour), alpha),
    )


def key_of(name: str) -> Key:
    """Return the key that suits a physical scene, of those that it was rendered on."""
    chosen = choose_key(read(DATA / "renders" / name / "photo.png"))
    return chosen if chosen in BACKINGS else MAGENTA


def _recoloured(render: F32, alpha: F32, key: Key, random: np.random.Generator) -> F32:
    ring = np.concatenate([render[:6].reshape(-1, 3), render[-6:].reshape(-1, 3)])
    drawn = np.array(BACKINGS[key], np.float32) / np.float32(255)
    drawn = drawn + random.uniform(-0.02, 0.02, 3).astype(np.float32)
    out: F32 = render + (1 - alpha)[..., None] * (drawn - np.median(ring, axis=0))
    return out


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
