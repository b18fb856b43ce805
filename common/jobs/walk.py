"""Which inputs have a result: two sorted lists, read side by side, and no look at each object.

The input's names and their results' come in almost the same order: ``a.jpg`` and ``a.json`` sort
alike among others, but ``a.k.jpg`` stands before ``a.png`` and ``a.k.json`` after ``a.json``.  A
small store of inputs, put in order of their results' names, evens that out.  Where an input's
result is not met on the way (its name was taken by another's, the order was too wild), it is looked
for by itself; so the lists only save looks, and never decide that a result is missing.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from common.jobs.inputs import is_input
from common.jobs.job import Buckets, Source
from common.jobs.results import DONE, FAILED, find, places, told
from common.store import Stored

HELD = 1000  # inputs that are held to put them in order: one page of a list


@dataclass(frozen=True)
class Seen:
    """An input, and what became of it: ``done``, ``failed``, or nothing yet."""

    stored: Stored
    source: Source
    outcome: str


@dataclass(order=True)
class _Place:
    """An input by the name of its result."""

    name: str
    stored: Stored = field(compare=False)


class Walk:
    """One walk over the inputs of an operation; of a million, a thousand are held at a time.

    Parameters
    ----------
    start
        Where an earlier walk stopped, as its `position` told.
    """

    def __init__(self, buckets: Buckets, operation: str, start: str = "") -> None:
        self._buckets = buckets
        self._operation = operation
        self._inputs = buckets.input.list(f"{operation}/", start)
        # The result of `start` begins like it, up to some dot.
        self._results = buckets.output.list(f"{operation}/", start.partition(".")[0])
        self._result: Stored | None = None
        self._held: list[_Place] = []

    def __iter__(self) -> Iterator[Seen]:
        """Yield every input."""
        self._result = next(self._results, None)
        for stored in self._inputs:
            if is_input(stored.name, stored.size):
                heapq.heappush(self._held, _Place(self._place(stored.name), stored))
            if len(self._held) > HELD:
                yield self._seen()
        while self._held:
            yield self._seen()

    def position(self) -> str:
        """Return the first name that was not passed; empty at the end."""
        return min((place.stored.name for place in self._held), default="")

    def _place(self, name: str) -> str:
        return f"{next(places(self._operation, name))}.json"

    def _seen(self) -> Seen:
        place = self._held[0]
        source = Source(self._buckets.input.name, place.stored.name, place.stored.generation)
        while self._result and self._result.name < place.name:
            self._result = next(self._results, None)
        outcome = ""
        if self._result and self._result.name == place.name:
            outcome = told(self._result, source)
        heapq.heappop(self._held)
        return Seen(place.stored, source, outcome or self._looked_up(source))

    def _looked_up(self, source: Source) -> str:
        found = find(self._buckets.output, self._operation, source)
        if found is None or found.source.generation < source.generation:
            return ""
        return FAILED if found.failed else DONE
