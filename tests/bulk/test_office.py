"""Batches by the real SDK against a Gemini on loopback: sent, ended in every way, paid once."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from common.errors import BatchFailed, BatchLost, Misconfigured, ModelCredentials, ModelRequestWrong
from common.spend import Caps
from common.store.folder import FolderBucket
from common.vlm.base import Ask
from common.vlm.gemini import Access, Batches, GeminiModel
from tests.support.gemini_batches import CANCELLED, EXPIRED, FAILED, Desk
from tests.support.gemini_server import (
    KEY,
    GeminiServer,
    Reply,
    blocked,
    error,
    in_camel_case,
    out_of_quota,
    words,
)
from tests.support.models import FOUND, edit, photo, question
from tests.support.nights import KilledError, Night, killing
from tests.support.stores import Watched

HOUR = 3600.0


# --- what is sent ---------------------------------------------------------------------------------


def test_a_line_of_a_batch_is_what_the_sdk_itself_would_send(
    night: Night, server: GeminiServer
) -> None:
    requests = (question(), edit())
    night.ask(*requests)
    lines = [json.loads(night.asks.line(ask.key) or b"") for ask in night.asks.waiting()]
    model = GeminiModel(api_key=KEY, base_url=server.address)
    model.ask(requests[0])
    model.render(requests[1])
    sent = [call.body for call in server.calls]
    for body in sent:  # the SDK writes the other alphabet of base64, and says of nothing "nothing"
        data = body["contents"][0]["parts"][0]["inlineData"]
        data["data"] = data["data"].replace("-", "+").replace("_", "/")
    by_words = {json.dumps(body, sort_keys=True) for body in sent}
    assert {
        json.dumps(in_camel_case(line["request"]), sort_keys=True) for line in lines
    } == by_words


def test_what_is_asked_waits_and_nobody_is_called(night: Night, server: GeminiServer) -> None:
    assert night.ask(question(), edit()) == [None, None]
    assert server.calls == []
    assert len(list(night.asks.waiting())) == 2


def test_the_answers_of_a_batch_are_remembered_and_cost_half(
    night: Night, desk: Desk, server: GeminiServer
) -> None:
    night.ask(question(), edit())
    assert night.visit() == {"sent": 2}
    desk.end()
    assert night.visit() == {"answered": 2}
    found, rendered = night.ask(question(), edit())
    assert [thing.label for thing in found.value] == ["thing"]
    assert rendered.image.size.width > 300
    ordinary = GeminiModel(api_key=KEY, base_url=server.address).render(edit())
    assert rendered.usage.dollars == pytest.approx(ordinary.usage.dollars / 2)
    again = night.ask(question(), edit())
    assert [each.usage.remembered for each in again] == [True, True]
    assert not [*night.asks.waiting(), *night.jobs.all()]


def test_the_same_ask_of_two_inputs_is_one_line(night: Night, desk: Desk) -> None:
    night.one(question(), name="detect/a.jpg")
    night.one(question(), name="detect/b.jpg")
    assert night.visit() == {"sent": 1}
    night.one(question(), name="detect/c.jpg")
    assert night.visit() == {}
    assert [len(batch.lines) for batch in desk.batches] == [1]


def test_a_batch_holds_at_most_fifty_asks_of_one_model(night: Night, desk: Desk) -> None:
    for number in range(52):
        night.one(question(photo(60 + number, 40)))
    night.one(edit())
    assert night.visit() == {"sent": 53}
    assert sorted(len(batch.lines) for batch in desk.batches) == [1, 2, 50]
    assert len({batch.title for batch in desk.batches}) == 3


def test_a_batch_that_runs_is_left_alone(night: Night, desk: Desk) -> None:
    night.ask(question())
    night.visit()
    assert night.visit() == night.visit() == {}
    assert len(desk.batches) == 1


# --- how a batch may end --------------------------------------------------------------------------


def night_with(night: Night, number: int) -> list[Ask[Any]]:
    """Put so many asks into a batch."""
    requests: list[Ask[Any]] = [question(photo(60 + each, 40)) for each in range(number)]
    night.ask(*requests)
    night.visit()
    return requests


def test_lines_that_failed_in_passing_are_asked_again_and_the_others_are_not(
    night: Night, desk: Desk, server: GeminiServer
) -> None:
    requests = night_with(night, 3)
    desk.end(refused={1: {"code": 8, "message": "exhausted"}})
    assert night.visit() == {"answered": 2, "again": 1}
    assert night.visit() == {"sent": 1}
    desk.end()
    assert night.visit() == {"answered": 1}
    assert len(server.calls) == 3
    assert None not in night.ask(*requests)


def test_a_line_that_would_fail_again_ends_in_its_failure(night: Night, desk: Desk) -> None:
    requests = night_with(night, 2)
    desk.end(refused={0: {"code": 3, "message": "Unable to process input image."}})
    assert night.visit() == {"answered": 1, "failed": 1}
    ends = []
    for request in requests:
        try:
            ends.append(night.one(request).usage.calls)
        except ModelRequestWrong as wrong:
            ends.append(wrong.message)
    assert 1 in ends
    assert any("Unable to process" in str(end) for end in ends)


@pytest.mark.parametrize("state", [FAILED, EXPIRED])
def test_a_batch_that_failed_or_expired_is_sent_again_and_at_last_given_up(
    night: Night, desk: Desk, state: str, server: GeminiServer
) -> None:
    (request,) = night_with(night, 1)
    told = []
    for _ in range(3):
        desk.end(state, unanswered=True)
        told += [night.visit(), night.visit()]
    again, sent = {"again": 1}, {"sent": 1}
    assert told == [again, sent, again, sent, {"failed": 1}, {}]
    assert len(desk.batches) == 3
    with pytest.raises(BatchFailed, match="3 batches gave no answer") as given_up:
        night.one(request)
    assert given_up.value.charged == "no"
    assert server.calls == []


def test_an_expired_batch_gives_the_answers_that_it_has(night: Night, desk: Desk) -> None:
    night_with(night, 3)
    desk.end(EXPIRED, lost=[2])
    assert night.visit() == {"answered": 2, "again": 1}


def test_a_cancelled_batch_ends_in_failures_for_all_to_see(night: Night, desk: Desk) -> None:
    (request,) = night_with(night, 1)
    desk.end(CANCELLED, unanswered=True)
    assert night.visit() == {"failed": 1}
    with pytest.raises(BatchLost, match="cancelled"):
        night.one(request)


@pytest.mark.parametrize("damage", ["lost", "spoilt"])
def test_an_answer_that_is_missing_may_be_paid_and_is_not_asked_again(
    night: Night, desk: Desk, damage: str
) -> None:
    night_with(night, 2)
    desk.end(lost=[1] if damage == "lost" else [], spoilt=[1] if damage == "spoilt" else [])
    assert night.visit() == {"answered": 1, "failed": 1}
    assert list(night.asks.waiting()) == []


def test_a_file_that_cannot_be_read_is_tried_again_and_then_given_up(
    night: Night, desk: Desk
) -> None:
    (request,) = night_with(night, 1)
    desk.end()
    for _ in range(4):
        desk.script.append(("download", error(503, "UNAVAILABLE")))
        assert "out of order" in night.visit()["held"]
    desk.script.append(("download", error(503, "UNAVAILABLE")))
    assert night.visit()["failed"] == 1
    with pytest.raises(BatchLost, match="cannot be read") as lost:
        night.one(request)
    assert lost.value.charged == "maybe"


def test_a_provider_out_of_reach_for_days_loses_no_batch(night: Night, desk: Desk) -> None:
    night_with(night, 1)
    desk.end()
    for _ in range(6 * 24):
        desk.script.append(("get", error(503, "UNAVAILABLE")))
        assert night.visit().keys() == {"held"}
        night.now += HOUR
    assert night.visit() == {"answered": 1}


def test_a_batch_of_which_nobody_tells_for_a_week_may_have_been_paid(
    night: Night, desk: Desk
) -> None:
    (request,) = night_with(night, 1)
    night.now += 7 * 24 * HOUR
    desk.script.append(("get", error(403, "PERMISSION_DENIED")))
    assert night.visit()["failed"] == 1
    with pytest.raises(BatchLost, match="For a week") as lost:
        night.one(request)
    assert lost.value.charged == "maybe"


def test_a_file_that_can_be_read_again_is_read(night: Night, desk: Desk) -> None:
    night_with(night, 1)
    desk.end()
    desk.script.append(("download", Reply(cut=True)))
    night.visit()
    assert night.visit() == {"answered": 1}


def test_a_batch_that_is_gone_may_have_been_paid(night: Night, desk: Desk) -> None:
    (request,) = night_with(night, 1)
    desk.batches.clear()
    assert night.visit() == {"failed": 1}
    with pytest.raises(BatchLost, match="knows the batch no more"):
        night.one(request)


def test_a_refusal_of_the_model_is_its_answer(
    night: Night, desk: Desk, server: GeminiServer
) -> None:
    (request,) = night_with(night, 1)
    server.script(blocked("SAFETY"))
    desk.end()
    assert night.visit() == {"answered": 1}
    with pytest.raises(Exception, match="SAFETY"):
        night.one(request)


def test_an_answer_that_cannot_be_read_is_mended_by_the_next_batch(
    night: Night, desk: Desk, server: GeminiServer
) -> None:
    (request,) = night_with(night, 1)
    server.script(words("I see a thing."))
    desk.end()
    night.visit()
    assert night.one(request) is None
    assert night.visit() == {"sent": 1}
    server.script(words(FOUND))
    desk.end()
    night.visit()
    assert night.one(request).value[0].label == "thing"
    assert "I see a thing." in server.calls[-1].words


# --- when it is not taken -------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["begin_upload", "upload_bytes", "create"])
@pytest.mark.parametrize("failure", [error(503, "UNAVAILABLE"), out_of_quota("RequestsPerDay")])
def test_what_passes_is_sent_by_a_later_sweep(
    night: Night, desk: Desk, step: str, failure: Reply
) -> None:
    if step == "upload_bytes":
        failure = replace(failure, headers=failure.headers | {"X-Goog-Upload-Status": "final"})
    night.ask(question())
    desk.script.append((step, failure))
    assert "held" in night.visit()
    night.now += HOUR
    assert night.visit() == {"sent": 1}
    assert len(desk.batches) == 1


def test_credentials_that_are_refused_end_in_failures_for_all_to_see(
    night: Night, desk: Desk
) -> None:
    night.ask(question())
    desk.script.append(("create", error(403, "PERMISSION_DENIED")))
    assert night.visit()["failed"] == 1
    with pytest.raises(ModelCredentials):
        night.one(question())


def test_a_batch_whose_creation_was_lost_on_the_wire_is_found_and_not_created_again(
    night: Night, desk: Desk
) -> None:
    night.ask(question())
    desk.script.append(("create", Reply(cut=True)))
    assert "held" in night.visit()
    others = [replace(desk.batches[0], name=f"batches/9{each}", title="other") for each in range(3)]
    desk.batches[:0] = others  # so that its title stands on a later page of the list
    assert night.visit() == {"sent": 1}
    assert len(desk.batches) == 4


def test_a_batch_that_is_not_listed_yet_is_waited_for(night: Night, desk: Desk) -> None:
    night.ask(question())
    desk.script.append(("create", error(503, "UNAVAILABLE")))
    night.visit()
    assert night.visit() == {}
    night.now += 121
    assert night.visit() == {"sent": 1}


def test_what_nobody_takes_for_a_week_is_given_up(night: Night, desk: Desk) -> None:
    night.ask(question())
    desk.script.append(("begin_upload", error(503, "UNAVAILABLE")))
    night.visit()
    night.now += 7 * 24 * HOUR
    desk.script.append(("begin_upload", error(503, "UNAVAILABLE")))
    assert night.visit()["failed"] == 1


def test_vertex_is_told_that_it_has_no_files() -> None:
    with pytest.raises(Misconfigured, match="key of the Gemini API"):
        Batches(Access(project="p"), 1.0)


# --- money ----------------------------------------------------------------------------------------


def test_the_most_is_set_aside_before_and_the_cost_stays_after(night: Night, desk: Desk) -> None:
    night.caps = Caps(day=10.0)
    night.ask(edit())
    night.visit()
    before = night.spent()
    desk.end()
    night.visit()
    rendered = night.one(edit())
    assert before > rendered.usage.dollars
    assert night.spent() == pytest.approx(rendered.usage.dollars, abs=1e-5)


def test_a_cap_holds_what_it_does_not_cover_until_there_is_more(night: Night, desk: Desk) -> None:
    night.caps = Caps(day=0.08)
    requests = [edit(photo(60 + number, 40)) for number in range(6)]
    night.ask(*requests)
    told = night.visit()
    assert 0 < told["sent"] < 6
    assert "are left" in told["held"]
    night.now += 24 * HOUR
    desk.end()
    assert night.visit().get("sent", 0) > 0
    assert night.spent() <= 0.08


def test_a_batch_that_is_created_a_day_late_is_paid_by_that_days_money(
    night: Night, desk: Desk
) -> None:
    night.caps = Caps(day=0.08)
    night.ask(edit())
    desk.script.append(("create", error(503, "UNAVAILABLE")))
    night.visit()
    night.now += 24 * HOUR
    assert night.visit() == {"sent": 1}
    assert 0 < night.spent() <= 0.08
    night.caps = Caps(day=0.16)
    night.ask(edit(photo(90, 60)))
    desk.script.append(("create", error(503, "UNAVAILABLE")))
    night.visit()
    night.now += 24 * HOUR
    night.caps = Caps(day=0.001)
    assert "are left" in night.visit()["held"]
    assert len(desk.batches) == 1


def test_a_folder_whose_cap_is_reached_holds_no_other_folder_up(night: Night, desk: Desk) -> None:
    night.caps = Caps(day=10.0, prefixes={"cutout/shoes/": 0.0001})
    for number in range(51):
        night.one(edit(photo(60 + number, 40)), "cutout/shoes/a.jpg")
    night.now += 1
    night.one(edit(photo(60, 60)), "cutout/hats/a.jpg")
    told = night.visit()
    assert told["sent"] == 1
    assert "for cutout/shoes/ today" in told["held"]
    assert [len(batch.lines) for batch in desk.batches] == [1]


def test_a_late_batch_that_todays_money_does_not_cover_keeps_none_of_it(
    night: Night, desk: Desk
) -> None:
    night.caps = Caps(day=10.0)
    night.ask(*(edit(photo(60 + number, 40)) for number in range(3)))
    desk.script.append(("create", error(503, "UNAVAILABLE")))
    night.visit()
    night.caps = Caps(day=night.spent() * 0.7)  # enough for two of the three
    night.now += 24 * HOUR
    for _ in range(4):
        assert "are left" in night.visit()["held"]
        assert night.spent() == 0
    assert desk.batches == []


def test_an_answer_that_came_twice_is_billed_twice(night: Night, desk: Desk) -> None:
    night.caps = Caps(day=10.0)
    night.ask(edit())
    night.visit()
    desk.end(twice=[0])
    night.visit()
    assert night.spent() == pytest.approx(2 * night.one(edit()).usage.dollars, abs=1e-4)


# --- two sweeps at once ---------------------------------------------------------------------------


def test_a_sweep_with_an_old_list_takes_no_ask_out_of_a_batch(night: Night, desk: Desk) -> None:
    night.ask(*(question(photo(60 + number, 40)) for number in range(2)))

    def late(method: str, name: str) -> None:
        if method == "write" and name.startswith("batch/jobs/") and not desk.batches:
            night.now += 1
            assert night.visit() == {"sent": 2}

    assert "sent" not in night.visit(Watched(night.bucket, late))
    assert [len(batch.lines) for batch in desk.batches] == [2]


# --- killed at every step -------------------------------------------------------------------------


def test_killed_at_every_step_nothing_is_asked_twice_and_no_cap_is_broken(
    server: GeminiServer, desk: Desk, tmp_path: Path
) -> None:
    for last in count():
        desk.clear()
        server.script()
        night = Night(server, desk, FolderBucket(tmp_path / str(last)), Caps(day=10.0))
        requests = [question(photo(60 + number, 40)) for number in range(2)]
        night.ask(*requests)
        lived = _visited(night, last)
        _through_the_night(night)
        answers = night.ask(*requests)
        assert None not in answers, last
        assert len(server.calls) == 2, last
        paid = sum(answer.usage.dollars for answer in answers)
        assert night.spent() >= paid - 1e-6, last
        if lived:
            assert last > 10
            return


def test_killed_at_every_step_of_taking_in_nothing_is_lost(
    server: GeminiServer, desk: Desk, tmp_path: Path
) -> None:
    for last in count():
        desk.clear()
        server.script()
        night = Night(server, desk, FolderBucket(tmp_path / str(last)), Caps(day=10.0))
        requests = [question(photo(60 + number, 40)) for number in range(3)]
        night.ask(*requests)
        night.visit()
        desk.end(refused={1: {"code": 14, "message": "later"}})
        lived = _visited(night, last)
        _through_the_night(night)
        answers = night.ask(*requests)
        assert None not in answers, last
        assert len(server.calls) == 3, last
        assert night.spent() >= sum(answer.usage.dollars for answer in answers) - 1e-6, last
        if lived:
            assert last > 8
            return


def _visited(night: Night, last: int) -> bool:
    """Visit the office until it is killed after `last` steps; tell whether it lived."""
    try:
        night.visit(Watched(night.bucket, killing(last)))
    except KilledError:
        return False
    return True


def _through_the_night(night: Night) -> None:
    for _ in range(4):
        night.now += HOUR / 4
        night.visit()
        night.desk.end()
    night.visit()
