"""The studio as a process, and a real browser that looks at it."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

START = "from studio.command import main; raise SystemExit(main())"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60_000  # milliseconds, for a machine with much else to do
DESKTOP, PHONE = (1280, 860), (390, 844)


def browser_path() -> str | None:
    """Return the browser that this machine has; none is ever downloaded."""
    own = os.environ.get("CHROMIUM_PATH")
    return own or next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def opened(path: str) -> Iterator[Browser]:
    # A container's root has no sandbox to put a browser into; what it loads is the studio's own.
    flags = ["--no-sandbox", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def serving(data: Path, **environment: str) -> Iterator[str]:
    """Serve a studio of its own on a free port; yield its address."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("STUDIO_")}
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"):
        own.pop(name, None)
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", START, "serve", "--port", "0", "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**own, "PYTHONPATH": root, **environment},
    )
    with process:
        try:
            yield _address(process)
        finally:
            process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    said = []
    assert process.stdout
    for line in process.stdout:
        said.append(line)
        found = re.search(r"http://localhost:\d+", line)
        if found:
            # Nobody reads on; a full pipe would stop the server.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return found[0]
    raise AssertionError("".join(said))


class Complaints:
    """What a page complained of: errors, refused content, promises that nobody heeded."""

    def __init__(self, page: Page) -> None:
        self.heard: list[str] = []
        page.on("pageerror", lambda error: self.heard.append(str(error)))
        page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        # A reply of 4xx is noted by the browser itself; the page tells of it in its own way.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.heard.append(message.text)


def drawn_file(name: str, width: int, height: int, folder: Path, shade: int = 200) -> Path:
    """Write a smooth backdrop, which is carried on without any model."""
    across = np.linspace(shade - 20, shade + 20, width, dtype=np.float32)
    down = np.linspace(-8, 8, height, dtype=np.float32)
    grey = np.rint(across[None, :] + down[:, None]).astype(np.uint8)
    path = folder / name
    Pillow.fromarray(np.stack([grey, grey, grey], axis=2)).save(path, quality=90)
    return path


def opened_picture(data: bytes) -> Pillow.Image:
    return Pillow.open(io.BytesIO(data))
