"""A bucket that lets a test step in before every call: to race, to fail or to die there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

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
