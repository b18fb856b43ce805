"""Behind a cutout is what was asked for, nothing of the subject, and perhaps its shadow."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.composite import over
from common.errors import BadOptions
from common.geometry import Box, Size, whole
from common.image import U8, Image
from common.operations.backgrounds import (
    blurred,
    check,
    colour_of,
    contact_shadow,
    ground,
    with_shadow,
)
from common.operations.base import Models
from common.operations.cutout import run
from common.operations.options import CutoutOptions, read_options
from common.vlm.base import OnBacking, Render
from common.vlm.scripted import ScriptedModel
from tests.support.pictures import product, textured

SCENE = product(Size(320, 260))
PHOTO = Image(SCENE.photo)
ALPHA = np.rint(SCENE.alpha * 255).astype(np.uint8)


def painted(render: Render) -> Image:
    assert isinstance(render.intent, OnBacking)
    return Image(SCENE.on(render.intent.backing))


def cut(**values: object) -> Image:
    asked = read_options(CutoutOptions, {"box": (0, 0, 1000, 1000), **values})
    outcome = run(PHOTO, asked, Models(ScriptedModel(renders=[painted])))
    assert outcome.image is not None
    return outcome.image


# --- words, colours, pictures ---------------------------------------------------------------------


def test_a_colour_is_read_in_both_lengths() -> None:
    assert colour_of("#0f8") == (0, 255, 136)
    assert colour_of("#00FF88") == (0, 255, 136)


@pytest.mark.parametrize("background", ["transparent", "blur", "#123456"])
def test_what_can_be_painted_without_a_picture_passes(background: str) -> None:
    check(background, None)


def test_what_is_no_colour_needs_a_picture() -> None:
    with pytest.raises(BadOptions, match="no colour"):
        check("wall.jpg", None)
    check("wall.jpg", PHOTO)


def test_a_picture_covers_the_frame() -> None:
    frame = Box(-10, -20, 100, 150)
    behind = ground("wall.jpg", PHOTO, ALPHA, frame, Image(textured(Size(50, 70))))
    assert behind is not None
    assert behind.shape == (110, 170, 3)


# --- the photo's own background, blurred ----------------------------------------------------------


def on_plain(colour: tuple[int, int, int]) -> tuple[U8, U8]:
    """Return a plain photo with a saturated disc that throws a soft shadow, and the disc."""
    alpha = np.zeros((200, 240), np.uint8)
    cv2.circle(alpha, (120, 100), 50, 255, cv2.FILLED, cv2.LINE_AA)
    photo = np.full((200, 240, 3), (180, 180, 175), np.uint8)
    return over(Image(np.full_like(photo, colour), alpha), photo).rgb, alpha


def test_no_halo_of_the_subject_shows_in_the_blur() -> None:
    photo, alpha = on_plain((220, 10, 20))
    behind = blurred(photo, alpha)
    assert np.abs(behind.astype(int) - (180, 180, 175)).max() <= 1
    naive = cv2.GaussianBlur(photo, (0, 0), 7)
    near = (cv2.dilate(alpha, np.ones((9, 9), np.uint8)) > 0) & (alpha == 0)
    assert np.abs(naive[near].astype(int) - (180, 180, 175)).max() > 40  # what is avoided


def test_the_blur_keeps_the_light_of_the_photo_and_drops_its_detail() -> None:
    behind = blurred(textured(Size(300, 200)), np.zeros((200, 300), np.uint8))
    photo = textured(Size(300, 200))
    assert np.abs(behind.mean((0, 1)) - photo.mean((0, 1))).max() < 3
    assert detail(behind) < 0.15 * detail(photo)


def detail(picture: U8) -> float:
    """Return the deviation of what is finer than some pixels, in levels."""
    values = picture.astype(np.float32)
    return float((values - cv2.GaussianBlur(values, (0, 0), 3)).std())


def test_a_subject_that_hides_everything_leaves_the_photos_own_colour() -> None:
    photo, _ = on_plain((220, 10, 20))
    behind = blurred(photo, np.full(photo.shape[:2], 255, np.uint8))
    assert np.abs(behind.mean((0, 1)) - photo.mean((0, 1))).max() < 3


def test_a_blur_carries_on_beyond_the_photo() -> None:
    frame = Box(-40, -30, 300, 400)
    behind = ground("blur", PHOTO, ALPHA, frame, None)
    inside = ground("blur", PHOTO, ALPHA, whole(PHOTO.size), None)
    assert behind is not None
    assert inside is not None
    assert behind.shape == (340, 430, 3)
    assert np.array_equal(behind[40:300, 30:350], inside)
    assert np.array_equal(behind[0, 0], inside[0, 0])


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (3, 2)])
def test_the_smallest_photos_have_a_blur_and_a_shadow(size: tuple[int, int]) -> None:
    alpha = np.full(size, 255, np.uint8)
    assert blurred(np.full((*size, 3), 77, np.uint8), alpha).shape == (*size, 3)
    assert contact_shadow(alpha).shape == size


def test_a_cutout_on_blur_keeps_the_subjects_pixels_and_is_opaque() -> None:
    shown = cut(background="blur")
    assert shown.alpha is None
    core = SCENE.alpha == 1
    core = cv2.erode(core.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert np.array_equal(shown.rgb[core], PHOTO.rgb[core])
    error = np.abs(shown.rgb / 255 - SCENE.behind)[SCENE.alpha == 0]
    assert np.percentile(error, 99) < 0.05


# --- the shadow -----------------------------------------------------------------------------------


def disc(at: tuple[int, int], radius: int = 40, size: tuple[int, int] = (240, 320)) -> U8:
    alpha = np.zeros(size, np.uint8)
    cv2.circle(alpha, at, radius, 255, cv2.FILLED)
    return alpha


def test_a_shadow_lies_where_the_thing_stands_and_nowhere_else() -> None:
    shadow = contact_shadow(disc((160, 120)))
    assert shadow[160, 160] > 40
    assert shadow[:100].max() == 0
    assert shadow[200:].max() == 0
    assert np.array_equal(shadow[:, 1:], shadow[:, :0:-1])  # as symmetric as the disc


def test_every_thing_throws_its_own_shadow() -> None:
    both = np.maximum(disc((80, 80)), disc((240, 160)))
    shadow = contact_shadow(both)
    assert shadow[120, 80] > 40
    assert shadow[200, 240] > 40
    assert shadow[200, 80] == 0


def test_no_subject_throws_no_shadow() -> None:
    assert not contact_shadow(np.zeros((50, 60), np.uint8)).any()


def test_a_shadow_leaves_opaque_pixels_alone_and_darkens_what_is_behind() -> None:
    alpha = disc((160, 120))
    alpha = cv2.GaussianBlur(alpha, (0, 0), 1.5)
    bare = Image(np.full((*alpha.shape, 3), (200, 120, 60), np.uint8), alpha)
    shaded = with_shadow(bare)
    assert shaded.alpha is not None
    assert np.array_equal(shaded.rgb[alpha == 255], bare.rgb[alpha == 255])
    assert (shaded.alpha >= alpha).all()
    paper = np.full(3, 255, np.uint8)
    before, after = over(bare, paper).rgb.astype(int), over(shaded, paper).rgb.astype(int)
    assert (after <= before + 1).all()
    assert (before - after)[164, 160].min() > 12


def test_a_shadow_under_the_edge_is_the_premultiplied_blend() -> None:
    alpha = cv2.GaussianBlur(disc((160, 120)), (0, 0), 2)
    bare = Image(np.full((*alpha.shape, 3), (200, 120, 60), np.uint8), alpha)
    paper = np.full(3, 240, np.uint8)
    shadow = contact_shadow(alpha)
    black = Image(np.zeros_like(bare.rgb), shadow)
    in_two_steps = over(bare, over(black, np.broadcast_to(paper, bare.rgb.shape)).rgb).rgb
    at_once = over(with_shadow(bare), paper).rgb
    assert np.abs(at_once.astype(int) - in_two_steps).max() <= 2


def test_a_shadow_is_given_on_request_and_is_the_same_each_time() -> None:
    frame = {"crop": "subject", "margin": "20"}
    bare, shaded, again = cut(**frame), cut(**frame, shadow=True), cut(**frame, shadow="on")
    assert bare.alpha is not None
    assert shaded.alpha is not None
    assert again.alpha is not None
    assert shaded.alpha[-15, shaded.size.width // 2] > bare.alpha[-15, bare.size.width // 2]
    assert np.array_equal(shaded.alpha, again.alpha)
    assert np.array_equal(shaded.rgb[bare.solid()], bare.rgb[bare.solid()])
