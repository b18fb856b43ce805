"""Where pictures and results are kept: one small `Bucket`, in the cloud or in a folder.

Every object has a generation, a number that rises with each write.  Naming the generation one has
seen makes a write conditional, and that is all the coordination the studio needs: of two who write
over the same generation, one succeeds and the other is told so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, runtime_checkable
from urllib.parse import unquote, urlsplit

from common.errors import Misconfigured
from common.store.rules import check_name, is_hidden

__all__ = ["NO_METADATA", "Bucket", "Signs", "Stored", "check_name", "is_hidden", "open_bucket"]

NO_METADATA: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Stored:
    """What a bucket says about an object without its bytes.

    Attributes
    ----------
    name
        The object's name; slashes make folders.
    generation
        Rises with every write of this name; never 0.
    size
        In bytes.
    content_type
        The media type it was written with, or what its suffix says.
    metadata
        Short texts written with it.
    updated
        When this generation was written; aware.
    """

    name: str
    generation: int
    size: int
    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    updated: datetime = field(kw_only=True)


class Bucket(Protocol):
    """A place for objects.  It raises `StoreError` and its children, and `PictureTooLarge`.

    Names follow `check_name`; a name that breaks its rules is a `BadObjectName` in every method.
    """

    @property
    def name(self) -> str:
        """The bucket's name, as events show it."""
        ...

    def stat(self, name: str) -> Stored | None:
        """Tell about an object; None where there is none."""
        ...

    def read(
        self, name: str, generation: int | None = None, limit: int | None = None
    ) -> tuple[bytes, Stored]:
        """Return the bytes of an object and what they are.

        Raises
        ------
        ObjectMissing
            There is no such object, or no longer in `generation`.
        PictureTooLarge
            It has more than `limit` bytes; none was read.
        """
        ...

    def write(
        self,
        name: str,
        data: bytes,
        *,
        if_generation: int | None = None,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] = NO_METADATA,
    ) -> Stored:
        """Write a whole object: all of it appears, or nothing.

        Parameters
        ----------
        if_generation
            0 writes only where there is no object, N only over generation N, None always.

        Raises
        ------
        PreconditionFailed
            Somebody else wrote first.
        """
        ...

    def list(self, prefix: str = "", start: str = "") -> Iterator[Stored]:
        """Tell about every object whose name begins with `prefix`, sorted by name, page by page.

        Names before `start` are left out, and cost nothing.  Hidden objects are left out too.
        Names that break the rules of `check_name` are told, since somebody put them there and
        should hear of it; they cannot be read.
        """
        ...

    def delete(self, name: str, if_generation: int | None = None) -> None:
        """Delete an object, or only its generation `if_generation`.

        Raises
        ------
        ObjectMissing
            There is none.
        PreconditionFailed
            It is of another generation.
        """
        ...


@runtime_checkable
class Signs(Protocol):
    """A bucket that can sign addresses of its objects."""

    def signed_url(self, name: str, method: str, seconds: float, headers: Mapping[str, str]) -> str:
        """Return an address that allows one request for one object, for a while.

        Parameters
        ----------
        headers
            That the request must bear, as they are.
        """
        ...


def open_bucket(address: str, account: str = "") -> Bucket:
    """Return the bucket at ``gs://name``, at a path or at a ``file://`` address.

    A folder is made where there is none; Cloud Storage is first spoken to when it is used.

    Parameters
    ----------
    account
        The service account as which Cloud Storage is used; by default the process's own.

    Raises
    ------
    Misconfigured
        The address is empty or of another kind.
    """
    parts = urlsplit(address)
    if parts.scheme == "gs" and parts.netloc and parts.path in {"", "/"}:
        from common.store.cloud import CloudBucket  # noqa: PLC0415 - a folder needs none of it

        return CloudBucket(parts.netloc, account=account)
    if address and ("://" not in address or (parts.scheme == "file" and not parts.netloc)):
        from common.store.folder import FolderBucket  # noqa: PLC0415 - and the cloud no folder

        return FolderBucket(Path(unquote(parts.path) if parts.scheme == "file" else address))
    raise Misconfigured(
        f"{address!r} is not the address of a bucket.",
        advice="Write gs://name for Cloud Storage, or the path of a folder.",
    )
