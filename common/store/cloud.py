"""A bucket of Google Cloud Storage.  The client is imported when it is first needed."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from common.errors import ObjectMissing, PreconditionFailed, StoreError
from common.store import NO_METADATA, Stored, check_name
from common.store.rules import is_hidden, refuse_above

SECONDS = 60.0  # for one request; the client repeats failed ones for up to two minutes
READ_ATTEMPTS = 5  # an object that is overwritten between asking and reading is asked for again
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_WRITE_MARK = "studio-write"  # metadata: which call wrote this generation; never shown


class CloudBucket:
    """A `common.store.Bucket` in Google Cloud Storage.

    Parameters
    ----------
    name
        The bucket's name, without ``gs://``.
    client
        A `google.cloud.storage.Client`; by default one with the machine's own credentials, or of
        the emulator that ``STORAGE_EMULATOR_HOST`` names.
    account
        The service account whose place is taken, for which the process's own must be a token
        creator of it; empty where none is.
    """

    def __init__(self, name: str, client: Any = None, account: str = "") -> None:
        self.name = name
        self._client = client
        self._account = account
        self._first_use = threading.Lock()

    def stat(self, name: str) -> Stored | None:
        """Tell about an object; None where there is none."""
        check_name(name)
        with _as_store_errors(name):
            blob = self._bucket().get_blob(name, timeout=SECONDS)
            return None if blob is None else _stored(blob)

    def read(
        self, name: str, generation: int | None = None, limit: int | None = None
    ) -> tuple[bytes, Stored]:
        """Return the bytes of an object as they are stored; see `common.store.Bucket.read`.

        An object that was stored with ``Content-Encoding: gzip`` is not unpacked: its size says
        nothing about what would come out.
        """
        for _ in range(READ_ATTEMPTS):
            stored = self.stat(name)
            if stored is None or generation not in {None, stored.generation}:
                break
            refuse_above(limit, name, stored.size)
            with contextlib.suppress(ObjectMissing, PreconditionFailed):
                return self._download(stored), stored
        raise ObjectMissing(f"There is no object {name}, or not in generation {generation}.")

    def _download(self, stored: Stored) -> bytes:
        with _as_store_errors(stored.name), _as_missing(stored.name):
            blob = self._bucket().blob(stored.name, generation=stored.generation)
            data: bytes = blob.download_as_bytes(
                raw_download=True, if_generation_match=stored.generation, timeout=SECONDS
            )
            return data

    def write(
        self,
        name: str,
        data: bytes,
        *,
        if_generation: int | None = None,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] = NO_METADATA,
    ) -> Stored:
        """Write a whole object; see `common.store.Bucket.write`.

        The client repeats an upload whose answer was lost.  If the lost one had succeeded, its
        repetition fails the precondition by its own doing: the mark tells that apart from somebody
        else's write.
        """
        check_name(name)
        mark = uuid.uuid4().hex
        try:
            with _as_store_errors(name):
                blob = self._bucket().blob(name)
                blob.metadata = {**metadata, _WRITE_MARK: mark}
                blob.upload_from_string(
                    data,
                    content_type=content_type,
                    if_generation_match=if_generation,
                    timeout=SECONDS,
                )
                return _stored(blob)
        except PreconditionFailed:
            landed = self._written_as(name, mark)
            if landed is None:
                raise
            return landed

    def _written_as(self, name: str, mark: str) -> Stored | None:
        with _as_store_errors(name):
            blob = self._bucket().get_blob(name, timeout=SECONDS)
        if blob is None or (blob.metadata or {}).get(_WRITE_MARK) != mark:
            return None
        return _stored(blob)

    def list(self, prefix: str = "", start: str = "") -> Iterator[Stored]:
        """Tell about every object whose name begins with `prefix`, from the name `start` on."""
        with _as_store_errors(self.name):
            for blob in self._bucket().list_blobs(
                prefix=prefix or None, start_offset=start or None, timeout=SECONDS
            ):
                if not is_hidden(blob.name):
                    yield _stored(blob)

    def delete(self, name: str, if_generation: int | None = None) -> None:
        """Delete an object, or only its generation `if_generation`."""
        check_name(name)
        with _as_store_errors(name), _as_missing(name):
            self._bucket().blob(name).delete(if_generation_match=if_generation, timeout=SECONDS)

    def signed_url(self, name: str, method: str, seconds: float, headers: Mapping[str, str]) -> str:
        """Return a V4 signed address; see `common.store.Signs`.

        On Google Cloud there is no private key to sign with: the service account asks IAM to sign,
        for which it must be a token creator of itself.
        """
        check_name(name)
        with _as_store_errors(name):
            url: str = (
                self._bucket()
                .blob(name)
                .generate_signed_url(
                    version="v4",
                    expiration=timedelta(seconds=seconds),
                    method=method,
                    headers=dict(headers) or None,
                    **_signing_identity(self._client),
                )
            )
            return url

    def _bucket(self) -> Any:
        with self._first_use:
            if self._client is None:
                from google.cloud.storage import Client  # noqa: PLC0415 - 0.3 s few calls need

                self._client = Client(credentials=_in_place_of(self._account))
        return self._client.bucket(self.name)


def _in_place_of(account: str) -> Any:
    """Return credentials of another service account; None for the process's own."""
    if not account:
        return None
    import google.auth  # noqa: PLC0415 - as above
    from google.auth import impersonated_credentials  # noqa: PLC0415

    own, _ = google.auth.default()
    return impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
        source_credentials=own, target_principal=account, target_scopes=[_SCOPE]
    )


def _signing_identity(client: Any) -> dict[str, str]:
    """Return what lets IAM sign, for credentials that hold no private key."""
    from google.auth.credentials import Signing  # noqa: PLC0415 - as above
    from google.auth.transport.requests import Request  # noqa: PLC0415

    credentials = client._credentials  # noqa: SLF001 - the client shows them nowhere else
    if isinstance(credentials, Signing):
        return {}
    if not credentials.valid:  # before the first refresh it does not even know its own name
        credentials.refresh(Request())
    return {
        "service_account_email": credentials.service_account_email,
        "access_token": credentials.token,
    }


def _stored(blob: Any) -> Stored:
    metadata = {key: text for key, text in (blob.metadata or {}).items() if key != _WRITE_MARK}
    return Stored(
        blob.name,
        int(blob.generation),
        int(blob.size or 0),
        blob.content_type or "application/octet-stream",
        metadata,
        updated=blob.updated,
    )


@contextlib.contextmanager
def _as_store_errors(name: str) -> Iterator[None]:
    """Turn whatever the client raises into the studio's own failures.

    Refused access and a missing bucket count as passing: only an operator can mend them, and then
    the same event, delivered again, succeeds.
    """
    from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415 - as above
    from google.api_core.exceptions import PreconditionFailed as Failed412  # noqa: PLC0415
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
    from google.cloud.storage.exceptions import DataCorruption, InvalidResponse  # noqa: PLC0415
    from requests import RequestException  # noqa: PLC0415

    try:
        yield
    except Failed412 as error:
        raise PreconditionFailed(f"Somebody else wrote {name} first.") from error
    except (
        GoogleAPIError,
        GoogleAuthError,
        DataCorruption,
        InvalidResponse,
        RequestException,
        OSError,
    ) as error:
        raise StoreError(f"Cloud Storage failed at {name}: {type(error).__name__}.") from error


@contextlib.contextmanager
def _as_missing(name: str) -> Iterator[None]:
    from google.api_core.exceptions import NotFound  # noqa: PLC0415 - as above

    try:
        yield
    except NotFound as error:
        raise ObjectMissing(f"There is no object {name}.") from error
