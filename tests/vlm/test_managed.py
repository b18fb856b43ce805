"""Models see sRGB; the photo's space is where their answers arrive."""

from __future__ import annotations

import numpy as np

from common.codec import in_profile, in_srgb, srgb
from common.geometry import Box, Size
from common.image import Image, Provenance
from common.operations.base import Models
from common.operations.expand import run as expand
from common.operations.options import ExpandOptions
from common.prompts import fill
from common.vlm.base import Extended, OnBacking, Render
from common.vlm.managed import ColourManaged
from common.vlm.scripted import ScriptedModel
from tests.support.models import question
from tests.support.pictures import textured
from tests.support.profiles import wide

PLAIN = Image(textured(Size(64, 48)))
WIDE = in_profile(PLAIN, wide())  # the same colours, in other numbers
FRAME = Box(0, 0, 48, 64)


def wish(image: Image) -> Render:
    return Render(image, Extended(FRAME), fill("expand"))


def apart(one: Image, other: Image) -> int:
    return int(np.abs(one.rgb.astype(int) - other.rgb).max())


def test_the_wide_numbers_are_other_numbers() -> None:
    assert apart(WIDE, PLAIN) > 20
    assert apart(in_srgb(WIDE), PLAIN) <= 2


def test_the_model_is_shown_srgb() -> None:
    model = ScriptedModel(["[]"], [PLAIN])
    managed = ColourManaged(model)
    managed.render(wish(WIDE))
    managed.ask(question(WIDE))
    for seen in (model.rendered[0].image, model.asked[0].image):
        assert apart(seen, PLAIN) <= 2
        assert seen.provenance.icc == srgb()


def test_the_answer_comes_back_in_the_photos_space() -> None:
    made = ColourManaged(ScriptedModel([], [PLAIN])).render(wish(WIDE))
    assert made.image.provenance.icc == wide()
    assert apart(made.image, WIDE) == 0


def test_a_picture_that_was_brought_is_read_by_its_own_profile() -> None:
    made = ColourManaged(ScriptedModel([], [WIDE])).render(wish(PLAIN))
    assert apart(made.image, PLAIN) <= 2


def test_a_subject_on_its_backing_keeps_the_numbers_that_were_asked_for() -> None:
    green = Image(np.full((48, 64, 3), (0, 255, 0), np.uint8))
    render = Render(WIDE, OnBacking((0, 255, 0)), fill("expand"))
    made = ColourManaged(ScriptedModel([], [green])).render(render)
    assert (made.image.rgb == (0, 255, 0)).all()


def test_a_picture_without_a_profile_is_shown_as_it_is() -> None:
    model = ScriptedModel([], [PLAIN])
    made = ColourManaged(model).render(wish(PLAIN))
    assert model.rendered[0].image is PLAIN
    assert made.image is PLAIN


def test_new_canvas_meets_a_wide_photo_without_a_step_in_colour() -> None:
    flat = Image(np.full((60, 80, 3), (200, 40, 40), np.uint8), provenance=Provenance("jpeg"))
    photo = in_profile(flat, wide())
    models = Models(ColourManaged(ScriptedModel([], [_painted] * 8)))
    outcome = expand(photo, ExpandOptions(aspect=2.0, on_fail="review"), models)
    assert outcome.image is not None
    assert outcome.image.provenance.icc == wide()
    assert apart(outcome.image, Image(np.full_like(outcome.image.rgb, photo.rgb[0, 0]))) <= 3
    assert outcome.report.digital_source == "compositeWithTrainedAlgorithmicMedia"


def _painted(render: Render) -> Image:
    """Paint on what is true in sRGB: the photo's red."""
    return Image(np.full_like(render.image.rgb, (200, 40, 40)))
