"""So many calls at a time and so many pictures a minute, in this process."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from common.errors import ModelBusy

MINUTE = 60.0  # seconds


class Pacer:
    """Limits that all threads of a process share.

    Parameters
    ----------
    together
        Most calls at a time.
    pictures
        Most pictures begun in any `minute`.
    minute
        Its length in seconds.
    clock
        Seconds that only grow.
    """

    def __init__(
        self,
        together: int,
        pictures: int,
        minute: float = MINUTE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._together = together
        self._pictures = pictures
        self._minute = minute
        self._clock = clock
        self._moved = threading.Condition()
        self._running = 0
        self._begun: deque[float] = deque()
        self._held_until = clock()

    @contextmanager
    def turn(self, pictures: int, seconds: float) -> Iterator[None]:
        """Hold the turn of a call for so many pictures inside the block.

        Raises
        ------
        ModelBusy
            It would not come within `seconds`.
        """
        self._begin(pictures, self._clock() + seconds)
        try:
            yield
        finally:
            with self._moved:
                self._running -= 1
                self._moved.notify_all()

    def hold(self, seconds: float) -> None:
        """Let nobody begin for a while: the other side has asked for it."""
        with self._moved:
            self._held_until = max(self._held_until, self._clock() + seconds)

    def _begin(self, pictures: int, until: float) -> None:
        with self._moved:
            while (wait := self._wait(pictures)) > 0 or self._running >= self._together:
                left = until - self._clock()
                if wait > left or left <= 0:
                    raise _busy(wait)
                self._moved.wait(min(wait, left) if wait > 0 else left)
            self._running += 1
            self._begun.extend([self._clock()] * pictures)

    def _wait(self, pictures: int) -> float:
        """Return the seconds until the limits of time let a call begin; 0 or less is now."""
        now = self._clock()
        while self._begun and self._begun[0] <= now - self._minute:
            self._begun.popleft()
        full = pictures and len(self._begun) + pictures > self._pictures
        room = self._begun[0] + self._minute - now if full and self._begun else 0.0
        return max(room, self._held_until - now)


def _busy(wait: float) -> ModelBusy:
    return ModelBusy(
        "This instance asks as many models, or for as many pictures a minute, as it may.",
        advice="Try again in a minute.",
        retry_after=max(1.0, round(wait, 1)),
    )
