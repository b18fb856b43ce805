"""Every example of docs/api.md runs as it stands, but for the port."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from common import codec
from common.image import U8, Image
from functions import _openapi
from tests.support.drawn import ball, painted
from tests.support.served import listening, quick_engine, served, work

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(sh|python|js)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
PATIENCE = 240.0
IN_A_BROWSER = """
import { readFileSync } from "node:fs";
const file = new Blob([readFileSync("shoe.jpg")], { type: "image/jpeg" });
"""


@dataclass(frozen=True)
class Place:
    """A folder with a photo, and a studio that listens."""

    folder: Path
    here: str

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def all_of(self, language: str) -> list[str]:
        return [
            text.replace("http://localhost:8080", self.here).replace("localhost:8080", self.here)
            for kind, text in BLOCKS
            if kind == language
        ]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("api")
    (folder / "shoe.jpg").write_bytes(codec.encode(Image(_photo()), "jpeg"))
    with (
        quick_engine(),
        served(folder, STUDIO_ENGINE="embedded") as client,
        listening(client.application) as port,
    ):
        done = threading.Event()
        worker = threading.Thread(target=_work_until, args=(done,))
        worker.start()
        yield Place(folder, f"http://127.0.0.1:{port}")
        done.set()
        worker.join()


def _photo() -> U8:
    """A ball before a plain backdrop, with writing above it and a speck at the lower right."""
    scene = ball()
    ground = np.full(scene.rgb.shape, 205.0, np.float32)
    photo = painted(ground, scene.rgb.astype(np.float32), scene.alpha)
    cv2.putText(photo, "SALE 25", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (90, 90, 90), 2)
    cv2.circle(photo, (300, 240), 4, (40, 30, 60), -1)
    return photo


def _work_until(done: threading.Event) -> None:
    while not done.wait(0.1):
        for operation in ("cutout", "detect"):
            work(operation)


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_examples_with_curl_run(place: Place) -> None:
    place.run("bash", "-e", "-c", "\n".join(place.all_of("sh")))
    for name, format in {"cutout.png": "png", "wide.png": "png", "no-bg.png": "png"}.items():
        assert codec.sniff((place.folder / name).read_bytes()) == format


def test_the_examples_in_python_run(place: Place) -> None:
    place.run(sys.executable, "-c", "\n".join(place.all_of("python")))
    assert codec.sniff((place.folder / "cutout.webp").read_bytes()) == "webp"
    assert codec.sniff((place.folder / "uploaded.png").read_bytes()) == "png"


@pytest.mark.skipif(not shutil.which("node"), reason="NODE IS NOT INSTALLED: fetch was not run")
def test_the_examples_for_browsers_run(place: Place) -> None:
    blocks = "\n".join(f"{{\n{text}\n}}" for text in place.all_of("js"))
    place.run("node", "--input-type=module", "--eval", IN_A_BROWSER + blocks)


def test_every_path_is_shown_in_every_language() -> None:
    paths = [path.partition("{")[0] for path in _openapi.build()["paths"]]
    for language in ("sh", "python", "js"):
        shown = "\n".join(text for kind, text in BLOCKS if kind == language)
        assert [path for path in paths if path not in shown] == []
