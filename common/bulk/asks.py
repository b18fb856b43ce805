"""Asks that wait for a batch, and the answers that came, by key in the work bucket.

    batch/asks/<key>.json     what waits: its model, whose it is, what it may cost, in which batch
    batch/lines/<key>.json    the request itself, as a line for a batch's file
    batch/answers/<key>.json  the answer, or the failure in its place, and what it took
    batch/shared/<key>.json   marks an ask that was asked again while it waited: others may need it

An ask that is noted has no answer yet; the answer is written before the note is deleted.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from common.bulk import notes
from common.errors import ObjectMissing, PreconditionFailed
from common.store import Bucket

PLACE = "batch/"
ASKS, LINES, ANSWERS = f"{PLACE}asks/", f"{PLACE}lines/", f"{PLACE}answers/"
SHARED = f"{PLACE}shared/"
_SUFFIX = ".json"


class Wanted(Protocol):
    """A call that waits; see `common.vlm.gemini.collected.Wanted`."""

    @property
    def model(self) -> str:
        """Who is asked."""
        ...

    @property
    def dollars(self) -> float:
        """The most that it may cost."""
        ...

    @property
    def line(self) -> bytes:
        """The request as a line."""
        ...


@dataclass(frozen=True)
class Ask:
    """An ask that waits.

    Attributes
    ----------
    key
        Its identity.
    model
        Who is asked.
    name
        The input's that asked first: caps go by it.
    dollars
        The most that it may cost.
    size
        Of its line in bytes.
    since
        Seconds since 1970.
    tries
        How many batches have failed to answer it.
    job
        The batch that it was put into; empty where it waits for one.
    generation
        Of its note.
    """

    key: str
    model: str
    name: str
    dollars: float
    size: int
    since: float
    tries: int = 0
    job: str = ""
    generation: int = 0


class Asks:
    """All asks that wait, and the answers.

    Parameters
    ----------
    bucket
        The work bucket.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def add(self, key: str, name: str, wanted: Wanted, now: float) -> None:
        """Note an ask; one that is noted already, for whomever, stays as it is."""
        # In this order: the answer is written before the note goes.
        if self._bucket.stat(_at(ASKS, key)) or self._bucket.stat(_at(ANSWERS, key)):
            self._share(key)
            return
        self._bucket.write(_at(LINES, key), wanted.line, content_type="application/json")
        try:
            self._write(Ask(key, wanted.model, name, wanted.dollars, len(wanted.line), now), 0)
        except PreconditionFailed:
            self._share(key)

    def waiting(self) -> Iterator[Ask]:
        """Yield every ask that has no answer yet."""
        for name, note, generation in notes.listed(self._bucket, ASKS):
            with contextlib.suppress(TypeError):  # written by another version
                yield Ask(**note, key=name.removesuffix(_SUFFIX), generation=generation)

    def waits(self, key: str) -> bool:
        """Whether an ask has no answer yet."""
        return self._bucket.stat(_at(ASKS, key)) is not None

    def get(self, key: str) -> Ask | None:
        """Return an ask that has no answer yet."""
        note, generation = notes.read(self._bucket, _at(ASKS, key))
        return Ask(**note, key=key, generation=generation) if note else None

    def assign(self, ask: Ask, job: str, *, tried: bool = False) -> Ask | None:
        """Put an ask into a batch, or with an empty `job` back; None where somebody else did."""
        moved = replace(ask, job=job, tries=ask.tries + tried)
        try:
            return replace(moved, generation=self._write(moved, ask.generation))
        except PreconditionFailed:
            return None

    def line(self, key: str) -> bytes | None:
        """Return the request as a line; None where it is gone."""
        with contextlib.suppress(ObjectMissing):
            return self._bucket.read(_at(LINES, key))[0]
        return None

    def settle(self, key: str, answer: Mapping[str, Any]) -> None:
        """Write down the answer of an ask, which waits no more."""
        body = json.dumps(answer).encode()
        self._bucket.write(_at(ANSWERS, key), body, content_type="application/json")
        self.forget(key)

    def forget(self, key: str) -> None:
        """Let an ask wait no more."""
        notes.delete(self._bucket, _at(ASKS, key))
        notes.delete(self._bucket, _at(LINES, key))

    def answer(self, key: str) -> dict[str, Any] | None:
        """Return ``{"response": ..}`` or ``{"error": ..}``, with what it took; None if not yet."""
        answer, _ = notes.read(self._bucket, _at(ANSWERS, key))
        return answer or None

    def drop(self, key: str) -> None:
        """Throw an answer away: who asked for it needs it no more."""
        notes.delete(self._bucket, _at(ANSWERS, key))
        notes.delete(self._bucket, _at(SHARED, key))

    def is_shared(self, key: str) -> bool:
        """Whether more than one input may have asked it."""
        return self._bucket.stat(_at(SHARED, key)) is not None

    def _share(self, key: str) -> None:
        self._bucket.write(_at(SHARED, key), b"{}", content_type="application/json")

    def _write(self, ask: Ask, generation: int) -> int:
        note = asdict(ask)
        del note["key"], note["generation"]
        return notes.write(self._bucket, _at(ASKS, ask.key), note, generation)


class Visit:
    """One run of one input: what it asked, what it was answered, and what that took.

    Parameters
    ----------
    asks
        Where asks and answers are.
    name
        The input's.
    clock
        Seconds since 1970.
    """

    def __init__(self, asks: Asks, name: str, clock: Callable[[], float]) -> None:
        self._asks = asks
        self._name = name
        self._clock = clock
        self.awaited: list[str] = []
        self.took: dict[str, dict[str, float]] = {}

    def answer(self, key: str) -> Mapping[str, Any] | None:
        """Return the answer of a batch, None where there is none yet."""
        answer = self._asks.answer(key)
        if answer is not None:
            self.took[key] = {what: answer[what] for what in TOOK if what in answer}
        return answer

    def add(self, key: str, wanted: Callable[[], Wanted]) -> None:
        """Have a batch answer a call."""
        self._asks.add(key, self._name, wanted(), self._clock())
        self.awaited.append(key)


TOOK = ("dollars", "input_tokens", "output_tokens")  # of an answer


def _at(place: str, key: str) -> str:
    return f"{place}{key}{_SUFFIX}"
