"""Small JSON notes in the work bucket, of which a list tells all without a read for each."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from common.errors import ObjectMissing, PreconditionFailed
from common.store import Bucket, Stored

_NOTE = "note"  # in an object's metadata: the note itself
LONGEST_LISTED = 6000  # bytes; metadata holds 8 KiB

Note = dict[str, Any]


def write(bucket: Bucket, name: str, note: Mapping[str, Any], if_generation: int | None) -> int:
    """Write a note; return its generation.

    Raises
    ------
    PreconditionFailed
        Somebody else wrote first.
    """
    text = json.dumps(note, sort_keys=True)  # ASCII, as metadata must be
    metadata = {_NOTE: text} if len(text) <= LONGEST_LISTED else {}
    return bucket.write(
        name,
        text.encode(),
        if_generation=if_generation,
        content_type="application/json",
        metadata=metadata,
    ).generation


def read(bucket: Bucket, name: str) -> tuple[Note, int]:
    """Return a note and its generation; nothing and 0 where there is none."""
    try:
        data, stored = bucket.read(name)
    except ObjectMissing:
        return {}, 0
    return _note(data), stored.generation


def listed(bucket: Bucket, prefix: str) -> Iterator[tuple[str, Note, int]]:
    """Yield of every note below `prefix` the rest of its name, what it says and its generation.

    One that says nothing readable is left out; it goes when its time is over.
    """
    for stored in bucket.list(prefix):
        note = _note(_text(bucket, stored))
        if note:
            yield stored.name.removeprefix(prefix), note, stored.generation


def delete(bucket: Bucket, name: str, if_generation: int | None = None) -> bool:
    """Delete an object; tell whether it was this call that did."""
    with contextlib.suppress(ObjectMissing, PreconditionFailed):
        bucket.delete(name, if_generation)
        return True
    return False


def _text(bucket: Bucket, stored: Stored) -> bytes:
    """Return a note's text; its metadata may be lost where a folder was copied."""
    if _NOTE in stored.metadata:
        return stored.metadata[_NOTE].encode()
    with contextlib.suppress(ObjectMissing):  # deleted at this moment
        return bucket.read(stored.name)[0]
    return b""


def _note(data: bytes) -> Note:
    with contextlib.suppress(ValueError):
        note = json.loads(data)
        if isinstance(note, dict):
            return note
    return {}
