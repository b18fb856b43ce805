"""What the log tells of a dropped picture: one line, with everything an operator asks for."""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import Any

import pytest
from cloudevents.http import CloudEvent

from common.errors import CapReached, ModelBusy
from functions import _events
from functions._notice import PUSHED
from studio.watcher import push_body
from tests.support.shop import Shop

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def told(shop: Shop, capsys: pytest.CaptureFixture[str], **attributes: str) -> dict[str, Any]:
    stored = next(stored for stored in shop.buckets.input.list() if stored.name.endswith(".jpg"))
    body = json.loads(push_body(shop.buckets.input.name, stored, 0))
    event = CloudEvent({"type": PUSHED, "source": "x", "id": "42", **attributes}, body)
    capsys.readouterr()
    with contextlib.suppress(ModelBusy):
        _events.serve("cutout", event, shop.workshop)
    (text,) = capsys.readouterr().out.splitlines()
    line: dict[str, Any] = json.loads(text)
    return line


def test_one_line_tells_everything(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    generation = shop.put("cutout/recipe.json", {"key": "blue"})
    shop.put("cutout/shoe.jpg", b"pixels")
    line = told(shop, capsys, traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
    assert (line["request_id"], line["logging.googleapis.com/trace"]) == ("42", TRACE)
    assert line["source"] == hashlib.sha256(b"pixels").hexdigest()
    assert line["recipe"] == f"cutout/recipe.json#{generation}"
    assert (line["engine"], line["decision"]) == ("scripted", "accepted")
    assert {"cost", "models", "scores", "stages", "rungs", "options"} <= line.keys()
    assert (line["object"], line["result"]) == ("cutout/shoe.jpg", "cutout/shoe.json")
    assert line["milliseconds"] >= 0


def test_a_failure_tells_its_code_and_its_cost(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.put("cutout/shoe.jpg", b"pixels")
    shop.troubles = [
        ModelBusy("Later.", details={"attempts": 3}),
        CapReached("No more.", details={"cap": "day", "dollars": 0.02}),
    ]
    line = told(shop, capsys)
    assert (line["severity"], line["code"], line["attempts"]) == ("WARNING", "model-busy", 3)
    line = told(shop, capsys)
    assert (line["code"], line["cap"], line["dollars"]) == ("cap-reached", "day", 0.02)
    assert line["charged"] == "no"


def test_an_event_without_a_trace_has_none(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.put("cutout/shoe.jpg", b"pixels")
    assert "logging.googleapis.com/trace" not in told(shop, capsys, traceparent="nonsense")
