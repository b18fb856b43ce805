"""The scripted engine and the render made elsewhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from common.errors import ModelAnswerUnreadable, ModelBusy, ModelUnable
from common.vlm.given import GivenRender
from common.vlm.scripted import ScriptedModel, ScriptEndedError
from tests.support.models import FOUND, photo, question, wish


def test_the_script_is_followed_line_by_line() -> None:
    model = ScriptedModel(
        answers=[FOUND, ModelBusy("wait"), lambda ask: FOUND.replace("thing", ask.intent.query)],
        renders=[photo(), lambda render: render.image],
        dollars=0.5,
    )
    assert model.ask(question()).value[0].label == "thing"
    with pytest.raises(ModelBusy):
        model.ask(question())
    assert model.ask(question(query="a cup")).value[0].label == "a cup"
    assert model.render(wish()).usage.dollars == 0.5
    assert model.render(wish(photo(50, 50))).image.size.width == 50
    assert (len(model.asked), len(model.rendered)) == (3, 2)


def test_a_script_that_has_ended_says_where() -> None:
    model = ScriptedModel(renders=[photo()])
    model.render(wish())
    with pytest.raises(ScriptEndedError, match=r"wish 2 \(cutout\)"):
        model.render(wish())
    with pytest.raises(AssertionError, match=r"question 1 \(detect\)"):
        model.ask(question())


def test_a_scripted_answer_is_read_like_any_other() -> None:
    with pytest.raises(ModelAnswerUnreadable):
        ScriptedModel(["nonsense"]).ask(question())


def test_threads_share_a_script_without_losing_a_line() -> None:
    model = ScriptedModel([FOUND.replace("thing", f"thing {n}") for n in range(50)])
    with ThreadPoolExecutor(8) as threads:
        labels = list(threads.map(lambda _: model.ask(question()).value[0].label, range(50)))
    assert sorted(labels) == sorted(f"thing {n}" for n in range(50))
    assert len(model.asked) == 50


def test_a_given_render_is_returned_for_nothing() -> None:
    picture = photo()
    model = GivenRender(picture)
    rendered = model.render(wish())
    assert rendered.image is picture
    assert (rendered.usage.engine, rendered.usage.calls, rendered.usage.dollars) == ("given", 0, 0)


def test_a_given_render_passes_questions_on() -> None:
    answering = ScriptedModel([FOUND], dollars=0.25)
    model = GivenRender(photo(), asks=answering)
    assert model.quote(question()).dollars == 0.25
    assert model.ask(question()).usage.engine == "scripted"


def test_a_given_render_alone_answers_no_questions() -> None:
    for request in (GivenRender(photo()).ask, GivenRender(photo()).quote):
        with pytest.raises(ModelUnable, match="no questions"):
            request(question())
