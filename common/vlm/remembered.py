"""Answers that were paid once are not paid again.

An answer is stored under the digest of what was asked and of who was asked.  With a model behind it
this is a cache; with a model that refuses everything it is a replay of what was recorded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from common.codec import decode, encode
from common.errors import BadInput, ModelAnswerUnreadable, ModelUnavailable, StoreError
from common.vlm.base import Answer, Ask, Quote, Render, Rendered, Usage, VisionModel

T = TypeVar("T")

FORMAT = 1  # of stored entries; part of their name

_NOT_STORED = "The answer could not be stored; asking the same again will cost again."


class Shelf(Protocol):
    """A place for bytes by name.  It may raise `StoreError`."""

    def get(self, name: str) -> bytes | None:
        """Return what was put under the name, or None."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Keep the bytes under the name."""
        ...


class RememberedModel:
    """A `VisionModel` that asks another one only what it has not answered yet.

    Parameters
    ----------
    model
        Who is asked.
    shelf
        Where answers are kept.
    identity
        What, beside the request, decides the answer: model ids and parameters.
    """

    def __init__(self, model: VisionModel, shelf: Shelf, identity: str) -> None:
        self._model = model
        self._shelf = shelf
        self._identity = identity

    @property
    def engine(self) -> str:
        """The engine of the model that is asked."""
        return self._model.engine

    def ask(self, ask: Ask[T]) -> Answer[T]:
        """Return the stored answer, or ask and store."""
        name = self._name(ask)
        entry = self._stored(name)
        if entry is not None:
            try:
                value = ask.read(entry.body.decode())
                return Answer(value, entry.usage(), entry.notes)
            except (ModelAnswerUnreadable, UnicodeDecodeError):
                pass  # damaged, or read by stricter rules than then: asked anew
        heard = _Heard(ask.read)
        answer = self._model.ask(replace(ask, read=heard.read))
        if not heard.text:  # the engine answered without words; there is nothing to keep
            return answer
        kept = _Entry(answer.usage.engine, answer.usage.model, answer.notes, heard.text.encode())
        return replace(answer, notes=answer.notes + self._keep(name, kept))

    def render(self, render: Render) -> Rendered:
        """Return the stored picture, or ask and store."""
        name = self._name(render)
        entry = self._stored(name)
        if entry is not None:
            try:
                image = decode(entry.body)
                return Rendered(image, entry.usage(), entry.notes, entry.low_confidence)
            except BadInput:
                pass  # damaged: asked anew
        rendered = self._model.render(render)
        usage = rendered.usage
        kept = _Entry(
            usage.engine,
            usage.model,
            rendered.notes,
            encode(rendered.image, "png"),
            rendered.low_confidence,
        )
        return replace(rendered, notes=rendered.notes + self._keep(name, kept))

    def quote(self, request: Ask[Any] | Render) -> Quote:
        """Tell what the model would charge; nothing for what is stored."""
        quote = self._model.quote(request)
        stored = self._stored(self._name(request))
        return quote if stored is None else replace(quote, dollars=0.0)

    def _name(self, request: Ask[Any] | Render) -> str:
        facts = [FORMAT, self._identity, request.digest()]
        if isinstance(request, Ask):
            facts.append(request.schema)
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def _stored(self, name: str) -> _Entry | None:
        try:
            data = self._shelf.get(name)
        except StoreError as error:
            raise ModelUnavailable(
                "Stored answers cannot be read, so the model is not asked: it might cost twice.",
                advice="Try again later.",
            ) from error
        return None if data is None else _unpacked(data)

    def _keep(self, name: str, entry: _Entry) -> tuple[str, ...]:
        """Store the entry; an answer that was paid is never lost for want of a place to keep it."""
        try:
            self._shelf.put(name, _packed(entry))
        except StoreError:
            return (_NOT_STORED,)
        return ()


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
    body: bytes = field(repr=False)
    low_confidence: bool = False

    def usage(self) -> Usage:
        return Usage(self.engine, self.model, remembered=True)


def _packed(entry: _Entry) -> bytes:
    """Return a checksum, a line of JSON about the entry, and its body."""
    head = {
        "engine": entry.engine,
        "model": entry.model,
        "notes": entry.notes,
        "low_confidence": entry.low_confidence,
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
    return _Entry(head["engine"], head["model"], tuple(head["notes"]), body, head["low_confidence"])


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
