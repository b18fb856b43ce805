"""The bucket door: a picture dropped into the input bucket becomes a result in the output bucket.

Options are the object's metadata ``params`` (a JSON object) over the nearest ``recipe.json``, from
the picture's folder upwards to the operation's, over the defaults.  A failure that stays is
published where the result would stand, and the event is done; one that may pass is raised, so that
the event is delivered again, later.  An event that was delivered too often comes back marked as a
dead letter, and ends in a failed result too.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Protocol

from cloudevents.http import CloudEvent

from common import jobs
from common.errors import BadOptions, InternalError, ObjectMissing, StoreError, StudioError
from common.jobs import RECIPE, Buckets, Ending, Job, Made, Source, is_input
from common.operations.base import Operation
from common.operations.options import Options, read_options
from common.report import Report
from common.store import Bucket, check_name
from functions import _log

PUSHED = "google.cloud.pubsub.topic.v1.messagePublished"
FINALIZED = "google.cloud.storage.object.v1.finalized"
NEW_OBJECT = "OBJECT_FINALIZE"
DEAD_AFTER = "CloudPubSubDeadLetterSourceDeliveryCount"  # Pub/Sub's own mark on a dead letter
PARAMS = "params"
MAX_RECIPE_BYTES = 1_000_000
_NO_FACTS: Mapping[str, Any] = MappingProxyType({})


class Finished(Protocol):
    """A result as files; see `functions._wiring.Finished`."""

    @property
    def picture(self) -> bytes | None:
        """The picture's file."""
        ...

    @property
    def content_type(self) -> str:
        """The picture's media type."""
        ...

    @property
    def suffix(self) -> str:
        """The suffix of the picture's file, with its dot."""
        ...

    @property
    def report(self) -> Report:
        """How it came to be."""
        ...


class RunJob(Protocol):
    """Runs a job; see `common.jobs.run`."""

    def __call__(
        self, job: Job, buckets: Buckets, work: Callable[[bytes], Made], *, max_bytes: int
    ) -> Ending:
        """Run the job, or raise a `StudioError` that may pass."""
        ...


class Postbox(Protocol):
    """Tells that results are finished; see `functions._notify.Postbox`."""

    def check(self) -> None:
        """Raise a `Misconfigured` where nothing can be told."""
        ...

    def promised(
        self, operation: str, source: Source, url: str
    ) -> contextlib.AbstractContextManager[None]:
        """Tell `url` of the result when the block has ended."""
        ...


class Run(Protocol):
    """Does an operation on a file's bytes; see `functions._wiring.run`."""

    def __call__(
        self,
        operation: Operation[Any],
        data: bytes,
        options: Options,
        *,
        backdrop: bytes | None = None,
        name: str = "",
    ) -> Finished:
        """Return the result, or raise a `StudioError`."""
        ...


@dataclass(frozen=True)
class Workshop:
    """What the door needs.

    Attributes
    ----------
    buckets
        Where pictures come from and results go.
    operation
        Operations by name.
    run
        Does one.
    max_bytes
        A larger picture is refused.
    run_job
        The way to run a job; whoever repeats old ones has another.
    postbox
        The way to tell an address that a result is finished.
    """

    buckets: Buckets
    operation: Callable[[str], Operation[Any]]
    run: Run
    max_bytes: int
    run_job: RunJob = jobs.run
    postbox: Postbox | None = None


@dataclass(frozen=True)
class Notice:
    """What an event says.

    Attributes
    ----------
    source
        The new object.
    size
        In bytes; None where the event does not say.
    metadata
        The object's; None where the event does not say.
    dead_after
        How often it was delivered in vain, where this is a dead letter; else 0.
    """

    source: Source
    size: int | None = None
    metadata: Mapping[str, str] | None = None
    dead_after: int = 0


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
    asked = _Asked(operation_name, notice, facts=dict(facts))
    try:
        ending = _work(asked, workshop)
    except StudioError as error:
        _tell(asked, "It may pass; it will be tried again.", error, level=logging.WARNING)
        raise
    _tell(asked, str(ending.state), ending.error, result=ending.name)
    return ending


# --- what the event says --------------------------------------------------------------------------


def read_notice(event: CloudEvent) -> Notice | None:
    """Return what an event says, None where it is not about a new object.

    Raises
    ------
    ValueError, KeyError, TypeError
        It is no event of Cloud Storage.
    """
    data = event.data
    if isinstance(data, str | bytes):
        data = json.loads(data)
    if event["type"] == FINALIZED:
        return _notice(data["bucket"], data["name"], data["generation"], data)
    if event["type"] != PUSHED:
        return None
    message = data["message"]
    attributes = message.get("attributes") or {}
    if attributes["eventType"] != NEW_OBJECT:
        return None
    text = base64.b64decode(message.get("data") or b"")
    resource = json.loads(text) if attributes.get("payloadFormat") == "JSON_API_V1" else {}
    return _notice(
        attributes["bucketId"],
        attributes["objectId"],
        attributes["objectGeneration"],
        resource,
        int(attributes.get(DEAD_AFTER, 0)),
    )


def _notice(
    bucket: str, name: str, generation: str, resource: Mapping[str, Any], dead_after: int = 0
) -> Notice:
    size = resource.get("size")
    return Notice(
        Source(str(bucket), str(name), int(generation)),
        None if size is None else int(size),
        (resource.get("metadata") or {}) if resource else None,
        dead_after,
    )


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


# --- what is asked --------------------------------------------------------------------------------


@dataclass
class _Asked:
    """What is asked for an input, as far as it is known, and what the log is to tell of it."""

    operation: str
    notice: Notice
    values: dict[str, Any] = field(default_factory=dict)
    recipe: Source | None = None
    backdrop: Source | None = None
    notify: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    start: float = field(default_factory=time.perf_counter)

    def job(self) -> Job:
        return Job(self.operation, self.notice.source, self.values, self.recipe, self.backdrop)


def _work(asked: _Asked, workshop: Workshop) -> Ending:
    buckets = workshop.buckets
    operation = workshop.operation(asked.operation)
    try:
        options = _read_options(asked, operation, workshop)
    except StudioError as error:
        if error.retryable:
            raise
        with _promised(asked, workshop):
            return jobs.refuse(asked.job(), buckets, error)
    if asked.notice.dead_after:
        with _promised(asked, workshop):
            return jobs.bury(asked.job(), buckets, asked.notice.dead_after)

    def work(data: bytes) -> Made:
        asked.facts |= _log.asset(data, asked.values)
        backdrop = _picture(asked.backdrop, buckets.input, workshop.max_bytes)
        name = asked.notice.source.name
        finished = workshop.run(operation, data, options, backdrop=backdrop, name=name)
        report = finished.report.model_dump(mode="json")
        asked.facts |= _log.came_of_it(report)
        return Made(finished.picture, finished.content_type, finished.suffix, report)

    with _promised(asked, workshop):
        return workshop.run_job(asked.job(), buckets, work, max_bytes=workshop.max_bytes)


def _promised(asked: _Asked, workshop: Workshop) -> contextlib.AbstractContextManager[None]:
    if not asked.notify or workshop.postbox is None:
        return contextlib.nullcontext()
    return workshop.postbox.promised(asked.operation, asked.notice.source, asked.notify)


def _read_options(asked: _Asked, operation: Operation[Any], workshop: Workshop) -> Options:
    """Read the options; note in `asked` what was found on the way, for a result of any kind."""
    bucket = workshop.buckets.input
    name = check_name(asked.notice.source.name)
    text, asked.recipe = _nearest_recipe(name, bucket)
    asked.values = _object(text, asked.recipe.name if asked.recipe else "")
    asked.notify = _address(asked.values.pop("notify", None), workshop)
    asked.values |= _params(asked.notice, bucket)
    options: Options = read_options(operation.options, asked.values)
    asked.values = options.model_dump(mode="json")
    asked.backdrop = _backdrop(options, bucket)
    return options


def _nearest_recipe(name: str, bucket: Bucket) -> tuple[bytes, Source | None]:
    for place in _recipes(name):
        try:
            data, stored = bucket.read(place, limit=MAX_RECIPE_BYTES)
        except ObjectMissing:
            continue
        return data, Source(bucket.name, place, stored.generation)
    return b"", None


def _recipes(name: str) -> Iterator[str]:
    """Yield where a recipe may stand: beside the picture, then upwards, last in the operation's."""
    for folder in PurePosixPath(name).parents:
        if folder.name:
            yield f"{folder}/{RECIPE}"


def _params(notice: Notice, bucket: Bucket) -> dict[str, Any]:
    metadata = notice.metadata
    if metadata is None:
        stored = bucket.stat(notice.source.name)
        metadata = stored.metadata if stored else {}
    return _object(metadata.get(PARAMS, "").encode(), PARAMS)


def _object(text: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text.strip() or b"{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BadOptions(
            f"{where} is not a JSON object.", advice='Write it as {"name": value}.', field=where
        )
    return value


def _address(notify: object, workshop: Workshop) -> str:
    """Return the address that a recipe wants to be told of results; empty where it names none."""
    if notify is None:
        return ""
    url = notify.get("url") if isinstance(notify, dict) and len(notify) == 1 else None
    if not isinstance(url, str) or not url.startswith("https://"):
        raise BadOptions(
            "notify names no https address.",
            advice='Write it as "notify": {"url": "https://..."}; the secret is a setting.',
            field="notify",
        )
    if workshop.postbox is None:
        raise BadOptions("There is nobody here who sends notices.", field="notify")
    workshop.postbox.check()
    return url


def _backdrop(options: Options, bucket: Bucket) -> Source | None:
    """Return the picture behind the subject, an object of the input bucket, where one is named."""
    name = next(filter(_is_picture_name, _backgrounds(options)), None)
    if name is None:
        return None
    stored = bucket.stat(name)
    if stored is None:
        raise BadOptions(
            f"background: there is no picture {name} in the input bucket.",
            advice="Put it there, in a folder that is no operation's, such as backdrops/.",
            field="background",
        )
    return Source(bucket.name, name, stored.generation)


def _backgrounds(options: Options) -> Iterator[str]:
    for step in (options, *getattr(options, "steps", ())):
        yield getattr(step, "background", "")


def _is_picture_name(background: str) -> bool:
    return "." in background or "/" in background


def _picture(source: Source | None, bucket: Bucket, limit: int) -> bytes | None:
    if source is None:
        return None
    try:
        return bucket.read(source.name, source.generation, limit)[0]
    except ObjectMissing as error:
        raise StoreError(f"{source.name} was replaced at this moment.") from error


# --- what is told ---------------------------------------------------------------------------------


def _tell(
    asked: _Asked,
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
