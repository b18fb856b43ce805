"""Calls the sweep as Cloud Scheduler does, so that the laptop shows the cloud's behaviour."""

from __future__ import annotations

import logging
import threading
from http.client import HTTPException

from functions import _log
from studio.watcher import Deliver

EVERY_SECONDS = 900.0


class Clock:
    """Delivers an empty message to ``sweep`` again and again, first after one interval.

    Parameters
    ----------
    deliver
        The watcher's way to the functions.
    seconds
        The interval.
    """

    def __init__(self, deliver: Deliver, seconds: float = EVERY_SECONDS) -> None:
        self._deliver = deliver
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)

    def start(self) -> None:
        """Begin to call."""
        self._thread.start()

    def stop(self) -> None:
        """Call no more; a sweep that runs is not waited for."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                status = self._deliver("sweep", b"")
            except (OSError, HTTPException) as error:
                _log.write(logging.WARNING, "The sweep could not be called.", reason=str(error))
                continue
            if status != 200:
                _log.write(logging.WARNING, f"The sweep answered {status}; it will be tried again.")
