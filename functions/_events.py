"""The bucket door: a picture dropped into the input bucket becomes a result in the output bucket.

A failure that stays is published where the result would stand, and the event is done; one that may
pass is raised, so that the event is delivered again, later.  An event that was delivered too often
comes back marked as a dead letter, and ends in a failed result too.  A picture that waits for a
batch is parked: its event is done, and the sweep goes on with it.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from cloudevents.http import CloudEvent

from common import jobs
from common.errors import InternalError, ObjectMissing, Parked, StoreError, StudioError
from common.jobs import Ending, Job, Made, Source, State, is_input
from common.store import Bucket
from functions import _asked, _log
from functions._asked import Asked
from functions._notice import Notice, read_notice
from functions._workshop import Finished, Workshop

_NO_FACTS: Mapping[str, Any] = MappingProxyType({})


def serve(operation_name: str, event: CloudEvent, workshop: Workshop) -> None:
    """Work on the object that `event` tells about, if it is an input of this operation.

    Raises
    ------
    StudioError
        A passing failure: the event should be delivered again.
    """
    notice = _understood(event)
    if notice is None or not _is_input(notice, operation_name, workshop):
        return
    work(operation_name, notice, workshop, _log.of_event(event.get_attributes()))


def work(
    operation_name: str,
    notice: Notice,
    workshop: Workshop,
    facts: Mapping[str, Any] = _NO_FACTS,
) -> Ending:
    """Work on an input of an operation, tell the log, and return how it ended.

    Parameters
    ----------
    facts
        What the log is to tell beside what is found out here.

    Raises
    ------
    StudioError
        A passing failure.
    """
    asked = Asked(operation_name, notice, facts=dict(facts))
    try:
        ending = _work(asked, workshop)
    except Parked:
        ending = Ending(State.PARKED)
    except StudioError as error:
        _tell(asked, "It may pass; it will be tried again.", error, level=logging.WARNING)
        raise
    _tell(asked, str(ending.state), ending.error, result=ending.name)
    return ending


def job_of(operation_name: str, notice: Notice, workshop: Workshop) -> Job:
    """Return the job that an input is.

    Raises
    ------
    StudioError
        Its options cannot be read.
    """
    asked = Asked(operation_name, notice)
    _asked.read(asked, workshop.operation(operation_name), workshop)
    return asked.job()


# --- is it for us ---------------------------------------------------------------------------------


def _understood(event: CloudEvent) -> Notice | None:
    """Read the event; one that cannot be read would be no clearer the next time."""
    try:
        return read_notice(event)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _log.write(logging.ERROR, "This is no event of Cloud Storage.", defect=error)
        return None


def _is_input(notice: Notice, operation: str, workshop: Workshop) -> bool:
    """Whether the object is a picture for this operation."""
    source = notice.source
    if source.bucket != workshop.buckets.input.name or not source.name.startswith(f"{operation}/"):
        _log.write(
            logging.WARNING,
            f"The event is not for {operation}.",
            object=source.name,
            bucket=source.bucket,
        )
        return False
    return is_input(source.name, notice.size)


# --- the job --------------------------------------------------------------------------------------


def _work(asked: Asked, workshop: Workshop) -> Ending:
    buckets = workshop.buckets
    operation = workshop.operation(asked.operation)
    try:
        options = _asked.read(asked, operation, workshop)
    except StudioError as error:
        if error.retryable:
            raise
        with _promised(asked, workshop):
            return jobs.refuse(asked.job(), buckets, error)
    if asked.notice.dead_after:
        with _promised(asked, workshop):
            return jobs.bury(asked.job(), buckets, asked.notice.dead_after)

    run = _way_to_run(asked, workshop)

    def work(data: bytes) -> Made:
        asked.facts |= _log.asset(data, asked.values)
        backdrop = _picture(asked.backdrop, buckets.input, workshop.max_bytes)
        mask = _picture(asked.mask, buckets.input, workshop.max_bytes)
        finished = run(operation, data, options, backdrop=backdrop, mask=mask)
        report = finished.report.model_dump(mode="json")
        asked.facts |= _log.came_of_it(report)
        return Made(finished.picture, finished.content_type, finished.suffix, report)

    with _promised(asked, workshop):
        ending = workshop.run_job(asked.job(), buckets, work, max_bytes=workshop.max_bytes)
    if asked.in_bulk and workshop.bulk:
        workshop.bulk.end(asked.job())
    return ending


def _way_to_run(asked: Asked, workshop: Workshop) -> Callable[..., Finished]:
    """Return the way that asks at once, or the one that lets asks wait for a batch."""
    if asked.in_bulk and workshop.bulk:
        return partial(workshop.bulk.run, asked.job())
    return partial(workshop.run, name=asked.notice.source.name)


def _promised(asked: Asked, workshop: Workshop) -> contextlib.AbstractContextManager[None]:
    if not asked.notify or workshop.postbox is None:
        return contextlib.nullcontext()
    return workshop.postbox.promised(asked.operation, asked.notice.source, asked.notify)


def _picture(source: Source | None, bucket: Bucket, limit: int) -> bytes | None:
    if source is None:
        return None
    try:
        return bucket.read(source.name, source.generation, limit)[0]
    except ObjectMissing as error:
        raise StoreError(f"{source.name} was replaced at this moment.") from error


# --- what is told ---------------------------------------------------------------------------------


def _tell(
    asked: Asked,
    what: str,
    error: StudioError | None,
    *,
    level: int = logging.INFO,
    result: str = "",
) -> None:
    source = asked.notice.source
    facts = {**asked.facts, "operation": asked.operation, "object": source.name}
    facts |= {"bucket": source.bucket, "generation": str(source.generation)}
    facts["milliseconds"] = round((time.perf_counter() - asked.start) * 1000, 1)
    if asked.recipe:
        facts["recipe"] = f"{asked.recipe.name}#{asked.recipe.generation}"
    if result:
        facts["result"] = result
    if error:
        facts |= _log.went_wrong(error) | {"detail": error.message}
    defect = error.__cause__ if isinstance(error, InternalError) else None
    level = logging.ERROR if defect else level
    _log.write(level, f"{asked.operation}: {what}", defect=defect, **facts)
