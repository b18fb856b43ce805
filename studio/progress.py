"""How far a batch is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import TextIO

BAR = 24  # characters
CLEAR = "\r\x1b[K"


class Progress:
    """Tells of each finished photo, and on a terminal draws how many are left.

    Parameters
    ----------
    total
        Number of photos; of a single one only the outcome is told.
    stream
        Standard error.
    """

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._done = 0
        self._stream = stream
        self._bar = total > 1 and stream.isatty()
        self._draw()

    def step(self, outcome: str) -> None:
        """Count one more; tell its outcome, if there is anything to tell."""
        self._done += 1
        count = f"[{self._done}/{self._total}] " if self._total > 1 and not self._bar else ""
        if outcome:
            self.above(f"{count}{outcome}")
        self._draw()

    def above(self, line: str) -> None:
        """Write a line; the bar stays below."""
        self.clear()
        print(line, file=self._stream)
        self._draw()

    def clear(self) -> None:
        """Take the bar away, so that somebody else may write."""
        if self._bar:
            print(CLEAR, end="", file=self._stream, flush=True)

    def _draw(self) -> None:
        if not self._bar or self._done == self._total:
            return
        full = BAR * self._done // self._total
        bar = "#" * full + "." * (BAR - full)
        print(f"{CLEAR}[{bar}] {self._done}/{self._total}", end="", file=self._stream, flush=True)
