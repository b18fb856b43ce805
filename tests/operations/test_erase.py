"""Erasing changes the writing and nothing else."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from common.errors import GateRefused, ModelUnable, UnfitRender
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
    with pytest.raises(GateRefused, match="left the writing"):
        run(PHOTO, EraseOptions(region=[BOX]), Models(model))


def test_a_render_of_something_else_is_refused() -> None:
    model = ScriptedModel(renders=[lambda render: Image(textured(render.image.size, seed=77))])
    with pytest.raises(GateRefused, match="something else"):
        run(PHOTO, EraseOptions(region=[BOX]), Models(model))


def test_a_brought_render_of_another_ratio_is_the_users_error() -> None:
    model = ScriptedModel(renders=[Image(textured(Size(400, 100)))])
    with pytest.raises(UnfitRender):
        run(PHOTO, EraseOptions(region=[BOX]), Models(model, brought=True))


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
