"""``Idempotency-Key``: the same request, sent again, is answered the same and done once.

As the IETF's draft-ietf-httpapi-idempotency-key-header has it: the same key with another request is
a 422, with one that is being worked on a 409.  One object in the work bucket holds first the claim,
then the reply; every write names the generation it saw.

What may pass (429, 503 and the like) is not kept: the claim is given up, so that trying again does
try.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flask

from common.errors import (
    BadInput,
    KeyReused,
    Misconfigured,
    ObjectMissing,
    PreconditionFailed,
    StillWorking,
    StoreError,
    StudioError,
)
from common.settings import Settings
from common.store import Bucket, open_bucket

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
PLACE = "replies/once/"
KEPT_SECONDS = 86_400.0
LEASE_SECONDS = 900.0  # longer than any request lives: a function's own limit ends it before
_SANE = re.compile(r'"?[\x21-\x7e]{1,255}"?')
_KEPT_HEADERS = (
    *("Content-Type", "Location", "Preference-Applied", "Retry-After", "Vary"),
    *("X-Cost-USD", "X-Credits-Charged", "X-Decision", "X-Engine", "X-Foreground-Height"),
    *("X-Foreground-Left", "X-Foreground-Top", "X-Foreground-Width", "X-Height", "X-Scores"),
    *("X-Type", "X-Width"),
)


@dataclass(frozen=True)
class Once:
    """The promise that one request is done once.

    Attributes
    ----------
    bucket
        The work bucket.
    name
        Of the object that holds the claim and the reply.
    fingerprint
        Of what is asked.
    clock
        Seconds since 1970.
    """

    bucket: Bucket
    name: str
    fingerprint: str
    clock: Callable[[], float] = time.time

    def do(
        self, produce: Callable[[], flask.Response], tell: Callable[[StudioError], flask.Response]
    ) -> flask.Response:
        """Return the reply that is kept, or produce and keep it.

        Parameters
        ----------
        produce
            Does the work.
        tell
            Makes a reply of a failure that stays.

        Raises
        ------
        KeyReused
            The key came with another request.
        StillWorking
            The first of the same requests is not done.
        StudioError
            What `produce` raises and may pass.
        """
        generation, kept = self._claim()
        if kept is not None:
            return kept
        try:
            response = produce()
        except StudioError as error:
            if error.retryable or error.status >= 500:
                self._give_up(generation)
                raise
            response = tell(error)
        except BaseException:
            self._give_up(generation)
            raise
        self._keep(response, generation)
        return response

    def _claim(self) -> tuple[int, flask.Response | None]:
        """Return the claim's generation, or the reply that is kept."""
        try:
            data, stored = self.bucket.read(self.name)
        except ObjectMissing:
            return self._write({"until": self.clock() + LEASE_SECONDS}, b"", 0), None
        head, _, body = data.partition(b"\n")
        note = json.loads(head)
        if note["until"] <= self.clock():
            note = {"until": self.clock() + LEASE_SECONDS}
            return self._write(note, b"", stored.generation), None
        if note["fingerprint"] != self.fingerprint:
            raise KeyReused(
                "This Idempotency-Key came with another request before.",
                advice="Use a new key for each request.",
            )
        if "status" not in note:
            raise _working()
        return 0, _replayed(note, body)

    def _write(self, note: dict[str, Any], body: bytes, generation: int) -> int:
        head = json.dumps({"fingerprint": self.fingerprint, **note}).encode()
        try:
            return self.bucket.write(
                self.name, head + b"\n" + body, if_generation=generation
            ).generation
        except PreconditionFailed:
            raise _working() from None  # somebody moved in the same moment

    def _keep(self, response: flask.Response, generation: int) -> None:
        headers = {
            name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers
        }
        until = self.clock() + KEPT_SECONDS
        note = {"until": until, "status": response.status_code, "headers": headers}
        body = b"".join(response.iter_encoded()) if response.is_streamed else response.get_data()
        if response.is_streamed:
            response.response = iter([body])
        with contextlib.suppress(StoreError, StillWorking):  # the reply is good, kept or not
            self._write(note, body, generation)

    def _give_up(self, generation: int) -> None:
        with contextlib.suppress(StoreError):
            self.bucket.delete(self.name, if_generation=generation)


def once(
    request: flask.Request,
    caller: str,
    fingerprint: Callable[[], str],
    bucket: Callable[[], Bucket | None],
) -> Once | None:
    """Return the promise that a request asks for; None where it asks for none.

    Parameters
    ----------
    fingerprint
        Gives a mark of what is asked; pictures are large, so it is made only where it is needed.

    Raises
    ------
    BadInput
        The key is none.
    Misconfigured
        There is no work bucket.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not _SANE.fullmatch(key):
        raise BadInput(
            f"{HEADER} must be 1 to 255 printable characters without blanks.",
            advice="A random UUID is a good key.",
            field=HEADER,
        )
    work = bucket()
    if work is None:
        raise Misconfigured(
            f"{HEADER} cannot be honoured without a work bucket.", advice="Set STUDIO_WORK_BUCKET."
        )
    digest = hashlib.sha256("\n".join((caller, key.strip('"'))).encode()).hexdigest()
    return Once(work, f"{PLACE}{digest[:2]}/{digest}", fingerprint())


def work_bucket(settings: Settings) -> Bucket | None:
    """Return the work bucket, if there is one."""
    return open_bucket(settings.work_bucket) if settings.work_bucket else None


def fingerprint(*parts: object) -> str:
    """Return a mark of what is asked: equal marks, equal requests."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _working() -> StillWorking:
    return StillWorking(
        "A request with this Idempotency-Key is being worked on.",
        advice="Ask again in a moment.",
        retry_after=2.0,
    )


def _replayed(note: dict[str, Any], body: bytes) -> flask.Response:
    response = flask.Response(body, status=note["status"], headers=note["headers"])
    response.headers[REPLAYED] = "true"
    return response
