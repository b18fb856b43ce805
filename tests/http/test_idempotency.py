"""The same request, sent again, is answered the same and done once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import pytest

from common.errors import BadOptions, KeyReused, ModelBusy, StillWorking, StudioError
from common.store import Bucket, open_bucket
from functions._http import idempotency
from functions._http.idempotency import KEPT_SECONDS, LEASE_SECONDS, Once
from tests.support.served import asking

HEADERS = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    return open_bucket(str(tmp_path / "work"))


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def once(bucket: Bucket, clock: Clock, mark: str = "a") -> Once:
    return Once(bucket, "replies/once/k", mark, clock)


def tell(error: StudioError) -> flask.Response:
    return flask.Response(error.code, status=error.status)


def counting(replies: list[Any]) -> Callable[[], flask.Response]:
    def produce() -> flask.Response:
        reply = replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return flask.Response(reply, status=201, headers={"X-Engine": "given", "X-Secret": "1"})

    return produce


def test_the_reply_is_kept_with_its_status_and_main_headers(bucket: Bucket, clock: Clock) -> None:
    produce = counting([b"first", b"second"])
    first = once(bucket, clock).do(produce, tell)
    again = once(bucket, clock).do(produce, tell)
    assert again.get_data() == first.get_data() == b"first"
    assert (again.status_code, again.headers["X-Engine"]) == (201, "given")
    assert "X-Secret" not in again.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers


def test_another_request_under_the_same_key_is_refused(bucket: Bucket, clock: Clock) -> None:
    once(bucket, clock).do(counting([b"first"]), tell)
    with pytest.raises(KeyReused):
        once(bucket, clock, "b").do(counting([b"never"]), tell)


def test_after_a_day_the_key_is_new(bucket: Bucket, clock: Clock) -> None:
    once(bucket, clock).do(counting([b"first"]), tell)
    clock.now += KEPT_SECONDS + 1
    assert once(bucket, clock, "b").do(counting([b"second"]), tell).get_data() == b"second"


def test_while_the_first_is_at_work_the_second_is_told_so(bucket: Bucket, clock: Clock) -> None:
    def produce() -> flask.Response:
        with pytest.raises(StillWorking) as caught:
            once(bucket, clock).do(counting([b"never"]), tell)
        assert caught.value.retry_after
        return flask.Response("first")

    assert once(bucket, clock).do(produce, tell).get_data() == b"first"


def test_who_died_at_work_is_followed(bucket: Bucket, clock: Clock) -> None:
    def die() -> flask.Response:
        raise SystemExit

    claim = once(bucket, clock)
    claim._claim()
    clock.now += LEASE_SECONDS + 1
    assert once(bucket, clock).do(counting([b"second"]), tell).get_data() == b"second"
    with pytest.raises(SystemExit):
        Once(bucket, "replies/once/other", "a", clock).do(die, tell)
    assert bucket.stat("replies/once/other") is None


def test_what_may_pass_is_tried_again_and_what_stays_is_not(bucket: Bucket, clock: Clock) -> None:
    produce = counting([ModelBusy("busy"), BadOptions("wrong"), b"never"])
    with pytest.raises(ModelBusy):
        once(bucket, clock).do(produce, tell)
    for _ in range(2):
        assert once(bucket, clock).do(produce, tell).get_data() == b"bad-options"


def test_of_many_at_once_one_works(bucket: Bucket, clock: Clock) -> None:
    done: list[str] = []
    start = threading.Barrier(8)

    def produce() -> flask.Response:
        done.append("worked")
        return flask.Response("one")

    def ask() -> None:
        start.wait()
        try:
            done.append(once(bucket, clock).do(produce, tell).get_data(as_text=True))
        except StillWorking:
            done.append("told")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done.count("worked") == 1
    assert len(done) == 9


def test_a_request_sent_again_is_recognised_whatever_its_boundary(studio: Any, form: Any) -> None:
    first = studio.post("/v1/cutout", data=form(), headers=HEADERS)
    again = studio.post("/v1/cutout", data=form(), headers=HEADERS)
    other = studio.post("/v1/cutout", data=form(shadow="true"), headers=HEADERS)
    assert first.status_code == again.status_code == 200
    assert again.data == first.data
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["X-Scores"] == first.headers["X-Scores"]
    assert (other.status_code, other.json["code"]) == (422, "idempotency-key-reused")


@pytest.mark.parametrize("key", ["", " ", "x" * 300, "two words", "é"])
def test_a_key_that_is_none_is_refused(studio: Any, form: Any, key: str) -> None:
    response = studio.post("/v1/cutout", data=form(), headers={"Idempotency-Key": key})
    assert (response.status_code, response.json["field"]) == (400, "Idempotency-Key")


def test_without_a_bucket_the_promise_is_not_made() -> None:
    request = asking(headers=HEADERS)
    with pytest.raises(StudioError, match="work bucket"):
        idempotency.once(request, "me", str, lambda: None)


def test_two_callers_may_use_the_same_key(bucket: Bucket) -> None:
    request = asking(headers=HEADERS)
    names = {
        promise.name
        for caller in ("me", "you")
        if (promise := idempotency.once(request, caller, str, lambda: bucket))
    }
    assert len(names) == 2
