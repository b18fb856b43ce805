"""Gemini as a `VisionModel`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from common.image import Image
from common.vlm.base import Answer, Ask, Quote, Render, Rendered
from common.vlm.gemini.calls import Painting, Part, Question, picture_part
from common.vlm.gemini.choice import Choice, Models, choose
from common.vlm.gemini.client import Access, Client
from common.vlm.gemini.collected import Collected, Collection, Send, bulk_price
from common.vlm.gemini.errand import Errand, Patience
from common.vlm.gemini.framing import LONGEST_ASKED, LONGEST_SEEN, frame, packed, seen, shown_part
from common.vlm.gemini.meters import FREE, UNPACED, Pace, Purse
from common.vlm.prices import (
    Price,
    Tokens,
    dollars,
    picture_tokens,
    price_of,
    prompt_tokens,
)

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

T = TypeVar("T")

USUAL_ANSWER = 2500  # tokens: 25 entries at 60, and low thinking
VERSION = 1  # of the way pictures and words are sent; part of `identity`


class GeminiModel:
    """Gemini through the API key's surface or Vertex AI; nothing is opened before the first call.

    Parameters
    ----------
    api_key, project, location, base_url, api_version, credentials
        See `Access`.
    image_model, fast_model, pro_model, text_model
        Ids of the models for pictures, by quality, and for questions.
    image_size
        The largest that is asked for: ``1K``, ``2K`` or ``4K``.
    deadline_seconds
        For one wish with all its calls.
    patience
        How calls are repeated within it.
    purse, pace
        What may be spent, and how fast; by default without limits.
    bulk
        Where calls are collected for batches, at the price of a batch; None sends each at once.
    """

    engine = "gemini"

    def __init__(
        self,
        *,
        api_key: str = "",
        project: str = "",
        location: str = "",
        base_url: str = "",
        image_model: str = "gemini-nano-banana-2.1",
        fast_model: str = "gemini-3.1-flash-lite-image",
        pro_model: str = "gemini-3-pro-image",
        text_model: str = "gemini-3.8-flash",
        image_size: str = "4K",
        deadline_seconds: float = 120.0,
        api_version: str = "",
        credentials: Credentials | None = None,
        patience: Patience | None = None,
        purse: Purse = FREE,
        pace: Pace = UNPACED,
        bulk: Collection | None = None,
    ) -> None:
        # "1k" silently becomes 512
        self._models = Models(fast_model, image_model, pro_model, image_size.upper())
        self._text_model = text_model
        self._seconds = deadline_seconds
        self._patience = patience or Patience()
        self._purse = purse
        self._pace = pace
        self._client = Client(
            Access(api_key, project, location, credentials, base_url, api_version)
        )
        self._price = _price if bulk is None else bulk_price
        self._send: Send = self._client.send if bulk is None else Collected(bulk)
        self._collects = bulk is not None

    def identity(self, request: Ask[Any] | Render) -> str:
        """Return what, beside the request itself, decides its answer: model, size, way of sending.

        Raises
        ------
        ModelUnknown
            The model has no known price.
        """
        if isinstance(request, Render):
            choice = self._choice(request)
            return f"{self.engine} {VERSION} {choice.price.model} {choice.size}"
        return f"{self.engine} {VERSION} {self._text_model}"

    def ask(self, ask: Ask[T]) -> Answer[T]:
        """Answer a question about a picture.

        Raises
        ------
        ModelError
            One of its children, by what went wrong.
        """
        price = self._price(self._text_model)
        picture = seen(ask.image, LONGEST_ASKED)
        parts = (_part(picture), {"text": ask.prompt.text})
        errand = self._errand(price, _usual_answer(price, ask))
        value = errand.run(Question(price.model, parts, ask.schema, ask.read, self._served(ask)))
        return Answer(value, errand.usage(self.engine))

    def render(self, render: Render) -> Rendered:
        """Make a picture of the whole of the request's, at the model's own size.

        Raises
        ------
        ModelError
            One of its children, by what went wrong.
        """
        choice = self._choice(render)
        price, size = choice.price, choice.size
        framed = frame(render.image, LONGEST_SEEN[size])
        parts = (_part(framed.picture), {"text": render.prompt.text})
        tokens = picture_tokens(price, size)
        most = price.most_out
        wish = Painting(
            price.model, parts, framed.aspect, size, tokens, most, serves=self._served(render)
        )
        errand = self._errand(price, _usual_picture(choice, render))
        painted = errand.run(wish)
        part = shown_part(painted.image.size, framed)
        image = painted.image if part is None else painted.image.crop(part)
        return Rendered(image, errand.usage(self.engine), file=painted.file, part=part)

    def quote(self, request: Ask[Any] | Render) -> Quote:
        """Tell about what a request would cost, by the table of prices."""
        if isinstance(request, Render):
            choice = self._choice(request)
            return Quote(choice.price.model, _usual_picture(choice, request))
        price = self._price(self._text_model)
        return Quote(price.model, _usual_answer(price, request))

    def listed(self, seconds: float) -> frozenset[str]:
        """Return the ids of all models that the provider lists; it costs nothing.

        Raises
        ------
        ModelError
            One of its children, by what went wrong.
        """
        return self._client.models(seconds)

    def _served(self, request: Ask[Any] | Render) -> str:
        """Return which request a call serves; sent at once it needs no name, which takes 2 ms."""
        return request.digest() if self._collects else ""

    def _choice(self, render: Render) -> Choice:
        return choose(render, self._models, self._price)

    def _errand(self, price: Price, usual: float) -> Errand:
        until = self._patience.clock() + self._seconds
        return Errand(self._send, price, usual, self._patience, until, self._purse, self._pace)


def _price(model: str) -> Price:
    return price_of(model, datetime.now(UTC).date())


def _usual_answer(price: Price, ask: Ask[Any]) -> float:
    return dollars(price, Tokens(taken=prompt_tokens(ask.prompt.text), words=USUAL_ANSWER))


def _usual_picture(choice: Choice, render: Render) -> float:
    picture = picture_tokens(choice.price, choice.size)
    return dollars(choice.price, Tokens(prompt_tokens(render.prompt.text), picture=picture))


def _part(image: Image) -> Part:
    return picture_part(*packed(image))
