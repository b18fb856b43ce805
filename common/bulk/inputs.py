"""Inputs that wait for batches: what each waits for, and what its earlier answers took.

batch/inputs/<digest of the job>.json
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from common.bulk import notes
from common.bulk.asks import PLACE
from common.store import Bucket

INPUTS = f"{PLACE}inputs/"


@dataclass(frozen=True)
class Parked:
    """An input that waits.

    Attributes
    ----------
    job
        The digest of its job.
    operation, name, generation
        Which input it is; the generation as text, since JSON's numbers are too short.
    awaited
        The keys of the asks that it waits for.
    took
        What the answers of earlier stages took, by key.
    """

    job: str
    operation: str
    name: str
    generation: str
    awaited: tuple[str, ...]
    took: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


class Inputs:
    """All inputs that wait for batches.

    Parameters
    ----------
    bucket
        The work bucket.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def park(self, parked: Parked) -> None:
        """Note an input."""
        note = asdict(parked)
        notes.write(self._bucket, f"{INPUTS}{note.pop('job')}.json", note, None)

    def get(self, job: str) -> Parked | None:
        """Return what is noted of a job's input."""
        note, _ = notes.read(self._bucket, f"{INPUTS}{job}.json")
        return _parked(job, note) if note else None

    def all(self) -> Iterator[Parked]:
        """Yield every input that waits."""
        for name, note, _ in notes.listed(self._bucket, INPUTS):
            with contextlib.suppress(KeyError, TypeError):  # written by another version
                yield _parked(name.removesuffix(".json"), note)

    def leave(self, job: str) -> None:
        """Forget a job's input."""
        notes.delete(self._bucket, f"{INPUTS}{job}.json")


def _parked(job: str, note: notes.Note) -> Parked:
    return Parked(**note | {"awaited": tuple(note["awaited"])}, job=job)
