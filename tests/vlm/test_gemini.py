"""Gemini by the real SDK, against a server of our own: what is sent, and what is made of it."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from google.oauth2.credentials import Credentials

from common.errors import (
    ModelAnswerUnreadable,
    ModelCutShort,
    ModelEmpty,
    ModelRefused,
    ModelUnknown,
)
from common.geometry import ratio_error
from common.image import Image
from common.vlm.gemini import GeminiModel
from tests.support.gemini_server import (
    PROJECT,
    TOKEN,
    Call,
    GeminiServer,
    Reply,
    answer,
    as_json,
    blocked,
    picture,
    picture_part,
    usage_of,
    words,
)
from tests.support.models import FOUND, OwnTime, edit, photo, question, wish
from tests.vlm.conftest import Make

TRUNCATED = FOUND[:-1] + ', {"box_2d": [10, 20, 30, 4'


# --- what is sent ---------------------------------------------------------------------------------


def test_a_question_is_sent_with_the_picture_the_words_and_a_flat_schema(
    gemini: Make, server: GeminiServer
) -> None:
    image = photo(200, 150)
    found = gemini().ask(question(image))
    (call,) = server.calls
    assert call.path == "/v1/models/gemini-3.8-flash:generateContent"
    assert [thing.label for thing in found.value] == ["thing"]
    assert np.array_equal(call.picture.rgb, image.rgb)
    assert "the disc" in call.words
    assert call.config["responseMimeType"] == "application/json"
    assert call.config["responseSchema"]["items"]["required"] == ["box_2d", "label", "kind"]
    assert call.config["thinkingConfig"] == {"thinkingLevel": "LOW"}


def test_a_wish_asks_for_a_picture_of_the_nearest_ratio_and_nothing_else(
    gemini: Make, server: GeminiServer
) -> None:
    source = photo(2000, 1500)
    rendered = gemini(image_size="2k").render(edit(source))
    (call,) = server.calls
    assert call.model == "gemini-nano-banana-2.1"
    assert call.config == {
        "responseModalities": ["IMAGE"],
        "imageConfig": {"aspectRatio": "4:3", "imageSize": "2K"},
    }
    assert rendered.image.size.width > 2000
    assert ratio_error(rendered.image.size, source.size) < 0.01


def test_the_render_shows_what_the_photo_shows_where_the_photo_shows_it(gemini: Make) -> None:
    source = photo(500, 180)  # 2.78, between 21:9 and 4:1: bordered, then cut
    rendered = gemini().render(wish(source)).image
    red = (rendered.rgb[..., 0] > 150) & (rendered.rgb[..., 1] < 90)
    rows, columns = np.nonzero(red)
    assert ratio_error(rendered.size, source.size) < 0.01
    assert rows.mean() / rendered.size.height == pytest.approx(0.5, abs=0.01)
    assert columns.mean() / rendered.size.width == pytest.approx(0.5, abs=0.01)
    assert np.ptp(columns) / rendered.size.width == pytest.approx(0.6 * 180 / 500, abs=0.01)


def test_vertex_ai_is_spoken_to_with_a_bearer_token_in_a_project(
    gemini: Make, server: GeminiServer
) -> None:
    login = Credentials(TOKEN)  # type: ignore[no-untyped-call]
    model = gemini(api_key="", project=PROJECT, credentials=login)
    model.render(wish())
    (call,) = server.calls
    assert (call.surface, call.location) == ("vertex", "global")
    assert call.path.startswith(f"/v1beta1/projects/{PROJECT}/locations/global/publishers/google/")


def test_the_version_of_the_api_is_a_setting(gemini: Make, server: GeminiServer) -> None:
    gemini(api_version="v1beta").ask(question())
    assert server.calls[0].path.startswith("/v1beta/")


def test_several_threads_share_one_model(gemini: Make, server: GeminiServer) -> None:
    model = gemini()
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: model.ask(question()), range(8)))
    assert len(server.calls) == 8
    assert {found.value[0].label for found in answers} == {"thing"}


def test_the_sdk_is_imported_by_the_first_call_and_not_before() -> None:
    program = (
        "import sys; from common.vlm.gemini import GeminiModel; GeminiModel(api_key='x');"
        "print({'google.genai', 'google.auth', 'requests', 'httpx2'} & set(sys.modules))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "set()"


# --- what is made of good answers -----------------------------------------------------------------


def test_drafts_among_the_thoughts_are_not_the_picture(gemini: Make, server: GeminiServer) -> None:
    draft, final = photo(1200, 896), Image(np.full((896, 1200, 3), (0, 200, 0), np.uint8))
    server.script(
        answer(
            {"text": "First a sketch", "thought": True},
            picture_part(draft, thought=True),
            {"text": "Here it is."},
            picture_part(final),
            picture_part(draft, thought=True),
            usage=usage_of(picture=1120),
        )
    )
    rendered = gemini().render(wish())
    assert np.abs(rendered.image.rgb.astype(int) - final.rgb[0, 0]).max() <= 3


@pytest.mark.parametrize(
    ("said", "written"),
    [("image/png", "jpeg"), ("image/jpeg", "png"), ("text/plain", "webp")],
)
def test_a_picture_is_told_by_its_bytes_and_not_by_its_type(
    gemini: Make, server: GeminiServer, said: str, written: str
) -> None:
    server.script(picture(photo(1200, 896), said_to_be=said, written_as=written))
    rendered = gemini().render(wish())
    assert rendered.image.provenance.format == written


@pytest.mark.parametrize("reason", ["CONTINUATION", "A_REASON_OF_NEXT_YEAR", None])
def test_an_unknown_finish_reason_does_not_spoil_an_answer(
    gemini: Make, server: GeminiServer, reason: str | None
) -> None:
    server.script(
        answer(picture_part(photo(1200, 896)), finish=reason),
        answer({"text": FOUND}, finish=reason),
    )
    assert gemini().render(wish()).image.size.pixels > 1_000_000
    assert gemini().ask(question()).value


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{FOUND}\n```",
        f"Here is what I found:\n{FOUND}\nAnything else?",
        TRUNCATED,
        '[{"box_2d": [700, 800, 100, 200], "label": "thing", "kind": "object"}]',
        '[{"box_2d": [0.1, 0.2, 0.7, 0.8], "label": "thing", "kind": "object"}]',
    ],
    ids=["fenced", "among words", "truncated", "swapped", "0-1"],
)
def test_an_answer_that_is_nearly_json_needs_no_second_call(
    gemini: Make, server: GeminiServer, text: str
) -> None:
    server.script(words(text))
    (thing,) = gemini().ask(question()).value
    assert thing.box_2d == (100, 200, 700, 800)
    assert len(server.calls) == 1


def test_usage_is_billed_by_modality(gemini: Make, server: GeminiServer) -> None:
    server.script(
        answer(
            picture_part(photo(1200, 896)),
            usage=usage_of(prompt=1300, picture=1120, words=10, thoughts=200),
        ),
        answer({"text": FOUND}, usage=usage_of(prompt=1400, words=100, thoughts=50)),
    )
    rendered, found = gemini().render(edit()).usage, gemini().ask(question()).usage
    assert (rendered.input_tokens, rendered.output_tokens, rendered.calls) == (1300, 1330, 1)
    assert rendered.dollars == pytest.approx((1300 * 1.5 + 1120 * 30 + 210 * 7.5) / 1e6)
    assert found.model == "gemini-3.8-flash"
    assert found.dollars >= (1400 * 0.75 + 150 * 3.75) / 1e6


def test_an_answer_that_does_not_tell_its_tokens_costs_what_was_quoted(
    gemini: Make, server: GeminiServer
) -> None:
    server.script(answer(picture_part(photo(1200, 896))))
    model = gemini()
    assert model.render(wish()).usage.dollars == model.quote(wish()).dollars > 0.03


# --- what is made of bad ones ---------------------------------------------------------------------


def test_an_unreadable_answer_is_sent_back_once_to_be_mended(
    gemini: Make, server: GeminiServer
) -> None:
    server.script(words("box at 100 200 700 800: thing"), words(FOUND))
    found = gemini().ask(question())
    first, second = server.calls
    assert found.value[0].label == "thing"
    assert "box at 100 200 700 800" in second.words
    assert second.files == []
    assert second.config["responseSchema"] == first.config["responseSchema"]
    assert found.usage.calls == 2


def test_an_answer_that_cannot_be_mended_is_told_with_what_it_cost(
    gemini: Make, server: GeminiServer
) -> None:
    server.script(words("nothing of use"), words("still nothing of use"))
    with pytest.raises(ModelAnswerUnreadable) as told:
        gemini().ask(question())
    assert len(server.calls) == 2
    assert told.value.details["calls"] == 2
    assert told.value.details["dollars"] > 0


@pytest.mark.parametrize(
    "nothing",
    [
        answer({"text": "I made it!"}),
        answer(finish="NO_IMAGE"),
        answer(finish="IMAGE_OTHER"),
        answer(finish="STOP"),
        as_json({"candidates": []}),
        as_json({}),
        answer({"text": "a sketch"}, picture_part(photo(), thought=True)),
    ],
    ids=["words only", "no image", "other", "stop", "no candidates", "empty", "draft only"],
)
def test_a_wish_without_a_picture_is_put_once_more_in_other_words(
    gemini: Make, server: GeminiServer, nothing: Reply
) -> None:
    server.script(nothing)
    rendered = gemini().render(wish())
    first, second = server.calls
    assert rendered.usage.calls == 2
    assert second.words.startswith(first.words)
    assert len(second.words) > len(first.words)


def test_a_second_answer_without_a_picture_is_the_last(gemini: Make, server: GeminiServer) -> None:
    server.script(answer({"text": "I cannot draw."}), answer({"text": "I really cannot."}))
    with pytest.raises(ModelEmpty, match="I really cannot") as told:
        gemini().render(wish())
    assert len(server.calls) == 2
    assert told.value.charged == "maybe"


def test_an_empty_answer_to_a_question_is_asked_once_more(
    gemini: Make, server: GeminiServer
) -> None:
    server.script(answer(finish="STOP"))
    assert gemini().ask(question()).value
    assert len(server.calls) == 2


@pytest.mark.parametrize(
    "first", [words(TRUNCATED, finish="MAX_TOKENS"), answer(finish="MAX_TOKENS")]
)
def test_an_answer_cut_short_is_asked_once_with_a_larger_budget(
    gemini: Make, server: GeminiServer, first: Reply
) -> None:
    server.script(first)
    gemini().ask(question())
    budgets = [call.config["maxOutputTokens"] for call in server.calls]
    assert budgets == [8192, 32768]


def test_what_is_complete_in_an_answer_cut_short_twice_is_used(
    gemini: Make, server: GeminiServer
) -> None:
    server.script(*[words(TRUNCATED, finish="MAX_TOKENS")] * 2)
    assert len(gemini().ask(question()).value) == 1


def test_an_answer_cut_short_twice_without_anything_complete_is_a_failure(
    gemini: Make, server: GeminiServer
) -> None:
    server.script(*[answer(finish="MAX_TOKENS")] * 2)
    with pytest.raises(ModelCutShort):
        gemini().ask(question())
    assert len(server.calls) == 2


def test_a_picture_cut_short_is_wished_for_with_the_models_largest_budget(
    gemini: Make, server: GeminiServer
) -> None:
    server.script(answer(finish="MAX_TOKENS"))
    gemini().render(wish())
    assert [call.config.get("maxOutputTokens") for call in server.calls] == [None, 4096]


@pytest.mark.parametrize(
    "reason", ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "JAILBREAK"]
)
def test_a_refused_prompt_is_not_sent_again_and_says_what_to_change(
    gemini: Make, server: GeminiServer, reason: str
) -> None:
    server.script(blocked(reason), blocked(reason))
    for request in (lambda: gemini().render(wish()), lambda: gemini().ask(question())):
        with pytest.raises(ModelRefused, match=reason) as told:
            request()
        assert told.value.advice
        assert told.value.details["reason"] == reason
        assert not told.value.retryable
    assert len(server.calls) == 2


@pytest.mark.parametrize(
    "reason",
    [
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "MODEL_ARMOR",
    ],
)
def test_a_refused_answer_is_not_asked_for_again(
    gemini: Make, server: GeminiServer, reason: str
) -> None:
    server.script(answer(finish=reason, finishMessage="Not this one."))
    with pytest.raises(ModelRefused, match="Not this one") as told:
        gemini().render(wish())
    assert told.value.charged == "maybe"
    assert len(server.calls) == 1


@pytest.mark.parametrize("data", ["AAAA", "not base64!", "/9j/4AAQ"])
def test_a_picture_that_is_none_is_a_failure_and_not_paid_twice(
    gemini: Make, server: GeminiServer, data: str
) -> None:
    server.script(answer({"inlineData": {"mimeType": "image/jpeg", "data": data}}))
    with pytest.raises(ModelAnswerUnreadable):
        gemini().render(wish())
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "body", [[], None, "text", 7, {"candidates": {"a": 1}}, {"candidates": [3]}]
)
def test_json_of_another_shape_reads_as_an_empty_answer(
    gemini: Make, server: GeminiServer, body: object
) -> None:
    server.script(as_json(body), as_json(body))
    with pytest.raises(ModelEmpty):
        gemini().ask(question())


# --- prices ---------------------------------------------------------------------------------------


def test_a_model_without_a_price_is_refused_before_anything_is_sent(
    gemini: Make, server: GeminiServer
) -> None:
    model = gemini(image_model="gemini-9-image", text_model="gemini-9")
    for request in (
        lambda: model.render(wish()),
        lambda: model.ask(question()),
        lambda: model.quote(wish()),
    ):
        with pytest.raises(ModelUnknown, match="gemini-9"):
            request()
    assert server.calls == []


def test_a_size_without_a_price_is_refused_before_anything_is_sent(
    gemini: Make, server: GeminiServer
) -> None:
    for size in ("512", "8K", ""):
        with pytest.raises(ModelUnknown) as told:
            gemini(image_size=size).render(wish())
        assert "1K, 2K, 4K" in told.value.advice
    assert server.calls == []


def test_a_quote_calls_nobody(gemini: Make, server: GeminiServer) -> None:
    model = gemini()
    assert model.quote(wish()).dollars == pytest.approx(0.0336, rel=0.1)
    assert 0 < model.quote(question()).dollars < 0.05
    assert server.calls == []


def test_the_identity_names_all_that_decides_an_answer(gemini: Make) -> None:
    large = edit(photo(4000, 3000))
    plain = gemini().identity(large)
    others = {
        gemini(image_size="2K").identity(large),
        gemini(image_model="gemini-3-pro-image").identity(large),
        gemini().identity(replace(large, quality="fast")),
        gemini().identity(question()),
        gemini(text_model="gemini-3.5-flash-lite").identity(question()),
    }
    assert plain not in others
    assert len(others) == 5


def test_what_does_not_decide_an_answer_is_not_in_its_identity(gemini: Make) -> None:
    plain = gemini().identity(wish())
    assert gemini(text_model="gemini-3.5-flash-lite").identity(wish()) == plain
    assert gemini(pro_model="gemini-nano-banana-2.1").identity(wish()) == plain
    assert gemini().identity(question(photo(4000, 3000))) == gemini().identity(question())


# --- time and secrets -----------------------------------------------------------------------------


def test_a_wish_tells_the_server_how_long_it_will_wait(gemini: Make, server: GeminiServer) -> None:
    gemini(deadline_seconds=30).render(wish())
    gemini(deadline_seconds=30).ask(question())
    assert [call.headers["x-server-timeout"] for call in server.calls] == ["30", "15"]
    server.script()


def test_repetitions_share_one_deadline(
    gemini: Make, server: GeminiServer, own_time: OwnTime
) -> None:
    def slow(_: Call) -> Reply:
        own_time.now += 25
        return answer(finish="NO_IMAGE")

    server.script(slow)
    gemini(deadline_seconds=30).render(wish())
    assert [call.headers["x-server-timeout"] for call in server.calls] == ["30", "5"]


def test_no_secret_is_in_what_a_model_or_a_failure_prints(
    server: GeminiServer, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "AIza-very-secret"  # noqa: S105 - not one
    model = GeminiModel(api_key=f" {secret} ", base_url=server.address)
    with caplog.at_level(0), pytest.raises(Exception, match="credentials") as told:
        model.ask(question())
    error = told.value
    shown = [repr(error), str(error), json.dumps(vars(error), default=str), repr(model)]
    shown += [repr(vars(model)), repr(vars(model._client)), caplog.text]
    assert all(secret not in text for text in shown)
    assert error.__cause__ is None


def test_a_key_that_no_header_can_hold_is_a_failure_that_does_not_print_it(
    server: GeminiServer,
) -> None:
    secret = "ключ-секрет"  # noqa: S105 - not one
    model = GeminiModel(api_key=secret, base_url=server.address)
    with pytest.raises(Exception, match="unexpectedly") as told:
        model.ask(question())
    assert secret not in repr(told.value)
