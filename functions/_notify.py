"""Tell an address that a result is finished: signed, at least once, never a private address.

A recipe names the address: ``"notify": {"url": "https://..."}``.  The notice is promised in the
work bucket before the job is run, sent when its result stands, and kept until it was taken; what
could not be sent is sent by a later sweep, after growing pauses, for three days.  Its id names the
result it tells of, so a receiver who gets it twice can tell.

Signed as Standard Webhooks 1.0.0 says, with a secret that stands in no bucket.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from common import jobs
from common.errors import (
    FetchFailed,
    ForbiddenAddress,
    Misconfigured,
    ObjectMissing,
    PreconditionFailed,
    StoreError,
)
from common.jobs import Buckets, Found, Source
from common.store import Stored
from functions._fetch import Web

PLACE = "notices/"
SECONDS = 10.0  # for an answer
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 6 * 3600.0  # seconds; each is four times the one before
GIVEN_UP_AFTER = 3 * 86400.0
GONE = 410  # Standard Webhooks: the receiver wants no more of them
WAITING, SENT, GIVEN_UP = "waiting", "sent", "given-up"
_STATE, _TRIES = "studio-notice", "studio-notice-tries"


@dataclass(frozen=True)
class Postbox:
    """The notices of one set of buckets.

    Attributes
    ----------
    buckets
        Promises stand in the work bucket, results in the output bucket.
    secret
        ``whsec_`` and base64, as Standard Webhooks has it; empty where notices cannot be signed.
    web
        The way to the open internet.
    clock
        Seconds since 1970.
    """

    buckets: Buckets
    secret: str = field(repr=False)
    web: Web = field(default_factory=lambda: Web(seconds=SECONDS))
    clock: Callable[[], float] = time.time

    def check(self) -> None:
        """Make sure that notices can be signed.

        Raises
        ------
        Misconfigured
            There is no secret, or it is none.
        """
        self._signature("check", 0, "")

    @contextlib.contextmanager
    def promised(self, operation: str, source: Source, url: str) -> Iterator[None]:
        """Promise a notice, and send it when the block, which publishes the result, has ended.

        A notice that is not taken is no failure of the block: a later sweep sends it.
        """
        promise = _Promise(operation, source, url, self.clock())
        with contextlib.suppress(PreconditionFailed):  # promised by an earlier event
            self._write(promise, generation=0)
        yield
        with contextlib.suppress(StoreError):
            data, stored = self.buckets.work.read(promise.place)
            self._send(_Promise.read(data), stored)

    def send_again(self, until: float) -> dict[str, int]:
        """Send what is due, until the time is over; return how many are in each state."""
        states = {WAITING: 0, SENT: 0, GIVEN_UP: 0}
        for listed in self.buckets.work.list(PLACE):
            state = listed.metadata.get(_STATE, WAITING)
            if state == WAITING and self._is_due(listed) and self.clock() < until:
                with contextlib.suppress(ObjectMissing, ValueError, KeyError, TypeError):
                    data, stored = self.buckets.work.read(listed.name)
                    state = self._send(_Promise.read(data), stored)
            states[state] = states.get(state, 0) + 1
        return states

    def _is_due(self, stored: Stored) -> bool:
        tries = int(stored.metadata.get(_TRIES, 0))
        pause = min(FIRST_PAUSE * 4.0 ** min(tries, 20), LONGEST_PAUSE)
        return self.clock() >= stored.updated.timestamp() + pause

    def _send(self, promise: _Promise, stored: Stored) -> str:
        """Send a notice, if there is a result that it has not told of; return its new state."""
        found = jobs.find(self.buckets.output, promise.operation, promise.source)
        result = str(found.stored_generation) if found else ""
        if result and promise.sent == result:
            return SENT
        problem, final = self._posted(promise, found)
        overdue = self.clock() - promise.since > GIVEN_UP_AFTER
        state = SENT if not problem else GIVEN_UP if final or overdue else WAITING
        sent = promise.sent if problem else result
        told = replace(promise, sent=sent, problem=problem, tries=promise.tries + 1)
        with contextlib.suppress(PreconditionFailed):  # somebody else sent it in the same moment
            self._write(told, stored.generation, state)
        return state

    def _posted(self, promise: _Promise, found: Found | None) -> tuple[str, bool]:
        """Post; return what went wrong, and whether it would again."""
        if found is None or found.source.generation < promise.source.generation:
            return "There is no result yet.", False
        if found.source != promise.source:
            return "A newer input has taken its place.", True
        try:
            status = self.web.post(promise.url, *self._letter(found))
        except ForbiddenAddress as error:
            return error.message, True
        except (FetchFailed, Misconfigured) as error:
            return error.message, False
        if 200 <= status < 300:
            return "", False
        return f"The address answered {status}.", status == GONE

    def _letter(self, found: Found) -> tuple[bytes, dict[str, str]]:
        now = int(self.clock())
        body = json.dumps(_told(found, now), ensure_ascii=False)
        identity = hashlib.sha256(f"{found.name}#{found.stored_generation}".encode()).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": f"msg_{identity[:32]}",
            "webhook-timestamp": str(now),
        }
        headers["webhook-signature"] = self._signature(headers["webhook-id"], now, body)
        return body.encode(), headers

    def _signature(self, identity: str, seconds: int, body: str) -> str:
        from standardwebhooks import Webhook  # noqa: PLC0415 - few recipes ask for notices

        try:
            moment = datetime.fromtimestamp(seconds, UTC)
            return Webhook(self.secret).sign(identity, moment, body)
        except Exception as error:  # the library's own, and base64's
            raise Misconfigured(
                "Notices cannot be signed here.",
                advice="Set STUDIO_WEBHOOK_SECRET to whsec_ and 24 to 64 bytes in base64.",
                field="notify",
            ) from error

    def _write(self, promise: _Promise, generation: int, state: str = WAITING) -> None:
        self.buckets.work.write(
            promise.place,
            promise.text(),
            if_generation=generation,
            content_type="application/json",
            metadata={_STATE: state, _TRIES: str(promise.tries)},
        )


@dataclass(frozen=True)
class _Promise:
    """A notice that is owed for one generation of one input."""

    operation: str
    source: Source
    url: str
    since: float
    tries: int = 0
    sent: str = ""
    problem: str = ""

    @property
    def place(self) -> str:
        facts = json.dumps([self.operation, self.source.facts()])
        return f"{PLACE}{hashlib.sha256(facts.encode()).hexdigest()[:40]}.json"

    def text(self) -> bytes:
        return json.dumps({**vars(self), "source": self.source.facts()}).encode()

    @staticmethod
    def read(data: bytes) -> _Promise:
        note = json.loads(data)
        source = note.pop("source")
        name = Source(source["bucket"], source["name"], int(source["generation"]))
        return _Promise(source=name, **note)


def _told(found: Found, seconds: int) -> dict[str, Any]:
    """Return what is told of a result: where it stands and how it went, none of its pixels."""
    document: Mapping[str, Any] = found.document
    kept = ("operation", "decision", "engine", "cost", "code", "detail", "retryable")
    data = {name: document[name] for name in kept if name in document}
    data |= {
        "input": found.source.facts(),
        "document": found.name,
        "picture": document["picture"],
        "outcome": document["job"]["outcome"],
    }
    when = datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    return {"type": f"result.{data['outcome']}", "timestamp": when, "data": data}
