"""A pipeline hands each step's picture to the next and tells of all in one report."""

from __future__ import annotations

import numpy as np
import pytest

from common.errors import BadOptions, NothingFound
from common.fields import as_bytes
from common.geometry import Size
from common.image import Image
from common.operations.base import Models
from common.operations.options import PipelineOptions, read_options
from common.operations.pipeline import run
from common.vlm.base import Render
from common.vlm.scripted import ScriptedModel
from tests.support.pictures import backdrop, textured

PHOTO = Image(textured(Size(120, 90)))


def mirrored(render: Render) -> Image:
    """Give a scene that carries the shown one on: its own reflection around the frame."""
    frame = getattr(render.intent, "frame", None)
    assert frame is not None
    height, width = render.image.rgb.shape[:2]
    photo = render.image.rgb[frame.slices]
    wide = np.pad(
        photo,
        (
            (frame.top, height - frame.bottom),
            (frame.left, width - frame.right),
            (0, 0),
        ),
        mode="symmetric",
    )
    return Image(wide)


def pipeline(*steps: dict[str, object], **rest: object) -> PipelineOptions:
    return read_options(PipelineOptions, {"steps": list(steps), **rest})


def test_each_step_works_on_the_picture_before_it() -> None:
    model = ScriptedModel(renders=[mirrored, mirrored], dollars=0.01)
    options = pipeline(
        {"operation": "expand", "size": "160x90"}, {"operation": "expand", "size": "160x120"}
    )
    outcome = run(PHOTO, options, Models(model))
    assert outcome.image is not None
    assert outcome.image.size == Size(160, 120)
    assert np.array_equal(outcome.image.rgb[15:105, 20:140], PHOTO.rgb)
    assert outcome.report.cost.dollars == pytest.approx(0.02)
    assert [step.operation for step in outcome.report.steps] == ["expand", "expand"]
    assert list(outcome.report.milliseconds) == ["1 expand", "2 expand"]


def test_detection_adds_its_boxes_and_passes_the_picture_on() -> None:
    model = ScriptedModel(answers=['[{"box_2d":[0,0,500,500],"label":"a"}]'], renders=[mirrored])
    options = pipeline({"operation": "detect"}, {"operation": "expand", "size": "160x90"})
    outcome = run(PHOTO, options, Models(model))
    assert [box.label for box in outcome.report.boxes] == ["a"]
    assert outcome.image is not None
    assert outcome.image.size == Size(160, 90)


def test_a_failing_step_names_itself_and_hands_over_what_was_done() -> None:
    model = ScriptedModel(answers=["[]", "[]"])
    options = pipeline({"operation": "detect"}, {"operation": "cutout"})
    with pytest.raises(NothingFound, match=r"Step 2 \(cutout\)") as caught:
        run(PHOTO, options, Models(model))
    assert [step["operation"] for step in caught.value.details["steps"]] == ["detect"]


def test_a_dry_run_lists_every_call() -> None:
    options = pipeline({"operation": "erase"}, {"operation": "cutout"}, dry_run=True)
    outcome = run(PHOTO, options, Models(ScriptedModel(dollars=0.25)))
    assert len(outcome.report.calls) == 4
    assert outcome.report.cost.dollars == 1.0
    assert outcome.report.decision == "planned"


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [{"operation": "fly"}],
        [{"subject": "mug"}],
        [{"operation": "cutout", "colour": "red"}],
        [{"operation": "cutout", "engine": "gemini"}],
        [{"operation": "pipeline", "steps": []}],
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(steps: list[dict[str, object]]) -> None:
    with pytest.raises(BadOptions):
        pipeline(*steps)


def test_the_engine_named_for_the_pipeline_is_asked_where_a_free_one_would_do() -> None:
    plain = Image(as_bytes(backdrop(Size(120, 90))))
    step: dict[str, object] = {"operation": "expand", "size": "160x90"}
    free = ScriptedModel(renders=[mirrored])
    paid = ScriptedModel(renders=[mirrored], dollars=0.1)
    run(plain, pipeline(step, engine="gemini"), Models(paid, free))
    assert (len(paid.rendered), len(free.rendered)) == (1, 0)
    run(plain, pipeline(step), Models(paid, free))
    assert (len(paid.rendered), len(free.rendered)) == (1, 1)
