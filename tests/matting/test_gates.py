"""What a render must not do to pass: mirror, move or change the subject; and what it may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from bench import simulator
from common.fields import as_float
from common.image import F32, U8
from common.matting import Matte, cut
from common.matting.gates import verdict
from common.matting.likeness import likeness

HEIGHT, WIDTH = 240, 320
GREEN, MAGENTA = (11, 190, 20), (224, 0, 200)
NO_DRIFT = replace(simulator.HARD, scale=0, shift=0, turn=0, warp=0)
FINE = {"backing": 1.0, "subject": 0.2, "alignment": 0.98, "solidity": 1.0, "drift": 0.0}
FINE |= {"spill": 0.0, "holes": 0.0, "cut_off": 0.0, "texture": 1.0}
FINE |= {"mirrored": 0.0, "unexplained": 0.05, "misplaced": 0.0}

# --- what stands in the photo ---------------------------------------------------------------------


def room(seed: int = 3) -> U8:
    coarse = np.random.default_rng(seed).uniform(60, 220, (5, 7, 3)).astype(np.float32)
    soft: F32 = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(soft, 0, 255).astype(np.uint8)


def of_colour(*rgb: float) -> F32:
    return np.tile(np.array(rgb, np.float32), (HEIGHT, WIDTH, 1))


def drawn(*strokes: tuple[tuple[int, int], int, int]) -> F32:
    """Draw circles, (centre, radius, thickness), as an alpha."""
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    for centre, radius, thickness in strokes:
        cv2.circle(alpha, centre, radius, 255, thickness, cv2.LINE_AA)
    return as_float(alpha)


def ball() -> F32:
    return drawn(((160, 120), 70, cv2.FILLED))


def ring() -> F32:
    return drawn(((160, 120), 60, 20))


def glasses() -> F32:
    """A frame of two equal lenses."""
    return drawn(((110, 120), 36, 8), ((210, 120), 36, 8))


def lettering() -> F32:
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(alpha, "Fresh", (60, 135), cv2.FONT_HERSHEY_SIMPLEX, 2, 255, 6, cv2.LINE_AA)
    return as_float(alpha)


def smoke() -> F32:
    puffs = drawn(((150, 130), 40, cv2.FILLED), ((185, 95), 24, cv2.FILLED))
    soft: F32 = cv2.GaussianBlur(puffs, (0, 0), 14)
    return soft * np.float32(0.55)


def lit_from_the_left(rgb: tuple[float, float, float] = (0.75, 0.2, 0.2)) -> F32:
    """A plain colour that fades to the right: no print, no contour."""
    light = np.linspace(1, 0.45, WIDTH, dtype=np.float32)[None, :, None]
    return of_colour(*rgb) * light


def lace() -> F32:
    """A weave that is finer than any gate looks."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    threads = np.where((rows + columns) % 3, 0.9, 0.8).astype(np.float32)
    return np.repeat(threads[..., None], 3, axis=2)


def lattice() -> F32:
    """A board of holes, each a pixel or two out of its place: nearly its own mirror image."""
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.rectangle(alpha, (70, 30), (250, 210), 255, cv2.FILLED)
    random = np.random.default_rng(3)
    for row in range(48, 210, 24):
        for column in range(88, 250, 24):
            centre = 16 * np.array([column, row]) + np.rint(random.uniform(-24, 24, 2))
            x, y = (int(each) for each in centre)
            cv2.circle(alpha, (x, y), 16 * 8, 0, cv2.FILLED, cv2.LINE_AA, shift=4)
    return as_float(alpha)


GOOD: dict[str, tuple[Callable[[], F32], Callable[[], F32]]] = {
    "a ball": (ball, lit_from_the_left),
    "a ball of one colour": (ball, lambda: of_colour(0.7, 0.2, 0.2)),
    "a neon green ball": (ball, lambda: lit_from_the_left((0.3, 0.95, 0.2))),
    "a ring": (ring, lambda: of_colour(0.7, 0.2, 0.2)),
    "glasses": (glasses, lambda: of_colour(0.1, 0.1, 0.15)),
    "lettering": (lettering, lambda: of_colour(0.05, 0.1, 0.4)),
    "smoke": (smoke, lambda: of_colour(0.95, 0.95, 0.95)),
    "lace": (ball, lace),
    "a lattice": (lattice, lambda: of_colour(0.9, 0.9, 0.88)),
}
LOPSIDED = ("a ball", "lettering", "smoke", "a lattice")
SYMMETRIC = ("a ball of one colour", "a ring")


@cache
def scene(name: str, level: simulator.Level = simulator.HARD, seed: int = 1) -> simulator.Scene:
    alpha, colour = GOOD[name]
    backing = MAGENTA if "neon" in name else GREEN
    return simulator.scene(colour(), alpha(), room(), level, seed=seed, backing=backing)


def cut_from(photographed: simulator.Scene, render: U8) -> Matte:
    return cut(photographed.photo, np.ascontiguousarray(render), None)


def moved(render: U8, by: int) -> U8:
    """Move the picture to the right, or to the left; the backing follows."""
    matrix = np.array([[1, 0, by], [0, 1, 0]], np.float32)
    out: U8 = cv2.warpAffine(
        render, matrix, render.shape[1::-1], borderMode=cv2.BORDER_CONSTANT, borderValue=GREEN
    )
    return out


def error(matte: Matte, truth: F32) -> float:
    return float(np.abs(matte.alpha / 255 - truth).mean())


# --- good renders ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", GOOD)
def test_a_good_render_is_accepted_whatever_it_shows(name: str, seed: int) -> None:
    photographed = scene(name, seed=seed)
    said = cut_from(photographed, photographed.render).verdict
    assert said.accepted, said


@pytest.mark.parametrize("name", ["a ball", "lettering"])
@pytest.mark.parametrize("by", [-16, 16])
def test_a_small_move_that_is_undone_is_no_fault(name: str, by: int) -> None:
    photographed = scene(name)
    matte = cut_from(photographed, moved(photographed.render, by))
    assert matte.verdict.accepted, matte.verdict
    assert error(matte, photographed.alpha) < 0.01


# --- mirrored -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOPSIDED)
def test_a_mirrored_render_is_refused(name: str) -> None:
    photographed = scene(name)
    assert not cut_from(photographed, photographed.render[:, ::-1]).verdict.accepted


def test_light_from_the_other_side_gives_a_mirrored_ball_away() -> None:
    photographed = scene("a ball", NO_DRIFT)
    as_it_is = cut_from(photographed, photographed.render).verdict
    other = cut_from(photographed, photographed.render[:, ::-1]).verdict
    assert as_it_is.scores["mirrored"] < 0.2
    assert other.scores["mirrored"] > 0.8
    assert "mirrored" in other.refusals[0]


@pytest.mark.parametrize("name", SYMMETRIC)
def test_what_looks_the_same_mirrored_gives_the_same_cutout(name: str) -> None:
    photographed = scene(name)
    mirrored = cut_from(photographed, photographed.render[:, ::-1])
    assert mirrored.verdict.accepted, mirrored.verdict
    assert error(mirrored, photographed.alpha) < 0.004


# --- moved, changed -------------------------------------------------------------------------------


def test_one_lens_laid_on_the_other_is_refused() -> None:
    photographed = scene("glasses", NO_DRIFT)
    said = cut_from(photographed, moved(photographed.render, 100)).verdict
    assert not said.accepted
    assert said.scores["misplaced"] > 0.2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_thing_that_the_model_added_is_refused(seed: int) -> None:
    photographed = scene("glasses", seed=seed)
    render = photographed.render.copy()
    cv2.circle(render, (160, 50), 18, (25, 25, 38), 6, cv2.LINE_AA)
    said = cut_from(photographed, render).verdict
    assert "misplaced" in said.refusals[0], said


def test_smoke_that_drifted_is_refused_though_its_shape_agrees_with_any_shade() -> None:
    photographed = scene("smoke")
    said = cut_from(photographed, moved(photographed.render, 60)).verdict
    assert said.scores["alignment"] > 0.5
    assert "unexplained" in said.refusals[0], said


@pytest.mark.parametrize("name", ["lettering", "smoke", "a ring"])
def test_a_subject_in_another_place_is_refused(name: str) -> None:
    photographed = scene(name)
    assert not cut_from(photographed, moved(photographed.render, 80)).verdict.accepted


@pytest.mark.parametrize(
    ("name", "other"),
    [("a ring", "lettering"), ("lettering", "a ring"), ("smoke", "a ring"), ("a ball", "glasses")],
)
def test_another_subject_is_refused(name: str, other: str) -> None:
    assert not cut_from(scene(name), scene(other).render).verdict.accepted


# --- the scores -----------------------------------------------------------------------------------


def test_what_shows_the_photo_itself_is_like_it() -> None:
    photo = as_float(scene("a ball").photo)
    like = likeness(photo, photo, ball())
    assert like.unexplained < 0.05
    assert like.misplaced == 0
    assert abs(like.mirrored) < 0.2


def test_what_shows_something_that_is_not_there_is_unexplained_and_misplaced() -> None:
    photo = as_float(room())
    like = likeness(photo, of_colour(0, 0, 0), ball())
    assert like.unexplained > 1
    assert like.misplaced > 0.9


def test_a_render_without_a_subject_says_nothing_of_its_side() -> None:
    photo = as_float(room())
    like = likeness(photo, photo, np.zeros((HEIGHT, WIDTH), np.float32))
    assert like.unexplained == 1
    assert like.mirrored == 0


@pytest.mark.parametrize(
    ("flaw", "word"),
    [
        ({"mirrored": 0.9}, "mirrored"),
        ({"unexplained": 0.8}, "80% unexplained"),
        ({"misplaced": 0.3}, "30% misplaced"),
        ({"texture": 0.3}, "other details"),
    ],
)
def test_each_unlikeness_is_refused_in_a_sentence_that_names_it(
    flaw: dict[str, float], word: str
) -> None:
    assert verdict(FINE).accepted
    assert word in verdict(FINE | flaw).refusals[0]


def test_the_gates_are_asked_in_their_order() -> None:
    flaws = {"mirrored": 0.9, "unexplained": 2.0, "alignment": 0.1, "backing": 0.0}
    words = ("flat backing", "in its place", "mirrored", "unexplained")
    for gate, word in zip(("backing", "alignment", "mirrored", "unexplained"), words, strict=True):
        assert word in verdict(FINE | flaws).refusals[0]
        del flaws[gate]
