"""What is sent to Gemini, and what is sent next when the answer is not what it should be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from common.errors import (
    ModelAnswerUnreadable,
    ModelCutShort,
    ModelEmpty,
    ModelError,
    ModelLost,
    ModelTimeout,
)
from common.image import Image
from common.prompts import fill
from common.vlm.gemini.framing import unpacked
from common.vlm.gemini.reply import MAX_TOKENS, Reply, picture_of, text_of
from common.vlm.prices import PICTURE_IN, Tokens, word_tokens

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Part = dict[str, Any]

ANSWER_TOKENS = 8192  # 25 entries and low thinking take a third; a loop must not cost a fortune
LARGER_ANSWER_TOKENS = 32_768
LONGEST_REPAIR = 20_000  # characters of an unreadable answer that are worth mending
THOUGHTS = 1000  # tokens of thinking that a picture may come with; more is seen on the bill


class Call(Protocol[T_co]):
    """One request to a model, which knows how to judge its answer and what to send after it."""

    @property
    def model(self) -> str:
        """The model's id."""
        ...

    @property
    def parts(self) -> tuple[Part, ...]:
        """Pictures and words, in the SDK's names."""
        ...

    @property
    def serves(self) -> str:
        """The digest of the request that the call serves; empty where nobody asks for it."""
        ...

    def config(self) -> dict[str, Any]:
        """Return the generation's configuration, in the SDK's names."""
        ...

    @property
    def pictures(self) -> int:
        """How many pictures it asks for."""
        ...

    def most(self) -> Tokens:
        """Return what the call may take, rather too much than too little."""
        ...

    def seconds(self, left: float) -> float:
        """Return how much of the time left this call may take."""
        ...

    def judge(self, reply: Reply) -> T_co:
        """Return what was wanted of the reply, or raise a `ModelError`."""
        ...

    def after(self, failure: ModelError, reply: Reply | None) -> Call[T_co] | None:
        """Return the call to send after a failure, or None where none makes sense."""
        ...


@dataclass(frozen=True)
class Question(Generic[T]):
    """A question with a JSON answer.

    Attributes
    ----------
    model, parts, schema, read
        What is asked of whom, the answer's schema, and how its text is read.
    serves
        The digest of the request.
    budget
        Most tokens of the answer.
    repeated, repairs
        Whether the question was put again in other words; whether this is the repair of an answer.
    """

    model: str
    parts: tuple[Part, ...]
    schema: dict[str, Any]
    read: Callable[[str], T]
    serves: str = ""
    budget: int = ANSWER_TOKENS
    repeated: bool = False
    repairs: bool = False

    def config(self) -> dict[str, Any]:
        """Return JSON by the schema, with little thinking."""
        return {
            "response_mime_type": "application/json",
            "response_schema": self.schema,
            "thinking_config": {"thinking_level": "LOW"},  # MINIMAL is an error
            "max_output_tokens": self.budget,
        }

    @property
    def pictures(self) -> int:
        """None: the answer is words."""
        return 0

    def most(self) -> Tokens:
        """Return a whole budget of words."""
        return Tokens(taken=_taken(self.parts), words=self.budget)

    def seconds(self, left: float) -> float:
        """Return half the time left, so that a question that hangs can be put again."""
        return left / 2

    def judge(self, reply: Reply) -> T:
        """Return the value read from the answer; a cut answer counts once there is no larger."""
        text = self._text(reply)
        cut = reply.finish == MAX_TOKENS
        if cut and self.budget < LARGER_ANSWER_TOKENS:
            raise _cut_short()
        try:
            return self.read(text)
        except ModelAnswerUnreadable as error:
            raise (_cut_short() if cut else error) from None

    def _text(self, reply: Reply) -> str:
        try:
            return text_of(reply)
        except ModelEmpty:
            if reply.finish == MAX_TOKENS:  # the thoughts ate the budget
                raise _cut_short() from None
            raise

    def after(self, failure: ModelError, reply: Reply | None) -> Question[T] | None:
        """Return the same again, a larger budget, other words, or the wish to mend the answer."""
        match failure:
            case ModelCutShort():
                larger = replace(self, budget=LARGER_ANSWER_TOKENS)
                return larger if self.budget < LARGER_ANSWER_TOKENS else None
            case ModelEmpty():
                return None if self.repeated else self._in_other_words()
            case ModelAnswerUnreadable():
                return None if self.repairs or reply is None else self._mending(reply.text)
            case ModelTimeout():
                return self
            case _:
                return self if failure.retryable else None

    def _in_other_words(self) -> Question[T]:
        words = {"text": fill("json_only").text}
        return replace(self, parts=(*self.parts, words), repeated=True)

    def _mending(self, answer: str) -> Question[T]:
        words = {"text": fill("repair", answer=answer[:LONGEST_REPAIR]).text}
        return replace(self, parts=(words,), repairs=True)


@dataclass(frozen=True)
class Painted:
    """A picture, and the file that it came as."""

    image: Image
    file: bytes


@dataclass(frozen=True)
class Painting:
    """A wish for a picture.

    Attributes
    ----------
    model, parts
        What is asked of whom.
    aspect, size
        The ratio's name and ``1K``, ``2K`` or ``4K``.
    tokens
        Of one picture of that size.
    largest
        The longest answer of the model in tokens.
    serves
        The digest of the request.
    budget
        Most tokens of the answer; None leaves it to the model.
    repeated, lost
        Whether the wish was put in other words; whether an answer was already lost on the way.
    """

    model: str
    parts: tuple[Part, ...]
    aspect: str
    size: str
    tokens: int
    largest: int
    serves: str = ""
    budget: int | None = None
    repeated: bool = False
    lost: bool = False

    def config(self) -> dict[str, Any]:
        """Return one picture of the ratio and size; sampling is the model's own business."""
        config: dict[str, Any] = {
            "response_modalities": ["IMAGE"],
            "image_config": {"aspect_ratio": self.aspect, "image_size": self.size},
        }
        return config if self.budget is None else config | {"max_output_tokens": self.budget}

    @property
    def pictures(self) -> int:
        """One."""
        return 1

    def most(self) -> Tokens:
        """Return a picture and some thoughts, or a picture and all the words of the budget."""
        words = THOUGHTS if self.budget is None else max(0, self.budget - self.tokens)
        return Tokens(taken=_taken(self.parts), words=words, picture=self.tokens)

    def seconds(self, left: float) -> float:
        """Return all the time left: a picture that was given up may be billed all the same."""
        return left

    def judge(self, reply: Reply) -> Painted:
        """Return the picture and its file."""
        try:
            file = picture_of(reply)
            return Painted(unpacked(file), file)
        except ModelEmpty:
            if reply.finish == MAX_TOKENS:
                raise _cut_short() from None
            raise

    def after(self, failure: ModelError, reply: Reply | None) -> Painting | None:  # noqa: ARG002
        """Return the same again, a larger budget or other words; never after a timeout."""
        match failure:
            case ModelCutShort():
                return replace(self, budget=self.largest) if self.budget is None else None
            case ModelEmpty():
                return None if self.repeated else self._in_other_words()
            case ModelLost():
                return None if self.lost else replace(self, lost=True)
            case ModelTimeout() | ModelAnswerUnreadable():
                return None
            case _:
                return self if failure.retryable else None

    def _in_other_words(self) -> Painting:
        words = {"text": fill("picture_only").text}
        return replace(self, parts=(*self.parts, words), repeated=True)


def picture_part(data: bytes, mime: str) -> Part:
    """Return a picture as a part of a request."""
    return {"inline_data": {"data": data, "mime_type": mime}}


def _taken(parts: tuple[Part, ...]) -> int:
    return sum(word_tokens(part["text"]) if "text" in part else PICTURE_IN for part in parts)


def _cut_short() -> ModelCutShort:
    return ModelCutShort(
        "The model's answer ended at its token limit.",
        advice="Ask for less: fewer things, or a smaller crop.",
    )
