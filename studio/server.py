"""`studio serve`: every function on one port of this machine, the page, and the folder watcher."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import functions_framework
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

import functions
from common.errors import Misconfigured, StudioError
from common.operations.registry import OPERATIONS
from functions import _fetch, _log, _wiring
from studio.clock import Clock
from studio.folder import DataFolder
from studio.guard import guarded
from studio.page import make_page
from studio.watcher import Watcher, has_result_in, loopback

HOST = "127.0.0.1"
FUNCTIONS = tuple(OPERATIONS)
# Paths that are no operation's; the last function tells of the contract and of failures.
OTHERS = {
    "/v1/uploads": "uploads",
    "/v1/jobs": "jobs",
    "/v1.0/removebg": "removebg",
    "/openapi.json": "openapi",
}
PARTING_SECONDS = 3.0  # for what is being worked on; the next start does what was left
SOURCES = Path(functions.__file__).parent


def serve(port: int, data: str, *, samples: bool) -> int:
    """Serve until Ctrl-C; return the exit code.

    Raises
    ------
    Misconfigured
        The port is taken, or the data folder cannot be used.
    """
    folder = DataFolder(Path(data).resolve())
    folder.prepare(FUNCTIONS)
    os.environ.update(folder.environment())
    os.environ.setdefault("STUDIO_ACCESS", "open")  # nobody but this machine gets in here
    with listening(port) as listener:
        added = folder.add_samples() if samples else 0
        _speak_plainly()
        server = make_server(
            HOST, port, make_app(), threaded=True, request_handler=_Silent, fd=listener.fileno()
        )
        print(_welcome(server.port, Path(data), added), flush=True)
        _run(server, folder)
    print("The studio is closed.")
    return 0


def listening(port: int) -> socket.socket:
    """Return a socket that listens at `port` of this machine; 0 takes a free one.

    Raises
    ------
    Misconfigured
        The port is taken, or is none.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise Misconfigured(
            f"Port {port} cannot be used: {reason}.", advice="Choose another with --port."
        ) from error
    return listener


def make_app() -> Any:
    """Return all functions under their paths and the page under the rest, as one WSGI app."""
    mounts = {}
    for name in FUNCTIONS:
        mounts[f"/v1/{name}"] = _app(name, name)
        mounts[f"/events/{name}"] = _app(name, f"{name}_dropped")
    mounts["/events/sweep"] = _app("sweep", "sweep")
    mounts |= {path: _app(name, name) for path, name in OTHERS.items()}
    mounts["/errors"] = _under("/errors", mounts["/openapi.json"])
    page = make_page(_wiring.buckets(), _wiring.settings(), _fetch.Web().fetch)
    return guarded(DispatcherMiddleware(page, mounts))


def _app(name: str, target: str) -> Any:
    source = str(SOURCES / f"{name}.py")
    app = functions_framework.create_app(target, source)  # type: ignore[no-untyped-call]
    app.logger.addFilter(_is_news)
    return _rooted(app)


def _rooted(app: Any) -> Any:
    """Return `app` so that its mount point without a slash is its root, and no redirect."""

    def rooted(environ: dict[str, Any], start_response: Any) -> Any:
        return app(environ | {"PATH_INFO": environ.get("PATH_INFO") or "/"}, start_response)

    return rooted


def _under(path: str, app: Any) -> Any:
    """Return `app` so that it sees the path it was mounted at."""

    def under(environ: dict[str, Any], start_response: Any) -> Any:
        told = path + environ.get("PATH_INFO", "")
        return app(environ | {"PATH_INFO": told, "SCRIPT_NAME": ""}, start_response)

    return under


def _is_news(record: logging.LogRecord) -> bool:
    """Tell whether a crash was not told by a door already: events that may pass are raised on."""
    return not (record.exc_info and isinstance(record.exc_info[1], StudioError))


# --- while it runs --------------------------------------------------------------------------------


def _run(server: BaseWSGIServer, folder: DataFolder) -> None:
    """Serve and watch until somebody presses Ctrl-C, or the machine asks us to end."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores the first
        signal.signal(number, _end)
    done = has_result_in(_wiring.buckets().output)
    watcher = Watcher(folder.input, loopback(server.port), FUNCTIONS, has_result=done)
    clock = Clock(loopback(server.port))
    watcher.start()
    clock.start()
    try:
        server.serve_forever()  # returns at Ctrl-C
    finally:
        clock.stop()
        watcher.stop(PARTING_SECONDS)


def _end(*_: object) -> NoReturn:
    raise KeyboardInterrupt


class _Silent(WSGIRequestHandler):
    """Says nothing of each request: the doors log what is worth telling."""

    def log_request(self, *args: Any) -> None:
        """Write nothing."""
        del args


# --- what people see ------------------------------------------------------------------------------


class PlainLines(logging.Formatter):
    """A door's log record for people: when, what, and how it went."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        facts = _log.facts_of(record)
        parts = [time.strftime("%H:%M:%S"), record.getMessage(), *_outcome(facts)]
        if record.exc_info:
            parts.append(self.formatException(record.exc_info))
        return "  ".join(parts)


def _outcome(facts: Mapping[str, Any]) -> Iterator[str]:
    if "object" in facts:
        yield f"input/{facts['object']}"
    if "result" in facts:
        yield f"-> output/{facts['result']}"
    for name in ("decision", "code", "detail"):
        if name in facts:
            yield str(facts[name])
    if "milliseconds" in facts:
        yield f"{facts['milliseconds'] / 1000:.1f} s"


def _speak_plainly() -> None:
    for handler in _log.logger.handlers:
        handler.setFormatter(PlainLines())


def _welcome(port: int, data: Path, added: int) -> str:
    here = f"http://localhost:{port}"
    making = f"; {added} samples are being worked on" if added else ""
    return f"""The studio is open at {here} ({_wiring.settings().engine} engine{making}).

  Look   open {here} in a browser
  Drop   a photo into {data}/input/cutout/ and find it in {data}/output/cutout/
         (also: {", ".join(name for name in FUNCTIONS if name != "cutout")})
  Send   curl -F image=@shoe.jpg {here}/v1/cutout -o shoe.png
  Stop   Ctrl-C
"""
