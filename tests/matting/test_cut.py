"""The source-guided cutout on small synthetic scenes, with stated error limits."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from bench import simulator
from common.errors import UnfitRender
from common.fields import as_bytes, as_float
from common.geometry import Size
from common.image import F32, U8
from common.matting import BLUE, GREEN, MAGENTA, Key, cut

BACKINGS = {GREEN: (11, 190, 20), BLUE: (20, 40, 220), MAGENTA: (224, 0, 200)}


def background(height: int = 240, width: int = 320, seed: int = 3) -> U8:
    """A soft, coloured room with some structure."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(60, 220, (5, 7, 3)).astype(np.float32)
    room: F32 = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(room, 0, 255).astype(np.uint8)


def grey_room() -> U8:
    soft = background().mean(-1, keepdims=True)
    return np.repeat(soft, 3, axis=2).astype(np.uint8)


def disk_alpha(height: int = 240, width: int = 320, radius: float = 70.0, hole: float = 0.0) -> F32:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = np.hypot(y - height / 2, x - width / 2)
    outer = np.clip(radius + 0.5 - distance, 0, 1)
    if hole == 0:
        return np.asarray(outer, np.float32)
    opened: F32 = (outer * np.clip(distance - hole + 0.5, 0, 1)).astype(np.float32)
    return opened


def patterned(
    height: int = 240, width: int = 320, tint: tuple[float, ...] = (0.7, 0.3, 0.3)
) -> F32:
    """A printed surface: blotches to hold on to, without the key's colours."""
    random = np.random.default_rng(11)
    blotches: F32 = cv2.resize(
        random.uniform(0.35, 1, (24, 32)).astype(np.float32), (width, height)
    )
    return blotches[..., None] * np.array(tint, np.float32)


def mild_scene(key: Key = GREEN, hole: float = 0.0, size: Size | None = None) -> simulator.Scene:
    return simulator.scene(
        patterned(),
        disk_alpha(hole=hole),
        background(),
        simulator.MILD,
        seed=5,
        backing=BACKINGS[key],
        render_size=size,
    )


def alpha_error(alpha: U8, truth: F32) -> float:
    return float(np.abs(alpha / 255 - truth).mean())


@pytest.mark.parametrize("key", BACKINGS, ids=lambda key: key.name)
@pytest.mark.parametrize("named", [True, False], ids=["named", "measured"])
def test_the_alpha_is_close_to_the_truth_on_every_key(key: Key, named: bool) -> None:
    scene = mild_scene(key)
    matte = cut(scene.photo, scene.render, key if named else None)
    assert alpha_error(matte.alpha, scene.alpha) < 0.003
    assert matte.verdict.accepted, matte.verdict


def test_an_opaque_pixel_is_the_photos_own_byte_for_byte() -> None:
    scene = mild_scene()
    matte = cut(scene.photo, scene.render, None)
    opaque = matte.alpha == 255
    assert opaque.sum() > 0.9 * (scene.alpha == 1).sum()
    np.testing.assert_array_equal(matte.rgb[opaque], scene.photo[opaque])


def test_over_a_new_background_the_cutout_looks_like_the_truth() -> None:
    scene = mild_scene()
    matte = cut(scene.photo, scene.render, None)
    for level in (0.0, 1.0):
        new = np.full_like(scene.colour, level)
        truth = simulator.over(scene.colour, scene.alpha, new)
        ours = simulator.over(as_float(matte.rgb), as_float(matte.alpha), new)
        assert 10 * np.log10(1 / np.mean((ours - truth) ** 2)) > 34


def test_a_hole_stays_open() -> None:
    scene = mild_scene(hole=25)
    matte = cut(scene.photo, scene.render, None, material="opaque")
    assert matte.alpha[scene.alpha == 0].mean() < 4
    assert matte.alpha[scene.alpha == 1].mean() > 251


def test_the_backings_shadow_in_a_hole_is_no_part_of_an_opaque_subject() -> None:
    scene = simulator.scene(patterned(), disk_alpha(hole=35), background(), simulator.HARD, seed=5)
    matte = cut(scene.photo, scene.render, None, material="opaque")
    assert matte.alpha[disk_alpha(radius=30) == 1].mean() < 4


def test_an_opaque_subject_is_solid_however_strong_the_spill() -> None:
    level = dataclasses.replace(simulator.MILD, spill=0.45)
    white = np.full((240, 320, 3), 0.8, np.float32) + 0.2 * patterned(tint=(1, 1, 1))
    scene = simulator.scene(white.clip(0, 1), disk_alpha(), background(), level, seed=5)
    matte = cut(scene.photo, scene.render, None, material="opaque")
    assert (matte.alpha[disk_alpha(radius=64) == 1] == 255).all()


def test_a_subject_of_the_keys_own_colour_is_told_by_the_photo() -> None:
    scene = simulator.scene(
        patterned(tint=(0.1, 0.5, 0.25)), disk_alpha(), grey_room(), simulator.MILD, seed=5
    )
    matte = cut(scene.photo, scene.render, None, material="opaque")
    assert alpha_error(matte.alpha, scene.alpha) < 0.02


def test_a_subject_of_the_keys_own_colour_is_found_where_the_model_moved_it() -> None:
    level = dataclasses.replace(simulator.HARD, shift=0.03, spill=0.0)
    scene = simulator.scene(
        patterned(tint=(0.15, 0.75, 0.2)), disk_alpha(), grey_room(), level, seed=6
    )
    matte = cut(scene.photo, scene.render, None, material="opaque")
    assert matte.verdict.accepted, matte.verdict
    assert alpha_error(matte.alpha, scene.alpha) < 0.01


def test_a_grey_subject_keeps_its_colour_and_is_never_eaten() -> None:
    scene = simulator.scene(
        patterned(tint=(0.6, 0.6, 0.6)), disk_alpha(), background(), simulator.HARD, seed=1
    )
    matte = cut(scene.photo, scene.render, None)
    inside = cv2.erode(scene.alpha, np.ones((9, 9), np.uint8)) == 1
    assert matte.alpha[inside].min() >= 250


def test_a_large_photo_gives_a_large_cutout_from_a_small_render() -> None:
    photo_scene = simulator.scene(
        patterned(960, 1280),
        disk_alpha(960, 1280, 280),
        background(960, 1280),
        simulator.MILD,
        seed=2,
        render_size=Size(320, 240),
    )
    matte = cut(photo_scene.photo, photo_scene.render, None)
    assert matte.alpha.shape == (960, 1280)
    assert alpha_error(matte.alpha, photo_scene.alpha) < 0.004
    opaque = matte.alpha == 255
    np.testing.assert_array_equal(matte.rgb[opaque], photo_scene.photo[opaque])


@pytest.mark.parametrize(
    "size", [Size(332, 240), Size(160, 120), Size(960, 720)], ids=["wider", "smaller", "larger"]
)
def test_a_render_of_another_size_or_slightly_other_ratio_fits(size: Size) -> None:
    scene = mild_scene(size=size)
    matte = cut(scene.photo, scene.render, None)
    assert matte.alpha.shape == scene.alpha.shape
    assert alpha_error(matte.alpha, scene.alpha) < 0.006
    assert matte.verdict.accepted


def test_the_photo_itself_laid_over_the_backing_passes_every_gate() -> None:
    scene = mild_scene()
    backing = np.full_like(scene.colour, 0)
    backing[..., 1] = 1
    render = simulator.over(as_float(scene.photo), scene.alpha, backing)
    matte = cut(scene.photo, as_bytes(render), GREEN)
    assert not matte.verdict.refusals
    assert not matte.verdict.warnings
    assert matte.verdict.scores["alignment"] > 0.98
    assert alpha_error(matte.alpha, scene.alpha) < 0.003


def test_a_very_small_subject_passes_too() -> None:
    scene = simulator.scene(patterned(), disk_alpha(radius=9), background(), simulator.MILD, seed=5)
    matte = cut(scene.photo, scene.render, None)
    assert matte.verdict.accepted, matte.verdict
    assert alpha_error(matte.alpha, scene.alpha) < 0.001


def test_the_scores_bear_their_names() -> None:
    scores = cut(mild_scene().photo, mild_scene().render, None).verdict.scores
    assert {"backing", "alignment", "spill", "holes", "drift", "cut_off"} <= set(scores)


# --- what is refused ------------------------------------------------------------------------------


def shifted(picture: U8, share: float, fill: tuple[int, int, int]) -> U8:
    by = round(share * picture.shape[1])
    out = np.full_like(picture, fill)
    out[:, by:] = picture[:, :-by]
    return out


def test_a_subject_in_another_place_is_refused() -> None:
    scene = mild_scene()
    render = shifted(scene.render, 0.35, BACKINGS[GREEN])
    assert not cut(scene.photo, render, None).verdict.accepted


def test_a_mirrored_subject_is_refused() -> None:
    scene = mild_scene()
    assert not cut(scene.photo, np.ascontiguousarray(scene.render[:, ::-1]), None).verdict.accepted


def test_another_subject_is_refused() -> None:
    scene = mild_scene()
    other = simulator.scene(
        patterned(tint=(0.2, 0.3, 0.8))[::-1], disk_alpha(radius=50), background(), simulator.MILD,
        seed=9,
    )  # fmt: skip
    assert not cut(scene.photo, other.render, None).verdict.accepted


@pytest.mark.parametrize("backing", [(255, 255, 255), (128, 128, 128)], ids=["white", "grey"])
def test_a_backing_without_a_key_is_refused(backing: tuple[int, int, int]) -> None:
    scene = simulator.scene(
        patterned(), disk_alpha(), background(), simulator.MILD, seed=5, backing=backing
    )
    refusals = cut(scene.photo, scene.render, None).verdict.refusals
    assert "flat backing" in refusals[0]


def test_the_unchanged_photo_is_no_render() -> None:
    scene = mild_scene()
    assert not cut(scene.photo, scene.photo, GREEN).verdict.accepted


@pytest.mark.parametrize("shape", [(240, 240), (1, 320), (240, 1), (1, 1)], ids=str)
def test_a_render_of_another_shape_is_an_error(shape: tuple[int, int]) -> None:
    render = cv2.resize(mild_scene().render, shape[::-1])
    with pytest.raises(UnfitRender):
        cut(mild_scene().photo, render, None)


def test_a_render_of_one_colour_is_an_error() -> None:
    with pytest.raises(UnfitRender, match="one flat colour"):
        cut(mild_scene().photo, np.full((240, 320, 3), (0, 255, 0), np.uint8), None)
