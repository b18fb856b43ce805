"""The work bucket as the place where answers are remembered, and where one asks for all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from common.errors import ObjectMissing
from common.jobs.claim import LEASE_SECONDS, claimed
from common.store import Bucket


@dataclass(frozen=True)
class BucketShelf:
    """A `common.vlm.remembered.Shelf` in a bucket.

    Attributes
    ----------
    bucket
        The work bucket.
    lease_seconds
        How long an ask of a dead instance keeps the others waiting.
    """

    bucket: Bucket
    lease_seconds: float = LEASE_SECONDS

    def get(self, name: str) -> bytes | None:
        """Return what was last put under the name, or None."""
        try:
            return self.bucket.read(_place(name))[0]
        except ObjectMissing:
            return None

    def put(self, name: str, data: bytes) -> None:
        """Keep the bytes under the name; a damaged or an older answer gives way."""
        self.bucket.write(_place(name), data)

    @contextmanager
    def claimed(self, name: str) -> Iterator[bool]:
        """Hold the right to ask, and renew it until the block ends; True where nobody held it."""
        with claimed(self.bucket, name, seconds=self.lease_seconds) as claim:
            yield claim.fresh


def _place(name: str) -> str:
    return f"renders/{name}"
