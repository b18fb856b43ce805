"""A proxy that passes everything on and loses the answers of some uploads."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_OF_ONE_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@contextlib.contextmanager
def serve(upstream: str, lose: int) -> Iterator[str]:
    """Serve on loopback before `upstream`; the first `lose` uploads succeed and answer 503."""
    losses = threading.Semaphore(lose)

    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            line = http.client.HTTPConnection(urlsplit(upstream).netloc, timeout=10)
            try:
                line.request(self.command, self.path, body, dict(self.headers))
                answer = line.getresponse()
                status, data, headers = answer.status, answer.read(), answer.getheaders()
            finally:
                line.close()
            if self.path.startswith("/upload/") and losses.acquire(blocking=False):
                status, data = 503, b"the answer was lost"
            self.send_response(status)
            for key, value in headers:
                if key.lower() not in _OF_ONE_HOP:
                    self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = _pass_on  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{proxy.server_port}"
        finally:
            proxy.shutdown()
            thread.join()
