"""The clock's door: one sweep, through the same job as events."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from common import jobs
from common.jobs import Ending, Parking, Portion, Source
from common.jobs.sweep import NOBODY, Errand
from common.operations.registry import OPERATIONS
from common.store import Stored
from functions import _events, _log, _wiring
from functions._bulk import Bulk
from functions._notice import Notice
from functions._notify import Postbox
from functions._workshop import Workshop

MOST_ATTEMPTS = 10  # as often as the queue delivers an event


def sweep(
    workshop: Workshop, operations: Collection[str], portion: Portion, errands: Mapping[str, Errand]
) -> dict[str, Any]:
    """Sweep once and tell the log; see `common.jobs.sweep`.

    An input whose attempts fail again and again, or kill whoever makes them, is given up.
    """
    patient = replace(workshop, run_job=partial(jobs.run, most_attempts=MOST_ATTEMPTS))

    def do(operation: str, stored: Stored) -> Ending:
        return _events.work(operation, notice_of(workshop, stored), patient)

    summary = jobs.sweep(
        workshop.buckets,
        operations,
        do,
        portion,
        errands=errands,
        parking=partial(_parking, workshop),
    )
    level = logging.WARNING if summary["waiting"] else logging.INFO
    _log.write(level, f"sweep: {summary['run']} of {summary['looked']} inputs run", sweep=summary)
    return summary


def _parking(workshop: Workshop) -> Parking:
    """Return the inputs that wait for batches, and the way to go on with those that wait no more.

    Whatever stands of an input that was parked is no good result: it was run all the same.
    """
    bulk = workshop.bulk
    if not isinstance(bulk, Bulk):
        return NOBODY
    parked, held = bulk.parked()
    run_job = partial(jobs.run, most_attempts=MOST_ATTEMPTS, settles=jobs.is_good)
    patient = replace(workshop, run_job=run_job)
    ready: list[tuple[str, Stored]] = []
    by_input = {(each.name, int(each.generation)): each for each in parked}
    for each in parked:
        stored = workshop.buckets.input.stat(each.name)
        if stored and str(stored.generation) == each.generation:
            ready.append((each.operation, stored))
        else:
            bulk.settled(each)

    def go_on(operation: str, stored: Stored) -> Ending:
        ending = _events.work(operation, notice_of(workshop, stored), patient)
        bulk.settled(by_input[stored.name, stored.generation])
        return ending

    return Parking(ready, held, go_on)


def scheduled() -> dict[str, Any]:
    """Sweep as the clock does it: a portion of the old inputs."""
    own = _wiring.settings()
    return as_set_up(Portion(own.sweep_seconds, own.sweep_inputs))


def as_set_up(portion: Portion) -> dict[str, Any]:
    """Sweep the buckets of this process."""
    workshop = _wiring.workshop()
    return sweep(workshop, OPERATIONS, portion, errands(workshop))


def errands(workshop: Workshop) -> dict[str, Errand]:
    """Return what is done at every sweep beside the inputs, by the name it has in the summary."""
    done: dict[str, Errand] = {"manifest": partial(jobs.manifest.fold, workshop.buckets)}
    if isinstance(workshop.postbox, Postbox):
        done["notices"] = workshop.postbox.send_again
    if isinstance(workshop.bulk, Bulk):
        done["batch"] = workshop.bulk.errand
    return done


def notice_of(workshop: Workshop, stored: Stored) -> Notice:
    """Return what an event would say of an input."""
    source = Source(workshop.buckets.input.name, stored.name, stored.generation)
    return Notice(source, stored.size, stored.metadata)
