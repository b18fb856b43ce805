"""What a folder cannot say about its files: generation, metadata, media type.

One small JSON file for each object, in the bucket's hidden side folder.  An entry belongs to a file
as long as the file's time and size are those that it noted: a file that was replaced by hand fits
no entry, and so gets a new generation.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One generation of one object, and the file it is."""

    generation: int
    mtime_ns: int
    size: int
    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)

    def fits(self, facts: os.stat_result) -> bool:
        """Whether this is the entry of the file with these `facts`.

        The inode is not asked for, so that a folder which was copied with its times and its side
        folder keeps its generations, and nothing is paid again.
        """
        return (self.mtime_ns, self.size) == (facts.st_mtime_ns, facts.st_size)


class Ledger:
    """The entries of one bucket.  Whoever calls holds the bucket's lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> list[Entry]:
        """Return the entries of `name`, newest first; an unreadable note is none."""
        try:
            notes: list[dict[str, Any]] = json.loads(self._path(name).read_bytes())
            return [Entry(**note) for note in notes]
        except (OSError, ValueError, TypeError):
            return []

    def write(self, name: str, entries: Sequence[Entry]) -> None:
        """Replace the entries of `name`."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps([asdict(entry) for entry in entries]), encoding="utf-8")
        draft.replace(path)

    def forget(self, name: str) -> None:
        """Drop the entries of `name`."""
        with contextlib.suppress(FileNotFoundError):
            self._path(name).unlink()

    def _path(self, name: str) -> Path:
        # A digest, since a name may be as long as a file's name can be and would leave no room.
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
        return self._folder / digest[:2] / f"{digest[2:40]}.json"
