"""Expanding keeps the photo byte for byte and leaves no seam."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from common.composite import seam_step
from common.errors import BadOptions, GateRefused, NothingFound, StudioError
from common.fields import as_bytes, as_float
from common.geometry import Box, Size
from common.image import U8, Image
from common.operations.base import Models
from common.operations.expand import run
from common.operations.options import ExpandOptions, read_options
from common.operations.twins import SECOND
from common.vlm.base import Extended, Render, Rendered
from common.vlm.scripted import ScriptedModel
from tests.support.pictures import backdrop, product, psnr, textured

WIDE = textured(Size(360, 200), seed=3)
FRAME = Box(0, 80, 200, 280)
PHOTO = Image(WIDE[FRAME.slices].copy())
ASPECT = read_options(ExpandOptions, {"aspect": "360:200"})


def off_tone(render: Render) -> Image:
    """Give the wide truth with another tone, as models do."""
    assert isinstance(render.intent, Extended)
    return Image(as_bytes(as_float(WIDE) * np.float32(0.95) + np.float32(0.04)))


def test_the_photo_stays_byte_for_byte_and_the_seam_cannot_be_seen() -> None:
    outcome = run(PHOTO, ASPECT, Models(ScriptedModel(renders=[off_tone])))
    assert outcome.image is not None
    assert outcome.image.size == Size(360, 200)
    assert np.array_equal(outcome.image.rgb[FRAME.slices], PHOTO.rgb)
    assert seam_step(outcome.image.rgb, FRAME) < 1.3
    assert outcome.report.scores["seam"] < 1.3
    assert np.abs(outcome.image.rgb.astype(int) - WIDE).mean() < 3


def test_the_model_sees_the_photo_on_a_blank_canvas() -> None:
    model = ScriptedModel(renders=[off_tone])
    run(PHOTO, ASPECT, Models(model))
    shown = model.rendered[0].image.rgb
    assert np.array_equal(shown[FRAME.slices], PHOTO.rgb)
    assert len(np.unique(shown[:, :80])) == 1


@pytest.mark.parametrize(
    ("wish", "canvas", "corner"),
    [
        ({"size": "300x260"}, (300, 260), (30, 50)),
        ({"size": "300x260", "anchor": "top-left"}, (300, 260), (0, 0)),
        ({"size": "300x260", "anchor": "bottom"}, (300, 260), (60, 50)),
        ({"margin": "10,20,30,40"}, (260, 240), (10, 40)),
        ({"margin": "10%"}, (240, 240), (20, 20)),
        ({"aspect": "1:2"}, (200, 400), (100, 0)),
    ],
)
def test_the_canvas_and_the_photos_place_follow_the_options(
    wish: dict[str, str], canvas: tuple[int, int], corner: tuple[int, int]
) -> None:
    options = read_options(ExpandOptions, wish | {"dry_run": True})
    plan = run(PHOTO, options, Models(ScriptedModel())).report.plan
    assert plan["canvas"] == list(canvas)
    assert plan["frame_pixels"] == [*corner, corner[0] + 200, corner[1] + 200]


def test_a_canvas_that_is_the_photos_own_needs_no_model() -> None:
    model = ScriptedModel()
    outcome = run(PHOTO, read_options(ExpandOptions, {"aspect": "1:1"}), Models(model))
    assert outcome.image is PHOTO
    assert "unchanged" in outcome.report.warnings[0]


@pytest.mark.parametrize("wish", [{"size": "100x300"}, {"aspect": "45"}, {"margin": "5000"}])
def test_an_absurd_canvas_is_refused_before_anything_is_paid(wish: dict[str, str]) -> None:
    with pytest.raises(BadOptions):
        run(PHOTO, read_options(ExpandOptions, wish), Models(ScriptedModel()))


def test_a_canvas_that_outgrows_memory_is_refused_whatever_the_photo() -> None:
    large = Image(np.zeros((3200, 3200, 3), np.uint8))
    with pytest.raises(BadOptions, match="100 megapixels"):
        run(large, read_options(ExpandOptions, {"aspect": "20:1"}), Models(ScriptedModel()))


def test_a_render_of_something_else_is_refused() -> None:
    model = ScriptedModel(renders=[Image(textured(Size(360, 200), seed=55))])
    with pytest.raises(GateRefused, match="something else"):
        run(PHOTO, ASPECT, Models(model))


def test_the_new_area_of_a_transparent_picture_is_opaque() -> None:
    alpha = np.full((200, 200), 90, np.uint8)
    model = ScriptedModel(renders=[off_tone])
    outcome = run(Image(PHOTO.rgb, alpha), ASPECT, Models(model))
    assert outcome.image is not None
    assert outcome.image.alpha is not None
    assert (outcome.image.alpha[:, :80] == 255).all()
    assert (outcome.image.alpha[FRAME.slices] == 90).all()


# --- plain backdrops for nothing ------------------------------------------------------------------

STUDIO = Size(360, 200)
STUDIO_WIDE = as_bytes(backdrop(STUDIO))
ON_STUDIO = Image(STUDIO_WIDE[FRAME.slices].copy())


class Doubtful(ScriptedModel):
    """A free engine that does what it can and would not vouch for it."""

    def render(self, render: Render) -> Rendered:
        return replace(super().render(render), low_confidence=True)


def truth(render: Render) -> Image:
    return Image(STUDIO_WIDE)


def free(*renders: Image | StudioError | Callable[[Render], Image]) -> ScriptedModel:
    """A free engine; where it is asked for the subject it sees none."""
    model = ScriptedModel(answers=["[]"], renders=renders)
    model.engine = "free"
    return model


def test_a_plain_backdrop_is_carried_on_without_a_paid_call() -> None:
    paid, unpaid = ScriptedModel(dollars=0.1), free(truth)
    outcome = run(ON_STUDIO, ASPECT, Models(paid, unpaid))
    assert outcome.image is not None
    assert paid.rendered == []
    assert outcome.report.engine == "free"
    assert outcome.report.cost.dollars == 0
    assert outcome.report.plan["backdrop"] == "plain"
    assert np.array_equal(outcome.image.rgb, STUDIO_WIDE)


def test_what_the_free_engine_does_not_vouch_for_is_paid() -> None:
    paid, unpaid = ScriptedModel(renders=[truth], dollars=0.1), Doubtful(renders=[truth])
    outcome = run(ON_STUDIO, ASPECT, Models(paid, unpaid))
    assert len(paid.rendered) == 1
    assert outcome.report.cost.dollars == 0.1
    assert outcome.report.decision == "accepted"
    assert [rung.accepted for rung in outcome.report.ladder] == [False, True]


def test_an_engine_that_the_user_names_is_asked_and_no_other() -> None:
    paid, unpaid = ScriptedModel(renders=[truth], dollars=0.1), free()
    options = read_options(ExpandOptions, {"aspect": "360:200", "engine": "gemini"})
    outcome = run(ON_STUDIO, options, Models(paid, unpaid))
    assert unpaid.rendered == []
    assert outcome.report.cost.dollars == 0.1


def test_scenery_is_not_tried_for_nothing() -> None:
    paid, unpaid = ScriptedModel(renders=[off_tone], dollars=0.1), free()
    outcome = run(PHOTO, ASPECT, Models(paid, unpaid))
    assert outcome.report.plan["backdrop"] == "scenery"
    assert len(paid.rendered) == 1


def test_a_dry_run_says_which_engine_and_what_it_costs_otherwise() -> None:
    options = read_options(ExpandOptions, {"aspect": "360:200", "dry_run": True})
    models = Models(ScriptedModel(dollars=0.1), free())
    plain, scenery = (run(photo, options, models).report for photo in (ON_STUDIO, PHOTO))
    assert (plain.engine, plain.cost.dollars) == ("free", 0)
    assert plain.plan["otherwise"] == {"engine": "scripted", "dollars": 0.1}
    assert (scenery.engine, scenery.cost.dollars) == ("scripted", 0.1)


def test_a_subject_inside_a_plain_backdrop_does_not_make_it_scenery() -> None:
    photo = Image(product(Size(240, 180)).photo)
    plan = run(
        photo,
        read_options(ExpandOptions, {"aspect": "2:1", "dry_run": True}),
        Models(ScriptedModel()),
    ).report.plan
    assert plan["backdrop"] == "plain"


# --- the subject's share --------------------------------------------------------------------------

ANSWER = '[{"box_2d": [250, 250, 750, 750], "label": "thing", "kind": "object"}]'


def test_the_subject_is_looked_for_and_fills_its_share() -> None:
    model = ScriptedModel(answers=[ANSWER], renders=[lambda render: render.image])
    options = read_options(ExpandOptions, {"fill": 0.4, "on_fail": "review"})
    outcome = run(PHOTO, options, Models(model))
    assert outcome.image is not None
    assert outcome.image.size == Size(250, 250)
    assert outcome.report.plan["frame_pixels"] == [25, 25, 225, 225]


def test_a_box_places_the_subject_without_a_question() -> None:
    options = read_options(ExpandOptions, {"fill": 0.25, "box": "250,250,750,750", "dry_run": True})
    report = run(PHOTO, options, Models(ScriptedModel())).report
    assert report.plan["canvas"] == [400, 400]
    assert [call.purpose for call in report.calls] == ["render"]


def test_a_dry_run_of_fill_quotes_the_question_and_the_largest_canvas() -> None:
    options = read_options(ExpandOptions, {"fill": 0.5, "dry_run": True})
    report = run(PHOTO, options, Models(ScriptedModel())).report
    assert [call.purpose for call in report.calls] == ["detect", "render"]
    assert report.plan["canvas"] == [400, 400]
    assert "largest" in report.warnings[0]


def test_a_share_that_expanding_cannot_reach_is_told() -> None:
    options = read_options(ExpandOptions, {"fill": 0.9, "box": "250,250,750,750"})
    outcome = run(PHOTO, options, Models(ScriptedModel()))
    assert outcome.image is PHOTO
    assert "50%" in outcome.report.warnings[0]


def test_fill_without_a_subject_is_refused() -> None:
    options = read_options(ExpandOptions, {"fill": 0.5})
    with pytest.raises(NothingFound, match="subject"):
        run(PHOTO, options, Models(ScriptedModel(answers=["[]"])))


# --- steps ----------------------------------------------------------------------------------------

BANNER = textured(Size(700, 100), seed=9)
MIDDLE = Box(0, 300, 100, 400)
SQUARE = Image(BANNER[MIDDLE.slices].copy())
WIDER = {"size": "700x100"}


def part_of_the_banner(render: Render) -> Image:
    """Give the truth of whatever canvas is asked for, in another tone."""
    assert isinstance(render.intent, Extended)
    left = 300 - (render.image.size.width - 100) // 2
    truth = BANNER[:, left : left + render.image.size.width]
    return Image(as_bytes(as_float(truth) * np.float32(0.96) + np.float32(0.02)))


def test_an_extreme_ratio_is_painted_in_steps_and_each_keeps_the_one_before() -> None:
    model = ScriptedModel(renders=[part_of_the_banner] * 3, dollars=0.1)
    outcome = run(SQUARE, read_options(ExpandOptions, WIDER), Models(model))
    assert outcome.image is not None
    sizes = [render.image.size.width for render in model.rendered]
    assert len(sizes) == 3
    assert outcome.report.plan["steps"] == [[width, 100] for width in sizes]
    assert outcome.report.cost.dollars == pytest.approx(0.3)
    for render in model.rendered:
        assert isinstance(render.intent, Extended)
        shift = (700 - render.image.size.width) // 2
        frame = render.intent.frame
        before = outcome.image.rgb[frame.moved(0, shift).slices]
        assert np.array_equal(render.image.rgb[frame.slices], before)
    assert np.array_equal(outcome.image.rgb[MIDDLE.slices], SQUARE.rgb)
    assert outcome.report.scores["seam"] < 1.5


def test_a_dry_run_tells_the_steps_and_their_price() -> None:
    options = read_options(ExpandOptions, WIDER | {"dry_run": True})
    report = run(SQUARE, options, Models(ScriptedModel(dollars=0.1))).report
    assert len(report.calls) == 3
    assert report.cost.dollars == pytest.approx(0.3)
    assert report.plan["steps"] == [[call.width, call.height] for call in report.calls]


def test_after_a_refused_step_no_other_is_paid() -> None:
    wrong = Image(textured(Size(200, 100), seed=55))
    model = ScriptedModel(renders=[lambda render: _resized(wrong, render)] * 3, dollars=0.1)
    with pytest.raises(GateRefused):
        run(SQUARE, read_options(ExpandOptions, WIDER), Models(model))
    assert len(model.rendered) == 1


def test_a_render_that_was_brought_is_one_picture() -> None:
    given = ScriptedModel(renders=[part_of_the_banner], dollars=0.1)
    outcome = run(SQUARE, read_options(ExpandOptions, WIDER), Models(given, brought=True))
    assert outcome.report.plan["steps"] == [[700, 100]]


def _resized(image: Image, render: Render) -> Image:
    size = render.image.size
    return Image(cv2.resize(image.rgb, (size.width, size.height)))


# --- what a render may not do ---------------------------------------------------------------------

MARKED = Box(60, 60, 140, 140)


def _with_marks(rgb: U8, *places: Box) -> U8:
    random = np.random.default_rng(4)
    mark = random.integers(0, 255, (8, 8, 3)).astype(np.uint8)
    out = rgb.copy()
    for box in places:
        out[box.slices] = cv2.resize(mark, (box.width, box.height), interpolation=cv2.INTER_CUBIC)
    return out


def test_a_second_subject_goes_down_the_ladder() -> None:
    there = MARKED.moved(FRAME.top, FRAME.left)
    photo = Image(_with_marks(PHOTO.rgb, MARKED))
    twice = Image(_with_marks(WIDE, there, Box(20, 281, 100, 359)))
    once = Image(_with_marks(WIDE, there))
    options = read_options(ExpandOptions, {"aspect": "360:200", "box": "300,300,700,700"})
    first, second = ScriptedModel(renders=[twice]), free(once)
    outcome = run(photo, options, Models(first, second))
    assert outcome.report.engine == "free"
    assert outcome.report.ladder[0].reasons == ["The subject was painted a second time."]
    assert outcome.report.scores["second_subject"] < SECOND


def test_a_render_that_moves_the_scene_too_far_is_refused() -> None:
    moved = Image(np.roll(WIDE, 90, axis=1))
    with pytest.raises(GateRefused, match="something else"):
        run(PHOTO, ASPECT, Models(ScriptedModel(renders=[moved])))


def test_a_blank_that_was_left_blank_is_refused() -> None:
    model = ScriptedModel(renders=[lambda render: _nudged(render.image)])
    with pytest.raises(GateRefused, match="line"):
        run(PHOTO, ASPECT, Models(model))


def _nudged(image: Image) -> Image:
    """Return the request with another tone, as a model that painted nothing gives it."""
    return Image(as_bytes(as_float(image.rgb) * np.float32(0.97)))


def test_the_photo_stays_byte_for_byte_under_a_render_of_any_size() -> None:
    for width, height in ((180, 100), (361, 199), (1080, 600)):
        render = Image(cv2.resize(WIDE, (width, height), interpolation=cv2.INTER_AREA))
        outcome = run(PHOTO, ASPECT, Models(ScriptedModel(renders=[render])))
        assert outcome.image is not None
        assert outcome.image.size == Size(360, 200)
        assert np.array_equal(outcome.image.rgb[FRAME.slices], PHOTO.rgb)


def test_a_canvas_larger_than_models_see_is_shown_small_and_comes_back_large() -> None:
    wide = cv2.resize(WIDE, (3600, 1000), interpolation=cv2.INTER_CUBIC)
    frame = Box(0, 800, 1000, 2800)
    photo = Image(np.ascontiguousarray(wide[frame.slices]))

    def truth(render: Render) -> Image:
        assert render.image.size.longest == 3072
        return Image(cv2.resize(wide, (1536, 427), interpolation=cv2.INTER_AREA))

    options = read_options(ExpandOptions, {"size": "3600x1000"})
    outcome = run(photo, options, Models(ScriptedModel(renders=[truth])))
    assert outcome.image is not None
    assert np.array_equal(outcome.image.rgb[frame.slices], photo.rgb)
    assert psnr(outcome.image.rgb, wide) > 40
