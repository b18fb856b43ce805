"""The whole studio as a process of its own: its port, its folders, its end."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from common import codec
from studio.command import main
from tests.support.files import WHOLE, product_files

START = "from studio.command import main; raise SystemExit(main())"
PATIENCE = 60.0  # seconds, for a machine with much else to do


@dataclass
class Running:
    """A studio that runs, and what it has said so far."""

    process: subprocess.Popen[str]
    data: Path
    said: list[str] = field(default_factory=list)
    port: int = 0

    def listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)

    def hear(self, word: str) -> str:
        """Wait until a word was said; return all that was said."""
        _patiently(lambda: word in "".join(self.said), self.said)
        return "".join(self.said)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()


def _patiently(done: Callable[[], bool], said: object) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, said
        time.sleep(0.05)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("studio") / "data"
    process = subprocess.Popen(
        [sys.executable, "-c", START, "serve", "--port", "0", "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    with process:
        running = Running(process, data)
        listener = threading.Thread(target=running.listen)
        listener.start()
        try:
            port = re.search(r"http://localhost:(\d+)", running.hear("Ctrl-C"))
            assert port
            running.port = int(port[1])
            yield running
        finally:
            process.kill()
            listener.join()


def test_the_start_says_what_to_do_next(studio: Running) -> None:
    welcome = studio.hear("Ctrl-C")
    assert f"{studio.data}/input/cutout/" in welcome
    assert f"curl -F image=@shoe.jpg http://localhost:{studio.port}/v1/cutout" in welcome
    assert "embedded engine" in welcome


def test_the_folders_are_ready(studio: Running) -> None:
    names = {path.name for path in (studio.data / "input").iterdir() if path.name[0] != "."}
    assert names == {"detect", "cutout", "erase", "clean", "expand", "check", "pipeline"}


@pytest.mark.parametrize("path", ["/", "/studio.js", "/healthz", "/files/"])
def test_the_page_is_there(studio: Running, path: str) -> None:
    assert studio.ask("GET", path)[0].status == 200


@pytest.mark.parametrize("name", ["detect", "cutout", "erase", "expand", "pipeline"])
def test_every_function_is_mounted(studio: Running, name: str) -> None:
    response, body = studio.ask("POST", f"/v1/{name}", b"{}", {"Content-Type": "application/json"})
    assert (response.status, json.loads(body)["field"]) == (400, "image")


@pytest.mark.parametrize("path", ["/events/sweep", "/events/sweep/", "/events/detect"])
def test_events_and_the_clock_are_heard_with_and_without_a_slash(
    studio: Running, path: str
) -> None:
    response, _ = studio.ask("POST", path, b"{}", {"Content-Type": "application/json"})
    # An event that is none is a bad request of the framework; the sweep takes any body.
    assert response.status == (200 if "sweep" in path else 400)


def test_a_posted_photo_comes_back_cut_out(studio: Running) -> None:
    files = product_files()
    parts = {"image": files.photo, "render": files.render, "box": WHOLE.encode()}
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        % (name.encode(), b"" if name == "box" else b'; filename="p.png"', value)
        for name, value in parts.items()
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response, picture = studio.ask("POST", "/v1/cutout", body + b"--x--\r\n", headers)
    assert response.getheader("X-Decision") == "accepted"
    assert codec.decode(picture).alpha is not None


def test_a_body_above_the_limit_gets_an_answer_and_not_a_broken_line(studio: Running) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": "90000000"}
    response, body = studio.ask("POST", "/v1/cutout", b"x" * 1000, headers)
    assert (response.status, json.loads(body)["code"]) == (413, "picture-too-large")


def test_a_dropped_photo_has_its_result_beside_within_seconds(studio: Running) -> None:
    place = studio.data / "input" / "detect" / "shoe.png"
    place.write_bytes(product_files().photo)
    result = studio.data / "output" / "detect" / "shoe.json"
    _patiently(result.exists, studio.said)
    assert json.loads(result.read_text())["operation"] == "detect"
    assert place.read_bytes() == product_files().photo
    studio.hear("input/detect/shoe.png")


def test_a_taken_port_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "--port", port, "--data", str(tmp_path)]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"studio: Port {port} cannot be used")


def test_ctrl_c_ends_it_without_a_traceback(studio: Running) -> None:
    studio.process.send_signal(signal.SIGINT)
    assert studio.process.wait(PATIENCE) == 0
    said = studio.hear("The studio is closed.")
    assert "Traceback" not in said
