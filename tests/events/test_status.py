"""`studio status`: what it says of a data folder."""

from __future__ import annotations

import io
import logging
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.errors import BrokenPicture
from common.jobs import Buckets, Made, run
from common.store.folder import FolderBucket
from functions import _log, _wiring
from studio import status
from studio.command import main
from tests.support.jobs import Work, drop


@pytest.fixture
def folders(tmp_path: Path) -> Buckets:
    return Buckets(*(FolderBucket(tmp_path / name) for name in ("input", "work", "output")))


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("input", "work", "output"):
        monkeypatch.setenv(f"STUDIO_{name.upper()}_BUCKET", str(tmp_path / name))
    _forget()
    yield tmp_path
    _forget()


def _forget() -> None:
    _wiring.settings.cache_clear()
    _wiring.buckets.cache_clear()
    _log.logger.setLevel(logging.INFO)


def _paid(_: bytes) -> Made:
    return Made(b"x", "image/png", ".png", {"cost": {"dollars": 0.25, "calls": 1}})


def test_counts_costs_and_failures_are_told(
    folders: Buckets, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(drop(folders, "cutout/a.jpg"), folders, _paid)
    run(drop(folders, "cutout/b.jpg"), folders, Work(BrokenPicture("The file ends too early.")))
    drop(folders, "cutout/c.jpg")
    drop(folders, "detect/d.jpg")
    assert main(["status", "--data", str(data)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == ["inputs", "done", "failed", "waiting", "parked"]
    assert said[1].split() == ["detect", "1", "0", "0", "1", "0"]
    assert said[2].split() == ["cutout", "3", "1", "1", "1", "0"]
    assert said[3].endswith(": 2 runs, 1 failed, $0.2500")
    assert said[5] == "  cutout/b.jpg: The file ends too early."


def test_the_last_sweep_is_told(
    folders: Buckets, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drop(folders, "detect/a.jpg", b"no picture")
    assert main(["sweep", "--data", str(data)]) == 0
    assert main(["status", "--data", str(data)]) == 0
    assert "1 of 1 inputs run." in capsys.readouterr().out.splitlines()[-1]


def test_an_empty_folder_says_so(
    folders: Buckets, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders.input.write("x", b"x")
    assert main(["status", "--data", str(data)]) == 0
    assert "Nothing was dropped yet." in capsys.readouterr().out


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_bar_follows_the_folder_to_its_end(
    folders: Buckets, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "PAUSE_SECONDS", 0.02)
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    made = [drop(folders, f"cutout/{n}.jpg") for n in range(4)]
    watching = threading.Thread(target=main, args=(["status", "--data", str(data)],))
    watching.start()
    for job in made:
        time.sleep(0.1)
        run(job, folders, Work())
    watching.join(10)
    assert not watching.is_alive()
    assert "[............" in terminal.getvalue()
    assert "] 2/4" in terminal.getvalue()
