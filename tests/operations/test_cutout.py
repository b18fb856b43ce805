"""A cutout has the photo's pixels, the truth's alpha, and says how it came to be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from common.errors import (
    BadOptions,
    GateRefused,
    ModelRefused,
    ModelUnfit,
    NothingFound,
    StudioError,
    UnfitRender,
)
from common.geometry import Size, box_to_2d
from common.image import U8, Image
from common.matting import KEYS, Key
from common.operations.base import Models, Outcome
from common.operations.cutout import run
from common.operations.options import CutoutOptions
from common.vlm.base import Find, OnBacking, Render, Rendered
from common.vlm.scripted import ScriptedModel
from tests.support.pictures import Scene, can, can_on, product, textured

SCENE = product(Size(320, 260))
PHOTO = Image(SCENE.photo)
BOX = box_to_2d(SCENE.box, PHOTO.size)


def found(*boxes: tuple[int, int, int, int], material: str = "opaque") -> str:
    entries = [
        {"box_2d": box, "label": "ring", "kind": "object", "material": material} for box in boxes
    ]
    return json.dumps(entries)


def painted(render: Render, scene: Scene = SCENE, scale: float = 1.5) -> Image:
    """Paint what a good model would: the subject of the crop it is shown, on the backing asked."""
    assert isinstance(render.intent, OnBacking)
    whole = scene.on(render.intent.backing)
    crop = _crop_shown(render, scene)
    part = whole[crop]
    size = (round(part.shape[1] * scale), round(part.shape[0] * scale))
    out: U8 = cv2.resize(part, size, interpolation=cv2.INTER_CUBIC)
    return Image(out)


def _crop_shown(render: Render, scene: Scene) -> tuple[slice, slice]:
    """Find the crop in the photo by its bytes."""
    shown = render.image.rgb
    height, width = shown.shape[:2]
    for top in range(scene.photo.shape[0] - height + 1):
        for left in range(scene.photo.shape[1] - width + 1):
            place = (slice(top, top + height), slice(left, left + width))
            if np.array_equal(scene.photo[place], shown):
                return place
    raise AssertionError("the model was shown something else than a crop of the photo")


def test_the_subject_keeps_its_pixels_its_place_and_its_hole() -> None:
    model = ScriptedModel(answers=[found(BOX)], renders=[painted])
    outcome = run(PHOTO, CutoutOptions(), Models(model))
    assert outcome.image is not None
    assert outcome.image.alpha is not None
    solid = outcome.image.solid()
    assert outcome.image.size == PHOTO.size
    assert np.array_equal(outcome.image.rgb[solid], PHOTO.rgb[solid])
    error = np.abs(outcome.image.alpha / 255 - SCENE.alpha)
    assert error.mean() < 0.006
    assert (outcome.image.alpha[SCENE.alpha == 0] < 26).mean() > 0.99
    assert outcome.report.decision == "accepted"
    assert outcome.report.fidelity is not None
    assert outcome.report.fidelity.equal_share == 1
    assert outcome.report.scores["backing"] > 0.95


def test_nothing_of_the_background_stays_hidden_under_full_transparency() -> None:
    model = ScriptedModel(answers=[found(BOX)], renders=[painted])
    outcome = run(PHOTO, CutoutOptions(), Models(model))
    assert outcome.image is not None
    assert outcome.image.alpha is not None
    assert not outcome.image.rgb[outcome.image.alpha == 0].any()


def test_the_model_sees_a_crop_with_room_for_a_border_of_backing() -> None:
    model = ScriptedModel(answers=[found(BOX)], renders=[painted])
    run(PHOTO, CutoutOptions(subject="ring"), Models(model))
    assert model.asked[0].intent == Find("ring", objects=True, text=False)
    assert SCENE.box.height < model.rendered[0].image.size.height < PHOTO.size.height
    assert "the ring" in model.rendered[0].prompt.text


def test_a_given_box_needs_no_detection() -> None:
    model = ScriptedModel(renders=[painted])
    run(PHOTO, CutoutOptions.model_validate({"box": BOX}), Models(model))
    assert model.asked == []


def test_a_bad_render_is_followed_by_another_key_and_both_are_told() -> None:
    model = ScriptedModel(renders=[unrelated, painted])
    options = CutoutOptions.model_validate({"box": BOX, "key": "green"})
    outcome = run(PHOTO, options, Models(model))
    rungs = [(rung.key, rung.accepted) for rung in outcome.report.ladder]
    assert rungs == [("green", False), ("magenta", True)]
    assert outcome.report.ladder[0].reasons
    assert outcome.report.cost.calls == 2


def test_the_last_rung_is_the_fallback_engine() -> None:
    refusing = ScriptedModel(renders=[ModelRefused("no"), ModelRefused("no")])
    fallback = ScriptedModel(renders=[painted])
    fallback.engine = "embedded"
    options = CutoutOptions.model_validate({"box": BOX})
    outcome = run(PHOTO, options, Models(refusing, fallback))
    assert [rung.accepted for rung in outcome.report.ladder] == [False, False, True]
    assert outcome.report.decision == "accepted"


def refused_twice() -> ScriptedModel:
    return ScriptedModel(renders=[unrelated, unrelated])


def unrelated(render: Render) -> Image:
    return Image(textured(render.image.size, seed=8))


def test_a_models_picture_of_another_shape_is_the_models_failure() -> None:
    wide = Image(textured(Size(400, 100)))
    options = CutoutOptions.model_validate({"box": BOX})
    with pytest.raises(ModelUnfit) as caught:
        run(PHOTO, options, Models(ScriptedModel(renders=[wide, wide])))
    assert len(caught.value.details["ladder"]) == 2
    kept = options.model_copy(update={"on_fail": "original"})
    outcome = run(PHOTO, kept, Models(ScriptedModel(renders=[wide, wide])))
    assert outcome.report.decision == "original"


def test_a_result_that_fails_its_gate_is_an_error_that_carries_the_report() -> None:
    with pytest.raises(GateRefused) as caught:
        run(PHOTO, CutoutOptions.model_validate({"box": BOX}), Models(refused_twice()))
    assert caught.value.details["report"]["decision"] == "refused"


def test_on_fail_gives_the_marked_result_or_the_original() -> None:
    review = CutoutOptions.model_validate({"box": BOX, "on_fail": "review"})
    outcome = run(PHOTO, review, Models(refused_twice()))
    assert outcome.report.decision == "review"
    original = CutoutOptions.model_validate({"box": BOX, "on_fail": "original"})
    outcome = run(PHOTO, original, Models(refused_twice()))
    assert outcome.report.decision == "original"
    assert outcome.image is not None
    assert np.array_equal(outcome.image.rgb, PHOTO.rgb)


def test_no_subject_is_an_error_with_advice() -> None:
    model = ScriptedModel(answers=["[]"])
    with pytest.raises(NothingFound, match="No lamp was found"):
        run(PHOTO, CutoutOptions(subject="lamp"), Models(model))


def test_a_brought_render_shows_the_whole_photo_or_exactly_the_box() -> None:
    whole = ScriptedModel(renders=[Image(SCENE.on((0, 255, 0)))])
    outcome = run(PHOTO, CutoutOptions(key="green"), Models(whole, brought=True))
    assert outcome.report.decision == "accepted"
    boxed = ScriptedModel(renders=[painted])
    options = CutoutOptions.model_validate({"box": (100, 100, 950, 850)})
    run(PHOTO, options, Models(boxed, brought=True))
    assert boxed.rendered[0].image.size == Size(240, 221)


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_a_brought_render_is_keyed_on_the_backing_that_it_shows(key: Key) -> None:
    model = ScriptedModel(renders=[Image(SCENE.on(key.rgb))])
    outcome = run(PHOTO, CutoutOptions(), Models(model, brought=True))
    assert outcome.report.decision == "accepted"
    assert outcome.report.plan["key"] == key.name


def test_a_brought_render_that_does_not_fit_is_the_users_error() -> None:
    model = ScriptedModel(renders=[Image(textured(Size(400, 100)))])
    with pytest.raises(UnfitRender):
        run(PHOTO, CutoutOptions(), Models(model, brought=True))


# --- polished parts that mirror the backing -------------------------------------------------------

CAN = can()
OPAQUE_CAN = CutoutOptions.model_validate({"box": (0, 0, 1000, 1000), "material": "opaque"})


def mirroring(render: Render) -> Image:
    assert isinstance(render.intent, OnBacking)
    return Image(can_on(CAN, render.intent.backing))


def the_can(render: Render) -> Image:
    assert isinstance(render.intent, OnBacking)
    return Image(CAN.on(render.intent.backing))


def witness(dollars: float = 0.0, failure: StudioError | None = None) -> ScriptedModel:
    """The engine that looks at the photo alone, and lays what it sees on the backing."""
    model = ScriptedModel(renders=[failure or the_can], dollars=dollars)
    model.engine = "embedded"
    return model


def cut_can(fallback: ScriptedModel | None, options: CutoutOptions = OPAQUE_CAN) -> Outcome:
    return run(Image(CAN.photo), options, Models(ScriptedModel(renders=[mirroring]), fallback))


def can_error(outcome: Outcome) -> float:
    assert outcome.image is not None
    assert outcome.image.alpha is not None
    return float(np.abs(outcome.image.alpha / 255 - CAN.alpha).mean())


def test_a_foot_that_mirrors_the_backing_is_given_back_by_the_free_engine() -> None:
    seen = witness()
    outcome = cut_can(seen)
    assert can_error(outcome) < 0.004
    assert any("mirrors the backing" in warning for warning in outcome.report.warnings)
    assert [rung.engine for rung in outcome.report.ladder] == ["scripted"]
    assert seen.rendered[0].intent == OnBacking(KEYS["green"].rgb)


@pytest.mark.parametrize(
    "fallback",
    [None, witness(dollars=0.01), witness(failure=ModelRefused("no"))],
    ids=["none", "paid", "failing"],
)
def test_without_such_an_engine_the_cutout_says_what_may_be_missing(
    fallback: ScriptedModel | None,
) -> None:
    outcome = cut_can(fallback)
    assert can_error(outcome) > 0.01
    assert any("may mirror the backing" in warning for warning in outcome.report.warnings)
    assert outcome.report.cost.dollars == 0


class Doubtful(ScriptedModel):
    """An engine that does not vouch for what it sees."""

    def render(self, render: Render) -> Rendered:
        return replace(super().render(render), low_confidence=True)


def elsewhere(render: Render) -> Image:
    """The can beside its place."""
    assert isinstance(render.intent, OnBacking)
    return Image(np.ascontiguousarray(np.roll(CAN.on(render.intent.backing), 90, axis=1)))


def foot_alone(render: Render) -> Image:
    """Another subject, in its place: the lower third of the can."""
    assert isinstance(render.intent, OnBacking)
    shown = CAN.on(render.intent.backing)
    shown[: CAN.box.top + 2 * CAN.box.height // 3] = render.intent.backing
    return Image(shown)


def another_print(render: Render) -> Image:
    """The can's outline, with something else on it."""
    assert isinstance(render.intent, OnBacking)
    backing = np.array(render.intent.backing, np.float32)
    cover = CAN.alpha[..., None]
    other = textured(render.image.size, seed=8)[..., ::-1]
    return Image(np.rint(other * cover + backing * (1 - cover)).astype(np.uint8))


@pytest.mark.parametrize(
    ("kind", "picture"),
    [
        (ScriptedModel, elsewhere),
        (ScriptedModel, foot_alone),
        (ScriptedModel, another_print),
        (Doubtful, the_can),
    ],
    ids=["elsewhere", "a part", "another print", "in doubt"],
)
def test_an_engine_that_sees_something_else_or_is_in_doubt_is_not_believed(
    kind: type[ScriptedModel], picture: Callable[[Render], Image]
) -> None:
    stray = kind(renders=[picture])
    stray.engine = "embedded"
    outcome = cut_can(stray)
    assert stray.rendered
    assert can_error(outcome) > 0.01
    assert any("may mirror the backing" in warning for warning in outcome.report.warnings)


def test_where_the_material_is_unknown_nobody_else_is_asked() -> None:
    seen = witness()
    cut_can(seen, CutoutOptions.model_validate({"box": (0, 0, 1000, 1000)}))
    assert seen.rendered == []


def test_a_background_is_painted_behind() -> None:
    model = ScriptedModel(renders=[painted, painted])
    red = CutoutOptions.model_validate({"box": BOX, "background": "#ff0000"})
    outcome = run(PHOTO, red, Models(model))
    assert outcome.image is not None
    assert outcome.image.alpha is None
    assert outcome.image.rgb[0, 0].tolist() == [255, 0, 0]
    behind = Image(textured(Size(64, 64)))
    named = CutoutOptions.model_validate({"box": BOX, "background": "wall.jpg"})
    outcome = run(PHOTO, named, Models(model), behind)
    assert outcome.image is not None
    assert outcome.image.alpha is None


def test_a_background_that_is_none_is_refused_before_anything_is_paid() -> None:
    model = ScriptedModel()
    with pytest.raises(BadOptions, match="no colour"):
        run(PHOTO, CutoutOptions(background="chartreuse"), Models(model))


def test_a_dry_run_calls_nobody_and_adds_up_the_price() -> None:
    model = ScriptedModel(dollars=0.03)
    outcome = run(PHOTO, CutoutOptions(dry_run=True), Models(model))
    assert (model.asked, model.rendered) == ([], [])
    assert outcome.image is None
    assert outcome.report.decision == "planned"
    assert outcome.report.cost.dollars == pytest.approx(0.06)


def test_the_alpha_that_a_source_brings_is_kept() -> None:
    alpha = np.full(PHOTO.rgb.shape[:2], 255, np.uint8)
    alpha[:, : SCENE.box.left + 30] = 0
    model = ScriptedModel(renders=[lambda render: painted_over_white(render, alpha)])
    options = CutoutOptions.model_validate({"box": (0, 0, 1000, 1000)})
    outcome = run(Image(PHOTO.rgb, alpha), options, Models(model))
    assert outcome.image is not None
    assert outcome.image.alpha is not None
    assert not outcome.image.alpha[alpha == 0].any()
    assert outcome.image.alpha[SCENE.alpha == 1].max() == 255


def painted_over_white(render: Render, alpha: U8) -> Image:
    assert isinstance(render.intent, OnBacking)
    whole = SCENE.on(render.intent.backing)
    whole[alpha == 0] = render.intent.backing
    return Image(whole)
