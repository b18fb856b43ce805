"""Remembered answers: paid once, equal to the byte, and never believed when damaged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from common.errors import ModelAnswerUnreadable, ModelRefused, ModelUnavailable
from common.image import Image
from common.vlm.base import Answer, Ask, Render, Rendered
from common.vlm.remembered import RememberedModel
from common.vlm.scripted import ScriptedModel, ScriptEndedError
from tests.support.models import FOUND, MemoryShelf, photo, question, wish


def remembered(
    inner: ScriptedModel, shelf: MemoryShelf, identity: str = "model 1K"
) -> RememberedModel:
    return RememberedModel(inner, shelf, lambda _: identity)


def test_the_same_question_is_paid_once() -> None:
    inner, shelf = ScriptedModel([FOUND], dollars=0.01), MemoryShelf()
    first = remembered(inner, shelf).ask(question())
    second = remembered(inner, shelf).ask(question())
    assert first.value == second.value
    assert (first.usage.dollars, first.usage.remembered) == (0.01, False)
    assert (second.usage.dollars, second.usage.calls, second.usage.remembered) == (0, 0, True)
    assert second.usage.engine == "scripted"


def test_the_same_wish_is_paid_once_and_comes_back_to_the_byte() -> None:
    alpha = np.arange(100, dtype=np.uint8).reshape(10, 10)
    painted = Image(np.random.default_rng(1).integers(0, 256, (10, 10, 3), np.uint8), alpha)
    inner, shelf = ScriptedModel(renders=[painted], dollars=0.03), MemoryShelf()
    model = remembered(inner, shelf)
    first, second = model.render(wish()), model.render(wish())
    assert second.image.digest() == first.image.digest() == painted.digest()
    assert second.usage.remembered
    assert second.usage.dollars == 0
    assert len(inner.rendered) == 1


def test_notes_and_doubts_are_remembered_too() -> None:
    class Doubtful(ScriptedModel):
        def render(self, render: Render) -> Rendered:
            plain = super().render(render)
            return replace(plain, notes=("a note",), low_confidence=True)

    shelf = MemoryShelf()
    model = remembered(Doubtful(renders=[photo()]), shelf)
    first, second = model.render(wish()), model.render(wish())
    assert second.notes == first.notes == ("a note",)
    assert second.low_confidence


@pytest.mark.parametrize(
    "other",
    [
        wish(photo(100, 101)),
        wish(subject="the other disc"),
        replace(wish(), prompt=replace(wish().prompt, version=99)),
    ],
    ids=["pixels", "subject", "prompt version"],
)
def test_another_wish_is_another_answer(other: Render) -> None:
    inner = ScriptedModel(renders=[photo(), photo()])
    model = remembered(inner, MemoryShelf())
    model.render(wish())
    model.render(other)
    assert len(inner.rendered) == 2


def test_another_identity_is_another_answer() -> None:
    inner, shelf = ScriptedModel([FOUND, FOUND]), MemoryShelf()
    remembered(inner, shelf, "model 1K").ask(question())
    remembered(inner, shelf, "model 2K").ask(question())
    assert len(inner.asked) == 2


def test_another_schema_is_another_answer() -> None:
    inner, shelf = ScriptedModel([FOUND, FOUND]), MemoryShelf()
    remembered(inner, shelf).ask(question())
    remembered(inner, shelf).ask(replace(question(), schema={"type": "ARRAY"}))
    assert len(inner.asked) == 2


@pytest.mark.parametrize("place", [0, 20, 80, 200, -1])
def test_a_damaged_entry_is_asked_anew_and_mended(place: int) -> None:
    inner, shelf = ScriptedModel(renders=[photo(), photo()]), MemoryShelf()
    model = remembered(inner, shelf)
    model.render(wish())
    ((name, data),) = shelf.kept.items()
    damaged = bytearray(data)
    damaged[place] ^= 1
    shelf.kept[name] = bytes(damaged)
    assert not model.render(wish()).usage.remembered
    assert model.render(wish()).usage.remembered


@pytest.mark.parametrize("data", [b"", b"\n", b"x", b"\x00" * 500])
def test_an_entry_that_is_none_is_asked_anew(data: bytes) -> None:
    inner, shelf = ScriptedModel([FOUND, FOUND]), MemoryShelf()
    model = remembered(inner, shelf)
    model.ask(question())
    shelf.kept = dict.fromkeys(shelf.kept, data)
    assert not model.ask(question()).usage.remembered


def test_a_stored_answer_that_the_reader_no_longer_takes_is_asked_anew() -> None:
    def strict(text: str) -> str:
        if "new" not in text:
            raise ModelAnswerUnreadable("old")
        return text

    shelf = MemoryShelf()
    like = question()
    old = Ask(like.image, like.intent, like.prompt, like.schema, read=str)
    remembered(ScriptedModel(["old answer"]), shelf).ask(old)
    answer: Answer[str] = remembered(ScriptedModel(["new answer"]), shelf).ask(
        replace(old, read=strict)
    )
    assert answer.value == "new answer"


def test_a_failure_is_not_remembered() -> None:
    inner = ScriptedModel(renders=[ModelRefused("no"), photo()])
    model, shelf = remembered(inner, MemoryShelf()), MemoryShelf()
    with pytest.raises(ModelRefused):
        model.render(wish())
    assert shelf.kept == {}
    assert not model.render(wish()).usage.remembered


def test_an_unreadable_answer_is_not_remembered() -> None:
    shelf = MemoryShelf()
    with pytest.raises(ModelAnswerUnreadable):
        remembered(ScriptedModel(["nonsense"]), shelf).ask(question())
    assert shelf.kept == {}


def test_a_recording_is_replayed_with_no_model_behind_it() -> None:
    shelf = MemoryShelf()
    recording = remembered(ScriptedModel([FOUND], [photo()]), shelf)
    heard, painted = recording.ask(question()), recording.render(wish())
    replay = remembered(ScriptedModel(), shelf)
    assert replay.ask(question()).value == heard.value
    assert replay.render(wish()).image.digest() == painted.image.digest()
    with pytest.raises(ScriptEndedError):
        replay.render(wish(subject="something never recorded"))


def test_when_the_shelf_cannot_be_read_nothing_is_paid() -> None:
    inner = ScriptedModel([FOUND], [photo()])
    model = remembered(inner, MemoryShelf(unreadable=True))
    with pytest.raises(ModelUnavailable):
        model.render(wish())
    with pytest.raises(ModelUnavailable):
        model.ask(question())
    assert inner.asked == []
    assert inner.rendered == []


def test_an_answer_that_cannot_be_stored_is_not_lost() -> None:
    model = remembered(ScriptedModel([FOUND], [photo()]), MemoryShelf(unwritable=True))
    assert "cost again" in model.ask(question()).notes[0]
    assert "cost again" in model.render(wish()).notes[0]


def test_what_is_stored_is_quoted_at_nothing() -> None:
    model = remembered(ScriptedModel([FOUND], dollars=0.01), MemoryShelf())
    before = model.quote(question()).dollars
    model.ask(question())
    assert (before, model.quote(question()).dollars) == (0.01, 0)
