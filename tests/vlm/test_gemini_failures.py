"""Every failure on the way to Gemini: its name, whether it is tried again, what it may cost."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from common.errors import (
    ModelBusy,
    ModelCredentials,
    ModelError,
    ModelGone,
    ModelLost,
    ModelQuotaExhausted,
    ModelRequestWrong,
    ModelTimeout,
    ModelUnavailable,
)
from common.vlm.gemini import GeminiModel, Patience
from common.vlm.gemini.failures import failure_of_status, failure_on_the_way
from tests.support.gemini_server import (
    KEY,
    PROJECT,
    GeminiServer,
    Reply,
    as_json,
    error,
    out_of_quota,
    page,
    picture,
    words,
)
from tests.support.models import FOUND, OwnTime, photo, question, wish
from tests.vlm.conftest import Make

UNAVAILABLE = error(503, "UNAVAILABLE", "The model is overloaded.")


def failure_of(model: GeminiModel) -> ModelError:
    with pytest.raises(ModelError) as told:
        model.render(wish())
    return told.value


# --- what will pass -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504, 499])
def test_a_server_out_of_order_is_tried_again(
    gemini: Make, server: GeminiServer, own_time: OwnTime, status: int
) -> None:
    server.script(error(status, "INTERNAL"))
    assert gemini().render(wish()).usage.calls == 1
    assert len(server.calls) == 2
    assert own_time.slept == [1.0]


def test_three_tries_are_all(gemini: Make, server: GeminiServer, own_time: OwnTime) -> None:
    server.script(*[UNAVAILABLE] * 5)
    failure = failure_of(gemini())
    assert type(failure) is ModelUnavailable
    assert "overloaded" in failure.message
    assert len(server.calls) == 3
    assert own_time.slept == [1.0, 2.0]


def test_repairs_and_repetitions_count_as_tries(gemini: Make, server: GeminiServer) -> None:
    server.script(UNAVAILABLE, UNAVAILABLE, words("unreadable"), words(FOUND))
    with pytest.raises(ModelError):
        gemini().ask(question())
    assert len(server.calls) == 3


def test_waits_are_spread_by_chance(server: GeminiServer, own_time: OwnTime, gemini: Make) -> None:
    patience = Patience(clock=own_time.clock, sleep=own_time.sleep, chance=lambda: 1.0)
    server.script(UNAVAILABLE, out_of_quota(delay="8s"))
    gemini(patience=patience).render(wish())
    assert own_time.slept == [1.25, 10.0]


def test_a_page_of_html_from_a_broken_gateway_is_not_shown(
    gemini: Make, server: GeminiServer
) -> None:
    server.script(*[page(502)] * 3)
    failure = failure_of(gemini())
    assert type(failure) is ModelUnavailable
    assert "<" not in failure.message


# --- quotas ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("busy", "wait"),
    [
        (out_of_quota("GenerateRequestsPerMinute", delay="7s"), 7.0),
        (out_of_quota("GenerateRequestsPerMinute", delay="0.250s"), 0.25),
        (out_of_quota("GenerateRequestsPerMinute", header="5"), 5.0),
        (out_of_quota(), 1.0),
        (error(429, "RESOURCE_EXHAUSTED", "limit: 60, per minute"), 1.0),
    ],
    ids=["RetryInfo", "a fraction", "Retry-After", "neither", "no details"],
)
def test_a_quota_by_the_minute_is_waited_for(
    gemini: Make, server: GeminiServer, own_time: OwnTime, busy: Reply, wait: float
) -> None:
    server.script(busy)
    gemini().render(wish())
    assert own_time.slept == [wait]


def test_a_date_to_wait_until_is_understood() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=90)
    failure = failure_of_status(429, {}, {"retry-after": format_datetime(moment, usegmt=True)})
    assert failure.retry_after == pytest.approx(90, abs=2)


@pytest.mark.parametrize("header", ["", "soon", "-3", "1e9999"])
def test_a_time_that_makes_no_sense_is_no_time(header: str) -> None:
    assert failure_of_status(429, {}, {"Retry-After": header}).retry_after is None


def test_a_wait_beyond_the_deadline_is_handed_to_the_caller(
    gemini: Make, server: GeminiServer, own_time: OwnTime
) -> None:
    server.script(out_of_quota("GenerateRequestsPerMinute", delay="33s"))
    failure = failure_of(gemini(deadline_seconds=20))
    assert isinstance(failure, ModelBusy)
    assert failure.retry_after == 33
    assert "GenerateRequestsPerMinute" in failure.message
    assert own_time.slept == []


@pytest.mark.parametrize(
    "exhausted",
    [
        out_of_quota("GenerateRequestsPerDayPerProject", delay="33s"),
        out_of_quota("GenerateRequestsPerMinute", "GenerateRequestsPerDay"),
        out_of_quota("GenerateRequestsPerMinute", value="0", delay="33s"),
        out_of_quota(message="Quota exceeded for metric: images, limit: 0, model: x"),
    ],
    ids=["per day", "both", "value 0", "limit: 0"],
)
def test_a_quota_that_a_minute_does_not_refill_is_not_waited_for(
    gemini: Make, server: GeminiServer, own_time: OwnTime, exhausted: Reply
) -> None:
    server.script(exhausted)
    failure = failure_of(gemini())
    assert isinstance(failure, ModelQuotaExhausted)
    assert not failure.retryable
    assert len(server.calls) == 1
    assert own_time.slept == []


def test_the_exhausted_quota_is_named(gemini: Make, server: GeminiServer) -> None:
    server.script(out_of_quota("GenerateRequestsPerDayPerProject"))
    assert "GenerateRequestsPerDayPerProject" in failure_of(gemini()).message


# --- what will not pass ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(401, "UNAUTHENTICATED"), ModelCredentials),
        (error(403, "PERMISSION_DENIED"), ModelCredentials),
        (error(404, "NOT_FOUND"), ModelGone),
        (error(400, "INVALID_ARGUMENT"), ModelRequestWrong),
        (error(413, "INVALID_ARGUMENT"), ModelRequestWrong),
        (as_json(["unexpected"], 400), ModelRequestWrong),
        (page(404), ModelGone),
        (Reply(403), ModelCredentials),
    ],
    ids=["401", "403", "404", "400", "413", "a list", "a page", "no body"],
)
def test_a_failure_that_stays_is_told_at_once(
    gemini: Make, server: GeminiServer, reply: Reply, kind: type[ModelError]
) -> None:
    server.script(reply)
    failure = failure_of(gemini())
    assert type(failure) is kind
    assert failure.advice
    assert not failure.retryable
    assert failure.charged == "no"
    assert len(server.calls) == 1


def test_a_wrong_key_is_the_operators_business(gemini: Make, server: GeminiServer) -> None:
    failure = failure_of(gemini(api_key="wrong-key"))
    assert isinstance(failure, ModelCredentials)
    assert "wrong-key" not in failure.message
    assert len(server.calls) == 1


def test_without_a_key_or_a_project_nothing_is_tried(gemini: Make, server: GeminiServer) -> None:
    failure = failure_of(gemini(api_key=""))
    assert isinstance(failure, ModelCredentials)
    assert "GEMINI_API_KEY" in failure.advice
    assert server.calls == []


def test_a_vertex_login_that_is_refused_is_a_matter_of_credentials(
    gemini: Make, server: GeminiServer
) -> None:
    from google.oauth2.credentials import Credentials  # noqa: PLC0415 - as the SDK does

    login = Credentials("wrong")  # type: ignore[no-untyped-call]
    model = gemini(api_key="", project=PROJECT, location="us-central1", credentials=login)
    assert isinstance(failure_of(model), ModelCredentials)
    assert server.calls[0].location == "us-central1"


# --- the way there --------------------------------------------------------------------------------


def test_a_picture_that_took_too_long_is_not_asked_for_again(server: GeminiServer) -> None:
    server.script(Reply(delay=5))
    failure = failure_of(GeminiModel(api_key=KEY, base_url=server.address, deadline_seconds=0.2))
    assert isinstance(failure, ModelTimeout)
    assert failure.charged == "maybe"
    assert len(server.calls) == 1


def test_a_question_that_took_too_long_is_put_once_more(server: GeminiServer) -> None:
    server.script(Reply(delay=5))
    model = GeminiModel(api_key=KEY, base_url=server.address, deadline_seconds=1.0)
    assert model.ask(question()).value
    assert len(server.calls) == 2


def test_an_answer_lost_on_the_way_is_asked_for_once_more(
    gemini: Make, server: GeminiServer
) -> None:
    whole = picture(photo(1200, 896))
    server.script(Reply(whole.status, whole.body, whole.headers, cut=True))
    assert gemini().render(wish()).usage.calls == 1
    assert len(server.calls) == 2


def test_a_picture_lost_twice_is_not_risked_a_third_time(
    gemini: Make, server: GeminiServer
) -> None:
    whole = picture(photo(1200, 896))
    server.script(*[Reply(whole.status, whole.body, whole.headers, cut=True)] * 3)
    failure = failure_of(gemini())
    assert isinstance(failure, ModelLost)
    assert failure.charged == "maybe"
    assert len(server.calls) == 2


def test_a_page_of_html_with_status_200_is_no_answer(gemini: Make, server: GeminiServer) -> None:
    server.script(*[page()] * 3)
    failure = failure_of(gemini())
    assert isinstance(failure, ModelLost)
    assert "no JSON" in failure.message


def test_a_server_that_is_not_there_is_unavailable(gemini: Make) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        failure = failure_of(gemini(base_url=address))
    assert type(failure) is ModelUnavailable
    assert failure.charged == "no"


def test_an_address_that_is_none_is_told_to_the_operator(gemini: Make) -> None:
    assert isinstance(failure_of(gemini(base_url="nowhere")), ModelRequestWrong)


def test_every_exception_of_the_http_library_has_a_meaning() -> None:
    import httpx2  # noqa: PLC0415 - what the SDK brings

    kinds = {
        httpx2.ConnectError: ModelUnavailable,
        httpx2.ConnectTimeout: ModelUnavailable,
        httpx2.PoolTimeout: ModelUnavailable,
        httpx2.ReadTimeout: ModelTimeout,
        httpx2.WriteTimeout: ModelTimeout,
        httpx2.ReadError: ModelLost,
        httpx2.WriteError: ModelLost,
        httpx2.RemoteProtocolError: ModelLost,
        httpx2.ProxyError: ModelLost,
        httpx2.UnsupportedProtocol: ModelRequestWrong,
    }
    for error_type, kind in kinds.items():
        assert type(failure_on_the_way(error_type("x"))) is kind
    every = [
        cls
        for cls in vars(httpx2).values()
        if isinstance(cls, type) and issubclass(cls, httpx2.TransportError)
    ]
    assert all(type(failure_on_the_way(cls("x"))) is not ModelError for cls in every)


def test_exceptions_of_the_login_have_a_meaning() -> None:
    from google.auth import exceptions  # noqa: PLC0415 - as the SDK does

    missing = exceptions.DefaultCredentialsError("no")  # type: ignore[no-untyped-call]
    away = exceptions.TransportError("no")  # type: ignore[no-untyped-call]
    assert isinstance(failure_on_the_way(missing), ModelCredentials)
    assert isinstance(failure_on_the_way(away), ModelUnavailable)


def test_an_unforeseen_exception_tells_its_type_and_not_its_text() -> None:
    failure = failure_on_the_way(ValueError("x-goog-api-key: secret"))
    assert type(failure) is ModelError
    assert "ValueError" in failure.message
    assert "secret" not in failure.message
