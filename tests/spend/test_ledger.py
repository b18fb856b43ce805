"""The day's ledger: never overspent, whoever draws on it, and silent where it need not be asked."""

from __future__ import annotations

import multiprocessing
import threading
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import CapReached, LedgerUnreachable, StoreError
from common.spend import Caps, Ledger, Purse, ledger_name
from common.spend.caps import micros
from common.spend.ledger import read_grants
from common.store.folder import FolderBucket
from tests.support.ledgers import NOON, Day, MemoryBucket
from tests.support.stores import Watched

PICTURE = 0.0357
A_DOLLAR = Caps(day=1.0)


def ledger(bucket: MemoryBucket, day: Day | None = None) -> Ledger:
    return Ledger(bucket, day or Day(), sleep=lambda _: None)


def purse(book: Ledger, caps: Caps = A_DOLLAR, name: str = "cutout/") -> Purse:
    return Purse(caps, book, name)


def granted(bucket: MemoryBucket, account: str = "", now: float = NOON) -> float:
    return read_grants(bucket.read(ledger_name(now))[0])[account] / 1e6


def buy_until_refused(book: Ledger, caps: Caps = A_DOLLAR, cost: float = PICTURE) -> int:
    bought = 0
    while True:
        try:
            purse(book, caps).reserve(cost).settle(cost)
        except CapReached:
            return bought
        bought += 1


# --- the cap holds --------------------------------------------------------------------------------


def test_a_day_buys_what_its_cap_holds_and_not_one_more() -> None:
    assert buy_until_refused(ledger(MemoryBucket())) == int(1 / PICTURE)


@pytest.mark.parametrize("instances", [1, 2, 7, 50])
def test_many_instances_together_buy_no_more_and_nearly_as_much(instances: int) -> None:
    bucket = MemoryBucket()
    books = [ledger(bucket) for _ in range(instances)]
    bought = sum(buy_until_refused(book) for book in books)
    assert bought * PICTURE <= 1
    assert bought >= int(1 / PICTURE) - 1


moves = st.lists(
    st.tuples(st.integers(0, 3), st.floats(0.001, 0.2), st.floats(0, 1), st.booleans()),
    max_size=60,
)


@given(moves=moves)
def test_what_was_spent_and_what_is_reserved_never_exceed_the_cap(
    moves: list[tuple[int, float, float, bool]],
) -> None:
    bucket = MemoryBucket()
    books = [ledger(bucket) for _ in range(4)]
    spent = 0
    for instance, most, share, answered in moves:
        try:
            reservation = purse(books[instance]).reserve(most)
        except CapReached:
            continue
        if answered:
            reservation.settle(most * share)
            spent += micros(most * share)
        else:
            spent += micros(most)  # an answer that was lost stays spent
        assert spent <= micros(1.0)
        assert spent <= micros(granted(bucket))


def test_threads_of_one_instance_do_not_overspend() -> None:
    book, bought = ledger(MemoryBucket()), []
    threads = [
        threading.Thread(target=lambda: bought.append(buy_until_refused(book))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(bought) == int(1 / PICTURE)


def _buy(root: str, start: Barrier, told: str) -> None:
    """In another process: buy until nothing is left."""
    book = Ledger(FolderBucket(Path(root)))
    start.wait(20)
    Path(told).write_text(str(buy_until_refused(book, Caps(day=2.0))), "utf-8")


def test_processes_do_not_overspend(tmp_path: Path) -> None:
    method = multiprocessing.get_context("spawn")
    start = method.Barrier(4)
    told = [tmp_path / f"{number}" for number in range(4)]
    processes = [
        method.Process(target=_buy, args=(str(tmp_path / "work"), start, str(path)))
        for path in told
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    bought = sum(int(path.read_text("utf-8")) for path in told)
    assert int(2 / PICTURE) - 1 <= bought <= 2 / PICTURE


def test_a_prefix_has_its_own_cap_below_the_days() -> None:
    book, caps = ledger(MemoryBucket()), Caps(day=1.0, prefixes={"cutout/shoes/": 0.1})
    for _ in range(2):
        purse(book, caps, "cutout/shoes/a.jpg").reserve(PICTURE)
    with pytest.raises(CapReached, match=r"\$0.10 for cutout/shoes/ today") as told:
        purse(book, caps, "cutout/shoes/b.jpg").reserve(PICTURE)
    assert told.value.details["cap"] == "cutout/shoes/"
    purse(book, caps, "cutout/bags/b.jpg").reserve(PICTURE)


def test_what_a_prefix_spends_the_day_spends() -> None:
    bucket = MemoryBucket()
    caps = Caps(day=1.0, prefixes={"cutout/": 5.0})
    book = ledger(bucket)
    assert buy_until_refused(book, caps) == int(1 / PICTURE)
    book.close()
    assert granted(bucket, "cutout/") == pytest.approx(granted(bucket, ""), abs=1e-5)


# --- blocks ---------------------------------------------------------------------------------------


def test_a_busy_instance_asks_the_ledger_rarely() -> None:
    bucket = MemoryBucket()
    book = ledger(bucket)
    for _ in range(1000):
        purse(book, Caps(day=500.0)).reserve(PICTURE).settle(PICTURE)
    assert bucket.writes < 15


def test_an_instance_that_soon_dies_takes_little_with_it() -> None:
    bucket = MemoryBucket()
    for _ in range(100):
        purse(ledger(bucket), Caps(day=500.0)).reserve(PICTURE).settle(PICTURE)
    assert granted(bucket) <= 100 * 4 * PICTURE * 1.001


def test_an_instance_that_ends_in_peace_gives_back_what_it_did_not_spend() -> None:
    bucket = MemoryBucket()
    book = ledger(bucket)
    purse(book, Caps(day=500.0)).reserve(0.1).settle(0.03)
    book.close()
    assert granted(bucket) == 0.03
    purse(book, Caps(day=500.0)).reserve(0.1).settle(0.03)  # should it go on all the same
    assert granted(bucket) >= 0.06


def test_without_a_cap_for_this_picture_the_ledger_is_left_alone() -> None:
    bucket = MemoryBucket()
    for caps in (Caps(), Caps(request=5.0), Caps(prefixes={"erase/": 1.0})):
        purse(ledger(bucket), caps).reserve(PICTURE).settle(0.01)
    assert (bucket.reads, bucket.writes) == (0, 0)


# --- the day --------------------------------------------------------------------------------------


def test_a_new_day_begins_anew() -> None:
    bucket, day = MemoryBucket(), Day()
    book = ledger(bucket, day)
    buy_until_refused(book)
    day.now += 86_400
    assert buy_until_refused(book) == int(1 / PICTURE)


def test_yesterdays_reservation_is_not_todays_money() -> None:
    bucket, day = MemoryBucket(), Day()
    book = ledger(bucket, day)
    old = purse(book).reserve(0.9)
    day.now += 86_400
    buy_until_refused(book)
    old.settle(0.0)
    with pytest.raises(CapReached):
        purse(book).reserve(PICTURE)


def test_a_refusal_says_what_is_left_and_when_there_is_more() -> None:
    book = ledger(MemoryBucket())
    purse(book).reserve(0.98)
    with pytest.raises(CapReached, match=r"\$1.00 for today \$0.0200 are left") as told:
        purse(book).reserve(PICTURE)
    assert told.value.retry_after == 12 * 3600
    assert told.value.details == {"cap": "day", "cap_dollars": 1.0}
    assert (told.value.status, told.value.charged, told.value.retryable) == (429, "no", False)


# --- settling -------------------------------------------------------------------------------------


def test_a_reservation_is_settled_by_the_real_cost_once() -> None:
    book = ledger(MemoryBucket())
    reservation = purse(book).reserve(1.0)
    reservation.settle(0.4)
    reservation.settle(0.0)
    purse(book).reserve(0.6)
    with pytest.raises(CapReached):
        purse(book).reserve(0.001)


def test_a_call_that_cost_more_than_was_reserved_is_seen_by_all_at_once() -> None:
    bucket = MemoryBucket()
    purse(ledger(bucket)).reserve(0.1).settle(0.95)
    assert granted(bucket) == pytest.approx(0.95)
    with pytest.raises(CapReached):
        purse(ledger(bucket)).reserve(0.1)


def test_a_debt_that_cannot_be_noted_is_paid_by_the_next_block() -> None:
    bucket, away = MemoryBucket(), False

    def before(method: str, name: str) -> None:
        if away:
            raise StoreError("away")

    book = Ledger(Watched(bucket, before), Day(), sleep=lambda _: None)
    reservation = purse(book).reserve(0.1)
    away = True
    reservation.settle(0.95)
    away = False
    with pytest.raises(CapReached):
        purse(book).reserve(0.1)


# --- failing closed -------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["read", "write"])
def test_a_ledger_out_of_reach_refuses(method: str) -> None:
    def before(called: str, name: str) -> None:
        if called == method:
            raise StoreError("away")

    book = Ledger(Watched(MemoryBucket(), before), Day(), sleep=lambda _: None)
    with pytest.raises(LedgerUnreachable) as told:
        purse(book).reserve(PICTURE)
    assert (told.value.status, told.value.charged, told.value.retryable) == (503, "no", True)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"granted": 3}', b'{"granted": {"": "1"}}', b'{"granted": {"":']
)
def test_a_damaged_ledger_is_not_taken_for_an_empty_one(data: bytes) -> None:
    bucket = MemoryBucket()
    bucket.write(ledger_name(NOON), data)
    with pytest.raises(LedgerUnreachable, match="damaged"):
        purse(ledger(bucket)).reserve(PICTURE)
    assert bucket.read(ledger_name(NOON))[0] == data


def test_a_ledger_that_others_keep_writing_is_given_up_in_the_end() -> None:
    bucket = MemoryBucket()

    def before(method: str, name: str) -> None:
        if method == "write":
            bucket.write(name, b'{"granted": {}}')

    book = Ledger(Watched(bucket, before), Day(), sleep=lambda _: None)
    with pytest.raises(LedgerUnreachable, match="Too many"):
        purse(book).reserve(PICTURE)
