"""Buckets for tests: one that lets them step in before every call, one that only lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from common.errors import ObjectMissing
from common.store import NO_METADATA, Bucket, Stored

Hook = Callable[[str, str], None]


class Watched:
    """Passes every call on to `bucket`, after `before(method, name)` has had its say."""

    def __init__(self, bucket: Bucket, before: Hook) -> None:
        self.bucket = bucket
        self.name = bucket.name
        self.before = before

    def stat(self, name: str) -> Stored | None:
        self.before("stat", name)
        return self.bucket.stat(name)

    def read(
        self, name: str, generation: int | None = None, limit: int | None = None
    ) -> tuple[bytes, Stored]:
        self.before("read", name)
        return self.bucket.read(name, generation, limit)

    def write(
        self,
        name: str,
        data: bytes,
        *,
        if_generation: int | None = None,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] = NO_METADATA,
    ) -> Stored:
        self.before("write", name)
        return self.bucket.write(
            name, data, if_generation=if_generation, content_type=content_type, metadata=metadata
        )

    def list(self, prefix: str = "", start: str = "") -> Iterator[Stored]:
        self.before("list", prefix)
        return self.bucket.list(prefix, start)

    def delete(self, name: str, if_generation: int | None = None) -> None:
        self.before("delete", name)
        self.bucket.delete(name, if_generation)


class Listing:
    """A bucket of objects that are made when they are listed: for lists too long to be held."""

    def __init__(self, name: str, objects: Callable[[], Iterable[Stored]] = tuple) -> None:
        self.name = name
        self._objects = objects

    def list(self, prefix: str = "", start: str = "") -> Iterator[Stored]:
        for stored in self._objects():
            if stored.name.startswith(prefix) and stored.name >= start:
                yield stored

    def stat(self, name: str) -> Stored | None:
        return next((stored for stored in self._objects() if stored.name == name), None)

    def read(
        self, name: str, generation: int | None = None, limit: int | None = None
    ) -> tuple[bytes, Stored]:
        raise ObjectMissing(f"There are only names here, no {name} ({generation}, {limit}).")

    def write(
        self,
        name: str,
        data: bytes,
        *,
        if_generation: int | None = None,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] = NO_METADATA,
    ) -> Stored:
        raise NotImplementedError

    def delete(self, name: str, if_generation: int | None = None) -> None:
        raise NotImplementedError


def listed(name: str, metadata: Mapping[str, str] = NO_METADATA) -> Stored:
    """Return what a bucket tells of an object of 5 bytes in its first generation."""
    return Stored(name, 1, 5, "image/jpeg", metadata, updated=datetime.fromtimestamp(0, UTC))
