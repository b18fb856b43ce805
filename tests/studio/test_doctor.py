"""The doctor: what is well, what will fail, and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common.errors import Misconfigured
from common.settings import Settings
from common.spend import ledger_name
from common.store import Stored
from common.store.folder import FolderBucket
from common.vlm.embedded.weights import WeightFile
from common.vlm.gemini import GeminiModel
from functions import _wiring
from studio import doctor
from studio.command import main
from studio.doctor import Finding, findings
from tests.support.gemini_server import KEY, PROJECT, TOKEN, GeminiServer
from tests.support.ledgers import MemoryBucket


@pytest.fixture(scope="module")
def server() -> Iterator[GeminiServer]:
    with GeminiServer().running() as running:
        yield running


@pytest.fixture
def well(server: GeminiServer, tmp_path: Path) -> Settings:
    return Settings(
        engine="gemini",
        gemini_api_key=KEY,
        gemini_base_url=server.address,
        input_bucket=str(tmp_path / "input"),
        work_bucket=str(tmp_path / "work"),
        output_bucket=str(tmp_path / "output"),
        cap_day=10.0,
        cap_request=0.5,
    )


def about(topic: str, own: Settings) -> list[Finding]:
    return [finding for finding in findings(own) if finding.topic == topic]


def bad(own: Settings) -> list[Finding]:
    return [finding for finding in findings(own) if finding.state == "bad"]


def test_a_studio_that_is_well_has_nothing_to_mend(well: Settings, server: GeminiServer) -> None:
    found = list(findings(well))
    assert {finding.topic for finding in found if finding.state == "ok"} >= {
        *("credentials", "model", "input bucket", "work bucket", "output bucket", "caps"),
    }
    assert bad(well) == []
    assert server.calls == []  # looking costs nothing


def test_a_wrong_key_is_told_and_not_shown(well: Settings) -> None:
    own = replace(well, gemini_api_key="wrong-key")
    (finding,) = about("credentials", own)
    assert finding.state == "bad"
    assert "mend the key" in finding.mend
    assert "wrong-key" not in str(list(findings(own)))


def test_a_provider_out_of_reach_is_told(well: Settings) -> None:
    (finding,) = about("provider", replace(well, gemini_base_url="http://127.0.0.1:9"))
    assert (finding.state, finding.text) == ("bad", "Gemini is out of reach.")


def test_a_model_that_is_gone_is_told_with_those_that_are_there(well: Settings) -> None:
    own = replace(well, gemini_base_url=well.gemini_base_url, text_model="gemini-3.8-flash-old")
    (finding,) = [each for each in about("model", own) if each.state == "bad"]
    assert "no known price" in finding.text
    assert "STUDIO_TEXT_MODEL" in finding.mend


def test_a_model_with_a_price_that_the_provider_does_not_list_is_told(
    well: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.support import gemini_server  # noqa: PLC0415 - the world loses a model

    fewer = gemini_server.PICTURE_MODELS - {"gemini-3-pro-image"}
    monkeypatch.setattr(gemini_server, "PICTURE_MODELS", fewer)
    (finding,) = [each for each in about("model", well) if each.state == "bad"]
    assert finding.text == "Gemini does not list gemini-3-pro-image."
    assert "STUDIO_PRO_MODEL" in finding.mend
    assert "gemini-nano-banana-2.1" in finding.mend


def test_vertex_lists_its_models_too(server: GeminiServer) -> None:
    from google.oauth2.credentials import Credentials  # noqa: PLC0415 - as the SDK does

    login = Credentials(TOKEN)  # type: ignore[no-untyped-call]
    model = GeminiModel(project=PROJECT, credentials=login, base_url=server.address)
    assert {"gemini-nano-banana-2.1", "gemini-3.8-flash"} <= model.listed(5.0)


def test_without_a_provider_the_embedded_engine_is_enough() -> None:
    (finding,) = about("credentials", Settings())
    assert finding.state == "note"
    assert about("model", Settings()) == []
    (finding,) = about("credentials", Settings(engine="gemini"))
    assert finding.state == "bad"


def test_a_bucket_that_is_none_is_told(well: Settings) -> None:
    (finding,) = about("work bucket", replace(well, work_bucket="ftp://somewhere"))
    assert finding.state == "bad"
    assert "gs://" in finding.mend


def test_a_missing_bucket_is_told_with_what_it_means(well: Settings) -> None:
    (finding,) = about("work bucket", replace(well, work_bucket="", cap_day=None))
    assert finding.state == "note"
    assert "paid again" in finding.text


def test_a_bucket_that_cannot_be_written_is_told(well: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (finding,) = about("output bucket", replace(well, output_bucket=str(tmp_path / "file")))
    assert finding.state == "bad"


def test_looking_leaves_nothing_behind(well: Settings) -> None:
    list(findings(well))
    for address in (well.input_bucket, well.work_bucket, well.output_bucket):
        assert list(FolderBucket(Path(address)).list()) == []


def test_a_bucket_that_does_not_keep_to_generations_is_told() -> None:
    class Careless(MemoryBucket):
        def write(self, name: str, data: bytes, **_: Any) -> Stored:
            return super().write(name, data)

    with pytest.raises(Misconfigured, match="generations"):
        doctor._try_out(Careless())


def test_no_cap_is_worth_a_note(well: Settings) -> None:
    (finding,) = about("caps", replace(well, cap_day=None, cap_request=None))
    assert finding.state == "note"
    assert "STUDIO_CAP_DAY_USD" in finding.mend


def test_what_was_granted_today_is_told(well: Settings) -> None:
    own = replace(well, cap_prefixes={"cutout/": 2.0})
    FolderBucket(Path(well.work_bucket)).write(
        ledger_name(time.time()), b'{"granted": {"": 1500000, "cutout/": 250000}}'
    )
    assert "all: $1.50 of $10.00; cutout/: $0.25 of $2.00" in about("caps", own)[-1].text


def test_caps_that_cannot_work_are_told(well: Settings) -> None:
    without = about("caps", replace(well, work_bucket=""))
    assert [finding.state for finding in without] == ["ok", "bad"]
    tight = about("caps", replace(well, cap_request=0.01))
    assert tight[0].state == "bad"
    stray = about("caps", replace(well, cap_prefixes={"shoes/": 1.0}))
    assert "No picture's name begins with shoes/" in stray[1].text
    FolderBucket(Path(well.work_bucket)).write(ledger_name(time.time()), b"damaged")
    assert about("caps", well)[-1].state == "bad"


def test_weights_that_are_missing_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = WeightFile("u2netp", "no_such_package", "u2netp.onnx", "00")
    finding = doctor._weights(gone, "find subjects")
    assert finding.state == "note"
    assert "make install" in finding.mend


def test_the_exit_code_says_whether_something_is_bad(
    well: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_wiring, "settings", lambda: well)
    assert main(["doctor"]) == 0
    assert "ok    credentials" in capsys.readouterr().out
    monkeypatch.setattr(_wiring, "settings", lambda: replace(well, gemini_api_key="wrong"))
    assert doctor.run() == 1
    assert "-> The operator must mend the key" in capsys.readouterr().out


def test_settings_that_make_no_sense_are_told_before_anything_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STUDIO_CAP_DAY_USD", "plenty")
    _wiring.settings.cache_clear()
    assert doctor.run() == 1
    assert "STUDIO_CAP_DAY_USD" in capsys.readouterr().out
    _wiring.settings.cache_clear()
