"""A batch as a note in the work bucket: what it holds, how far it is, what was set aside for it.

    batch/jobs/<id>.json

    planned -> creating -> running -> settled

Each step is a conditional write, so of two sweeps one takes it.  What is done at the provider is
done between two steps: after a crash the next sweep goes on from the last step that is noted.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from common.bulk import notes
from common.bulk.asks import PLACE
from common.store import Bucket

JOBS = f"{PLACE}jobs/"
PLANNED, CREATING, RUNNING, SETTLED = "planned", "creating", "running", "settled"


@dataclass(frozen=True)
class Job:
    """One batch.

    Attributes
    ----------
    id
        Its name here; `title` is its name at the provider.
    model
        Who is asked.
    state
        How far it is.
    since, moved
        When it was planned, and when its state was last written; seconds since 1970.
    names
        The inputs' names by key: caps go by them.
    reserved, day
        Millionths of a dollar by key that were set aside, and the ledger they were taken from.
    file, batch
        The file of requests, and the provider's own name of the batch.
    unread
        How often its file of answers could not be read.
    generation
        Of its note.
    """

    id: str
    model: str
    state: str
    since: float
    moved: float
    names: Mapping[str, str]
    reserved: Mapping[str, int] = field(default_factory=dict)
    day: str = ""
    file: str = ""
    batch: str = ""
    unread: int = 0
    generation: int = 0

    @property
    def title(self) -> str:
        """The name it is shown under at the provider, and found again by."""
        return f"studio-{self.id}"


def new_id(keys: Sequence[str], tries: int, now: float) -> str:
    """Return the id of a batch over asks."""
    facts = "\n".join([*sorted(keys), str(tries), f"{now:.6f}"])
    return hashlib.sha256(facts.encode()).hexdigest()[:24]


class Jobs:
    """All batches that are under way.

    Parameters
    ----------
    bucket
        The work bucket.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def all(self) -> Iterator[Job]:
        """Yield every batch that is not done with."""
        for name, note, generation in notes.listed(self._bucket, JOBS):
            with contextlib.suppress(TypeError):  # written by another version
                yield Job(**note, id=name.removesuffix(".json"), generation=generation)

    def write(self, job: Job, now: float, **changes: Any) -> Job:
        """Write a batch down with changes; return it as it is then.

        Raises
        ------
        PreconditionFailed
            Another sweep has moved it.
        """
        moved = replace(job, moved=now, **changes)
        note = asdict(moved)
        del note["id"], note["generation"]
        generation = notes.write(self._bucket, f"{JOBS}{job.id}.json", note, job.generation)
        return replace(moved, generation=generation)

    def stands(self, job: str) -> bool:
        """Whether a batch is not done with."""
        return self._bucket.stat(f"{JOBS}{job}.json") is not None

    def forget(self, job: Job) -> None:
        """Delete the note: everything is done."""
        notes.delete(self._bucket, f"{JOBS}{job.id}.json", job.generation)
