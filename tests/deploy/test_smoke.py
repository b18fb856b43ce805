"""The smoke test itself: tells what is wrong with a deployment, and is content with a good one."""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SHOWN = "Bearer of-the-test"
Answer = Callable[[str, str], tuple[int, Any]]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("smoke", ROOT / "terraform" / "smoke.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


smoke = _load()


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answer], dict[str, Any]]]:
    """A server that answers as it is told, and what terraform would say of it."""
    monkeypatch.setenv("IDENTITY_TOKEN", SHOWN.removeprefix("Bearer "))
    servers = []

    def deploy(answer: Answer) -> dict[str, Any]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, said = answer(self.path, self.headers.get("Authorization", ""))
                payload = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_POST = do_GET  # noqa: N815 - the standard library's own name

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        address = f"http://127.0.0.1:{server.server_port}"
        return {"gateway": {"value": None}, "functions": {"value": {"detect": address}}}

    yield deploy
    for server in servers:
        server.shutdown()
        server.server_close()


def good(path: str, shown: str) -> tuple[int, Any]:
    if shown != SHOWN:
        return 403, "Forbidden"
    return 200, {"status": "ok"} if path == "/health" else {"boxes": [{}]}


def open_to_all(path: str, _: str) -> tuple[int, Any]:
    return good(path, SHOWN)


def not_there(_path: str, _shown: str) -> tuple[int, Any]:
    return 404, "?"


def blind(path: str, shown: str) -> tuple[int, Any]:
    return (200, {"boxes": []}) if "v1" in path else good(path, shown)


def out_of_order(path: str, shown: str) -> tuple[int, Any]:
    return (503, {}) if "v1" in path else good(path, shown)


def test_a_good_deployment_passes(
    deployed: Callable[[Answer], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert smoke.main(deployed(good)) == 0
    said = capsys.readouterr().out
    assert said.count("ok   ") == 3
    assert "BAD" not in said


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (open_to_all, "BAD  detect refuses strangers: 200"),
        (not_there, "BAD  detect is healthy: 404"),
        (blind, "BAD  detect finds a product: 200, 0 boxes"),
        (out_of_order, "BAD  detect finds a product: 503, 0 boxes"),
    ],
)
def test_what_is_wrong_is_told(
    answer: Answer,
    told: str,
    deployed: Callable[[Answer], dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert smoke.main(deployed(answer)) == 1
    assert told in capsys.readouterr().out


def test_a_function_that_cannot_be_reached_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    outputs = {"gateway": {"value": {"domains": ["127.0.0.1:9"]}}, "functions": {"value": {}}}
    assert smoke.main(outputs) == 1
    assert "BAD  127.0.0.1:9/ asks who it is: 0" in capsys.readouterr().out
