"""Subjects that stand apart are rendered one by one and come back as one cutout."""

from __future__ import annotations

import json
from itertools import combinations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import GateRefused, ModelRefused, Parked
from common.fields import as_bytes, as_float
from common.geometry import Box, Size, box_to_2d
from common.image import U8, Image
from common.operations.base import Models
from common.operations.cutout import run
from common.operations.options import CutoutOptions, read_options
from common.operations.subjects import MOST, apart, crop_around, pasted
from common.vlm.base import OnBacking, Render
from common.vlm.embedded import EmbeddedModel
from common.vlm.scripted import ScriptedModel
from tests.support.pictures import backdrop, product, textured

# --- which share a crop ---------------------------------------------------------------------------

PHOTO_SIZE = Size(2000, 1500)
BOXES = st.lists(
    st.builds(
        lambda top, left, height, width: Box(top, left, top + height, left + width),
        st.integers(0, 1200),
        st.integers(0, 1700),
        st.integers(1, 300),
        st.integers(1, 300),
    ),
    min_size=1,
    max_size=14,
)


@given(BOXES)
@settings(deadline=None)
def test_no_crop_shows_anything_of_another_groups_subjects(boxes: list[Box]) -> None:
    groups = apart(boxes, PHOTO_SIZE)
    for a, b in combinations(groups, 2):
        for mine, others in ((a, b), (b, a)):
            crop = crop_around(mine.box, PHOTO_SIZE)
            assert all(crop.intersection(box) is None for box in others.of(boxes))


@given(BOXES)
@settings(deadline=None)
def test_every_subject_is_in_exactly_one_of_at_most_eight_crops(boxes: list[Box]) -> None:
    groups = apart(boxes, PHOTO_SIZE)
    assert 1 <= len(groups) <= MOST
    assert sorted(member for group in groups for member in group.members) == [*range(len(boxes))]
    for group in groups:
        assert all(group.box.intersection(box) == box for box in group.of(boxes))


def test_overlapping_boxes_share_a_crop_and_distant_ones_do_not() -> None:
    near, over_it, far = Box(0, 0, 100, 100), Box(50, 50, 150, 150), Box(900, 900, 1000, 1000)
    groups = apart([near, far, over_it], PHOTO_SIZE)
    assert [group.members for group in groups] == [(0, 2), (1,)]


def test_beyond_the_bound_the_nearest_are_joined() -> None:
    boxes = [Box(0, 200 * n, 20, 200 * n + 20) for n in range(8)] + [Box(0, 1470, 20, 1490)]
    groups = apart(boxes, PHOTO_SIZE)
    assert len(groups) == MOST
    assert (7, 8) in [group.members for group in groups]


# --- one cutout of several ------------------------------------------------------------------------


def test_where_crops_overlap_the_more_opaque_shows_and_nothing_stays_hidden() -> None:
    photo = Image(textured(Size(40, 20)))
    left, right = np.zeros((20, 25), np.uint8), np.full((20, 25), 90, np.uint8)
    left[:, 10:20] = 200
    red, blue = np.full((20, 25, 3), (255, 0, 0)), np.full((20, 25, 3), (0, 0, 255))
    out = pasted(
        photo,
        [
            (Box(0, 0, 20, 25), Image(red.astype(np.uint8), left)),
            (Box(0, 15, 20, 40), Image(blue.astype(np.uint8), right)),
        ],
    )
    assert out.alpha is not None
    assert out.alpha[0, [5, 12, 17, 22, 35]].tolist() == [0, 200, 200, 90, 90]
    assert out.rgb[0, 5].tolist() == [0, 0, 0]
    assert out.rgb[0, 17].tolist() == [255, 0, 0]
    assert out.rgb[0, 22].tolist() == [0, 0, 255]


# --- the operation --------------------------------------------------------------------------------

RING = product(Size(240, 220))
PLACES = (Box(30, 10, 250, 250), Box(20, 420, 240, 660))  # where the ring's picture stands
SIZE = Size(680, 270)
ALPHA = np.zeros((SIZE.height, SIZE.width), np.float32)
COLOUR = np.zeros((SIZE.height, SIZE.width, 3), np.float32)
for place in PLACES:
    ALPHA[place.slices], COLOUR[place.slices] = RING.alpha, RING.colour


def standing_on(ground: object) -> U8:
    alpha = ALPHA[..., None]
    return as_bytes(COLOUR * alpha + np.asarray(ground, np.float32) * (1 - alpha))


PHOTO = Image(standing_on(backdrop(SIZE)))
RINGS = [RING.box.moved(place.top, place.left) for place in PLACES]


def found(materials: tuple[str, str] = ("opaque", "opaque")) -> str:
    return json.dumps(
        [
            {
                "box_2d": box_to_2d(ring, SIZE),
                "label": f"ring {number}",
                "kind": "object",
                "material": material,
            }
            for number, (ring, material) in enumerate(zip(RINGS, materials, strict=True))
        ]
    )


def painted(render: Render) -> Image:
    """Paint what a good model would of the crop it is shown."""
    assert isinstance(render.intent, OnBacking)
    shown = render.image.rgb
    _, _, (left, top), _ = cv2.minMaxLoc(cv2.matchTemplate(PHOTO.rgb, shown, cv2.TM_SQDIFF))
    height, width = shown.shape[:2]
    box = Box(top, left, top + height, left + width)
    assert np.array_equal(PHOTO.rgb[box.slices], shown)
    backing = as_float(np.array(render.intent.backing, np.uint8))
    return Image(standing_on(backing)[box.slices])


def unrelated(render: Render) -> Image:
    return Image(textured(render.image.size, seed=8))


def test_two_subjects_get_two_renders_and_one_cutout() -> None:
    model = ScriptedModel(answers=[found()], renders=[painted, painted], dollars=0.04)
    outcome = run(PHOTO, CutoutOptions(), Models(model))
    assert [render.image.size.width < 300 for render in model.rendered] == [True, True]
    assert outcome.image is not None
    assert outcome.image.alpha is not None
    assert outcome.image.size == SIZE
    assert np.abs(outcome.image.alpha / 255 - ALPHA).mean() < 0.006
    solid = outcome.image.solid()
    assert np.array_equal(outcome.image.rgb[solid], PHOTO.rgb[solid])
    assert outcome.report.decision == "accepted"
    assert outcome.report.plan["renders"] == 2
    assert [call.purpose for call in outcome.report.calls] == ["render", "render"]
    assert outcome.report.cost.calls == 3
    assert outcome.report.cost.dollars == pytest.approx(0.12)


def test_where_renders_wait_for_a_batch_those_of_all_subjects_are_asked_for() -> None:
    def waiting(_: Render) -> Image:
        raise Parked("It waits for a batch.")

    model = ScriptedModel(answers=[found()], renders=[waiting, waiting])
    with pytest.raises(Parked):
        run(PHOTO, CutoutOptions(), Models(model, EmbeddedModel()))
    assert len(model.rendered) == 2


def test_each_subject_has_its_own_material() -> None:
    model = ScriptedModel(answers=[found(("opaque", "fine"))], renders=[painted, painted])
    plan = run(PHOTO, CutoutOptions(), Models(model)).report.plan
    subjects = plan["subjects"]
    assert isinstance(subjects, list)
    assert [subject["material"] for subject in subjects] == ["opaque", "fine"]


def test_each_subject_climbs_its_own_ladder() -> None:
    model = ScriptedModel(answers=[found()], renders=[unrelated, painted, painted])
    outcome = run(PHOTO, read_options(CutoutOptions, {"key": "green"}), Models(model))
    rungs = [(rung.key, rung.accepted) for rung in outcome.report.ladder]
    assert rungs == [("green", False), ("magenta", True), ("green", True)]
    assert outcome.report.decision == "accepted"


def test_after_a_subject_that_fails_no_other_is_paid_for() -> None:
    model = ScriptedModel(answers=[found()], renders=[unrelated, unrelated])
    with pytest.raises(GateRefused):
        run(PHOTO, CutoutOptions(), Models(model))
    assert len(model.rendered) == 2


def test_in_review_the_good_subjects_are_given_and_the_bad_one_is_named() -> None:
    refusals = [ModelRefused("It declined."), ModelRefused("It declined.")]
    model = ScriptedModel(answers=[found()], renders=[*refusals, painted])
    outcome = run(PHOTO, CutoutOptions(on_fail="review"), Models(model))
    assert outcome.report.decision == "review"
    assert outcome.image is not None
    assert outcome.image.alpha is not None
    assert not outcome.image.alpha[:, : SIZE.width // 2].any()
    right = outcome.image.alpha[:, SIZE.width // 2 :]
    assert np.abs(right / 255 - ALPHA[:, SIZE.width // 2 :]).mean() < 0.006


def test_a_second_subject_that_fails_is_told_by_its_number() -> None:
    refusals = [ModelRefused("It declined."), ModelRefused("It declined.")]
    model = ScriptedModel(answers=[found()], renders=[painted, *refusals])
    with pytest.raises(GateRefused, match=r"Subject 2: It declined\."):
        run(PHOTO, CutoutOptions(), Models(model))


def test_a_plan_says_that_several_subjects_cost_several_renders() -> None:
    outcome = run(PHOTO, CutoutOptions(dry_run=True), Models(ScriptedModel(dollars=0.04)))
    assert outcome.report.cost.calls == 2
    assert any("at most 8" in warning for warning in outcome.report.warnings)


def test_the_embedded_engine_cuts_both_subjects_out() -> None:
    outcome = run(PHOTO, CutoutOptions(on_fail="review"), Models(EmbeddedModel()))
    assert outcome.image is not None
    assert outcome.image.alpha is not None
    assert outcome.report.plan["renders"] == 2
    assert outcome.report.cost.dollars == 0
    taken, truth = outcome.image.alpha > 127, ALPHA > 0.5
    for half in (slice(0, SIZE.width // 2), slice(SIZE.width // 2, None)):
        common = (taken & truth)[:, half].sum() / (taken | truth)[:, half].sum()
        assert common > 0.8
