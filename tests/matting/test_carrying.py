"""A keyed render is carried into the photo's pixels, to a fraction of one, and made as sharp."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from common.fields import as_float
from common.geometry import Part, Size
from common.image import F32
from common.matting import GREEN
from common.matting.background import background
from common.matting.backing import measure
from common.matting.carrying import carried
from common.matting.guided import Layers, sharpened
from common.matting.keyer import key_render
from common.matting.light import Light
from common.matting.registration import Registration

HEIGHT, WIDTH = 240, 320
WHOLE = Part.all_of(Size(WIDTH, HEIGHT))
DISPLAY = Light(GREEN, is_linear=False)
GREEN_BACKING = np.array((11, 190, 20), np.float32) / np.float32(255)


def star(right: float = 0.0) -> F32:
    """Alpha of a star with thin rays, moved to the right."""
    large = np.zeros((4 * HEIGHT, 4 * WIDTH), np.uint8)
    for angle in np.arange(0, 2 * np.pi, np.pi / 9):
        tip = (round(640 + 320 * np.cos(angle)), round(480 + 320 * np.sin(angle)))
        cv2.line(large, (640, 480), tip, 255, 14, cv2.LINE_AA)
    cv2.circle(large, (640, 480), 90, 255, cv2.FILLED)
    move: NDArray[np.float32] = np.array([[1, 0, 4 * right], [0, 1, 0]], np.float32)
    moved = cv2.warpAffine(large, move, (4 * WIDTH, 4 * HEIGHT))
    return as_float(np.asarray(cv2.resize(moved, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)))


def over(alpha: F32, ground: F32) -> F32:
    subject = np.array((0.8, 0.35, 0.3), np.float32)
    return np.asarray(ground + alpha[..., None] * (subject - ground), np.float32)


def room() -> F32:
    coarse = np.random.default_rng(3).uniform(0.2, 0.6, (5, 7, 3)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))


def unmoved() -> Registration:
    return Registration(np.zeros((HEIGHT // 2, WIDTH // 2, 2), np.float32), 0.9)


def test_a_miss_of_less_than_a_pixel_is_found_at_the_working_size() -> None:
    truth = star()
    ground = np.broadcast_to(GREEN_BACKING, (HEIGHT, WIDTH, 3))
    render = np.rint(over(star(right=0.8), ground) * 255).astype(np.uint8)
    keyed = key_render(render, measure(render, GREEN), DISPLAY)
    seen = carried(keyed, unmoved(), over(truth, room()), WHOLE)
    missed = float(np.abs(keyed.alpha - truth).mean())
    assert float(np.abs(seen.alpha - truth).mean()) < 0.4 * missed


def test_only_the_part_that_is_asked_for_is_carried() -> None:
    render = np.rint(over(star(), room() * 0 + GREEN_BACKING) * 255).astype(np.uint8)
    keyed = key_render(render, measure(render, GREEN), DISPLAY)
    photo = over(star(), room())
    part = Part(WHOLE.box.moved(0, 0).widened(-20, WHOLE.size), WHOLE.size)
    seen = carried(keyed, unmoved(), photo[part.box.slices], part)
    assert seen.alpha.shape == (HEIGHT - 40, WIDTH - 40)
    assert np.abs(seen.alpha - star()[part.box.slices]).mean() < 0.01


def layers_of(alpha: F32, photo: F32) -> Layers:
    behind, doubt = background(photo, alpha)
    colour = over(np.ones((HEIGHT, WIDTH), np.float32), photo)
    return Layers(alpha, colour, behind, doubt, WHOLE)


def test_alpha_that_a_render_blurred_is_as_sharp_as_the_photo() -> None:
    truth = star()
    soft: F32 = cv2.GaussianBlur(truth, (0, 0), 0.8)
    photo = over(truth, room())
    sharp = sharpened(photo, layers_of(soft, photo), DISPLAY).alpha
    assert np.abs(sharp - truth).mean() < 0.7 * np.abs(soft - truth).mean()
    assert 0 <= sharp.min() <= sharp.max() <= 1


def test_alpha_that_is_soft_in_the_photo_stays_soft() -> None:
    soft: F32 = cv2.GaussianBlur(star(), (0, 0), 2.0)
    photo = over(soft, room())
    np.testing.assert_allclose(
        sharpened(photo, layers_of(soft, photo), DISPLAY).alpha, soft, atol=0.03
    )
