import numpy as np
import pytest

from common.geometry import Box
from common.image import F32, U8
from common.vlm.embedded.extend import extended
from tests.support.drawn import SIZE, ball, disc, studio

NO_SUBJECT = np.zeros((180, 200), np.float32)
FRAME = Box(40, 60, 220, 260)


def canvas_of(truth: U8, frame: Box = FRAME) -> U8:
    canvas = np.full_like(truth, 128)
    canvas[frame.slices] = truth[frame.slices]
    return canvas


def psnr(a: U8, b: U8, where: np.ndarray) -> float:
    error = ((a.astype(float) - b)[where] ** 2).mean()
    return float(10 * np.log10(255**2 / error))


def outside(frame: Box = FRAME) -> np.ndarray:
    mask = np.ones((SIZE.height, SIZE.width), bool)
    mask[frame.slices] = False
    return mask


def backdrop() -> U8:
    return np.rint(studio()).astype(np.uint8)


def test_the_photo_itself_comes_back_unchanged() -> None:
    canvas = canvas_of(backdrop())
    filled = extended(canvas, FRAME, NO_SUBJECT).rgb
    assert np.array_equal(filled[FRAME.slices], canvas[FRAME.slices])


def test_a_plain_backdrop_goes_on_with_its_own_light() -> None:
    truth = backdrop()
    extension = extended(canvas_of(truth), FRAME, NO_SUBJECT)
    assert psnr(extension.rgb, truth, outside()) > 38
    assert not extension.doubts


def test_a_shadow_that_thins_out_towards_the_border_goes_on_thinning() -> None:
    rows, columns = np.mgrid[: SIZE.height, : SIZE.width]
    shadow = np.exp(-(((columns - 100) / 45) ** 2) - ((rows - 160) / 30) ** 2)
    truth = np.rint(studio() - 60 * shadow[..., None]).astype(np.uint8)
    filled = extended(canvas_of(truth), FRAME, NO_SUBJECT).rgb
    beside = np.zeros((SIZE.height, SIZE.width), bool)
    beside[130:190, : FRAME.left] = True
    replicated = np.repeat(truth[:, FRAME.left, None], SIZE.width, axis=1)
    assert psnr(filled, truth, beside) > 2.5 + psnr(replicated, truth, beside)


def test_the_subject_may_be_told_in_a_smaller_picture() -> None:
    truth, frame = ball().rgb, Box(20, 40, 236, 280)
    alpha = ball().alpha[frame.slices]
    filled, from_small = (
        extended(canvas_of(truth, frame), frame, told).rgb.astype(float)
        for told in (alpha, np.ascontiguousarray(alpha[::2, ::2]))
    )
    assert np.abs(filled - from_small).mean() < 1


def test_the_new_area_has_the_grain_of_the_photo() -> None:
    filled = extended(canvas_of(backdrop()), FRAME, NO_SUBJECT).rgb
    rough = np.diff(filled[:, :50].astype(float), axis=1).std()
    assert rough == pytest.approx(np.diff(backdrop()[:, :50].astype(float), axis=1).std(), rel=0.5)


def test_the_subject_is_not_carried_on() -> None:
    scene = ball()
    frame = Box(40, 80, 220, 260)
    alpha: F32 = scene.alpha[frame.slices]
    filled = extended(canvas_of(scene.rgb, frame), frame, alpha).rgb
    assert psnr(filled, backdrop(), outside(frame)) > 34


def test_a_subject_that_is_cut_by_a_growing_border_is_told() -> None:
    alpha = disc(SIZE, (160, 220), 90)
    rgb = backdrop()
    rgb[alpha > 0.5] = (160, 30, 30)
    extension = extended(canvas_of(rgb), FRAME, alpha[FRAME.slices])
    assert any("bottom border" in doubt for doubt in extension.doubts)
    assert not any("top border" in doubt for doubt in extension.doubts)


def test_scenery_is_only_carried_on_softly_and_the_engine_says_so() -> None:
    noise = np.random.default_rng(3).integers(0, 255, (256, 320, 3)).astype(np.uint8)
    extension = extended(canvas_of(noise), FRAME, NO_SUBJECT)
    assert extension.doubts
    far = extension.rgb[:, :20].astype(float)
    assert far.std() < 0.5 * noise.std()


def test_there_is_no_step_at_the_border() -> None:
    filled = extended(canvas_of(backdrop()), FRAME, NO_SUBJECT).rgb.astype(float)
    row = slice(FRAME.top, FRAME.bottom)
    step = abs(filled[row, FRAME.left].mean() - filled[row, FRAME.left - 1].mean())
    assert step < 1.0


@pytest.mark.parametrize("frame", [Box(0, 0, 256, 320), Box(0, 0, 256, 1), Box(100, 100, 102, 103)])
def test_any_frame_is_filled(frame: Box) -> None:
    truth = backdrop()
    alpha = np.zeros((frame.height, frame.width), np.float32)
    extension = extended(canvas_of(truth, frame), frame, alpha)
    assert extension.rgb.shape == truth.shape
    assert np.array_equal(extension.rgb[frame.slices], truth[frame.slices])
