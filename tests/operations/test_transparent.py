"""A picture that comes cut out keeps its own alpha, and nobody is asked or paid."""

from __future__ import annotations

import numpy as np
import pytest

from common.geometry import Box, Size
from common.image import Image
from common.operations.base import Models
from common.operations.cutout import run
from common.operations.options import CutoutOptions
from common.vlm.scripted import ScriptedModel, ScriptEndedError
from tests.support.pictures import product

SCENE = product(Size(120, 90))
ALPHA = np.rint(SCENE.alpha * 255).astype(np.uint8)
CUT = Image(SCENE.photo, ALPHA)
NOBODY = Models(ScriptedModel())


def test_the_alpha_that_came_is_the_alpha_that_is_given() -> None:
    outcome = run(CUT, CutoutOptions(), NOBODY)
    assert outcome.image is not None
    assert outcome.image.alpha is not None
    assert np.array_equal(outcome.image.alpha, ALPHA)
    assert np.array_equal(outcome.image.rgb, CUT.rgb)
    assert (outcome.report.engine, outcome.report.decision) == ("source", "accepted")
    assert outcome.report.cost.attempts == 0
    assert outcome.report.digital_source == ""
    assert "no model was asked" in outcome.report.warnings[0]


def test_it_is_framed_and_put_on_a_background_like_any_other() -> None:
    options = CutoutOptions(background="#FF0000", crop="subject", margin="4")
    outcome = run(CUT, options, NOBODY)
    assert outcome.image is not None
    assert outcome.image.alpha is None
    assert outcome.image.size.width < CUT.size.width
    assert outcome.image.rgb[0, 0].tolist() == [255, 0, 0]


def test_a_dry_run_tells_that_it_costs_nothing() -> None:
    outcome = run(CUT, CutoutOptions(dry_run=True), NOBODY)
    assert (outcome.report.decision, outcome.report.calls) == ("planned", [])


@pytest.mark.parametrize(
    "options", [CutoutOptions(subject="the ring"), CutoutOptions(box=(100, 100, 900, 900))]
)
def test_a_part_that_is_named_is_still_to_be_cut_out(options: CutoutOptions) -> None:
    with pytest.raises(ScriptEndedError):  # so it was asked
        run(CUT, options, NOBODY)


def test_round_corners_are_no_cutout() -> None:
    alpha = np.full(ALPHA.shape, 255, np.uint8)
    for corner in (Box(0, 0, 6, 6), Box(84, 114, 90, 120)):
        alpha[corner.slices] = 0
    with pytest.raises(ScriptEndedError):
        run(Image(SCENE.photo, alpha), CutoutOptions(), NOBODY)
