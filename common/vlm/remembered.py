"""Answers that were paid once are not paid again.

An answer is stored under the digest of what was asked and of who was asked.  With a model behind it
this is a cache; with a model that refuses everything it is a replay of what was recorded.

Of several who ask the same at once, on whatever instance, one asks the model, under a lease; the
others wait for its answer, or ask themselves after its lease has ended.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from common.codec import decode, encode
from common.errors import (
    BadInput,
    Claimed,
    ModelAnswerUnreadable,
    ModelBusy,
    ModelUnavailable,
    StoreError,
)
from common.geometry import Box
from common.vlm.base import Answer, Ask, Quote, Render, Rendered, Usage, VisionModel

T = TypeVar("T")
A = TypeVar("A")

Request: TypeAlias = "Ask[Any] | Render"

FORMAT = 3  # of stored entries; part of their name
LOOK_AGAIN = 0.5  # seconds between two looks for an answer that somebody else is waiting for

_NOT_STORED = "The answer could not be stored; asking the same again will cost again."


class Shelf(Protocol):
    """A place for bytes by name.  It may raise `StoreError`."""

    def get(self, name: str) -> bytes | None:
        """Return what was last put under the name, or None."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Keep the bytes under the name, in place of what was there."""
        ...

    def claimed(self, name: str) -> AbstractContextManager[bool]:
        """Hold the right to ask for `name` inside the block; True where nobody ever held it.

        Raises
        ------
        Claimed
            Somebody else holds it, and has not ended.
        """
        ...


@dataclass(frozen=True)
class Waiting:
    """How long to wait for an answer that somebody else has asked for.

    Attributes
    ----------
    seconds
        At most.
    clock, sleep
        Seconds since 1970; a pause.
    """

    seconds: float = 120.0
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


class RememberedModel:
    """A `VisionModel` that asks another one only what it has not answered yet.

    Parameters
    ----------
    model
        Who is asked.
    shelf
        Where answers are kept.
    identity
        What, beside the request, decides its answer: model, size, way of asking.
    since
        Answers stored before this moment, in seconds since 1970, do not count.
    waiting
        How long to wait for others.
    """

    def __init__(
        self,
        model: VisionModel,
        shelf: Shelf,
        identity: Callable[[Request], str],
        since: float = 0.0,
        waiting: Waiting | None = None,
    ) -> None:
        self._model = model
        self._shelf = shelf
        self._identity = identity
        self._since = since
        self._waiting = waiting or Waiting()

    @property
    def engine(self) -> str:
        """The engine of the model that is asked."""
        return self._model.engine

    def ask(self, ask: Ask[T]) -> Answer[T]:
        """Return the stored answer, or ask and store."""
        return self._once(ask, partial(_answer, ask), partial(self._ask, ask))

    def render(self, render: Render) -> Rendered:
        """Return the stored picture, or ask and store."""
        return self._once(render, _rendered, partial(self._render, render))

    def quote(self, request: Request) -> Quote:
        """Tell what the model would charge; nothing for what is stored."""
        quote = self._model.quote(request)
        try:
            stored = self._stored(self._name(request))
        except StoreError as error:
            raise _unreadable() from error
        return quote if stored is None else replace(quote, dollars=0.0)

    # --- one asks, the others wait ----------------------------------------------------------------

    def _once(
        self, request: Request, recall: Callable[[_Entry], A | None], pay: Callable[[str], A]
    ) -> A:
        """Return what is stored, or what whoever gets the claim is answered."""
        name = self._name(request)
        until = self._waiting.clock() + self._waiting.seconds
        while True:
            try:
                found = self._found(name, recall)
                if found is not None:
                    return found
                with self._shelf.claimed(name) as untouched:
                    # Whoever held the claim before may have stored since we looked.
                    found = None if untouched else self._found(name, recall)
                    return pay(name) if found is None else found
            except Claimed as held:
                self._wait(held, until)
            except StoreError as error:
                raise _unreadable() from error

    def _wait(self, held: Claimed, until: float) -> None:
        if self._waiting.clock() >= until:
            raise ModelBusy(
                "Another instance is asking the model for the very same thing.",
                advice="Ask again; its answer will then be remembered.",
                retry_after=held.retry_after,
            ) from held
        self._waiting.sleep(LOOK_AGAIN)

    def _ask(self, ask: Ask[T], name: str) -> Answer[T]:
        heard = _Heard(ask.read)
        answer = self._model.ask(replace(ask, read=heard.read))
        if not heard.text:  # the engine answered without words; there is nothing to keep
            return answer
        kept = self._entry(answer.usage, answer.notes, heard.text.encode())
        return replace(answer, notes=answer.notes + self._keep(name, kept))

    def _render(self, render: Render, name: str) -> Rendered:
        made = self._model.render(render)
        # To make a file takes longer than to send one, and who dies meanwhile has paid for nothing.
        body, part = (made.file, made.part) if made.file else (encode(made.image, "png"), None)
        kept = replace(
            self._entry(made.usage, made.notes, body),
            low_confidence=made.low_confidence,
            part=None if part is None else (part.top, part.left, part.bottom, part.right),
        )
        return replace(made, notes=made.notes + self._keep(name, kept))

    # --- the shelf --------------------------------------------------------------------------------

    def _name(self, request: Request) -> str:
        facts = [FORMAT, self._identity(request), request.digest()]
        if isinstance(request, Ask):
            facts.append(request.schema)
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def _found(self, name: str, recall: Callable[[_Entry], A | None]) -> A | None:
        entry = self._stored(name)
        return None if entry is None else recall(entry)

    def _stored(self, name: str) -> _Entry | None:
        data = self._shelf.get(name)
        entry = None if data is None else _unpacked(data)
        return entry if entry is not None and entry.stored >= self._since else None

    def _entry(self, usage: Usage, notes: tuple[str, ...], body: bytes) -> _Entry:
        return _Entry(usage.engine, usage.model, notes, self._waiting.clock(), body)

    def _keep(self, name: str, entry: _Entry) -> tuple[str, ...]:
        """Store the entry; an answer that was paid is never lost for want of a place to keep it."""
        try:
            self._shelf.put(name, _packed(entry))
        except StoreError:
            return (_NOT_STORED,)
        return ()


def _unreadable() -> ModelUnavailable:
    return ModelUnavailable(
        "Stored answers cannot be read, so the model is not asked: it might cost twice.",
        advice="Try again later.",
    )


@dataclass
class _Heard(Generic[T]):
    """Listens to the text that an engine reads an answer from."""

    reader: Callable[[str], T]
    text: str = ""

    def read(self, text: str) -> T:
        value = self.reader(text)
        self.text = text
        return value


# --- entries --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Entry:
    engine: str
    model: str
    notes: tuple[str, ...]
    stored: float
    body: bytes = field(repr=False)
    low_confidence: bool = False
    part: tuple[int, int, int, int] | None = None

    def usage(self) -> Usage:
        return Usage(self.engine, self.model, remembered=True)


def _answer(ask: Ask[T], entry: _Entry) -> Answer[T] | None:
    """Return what an entry answers; None where it is read by stricter rules than then."""
    try:
        return Answer(ask.read(entry.body.decode()), entry.usage(), entry.notes)
    except (ModelAnswerUnreadable, UnicodeDecodeError):
        return None


def _rendered(entry: _Entry) -> Rendered | None:
    try:
        image = decode(entry.body)
    except BadInput:
        return None
    image = image if entry.part is None else image.crop(Box(*entry.part))
    return Rendered(image, entry.usage(), entry.notes, entry.low_confidence)


def _packed(entry: _Entry) -> bytes:
    """Return a checksum, a line of JSON about the entry, and its body."""
    head = {
        "engine": entry.engine,
        "model": entry.model,
        "notes": entry.notes,
        "stored": entry.stored,
        "low_confidence": entry.low_confidence,
        "part": entry.part,
    }
    content = json.dumps(head).encode() + b"\n" + entry.body
    return _checksum(content) + b"\n" + content


def _unpacked(data: bytes) -> _Entry | None:
    """Return the entry, or None where a byte of it is damaged."""
    checksum, _, content = data.partition(b"\n")
    if checksum != _checksum(content):
        return None
    line, _, body = content.partition(b"\n")
    head = json.loads(line)
    head["notes"] = tuple(head["notes"])
    return _Entry(**head, body=body)


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
