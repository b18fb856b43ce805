"""Two renders that agree are good where neither is alone; what is wrong in both stays refused."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.errors import GateRefused, ModelRefused
from common.fields import as_bytes, as_float
from common.geometry import Size
from common.image import F32, U8, Image
from common.operations.base import Models
from common.operations.cutout import run
from common.operations.ladder import Attempt
from common.operations.options import CutoutOptions, read_options
from common.operations.pairs import LEAST_AGREEMENT, agreed, of_both, worst
from common.verdict import Verdict
from common.vlm.base import OnBacking, Render
from common.vlm.scripted import ScriptedModel
from tests.support.pictures import product, textured

SIZE = Size(320, 260)
SCENE = product(SIZE)
FAINT = 0.15  # of the subject's own colour: nearly white on white
GOOD = {"backing": 1.0, "alignment": 0.65, "spill": 0.0, "holes": 0.0, "cut_off": 0.0}
GOOD |= {"drift": 0.0, "solidity": 1.0, "texture": 1.0, "subject": 0.2}


def drawn(alpha: U8, level: int = 9, flaw: dict[str, float] | None = None) -> Attempt:
    rgb = np.full((*alpha.shape, 3), level, np.uint8)
    verdict = Verdict(GOOD | (flaw or {}), ("It does not agree.",))
    return Attempt(Image(rgb, alpha), verdict, "scripted", key="green", plan={"key": "green"})


def disc(at: int = 60, radius: int = 30) -> U8:
    alpha = np.zeros((120, 160), np.uint8)
    cv2.circle(alpha, (at, 60), radius, 255, cv2.FILLED, cv2.LINE_AA)
    return alpha


# --- made of both ---------------------------------------------------------------------------------


def test_the_larger_alpha_is_taken_with_its_own_colour() -> None:
    small, large = drawn(disc(radius=28), 1), drawn(disc(radius=30), 2)
    both = of_both(small, large)
    assert both.image.alpha is not None
    assert np.array_equal(both.image.alpha, disc(radius=30))
    assert both.image.rgb[60, 60].tolist() == [1, 1, 1]
    assert both.image.rgb[60, 60 + 29].tolist() == [2, 2, 2]
    assert both.verdict.accepted
    assert not both.vouched


def test_two_renders_that_disagree_are_refused_with_the_reason() -> None:
    both = of_both(drawn(disc(at=50)), drawn(disc(at=80)))
    assert any("disagree" in reason for reason in both.verdict.refusals)
    assert both.verdict.scores["agreement"] < LEAST_AGREEMENT


@pytest.mark.parametrize(
    "flaw", [{"backing": 0.1}, {"texture": 0.1}, {"alignment": 0.4}, {"drift": 0.2}]
)
def test_what_agreement_does_not_answer_stays_refused(flaw: dict[str, float]) -> None:
    assert not of_both(drawn(disc()), drawn(disc(), flaw=flaw)).verdict.accepted
    assert not of_both(drawn(disc(), flaw=flaw), drawn(disc())).verdict.accepted


def test_agreement_is_a_correlation_of_outlines() -> None:
    assert agreed(disc(), disc()) == pytest.approx(1)
    assert agreed(disc(), 255 - disc()) == pytest.approx(-1)
    assert agreed(disc(), np.full_like(disc(), 255)) == 0


def test_the_worst_of_a_score_is_low_or_high_as_it_is_meant() -> None:
    scores = worst([{"alignment": 0.9, "spill": 0.1}, {"alignment": 0.5, "spill": 0.0}])
    assert scores == {"alignment": 0.5, "spill": 0.1}


# --- the rung -------------------------------------------------------------------------------------


def faint() -> tuple[F32, Image]:
    """Return a subject that hardly differs from what is behind it, and the photo."""
    colour = SCENE.behind * (1 - FAINT) + FAINT * SCENE.colour
    alpha = SCENE.alpha[..., None]
    return colour, Image(as_bytes(colour * alpha + SCENE.behind * (1 - alpha)))


def relit(render: Render, seed: int) -> Image:
    """Paint the faint subject with light of the model's own: too far from the photo alone."""
    assert isinstance(render.intent, OnBacking)
    light = as_float(textured(SIZE, seed=seed)).mean(-1, keepdims=True) - 0.5
    colour = np.clip(faint()[0] + np.float32(0.3) * light, 0, 1)
    alpha, ground = SCENE.alpha[..., None], as_float(np.array(render.intent.backing, np.uint8))
    return Image(as_bytes(colour * alpha + ground * (1 - alpha)))


def grown(render: Render) -> Image:
    """Paint a subject with a slab of its own making around it."""
    assert isinstance(render.intent, OnBacking)
    picture = np.full_like(SCENE.photo, render.intent.backing)
    rows, columns = slice(75, 195), slice(70, 230)
    picture[rows, columns] = as_bytes(SCENE.colour)[rows, columns]
    return Image(picture)


WHOLE = read_options(CutoutOptions, {"box": (0, 0, 1000, 1000), "key": "green"})


def test_two_doubtful_renders_that_agree_give_a_cutout_to_look_at() -> None:
    renders = [lambda render: relit(render, 3), lambda render: relit(render, 4)]
    fallback = ScriptedModel()
    fallback.engine = "embedded"
    outcome = run(faint()[1], WHOLE, Models(ScriptedModel(renders=renders), fallback))
    rungs = [(rung.key, rung.accepted) for rung in outcome.report.ladder]
    assert rungs == [("green", False), ("magenta", False), ("green + magenta", True)]
    assert outcome.report.decision == "review"
    assert outcome.report.plan["key"] == "green + magenta"
    assert outcome.report.cost.calls == 2
    assert fallback.rendered == []
    assert outcome.image is not None
    assert outcome.image.alpha is not None
    assert np.abs(outcome.image.alpha / 255 - SCENE.alpha).mean() < 0.002
    solid = outcome.image.solid()
    assert np.array_equal(outcome.image.rgb[solid], faint()[1].rgb[solid])


def test_the_same_wrong_outline_twice_is_still_refused() -> None:
    with pytest.raises(GateRefused) as caught:
        run(Image(SCENE.photo), WHOLE, Models(ScriptedModel(renders=[grown, grown])))
    ladder = caught.value.details["report"]["ladder"]
    assert [rung["accepted"] for rung in ladder] == [False, False, False]
    assert ladder[2]["reasons"]


def test_one_render_alone_makes_no_pair() -> None:
    model = ScriptedModel(renders=[ModelRefused("It declined."), lambda render: relit(render, 3)])
    with pytest.raises(GateRefused) as caught:
        run(faint()[1], WHOLE, Models(model))
    assert len(caught.value.details["report"]["ladder"]) == 2
