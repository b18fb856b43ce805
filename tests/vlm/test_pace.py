"""Pace: so many calls at a time and pictures a minute, and a hold when the other side asks."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from common.errors import ModelBusy
from common.vlm.gemini import GeminiModel, Pacer
from tests.support.gemini_server import KEY, Call, GeminiServer, Reply, obliging, out_of_quota
from tests.support.models import edit, question
from tests.vlm.conftest import Make


def test_no_more_calls_run_at_a_time_than_may() -> None:
    pacer, running, most = Pacer(3, 1000), 0, 0
    lock = threading.Lock()

    def call(_: int) -> None:
        nonlocal running, most
        with pacer.turn(0, 10):
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.005)
            with lock:
                running -= 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(call, range(24)))
    assert most == 3


def test_pictures_beyond_a_minutes_share_wait_for_the_next() -> None:
    pacer = Pacer(8, 2, minute=0.2)
    start = time.monotonic()
    begun = []
    for _ in range(5):
        with pacer.turn(1, 10):
            begun.append(time.monotonic() - start)
    assert begun[1] < 0.1
    assert begun[2] >= 0.2
    assert begun[4] >= 0.4


def test_questions_do_not_count_as_pictures() -> None:
    pacer = Pacer(8, 1)
    for _ in range(5):
        with pacer.turn(0, 0.01):
            pass


def test_a_wait_beyond_the_deadline_is_told_at_once() -> None:
    pacer = Pacer(8, 1)
    with pacer.turn(1, 10):
        pass
    start = time.monotonic()
    with pytest.raises(ModelBusy) as told, pacer.turn(1, 20):
        pass
    assert time.monotonic() - start < 1
    assert told.value.retry_after == pytest.approx(60, abs=1)


def test_a_place_that_does_not_come_free_in_time_is_not_waited_for_longer() -> None:
    pacer = Pacer(1, 100)
    with pacer.turn(0, 1), pytest.raises(ModelBusy), pacer.turn(0, 0.02):
        pass
    with pacer.turn(0, 0.02):  # and the place is free again
        pass


def test_a_failure_gives_its_place_back() -> None:
    pacer = Pacer(1, 100)
    for _ in range(3):
        with pytest.raises(ValueError, match="no"), pacer.turn(0, 0.1):
            raise ValueError("no")


def test_when_the_other_side_asks_for_a_pause_everybody_pauses() -> None:
    pacer = Pacer(8, 100)
    pacer.hold(0.1)
    start = time.monotonic()
    with pacer.turn(0, 5):
        assert time.monotonic() - start >= 0.09


def test_one_threads_429_holds_the_others(server: GeminiServer) -> None:
    server.script(out_of_quota("GenerateRequestsPerMinute", delay="0.3s"))
    model = GeminiModel(api_key=KEY, base_url=server.address, pace=Pacer(8, 100))
    model.render(edit())
    assert len(server.calls) == 2
    start = time.monotonic()
    pacer = Pacer(8, 100)
    server.script(out_of_quota("GenerateRequestsPerMinute", delay="0.5s"))
    first = threading.Thread(
        target=GeminiModel(api_key=KEY, base_url=server.address, pace=pacer).ask,
        args=(question(),),
    )
    first.start()
    while not server.calls:
        time.sleep(0.005)
    time.sleep(0.1)
    GeminiModel(api_key=KEY, base_url=server.address, pace=pacer).ask(question())
    assert time.monotonic() - start >= 0.5
    first.join()


def test_the_provider_never_sees_more_at_a_time(server: GeminiServer) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def slow(call: Call) -> Reply:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return obliging(call)

    server.script(*[slow] * 8)
    model = GeminiModel(api_key=KEY, base_url=server.address, pace=Pacer(2, 100))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: model.ask(question()), range(8)))
    assert most == 2


def test_a_wish_that_finds_no_turn_is_not_sent(gemini: Make, server: GeminiServer) -> None:
    pacer = Pacer(8, 1)
    model = gemini(pace=pacer)
    model.render(edit())
    with pytest.raises(ModelBusy):
        gemini(pace=pacer, deadline_seconds=5).render(edit())
    assert len(server.calls) == 1
