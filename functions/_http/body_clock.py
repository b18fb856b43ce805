"""A body must arrive in its time: one that drips in would hold a seat that others wait for."""

from __future__ import annotations

import heapq
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import flask
from werkzeug.exceptions import ClientDisconnected, HTTPException

from common.errors import BodyTooSlow, StudioError

SOCKETS = ("gunicorn.socket", "werkzeug.socket")  # where the servers leave the connection
THREAD = "bodies"


@dataclass(order=True)
class _Deadline:
    """When a connection's reading side is closed, unless its body is there before.

    Attributes
    ----------
    moment
        On the monotonic clock.
    connection
        None once nobody waits any more.
    came
        Whether it was closed.
    """

    moment: float
    connection: socket.socket | None = field(compare=False)
    came: bool = field(default=False, compare=False)

    def cut(self) -> None:
        connection, self.connection = self.connection, None
        if connection is None:
            return
        self.came = True
        try:
            connection.shutdown(socket.SHUT_RD)
        except OSError:
            return  # it has ended by itself


class _Clock:
    """One thread that keeps all deadlines: to start one for each request took .2 ms.

    It sleeps until the earliest deadline, also where that body has come long since; so it is woken
    for a new one only where no earlier one is kept, and hardly ever under load.
    """

    def __init__(self) -> None:
        self._deadlines: list[_Deadline] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def set(self, connection: socket.socket, seconds: float) -> _Deadline:
        deadline = _Deadline(time.monotonic() + seconds, connection)
        with self._changed:
            heapq.heappush(self._deadlines, deadline)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name=THREAD, daemon=True)
                self._thread.start()
            elif self._deadlines[0] is deadline:
                self._changed.notify()
        return deadline

    def _watch(self) -> None:
        while True:
            self._next().cut()

    def _next(self) -> _Deadline:
        """Wait for the earliest deadline and take it out."""
        with self._changed:
            while not (self._deadlines and self._left() <= 0):
                self._changed.wait(self._left() if self._deadlines else None)
            return heapq.heappop(self._deadlines)

    def _left(self) -> float:
        return self._deadlines[0].moment - time.monotonic()


_clock = _Clock()


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
    deadline = _clock.set(connection, seconds)
    try:
        yield
    except (HTTPException, StudioError) as failure:
        if deadline.came or isinstance(failure, ClientDisconnected):
            raise _too_slow(seconds) from None  # gunicorn gives what came as if it were all
        raise
    finally:
        deadline.connection = None
    if deadline.came:
        raise _too_slow(seconds)


def _too_slow(seconds: float) -> BodyTooSlow:
    return BodyTooSlow(
        f"The body ended before its end, or had not arrived after {seconds:g} seconds.",
        advice="Send it again, or use POST /v1/uploads.",
    )
