"""Not too many at a time: each request that is worked on holds a seat, the others wait a little.

A picture of 12 megapixels takes some hundred megabytes while it is worked on.  Without seats the
platform would let in as many as there are threads, and the process would die of it, with all of
them.  Who gets no seat is told to come again, and its body is read to nowhere, so that it hears.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import flask
from werkzeug.exceptions import HTTPException

from common.errors import BodyTooSlow, Crowded
from functions._http import body_clock

PATIENCE = 5.0  # seconds that a request waits for a seat
POURING_SECONDS = 20.0  # for the body of one that gets none
RETRY_AFTER = 5.0
PIECE = 1 << 16


@cache
def _seats(together: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(together)


@contextmanager
def seat(request: flask.Request, together: int, patience: float = PATIENCE) -> Iterator[None]:
    """Hold one of `together` seats inside the block.

    Raises
    ------
    Crowded
        None became free in `patience` seconds.
    """
    seats = _seats(together)
    if not seats.acquire(timeout=patience):
        _pour_away(request)
        raise Crowded(
            f"This instance works on {together} requests at a time, and more are waiting.",
            advice="Try again, or use POST /v1/uploads.",
            retry_after=RETRY_AFTER,
        )
    try:
        yield
    finally:
        seats.release()


def _pour_away(request: flask.Request) -> None:
    """Read the body without keeping it: a reply before its end would be lost on the way."""
    limit = request.max_content_length
    if limit is not None and (request.content_length or 0) > limit:
        return
    gone = suppress(BodyTooSlow, HTTPException, OSError)
    with gone, body_clock.within(request, POURING_SECONDS):
        while request.stream.read(PIECE):
            pass
