"""A body must arrive in its time: one that drips in would hold a seat that others wait for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import flask
from werkzeug.exceptions import ClientDisconnected

from common.errors import BodyTooSlow

SOCKETS = ("gunicorn.socket", "werkzeug.socket")  # where the servers leave the connection


class _Cut(threading.Timer):
    """Closes a connection's reading side after some seconds."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        super().__init__(seconds, self._cut)
        self.daemon = True
        self.came = False
        self._connection = connection

    def _cut(self) -> None:
        self.came = True
        try:
            self._connection.shutdown(socket.SHUT_RD)
        except OSError:
            return  # it has ended by itself


@contextmanager
def within(request: flask.Request, seconds: float) -> Iterator[None]:
    """Read the body inside the block; what has not come in `seconds` is not waited for.

    The reading side of the connection is closed then: a limit for each single read would let a
    drip of bytes go on for ever.

    Raises
    ------
    BodyTooSlow
        The time was over, or the caller has gone.
    """
    connection = next((request.environ[key] for key in SOCKETS if key in request.environ), None)
    if connection is None:
        yield  # no server says where the body comes from: it is here as a whole
        return
    cut = _Cut(connection, seconds)
    cut.start()
    try:
        yield
    except ClientDisconnected:
        raise _too_slow(seconds) from None
    finally:
        cut.cancel()
    if cut.came:
        raise _too_slow(seconds)


def _too_slow(seconds: float) -> BodyTooSlow:
    return BodyTooSlow(
        f"The body ended before its end, or had not arrived after {seconds:g} seconds.",
        advice="Send it again, or use POST /v1/uploads.",
    )
