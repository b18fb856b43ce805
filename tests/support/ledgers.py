"""What tests of spending share: a bucket in memory, and a day that only they move."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from common.errors import ObjectMissing, PreconditionFailed
from common.store import NO_METADATA, Stored
from common.store.rules import refuse_above

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


@dataclass
class MemoryBucket:
    """A bucket in memory that counts its writes."""

    name: str = "work"
    writes: int = 0
    reads: int = 0
    kept: dict[str, tuple[bytes, Stored]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def stat(self, name: str) -> Stored | None:
        with self.lock:
            return self.kept[name][1] if name in self.kept else None

    def read(
        self, name: str, generation: int | None = None, limit: int | None = None
    ) -> tuple[bytes, Stored]:
        with self.lock:
            self.reads += 1
            if name not in self.kept or generation not in {None, self.kept[name][1].generation}:
                raise ObjectMissing(name)
            refuse_above(limit, name, len(self.kept[name][0]))
            return self.kept[name]

    def write(
        self,
        name: str,
        data: bytes,
        *,
        if_generation: int | None = None,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] = NO_METADATA,
    ) -> Stored:
        with self.lock:
            there = self.kept[name][1].generation if name in self.kept else 0
            if if_generation not in {None, there}:
                raise PreconditionFailed(name)
            self.writes += 1
            now = datetime.fromtimestamp(NOON, UTC)
            stored = Stored(name, there + 1, len(data), content_type, metadata, updated=now)
            self.kept[name] = (data, stored)
            return stored

    def list(self, prefix: str = "", start: str = "") -> Iterator[Stored]:
        names = [name for name in sorted(self.kept) if name.startswith(prefix) and name >= start]
        yield from (self.kept[name][1] for name in names)

    def delete(self, name: str, if_generation: int | None = None) -> None:
        _, there = self.read(name)
        if if_generation not in {None, there.generation}:
            raise PreconditionFailed(name)
        with self.lock:
            del self.kept[name]


@dataclass
class Day:
    """A clock that stands still until it is moved."""

    now: float = NOON

    def __call__(self) -> float:
        return self.now
