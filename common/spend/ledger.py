"""One day's spending of all instances: an object in the work bucket, drawn upon in blocks.

The object notes how much of each account was granted.  An instance that needs money raises the
grant by a conditional write and then spends the block without asking anybody.  Its first blocks are
small, since an instance may soon be gone with what it did not spend; they double as it goes on, up
to a small share of what is left, so that near the cap nobody sits on what others need.
"""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from common.errors import (
    CapReached,
    LedgerUnreachable,
    ObjectMissing,
    PreconditionFailed,
    StoreError,
)
from common.spend.caps import DAY, dollars
from common.store import Bucket

FIRST_BLOCK = 4  # calls' worth
SHARE = 50  # a block is at most this part of what is left: as many instances may hold one
ATTEMPTS = 40  # each lost one means that another instance was granted its block
LONGEST_PAUSE = 0.8  # seconds between two of them, at random

Grants = dict[str, int]  # account -> millionths of a dollar


class Ledger:
    """This process's hold on the day's ledger; safe for several threads.

    Parameters
    ----------
    bucket
        The work bucket.
    clock
        Seconds since 1970.
    sleep
        A pause in seconds.
    """

    def __init__(
        self,
        bucket: Bucket,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._bucket = bucket
        self._clock = clock
        self._sleep = sleep
        self._turn = threading.Lock()
        self._day = ""
        self._free: Grants = {}
        self._block: Grants = {}

    def today(self) -> str:
        """Return the name of the day's ledger: whose money is taken now."""
        return ledger_name(self._clock())

    def take(self, caps: Mapping[str, int], amount: int) -> str:
        """Take `amount` from each account of `caps`; return the day whose money it is.

        Raises
        ------
        CapReached
            An account has not that much left.
        LedgerUnreachable
            The bucket failed, or what stands there is no ledger.
        """
        with self._turn:
            self._begin(ledger_name(self._clock()))
            short = {name: cap for name, cap in caps.items() if self._free.get(name, 0) < amount}
            if short:
                self._draw(short, amount)
            for name in caps:
                self._free[name] = self._free.get(name, 0) - amount
            return self._day

    def give(self, day: str, accounts: Iterable[str], amount: int) -> None:
        """Give back what was taken too much; a negative `amount` is what was taken too little.

        A debt is noted at once, so that the others see it.  Where that fails it stays with this
        process, whose next block pays for it.
        """
        with self._turn:
            if day != self._day:
                return  # of yesterday: nobody can spend it any more
            for name in accounts:
                self._free[name] = self._free.get(name, 0) + amount
            debts = {name: -free for name, free in self._free.items() if free < 0}
            if debts:
                with contextlib.suppress(LedgerUnreachable):
                    self._grant(lambda _: debts)

    def refund(self, day: str, accounts: Iterable[str], amount: int) -> None:
        """Give back at once what another process of the same day had taken; negative is a debt.

        Where that fails it stays with this process, which gives it back when it ends.
        """
        with self._turn:
            if day != ledger_name(self._clock()):
                return  # of yesterday: nobody can spend it any more
            self._begin(day)
            back = dict.fromkeys(accounts, -amount)
            for name in back:
                self._free[name] = self._free.get(name, 0) + amount
            with contextlib.suppress(LedgerUnreachable):
                self._grant(lambda _: back)

    def close(self) -> None:
        """Give back what is left of the blocks; the process is about to end."""
        with self._turn, contextlib.suppress(LedgerUnreachable):
            left = {name: -free for name, free in self._free.items() if free > 0}
            try:
                if left:
                    self._grant(lambda _: left)
            finally:
                self._begin("")  # given back or not, it is no longer ours

    def _begin(self, day: str) -> None:
        if day != self._day:
            self._day, self._free, self._block = day, {}, {}

    def _draw(self, short: Mapping[str, int], amount: int) -> None:
        """Have a block of each account granted that is `short` of `amount`."""

        def wanted(granted: Mapping[str, int]) -> Grants:
            blocks = {}
            for name, cap in short.items():
                need, left = amount - self._free.get(name, 0), cap - granted.get(name, 0)
                if need > left:
                    raise self._refusal(name, cap, granted.get(name, 0), amount)
                block = self._block.get(name, FIRST_BLOCK * amount)
                blocks[name] = max(need, min(block, left // SHARE))
            return blocks

        for name in self._grant(wanted):
            self._block[name] = 2 * self._block.get(name, FIRST_BLOCK * amount)

    def _grant(self, wanted: Callable[[Mapping[str, int]], Grants]) -> Grants:
        """Raise the day's grants by what is `wanted` in their light, and own the difference."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                granted, generation = self._read()
                blocks = wanted(granted)
                self._write({**granted, **_sum(granted, blocks)}, generation)
            except PreconditionFailed:
                # Spreads the instances out; no secret depends on it.
                self._sleep(random.uniform(0, min(LONGEST_PAUSE, 0.02 * attempt)))  # noqa: S311
                continue
            except StoreError as error:
                raise LedgerUnreachable(
                    "What was spent today cannot be read or noted, so no model is asked.",
                    advice="Try again later.",
                ) from error
            self._free = {**self._free, **_sum(self._free, blocks)}
            return blocks
        raise LedgerUnreachable("Too many instances draw on the ledger.", advice="Try again.")

    def _read(self) -> tuple[Grants, int]:
        try:
            data, stored = self._bucket.read(self._day)
        except ObjectMissing:
            return {}, 0
        return read_grants(data), stored.generation

    def _write(self, granted: Mapping[str, int], generation: int) -> None:
        body = json.dumps({"granted": granted}, sort_keys=True).encode()
        self._bucket.write(
            self._day, body, if_generation=generation, content_type="application/json"
        )

    def _refusal(self, account: str, cap: int, granted: int, amount: int) -> CapReached:
        which = "for today" if account == DAY else f"for {account} today"
        return CapReached(
            f"The call may cost ${dollars(amount):.4f}, and of the ${dollars(cap):.2f} {which} "
            f"${dollars(max(0, cap - granted)):.4f} are left.",
            advice="Wait for the next day (UTC), or have the operator raise the cap.",
            retry_after=_until_midnight(self._clock()),
            details={"cap": account or "day", "cap_dollars": dollars(cap)},
        )


def ledger_name(now: float) -> str:
    """Return the name of the day's ledger in the work bucket; the day is UTC's."""
    return f"spend/{datetime.fromtimestamp(now, UTC):%Y-%m-%d}.json"


def read_grants(data: bytes) -> Grants:
    """Return what a ledger says was granted.

    Raises
    ------
    LedgerUnreachable
        It is no ledger; to take it for an empty one would be to spend the day's money again.
    """
    try:
        granted = json.loads(data)["granted"]
        if all(type(amount) is int for amount in granted.values()):
            return dict(granted)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise LedgerUnreachable(
        "The day's spending ledger is damaged, so no model is asked.",
        advice="The operator must mend it, or delete it and so begin the day's count anew.",
    )


def _sum(a: Mapping[str, int], b: Mapping[str, int]) -> Grants:
    return {name: a.get(name, 0) + amount for name, amount in b.items()}


def _until_midnight(now: float) -> float:
    today = datetime.fromtimestamp(now, UTC)
    tomorrow = (today + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return round((tomorrow - today).total_seconds())
