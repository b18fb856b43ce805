"""One batch that was sent: what became of it, and of each ask in it."""

from __future__ import annotations

import contextlib
import tempfile
from typing import Any

from common.bulk.jobs import SETTLED, Job
from common.bulk.provider import Batch, Desk
from common.bulk.results import Results
from common.bulk.sending import PATIENCE, told
from common.errors import BatchFailed, BatchLost, ModelError

MOST_TRIES = 3  # batches that may fail to answer an ask
MOST_UNREAD = 5  # sweeps in which a file of answers cannot be read
PASSING = {1, 4, 8, 10, 13, 14, 429, 499}  # of google.rpc and HTTP; 5xx beside

_REPLAY = "Look at the batch at the provider, then run the picture again (studio replay)."


class Collecting:
    """Takes in a batch that has ended.

    Parameters
    ----------
    desk
        What is needed.
    job
        The batch, running or settled.
    """

    def __init__(self, desk: Desk, job: Job) -> None:
        self._desk = desk
        self._job = job

    def run(self) -> bool:
        """Look at the batch; once it has ended, take its answers in, settle and clear up.

        Returns
        -------
        bool
            Whether the provider could be spoken to at all.

        Raises
        ------
        PreconditionFailed
            Another sweep is at it.
        """
        try:
            batch = self._desk.provider.get(self._job.batch)
        except ModelError as error:
            self._untold(error)
            return False
        if batch is None or batch.phase != "running":
            self._take_in(batch)
        return True

    def clear(self) -> None:
        """Delete what a settled batch has left behind."""
        if self._job.file:
            with contextlib.suppress(ModelError):  # it ends by itself after two days
                self._desk.provider.forget(self._job.file)
        self._desk.jobs.forget(self._job)

    # --- reading ----------------------------------------------------------------------------------

    def _take_in(self, batch: Batch | None) -> None:
        try:
            results = self._results(batch)
        except ModelError as error:
            self._unread(error)
        else:
            self._ended(batch, results)

    def _results(self, batch: Batch | None) -> Results:
        """Read the file of answers, where there is one; answers are kept as they are read."""
        model = self._job.model
        results = Results(
            frozenset(self._job.names),
            lambda response: self._desk.bill(model, response),
            self._keep,
        )
        if batch is not None and batch.results:
            with tempfile.TemporaryFile() as file:
                self._desk.provider.download(batch.results, file)
                file.seek(0)
                results.read(file)
        return results

    def _keep(self, key: str, answer: dict[str, Any]) -> None:
        self._desk.asks.settle(key, answer)

    def _untold(self, error: ModelError) -> None:
        """Come back later: a provider out of reach says nothing about a batch that is paid for."""
        self._desk.tally.held = error.message
        if self._desk.clock() - self._job.moved >= PATIENCE:
            self._lose(f"For a week nobody could tell what became of a batch. {error.message}")

    def _unread(self, error: ModelError) -> None:
        """Come back later, or give up where that has failed too often: it may have been charged."""
        job = self._desk.jobs.write(self._job, self._desk.clock(), unread=self._job.unread + 1)
        self._job = job
        self._desk.tally.held = error.message
        if job.unread >= MOST_UNREAD:
            self._lose(f"The answers of a batch cannot be read. {error.message}")

    def _lose(self, why: str) -> None:
        lost = told(BatchLost(why, advice=_REPLAY))
        for key in self._job.names:
            self._give_up(key, lost)
        self._settled({})

    # --- what became of each ----------------------------------------------------------------------

    def _ended(self, batch: Batch | None, results: Results) -> None:
        phase = batch.phase if batch else "gone"
        costs = {key: cost for key, cost in results.dollars.items() if key not in results.untold}
        for key in self._job.names:
            if key in results.dollars:
                self._desk.tally.answered += 1
            elif key in results.errors:
                costs[key] = 0.0
                self._refused(key, results.errors[key])
            elif phase in {"failed", "expired"}:
                if phase == "failed":
                    costs[key] = 0.0
                self._again(key, f"The batch has {phase}.")
            else:
                self._give_up(key, told(_lost(phase)))
        self._settled(costs)

    def _refused(self, key: str, error: object) -> None:
        """Ask again what failed in passing; tell of what would fail again."""
        said = error if isinstance(error, dict) else {}
        code = said.get("code")
        if isinstance(code, int) and (code in PASSING or code >= 500):
            self._again(key, str(said.get("message", "")))
        else:
            self._give_up(key, error)

    def _again(self, key: str, why: str) -> None:
        ask = self._desk.asks.get(key)
        if ask is None or ask.job != self._job.id:
            return  # nobody waits for it any more
        if ask.tries + 1 < MOST_TRIES:
            self._desk.asks.assign(ask, "", tried=True)
            self._desk.tally.again += 1
            return
        failed = BatchFailed(f"{MOST_TRIES} batches gave no answer. {why}".strip(), advice=_REPLAY)
        self._give_up(key, told(failed))

    def _give_up(self, key: str, error: object) -> None:
        self._desk.asks.settle(key, {"error": error})
        self._desk.tally.failed += 1

    # --- money ------------------------------------------------------------------------------------

    def _settled(self, costs: dict[str, float]) -> None:
        """Put back what was set aside over the costs; what has no cost stays spent.

        Noted first: who is killed in between leaves money unspent, and never spends it twice.
        """
        job = self._job
        self._job = self._desk.jobs.write(job, self._desk.clock(), state=SETTLED)
        for key, cost in costs.items():
            self._desk.till.settle(job.names[key], job.reserved.get(key, 0), job.day, cost)
        self.clear()


def _lost(phase: str) -> BatchLost:
    happened = {
        "succeeded": "A batch has ended without an answer to this.",
        "cancelled": "The batch was cancelled.",
    }
    return BatchLost(happened.get(phase, "The provider knows the batch no more."), advice=_REPLAY)
