"""Requests that cost money, from the HTTP door to a Gemini on loopback: told, capped, paid once."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import functions_framework
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import functions
from common import codec
from common.image import Image
from functions import _wiring
from tests.support.gemini_server import KEY, GeminiServer, blocked, error, page
from tests.support.models import photo

PHOTO = codec.encode(Image(photo(200, 150).rgb), "png")
TRACE = "105445aa7843bc8bf206b12000100000"


@pytest.fixture(scope="module")
def running() -> Iterator[GeminiServer]:
    with GeminiServer().running() as server:
        yield server


@pytest.fixture
def server(running: GeminiServer) -> GeminiServer:
    running.script()
    return running


@pytest.fixture
def environment(
    server: GeminiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("STUDIO_GEMINI_BASE_URL", server.address)
    monkeypatch.setenv("STUDIO_WORK_BUCKET", str(tmp_path / "work"))
    _wiring.settings.cache_clear()
    yield monkeypatch
    _wiring.settings.cache_clear()


@pytest.fixture(scope="module")
def clients() -> dict[str, FlaskClient]:
    folder = Path(functions.__file__).parent
    return {
        name: functions_framework.create_app(name, str(folder / f"{name}.py")).test_client()  # type: ignore[no-untyped-call]
        for name in ("detect", "expand")
    }


@pytest.fixture
def door(clients: dict[str, FlaskClient], environment: pytest.MonkeyPatch) -> Door:
    return Door(clients)


class Door:
    def __init__(self, clients: dict[str, FlaskClient]) -> None:
        self.clients = clients

    def ask(self, operation: str, **fields: str) -> TestResponse:
        paid = {"engine": "gemini"}  # else the plain photo would be expanded for nothing
        form: dict[str, Any] = {"image": (io.BytesIO(PHOTO), "photo.png"), **paid, **fields}
        trace = {"X-Cloud-Trace-Context": f"{TRACE}/1;o=1", "X-Request-ID": "abc"}
        response: TestResponse = self.clients[operation].post("/", data=form, headers=trace)
        return response


def line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (text,) = capsys.readouterr().out.splitlines()
    said: dict[str, Any] = json.loads(text)
    return said


def test_one_line_tells_the_operator_everything_about_an_asset(
    door: Door, server: GeminiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.script(error(503, "UNAVAILABLE"))
    response = door.ask("detect", query="nobody else may read this")
    said = line(capsys)
    assert response.status_code == 200
    assert (said["operation"], said["request_id"], said["status"]) == ("detect", "abc", 200)
    assert TRACE in said["logging.googleapis.com/trace"]
    assert (said["engine"], said["models"]) == ("gemini", ["gemini-3.8-flash"])
    assert (said["decision"], said["rungs"]) == ("accepted", 0)
    assert (said["cost"]["calls"], said["cost"]["attempts"]) == (1, 2)
    assert said["cost"]["input_tokens"] == 1300
    assert said["cost"]["dollars"] == pytest.approx(float(response.headers["X-Cost-USD"]))
    assert said["stages"]["detect"] > 0
    assert len(said["source"]) == len(said["options"]) == 64
    assert "nobody else" not in json.dumps(said)


def test_equal_pictures_and_options_bear_equal_marks(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = []
    for query in ("", "", "a shoe"):
        door.ask("detect", query=query)
        lines.append(line(capsys))
    assert len({said["source"] for said in lines}) == 1
    assert [said["options"] == lines[0]["options"] for said in lines] == [True, True, False]


def test_the_same_request_is_paid_once_unless_it_is_to_be_fresh(
    door: Door, server: GeminiServer
) -> None:
    first, second = door.ask("detect"), door.ask("detect")
    fresh, after = door.ask("detect", fresh="true"), door.ask("detect")
    costs = [float(each.headers["X-Cost-USD"]) for each in (first, second, fresh, after)]
    assert [cost > 0 for cost in costs] == [True, False, True, False]
    assert len(server.calls) == 2


def test_a_dry_run_tells_the_price_of_each_quality_and_calls_nobody(
    door: Door, server: GeminiServer
) -> None:
    prices = []
    for quality in ("fast", "standard", "pro"):
        response = door.ask("expand", aspect="2:1", dry_run="true", quality=quality)
        (call,) = json.loads(response.data)["calls"]
        prices.append(call["dollars"])
    assert prices == sorted(prices)
    assert prices[2] > 0.13
    assert server.calls == []


def test_a_request_beyond_its_cap_is_a_problem_and_costs_nothing(
    door: Door,
    server: GeminiServer,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv("STUDIO_CAP_REQUEST_USD", "0.01")
    _wiring.settings.cache_clear()
    response = door.ask("expand", aspect="2:1")
    problem = json.loads(response.data)
    assert (response.status_code, problem["code"]) == (429, "cap-reached")
    assert (problem["charged"], problem["cap"]) == ("no", "request")
    assert "X-Cost-USD" not in response.headers
    assert server.calls == []
    assert (said := line(capsys))["code"] == "cap-reached"
    assert said["severity"] == "WARNING"


def test_a_day_beyond_its_cap_says_when_there_is_more(
    door: Door, environment: pytest.MonkeyPatch, server: GeminiServer
) -> None:
    environment.setenv("STUDIO_CAP_PREFIX_USD", "expand/=0.05")
    _wiring.settings.cache_clear()
    assert door.ask("expand", aspect="2:1").status_code in {200, 422}
    refused = door.ask("expand", aspect="3:1")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert len(server.calls) == 1
    assert door.ask("detect").status_code == 200  # of another prefix


def test_a_cap_without_a_place_for_its_ledger_refuses(
    door: Door, environment: pytest.MonkeyPatch, server: GeminiServer
) -> None:
    environment.setenv("STUDIO_CAP_DAY_USD", "5")
    environment.delenv("STUDIO_WORK_BUCKET")
    _wiring.settings.cache_clear()
    response = door.ask("detect")
    assert (response.status_code, json.loads(response.data)["code"]) == (500, "misconfigured")
    assert server.calls == []


def test_a_failure_tells_what_it_cost_and_what_it_may_have(
    door: Door, server: GeminiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.script(page(), blocked("SAFETY"))
    response = door.ask("detect")
    said = line(capsys)
    assert response.status_code == 422
    assert 0 < float(response.headers["X-Cost-USD"]) == pytest.approx(said["dollars"])
    assert said["dollars_in_doubt"] > 0
    assert (said["attempts"], said["reason"], said["charged"]) == (2, "SAFETY", "yes")
