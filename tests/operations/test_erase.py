"""Erasing changes the writing and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from common.errors import GateRefused, ModelRefused, ModelUnable, UnfitRender
from common.geometry import Box, Size, box_to_2d
from common.image import U8, Image
from common.operations.base import Models
from common.operations.erase import run
from common.operations.options import EraseOptions
from common.vlm.base import Render
from common.vlm.scripted import ScriptedModel
from tests.support.pictures import bounds, psnr, textured, written

CLEAN = textured(Size(420, 300), seed=4)
POSTER, INK = written(CLEAN, "SALE 50%", Box(90, 40, 160, 380))
LINE = bounds(INK)
PHOTO = Image(POSTER)
BOX = box_to_2d(LINE, PHOTO.size)


def texts(*lines: tuple[tuple[int, int, int, int], str]) -> str:
    return json.dumps(
        [{"box_2d": box, "label": "text", "kind": "text", "text": t} for box, t in lines]
    )


def cleaned(render: Render) -> Image:
    """Give the window without its writing, as a good but not exact model would."""
    place = _place(render)
    part = CLEAN[place]
    height, width = part.shape[:2]
    move = np.array([[1.008, 0, 0.9], [0, 1.008, -0.7]])
    moved: U8 = cv2.warpAffine(part, move, (width, height), borderMode=cv2.BORDER_REFLECT)
    toned = np.clip(moved.astype(np.float32) * 1.02 + 2, 0, 255)
    return Image(np.rint(toned).astype(np.uint8))


def _place(render: Render) -> tuple[slice, slice]:
    score = cv2.matchTemplate(POSTER, render.image.rgb, cv2.TM_SQDIFF)
    left, top = cv2.minMaxLoc(score)[2]
    height, width = render.image.rgb.shape[:2]
    return slice(top, top + height), slice(left, left + width)


def test_the_writing_goes_and_every_pixel_elsewhere_is_the_sources() -> None:
    model = ScriptedModel(answers=[texts((BOX, "SALE 50%"))], renders=[cleaned])
    outcome = run(PHOTO, EraseOptions(), Models(model))
    assert outcome.image is not None
    assert psnr(outcome.image.rgb, CLEAN, INK) > 30
    assert psnr(outcome.image.rgb, CLEAN, INK) > psnr(POSTER, CLEAN, INK) + 12
    changed = (outcome.image.rgb != POSTER).any(2)
    rows, _ = np.nonzero(changed)
    assert rows.min() > LINE.top - 20
    assert rows.max() < LINE.bottom + 20
    assert outcome.report.fidelity is not None
    assert outcome.report.fidelity.equal_share == 1
    assert outcome.report.fidelity.largest_difference == 0
    assert outcome.report.decision == "accepted"


def test_the_model_sees_a_window_around_the_writing_and_is_told_the_words() -> None:
    model = ScriptedModel(answers=[texts((BOX, "SALE 50%"))], renders=[cleaned])
    run(PHOTO, EraseOptions(), Models(model))
    assert model.rendered[0].image.size.height <= PHOTO.size.height
    assert '"SALE 50%"' in model.rendered[0].prompt.text


def test_a_region_is_erased_as_it_was_drawn_without_detection() -> None:
    model = ScriptedModel(renders=[cleaned])
    outcome = run(PHOTO, EraseOptions(region=[BOX]), Models(model))
    assert model.asked == []
    assert outcome.image is not None
    assert psnr(outcome.image.rgb[LINE.slices], CLEAN[LINE.slices]) > 26


def test_what_is_to_be_kept_stays_byte_for_byte() -> None:
    clean = textured(Size(420, 300), seed=4)
    poster, first = written(clean, "SALE", Box(30, 60, 90, 360))
    poster, second = written(poster, "ACME", Box(190, 60, 250, 360))
    photo = Image(poster)
    logo = bounds(second)
    lines = texts(
        (box_to_2d(bounds(first), photo.size), "SALE"), (box_to_2d(logo, photo.size), "A C M E")
    )
    model = ScriptedModel(answers=[lines], renders=[lambda render: Image(_near(clean, render))])
    outcome = run(photo, EraseOptions(keep=["acme"]), Models(model))
    assert outcome.image is not None
    assert np.array_equal(outcome.image.rgb[logo.slices], poster[logo.slices])
    assert psnr(outcome.image.rgb, clean, first) > 30


def _near(clean: U8, render: Render) -> U8:
    score = cv2.matchTemplate(clean, render.image.rgb, cv2.TM_SQDIFF)
    left, top = cv2.minMaxLoc(score)[2]
    height, width = render.image.rgb.shape[:2]
    out: U8 = clean[top : top + height, left : left + width]
    return out


def test_an_engine_that_cannot_read_says_so_instead_of_erasing_what_should_stay() -> None:
    model = ScriptedModel(answers=[texts((BOX, ""))])
    with pytest.raises(ModelUnable, match="cannot read"):
        run(PHOTO, EraseOptions(keep=["ACME"]), Models(model))


def test_a_picture_without_writing_comes_back_unchanged_with_a_word() -> None:
    outcome = run(Image(CLEAN), EraseOptions(), Models(ScriptedModel(answers=["[]"])))
    assert outcome.image is not None
    assert np.array_equal(outcome.image.rgb, CLEAN)
    assert "No writing was found" in outcome.report.warnings[0]


def test_a_render_that_left_the_writing_is_refused() -> None:
    model = ScriptedModel(renders=[lambda render: Image(POSTER[_place(render)])])
    with pytest.raises(GateRefused, match="left what was to go"):
        run(PHOTO, EraseOptions(region=[BOX]), Models(model))


def test_a_render_of_something_else_is_refused() -> None:
    model = ScriptedModel(renders=[lambda render: Image(textured(render.image.size, seed=77))])
    with pytest.raises(GateRefused, match="something else"):
        run(PHOTO, EraseOptions(region=[BOX]), Models(model))


def test_a_brought_render_of_another_ratio_is_the_users_error() -> None:
    model = ScriptedModel(renders=[Image(textured(Size(400, 100)))])
    with pytest.raises(UnfitRender):
        run(PHOTO, EraseOptions(region=[BOX]), Models(model, brought=True))


def test_a_blank_page_is_what_is_left_of_a_page_of_writing() -> None:
    page = np.full((200, 400, 3), 245, np.uint8)
    poster, ink = written(page, "SALE")
    box = box_to_2d(bounds(ink), Size(400, 200))
    model = ScriptedModel(renders=[lambda render: Image(np.full_like(render.image.rgb, 244))])
    outcome = run(Image(poster), EraseOptions(region=[box]), Models(model))
    assert outcome.image is not None
    assert np.array_equal(outcome.image.rgb, page)


def test_alpha_stays_as_it_was() -> None:
    alpha = np.full(POSTER.shape[:2], 200, np.uint8)
    model = ScriptedModel(renders=[cleaned])
    outcome = run(Image(POSTER, alpha), EraseOptions(region=[BOX]), Models(model))
    assert outcome.image is not None
    assert outcome.image.alpha is not None
    assert np.array_equal(outcome.image.alpha, alpha)


def test_a_dry_run_quotes_detection_and_edit() -> None:
    outcome = run(PHOTO, EraseOptions(dry_run=True), Models(ScriptedModel(dollars=0.5)))
    assert [call.purpose for call in outcome.report.calls] == ["detect", "render"]


# --- windows --------------------------------------------------------------------------------------

WIDE_CLEAN = textured(Size(2600, 300), seed=6)
ONE_END, FIRST = written(WIDE_CLEAN, "SALE", Box(90, 40, 160, 380))
BOTH_ENDS, SECOND = written(ONE_END, "NEW", Box(90, 2200, 160, 2500))
BANNER = Image(BOTH_ENDS)
FIRST_BOX, SECOND_BOX = (box_to_2d(bounds(ink), BANNER.size) for ink in (FIRST, SECOND))


def bare(clean: U8) -> Callable[[Render], Image]:
    """Return a model that paints any window as `clean` has it, a little off in tone."""

    def paint(render: Render) -> Image:
        part = _near(clean, render).astype(np.float32)
        return Image(np.rint(np.clip(part * 1.01 + 1, 0, 255)).astype(np.uint8))

    return paint


def test_far_writing_is_edited_in_windows_of_the_models_native_size() -> None:
    model = ScriptedModel(renders=[bare(WIDE_CLEAN)] * 2)
    outcome = run(BANNER, EraseOptions(region=[FIRST_BOX, SECOND_BOX]), Models(model))
    assert outcome.image is not None
    assert [render.image.size.longest <= 1024 for render in model.rendered] == [True, True]
    assert psnr(outcome.image.rgb, WIDE_CLEAN, FIRST | SECOND) > 35
    assert np.array_equal(outcome.image.rgb[:, 700:1800], BOTH_ENDS[:, 700:1800])
    assert outcome.report.fidelity is not None
    assert outcome.report.fidelity.largest_difference == 0
    assert len(outcome.report.plan["windows"]) == 2  # type: ignore[arg-type]  # facts are objects


def test_a_line_longer_than_a_window_goes_in_pieces_without_a_rest() -> None:
    clean = textured(Size(2600, 300), seed=8)
    poster, ink = written(clean, "A VERY LONG LINE OF WRITING", Box(90, 60, 160, 2300))
    line = box_to_2d(bounds(ink), Size(2600, 300))
    model = ScriptedModel(answers=[texts((line, ""))], renders=[bare(clean)] * 3)
    outcome = run(Image(poster), EraseOptions(), Models(model))
    assert outcome.image is not None
    assert psnr(outcome.image.rgb, clean, ink) > 35


def test_each_window_that_fails_goes_down_the_ladder_by_itself() -> None:
    model = ScriptedModel(renders=[bare(WIDE_CLEAN), ModelRefused("No.")])
    spare = ScriptedModel(answers=["[]", "[]"], renders=[bare(WIDE_CLEAN)])
    spare.engine = "spare"
    options = EraseOptions(region=[FIRST_BOX, SECOND_BOX])
    outcome = run(BANNER, options, Models(model, spare))
    assert outcome.image is not None
    assert psnr(outcome.image.rgb, WIDE_CLEAN, FIRST | SECOND) > 35
    assert outcome.report.engine == "scripted + spare"
    assert [rung.accepted for rung in outcome.report.ladder] == [True, False, True]


def test_no_further_window_is_paid_once_one_is_refused() -> None:
    model = ScriptedModel(renders=[lambda render: render.image])
    with pytest.raises(GateRefused, match="left what was to go"):
        run(BANNER, EraseOptions(region=[FIRST_BOX, SECOND_BOX]), Models(model))
    assert len(model.rendered) == 1


def test_a_dry_run_quotes_every_window() -> None:
    options = EraseOptions(region=[FIRST_BOX, SECOND_BOX], dry_run=True)
    report = run(BANNER, options, Models(ScriptedModel(dollars=0.5))).report
    assert [call.purpose for call in report.calls] == ["render", "render"]
    assert report.cost.dollars == 1.0


# --- what stays -----------------------------------------------------------------------------------


def test_an_excluded_box_stays_byte_for_byte() -> None:
    part = (0, 0, 1000, 400)
    model = ScriptedModel(renders=[cleaned])
    outcome = run(PHOTO, EraseOptions(region=[BOX], exclude=[part]), Models(model))
    assert outcome.image is not None
    edge = 420 * 400 // 1000
    assert np.array_equal(outcome.image.rgb[:, :edge], POSTER[:, :edge])
    assert not np.array_equal(outcome.image.rgb[:, edge:], POSTER[:, edge:])


def test_lines_inside_an_excluded_box_cost_no_call() -> None:
    lines = texts((FIRST_BOX, "SALE"), (SECOND_BOX, "NEW"))
    model = ScriptedModel(answers=[lines], renders=[bare(WIDE_CLEAN)])
    outcome = run(BANNER, EraseOptions(exclude=[(0, 500, 1000, 1000)]), Models(model))
    assert outcome.image is not None
    assert len(model.rendered) == 1
    assert np.array_equal(outcome.image.rgb[:, 1300:], BOTH_ENDS[:, 1300:])


def test_where_everything_is_excluded_nothing_is_asked_and_nothing_changes() -> None:
    options = EraseOptions(region=[BOX], exclude=[(0, 0, 1000, 1000)])
    outcome = run(PHOTO, options, Models(ScriptedModel()))
    assert outcome.image is PHOTO


# --- the second look ------------------------------------------------------------------------------


def sees(*findings: str) -> ScriptedModel:
    """Return a free engine that finds these, look after look."""
    return ScriptedModel(answers=findings)


def found_in_window(share: float = 1.0) -> str:
    """Return writing found in the left `share` of any window."""
    return texts(((0, 0, 1000, round(1000 * share)), ""))


def test_nothing_left_is_told_as_a_score_of_zero() -> None:
    model = ScriptedModel(renders=[cleaned])
    outcome = run(PHOTO, EraseOptions(region=[BOX]), Models(model, sees(found_in_window(), "[]")))
    assert outcome.report.scores["text_left"] == 0
    assert outcome.report.decision == "accepted"


def test_what_is_left_is_erased_once_more() -> None:
    eye = sees(found_in_window(), found_in_window(0.5), found_in_window(), "[]")
    model = ScriptedModel(renders=[half_cleaned, bare(CLEAN)])
    outcome = run(PHOTO, EraseOptions(region=[BOX]), Models(model, eye))
    assert outcome.image is not None
    assert len(model.rendered) == 2
    assert outcome.report.scores["text_left"] == 0
    assert psnr(outcome.image.rgb, CLEAN, INK) > 30
    assert "second_pass" in outcome.report.plan
    assert outcome.report.fidelity is not None
    assert outcome.report.fidelity.largest_difference == 0


def half_cleaned(render: Render) -> Image:
    window = cleaned(render).rgb.copy()
    middle = window.shape[1] // 2
    window[:, :middle] = render.image.rgb[:, :middle]
    return Image(window)


def test_what_is_still_there_after_the_second_pass_is_refused() -> None:
    eye = sees(*[found_in_window()] * 4)
    model = ScriptedModel(renders=[cleaned, lambda render: Image(255 - render.image.rgb)])
    with pytest.raises(GateRefused, match="still found"):
        run(PHOTO, EraseOptions(region=[BOX]), Models(model, eye))


def test_a_little_that_may_be_left_is_for_people_to_see() -> None:
    eye = sees(found_in_window(), found_in_window(0.4), found_in_window(), found_in_window(0.4))
    model = ScriptedModel(renders=[cleaned, ModelRefused("No.")])
    outcome = run(PHOTO, EraseOptions(region=[BOX]), Models(model, eye))
    assert outcome.report.decision == "review"
    assert 0.1 < outcome.report.scores["text_left"] < 0.5


@pytest.mark.parametrize(
    "eye", [None, sees("[]"), ScriptedModel(dollars=0.01), sees("no JSON at all")]
)
def test_an_eye_that_is_not_there_or_sees_nothing_or_costs_gives_no_score(
    eye: ScriptedModel | None,
) -> None:
    outcome = run(PHOTO, EraseOptions(region=[BOX]), Models(ScriptedModel(renders=[cleaned]), eye))
    assert "text_left" not in outcome.report.scores
    assert outcome.report.decision == "accepted"
