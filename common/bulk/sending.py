"""One batch on its way to the provider."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from common.bulk.asks import Ask
from common.bulk.jobs import CREATING, PLANNED, RUNNING, Job
from common.bulk.provider import Batch, Desk
from common.errors import (
    BatchFailed,
    CapReached,
    LedgerUnreachable,
    ModelError,
    ModelQuotaExhausted,
    ModelTimeout,
)
from common.spend.caps import dollars

SETTLING = 120.0  # seconds until a batch that was created must be found in the list
PATIENCE = 7 * 86400.0  # seconds that a batch waits to be sent: for money, or for a quota
TOGETHER = 8  # notes written at a time

_LATER = (ModelTimeout, ModelQuotaExhausted, CapReached)  # beside all that is called retryable


class Sending:
    """Brings a batch from its plan to the provider.

    Parameters
    ----------
    desk
        What is needed.
    job
        The batch, planned or being created.
    """

    def __init__(self, desk: Desk, job: Job) -> None:
        self._desk = desk
        self._job = job

    def run(self) -> bool:
        """Take the asks, set the money aside, upload, create; each step is noted.

        Returns
        -------
        bool
            Whether another batch may fare better.

        Raises
        ------
        PreconditionFailed
            Another sweep is at it.
        LedgerUnreachable
            Nobody can tell what is left of the day's money.
        """
        is_new = self._job.state == PLANNED
        try:
            batch = self._created() if is_new else self._found()
        except LedgerUnreachable:
            raise
        except ModelError as error:
            self._not_sent(error, is_free=is_new and error.charged == "no")
            return isinstance(error, CapReached)
        if batch is not None:
            self._note(state=RUNNING, batch=batch.name)
            self._desk.tally.sent += len(self._job.names)
        return True

    def _created(self) -> Batch | None:
        """Create the batch; None where nothing is left that it could hold."""
        day = self._desk.till.today()  # before the money is taken: midnight may come
        reserved = self._afforded(self._taken(), day)
        names = {key: self._job.names[key] for key in reserved}
        self._note(names=names, reserved=reserved, day=day)
        if not self._job.names:
            self._desk.jobs.forget(self._job)
            return None
        file = self._uploaded()
        self._note(state=CREATING, file=file)
        return self._desk.provider.create(self._job.model, file, self._job.title)

    def _found(self) -> Batch | None:
        """Return the batch that was left behind, or create it; None where that is yet unknown."""
        provider, job = self._desk.provider, self._job
        found = provider.find(job.title)
        if found or self._desk.clock() - job.moved < SETTLING:
            return found
        reserved, day = self._still_afforded()
        self._note(reserved=reserved, day=day)  # of two sweeps one goes on
        return provider.create(job.model, job.file, job.title)

    # --- the steps --------------------------------------------------------------------------------

    def _taken(self) -> list[Ask]:
        """Return the asks that are this batch's now; another may have been quicker."""
        job, jobs, asks = self._job, self._desk.jobs, self._desk.asks

        def take(key: str) -> Ask | None:
            ask = asks.get(key)
            if ask is None or ask.job == job.id:
                return ask
            if ask.job and jobs.stands(ask.job):
                return None  # of another sweep, which this one's list is older than
            return asks.assign(ask, job.id)

        with ThreadPoolExecutor(TOGETHER) as pool:
            return [ask for ask in pool.map(take, job.names) if ask]

    def _afforded(self, asks: list[Ask], day: str) -> dict[str, int]:
        """Set aside what the asks may cost; return millionths by key.  The others are let go."""
        job, till = self._job, self._desk.till
        if job.reserved and job.day == day:
            return {ask.key: job.reserved[ask.key] for ask in asks if ask.key in job.reserved}
        reserved: dict[str, int] = {}
        for ask in asks:
            try:
                reserved[ask.key] = till.reserve(ask.name, ask.dollars)
            except CapReached as error:
                self._desk.tally.held = error.message
                self._desk.short.add(till.accounts(ask.name))
                self._let_go(ask, error)
        return reserved

    def _still_afforded(self) -> tuple[Mapping[str, int], str]:
        """Return what is set aside, and for which day; yesterday's money does not count today.

        Raises
        ------
        CapReached
            Today has not that much left for the whole batch, whose file cannot change any more.
        """
        job, till = self._job, self._desk.till
        day = till.today()
        if job.day == day:
            return job.reserved, day
        again: dict[str, int] = {}
        try:
            for key, amount in job.reserved.items():
                again[key] = till.reserve(job.names[key], dollars(amount))
        except CapReached:
            self._put_back(again, day)
            raise
        return again, day

    def _uploaded(self) -> str:
        """Upload the lines as one file; return its name."""
        with tempfile.TemporaryFile() as file:
            for key in self._job.names:
                file.write(self._desk.asks.line(key) or b"")
            file.seek(0)
            return self._desk.provider.upload(file, self._job.title)

    def _let_go(self, ask: Ask, error: ModelError) -> None:
        """Let an ask wait for another batch, or give it up where it has waited too long."""
        if self._desk.clock() - ask.since > PATIENCE:
            self._give_up(ask.key, error)
        else:
            self._desk.asks.assign(ask, "")

    # --- when it is not taken ---------------------------------------------------------------------

    def _not_sent(self, error: ModelError, *, is_free: bool) -> None:
        """Leave the batch for the next sweep, or give all of it up.

        Its money is put back where no earlier sweep can have created it.
        """
        self._desk.tally.held = error.message
        passing = error.retryable or isinstance(error, _LATER)
        if passing and self._desk.clock() - self._job.since < PATIENCE:
            return
        for key in self._job.names:
            self._give_up(key, error)
        if is_free:
            self._put_back(self._job.reserved, self._job.day)
        self._desk.jobs.forget(self._job)

    def _put_back(self, reserved: Mapping[str, int], day: str) -> None:
        for key, amount in reserved.items():
            self._desk.till.settle(self._job.names[key], amount, day, 0.0)

    def _give_up(self, key: str, error: ModelError) -> None:
        self._desk.asks.settle(key, {"error": told(error)})
        self._desk.tally.failed += 1

    def _note(self, **changes: object) -> None:
        self._job = self._desk.jobs.write(self._job, self._desk.clock(), **changes)


def told(error: ModelError) -> dict[str, str]:
    """Return a failure as an answer tells it: it has had its tries, and is final."""
    code = BatchFailed.code if error.retryable else error.code
    return {"code": code, "message": error.message, "advice": error.advice}
