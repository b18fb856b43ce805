"""The clock's door: what the scheduler calls, and `studio sweep` by hand."""

from __future__ import annotations

import importlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.errors import ModelBusy
from common.jobs import Portion, claimed
from functions import _log, _sweeping, _wiring
from studio.command import main
from tests.support.jobs import document
from tests.support.shop import OPERATIONS, Shop

ALL = Portion(min_age=0)


def swept(shop: Shop) -> dict[str, Any]:
    return _sweeping.sweep(shop.workshop, OPERATIONS, ALL, {})


def test_a_lost_event_is_made_up_for_with_the_inputs_own_options(shop: Shop) -> None:
    shop.put("cutout/recipe.json", {"subject": "the shoe"})
    shop.put("cutout/shoe.jpg", b"pixels", params='{"key": "blue"}')
    assert swept(shop)["ended"] == {"done": 1}
    said = document(shop.buckets.output, "cutout/shoe.json")
    options = said["input"]["options"]
    assert (options["key"], options["subject"]) == ("blue", "the shoe")


def test_a_picture_that_is_always_refused_a_model_ends_in_a_failed_result(shop: Shop) -> None:
    shop.put("cutout/shoe.jpg", b"pixels")
    shop.troubles = [ModelBusy("Too many requests.") for _ in range(20)]
    endings = [swept(shop)["ended"] for _ in range(11)]
    assert endings == [{"waiting": 1}] * 10 + [{"failed": 1}]
    assert document(shop.buckets.output, "cutout/shoe.json")["code"] == "model-busy"


def test_a_name_that_cannot_be_used_is_refused_by_the_sweep_as_well(
    shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / "input" / "cutout").mkdir()
    (tmp_path / "input" / "cutout" / "a\\b.jpg").write_bytes(b"x")
    assert swept(shop)["ended"] == {"failed": 1}
    assert swept(shop)["run"] == 0


# --- the function, on real settings ---------------------------------------------------------------


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder as the process's buckets; the wiring is read anew."""
    for name in ("input", "work", "output"):
        monkeypatch.setenv(f"STUDIO_{name.upper()}_BUCKET", str(tmp_path / name))
    _forget()
    yield tmp_path
    _forget()


def _forget() -> None:
    _wiring.settings.cache_clear()
    _wiring.buckets.cache_clear()
    _log.logger.setLevel(logging.INFO)


@pytest.fixture
def client(data: Path) -> Any:
    framework: Any = importlib.import_module("functions_framework")
    source = Path(_sweeping.__file__).with_name("sweep.py")
    return framework.create_app("sweep", str(source)).test_client()


def test_the_scheduler_is_answered_what_was_done(client: Any, data: Path) -> None:
    answer = client.post("/")
    assert answer.status_code == 200
    assert answer.json == document(_wiring.buckets().output, "sweep.json")


def test_a_sweep_while_another_is_at_work_is_answered_200(client: Any, data: Path) -> None:
    with claimed(_wiring.buckets().work, "sweep"):
        answer = client.post("/")
    assert (answer.status_code, answer.json["code"]) == (200, "claimed")


def test_only_post_sweeps(client: Any) -> None:
    assert client.get("/").status_code == 405


def test_a_bucket_out_of_reach_is_answered_503_so_that_it_comes_again(
    client: Any, data: Path
) -> None:
    _wiring.buckets()
    (data / "output" / "sweep.json").mkdir()
    assert client.post("/").status_code == 503


def test_a_sweep_by_hand_runs_what_was_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "input" / "cutout").mkdir(parents=True)
    (tmp_path / "input" / "cutout" / "shoe.jpg").write_bytes(b"no picture")
    assert main(["sweep", "--data", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "1 of 1 inputs had no result" in said
    assert json.loads((tmp_path / "output" / "cutout" / "shoe.json").read_text())["code"]
    assert main(["sweep", "--data", str(tmp_path)]) == 0
    assert "0 of 1 inputs had no result" in capsys.readouterr().out


def test_a_sweep_of_a_folder_that_is_none_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "--data", str(tmp_path / "none")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("studio: There is no data folder")
    assert not (tmp_path / "none").exists()
