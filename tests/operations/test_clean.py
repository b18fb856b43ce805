"""Cleaning takes named clutter away and evens a plain backdrop out; the subject stays."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from common.errors import BadOptions, GateRefused, ModelUnable
from common.geometry import Box, Size, box_to_2d
from common.image import U8, Image, Mask
from common.operations.base import Models
from common.operations.clean import run
from common.operations.options import CleanOptions, read_options
from common.vlm.base import Find, Render, Without
from common.vlm.embedded import EmbeddedModel
from common.vlm.scripted import ScriptedModel
from tests.support.pictures import Scene, product, psnr, textured

SCENE: Scene = product(Size(480, 360))
CABLE = Box(240, 0, 345, 130)


def with_a_cable() -> tuple[U8, Mask]:
    picture = SCENE.photo.copy()
    cv2.line(picture, (4, 335), (120, 250), (30, 30, 30), 5, cv2.LINE_AA)
    return picture, (picture != SCENE.photo).any(2)


CLUTTERED, INK = with_a_cable()
PHOTO = Image(CLUTTERED)
SUBJECT: Mask = SCENE.alpha > 0


def named(*boxes: Box) -> str:
    return json.dumps(
        [
            {"box_2d": box_to_2d(box, PHOTO.size), "label": "cable", "kind": "object"}
            for box in boxes
        ]
    )


def bare(render: Render) -> Image:
    """Paint the cable's window as it is without the cable, a little off in tone."""
    height, width = render.image.rgb.shape[:2]
    score = cv2.matchTemplate(CLUTTERED, render.image.rgb, cv2.TM_SQDIFF)
    left, top = cv2.minMaxLoc(score)[2]
    part = SCENE.photo[top : top + height, left : left + width].astype(np.float32)
    return Image(np.rint(np.clip(part * 1.01 + 1, 0, 255)).astype(np.uint8))


# --- clutter --------------------------------------------------------------------------------------


def test_named_clutter_goes_and_every_pixel_elsewhere_stays() -> None:
    model = ScriptedModel(answers=[named(CABLE)], renders=[bare])
    outcome = run(PHOTO, CleanOptions(remove="the cable"), Models(model))
    assert outcome.image is not None
    assert outcome.mask is not None
    assert psnr(outcome.image.rgb, SCENE.photo, INK) > 40
    assert np.array_equal(outcome.image.rgb[~outcome.mask], CLUTTERED[~outcome.mask])
    assert outcome.mask[INK].all()
    assert outcome.mask.mean() < 0.06  # the cable's own pixels, not the box of the diagonal


def test_the_model_is_asked_for_what_was_named_and_for_nothing_else() -> None:
    model = ScriptedModel(answers=[named(CABLE)], renders=[bare])
    run(PHOTO, CleanOptions(remove="the cable"), Models(model))
    assert model.asked[0].intent == Find("the cable", named=True)
    assert "remove only the cable" in model.rendered[0].prompt.text
    assert isinstance(model.rendered[0].intent, Without)


def test_an_engine_without_words_removes_nothing_by_guess() -> None:
    engine = EmbeddedModel()
    with pytest.raises(ModelUnable, match="understands no words") as caught:
        run(PHOTO, CleanOptions(remove="the cable"), Models(engine, engine))
    assert "region or a mask" in caught.value.advice


def test_a_dry_run_tells_of_it_too() -> None:
    engine = EmbeddedModel()
    with pytest.raises(ModelUnable, match="understands no words"):
        run(PHOTO, CleanOptions(remove="the cable", dry_run=True), Models(engine, engine))


def test_the_embedded_engine_cleans_where_it_is_shown() -> None:
    engine = EmbeddedModel()
    mask = np.repeat(cv2.dilate(INK.astype(np.uint8), np.ones((7, 7)))[..., None] * 255, 3, 2)
    options = CleanOptions(mask="mask.png")
    outcome = run(PHOTO, options, Models(engine, engine), mask=Image(mask.astype(np.uint8)))
    assert outcome.image is not None
    assert psnr(outcome.image.rgb, SCENE.photo, INK) > 36
    assert np.array_equal(outcome.image.rgb[mask[..., 0] == 0], CLUTTERED[mask[..., 0] == 0])


def test_words_with_a_region_cost_no_question() -> None:
    model = ScriptedModel(renders=[bare])
    region = [box_to_2d(CABLE, PHOTO.size)]
    run(PHOTO, CleanOptions(remove="the cable", region=region), Models(model))
    assert not model.asked
    assert "the cable" in model.rendered[0].prompt.text


def test_what_is_excluded_is_not_clutter() -> None:
    model = ScriptedModel(answers=[named(CABLE)])
    outcome = run(
        PHOTO, CleanOptions(remove="the cable", exclude=[(600, 0, 1000, 300)]), Models(model)
    )
    assert outcome.image is PHOTO


def test_nothing_found_is_told() -> None:
    outcome = run(PHOTO, CleanOptions(remove="dust"), Models(ScriptedModel(answers=["[]"])))
    assert outcome.image is PHOTO
    assert outcome.mask is not None
    assert not outcome.mask.any()
    assert "Nothing of that was found" in outcome.report.warnings[0]


def test_a_render_that_left_the_clutter_is_refused() -> None:
    model = ScriptedModel(answers=[named(CABLE)], renders=[lambda render: render.image])
    with pytest.raises(GateRefused, match="left what was to go"):
        run(PHOTO, CleanOptions(remove="the cable"), Models(model))


def test_nothing_to_do_is_a_question_to_the_user() -> None:
    with pytest.raises(BadOptions, match="Say what to do"):
        read_options(CleanOptions, {})


def test_a_dry_run_quotes_the_question_and_the_photo() -> None:
    model = ScriptedModel(dollars=0.5)
    report = run(PHOTO, CleanOptions(remove="dust", dry_run=True), Models(model)).report
    assert [call.purpose for call in report.calls] == ["detect", "render"]
    assert not model.asked


# --- the backdrop ---------------------------------------------------------------------------------

EVEN = CleanOptions(even=True)


def uneven() -> U8:
    """Blotches of light and dust on the backdrop, none on the subject."""
    random = np.random.default_rng(1)
    height, width = SCENE.alpha.shape
    blotch = cv2.GaussianBlur(
        random.standard_normal((height, width)).astype(np.float32), (0, 0), 25
    )
    blotch *= 7 / np.abs(blotch).max()
    grain = random.normal(0, 1, SCENE.photo.shape)
    outside = 1 - SCENE.alpha[..., None]
    picture = np.clip(SCENE.photo + outside * (blotch[..., None] + grain), 0, 255)
    dirty: U8 = np.rint(picture).astype(np.uint8)
    for x, y in ((30, 30), (430, 60), (440, 300), (60, 200), (400, 200)):
        cv2.circle(dirty, (x, y), 2, (70, 60, 50), -1, cv2.LINE_AA)
    return dirty


def test_an_uneven_backdrop_comes_back_to_its_light_and_the_subject_stays() -> None:
    dirty = uneven()
    outcome = run(Image(dirty), EVEN, Models(EmbeddedModel(), EmbeddedModel()))
    assert outcome.image is not None
    assert outcome.mask is not None
    assert np.array_equal(outcome.image.rgb[SUBJECT], dirty[SUBJECT])
    assert np.array_equal(outcome.image.rgb[~outcome.mask], dirty[~outcome.mask])
    far = cv2.erode(outcome.mask.astype(np.uint8), np.ones((25, 25))) > 0
    assert psnr(outcome.image.rgb, SCENE.photo, far) > psnr(dirty, SCENE.photo, far) + 6
    assert outcome.report.scores["uneven"] < 0.3 * outcome.report.scores["uneven_before"]
    assert outcome.report.fidelity is not None
    assert outcome.report.fidelity.largest_difference == 0
    assert outcome.report.cost.calls == 0


def test_a_subject_of_the_backdrops_own_colour_is_not_evened_away() -> None:
    """Where no engine sees it, the user's word protects it."""
    dirty = uneven()
    options = CleanOptions(even=True, exclude=[(0, 700, 400, 1000)])
    outcome = run(Image(dirty), options, Models(ScriptedModel()))
    assert outcome.image is not None
    assert np.array_equal(outcome.image.rgb[:140, 340:], dirty[:140, 340:])


def test_the_shadow_of_the_subject_stays() -> None:
    dirty = uneven().astype(np.float32)
    shadow = np.zeros(SCENE.alpha.shape, np.float32)
    cv2.ellipse(shadow, (250, 300), (110, 14), 0, 0, 360, 1, -1)
    shadow = cv2.GaussianBlur(shadow, (0, 0), 6) * (1 - SCENE.alpha)
    shaded = np.rint(dirty * (1 - 0.35 * shadow[..., None])).astype(np.uint8)
    outcome = run(Image(shaded), EVEN, Models(ScriptedModel()))
    assert outcome.image is not None
    core = shadow > 0.3
    assert np.array_equal(outcome.image.rgb[core], shaded[core])


def test_scenery_is_not_evened() -> None:
    scenery = Image(textured(Size(300, 200), seed=5))
    with pytest.raises(GateRefused, match="not plain enough"):
        run(scenery, EVEN, Models(ScriptedModel()))


def test_clutter_goes_first_and_the_backdrop_is_evened_then() -> None:
    model = ScriptedModel(answers=[named(CABLE)], renders=[bare])
    outcome = run(PHOTO, CleanOptions(remove="the cable", even=True), Models(model))
    assert outcome.image is not None
    assert outcome.mask is not None
    assert psnr(outcome.image.rgb, SCENE.photo, INK) > 38
    assert np.array_equal(outcome.image.rgb[SUBJECT], SCENE.photo[SUBJECT])
    assert "evened_share" in outcome.report.plan
    assert "windows" in outcome.report.plan


def test_evening_alone_needs_no_model_and_costs_nothing() -> None:
    report = run(
        PHOTO, CleanOptions(even=True, dry_run=True), Models(ScriptedModel(dollars=1))
    ).report
    assert report.calls == []
