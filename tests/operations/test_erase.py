"""Erasing changes the writing and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from common.errors import (
    BadInput,
    BadOptions,
    GateRefused,
    ModelRefused,
    ModelUnable,
    UnfitRender,
)
from common.geometry import Box, Size, box_to_2d
from common.image import U8, Image, Mask
from common.operations.base import Models
from common.operations.erase import run
from common.operations.options import EraseOptions, read_options
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


# --- a mask that is brought -----------------------------------------------------------------------


def mask_of(ink: Mask, level: int = 255) -> Image:
    """Return a mask picture: white on black, a little wider than the ink."""
    wide = cv2.dilate(ink.astype(np.uint8), np.ones((9, 9), np.uint8)) * level
    return Image(np.repeat(wide[..., None], 3, axis=2).astype(np.uint8))


BROUGHT = EraseOptions(mask="mask.png")


def test_a_mask_says_to_the_pixel_what_may_change() -> None:
    mask = mask_of(INK)
    outcome = run(PHOTO, BROUGHT, Models(ScriptedModel(renders=[cleaned])), mask=mask)
    assert outcome.image is not None
    assert outcome.mask is not None
    assert np.array_equal(outcome.mask, mask.rgb[..., 0] > 0)
    black = mask.rgb[..., 0] == 0
    assert np.array_equal(outcome.image.rgb[black], POSTER[black])
    assert psnr(outcome.image.rgb, CLEAN, INK) > 30


def test_the_mask_that_comes_out_may_be_brought_again() -> None:
    first = run(PHOTO, EraseOptions(region=[BOX]), Models(ScriptedModel(renders=[cleaned])))
    assert first.mask is not None
    again = Image(np.repeat(np.where(first.mask, 255, 0).astype(np.uint8)[..., None], 3, axis=2))
    second = run(PHOTO, BROUGHT, Models(ScriptedModel(renders=[cleaned])), mask=again)
    assert second.mask is not None
    assert np.array_equal(second.mask, first.mask)


def test_a_gray_mask_blends() -> None:
    flat = Image(np.full((200, 300, 3), 200, np.uint8))
    gray = np.zeros((200, 300), np.uint8)
    gray[80:120, 100:200], gray[80:120, 150:200] = 255, 120
    picture = flat.rgb.copy()
    picture[80:120, 100:200] = 40
    model = ScriptedModel(renders=[lambda render: Image(np.full_like(render.image.rgb, 200))])
    mask = Image(np.repeat(gray[..., None], 3, axis=2))
    outcome = run(Image(picture), BROUGHT, Models(model), mask=mask)
    assert outcome.image is not None
    assert abs(int(outcome.image.rgb[100, 120, 0]) - 200) <= 1
    assert abs(int(outcome.image.rgb[100, 170, 0]) - (40 + 160 * 120 / 255)) <= 2


def test_a_transparent_layer_marks_where_it_is_painted() -> None:
    alpha = mask_of(INK).rgb[..., 0]
    layer = Image(np.full_like(POSTER, 255), alpha)
    outcome = run(PHOTO, BROUGHT, Models(ScriptedModel(renders=[cleaned])), mask=layer)
    assert outcome.mask is not None
    assert np.array_equal(outcome.mask, alpha > 0)


def test_an_excluded_box_wins_over_the_mask() -> None:
    options = EraseOptions(mask="mask.png", exclude=[(0, 0, 1000, 400)])
    model = ScriptedModel(renders=[cleaned])
    outcome = run(PHOTO, options, Models(model), mask=mask_of(INK))
    assert outcome.image is not None
    assert np.array_equal(outcome.image.rgb[:, :168], POSTER[:, :168])


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (Image(np.full((30, 40, 3), 255, np.uint8)), "40x30 pixels, the photo 420x300"),
        (Image(np.zeros_like(POSTER)), "marks nothing"),
        (None, "no picture came"),
    ],
)
def test_a_mask_that_cannot_be_one_is_refused_before_anything_is_paid(
    mask: Image | None, message: str
) -> None:
    model = ScriptedModel()
    with pytest.raises(BadInput, match=message):
        run(PHOTO, BROUGHT, Models(model), mask=mask)
    assert not model.asked
    assert not model.rendered


def test_mask_and_region_exclude_each_other() -> None:
    with pytest.raises(BadOptions, match="not both"):
        read_options(EraseOptions, {"mask": "m.png", "region": [BOX]})


def test_a_model_that_ignores_the_mask_changes_nothing_outside_it() -> None:
    model = ScriptedModel(renders=[lambda render: Image(255 - cleaned(render).rgb)])
    options = EraseOptions(mask="mask.png", on_fail="review")
    outcome = run(PHOTO, options, Models(model), mask=mask_of(INK))
    assert outcome.image is not None
    black = mask_of(INK).rgb[..., 0] == 0
    assert np.array_equal(outcome.image.rgb[black], POSTER[black])
    assert outcome.report.decision == "review"


# --- what is laid over the picture ----------------------------------------------------------------


def layered(*finds: tuple[tuple[int, int, int, int], str, str]) -> str:
    return json.dumps(
        [{"box_2d": box, "label": kind, "kind": kind, "layer": layer} for box, kind, layer in finds]
    )


OVERLAY = EraseOptions(what="overlay")


def test_what_is_printed_on_things_stays_where_overlays_are_to_go() -> None:
    answer = layered((FIRST_BOX, "text", "overlay"), (SECOND_BOX, "text", "scene"))
    model = ScriptedModel(answers=[answer], renders=[bare(WIDE_CLEAN)])
    outcome = run(BANNER, OVERLAY, Models(model))
    assert outcome.image is not None
    assert np.array_equal(outcome.image.rgb[:, 1300:], BOTH_ENDS[:, 1300:])
    assert psnr(outcome.image.rgb, WIDE_CLEAN, FIRST) > 35


def test_a_badge_goes_whole_with_what_is_written_in_it() -> None:
    clean = np.full((300, 420, 3), 215, np.uint8)
    picture = clean.copy()
    cv2.circle(picture, (200, 150), 60, (200, 30, 40), -1, cv2.LINE_AA)
    picture, _ = written(picture, "NEW", Box(135, 170, 165, 230))
    answer = layered(((290, 320, 710, 630), "object", "overlay"))
    model = ScriptedModel(answers=[answer], renders=[lambda render: Image(_blank(render))])
    outcome = run(Image(picture), OVERLAY, Models(model))
    assert outcome.image is not None
    assert np.abs(outcome.image.rgb.astype(int) - clean).max() <= 2


def _blank(render: Render) -> U8:
    return np.full_like(render.image.rgb, 215)


def test_an_engine_that_cannot_tell_overlays_says_so() -> None:
    model = ScriptedModel(answers=[texts((BOX, "SALE"))])
    with pytest.raises(ModelUnable, match="laid over"):
        run(PHOTO, OVERLAY, Models(model))


# --- sensitivity ----------------------------------------------------------------------------------


def test_the_more_sensitive_the_farther_the_edit_reaches() -> None:
    reached = []
    for sensitivity in ("low", "normal", "high"):
        options = read_options(EraseOptions, {"region": [BOX], "sensitivity": sensitivity})
        outcome = run(PHOTO, options, Models(ScriptedModel(renders=[cleaned])))
        assert outcome.mask is not None
        reached.append(int(outcome.mask.sum()))
    assert reached[0] <= reached[1] < reached[2]


def test_doubtful_finds_are_left_where_little_sensitivity_is_asked_for() -> None:
    doubtful = json.dumps([{"box_2d": BOX, "label": "text", "kind": "text", "confidence": 0.4}])
    outcome = run(PHOTO, EraseOptions(sensitivity="low"), Models(ScriptedModel([doubtful])))
    assert outcome.image is PHOTO


# --- the price ------------------------------------------------------------------------------------


def test_a_dry_run_tells_what_a_second_pass_may_cost_on_top() -> None:
    options = EraseOptions(region=[FIRST_BOX, SECOND_BOX], dry_run=True)
    models = Models(ScriptedModel(dollars=0.5), ScriptedModel())
    report = run(BANNER, options, models).report
    assert report.cost.dollars == 1.0
    assert report.plan["up_to"] == {"calls": 4, "dollars": 2.0}
    assert "up to $2.0000 in all" in report.warnings[0]


def test_where_nobody_looks_for_nothing_there_is_no_second_pass_to_pay() -> None:
    options = EraseOptions(region=[FIRST_BOX], dry_run=True)
    report = run(BANNER, options, Models(ScriptedModel(dollars=0.5))).report
    assert "up_to" not in report.plan
