"""The office that sends batches and takes their answers in; the sweep visits it again and again.

Nothing is asked twice: a batch is noted before it is created, and found again by its title where a
crash or a broken connection left open whether it was.  Nothing is spent beyond a cap: the most that
a batch may cost is set aside before it is created, and what was not spent is put back once.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from common.bulk.asks import Ask, Asks
from common.bulk.collecting import Collecting
from common.bulk.jobs import PLANNED, RUNNING, SETTLED, Job, Jobs, new_id
from common.bulk.provider import Bill, Desk, Provider, Tally
from common.bulk.sending import Sending
from common.bulk.till import Till
from common.errors import PreconditionFailed
from common.store import Bucket

MOST = 50  # asks a batch: one of 385 pictures was billed and could not be read back
MOST_BYTES = 64_000_000  # of a file of requests; half a megabyte each is usual


class Office:
    """Sends batches and takes answers in.

    Parameters
    ----------
    bucket
        The work bucket.
    provider
        Where batches are run.
    bill
        A model and an answer -> what it took; None where it does not tell.
    till
        The money.
    clock
        Seconds since 1970.
    """

    def __init__(
        self,
        bucket: Bucket,
        provider: Provider,
        bill: Callable[[str, object], Bill | None],
        till: Till,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._asks = Asks(bucket)
        self._jobs = Jobs(bucket)
        self._provider = provider
        self._bill = bill
        self._till = till
        self._clock = clock

    def visit(self, until: float) -> Tally:
        """Take in what is answered, then send what waits, until the time is over.

        Raises
        ------
        StudioError
            The bucket, or the ledger, is out of reach; the next visit goes on from there.
        """
        desk = Desk(
            self._asks,
            self._jobs,
            self._provider,
            self._bill,
            self._till,
            self._clock,
            Tally(),
        )
        waiting = list(self._asks.waiting())  # before the jobs: no ask of a new one is missed
        under_way = list(self._jobs.all())
        may_send = True
        for job in under_way:
            if self._clock() < until:
                may_send &= _step(desk, job)
        for asks in _chunks(_free(waiting, under_way)):
            if not may_send or self._clock() >= until:
                break
            if paid := [ask for ask in asks if self._till.accounts(ask.name) not in desk.short]:
                may_send = _step(desk, self._planned(paid))
        return desk.tally

    def _planned(self, asks: list[Ask]) -> Job:
        now = self._clock()
        identity = new_id([ask.key for ask in asks], asks[0].tries, now)
        names = {ask.key: ask.name for ask in asks}
        return self._jobs.write(Job(identity, asks[0].model, PLANNED, now, now, names), now)


def _step(desk: Desk, job: Job) -> bool:
    """Bring a batch one step on; return whether it makes sense to send another one.

    Where another sweep is at it, it is left to that.
    """
    with contextlib.suppress(PreconditionFailed):
        if job.state == RUNNING:
            return Collecting(desk, job).run()
        if job.state != SETTLED:
            return Sending(desk, job).run()
        Collecting(desk, job).clear()
    return True


def _free(waiting: Iterable[Ask], under_way: Iterable[Job]) -> Iterator[Ask]:
    """Yield the asks that are in no batch; a batch that is not noted any more holds none."""
    ids = {job.id for job in under_way}
    planned = {key for job in under_way for key in job.names}
    return (ask for ask in waiting if ask.job not in ids and ask.key not in planned)


def _chunks(free: Iterable[Ask]) -> Iterator[list[Ask]]:
    """Yield what goes into one batch: asks of one model that have failed equally often.

    So whatever makes a batch fail does not take fresh asks down with it.
    """
    in_turn = sorted(free, key=lambda ask: (ask.model, ask.tries, ask.since, ask.key))
    for _, group in groupby(in_turn, key=lambda ask: (ask.model, ask.tries)):
        chunk: list[Ask] = []
        for ask in group:
            if len(chunk) == MOST or sum(each.size for each in chunk) + ask.size > MOST_BYTES:
                yield chunk
                chunk = []
            chunk.append(ask)
        if chunk:
            yield chunk
