"""What expanding is worth: borders held out of real pictures, and a model that errs as models do.

    python -m bench.expand [edits plain grain twins speed memory] [--sheet FILE.png]

Needs the pictures in ``../shared/data``.  A simulated render is the truth moved by at most 1.5 %,
scaled by 2 %, warped by 2 px, toned by 4 % and compressed as JPEG of quality 90; ``mild`` is a
third of that at quality 95.  Peers in the same run: the render pasted where it is (unregistered),
and the photo's border replicated.  cv2.seamlessClone is none of them: it wants known colours on
every side of what it fills, and outside a canvas there are none.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from common.composite import seam_step
from common.fields import as_bytes, as_float
from common.geometry import Box, Placement, Size
from common.image import F32, U8, Image
from common.operations.base import Models
from common.operations.expand import run
from common.operations.grain import noise_level
from common.operations.options import ExpandOptions, read_options
from common.operations.outpaint import new_area, painted
from common.operations.twins import SECOND, SURELY_SECOND, second_subject
from common.vlm.base import Render
from common.vlm.embedded import EmbeddedModel
from common.vlm.embedded.salience import Salience
from common.vlm.embedded.sight import Sight
from common.vlm.embedded.subject import INSIDE, mask_box, subject_alpha
from common.vlm.scripted import ScriptedModel
from tests.support.pictures import psnr, textured

DATA = Path(__file__).parents[2] / "shared" / "data"
PHOTOS = ("inputs/skimage-coffee.png", "inputs/skimage-motorcycle_left.png")
MEGAPIXELS = (1, 4, 12, 48)
HUGE = 10_000  # px, side of the canvas whose memory is measured
SCALES = (0.7, 0.85, 1.0, 1.15, 1.3)


@dataclass(frozen=True)
class Errors:
    """How far a simulated render is from the truth at most: shares of the side, px, levels."""

    shift: float
    scale: float
    warp: float
    tone: float
    quality: int


LEVELS = {"full": Errors(0.015, 0.02, 2.0, 0.04, 90), "mild": Errors(0.005, 0.007, 0.7, 0.013, 95)}


@dataclass(frozen=True, eq=False)
class Case:
    """A picture, and the frame that is kept of it."""

    name: str
    truth: U8
    frame: Box

    @property
    def placement(self) -> Placement:
        return Placement(Size(self.truth.shape[1], self.truth.shape[0]), self.frame)

    @property
    def photo(self) -> U8:
        return np.ascontiguousarray(self.truth[self.frame.slices])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--sheet", type=Path, help="write before, after and difference here")
    parser.add_argument("--child", choices=("scripted", "embedded"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        _huge(arguments.child)
        return
    if not DATA.is_dir():
        print("No pictures to measure on: ../shared/data is not there.")
        return
    for part in arguments.parts:
        PARTS[part]()
    if arguments.sheet:
        _draw(arguments.sheet)


# --- renders as models make them ------------------------------------------------------------------


def simulated(truth: U8, errors: Errors, seed: int = 1) -> U8:
    """Return the truth as a model gives it back."""
    random = np.random.default_rng(seed)
    height, width = truth.shape[:2]
    scale = float(1 + random.uniform(-errors.scale, errors.scale))
    right, down = random.uniform(-errors.shift, errors.shift, 2) * (width, height)
    bends = random.normal(0, 1, (5, 5, 2)).astype(np.float32)
    warp = cv2.resize(bends, (width, height), interpolation=cv2.INTER_CUBIC)
    warp *= errors.warp / np.abs(warp).max()
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    x = (columns - width / 2) * scale + width / 2 + float(right) + warp[..., 0]
    y = (rows - height / 2) * scale + height / 2 + float(down) + warp[..., 1]
    how = {"interpolation": cv2.INTER_CUBIC, "borderMode": cv2.BORDER_REFLECT_101}
    moved = cv2.remap(truth, x.astype(np.float32), y.astype(np.float32), **how)
    gain = 1 + random.uniform(-errors.tone, errors.tone, 3)
    offset = random.uniform(-errors.tone, errors.tone, 3) / 2
    return _compressed(as_bytes((as_float(moved) * gain + offset).astype(np.float32)), errors)


def _compressed(rgb: U8, errors: Errors) -> U8:
    quality = [cv2.IMWRITE_JPEG_QUALITY, errors.quality]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), quality)
    out: U8 = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return out


# --- the parts ------------------------------------------------------------------------------------


def edits() -> None:
    for level, errors in LEVELS.items():
        rows = [_edit(case, errors) for case in _cases()]
        print(f"expand, {level} errors, PSNR of the new area in dB, {len(rows)} pictures")
        for case, row in zip(_cases(), rows, strict=True):
            print(
                f"  {case.name:24}", " ".join(f"{name} {value:5.2f}" for name, value in row.items())
            )
        means = {name: statistics.mean(row[name] for row in rows) for name in rows[0]}
        print("  mean                    ", " ".join(f"{n} {v:5.2f}" for n, v in means.items()))
        worst = max(row["seam/own"] for row in rows)
        print(f"  worst seam over the picture's own {worst:.2f}")


def _edit(case: Case, errors: Errors) -> dict[str, float]:
    render = simulated(case.truth, errors)
    painting = painted(case.photo, render, case.placement)
    outside = np.ones(case.truth.shape[:2], np.bool_)
    outside[case.frame.slices] = False
    pasted = render.copy()
    pasted[case.frame.slices] = case.photo
    equal = (painting.rgb[case.frame.slices] == case.photo).all(-1).mean()
    return {
        "ours": psnr(painting.rgb, case.truth, outside),
        "pasted": psnr(pasted, case.truth, outside),
        "replicated": psnr(_replicated(case), case.truth, outside),
        "seam/own": seam_step(painting.rgb, case.frame) / _own_seam(case),
        "pasted seam/own": seam_step(pasted, case.frame) / _own_seam(case),
        "equal %": 100 * float(equal),
    }


def plain() -> None:
    see, model = Sight().of_subjects().see, EmbeddedModel()
    ours, replicated = [], []
    for path in sorted((DATA / "inputs").glob("spree-*")):
        case = _around_the_subject(path, see)
        margin = _margins(case)
        options = read_options(ExpandOptions, {"margin": margin, "on_fail": "review"})
        result = run(Image(case.photo), options, Models(model)).image
        assert result is not None  # noqa: S101 - on_fail is review
        outside = np.ones(case.truth.shape[:2], np.bool_)
        outside[case.frame.slices] = False
        ours.append(psnr(result.rgb, case.truth, outside))
        replicated.append(psnr(_replicated(case), case.truth, outside))
        print(f"  {path.stem:46} {ours[-1]:.1f} dB, replicated {replicated[-1]:.1f}")
    means = statistics.mean(ours), statistics.mean(replicated)
    print(f"expand on plain backdrops: {means[0]:.1f} dB, replicated borders {means[1]:.1f} dB")


def grain() -> None:
    """Measure the noise of a noisy photo, and of the new area made of a clean render."""
    for sigma in (1.0, 2.0, 4.0, 8.0):
        levels = []
        for case in _cases():
            noise = np.random.default_rng(7).normal(0, sigma / 255, case.truth.shape)
            noisy = as_bytes((as_float(case.truth) + noise).astype(np.float32))
            photo = np.ascontiguousarray(noisy[case.frame.slices])
            rgb = painted(photo, case.truth[::2, ::2], case.placement).rgb
            blank = painted(case.photo, case.truth[::2, ::2], case.placement).rgb
            levels.append(
                [noise_level(_parts(x, case)) for x in (rgb, blank)] + [noise_level([photo])]
            )
        new, without, photo_level = (
            255 * float(np.mean(column)) for column in zip(*levels, strict=True)
        )
        print(
            f"grain of {sigma} levels added to the photo: it has {photo_level:.2f}, "
            f"the new area {new:.2f}, made for the clean photo {without:.2f}"
        )


def twins() -> None:
    sight = Sight().of_subjects().see
    honest, again = [], []
    cases = [*_cases()]
    for number, case in enumerate(cases):
        alpha = subject_alpha(case.photo, sight)
        box = mask_box(alpha > INSIDE)
        if box is None:
            continue
        here = box.moved(case.frame.top, case.frame.left)
        honest.append(second_subject(case.truth, case.frame, [here]))
        for turn, scale in enumerate(SCALES):
            for mirrored in (False, True):
                other = cases[(3 * number + turn + 1) % len(cases)].truth
                canvas, frame = _twice(case.photo, alpha, box, other, scale, mirrored=mirrored)
                again.append(second_subject(canvas, frame, [box.moved(frame.top, frame.left)]))
    print(
        f"second subject: largest score of {len(honest)} honest pictures {max(honest):.1f}; of "
        f"{len(again)} copies {_share(again, SURELY_SECOND):.0%} refused, "
        f"{_share(again, SECOND):.0%} at least warned of"
    )


def speed() -> None:
    """Measure a whole run but for the model, in milliseconds of one core's time."""
    cv2.setNumThreads(1)
    for megapixels in MEGAPIXELS:
        side = round((megapixels * 1e6) ** 0.5)
        truth = textured(Size(side, side))
        margin = side // 6
        photo = Image(np.ascontiguousarray(truth[margin:-margin, margin:-margin]))
        small = cv2.resize(truth, (min(side, 2048),) * 2, interpolation=cv2.INTER_AREA)
        render = Image(simulated(small, LEVELS["full"]))
        wish = {"size": f"{side}x{side}", "box": "300,300,700,700", "on_fail": "review"}
        options = read_options(ExpandOptions, wish)
        spent = []
        for _ in range(3):
            start = time.process_time()
            run(photo, options, Models(ScriptedModel(renders=[render])))
            spent.append(time.process_time() - start)
        print(f"  {megapixels:3} MP: {min(spent) * 1000 / megapixels:.0f} ms/MP")


def memory() -> None:
    for model in ("scripted", "embedded"):
        child = [sys.executable, "-m", "bench.expand", "--child", model]
        subprocess.run(child, check=True, cwd=Path(__file__).parents[1])


PARTS = {
    "edits": edits,
    "plain": plain,
    "grain": grain,
    "twins": twins,
    "speed": speed,
    "memory": memory,
}


# --- pictures -------------------------------------------------------------------------------------


def _cases() -> Iterator[Case]:
    """Give renders with the frame they were made for, and photos whose borders are held out."""
    for folder in sorted(path.parent for path in (DATA / "renders").glob("*/wide.png")):
        facts = json.loads((folder / "meta.json").read_text("utf-8"))
        left, top, right, bottom = facts["wide"]["photo_crop_px"]
        yield Case(folder.name, _read(folder / "wide.png"), Box(top, left, bottom, right))
    photos = sorted((DATA / "detection").glob("*.jpg")) + [DATA / name for name in PHOTOS]
    for path in photos:
        truth = _read(path)
        height, width = truth.shape[:2]
        top, left = height // 12, width // 6
        yield Case(path.stem[-22:], truth, Box(top, left, height - top, width - left))


def _read(path: Path) -> U8:
    out: U8 = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    return out


def _around_the_subject(path: Path, see: Salience) -> Case:
    """Return the photo cut so that its subject keeps two fifths of its room, as bench.embedded."""
    truth = _read(path)
    height, width = truth.shape[:2]
    box = mask_box(subject_alpha(truth, see) > INSIDE) or Box(0, 0, height, width)
    bottom, right = (height + 1.5 * box.bottom) / 2.5, (width + 1.5 * box.right) / 2.5
    frame = Box(round(box.top * 0.6), round(box.left * 0.6), round(bottom), round(right))
    return Case(path.stem, truth, frame)


def _margins(case: Case) -> str:
    canvas, frame = case.placement.canvas, case.frame
    sides = frame.top, canvas.width - frame.right, canvas.height - frame.bottom, frame.left
    return ",".join(map(str, sides))


def _replicated(case: Case) -> U8:
    canvas, frame = case.placement.canvas, case.frame
    sides = frame.top, canvas.height - frame.bottom, frame.left, canvas.width - frame.right
    out: U8 = cv2.copyMakeBorder(case.photo, *sides, cv2.BORDER_REPLICATE)
    return out


def _own_seam(case: Case) -> float:
    return max(1.0, seam_step(case.truth, case.frame))


def _parts(rgb: U8, case: Case) -> list[U8]:
    return [rgb[box.slices] for box in new_area(case.placement)]


def _twice(
    photo: U8, alpha: F32, box: Box, other: U8, scale: float, *, mirrored: bool
) -> tuple[U8, Box]:
    """Return the photo amid another scene with its subject a second time, and its frame."""
    height, width = photo.shape[:2]
    canvas = cv2.resize(other, (round(2.8 * width), height))
    frame = Box(0, round(0.9 * width), height, round(0.9 * width) + width)
    cover, subject = alpha[box.slices], photo[box.slices]
    if mirrored:
        cover, subject = cover[:, ::-1], subject[:, ::-1]
    size = (max(1, round(box.width * scale)), max(1, round(box.height * scale)))
    cover = cv2.resize(np.ascontiguousarray(cover), size)[:height, : round(0.9 * width)]
    subject = cv2.resize(np.ascontiguousarray(subject), size)[:height, : round(0.9 * width)]
    toned = np.clip(subject * np.array([0.9, 1.0, 1.08]) + 6, 0, 255)
    there = canvas[: cover.shape[0], -cover.shape[1] :]
    there[:] = np.rint(cover[..., None] * toned + (1 - cover[..., None]) * there)
    canvas = _compressed(canvas, LEVELS["full"])
    canvas[frame.slices] = photo
    return canvas, frame


def _share(scores: list[float], least: float) -> float:
    return sum(score > least for score in scores) / len(scores)


# --- memory ---------------------------------------------------------------------------------------


def _huge(which: str) -> None:
    """Expand to a hundred megapixels in this process, and tell the most that it ever held."""
    side = 7 * HUGE // 10
    y = np.linspace(200, 230, side, dtype=np.float32)[:, None].astype(np.uint8)
    rgb = np.repeat(np.repeat(y, side, axis=1)[..., None], 3, axis=2)
    cv2.circle(rgb, (side // 2, side // 2), side // 5, (200, 30, 30), -1)
    options = read_options(ExpandOptions, {"size": f"{HUGE}x{HUGE}", "on_fail": "review"})
    model = EmbeddedModel() if which == "embedded" else ScriptedModel(renders=[_painted_small])
    run(Image(rgb), options, Models(model))
    most = _most_held() / 1024
    print(f"memory, {which}, {HUGE * HUGE / 1e6:.0f} MP canvas: {most:.0f} MiB")


def _most_held() -> int:
    """Return the most memory that this process held, in KiB.

    Linux hands the parent's own peak down in ``ru_maxrss``; its table of the process does not.
    """
    table = Path("/proc/self/status")
    if not table.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    facts = dict(line.split(":", 1) for line in table.read_text("ascii").splitlines())
    return int(facts["VmHWM"].split()[0])


def _painted_small(render: Render) -> Image:
    """Return a render of 2048 pixels, in another tone."""
    small = cv2.resize(render.image.rgb, (2048, 2048), interpolation=cv2.INTER_AREA)
    return Image(simulated(small, LEVELS["full"]))


# --- the sheet ------------------------------------------------------------------------------------


def _draw(file: Path) -> None:
    """Write rows of the photo on its canvas, the render pasted, ours, and ours less the truth."""
    rows = [_row(case) for case in _cases()]
    width = max(row.shape[1] for row in rows)
    sheet = np.vstack([np.pad(row, ((0, 6), (0, width - row.shape[1]), (0, 0))) for row in rows])
    cv2.imwrite(str(file), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    print(file)


def _row(case: Case) -> U8:
    render = simulated(case.truth, LEVELS["full"])
    ours = painted(case.photo, render, case.placement).rgb
    before, pasted = np.full_like(ours, 128), render.copy()
    before[case.frame.slices] = pasted[case.frame.slices] = case.photo
    difference = np.clip(128 + 3 * (ours.astype(int) - case.truth), 0, 255).astype(np.uint8)
    height = 300
    size = (round(height * case.placement.canvas.ratio), height)
    tiles = (
        cv2.resize(x, size, interpolation=cv2.INTER_AREA)
        for x in (before, pasted, ours, difference)
    )
    out: U8 = np.hstack([*tiles])
    return out


if __name__ == "__main__":
    main()
