"""What every engine keeps to, whichever stands behind `VisionModel`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from common.errors import ModelAnswerUnreadable, ModelError, ModelUnable
from common.geometry import RELATIVE, ratio_error
from common.image import Image
from common.vlm.base import Detection, VisionModel
from common.vlm.given import GivenRender
from common.vlm.remembered import RememberedModel
from common.vlm.scripted import ScriptedModel
from tests.support.gemini_server import GeminiServer, answer
from tests.support.models import FOUND, MemoryShelf, photo, question, wish
from tests.vlm.conftest import Make

Detections = tuple[Detection, ...]

PHOTO = photo(160, 120)
ENGINES = {"gemini", "embedded", "given", "scripted"}
LOOSE_RATIO = 0.06  # models answer 1376x768 for 16:9, and a little worse


def willing() -> ScriptedModel:
    return ScriptedModel([FOUND] * 4, [lambda render: render.image] * 4, dollars=0.01)


@dataclass(frozen=True)
class Provider:
    """An engine, and how many calls it has sent to whoever answers."""

    model: VisionModel
    calls: Callable[[], int]


@pytest.fixture(params=["gemini", "scripted", "remembered", "replayed", "given", "embedded"])
def provider(request: pytest.FixtureRequest) -> Provider:
    built: Provider = request.getfixturevalue(f"_{request.param}")
    return built


@pytest.fixture
def _gemini(gemini: Make, server: GeminiServer) -> Provider:
    return Provider(gemini(), lambda: len(server.calls))


@pytest.fixture
def _scripted() -> Provider:
    model = willing()
    return Provider(model, lambda: len(model.asked) + len(model.rendered))


@pytest.fixture
def _remembered() -> Provider:
    inner = willing()
    model = RememberedModel(inner, MemoryShelf(), lambda _: "test")
    return Provider(model, lambda: len(inner.asked) + len(inner.rendered))


@pytest.fixture
def _replayed() -> Provider:
    shelf = MemoryShelf()
    silent = ScriptedModel([ModelUnable("Nothing was recorded.")])
    recording = RememberedModel(willing(), shelf, lambda _: "test")
    recording.ask(question(PHOTO))
    recording.render(wish(PHOTO))
    model = RememberedModel(silent, shelf, lambda _: "test")
    return Provider(model, lambda: len(silent.asked) + len(silent.rendered))


@pytest.fixture
def _given() -> Provider:
    answering = willing()
    return Provider(GivenRender(PHOTO, asks=answering), lambda: len(answering.asked))


@pytest.fixture(scope="module")
def _embedded() -> Provider:
    from common.vlm.embedded import EmbeddedModel  # noqa: PLC0415 - only here

    return Provider(EmbeddedModel(), lambda: 0)


def test_an_engine_bears_a_known_name(provider: Provider) -> None:
    assert provider.model.engine in ENGINES


def test_a_quote_calls_nobody_and_names_a_model(provider: Provider) -> None:
    for request in (question(PHOTO), wish(PHOTO)):
        quote = provider.model.quote(request)
        assert quote.dollars >= 0
        assert quote.model
    assert provider.calls() == 0


def test_an_answer_is_what_the_questions_own_reader_makes_of_a_text(provider: Provider) -> None:
    texts: list[str] = []
    asked = question(PHOTO)
    before = asked.digest()

    def listening(text: str) -> Detections:
        texts.append(text)
        return asked.read(text)

    answered = provider.model.ask(replace(asked, read=listening))
    assert answered.value == asked.read(texts[-1])
    assert all(is_tidy(thing) for thing in answered.value)
    assert answered.usage.engine in ENGINES
    assert answered.usage.model
    assert answered.usage.dollars >= 0
    assert asked.digest() == before


def is_tidy(thing: Detection) -> bool:
    ymin, xmin, ymax, xmax = thing.box_2d
    inside = 0 <= ymin < ymax <= RELATIVE and 0 <= xmin < xmax <= RELATIVE
    return inside and thing.kind in {"object", "text"} and 0 <= thing.confidence <= 1


def test_a_render_shows_the_whole_of_what_was_asked(provider: Provider) -> None:
    wished = wish(PHOTO)
    before = wished.digest()
    rendered = provider.model.render(wished)
    assert isinstance(rendered.image, Image)
    assert ratio_error(rendered.image.size, PHOTO.size) < LOOSE_RATIO
    assert rendered.usage.engine in ENGINES
    assert rendered.usage.model
    assert wished.digest() == before


def test_a_failure_is_a_model_error(provider: Provider, server: GeminiServer) -> None:
    server.script(*[answer({"text": "no"})] * 3)

    def never(_: str) -> Detections:
        raise ModelAnswerUnreadable("never good enough")

    with pytest.raises(ModelError):
        provider.model.ask(replace(question(photo(64, 48)), read=never))
