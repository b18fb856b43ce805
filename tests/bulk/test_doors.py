"""A folder that has time: from the dropped picture over batches to its result, by sweeps."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common import codec
from common.image import Image
from common.jobs import Buckets, Portion, Source, State
from common.operations.registry import OPERATIONS
from functions import _engines, _events, _log, _sweeping, _wiring
from functions._notice import Notice
from studio.command import main
from tests.support.gemini_batches import CANCELLED, Desk
from tests.support.gemini_server import (
    KEY,
    WORD_MODELS,
    Call,
    GeminiServer,
    Reply,
    blocked,
    obliging,
    picture,
)
from tests.support.jobs import document
from tests.support.models import photo

PHOTO = codec.encode(Image(photo(200, 150).rgb), "png")
ALL = Portion(min_age=0)


@dataclass
class Studio:
    """The doors as they are wired, over three folders."""

    root: Path
    desk: Desk
    server: GeminiServer
    environment: pytest.MonkeyPatch

    @property
    def buckets(self) -> Buckets:
        return _wiring.buckets()

    def set(self, **environment: str) -> None:
        for name, value in environment.items():
            self.environment.setenv(name, value)
        forget()

    def drop(self, name: str, data: bytes | dict[str, Any], **metadata: str) -> Notice:
        body = json.dumps(data).encode() if isinstance(data, dict) else data
        stored = self.buckets.input.write(name, body, metadata=metadata)
        return Notice(Source(self.buckets.input.name, name, stored.generation), stored.size)

    def event(self, notice: Notice) -> State:
        operation = notice.source.name.partition("/")[0]
        return _events.work(operation, notice, _wiring.workshop()).state

    def sweep(self) -> dict[str, Any]:
        workshop = _wiring.workshop()
        return _sweeping.sweep(workshop, OPERATIONS, ALL, _sweeping.errands(workshop))

    def night(self) -> dict[str, Any]:
        """Send what waits, have it answered, take it in and go on; return the last summary."""
        self.sweep()
        self.desk.end()
        return self.sweep()

    def result(self, name: str) -> dict[str, Any]:
        return document(self.buckets.output, name)

    def left(self) -> list[str]:
        """Return the names of all that waits."""
        return [stored.name for stored in self.buckets.work.list("batch/")]


def forget() -> None:
    for cached in (_wiring.settings, _wiring.buckets, _engines.ledger):
        cached.cache_clear()
    _log.logger.setLevel(logging.INFO)


@pytest.fixture
def studio(
    server: GeminiServer, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Studio]:
    made = Studio(tmp_path, desk, server, monkeypatch)
    buckets = {
        f"STUDIO_{name.upper()}_BUCKET": str(tmp_path / name)
        for name in ("input", "work", "output")
    }
    made.set(GEMINI_API_KEY=KEY, STUDIO_GEMINI_BASE_URL=server.address, **buckets)
    yield made
    forget()


def painting(call: Call) -> Reply:
    """Answer as a willing model would; of a cutout the red disc on green."""
    if call.model in WORD_MODELS or "#00FF00" not in call.words:
        return obliging(call)
    seen = call.picture.rgb.copy()
    seen[~((seen[..., 0] > 170) & (seen[..., 1] < 90))] = (0, 255, 0)
    return picture(Image(np.ascontiguousarray(seen)))


# --- the ways through the night -------------------------------------------------------------------


def test_a_dropped_picture_is_parked_and_has_its_result_after_the_night(studio: Studio) -> None:
    studio.drop("detect/recipe.json", {"when": "batch", "query": "the disc"})
    notice = studio.drop("detect/a.png", PHOTO)
    assert studio.event(notice) == State.PARKED
    assert studio.event(notice) == State.PARKED  # delivered twice
    assert studio.server.calls == []
    assert studio.sweep()["batch"] == {"sent": 1}
    assert studio.sweep()["run"] == 0
    studio.desk.end()
    assert studio.sweep()["ended"] == {"done": 1}
    said = studio.result("detect/a.json")
    assert said["boxes"][0]["label"] == "thing"
    assert said["cost"]["dollars"] == pytest.approx((1300 * 0.75 + 118 * 3.75) * 0.5e-6, rel=0.3)
    assert said["cost"]["calls"] == 1
    assert len(studio.server.calls) == 1
    assert studio.left() == []


def test_what_no_event_told_of_is_parked_by_the_sweep(studio: Studio) -> None:
    studio.drop("detect/recipe.json", {"when": "batch"})
    studio.drop("detect/a.png", PHOTO)
    assert studio.sweep()["ended"] == {"parked": 1}
    assert studio.night()["ended"] == {"done": 1}


def test_an_operation_of_several_stages_goes_on_from_night_to_night(studio: Studio) -> None:
    studio.drop("cutout/recipe.json", {"when": "batch", "subject": "the disc", "key": "green"})
    studio.event(studio.drop("cutout/a.png", PHOTO))
    studio.server.script(painting, painting, painting)
    assert studio.night()["ended"] == {"parked": 1}  # found; its picture is asked for now
    assert [batch.model for batch in studio.desk.batches] == ["gemini-3.8-flash"]
    assert studio.night()["ended"] == {"done": 1}
    said = studio.result("cutout/a.json")
    assert (said["decision"], said["engine"]) == ("accepted", "gemini")
    assert [call.model for call in studio.server.calls] == [
        "gemini-3.8-flash",
        "gemini-3.1-flash-lite-image",
    ]
    assert (said["cost"]["calls"], said["cost"]["remembered"]) == (2, 0)
    alone = 1120 * 30e-6 * 0.5
    assert alone < said["cost"]["dollars"] < 2 * alone  # of both stages
    assert studio.left() == []


def test_the_result_is_the_same_as_without_a_batch(studio: Studio) -> None:
    studio.server.script(*[painting] * 4)
    studio.drop("cutout/night/recipe.json", {"when": "batch", "subject": "the disc"})
    for name in ("cutout/night/a.png", "cutout/day/a.png"):
        notice = studio.drop(name, PHOTO)
        if "day" in name:
            studio.drop("cutout/day/recipe.json", {"subject": "the disc"})
        studio.event(notice)
    studio.night()
    studio.night()
    pictures = [studio.buckets.output.read(f"cutout/{when}/a.png")[0] for when in ("night", "day")]
    assert pictures[0] == pictures[1]


def test_what_the_day_has_paid_for_is_not_asked_again_by_the_night(studio: Studio) -> None:
    studio.event(studio.drop("detect/day/a.png", PHOTO))
    studio.drop("detect/night/recipe.json", {"when": "batch"})
    assert studio.event(studio.drop("detect/night/a.png", PHOTO)) == State.DONE
    assert len(studio.server.calls) == 1


def test_a_picture_that_was_replaced_meanwhile_is_let_go(studio: Studio) -> None:
    studio.drop("detect/recipe.json", {"when": "batch"})
    studio.event(studio.drop("detect/a.png", PHOTO))
    studio.drop("detect/a.png", codec.encode(photo(90, 60), "png"))
    studio.sweep()
    studio.desk.end()
    studio.sweep()
    assert studio.night()["waiting"] == []
    assert studio.result("detect/a.json")["source"]["width"] == 90
    assert studio.left() == []


# --- failures -------------------------------------------------------------------------------------


def test_a_refusal_is_a_failed_result_and_tells_what_it_cost(studio: Studio) -> None:
    studio.drop("detect/recipe.json", {"when": "batch"})
    studio.event(studio.drop("detect/a.png", PHOTO))
    studio.server.script(blocked("SAFETY"))
    assert studio.night()["ended"] == {"failed": 1}
    said = studio.result("detect/a.json")
    assert (said["code"], said["charged"]) == ("model-refused", "yes")
    assert said["dollars"] > 0
    assert studio.left() == []


def test_a_refusal_that_two_pictures_wait_for_is_paid_once(studio: Studio) -> None:
    studio.drop("detect/recipe.json", {"when": "batch"})
    for name in ("detect/a.png", "detect/b.png"):
        studio.event(studio.drop(name, PHOTO))
    studio.server.script(blocked("SAFETY"))
    assert studio.night()["ended"] == {"failed": 2}
    assert studio.result("detect/a.json")["code"] == "model-refused"
    assert studio.result("detect/b.json")["code"] == "model-refused"
    assert len(studio.server.calls) == 1
    assert studio.left() == []


def test_a_cancelled_batch_is_a_failed_result_and_a_replay_asks_anew(
    studio: Studio, capsys: pytest.CaptureFixture[str]
) -> None:
    studio.drop("detect/recipe.json", {"when": "batch"})
    studio.event(studio.drop("detect/a.png", PHOTO))
    studio.sweep()
    studio.desk.end(CANCELLED, unanswered=True)
    assert studio.sweep()["ended"] == {"failed": 1}
    assert studio.result("detect/a.json")["code"] == "batch-lost"
    assert studio.left() == []
    main(["replay", "--data", str(studio.root)])
    assert "parked" in capsys.readouterr().err
    assert studio.night()["ended"] == {"done": 1}
    assert studio.result("detect/a.json")["boxes"]


def test_a_request_beyond_its_cap_is_refused_at_the_price_of_a_batch(studio: Studio) -> None:
    studio.set(STUDIO_CAP_REQUEST_USD="0.0001")
    studio.drop("detect/recipe.json", {"when": "batch"})
    assert studio.event(studio.drop("detect/a.png", PHOTO)) == State.FAILED
    assert studio.result("detect/a.json")["code"] == "cap-reached"
    assert studio.left() == []


def test_what_the_days_cap_does_not_cover_waits_and_the_sweep_says_so(studio: Studio) -> None:
    studio.set(STUDIO_CAP_DAY_USD="0.001")
    studio.drop("detect/recipe.json", {"when": "batch"})
    studio.event(studio.drop("detect/a.png", PHOTO))
    assert "are left" in studio.sweep()["batch"]["held"]
    assert studio.desk.batches == []


@pytest.mark.parametrize(
    ("recipe", "field"),
    [({"when": "later"}, "when"), ({"when": "batch", "fresh": True}, "fresh")],
)
def test_what_makes_no_sense_is_refused_with_its_field(
    studio: Studio, recipe: dict[str, Any], field: str
) -> None:
    studio.drop("detect/recipe.json", recipe)
    assert studio.event(studio.drop("detect/a.png", PHOTO)) == State.FAILED
    said = studio.result("detect/a.json")
    assert (said["code"], said["field"]) == ("bad-options", field)


def test_vertex_alone_is_refused_in_words(studio: Studio) -> None:
    studio.environment.delenv("GEMINI_API_KEY")
    studio.set(STUDIO_VERTEX_PROJECT="p")
    studio.drop("detect/recipe.json", {"when": "batch"})
    assert studio.event(studio.drop("detect/a.png", PHOTO)) == State.FAILED
    said = studio.result("detect/a.json")
    assert said["code"] == "misconfigured"
    assert "key of the Gemini API" in said["detail"]


def test_the_embedded_engine_waits_for_nobody(studio: Studio) -> None:
    studio.environment.delenv("GEMINI_API_KEY")
    studio.set(STUDIO_ENGINE="embedded")
    flat = codec.encode(Image(np.full((60, 90, 3), 200, np.uint8)), "png")
    studio.drop("expand/recipe.json", {"when": "batch", "aspect": "2:1"})
    assert studio.event(studio.drop("expand/a.png", flat)) == State.DONE
    assert studio.left() == []


def test_a_dry_run_tells_the_price_of_a_batch(studio: Studio) -> None:
    told = []
    for when in ("batch", "now"):
        studio.drop(f"detect/{when}/recipe.json", {"when": when, "dry_run": True})
        assert studio.event(studio.drop(f"detect/{when}/a.png", PHOTO)) == State.DONE
        told.append(studio.result(f"detect/{when}/a.json")["cost"]["dollars"])
    assert told[0] == pytest.approx(told[1] / 2, abs=1e-6)
    assert studio.left() == []


# --- what people see ------------------------------------------------------------------------------


def test_status_and_sweep_tell_what_waits_and_for_which_batch(
    studio: Studio, capsys: pytest.CaptureFixture[str]
) -> None:
    studio.drop("detect/recipe.json", {"when": "batch"})
    for number in range(3):
        image = codec.encode(photo(90 + number, 60), "png")
        studio.event(studio.drop(f"detect/{number}.png", image))
    said = run(["status", "--data", str(studio.root)], capsys)
    assert "3 inputs wait for a batch; 3 asks are still to be sent." in said
    assert "Batches: 3 asks sent." in run(["sweep", "--data", str(studio.root)], capsys)
    said = run(["status", "--data", str(studio.root)], capsys)
    assert f"{studio.desk.batches[0].name}: 3 asks of gemini-3.8-flash, running since" in said
    studio.desk.end(refused={0: {"code": 3, "message": "no picture"}})
    said = run(["sweep", "--data", str(studio.root)], capsys)
    assert "Batches: 2 asks answered, 1 given up." in said
    assert "wait for a batch" not in run(["status", "--data", str(studio.root)], capsys)


def run(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    main(command)
    _log.logger.setLevel(logging.INFO)
    return capsys.readouterr().out
