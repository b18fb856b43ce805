"""Results in the output bucket: a picture, and beside it ``name.json`` that tells about it.

The document is written last and decides: it names the input and its generation.  Both objects carry
the input's generation, and each is written only over the generation that was seen, so an older
input's result never covers a newer one's, whoever is slower.

Which name a result has
-----------------------
``cutout/shoe.jpg`` becomes ``cutout/shoe.png`` and ``cutout/shoe.json``.  Where another input holds
that place (``cutout/shoe.webp`` came first), the whole name is kept: ``cutout/shoe.jpg.png`` and
``cutout/shoe.jpg.json``; where even that is held, a digest of the name follows.  A place never
passes from one input to another, so the names stay what they were.  An input whose name no result
can bear is told about in ``<operation>/unnamed-<digest>.json``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from common.errors import BadObjectName, ObjectMissing, PreconditionFailed, StoreError
from common.jobs.job import Job, Made, Source
from common.store import Bucket, Stored, check_name

ATTEMPTS = 10  # each lost one means that another instance has moved on
_DOCUMENT = ".json"
_NO_DOCUMENT = (ValueError, KeyError, TypeError)  # what reading somebody else's JSON raises
_OWNER, _GENERATION, _OUTCOME = "studio-input", "studio-input-generation", "studio-outcome"
DONE, FAILED = "done", "failed"


@dataclass(frozen=True)
class Found:
    """A result that stands in the output bucket.

    Attributes
    ----------
    name, stored_generation
        The document's own.
    document
        What it says.
    source
        The input it tells about.
    digest
        The identity of the job.
    failed
        It tells of a failure.
    final
        Running the same job again would change nothing.
    picture
        Name and generation of the picture; None where there is none.
    """

    name: str
    stored_generation: int
    document: Mapping[str, Any]
    source: Source
    digest: str
    failed: bool
    final: bool
    picture: tuple[str, int] | None


class _TakenError(Exception):
    """The place belongs to another input, or to nobody we know."""


class _SupersededError(Exception):
    """A newer run of the same input stands between its picture and its document."""


def places(operation: str, name: str) -> Iterator[str]:
    """Yield where the result of the input `name` may stand, without suffix, best first."""
    folder, slash, last = name.rpartition("/")
    stem = last.rpartition(".")[0] or last
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    for place in dict.fromkeys((f"{folder}{slash}{stem}", name, f"{name}-{digest[:8]}")):
        with contextlib.suppress(BadObjectName):
            check_name(name)
            yield check_name(place + _DOCUMENT).removesuffix(_DOCUMENT)
    yield f"{operation}/unnamed-{digest[:16]}"


def told(stored: Stored, source: Source) -> str:
    """Return what an object's metadata tells of `source` in this generation or a newer one.

    ``done`` or ``failed`` where it is a document of its result; else nothing, and only `find` knows
    (the metadata may be lost, or another input may hold the place).
    """
    mark = stored.metadata
    ours = mark.get(_OWNER) == _mark(source)[_OWNER]
    return mark.get(_OUTCOME, "") if ours and _generation(mark) >= source.generation else ""


def failures(output: Bucket, operation: str) -> Iterator[Found]:
    """Yield the failed results that stand; the good ones are not read."""
    for stored in output.list(f"{operation}/"):
        if stored.name.endswith(_DOCUMENT) and stored.metadata.get(_OUTCOME, FAILED) == FAILED:
            with contextlib.suppress(ObjectMissing, BadObjectName, *_NO_DOCUMENT):
                data, now = output.read(stored.name)
                found = _found(now, json.loads(data))
                if found.failed:
                    yield found


def find(output: Bucket, operation: str, source: Source) -> Found | None:
    """Return the result that stands for an input, of whatever generation of it."""
    for place in places(operation, source.name):
        with contextlib.suppress(_TakenError):
            found = _standing(output, place, source)
            if found:
                return found
    return None


def publish(output: Bucket, job: Job, made: Made, held: Found | None) -> Found | None:
    """Publish a result; return what stands afterwards, None where a newer one is on its way.

    Parameters
    ----------
    held
        What `find` told before the job was run: its place is kept.

    Raises
    ------
    StoreError
        The bucket failed; or others kept moving.
    """
    kept = [held.name.removesuffix(_DOCUMENT)] if held else []
    for place in dict.fromkeys([*kept, *places(job.operation, job.source.name)]):
        with contextlib.suppress(_TakenError, BadObjectName):
            return _Publication(output, place, job, made).run()
    raise StoreError(f"Every name for the result of {job.source.name} is taken.")


@dataclass
class _Publication:
    """One result on its way to one place."""

    output: Bucket
    place: str
    job: Job
    made: Made
    put: Stored | None = None

    def run(self) -> Found | None:
        """Write picture and document; on the way out take back a picture without a document."""
        there: Found | None = None
        try:
            for _ in range(ATTEMPTS):
                there = _standing(self.output, self.place, self.job.source)
                if there and _outranks(there, self.job):
                    self._take_back(there)
                    return there
                with contextlib.suppress(PreconditionFailed):
                    return self._write(there)
        except _SupersededError:
            return None
        except (_TakenError, BadObjectName):
            self._take_back(None)
            raise
        raise StoreError(f"Others kept writing the result of {self.job.source.name}.")

    def _write(self, there: Found | None) -> Found:
        if self.made.picture is not None and not self._stands():
            self.put = self._write_picture(self.made.picture, there)
        document = _document(self.job, self.made, self.put)
        stored = self.output.write(
            self.place + _DOCUMENT,
            json.dumps(document, ensure_ascii=False, indent=2).encode(),
            if_generation=there.stored_generation if there else 0,
            content_type="application/json",
            metadata=_mark(self.job.source) | {_OUTCOME: _outcome(self.made)},
        )
        if there and there.picture and not (self.put and self.put.name == there.picture[0]):
            _delete(self.output, *there.picture)  # what it was made from is gone
        return _found(stored, document)

    def _stands(self) -> bool:
        """Whether the picture was written before and nobody has covered it since."""
        if self.put is None:
            return False
        there = self.output.stat(self.put.name)
        return there is not None and there.generation == self.put.generation

    def _write_picture(self, picture: bytes, there: Found | None) -> Stored:
        """Write the picture over what may be covered: nothing, or this input's own older one."""
        name = self.place + self.made.suffix
        seen = there.picture[1] if there and there.picture and there.picture[0] == name else 0
        for _ in range(ATTEMPTS):
            with contextlib.suppress(PreconditionFailed):
                return self.output.write(
                    name,
                    picture,
                    if_generation=seen,
                    content_type=self.made.content_type,
                    metadata=_mark(self.job.source),
                )
            stored = self.output.stat(name)
            seen = 0 if stored is None else self._coverable(stored, there)
        raise StoreError(f"Others kept writing {name}.")

    def _coverable(self, stored: Stored, there: Found | None) -> int:
        """Return the generation to write over.

        A picture without a mark (the side folder was lost, a person put it there) is covered only
        where the document beside it is ours.
        """
        owner = stored.metadata.get(_OWNER)
        if owner != _mark(self.job.source)[_OWNER] and (owner or there is None):
            raise _TakenError
        if _generation(stored.metadata) > self.job.source.generation:
            raise _SupersededError
        return stored.generation

    def _take_back(self, there: Found | None) -> None:
        """Delete the picture, unless the document that stands speaks of it.

        It does where another instance ran the same job after our lease had lapsed, and we covered
        its picture with our own, equal one.
        """
        spoken_of = there and there.picture and there.picture[0]
        if self.put and self.put.name != spoken_of:
            _delete(self.output, self.put.name, self.put.generation)


def _standing(output: Bucket, place: str, source: Source) -> Found | None:
    """Return the result of `source` that stands at `place`, None where nothing does."""
    try:
        data, stored = output.read(place + _DOCUMENT)
    except ObjectMissing:
        return None
    try:
        found = _found(stored, json.loads(data))
    except _NO_DOCUMENT:
        raise _TakenError from None
    if (found.source.bucket, found.source.name) != (source.bucket, source.name):
        raise _TakenError
    return found


def _outranks(there: Found, job: Job) -> bool:
    """Whether what stands must stay: of a newer input, or the same job done already."""
    if there.source.generation != job.source.generation:
        return there.source.generation > job.source.generation
    return there.digest == job.digest() and not there.failed


def _outcome(made: Made) -> str:
    return FAILED if made.failed else DONE


def _document(job: Job, made: Made, picture: Stored | None) -> dict[str, Any]:
    return {
        **made.report,
        "input": job.facts(),
        "job": {"digest": job.digest(), "version": job.version, "outcome": _outcome(made)},
        "picture": picture
        and {
            "name": picture.name,
            "generation": str(picture.generation),
            "content_type": picture.content_type,
            "bytes": picture.size,
        },
    }


def _found(stored: Stored, document: Mapping[str, Any]) -> Found:
    given, job, picture = document["input"], document["job"], document["picture"]
    failed = job["outcome"] == FAILED
    return Found(
        stored.name,
        stored.generation,
        document,
        Source(given["bucket"], given["name"], int(given["generation"])),
        job["digest"],
        failed,
        final=not failed or not document.get("retryable", False),
        picture=(picture["name"], int(picture["generation"])) if picture else None,
    )


def _mark(source: Source) -> dict[str, str]:
    owner = hashlib.sha256(f"{source.bucket}/{source.name}".encode("utf-8", "surrogatepass"))
    return {_OWNER: owner.hexdigest()[:32], _GENERATION: str(source.generation)}


def _generation(mark: Mapping[str, str]) -> int:
    return int(mark.get(_GENERATION, 0))


def _delete(output: Bucket, name: str, generation: int) -> None:
    """Delete one generation of a picture, unless somebody has already replaced it."""
    with contextlib.suppress(ObjectMissing, PreconditionFailed):
        there = output.stat(name)
        if there and there.generation == generation:
            output.delete(name, if_generation=generation)
