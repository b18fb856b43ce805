"""Money and calls: what may not be paid is not asked, and what may have been paid stays spent."""

from __future__ import annotations

import pytest

from common.errors import (
    CapReached,
    LedgerUnreachable,
    ModelError,
    ModelLost,
    ModelTimeout,
    ModelUnknown,
    StoreError,
)
from common.spend import Caps, Ledger, Purse, ledger_name
from common.spend.ledger import read_grants
from common.vlm.gemini import GeminiModel
from tests.support.gemini_server import (
    KEY,
    GeminiServer,
    Reply,
    answer,
    blocked,
    error,
    page,
    picture,
    picture_part,
    usage_of,
    words,
)
from tests.support.ledgers import NOON, Day, MemoryBucket
from tests.support.models import FOUND, edit, photo, question
from tests.support.stores import Watched
from tests.vlm.conftest import Make


class Till:
    """A day's ledger and purses that draw on it."""

    def __init__(self, day: float = 10.0, request: float | None = None) -> None:
        self.bucket = MemoryBucket()
        self.caps = Caps(request=request, day=day)
        self.ledger = Ledger(self.bucket, Day(), sleep=lambda _: None)

    def purse(self) -> Purse:
        return Purse(self.caps, self.ledger, "erase/")

    def spent(self) -> float:
        """What is noted when nothing is left in blocks."""
        self.ledger.close()
        return read_grants(self.bucket.read(ledger_name(NOON))[0])[""] / 1e6


@pytest.fixture
def till() -> Till:
    return Till()


def test_an_answer_is_booked_at_what_it_cost(
    gemini: Make, server: GeminiServer, till: Till
) -> None:
    usage = gemini(purse=till.purse()).render(edit()).usage
    assert till.spent() == pytest.approx(usage.dollars, abs=2e-6)


@pytest.mark.parametrize(
    "free",
    [error(503, "UNAVAILABLE"), error(400, "INVALID_ARGUMENT"), error(403, "PERMISSION_DENIED")],
    ids=["503", "400", "403"],
)
def test_a_call_that_was_not_answered_costs_nothing(
    gemini: Make, server: GeminiServer, till: Till, free: Reply
) -> None:
    server.script(*[free] * 3)
    with pytest.raises(ModelError) as told:
        gemini(purse=till.purse()).render(edit())
    assert till.spent() == 0
    assert "dollars_in_doubt" not in told.value.details


def test_an_answer_that_came_too_late_stays_spent(server: GeminiServer, till: Till) -> None:
    server.script(Reply(delay=5))
    model = GeminiModel(
        api_key=KEY, base_url=server.address, deadline_seconds=0.2, purse=till.purse()
    )
    with pytest.raises(ModelTimeout) as told:
        model.render(edit())
    doubt = told.value.details["dollars_in_doubt"]
    assert doubt >= model.quote(edit()).dollars
    assert till.spent() == pytest.approx(doubt, abs=2e-6)


def test_answers_that_were_lost_stay_spent_one_by_one(
    gemini: Make, server: GeminiServer, till: Till
) -> None:
    whole = picture(photo(1200, 896))
    cut = Reply(whole.status, whole.body, whole.headers, cut=True)
    server.script(cut, page())
    model = gemini(purse=till.purse())
    with pytest.raises(ModelLost) as told:
        model.render(edit())
    assert len(server.calls) == 2
    assert told.value.details["dollars_in_doubt"] >= 2 * model.quote(edit()).dollars
    assert till.spent() == pytest.approx(told.value.details["dollars_in_doubt"], abs=2e-6)


def test_a_refused_prompt_is_booked_at_what_it_says_it_took(
    gemini: Make, server: GeminiServer, till: Till
) -> None:
    server.script(blocked("SAFETY"))
    with pytest.raises(ModelError) as told:
        gemini(purse=till.purse()).render(edit())
    assert till.spent() == pytest.approx(told.value.details["dollars"], abs=2e-6)
    assert 0 < till.spent() < 0.01


def test_thoughts_beyond_what_was_reserved_are_booked_all_the_same(
    gemini: Make, server: GeminiServer, till: Till
) -> None:
    lavish = usage_of(picture=1120, thoughts=20_000)
    server.script(answer(picture_part(photo(1200, 896)), usage=lavish))
    usage = gemini(purse=till.purse()).render(edit()).usage
    assert usage.dollars > 0.15
    assert till.spent() == pytest.approx(usage.dollars, abs=2e-6)


def test_what_may_cost_more_than_the_day_has_left_is_not_sent(
    gemini: Make, server: GeminiServer
) -> None:
    till = Till(day=0.1)
    model = gemini(purse=till.purse())
    model.render(edit())
    model.render(edit(photo(100, 100)))
    with pytest.raises(CapReached):
        model.render(edit(photo(101, 101)))
    assert len(server.calls) == 2
    assert till.spent() <= 0.1


def test_a_request_that_has_spent_its_cap_asks_no_more(gemini: Make, server: GeminiServer) -> None:
    till = Till(request=0.06)
    model = gemini(purse=till.purse())
    model.ask(question())
    model.render(edit())
    with pytest.raises(CapReached, match="cap of a request"):
        model.render(edit(photo(100, 100)))
    assert len(server.calls) == 2
    gemini(purse=till.purse()).render(edit(photo(100, 100)))  # the next request may


def test_a_repetition_is_checked_like_a_first_call(gemini: Make, server: GeminiServer) -> None:
    server.script(answer({"text": "I made it!"}, usage=usage_of(words=3000)), picture(photo()))
    till = Till(request=0.06)
    with pytest.raises(CapReached) as told:
        gemini(purse=till.purse()).render(edit())
    assert len(server.calls) == 1
    assert told.value.details["calls"] == 1
    assert told.value.details["dollars"] > 0.02


def test_a_repair_is_checked_like_a_first_call(gemini: Make, server: GeminiServer) -> None:
    server.script(words("unreadable", thoughts=2000), words(FOUND))
    till = Till(request=0.033)
    with pytest.raises(CapReached):
        gemini(purse=till.purse()).ask(question())
    assert len(server.calls) == 1


def test_a_ledger_out_of_reach_means_that_nobody_is_asked(
    gemini: Make, server: GeminiServer
) -> None:
    def away(method: str, name: str) -> None:
        raise StoreError("away")

    ledger = Ledger(Watched(MemoryBucket(), away), Day(), sleep=lambda _: None)
    model = gemini(purse=Purse(Caps(day=1.0), ledger, "erase/"))
    for request in (lambda: model.render(edit()), lambda: model.ask(question())):
        with pytest.raises(LedgerUnreachable):
            request()
    assert server.calls == []


def test_a_ledger_that_comes_back_is_asked_again(gemini: Make, server: GeminiServer) -> None:
    calls = 0

    def once_away(method: str, name: str) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise StoreError("away")

    ledger = Ledger(Watched(MemoryBucket(), once_away), Day(), sleep=lambda _: None)
    gemini(purse=Purse(Caps(day=1.0), ledger, "erase/")).render(edit())
    assert len(server.calls) == 1


def test_an_unknown_model_is_refused_before_the_ledger_is_asked(
    gemini: Make, server: GeminiServer, till: Till
) -> None:
    with pytest.raises(ModelUnknown):
        gemini(image_model="gemini-9-image", purse=till.purse()).render(edit())
    assert (till.bucket.reads, till.bucket.writes, server.calls) == (0, 0, [])


def test_a_success_tells_of_the_answers_that_were_lost_before_it(
    gemini: Make, server: GeminiServer
) -> None:
    server.script(error(503, "UNAVAILABLE"), page())
    usage = gemini().render(edit()).usage
    assert (usage.calls, usage.attempts) == (1, 3)
    assert usage.dollars_in_doubt > 0.03


def test_a_failure_tells_how_often_it_was_tried(gemini: Make, server: GeminiServer) -> None:
    server.script(*[error(503, "UNAVAILABLE")] * 3)
    with pytest.raises(ModelError) as told:
        gemini().render(edit())
    assert told.value.details == {"attempts": 3}
