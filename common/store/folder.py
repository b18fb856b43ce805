"""A bucket that is a plain folder: users drop files in and see results as ordinary files.

It keeps what Cloud Storage promises: generations, conditional writes, whole objects or none, also
with several processes at work.  What a folder cannot hold stands in a hidden side folder.

- A write goes to a draft first; under the lock it is noted in the ledger and moved into place.  The
  ledger keeps the former entry too until the next write, so a process that dies between the two
  steps leaves either the old object or the new one, each with its own generation.
- A file put there by hand gets its generation when it is first looked at: the time its inode was
  last changed, which is when it arrived, whatever older time the copy preserved.  If it replaces an
  object, its generation is higher than the one that was there.
- Symbolic links are not followed.

POSIX only: the lock is ``flock``, which holds between threads as well as between processes.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mimetypes
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from common.errors import (
    BadObjectName,
    ObjectMissing,
    PreconditionFailed,
    StoreError,
)
from common.store import NO_METADATA, Stored, check_name
from common.store.ledger import Entry, Ledger
from common.store.rules import is_hidden, refuse_above

SIDE_FOLDER = ".studio"
DRAFT_SECONDS = 3600  # a draft older than this was left by a process that died
_UNKNOWN_TYPE = "application/octet-stream"
_NOT_A_PLACE = {
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ENOTEMPTY,
    errno.ELOOP,
}


class FolderBucket:
    """A `common.store.Bucket` in the folder `root`, which is made where there is none.

    Parameters
    ----------
    root
        The folder.  Its own name is the bucket's.
    clock
        Nanoseconds since 1970.
    """

    def __init__(self, root: Path, clock: Callable[[], int] = time.time_ns) -> None:
        self.root = root.expanduser().resolve()
        self.name = self.root.name
        self._clock = clock
        self._side = self.root / SIDE_FOLDER
        self._drafts = self._side / "drafts"
        self._ledger = Ledger(self._side / "ledger")
        with _as_store_errors(self.name):
            self._drafts.mkdir(parents=True, exist_ok=True)
            self._sweep_drafts()

    # --- reading ----------------------------------------------------------------------------------

    def stat(self, name: str) -> Stored | None:
        """Tell about an object; None where there is none."""
        path = self._path(name)
        with _as_store_errors(name), self._locked():
            return self._look(name, path)

    def read(
        self, name: str, generation: int | None = None, limit: int | None = None
    ) -> tuple[bytes, Stored]:
        """Return the bytes of an object and what they are; see `common.store.Bucket.read`."""
        path = self._path(name)
        with _as_store_errors(name):
            with self._locked():
                if _facts(path) is None:
                    raise _missing(name, None)
                handle = path.open("rb")
                stored = self._identify(name, os.fstat(handle.fileno()))
            with handle:
                if generation not in {None, stored.generation}:
                    raise _missing(name, generation)
                refuse_above(limit, name, stored.size)
                return _whole(handle, stored), stored

    def list(self, prefix: str = "", start: str = "") -> Iterator[Stored]:
        """Tell about every object whose name begins with `prefix`, from the name `start` on.

        Files whose names are not valid Unicode are left out: no event could name them.
        """
        with _as_store_errors(self.name):
            yield from self._walk(self.root, "", prefix, start)

    def _walk(self, folder: Path, at: str, prefix: str, start: str) -> Iterator[Stored]:
        for name in _children(folder, at):
            if name < start and not start.startswith(name):
                continue
            if name.endswith("/"):
                if name.startswith(prefix) or prefix.startswith(name):
                    yield from self._walk(self.root / name, name, prefix, start)
            elif name.startswith(prefix) and name >= start:
                with self._locked():
                    stored = self._look(name, self.root / name)
                if stored:
                    yield stored

    # --- writing ----------------------------------------------------------------------------------

    def write(
        self,
        name: str,
        data: bytes,
        *,
        if_generation: int | None = None,
        content_type: str = _UNKNOWN_TYPE,
        metadata: Mapping[str, str] = NO_METADATA,
    ) -> Stored:
        """Write a whole object; see `common.store.Bucket.write`."""
        path = self._path(name)
        with _as_store_errors(name), self._draft(data) as draft, self._locked():
            there = self._look(name, path)
            _refuse_unless(if_generation, name, there)
            former = self._ledger.read(name)
            generation = max(self._clock(), *(entry.generation + 1 for entry in former), 1)
            # The kernel's own times have steps of milliseconds; two quick writes must differ.
            os.utime(draft, ns=(generation, generation))
            entry = Entry(
                generation, draft.stat().st_mtime_ns, len(data), content_type, dict(metadata)
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            self._ledger.write(name, [entry, *former[:1]])
            draft.replace(path)
            return _stored(name, entry)

    def delete(self, name: str, if_generation: int | None = None) -> None:
        """Delete an object, or only its generation `if_generation`."""
        path = self._path(name)
        with _as_store_errors(name), self._locked():
            there = self._look(name, path)
            if there is None:
                raise _missing(name, None)
            _refuse_unless(if_generation, name, there)
            path.unlink()
            self._ledger.forget(name)

    # --- one object -------------------------------------------------------------------------------

    def _path(self, name: str) -> Path:
        path = self.root / check_name(name)
        if not path.parent.resolve().is_relative_to(self.root):
            raise BadObjectName(f"The name {name!r} leads out of the bucket through a link.")
        return path

    def _look(self, name: str, path: Path) -> Stored | None:
        facts = _facts(path)
        return None if facts is None else self._identify(name, facts)

    def _identify(self, name: str, facts: os.stat_result) -> Stored:
        """Tell which generation the file is, and remember that it was told."""
        entries = self._ledger.read(name)
        entry = next((entry for entry in entries if entry.fits(facts)), None)
        if entry is None:
            entry = _put_by_hand(name, facts, entries)
            self._ledger.write(name, [entry])
        return _stored(name, entry)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._drafts.mkdir(parents=True, exist_ok=True)  # somebody may tidy hidden folders away
        with (self._side / "lock").open("ab") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def _draft(self, data: bytes) -> Iterator[Path]:
        """Write `data` to a file of its own; it is gone afterwards, moved or not."""
        self._drafts.mkdir(parents=True, exist_ok=True)
        path = self._drafts / uuid.uuid4().hex
        try:
            with path.open("xb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _sweep_drafts(self) -> None:
        for draft in self._drafts.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another process may sweep too
                if draft.stat().st_mtime < time.time() - DRAFT_SECONDS:
                    draft.unlink()


def _facts(path: Path) -> os.stat_result | None:
    """Return what the file system says of an ordinary file; None where there is none."""
    try:
        facts = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return facts if stat.S_ISREG(facts.st_mode) else None


def _put_by_hand(name: str, facts: os.stat_result, former: list[Entry]) -> Entry:
    generation = max(facts.st_ctime_ns, *(entry.generation + 1 for entry in former), 1)
    content_type = mimetypes.guess_type(name)[0] or _UNKNOWN_TYPE
    return Entry(generation, facts.st_mtime_ns, facts.st_size, content_type)


def _stored(name: str, entry: Entry) -> Stored:
    return Stored(
        name,
        entry.generation,
        entry.size,
        entry.content_type,
        entry.metadata,
        updated=datetime.fromtimestamp(entry.generation / 1e9, UTC),
    )


def _children(folder: Path, at: str) -> list[str]:
    """Return the names in `folder`, sorted as whole names sort; folders end with a slash."""
    names = []
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            name = at + entry.name
            if is_hidden(name) or not _is_unicode(name):
                continue
            if entry.is_dir(follow_symlinks=False):
                names.append(f"{name}/")
            elif entry.is_file(follow_symlinks=False):
                names.append(name)
    return sorted(names)


def _is_unicode(name: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _whole(handle: BinaryIO, stored: Stored) -> bytes:
    """Return all bytes, unless somebody is writing into this very file by hand."""
    before = os.fstat(handle.fileno())
    data = handle.read(stored.size + 1)
    after = os.fstat(handle.fileno())
    steady = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    if len(data) != stored.size or not steady:
        raise StoreError(f"{stored.name} is being written at this moment.", advice="Try again.")
    return data


def _refuse_unless(expected: int | None, name: str, there: Stored | None) -> None:
    found = there.generation if there else 0
    if expected is not None and expected != found:
        raise PreconditionFailed(f"{name} is of generation {found}, not {expected}.")


def _missing(name: str, generation: int | None) -> ObjectMissing:
    which = "" if generation is None else f" in generation {generation}"
    return ObjectMissing(f"There is no object {name}{which}.")


@contextlib.contextmanager
def _as_store_errors(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NOT_A_PLACE:
            raise BadObjectName(
                f"{name} cannot be kept: a file stands where a folder is needed, or a folder where "
                "a file is needed.",
                advice="Rename one of the two.",
            ) from error
        reason = error.strerror or type(error).__name__
        raise StoreError(f"The folder of the bucket failed at {name}: {reason}.") from error
