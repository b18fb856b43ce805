import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.image import F32, U8
from common.palette import main_colours
from common.vlm.embedded.net import Net
from common.vlm.embedded.objects import things_in
from common.vlm.embedded.salience import SIDE, Salience, classical_salience, net_salience
from common.vlm.embedded.subject import on_backing, refined, subject_alpha, unmixed
from tests.support.drawn import SIZE, ball, blank, disc, pair, studio


def iou(alpha: F32, truth: F32) -> float:
    ours, true = alpha > 0.5, truth > 0.5
    return float((ours & true).sum() / max((ours | true).sum(), 1))


def squeezed(alpha: F32) -> F32:
    """An ideal salience map, as coarse as a network's."""
    small: F32 = cv2.resize(alpha, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    soft: F32 = cv2.GaussianBlur(small, (0, 0), 3)
    return soft


def answering(*maps: F32) -> Salience:
    """A salience that gives these maps, one a look."""
    answers = iter(maps)
    return lambda _: next(answers)


def test_the_network_finds_the_subject(u2netp: Net) -> None:
    scene = ball()
    assert iou(subject_alpha(scene.rgb, net_salience(u2netp)), scene.alpha) > 0.97


def test_without_weights_a_subject_on_a_calm_backdrop_is_found() -> None:
    scene = ball()
    assert iou(subject_alpha(scene.rgb, classical_salience), scene.alpha) > 0.95


def test_without_weights_an_empty_backdrop_has_no_subject() -> None:
    assert not subject_alpha(blank(), classical_salience).any()


def test_without_weights_a_subject_at_the_border_still_counts() -> None:
    alpha = disc(SIZE, (160, 210), 80)
    rgb = studio()
    rgb[alpha > 0.5] = (30, 60, 140)
    assert iou(subject_alpha(rgb.astype(np.uint8), classical_salience), alpha) > 0.8


def test_soft_edges_follow_the_picture() -> None:
    scene = ball()
    coarse: F32 = cv2.resize(squeezed(scene.alpha), (SIZE.width, SIZE.height))
    error = np.abs(refined(scene.rgb, coarse) - scene.alpha).mean()
    assert error < 0.35 * np.abs(coarse - scene.alpha).mean()


def test_far_from_edges_refinement_changes_nothing() -> None:
    scene = ball()
    solid = np.ones(scene.alpha.shape, np.float32)
    assert np.array_equal(refined(scene.rgb, solid), solid)


def test_a_second_look_that_disagrees_does_not_count() -> None:
    scene = ball()
    part = np.zeros((SIDE, SIDE), np.float32)
    part[:160] = 1
    alpha = subject_alpha(scene.rgb, answering(squeezed(scene.alpha), part))
    assert iou(alpha, scene.alpha) > 0.97


def test_a_second_look_that_agrees_sharpens_a_small_subject() -> None:
    small = disc(SIZE, (160, 128), 24)
    rgb = studio()
    rgb[small > 0.5] = (30, 60, 140)
    looks: list[tuple[int, ...]] = []

    def ideal(picture: U8) -> F32:
        looks.append(picture.shape)
        return squeezed((picture[..., 2] > picture[..., 0]).astype(np.float32))

    alpha = subject_alpha(rgb.astype(np.uint8), ideal)
    assert len(looks) == 2
    assert looks[1][0] < 100
    assert iou(alpha, small) > 0.95


def test_faint_patches_that_touch_nothing_solid_are_dropped() -> None:
    scene = ball()
    hazy = scene.alpha.copy()
    hazy[:30, :30] = 0.6
    alpha = subject_alpha(scene.rgb, answering(squeezed(hazy), squeezed(hazy)))
    assert not alpha[:20, :20].any()


def test_over_a_backing_the_old_background_is_gone_from_the_edge() -> None:
    scene = ball()
    laid = on_backing(scene.rgb, scene.alpha, (0, 255, 0)).astype(float)
    assert np.array_equal(
        laid[scene.alpha == 0], np.broadcast_to((0, 255, 0), laid.shape)[scene.alpha == 0]
    )
    assert np.array_equal(laid[scene.alpha == 1], scene.rgb[scene.alpha == 1])
    rim = (scene.alpha > 0.2) & (scene.alpha < 0.8)
    # The ball holds no blue to speak of and the backdrop much: what is left of it would show.
    assert laid[rim, 2].mean() < 0.25 * scene.rgb[rim, 2].mean() + 12


def test_unmixing_without_a_background_changes_nothing() -> None:
    colour = np.random.default_rng(1).random((20, 30, 3)).astype(np.float32)
    assert np.array_equal(unmixed(colour, np.ones((20, 30), np.float32)), colour)


def test_things_apart_are_two_and_the_larger_comes_first() -> None:
    scene = pair()
    things = things_in(scene.rgb, scene.alpha)
    assert [thing.box for thing in things] == list(scene.boxes)
    assert things[0].colours[0] == pytest.approx((30, 60, 170), abs=6)
    assert all(0.9 < thing.confidence <= 1 for thing in things)


def test_crumbs_of_a_thing_are_not_things() -> None:
    scene = ball()
    alpha = scene.alpha.copy()
    alpha[5:10, 5:10] = 1
    assert len(things_in(scene.rgb, alpha)) == 1


def test_parts_with_a_hair_between_them_are_one_thing() -> None:
    scene = ball()
    alpha = scene.alpha.copy()
    alpha[:, 170] = 0
    assert len(things_in(scene.rgb, alpha)) == 1


@given(st.integers(1, 40), st.integers(0, 255))
def test_one_colour_is_one_main_colour(count: int, level: int) -> None:
    pixels = np.full((count, 3), level, np.uint8)
    assert set(main_colours(pixels)) <= {(level, level, level)}
