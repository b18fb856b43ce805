"""Detection answers in both coordinate systems and changes nothing."""

from __future__ import annotations

import json

from common.geometry import Size
from common.image import Image
from common.operations.base import Models
from common.operations.detect import run
from common.operations.options import DetectOptions
from common.vlm.scripted import ScriptedModel
from tests.support.pictures import textured

PHOTO = Image(textured(Size(200, 100)))


def test_boxes_come_in_thousandths_and_in_pixels() -> None:
    answer = json.dumps([{"box_2d": [100, 250, 500, 750], "label": "mug", "confidence": 0.9}])
    outcome = run(PHOTO, DetectOptions(), Models(ScriptedModel(answers=[answer])))
    assert outcome.image is None
    box = outcome.report.boxes[0]
    assert (box.box_2d, box.pixels) == ((100, 250, 500, 750), (10, 50, 50, 150))
    assert (box.label, box.kind, box.confidence) == ("mug", "object", 0.9)


def test_the_query_reaches_the_model_in_its_own_words() -> None:
    model = ScriptedModel(answers=["[]"])
    run(PHOTO, DetectOptions(query="빨간 신발"), Models(model))
    assert "빨간 신발" in model.asked[0].prompt.text


def test_a_dry_run_asks_nobody() -> None:
    model = ScriptedModel(dollars=0.001)
    outcome = run(PHOTO, DetectOptions(dry_run=True), Models(model))
    assert model.asked == []
    assert outcome.report.cost.dollars == 0.001
