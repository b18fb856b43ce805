"""A frame holds the subject as asked, where it stands, and moves pixels without changing them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import BadOptions
from common.geometry import Box, Size, box_to_2d, whole
from common.image import Image
from common.operations.base import Models
from common.operations.cutout import run
from common.operations.framing import filled, frame_for, framed, subject_box, with_room
from common.operations.options import CutoutOptions, read_options
from common.vlm.base import OnBacking, Render
from common.vlm.scripted import ScriptedModel
from tests.support.pictures import product, textured

SIDES = st.integers(1, 400)
SUBJECTS = st.builds(
    lambda top, left, height, width: Box(top, left, top + height, left + width),
    st.integers(0, 300),
    st.integers(0, 300),
    SIDES,
    SIDES,
)
SHARES = st.floats(0.1, 1)
RATIOS = st.floats(0.2, 5)


def options(**values: object) -> CutoutOptions:
    return read_options(CutoutOptions, values)


# --- geometry -------------------------------------------------------------------------------------


@given(SUBJECTS, SHARES, RATIOS)
def test_a_filled_frame_holds_the_subject_and_no_more_room_than_needed(
    subject: Box, share: float, ratio: float
) -> None:
    frame = filled(subject, share, ratio)
    assert frame.intersection(subject) == subject
    wide, high = subject.width / frame.width, subject.height / frame.height
    assert max(wide, high) <= share + 1e-9
    roomy = (share * (frame.width - 2 - ratio), share * (frame.height - 2))
    assert subject.width >= roomy[0] or subject.height >= roomy[1]


@given(SUBJECTS, SHARES, RATIOS)
def test_the_subject_stands_in_the_middle_of_a_frame_of_the_ratio(
    subject: Box, share: float, ratio: float
) -> None:
    frame = filled(subject, share, ratio)
    assert abs((subject.top - frame.top) - (frame.bottom - subject.bottom)) <= 1
    assert abs((subject.left - frame.left) - (frame.right - subject.right)) <= 1
    assert abs(frame.width - frame.height * ratio) <= 1 + ratio


@given(SUBJECTS, SHARES)
def test_a_square_frame_is_exactly_square(subject: Box, share: float) -> None:
    frame = filled(subject, share, 1.0)
    assert frame.width == frame.height


@given(SUBJECTS, st.integers(0, 500))
def test_a_margin_is_the_same_on_all_four_sides(subject: Box, margin: int) -> None:
    frame = with_room(subject, margin)
    assert (frame.width, frame.height) == (subject.width + 2 * margin, subject.height + 2 * margin)
    assert (subject.top - frame.top, subject.left - frame.left) == (margin, margin)


def test_a_share_is_of_the_subjects_longer_side() -> None:
    subject = Box(10, 20, 60, 220)
    asked = options(crop="subject", margin="8%")
    assert frame_for(subject, Size(400, 300), asked) == with_room(subject, 16)


def test_a_frame_is_the_photos_where_none_is_asked_or_nothing_is_seen() -> None:
    photo = Size(300, 200)
    assert frame_for(Box(1, 2, 30, 40), photo, options()) == whole(photo)
    assert frame_for(None, photo, options(crop="subject")) == whole(photo)


def test_fill_alone_keeps_the_photos_ratio() -> None:
    frame = frame_for(Box(50, 50, 150, 150), Size(300, 200), options(fill=0.5))
    assert (frame.width, frame.height) == (300, 200)


def test_a_frame_far_beyond_the_photo_is_refused() -> None:
    with pytest.raises(BadOptions, match="over 4 times"):
        frame_for(Box(0, 0, 900, 900), Size(1000, 1000), options(crop="subject", fill=0.1))
    with pytest.raises(BadOptions):
        frame_for(Box(0, 0, 1, 60_000), Size(60_000, 1), options(crop="subject", fill=1))


@pytest.mark.parametrize(
    "values",
    [
        {"margin": "8%"},
        {"crop": "subject", "margin": "8%", "fill": 0.8},
        {"crop": "subject", "margin": "1,2,3,4"},
        {"crop": "photo"},
        {"fill": 0.05},
        {"fill": 1.5},
    ],
)
def test_a_frame_that_makes_no_sense_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(BadOptions):
        options(**values)


# --- pixels ---------------------------------------------------------------------------------------

PLACES = st.builds(
    lambda top, left, height, width: Box(top, left, top + height, left + width),
    st.integers(-30, 30),
    st.integers(-30, 30),
    st.integers(1, 50),
    st.integers(1, 50),
)


@given(PLACES)
def test_every_pixel_of_the_frame_is_the_pictures_own_or_transparent(frame: Box) -> None:
    picture = Image(textured(Size(24, 18)))
    shown = framed(picture, frame)
    assert shown.size == frame.size
    for row, column in ((0, 0), (frame.height - 1, frame.width - 1), (frame.height // 2, 0)):
        y, x = row + frame.top, column + frame.left
        inside = 0 <= y < 18 and 0 <= x < 24
        if shown.alpha is None:
            assert inside
        else:
            assert shown.alpha[row, column] == 255 * inside
        wanted = picture.rgb[y, x] if inside else np.zeros(3)
        assert np.array_equal(shown.rgb[row, column], wanted)


def test_what_nobody_sees_moves_no_frame() -> None:
    alpha = np.zeros((20, 30), np.uint8)
    assert subject_box(alpha) is None
    alpha[5:9, 7:11] = 255
    alpha[0, 0] = 5
    assert subject_box(alpha) == Box(5, 7, 9, 11)


# --- the operation --------------------------------------------------------------------------------

SCENE = product(Size(320, 260))
PHOTO = Image(SCENE.photo)
WHOLE = {"box": (0, 0, 1000, 1000)}


def painted(render: Render) -> Image:
    assert isinstance(render.intent, OnBacking)
    return Image(SCENE.on(render.intent.backing))


def test_a_cutout_is_framed_without_a_changed_pixel_and_the_report_says_where() -> None:
    asked = options(**WHOLE, crop="subject", margin="10")
    outcome = run(PHOTO, asked, Models(ScriptedModel(renders=[painted])))
    assert outcome.image is not None
    assert outcome.image.alpha is not None
    frame = Box(*outcome.report.plan["frame"])  # type: ignore[misc] # plan values are objects
    assert outcome.image.size == frame.size
    assert subject_box(outcome.image.alpha) == Box(10, 10, frame.height - 10, frame.width - 10)
    solid = outcome.image.solid()
    assert solid.any()
    assert np.array_equal(outcome.image.rgb[solid], PHOTO.rgb[frame.slices][solid])
    assert outcome.report.result is not None
    assert outcome.report.result.width == frame.width
    assert outcome.report.fidelity is not None
    assert outcome.report.fidelity.equal_share == 1


def test_a_background_fills_a_frame_that_reaches_beyond_the_photo() -> None:
    asked = options(**WHOLE, crop="subject", fill=0.5, background="#0000ff")
    outcome = run(PHOTO, asked, Models(ScriptedModel(renders=[painted])))
    assert outcome.image is not None
    assert outcome.image.alpha is None
    assert outcome.image.size.height > PHOTO.size.height
    assert outcome.image.rgb[0, 0].tolist() == [0, 0, 255]
    assert outcome.image.rgb[-1, -1].tolist() == [0, 0, 255]


def test_the_original_is_not_framed() -> None:
    unrelated = Image(textured(PHOTO.size, seed=8))
    asked = options(
        box=box_to_2d(whole(PHOTO.size), PHOTO.size), crop="subject", on_fail="original"
    )
    outcome = run(PHOTO, asked, Models(ScriptedModel(renders=[unrelated, unrelated])))
    assert outcome.image is PHOTO


def test_specks_far_from_the_subject_move_no_frame() -> None:
    alpha = np.zeros((400, 400), np.uint8)
    alpha[100:300, 120:280] = 255
    alpha[0:2, 0:2] = 40
    alpha[399, 390:393] = 60
    assert subject_box(alpha) == Box(100, 120, 300, 280)


def test_parts_that_stand_apart_are_all_in_the_frame() -> None:
    alpha = np.zeros((400, 400), np.uint8)
    alpha[100:300, 120:280] = 255
    alpha[350:354, 30:34] = 200
    assert subject_box(alpha) == Box(100, 30, 354, 280)
