"""Addresses that hold for a while and for one thing: to bring an object, or to fetch one.

Cloud Storage signs its own.  A bucket that is a folder has nobody who could: there the studio
signs, with a key in the work bucket, and its own paths take such an address, so that what works in
the cloud works on a laptop.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from common.errors import BadSignature, ObjectMissing, PreconditionFailed
from common.store import Bucket, Signs

KEY_NAME = "keys/signing"
KEY_BYTES = 32
UPLOAD_SECONDS = 900.0
FETCH_SECONDS = 3600.0
UPLOADS, FILES = "/v1/uploads/", "/v1/jobs/files/"  # where a folder's addresses lead
META = "x-goog-meta-"


@dataclass(frozen=True)
class Address:
    """Where to send what.

    Attributes
    ----------
    method, url
        Of the request.
    headers
        That the request must bear, as they are.
    expires
        Seconds since 1970.
    """

    method: str
    url: str
    expires: float
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Signer:
    """Signs for one set of buckets.

    Attributes
    ----------
    work
        Where the key stands that signs a folder's addresses.
    here
        The address of this server: ``http://localhost:8080``.
    clock
        Seconds since 1970.
    """

    work: Bucket
    here: str
    clock: Callable[[], float] = time.time

    def to_bring(
        self, bucket: Bucket, name: str, content_type: str, sizes: tuple[int, int], params: str
    ) -> Address:
        """Return where a new object may be put: of this type, size and options, and once.

        Parameters
        ----------
        sizes
            The fewest and the most bytes.
        params
            What the object's metadata say of its options, in ASCII.
        """
        headers = {
            "Content-Type": content_type,
            "x-goog-content-length-range": f"{sizes[0]},{sizes[1]}",
            "x-goog-if-generation-match": "0",
            f"{META}params": params,
        }
        expires = self.clock() + UPLOAD_SECONDS
        if isinstance(bucket, Signs):
            url = bucket.signed_url(name, "PUT", UPLOAD_SECONDS, headers)
        else:
            claims = {"put": name, "headers": headers, "until": expires}
            url = f"{self.here}{UPLOADS}{self._token(claims)}"
        return Address("PUT", url, expires, headers)

    def to_fetch(self, bucket: Bucket, shelf: str, name: str) -> Address:
        """Return where an object is to be had.

        Parameters
        ----------
        shelf
            Which bucket it is, for a folder's address: ``work`` or ``output``.
        """
        expires = self.clock() + FETCH_SECONDS
        if isinstance(bucket, Signs):
            return Address("GET", bucket.signed_url(name, "GET", FETCH_SECONDS, {}), expires)
        claims = {"get": name, "shelf": shelf, "until": expires}
        return Address("GET", f"{self.here}{FILES}{self._token(claims)}", expires)

    def read(self, token: str, what: str) -> dict[str, Any]:
        """Return what a folder's address allows; `what` is ``put`` or ``get``.

        Raises
        ------
        BadSignature
            It was changed, has expired, or is for something else.
        """
        text, _, mark = token.partition(".")
        if not hmac.compare_digest(mark.encode(), self._mark(text).encode()):
            raise BadSignature("This address was not signed here.", advice="Ask for a new one.")
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text))
        if what not in claims or claims["until"] <= self.clock():
            raise BadSignature("This address has expired.", advice="Ask for a new one.")
        return claims

    def _token(self, claims: Mapping[str, Any]) -> str:
        text = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
        return f"{text}.{self._mark(text)}"

    def _mark(self, text: str) -> str:
        return hmac.new(self._key(), text.encode(), hashlib.sha256).hexdigest()

    def _key(self) -> bytes:
        """Return the key; whoever needs it first makes it."""
        try:
            return self.work.read(KEY_NAME)[0]
        except ObjectMissing:
            key = secrets.token_bytes(KEY_BYTES)
        try:
            self.work.write(KEY_NAME, key, if_generation=0)
        except PreconditionFailed:
            return self.work.read(KEY_NAME)[0]
        return key
