"""A proxy before Cloud Storage's double that fails now and then, before the deed or after it."""

from __future__ import annotations

import contextlib
import http.client
import random
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_OF_ONE_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class FaultyProxy(ThreadingHTTPServer):
    """Serves on loopback before `upstream`; of all requests, `share` answer 503.

    Half of those were never passed on; the other half were, and only their answer is lost.
    """

    daemon_threads = True

    def __init__(self, upstream: str, share: float, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.share = share
        self.requests = 0
        self.failed = 0
        self._chance = random.Random(seed)  # noqa: S311 - for faults, not for secrets
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_port}"

    def fate(self) -> str:
        """Return what becomes of the next request: ``well``, ``refused`` or ``lost``."""
        with self._lock:
            self.requests += 1
            if self._chance.random() >= self.share:
                return "well"
            self.failed += 1
            return self._chance.choice(["refused", "lost"])

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients are killed in the middle of a request."""


class _Handler(BaseHTTPRequestHandler):
    server: FaultyProxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fate = self.server.fate()
        status, data = 503, b"out of order"
        headers: list[tuple[str, str]] = []
        if fate != "refused":
            status, data, headers = self._passed_on(body)
        if fate == "lost":
            status, data = 503, b"the answer was lost"
        self.send_response(status)
        for key, value in headers:
            if key.lower() not in _OF_ONE_HOP:
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _passed_on(self, body: bytes) -> tuple[int, bytes, list[tuple[str, str]]]:
        line = http.client.HTTPConnection(self.server.upstream, timeout=10)
        try:
            line.request(self.command, self.path, body, dict(self.headers))
            answer = line.getresponse()
            return answer.status, answer.read(), answer.getheaders()
        finally:
            line.close()

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the base class's names

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def faulty_proxy(upstream: str, share: float, seed: int) -> Iterator[FaultyProxy]:
    """Serve a faulty proxy while the block runs."""
    with FaultyProxy(upstream, share, seed) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
