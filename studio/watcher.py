"""Watches the input folder and delivers what Pub/Sub would: the same message, as often as needed.

A file is taken when it has not changed for a moment, so half-copied ones are not.  A message that
is not taken comes again after a growing wait; after a number of attempts it comes as a dead letter,
which the door turns into a failed result that everybody sees.
"""

from __future__ import annotations

import base64
import contextlib
import heapq
import itertools
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from common import jobs
from common.errors import BadObjectName, StudioError
from common.store import Bucket, Stored, is_hidden
from common.store.folder import FolderBucket
from functions import _log
from functions._notice import DEAD_AFTER, NEW_OBJECT

Deliver = Callable[[str, bytes], int]
HasResult = Callable[[str, Stored], bool]

TICK_SECONDS = 0.1
RESCAN_SECONDS = 60.0  # a file system may drop notices, and a network share sends none
POLL_SECONDS = 1.0  # the same where the library for notices is not installed
DELIVERY_SECONDS = 600.0  # Pub/Sub's longest time for an answer


def loopback(port: int, host: str = "127.0.0.1") -> Deliver:
    """Return a way to deliver to the studio that serves at `port` of this machine."""

    def deliver(operation: str, body: bytes) -> int:
        connection = HTTPConnection(host, port, timeout=DELIVERY_SECONDS)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", f"/events/{operation}/", body, headers)
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()

    return deliver


def has_result_in(output: Bucket, input_name: str = "input") -> HasResult:
    """Return a way to tell whether an input of the bucket `input_name` has a result in `output`."""

    def has_result(operation: str, stored: Stored) -> bool:
        source = jobs.Source(input_name, stored.name, stored.generation)
        found = jobs.find(output, operation, source)
        return found is not None and found.source.generation >= stored.generation

    return has_result


def push_body(bucket: str, stored: Stored, dead_after: int = 0) -> bytes:
    """Return the body with which Pub/Sub pushes Cloud Storage's notice of a new object.

    Parameters
    ----------
    bucket
        The bucket's name.
    stored
        The new object.
    dead_after
        After how many deliveries in vain it became a dead letter; 0 where it is none.
    """
    operation = stored.name.partition("/")[0]
    time_created = _timestamp(stored.updated)
    attributes = {
        "bucketId": bucket,
        "objectId": stored.name,
        "objectGeneration": str(stored.generation),
        "eventType": NEW_OBJECT,
        "eventTime": time_created,
        "payloadFormat": "JSON_API_V1",
        "notificationConfig": f"projects/_/buckets/{bucket}/notificationConfigs/1",
    }
    if dead_after:
        attributes[DEAD_AFTER] = str(dead_after)
    # One object's generation has one id, however often it is told.
    message_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{bucket}/{stored.name}#{stored.generation}"))
    message = {
        "attributes": attributes,
        "data": base64.b64encode(json.dumps(_resource(bucket, stored)).encode()).decode(),
        "messageId": message_id,
        "message_id": message_id,
        "publishTime": time_created,
        "publish_time": time_created,
    }
    subscription = f"projects/local/subscriptions/{operation}"
    return json.dumps({"message": message, "subscription": subscription}).encode()


def _resource(bucket: str, stored: Stored) -> dict[str, Any]:
    """Describe an object as Cloud Storage's JSON API does."""
    resource: dict[str, Any] = {
        "kind": "storage#object",
        "id": f"{bucket}/{stored.name}/{stored.generation}",
        "name": stored.name,
        "bucket": bucket,
        "generation": str(stored.generation),
        "metageneration": "1",
        "contentType": stored.content_type,
        "timeCreated": _timestamp(stored.updated),
        "updated": _timestamp(stored.updated),
        "storageClass": "STANDARD",
        "size": str(stored.size),
    }
    if stored.metadata:
        resource["metadata"] = dict(stored.metadata)
    return resource


def _timestamp(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Patience:
    """How long to wait, and how often; the cloud's own subscription says the same in its way."""

    settle_seconds: float = 0.5
    first_wait: float = 1.0
    longest_wait: float = 60.0
    attempts: int = 10

    def wait(self, failures: int) -> float:
        """Return the seconds to wait after so many failures."""
        return min(self.first_wait * 2.0 ** min(failures - 1, 30), self.longest_wait)


@dataclass(order=True)
class _Parcel:
    """One message on its way, ordered by when it is due."""

    due: float
    number: int
    stored: Stored = field(compare=False)
    failures: int = field(default=0, compare=False)


class Watcher:
    """Watches `input_folder` and delivers a message for each new file of an operation's folder.

    Parameters
    ----------
    input_folder
        The input bucket as a folder.
    deliver
        Takes an operation and a message and returns an HTTP status; 2xx means taken.
    operations
        The names of the folders that are watched.
    has_result
        Whether a file that was there before needs nothing any more; by default each is delivered,
        and the door finds the result.
    workers
        How many messages are on their way at once.
    patience
        How long to wait, and how often.
    """

    def __init__(
        self,
        input_folder: Path,
        deliver: Deliver,
        operations: Collection[str],
        *,
        has_result: HasResult = lambda _operation, _stored: False,
        workers: int = 2,
        patience: Patience = Patience(),
    ) -> None:
        self._bucket = FolderBucket(input_folder)
        self._deliver = deliver
        self._operations = frozenset(operations)
        self._has_result = has_result
        self._patience = patience
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._parcels: list[_Parcel] = []
        self._numbers = itertools.count()
        self._known: dict[str, int] = {}
        self._unsettled: dict[str, tuple[tuple[int, ...], float]] = {}
        self._threads = [threading.Thread(target=self._watch, name="watcher", daemon=True)]
        self._threads += [
            threading.Thread(target=self._work, name=f"delivery-{number}", daemon=True)
            for number in range(workers)
        ]

    def start(self) -> None:
        """Begin to watch and to deliver."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Stop watching and wait, up to `seconds`, for what is being delivered.

        What is not delivered yet is found again by the next watcher: it has no result.
        """
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(deadline - time.monotonic(), 0))

    # --- finding files ----------------------------------------------------------------------------

    def _watch(self) -> None:
        next_scan = 0.0
        for changed, rescan_seconds in _ticks(self._bucket.root, self._stop):
            with _survived("The input folder could not be read."):
                if time.monotonic() >= next_scan:
                    next_scan = time.monotonic() + rescan_seconds
                    self._scan()
                for name in changed:
                    self._notice(name)
                self._send_settled()

    def _scan(self) -> None:
        there = set()
        for operation in self._operations:
            for stored in self._bucket.list(f"{operation}/"):
                there.add(stored.name)
                if self._known.get(stored.name) == stored.generation:
                    continue
                if self._has_result(operation, stored):
                    self._known[stored.name] = stored.generation
                else:
                    self._notice(stored.name)
        self._known = {name: seen for name, seen in self._known.items() if name in there}

    def _notice(self, name: str) -> None:
        """Note that a file, or something inside a folder, has changed."""
        if name.partition("/")[0] not in self._operations or is_hidden(name):
            return
        if (self._bucket.root / name).is_dir():  # moved in as a whole: its files make no notice
            for stored in self._bucket.list(f"{name}/"):
                self._notice(stored.name)
        elif jobs.is_input(name):
            self._unsettled.setdefault(name, ((), 0.0))

    def _send_settled(self) -> None:
        """Send the files that have not changed for a moment."""
        now = time.monotonic()
        for name, (before, since) in list(self._unsettled.items()):
            fingerprint = _fingerprint(self._bucket.root / name)
            if fingerprint is None:
                del self._unsettled[name]
            elif fingerprint != before:
                self._unsettled[name] = (fingerprint, now)
            elif now - since >= self._patience.settle_seconds:
                del self._unsettled[name]
                self._send(name)

    def _send(self, name: str) -> None:
        stored = self._stat(name)
        if stored and stored.size and self._known.get(name) != stored.generation:
            self._known[name] = stored.generation
            self._put(_Parcel(time.monotonic(), next(self._numbers), stored))

    def _stat(self, name: str) -> Stored | None:
        with contextlib.suppress(BadObjectName):
            return self._bucket.stat(name)
        # A list tells of such a file too: the door will refuse it for everybody to see.
        return next((stored for stored in self._bucket.list(name) if stored.name == name), None)

    # --- delivering -------------------------------------------------------------------------------

    def _put(self, parcel: _Parcel) -> None:
        with self._changed:
            heapq.heappush(self._parcels, parcel)
            self._changed.notify()

    def _take(self) -> _Parcel | None:
        """Wait for a parcel that is due; None at the end."""
        with self._changed:
            while not self._stop.is_set():
                wait = self._parcels[0].due - time.monotonic() if self._parcels else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._parcels)
                self._changed.wait(wait)
        return None

    def _work(self) -> None:
        while parcel := self._take():
            if self._is_taken(parcel):
                continue
            parcel.failures += 1
            parcel.due = time.monotonic() + self._patience.wait(parcel.failures)
            self._put(parcel)

    def _is_taken(self, parcel: _Parcel) -> bool:
        """Deliver a parcel; as a dead letter once it was delivered in vain too often."""
        failures, limit = parcel.failures, self._patience.attempts
        body = push_body(self._bucket.name, parcel.stored, failures if failures >= limit else 0)
        with _survived(f"{parcel.stored.name} could not be delivered."):
            status = self._deliver(parcel.stored.name.partition("/")[0], body)
            return 200 <= status < 300
        return False


# --- the file system ------------------------------------------------------------------------------


def _fingerprint(path: Path) -> tuple[int, ...] | None:
    try:
        facts = path.lstat()
    except OSError:
        return None
    return (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


def _ticks(root: Path, stop: threading.Event) -> Iterator[tuple[set[str], float]]:
    """Yield, a few times a second, the names that changed and how often to look at all files."""
    try:
        for changed in _notices(root, stop):
            yield changed, RESCAN_SECONDS
    except (ImportError, OSError, RuntimeError) as error:
        _log.write(logging.INFO, "The input folder is looked at every second.", reason=str(error))
    while not stop.wait(TICK_SECONDS):
        yield set(), POLL_SECONDS


def _notices(root: Path, stop: threading.Event) -> Iterator[set[str]]:
    """Yield the names that changed, as the operating system tells; often none."""
    from watchfiles import watch  # noqa: PLC0415 - optional: it comes with the extra "studio"

    milliseconds = int(TICK_SECONDS * 1000)
    for changed in watch(
        root,
        watch_filter=None,
        stop_event=stop,
        debounce=milliseconds,
        rust_timeout=milliseconds,
        yield_on_timeout=True,
        raise_interrupt=False,
        ignore_permission_denied=True,
    ):
        yield {Path(path).relative_to(root).as_posix() for _, path in changed}


@contextlib.contextmanager
def _survived(message: str) -> Iterator[None]:
    """Log a failure and go on: a thread that ends would stop everything that comes after."""
    try:
        yield
    except (OSError, HTTPException, StudioError) as error:
        _log.write(logging.WARNING, message, reason=str(error) or type(error).__name__)
    except Exception as defect:  # noqa: BLE001 - as above
        _log.write(logging.ERROR, message, defect=defect)
