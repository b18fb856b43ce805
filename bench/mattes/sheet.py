"""A contact sheet of the scenes that came out worst, with names and figures on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from bench import simulator
from bench.mattes import scenes
from common.fields import as_bytes, as_float
from common.geometry import Size
from common.image import F32, U8
from common.matting import Matte

PATH = Path(__file__).parents[1] / "out" / "matting-worst.png"
_SIDE, _LINE = 240, 18  # px: a tile, and the line of words above it
_TILES = "photo, render, alpha, its error, cutout on magenta"


@dataclass(frozen=True)
class Strip:
    """A scene in a row of small pictures, uint8 RGB, with its level and its figure."""

    name: str
    level: str
    psnr: float
    picture: U8


def strip(case: scenes.Case, matte: Matte, level: str, psnr: float) -> Strip:
    """Return photo, render, alpha, its error and the cutout side by side."""
    colour, alpha = as_float(matte.rgb), as_float(matte.alpha)
    shown = simulator.over(colour, alpha, np.full_like(colour, (1, 0, 1)))
    error = np.abs(alpha - case.truth[1])
    tiles = [case.photo, case.render, _grey(alpha), _grey(error), as_bytes(shown)]
    return Strip(case.name, level, psnr, np.hstack([_thumbnail(tile) for tile in tiles]))


def written(strips: list[Strip], count: int = 10) -> Path:
    """Write the worst strips, worst first, each subject once."""
    ordered = sorted(strips, key=lambda each: each.psnr, reverse=True)
    subjects = {each.name: each for each in ordered}  # the last, which is the worst, stays
    worst = sorted(subjects.values(), key=lambda each: each.psnr)[:count]
    PATH.parent.mkdir(exist_ok=True)
    Image.fromarray(np.vstack([_titled(each) for each in worst])).save(PATH)
    return PATH


def _titled(each: Strip) -> U8:
    picture = Image.new("RGB", (each.picture.shape[1], _SIDE + _LINE), "white")
    picture.paste(Image.fromarray(each.picture), (0, _LINE))
    words = f"{each.name}, {each.level}   {each.psnr:.1f} dB   ({_TILES})"
    ImageDraw.Draw(picture).text((4, 3), words, fill="black")
    return np.asarray(picture, np.uint8)


def _grey(field: F32) -> U8:
    return as_bytes(np.repeat(field[..., None], 3, axis=2))


def _thumbnail(picture: U8) -> U8:
    height, width = picture.shape[:2]
    size = Size(width, height).within(_SIDE)
    small: U8 = cv2.resize(picture, (size.width, size.height), interpolation=cv2.INTER_AREA)
    out = np.full((_SIDE, _SIDE, 3), 60, np.uint8)
    out[: size.height, : size.width] = small
    return out
