"""One request's money."""

from __future__ import annotations

import pytest

from common.errors import CapReached, LedgerUnreachable
from common.spend import Caps, Purse
from common.spend.caps import micros


def test_a_request_may_spend_its_cap_and_no_more() -> None:
    purse = Purse(Caps(request=0.10), None, "cutout/")
    purse.reserve(0.06).settle(0.05)
    purse.reserve(0.05)
    with pytest.raises(CapReached, match=r"after \$0.1000 before it") as told:
        purse.reserve(0.001)
    assert told.value.details["cap"] == "request"
    assert told.value.retry_after is None


def test_the_next_request_begins_anew() -> None:
    for _ in range(3):
        Purse(Caps(request=0.10), None, "cutout/").reserve(0.10)


def test_a_call_that_cost_more_than_was_reserved_leaves_less_for_the_next() -> None:
    purse = Purse(Caps(request=0.10), None, "cutout/")
    purse.reserve(0.02).settle(0.09)
    with pytest.raises(CapReached):
        purse.reserve(0.02)


@pytest.mark.parametrize("caps", [Caps(day=1.0), Caps(prefixes={"erase/": 1.0})])
def test_a_cap_of_a_day_without_a_ledger_is_refused_before_anything_is_asked(caps: Caps) -> None:
    with pytest.raises(LedgerUnreachable, match="note what they spend"):
        Purse(caps, None, "erase/").reserve(0.01)


def test_a_request_can_tell_what_it_cost_and_what_may_have_been_charged() -> None:
    purse = Purse(Caps(), None, "cutout/")
    purse.reserve(0.05).settle(0.02)
    purse.reserve(0.05).settle(0.0)
    purse.reserve(0.04)
    assert (purse.dollars, purse.dollars_in_doubt) == (0.02, 0.04)


@pytest.mark.parametrize(("dollars", "expected"), [(0.0336, 33600), (0.0000001, 1), (0.1, 100_000)])
def test_dollars_are_counted_in_whole_millionths_rounded_up(dollars: float, expected: int) -> None:
    assert micros(dollars) == expected
