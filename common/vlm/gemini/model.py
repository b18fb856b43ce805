"""Gemini as a `VisionModel`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from common.image import Image
from common.vlm.base import Answer, Ask, Quote, Render, Rendered
from common.vlm.gemini.calls import Painting, Part, Question, picture_part
from common.vlm.gemini.client import Access, Client
from common.vlm.gemini.errand import Errand, Patience
from common.vlm.gemini.framing import LONGEST_ASKED, LONGEST_SEEN, frame, packed, seen, unframe
from common.vlm.prices import Price, Tokens, dollars, picture_tokens, price_of, prompt_tokens

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
    image_model, text_model
        Ids of the models for pictures and for questions.
    image_size
        ``1K``, ``2K`` or ``4K``.
    deadline_seconds
        For one wish with all its calls.
    patience
        How calls are repeated within it.
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
        text_model: str = "gemini-3.8-flash",
        image_size: str = "1K",
        deadline_seconds: float = 120.0,
        api_version: str = "",
        credentials: Credentials | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.image_model = image_model
        self.text_model = text_model
        self.image_size = image_size.upper()  # "1k" silently becomes 512
        self._seconds = deadline_seconds
        self._patience = patience or Patience()
        self._client = Client(
            Access(api_key, project, location, credentials, base_url, api_version)
        )

    @property
    def identity(self) -> str:
        """What, beside the request itself, decides an answer: models, size, way of sending."""
        return f"{self.engine} {VERSION} {self.image_model} {self.text_model} {self.image_size}"

    def ask(self, ask: Ask[T]) -> Answer[T]:
        """Answer a question about a picture.

        Raises
        ------
        ModelError
            One of its children, by what went wrong.
        """
        price = _price(self.text_model)
        picture = seen(ask.image, LONGEST_ASKED)
        parts = (_part(picture), {"text": ask.prompt.text})
        errand = self._errand(price, _usual_answer(price, ask))
        value = errand.run(Question(self.text_model, parts, ask.schema, ask.read))
        return Answer(value, errand.usage(self.engine))

    def render(self, render: Render) -> Rendered:
        """Make a picture of the whole of the request's, at the model's own size.

        Raises
        ------
        ModelError
            One of its children, by what went wrong.
        """
        price = _price(self.image_model)
        usual = _usual_picture(price, render, self.image_size)
        framed = frame(render.image, LONGEST_SEEN.get(self.image_size, LONGEST_ASKED))
        parts = (_part(framed.picture), {"text": render.prompt.text})
        wish = Painting(self.image_model, parts, framed.aspect, self.image_size, price.most_out)
        errand = self._errand(price, usual)
        image = errand.run(wish)
        return Rendered(unframe(image, framed), errand.usage(self.engine))

    def quote(self, request: Ask[Any] | Render) -> Quote:
        """Tell about what a request would cost, by the table of prices."""
        if isinstance(request, Render):
            price = _price(self.image_model)
            return Quote(price.model, _usual_picture(price, request, self.image_size))
        price = _price(self.text_model)
        return Quote(price.model, _usual_answer(price, request))

    def _errand(self, price: Price, usual: float) -> Errand:
        until = self._patience.clock() + self._seconds
        return Errand(self._client.send, price, usual, self._patience, until)


def _price(model: str) -> Price:
    return price_of(model, datetime.now(UTC).date())


def _usual_answer(price: Price, ask: Ask[Any]) -> float:
    return dollars(price, Tokens(taken=prompt_tokens(ask.prompt.text), words=USUAL_ANSWER))


def _usual_picture(price: Price, render: Render, size: str) -> float:
    picture = picture_tokens(price, size)
    return dollars(price, Tokens(taken=prompt_tokens(render.prompt.text), picture=picture))


def _part(image: Image) -> Part:
    return picture_part(*packed(image))
