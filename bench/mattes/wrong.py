"""Wrong renders: what a model, or a mix-up, may give instead; they are to be refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from bench import simulator
from bench.mattes import scenes
from common.errors import UnfitRender
from common.fields import as_bytes
from common.image import U8
from common.matting import GREEN, KEYS, MAGENTA, cut

GOOD = "good render"


@dataclass(frozen=True)
class Judged:
    """A render of a kind, and whether the gates refused it."""

    scene: str
    kind: str
    refused: bool


def judged(pair: tuple[int, int]) -> list[Judged]:
    """Show the gates the good render of a foreground, and the wrong ones, made with another's."""
    scene, other = (scenes.simulated(each, simulator.HARD) for each in pair)
    name = scenes.name_of(pair[0])
    renders = {GOOD: scene.render, **dict(_wrong(scene, other))}
    return [Judged(name, kind, _refused(scene.photo, each)) for kind, each in renders.items()]


def judged_physical() -> Iterator[Judged]:
    """Show the gates the physical scenes, which are all good."""
    for name in scenes.PHYSICAL:
        for key in (GREEN, MAGENTA):
            case = scenes.physical(name, KEYS[key.name])
            yield Judged(f"{name}, {key.name}", GOOD, _refused(case.photo, case.render))


def _refused(photo: U8, render: U8) -> bool:
    try:
        return not cut(photo, render, None).verdict.accepted
    except UnfitRender:
        return True


def _wrong(scene: simulator.Scene, other: simulator.Scene) -> Iterator[tuple[str, U8]]:
    render = scene.render
    height, width = render.shape[:2]
    paper = np.ones_like(scene.render_colour)
    by = round(0.35 * width)
    shifted = np.empty_like(render)
    shifted[:] = np.median(render[:8].reshape(-1, 3), axis=0)
    shifted[:, by:] = render[:, :-by]
    yield "other subject", _fitted(other.render, width, height)
    yield "mirrored", np.ascontiguousarray(render[:, ::-1])
    yield "white backing", as_bytes(simulator.over(scene.render_colour, scene.render_alpha, paper))
    yield "no backing", scene.photo
    yield "unrelated photo", _fitted(other.photo, width, height)
    yield "shifted 35 %", shifted


def _fitted(picture: U8, width: int, height: int) -> U8:
    return np.asarray(cv2.resize(picture, (width, height)), np.uint8)
