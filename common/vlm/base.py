"""What an operation may ask of a model, and what it gets.

An operation speaks to every engine in the same two ways: `VisionModel.ask` for facts as JSON and
`VisionModel.render` for a picture.  A request carries both the words (for a language model) and the
intent behind them (for an engine that reads no words), so that no engine guesses from a prompt.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar

from common.geometry import Box, Box2d
from common.image import Image, Mask
from common.prompts import Prompt

T = TypeVar("T")

Colour = tuple[int, int, int]
Quality = Literal["fast", "standard", "pro"]
Sensitivity = Literal["low", "normal", "high"]


# --- intents --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Find:
    """Find objects, text or both; `query` in the user's words, empty for all that stands out.

    Attributes
    ----------
    named
        Only what the query names: an engine that understands no words must not give what stands
        out in its place.
    sensitivity
        How much is taken for a find.
    """

    query: str = ""
    objects: bool = True
    text: bool = True
    named: bool = False
    sensitivity: Sensitivity = "normal"


@dataclass(frozen=True)
class OnBacking:
    """The subject alone on one flat backing; `subject` in words, empty for the salient one."""

    backing: Colour
    subject: str = ""


@dataclass(frozen=True, eq=False)
class Without:
    """The same picture with something gone.

    Attributes
    ----------
    regions
        Boxes, in pixels of the request's image: one round each thing that is to go.
    hole
        bool (H, W) of the request's image: the pixels of what is to go, with their rims.
    """

    regions: tuple[Box, ...]
    hole: Mask


@dataclass(frozen=True)
class Extended:
    """The scene carried on over the whole canvas; `frame` holds the photo, the rest is blank."""

    frame: Box


Intent = Find | OnBacking | Without | Extended


# --- requests -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ask(Generic[T]):
    """A question about a picture with a JSON answer.

    Attributes
    ----------
    image
        What the model sees.
    intent, prompt
        What is wanted, as data and as words.
    schema
        The answer's JSON schema, flat.
    read
        Text of an answer -> value; raises `ModelAnswerUnreadable`.
    """

    image: Image
    intent: Find
    prompt: Prompt
    schema: dict[str, Any]
    read: Callable[[str], T]

    def digest(self) -> str:
        """Return the identity of the question in hex: pixels, intent, prompt and its version."""
        return _digest(self.image, self.intent, self.prompt)


@dataclass(frozen=True)
class Render:
    """A wish for a picture of the whole of `image`, of about its ratio, of whatever size.

    Attributes
    ----------
    image
        What the model sees.
    intent, prompt
        What is wanted, as data and as words.
    quality
        How good a model may be asked, at what price; an engine that has only one takes that.
    """

    image: Image
    intent: OnBacking | Without | Extended
    prompt: Prompt
    quality: Quality = "standard"

    def digest(self) -> str:
        """Return the identity of the wish in hex: pixels, intent, prompt and its version.

        Which model and size the quality comes to is part of the engine's identity, not of the
        wish's: where two qualities come to the same, the answer is the same.
        """
        return _digest(self.image, self.intent, self.prompt)


def _digest(image: Image, intent: Intent, prompt: Prompt) -> str:
    facts = {"intent": type(intent).__name__, **asdict(intent), "prompt": asdict(prompt)}
    seen = hashlib.sha256(image.digest().encode())
    seen.update(json.dumps(facts, sort_keys=True, default=_of_pixels).encode())
    return seen.hexdigest()


def _of_pixels(mask: Mask) -> str:
    return hashlib.sha256(f"{mask.shape}".encode() + mask.tobytes()).hexdigest()


# --- answers --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Usage:
    """What an answer took: who gave it, calls, tokens by direction, dollars.

    A `ModelError` tells the same of a failure in its ``details``, where there is something to tell:
    ``calls``, ``attempts``, ``dollars``, ``dollars_in_doubt``.

    Attributes
    ----------
    engine
        ``gemini``, ``embedded``, ``given`` or ``scripted``.
    model
        The model's own id, or the weights' names.
    calls, attempts
        Answers that were given, and requests that were sent.
    dollars_in_doubt
        Of answers that were lost on the way and may have been charged.
    remembered
        The answer was stored: nobody was asked, nothing was paid, `dollars` is 0.
    """

    engine: str
    model: str
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float = 0.0
    remembered: bool = False
    attempts: int = 0
    dollars_in_doubt: float = 0.0


@dataclass(frozen=True)
class Answer(Generic[T]):
    """A value, what it took, and what the engine wants the user to know."""

    value: T
    usage: Usage
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rendered:
    """A picture, what it took, and what the engine wants the user to know.

    Attributes
    ----------
    image
        Any size, about the ratio of the request's image.
    low_confidence
        The engine did what it could and would not vouch for it.
    file, part
        The file that the engine was given, where it was, and which part of its picture `image` is;
        None is the whole.  Who keeps the file need not make another.
    """

    image: Image
    usage: Usage
    notes: tuple[str, ...] = ()
    low_confidence: bool = False
    file: bytes = field(default=b"", repr=False)
    part: Box | None = None


@dataclass(frozen=True)
class Quote:
    """What a call would cost, told before it is made."""

    model: str
    dollars: float


class VisionModel(Protocol):
    """An engine.  It raises only `common.errors.ModelError` and its children."""

    @property
    def engine(self) -> str:
        """The engine's name, as reports show it."""
        ...

    def ask(self, ask: Ask[T]) -> Answer[T]:
        """Answer a question about a picture."""
        ...

    def render(self, render: Render) -> Rendered:
        """Make a picture."""
        ...

    def quote(self, request: Ask[Any] | Render) -> Quote:
        """Tell what `ask` or `render` of the same request would cost; calls nobody.

        Raises
        ------
        ModelUnknown
            The model has no known price.
        """
        ...


# --- what detection answers -----------------------------------------------------------------------


@dataclass(frozen=True)
class Detection:
    """One thing in a picture.

    Attributes
    ----------
    box_2d
        ``(ymin, xmin, ymax, xmax)`` in 0..1000.
    label
        A short name.
    kind
        ``object`` or ``text``.
    text
        The writing itself, where the engine read it.
    layer
        ``overlay`` for what was laid over the picture, ``scene`` for what is printed on the things
        in it, empty where unknown.
    material
        ``opaque``, ``translucent``, ``fine`` or empty where unknown.
    colors
        Main colours as RGB.
    confidence
        0..1.
    """

    box_2d: Box2d
    label: str
    kind: str = "object"
    text: str = ""
    layer: str = ""
    material: str = ""
    colors: tuple[Colour, ...] = field(default=())
    confidence: float = 1.0
