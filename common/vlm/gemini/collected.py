"""Calls that are not sent but collected, for a batch to answer at half the price.

A call has a key.  Where a batch has answered it, the answer is read as if it had just come, so that
all that judges, repairs and bills an answer is the same as ever; where none has, the call is handed
over as a line for a batch's file and `Parked` is raised.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from common.errors import ModelError, ModelRequestWrong, Parked
from common.vlm.gemini.calls import Call, Part
from common.vlm.gemini.failures import failure_of_status
from common.vlm.gemini.reply import read_reply
from common.vlm.prices import Price, dollars, in_bulk, price_of

FORMAT = 1  # of keys; raise it when the same call would be another one
KEY_LENGTH = 32  # hex digits: 128 bits never meet by chance

Send = Callable[[Call[Any], float], object]


@dataclass(frozen=True)
class Wanted:
    """A call that waits for a batch: its model, the most it may cost, its line of the file."""

    model: str
    dollars: float
    line: bytes


class Collection(Protocol):
    """Where calls are collected and answers are found; see `common.bulk.Visit`."""

    def answer(self, key: str) -> Mapping[str, Any] | None:
        """Return ``{"response": ..}`` or ``{"error": ..}``; None where there is none yet."""
        ...

    def add(self, key: str, wanted: Callable[[], Wanted]) -> None:
        """Collect a call, unless it is collected already."""
        ...


class Collected:
    """A way to send that sends nothing.

    Parameters
    ----------
    collection
        Where calls are collected and answers are found.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def __call__(self, call: Call[Any], seconds: float) -> object:  # noqa: ARG002 - it takes none
        """Return the answer's JSON.

        Raises
        ------
        Parked
            There is none yet; the call is collected.
        ModelError
            The batch gave a failure for an answer.
        """
        key = key_of(call)
        answer = self._collection.answer(key)
        if answer is None:
            self._collection.add(key, lambda: _wanted(call, key))
            raise Parked(
                "This waits for the answer of a batch.",
                advice="It goes on by itself once the batch has ended.",
            )
        if "error" in answer:
            raise failure_of_error(answer["error"])
        return answer.get("response")


def key_of(call: Call[Any]) -> str:
    """Return the call's identity: what it serves, whom it asks, and in which words.

    The picture's bytes are left out: another version of an encoder must not ask anew for what is
    paid already; whose pixels they are is told by what the call serves.
    """
    words = [part["text"] for part in call.parts if "text" in part]
    facts = [FORMAT, call.model, call.config(), words, call.serves]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:KEY_LENGTH]


def bulk_price(model: str) -> Price:
    """Return what a model costs today in a batch.

    Raises
    ------
    ModelUnknown
        It has no known price.
    """
    return in_bulk(price_of(model, datetime.now(UTC).date()))


@dataclass(frozen=True)
class Bill:
    """What an answer took: dollars at a batch's price, and tokens by direction."""

    dollars: float
    input_tokens: int
    output_tokens: int


def bill(model: str, response: object) -> Bill | None:
    """Return what an answer's ``usageMetadata`` comes to; None where it tells nothing."""
    tokens = read_reply(response).tokens
    if tokens is None:
        return None
    return Bill(dollars(bulk_price(model), tokens), tokens.taken, tokens.given)


# --- failures of single lines ---------------------------------------------------------------------

# Codes of google.rpc.Status as HTTP has them; a line's error may bear either.
_HTTP = {
    1: 499,
    2: 500,
    3: 400,
    4: 504,
    5: 404,
    6: 409,
    7: 403,
    8: 429,
    9: 400,
    10: 409,
    11: 400,
    12: 501,
    13: 500,
    14: 503,
    15: 500,
    16: 401,
}


def _kinds(root: type[ModelError]) -> dict[str, type[ModelError]]:
    below = [_kinds(kind) for kind in root.__subclasses__()]
    return {root.code: root} | {code: kind for each in below for code, kind in each.items()}


def failure_of_error(error: object) -> ModelError:
    """Return what the error of a line means, or one that the studio noted in its place."""
    told = error if isinstance(error, Mapping) else {"message": str(error)}
    code = told.get("code")
    if isinstance(code, str):
        kind = _kinds(ModelError).get(code, ModelError)
        return kind(str(told.get("message")), advice=str(told.get("advice", "")))
    if not isinstance(code, int):
        return ModelRequestWrong(f"The batch did not accept the request. {told.get('message')}")
    return failure_of_status(_HTTP.get(code, code), {"error": dict(told)}, {})


# --- a call as a line -----------------------------------------------------------------------------


def _wanted(call: Call[Any], key: str) -> Wanted:
    most = dollars(bulk_price(call.model), call.most())
    line = {"key": key, "request": request_of(call)}
    return Wanted(call.model, most, json.dumps(line, ensure_ascii=False).encode() + b"\n")


def request_of(call: Call[Any]) -> dict[str, Any]:
    """Return a call's ``GenerateContentRequest`` in the names of the wire."""
    return {
        "contents": [{"role": "user", "parts": [_part(part) for part in call.parts]}],
        "generationConfig": _on_the_wire(call.config()),
    }


def _part(part: Part) -> dict[str, Any]:
    if "text" in part:
        return {"text": part["text"]}
    picture = part["inline_data"]
    data = base64.b64encode(picture["data"]).decode()
    return {"inlineData": {"mimeType": picture["mime_type"], "data": data}}


def _on_the_wire(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with keys in camel case; a schema's properties keep their names."""
    return {
        _camel(name): {own: _value(schema) for own, schema in value.items()}
        if name == "properties"
        else _value(value)
        for name, value in config.items()
    }


def _value(value: object) -> object:
    return _on_the_wire(value) if isinstance(value, Mapping) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
