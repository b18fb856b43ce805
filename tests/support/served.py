"""The local server's whole app, in this process, over folders of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flask
import pytest
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import Client, EnvironBuilder

from common.jobs import Ending, Source
from common.vlm.embedded import EmbeddedModel
from common.vlm.embedded.sight import Sight
from common.vlm.embedded.weights import WeightFile
from functions import _events, _wiring
from functions._notice import Notice
from studio.folder import DataFolder
from studio.server import make_app

NO_WEIGHTS = WeightFile("none", "no_such_package", "none.onnx", "00")


@contextmanager
def settings_of(**environment: str) -> Iterator[None]:
    """Let the process read its settings anew, from these variables beside its own."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        _forget()
        try:
            yield
        finally:
            _forget()


def _forget() -> None:
    _wiring.settings.cache_clear()
    _wiring.buckets.cache_clear()


@contextmanager
def served(folder: Path, **environment: str) -> Iterator[Any]:
    """Serve from `folder`; without a watcher, `work` does what was dropped."""
    data = DataFolder(folder / "data")
    data.prepare(["cutout"])
    with settings_of(**data.environment(), **environment):
        yield Client(make_app())


@contextmanager
def quick_engine() -> Iterator[None]:
    """Let the embedded engine see by its classical ways, which do for a plain backdrop.

    Each request would begin its networks anew, for two seconds; they have tests of their own.
    """
    classical = EmbeddedModel(Sight(NO_WEIGHTS, NO_WEIGHTS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_wiring, "_embedded", lambda: classical)
        yield


def work(operation: str) -> list[Ending]:
    """Do what was dropped for an operation, as the bucket door does."""
    workshop = _wiring.workshop()
    bucket = workshop.buckets.input
    return [
        _events.work(
            operation, Notice(Source(bucket.name, stored.name, stored.generation)), workshop
        )
        for stored in list(bucket.list(f"{operation}/"))
    ]


@contextmanager
def listening(app: Any) -> Iterator[int]:
    """Serve `app` on a port of this machine."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Silent(WSGIRequestHandler):
    def log_request(self, *args: Any) -> None:
        del args


def environment_of(folder: Path) -> dict[str, str]:
    """Return the environment of a process that serves from `folder`."""
    return {**os.environ, **DataFolder(folder).environment()}


def asking(path: str = "/", **how: Any) -> flask.Request:
    """Return a request as a function gets it; `how` is as `werkzeug.test.EnvironBuilder` has it."""
    return flask.Request(EnvironBuilder(path, **how).get_environ())
