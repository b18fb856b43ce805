"""The bucket door's way to wait for batches: run, park, go on, clear up."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from common.bulk import Asks, Inputs, Office, Visit
from common.bulk import Parked as ParkedInput
from common.errors import BadOptions, Parked, StudioError
from common.jobs import Buckets, Job
from common.operations.base import Operation
from common.operations.options import Options
from common.report import Cost
from functions._workshop import Finished

if TYPE_CHECKING:
    from common.vlm.gemini import Collection


class Run(Protocol):
    """Does an operation whose calls are collected; see `functions._wiring.run`."""

    def __call__(
        self,
        operation: Operation[Any],
        data: bytes,
        options: Options,
        *,
        backdrop: bytes | None = None,
        mask: bytes | None = None,
        name: str = "",
        bulk: Collection | None = None,
    ) -> Finished:
        """Return the result, or raise a `StudioError`."""
        ...


@dataclass(frozen=True)
class Bulk:
    """Runs operations stage by stage, as batches answer what they ask.

    Attributes
    ----------
    buckets
        Where inputs come from, and where it is noted what waits.
    run_collecting
        Does an operation; what it asks and no batch has answered is noted, and `Parked` raised.
    office
        Opens the office that sends batches; raises `Misconfigured` where there is none.
    engine
        The engine where options name none; the embedded one asks nobody, and so waits for nobody.
    clock
        Seconds since 1970.
    """

    buckets: Buckets
    run_collecting: Run
    office: Callable[[], Office]
    engine: str
    clock: Callable[[], float] = time.time

    def check(self, options: Options) -> None:
        """Refuse what cannot wait for a batch.

        Raises
        ------
        BadOptions, Misconfigured
        """
        if options.fresh:
            raise BadOptions(
                "fresh and a batch exclude each other: every stage would ask everything anew.",
                advice='Leave out "fresh", or "when".',
                field="fresh",
            )
        if (options.engine or self.engine) != "embedded":
            self.office()

    def run(
        self,
        job: Job,
        operation: Operation[Any],
        data: bytes,
        options: Options,
        *,
        backdrop: bytes | None = None,
        mask: bytes | None = None,
    ) -> Finished:
        """Run a job as far as answers allow.

        Raises
        ------
        Parked
            It waits for a batch.
        StudioError
            See the operation.  Its details tell what all stages cost.
        """
        asks, inputs = Asks(self.buckets.work), Inputs(self.buckets.work)
        before = inputs.get(job.digest())
        if before and any(asks.waits(key) for key in before.awaited):
            raise Parked("This still waits for the answer of a batch.")
        earlier = before.took if before else {}
        name = job.source.name
        visit = Visit(asks, name, self.clock)
        try:
            finished = self.run_collecting(
                operation, data, options, backdrop=backdrop, mask=mask, name=name, bulk=visit
            )
        except Parked:
            inputs.park(_parked(job, visit, earlier))
            raise
        except StudioError as error:
            error.details |= _bill(error, _cost(earlier, visit))
            raise
        return _with_cost_of_all_stages(finished, _cost(earlier, visit))

    def end(self, job: Job) -> None:
        """Throw away what waited for a job that has come to its end."""
        parked = Inputs(self.buckets.work).get(job.digest())
        if parked:
            self._clear(parked)

    def _clear(self, parked: ParkedInput) -> None:
        """Forget a parked input, its answers, and its asks that are not on their way."""
        keys = {*parked.awaited, *parked.took}
        kept = [key for key in keys if not self._let_go(key, parked.job)]
        Inputs(self.buckets.work).leave(parked.job)
        for key in kept:  # whom it was kept for may have ended at this moment
            self._let_go(key, parked.job)

    def _let_go(self, key: str, job: str) -> bool:
        """Throw an ask or its answer away, unless another input than `job` needs it."""
        asks = Asks(self.buckets.work)
        if asks.is_shared(key) and any(
            key in each.awaited or key in each.took
            for each in Inputs(self.buckets.work).all()
            if each.job != job
        ):
            return False
        ask = asks.get(key)
        if ask is None or not ask.job:
            asks.forget(key)
            asks.drop(key)
        return True

    # --- for the sweep ----------------------------------------------------------------------------

    def errand(self, until: float) -> dict[str, Any]:
        """Take answers in and send what waits, until the time is over; return what came of it."""
        if not any(True for _ in self.buckets.work.list("batch/")):
            return {}
        return self.office().visit(until).told()

    def parked(self) -> tuple[list[ParkedInput], set[tuple[str, int]]]:
        """Return the inputs that wait no more, and name and generation of all that were parked."""
        waiting = {ask.key for ask in Asks(self.buckets.work).waiting()}
        everyone = list(Inputs(self.buckets.work).all())
        ready = [parked for parked in everyone if waiting.isdisjoint(parked.awaited)]
        return ready, {(parked.name, int(parked.generation)) for parked in everyone}

    def settled(self, parked: ParkedInput) -> None:
        """Clear up after a ready input was run, or is gone, unless it waits for more by now."""
        asks = Asks(self.buckets.work)
        now = Inputs(self.buckets.work).get(parked.job)
        if now and not any(asks.waits(key) for key in now.awaited):
            self._clear(now)


def _parked(job: Job, visit: Visit, earlier: Mapping[str, Mapping[str, float]]) -> ParkedInput:
    source = job.source
    return ParkedInput(
        job.digest(),
        job.operation,
        source.name,
        str(source.generation),
        tuple(visit.awaited),
        {**earlier, **visit.took},
    )


def _cost(earlier: Mapping[str, Mapping[str, float]], visit: Visit) -> Cost:
    """Return what answers took that an earlier run has used, and this one found remembered."""
    return Cost.sum(
        Cost(calls=1, attempts=1, **took) for key, took in earlier.items() if key not in visit.took
    )


def _with_cost_of_all_stages(finished: Finished, earlier: Cost) -> Finished:
    cost = _whole_cost(finished.report.cost, earlier)
    report = finished.report.model_copy(update={"cost": cost})
    # What runs here makes dataclasses; the protocol cannot say so.
    return replace(finished, report=report)  # type: ignore[type-var]


def _whole_cost(last: Cost, earlier: Cost) -> Cost:
    """Return the cost of all stages; what an earlier one paid for is not called remembered."""
    remembered = max(0, last.remembered - earlier.calls)
    return Cost.sum([last.model_copy(update={"remembered": remembered}), earlier])


def _bill(error: StudioError, earlier: Cost) -> dict[str, Any]:
    """Return what a failure tells of its cost, that of earlier stages included."""
    if not earlier.dollars:
        return {}
    dollars = error.details.get("dollars", 0.0) + earlier.dollars
    return {"dollars": round(dollars, 6), "charged": "yes"}
