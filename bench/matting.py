"""What the matting is worth: figures against a known truth and against peers.

    python -m bench.matting [keyer hard mild physical wrong speed] [--every N] [--sheet]

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
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench import peers, simulator
from common.fields import as_bytes, as_float, resized
from common.geometry import Size
from common.image import F32, U8
from common.matting import GREEN, MAGENTA, Key, choose_key, cut
from common.matting.backing import find_key
from common.matting.keyer import key_render
from common.matting.keys import turned, turned_field

DATA = peers.SHARED / "data"
OUT = Path(__file__).parent / "out"
BACKINGS = {GREEN: (11, 190, 20), MAGENTA: (226, 12, 205)}
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
    def stands_on_a_painted_shadow(self) -> bool:
        """Tell whether the file's alpha holds the shadow on the ground: no keyer gives that back.

        A render's shadow on its backing is taken for backing, on purpose.
        """
        dark = (self.alpha > 0.02) & (self.alpha < 0.6) & (self.colour.max(2) < 0.15)
        wide: U8 = cv2.erode(dark.astype(np.uint8), np.ones((9, 9), np.uint8))
        return float(wide.sum()) > 0.01 * float((self.alpha > 0.02).sum())


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
    shadow: bool = False


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
    drawn = np.array(BACKINGS[key], np.float32) / np.float32(255)
    drawn = drawn + random.uniform(-0.02, 0.02, 3).astype(np.float32)
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
            one = figure(*matte, scene.colour, scene.alpha)
            yield Row(subject.name, way, one, subject.stands_on_a_painted_shadow)


def physical_rows(key: Key | None) -> Iterator[Row]:
    """Yield the figures of the physical renders on a key, or on the one that suits each."""
    for name in (*PHYSICAL, "eyeglasses"):
        chosen = key or choose_key(read(DATA / "renders" / name / "photo.png"))
        scene = physical(name, chosen if chosen.name in {"green", "magenta"} else MAGENTA)
        for way, matte in _end_to_end(scene.photo, scene.render, MATERIALS.get(name, "opaque")):
            yield Row(name, way, figure(*matte, scene.colour, scene.alpha))


def _end_to_end(photo: U8, render: U8, material: str) -> Iterator[tuple[str, peers.Keyed]]:
    key = find_key(render)  # the peers know green only: they are shown every key as green
    for way in ("naive HSV", "chromakey formula"):
        colour, alpha = peers.keyers()[way](turned(render, key))
        colour = turned_field(colour, key)
        size = Size(photo.shape[1], photo.shape[0])
        yield f"{way}, resized", (resized(colour, size), resized(alpha, size))
    if peers.PROTOTYPE.is_dir():
        colour, alpha = peers.prototype_guided(turned(photo, key), turned(render, key))
        yield "prototype guided", (turned_field(colour, key), alpha)
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


def contact_sheet(level: simulator.Level, every: int, count: int = 10) -> Path:
    """Write photo, render, alpha, its error and the cutout of the worst scenes, worst first."""
    strips = []
    for subject, scene in simulated(level, every):
        matte = cut(scene.photo, scene.render, None, subject.material)
        colour, alpha = as_float(matte.rgb), as_float(matte.alpha)
        score = figure(colour, alpha, scene.colour, scene.alpha).psnr
        shown = simulator.over(colour, alpha, np.full_like(colour, (1, 0, 1)))
        error = np.abs(alpha - scene.alpha)
        grey = [as_bytes(np.repeat(field[..., None], 3, axis=2)) for field in (alpha, error)]
        tiles = [scene.photo, scene.render, *grey, as_bytes(shown)]
        strips.append((score, np.hstack([_thumbnail(tile) for tile in tiles])))
    worst = [strip for _, strip in sorted(strips, key=lambda pair: pair[0])[:count]]
    OUT.mkdir(exist_ok=True)
    path = OUT / "worst.png"
    Image.fromarray(np.vstack(worst)).save(path)
    return path


def _thumbnail(picture: U8, side: int = 240) -> U8:
    height, width = picture.shape[:2]
    size = Size(width, height).within(side)
    small: U8 = cv2.resize(picture, (size.width, size.height), interpolation=cv2.INTER_AREA)
    out = np.full((side, side, 3), 60, np.uint8)
    out[: size.height, : size.width] = small
    return out


# --- wrong renders --------------------------------------------------------------------------------


def wrong_renders(scene: simulator.Scene, other: simulator.Scene) -> dict[str, U8]:
    """Return what a model, or a mix-up, may give instead of a render of the scene."""
    render = scene.render
    height, width = render.shape[:2]
    white = simulator.over(
        scene.render_colour, scene.render_alpha, np.ones_like(scene.render_colour)
    )
    by = round(0.35 * width)
    shifted = np.empty_like(render)
    shifted[:] = np.median(render[:8].reshape(-1, 3), axis=0)
    shifted[:, by:] = render[:, :-by]
    return {
        "other subject": np.asarray(cv2.resize(other.render, (width, height)), np.uint8),
        "mirrored": np.ascontiguousarray(render[:, ::-1]),
        "white backing": as_bytes(white),
        "no backing": scene.photo,
        "unrelated photo": np.asarray(cv2.resize(other.photo, (width, height)), np.uint8),
        "shifted 35 %": shifted,
    }


def refusals(every: int) -> None:
    """Print how many good renders were accepted and how many wrong ones refused."""
    scenes = [scene for _, scene in simulated(simulator.HARD, every)]
    good = sum(cut(scene.photo, scene.render, None).verdict.accepted for scene in scenes)
    for name in PHYSICAL:
        for key in (GREEN, MAGENTA):
            real = physical(name, key)
            good += cut(real.photo, real.render, None).verdict.accepted
    print(f"\ngood renders accepted: {good} of {len(scenes) + 2 * len(PHYSICAL)}")
    counts: dict[str, int] = {}
    for scene, other in zip(scenes, scenes[1:] + scenes[:1], strict=True):
        for kind, render in wrong_renders(scene, other).items():
            refused = not cut(scene.photo, render, None).verdict.accepted
            counts[kind] = counts.get(kind, 0) + refused
    for kind, count in counts.items():
        print(f"{kind:18s} refused {count} of {len(scenes)}")


# --- time and memory ------------------------------------------------------------------------------


def speed() -> None:
    """Print CPU time on one thread, and the peak memory of the largest cutout."""
    real = physical("bottle_label", GREEN)
    _timed("keyer, 1 MP", 1.0, lambda: key_render(_at(real.render, 1.0)))
    for megapixels in (1.0, 24.0, 50.0):
        photo, render = _at(real.photo, megapixels), _at(real.render, 1.0)
        _timed(
            f"cut, {megapixels:.0f} MP photo, 1 MP render",
            megapixels,
            partial(cut, photo, render, None),
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{'':44s} peak memory of the process {peak:.0f} MB")


def _at(picture: U8, megapixels: float) -> U8:
    height, width = picture.shape[:2]
    factor = (megapixels * 1e6 / (height * width)) ** 0.5
    size = Size(width, height).scaled(factor)
    return np.asarray(
        cv2.resize(picture, (size.width, size.height), interpolation=cv2.INTER_LINEAR), np.uint8
    )


def _timed(name: str, megapixels: float, work: Callable[[], object]) -> None:
    spent = []
    for _ in range(3):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    print(f"{name:44s} {min(spent) * 1000 / megapixels:6.0f} ms/MP")


# --- the door -------------------------------------------------------------------------------------


def main() -> None:
    """Run the parts that are named, all of them by default."""
    parts = ("keyer", "hard", "mild", "physical", "wrong", "speed")
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(parts)}")
    parser.add_argument("--every", type=int, default=1, help="take every n-th foreground")
    parser.add_argument("--sheet", action="store_true", help="write a sheet of the worst ten")
    options = parser.parse_args()
    every = options.every
    work: dict[str, Callable[[], None]] = {
        "keyer": lambda: print_keyers(every),
        "hard": lambda: print_guided("hard", simulator.HARD, every),
        "mild": lambda: print_guided("mild", simulator.MILD, every),
        "physical": print_physical,
        "wrong": lambda: refusals(every),
        "speed": speed,
    }
    cv2.setNumThreads(1)
    for name in options.parts or parts:
        work[name]()
    if options.sheet:
        print(contact_sheet(simulator.HARD, options.every))


def print_keyers(every: int) -> None:
    for name, level in (("hard", simulator.HARD), ("mild", simulator.MILD)):
        table(f"keyer alone, {name}", list(keyed_rows(level, every)))


def print_guided(name: str, level: simulator.Level, every: int) -> None:
    rows = list(guided_rows(level, every))
    scene_table(f"end to end, {name}: SAD and PSNR", rows)
    table(f"end to end, {name}", rows)
    table(f"those without a painted shadow, {name}", [row for row in rows if not row.shadow])
    table(f"green subjects, {name}", [row for row in rows if _is_green(row.scene)])


def print_physical() -> None:
    for key in (GREEN, MAGENTA, None):
        rows = list(physical_rows(key))
        title = f"physical renders, key {key.name if key else 'auto'}"
        scene_table(f"{title}: SAD and PSNR", rows)
        table(f"{title}, the six", [row for row in rows if row.scene in PHYSICAL])


def _is_green(scene: str) -> bool:
    return any(word in scene for word in GREEN_SUBJECTS)


if __name__ == "__main__":
    main()
