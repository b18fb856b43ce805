"""Expanding keeps the photo byte for byte and leaves no seam."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from common.composite import seam_step
from common.errors import BadOptions, GateRefused, StudioError
from common.fields import as_bytes, as_float
from common.geometry import Box, Size
from common.image import Image
from common.operations.base import Models
from common.operations.expand import run
from common.operations.options import ExpandOptions, read_options
from common.vlm.base import Extended, Render, Rendered
from common.vlm.scripted import ScriptedModel
from tests.support.pictures import backdrop, product, textured

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
