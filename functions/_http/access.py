"""Who is asking: a key's holder, whoever the platform vouches for, or anybody.

``keys``
    ``X-Api-Key: KEY`` or ``Authorization: Bearer KEY``.
``iam``
    Cloud Run lets only its invokers through, and takes the signature off their tokens; there is
    nothing left that could be verified here, so nothing is read from them.
``iap``
    Identity-Aware Proxy signs who is asking; the signature, the audience and the time are checked.
``open``
    Anybody; the local server, which listens to its own machine only, is open.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import flask

from common.apikeys import ApiKey, holder
from common.errors import Misconfigured, NotAllowed, StudioError, Unauthorized
from common.settings import Settings
from functions._fetch import Web

IAP_HEADER = "X-Goog-IAP-JWT-Assertion"
IAP_KEYS = "https://www.gstatic.com/iap/verify/public_key"
IAP_ISSUER = "https://cloud.google.com/iap"
KEYS_KEPT = (
    3600.0  # seconds; Google asks to fetch them no more often than daily, and rotates slowly
)
MAX_KEYS_BYTES = 100_000
CLOCK_SKEW = 30  # seconds between Google's clock and ours
_BEARER = re.compile(r"[Bb]earer +(\S+)")


@dataclass(frozen=True)
class Caller:
    """Who is asking.

    Attributes
    ----------
    name
        For the log: a key's name, or how the platform knows the caller.
    key
        What the key allows; None where no key was needed.
    folder
        Where the caller's jobs stand, below an operation's own folder; nobody else sees them.
    """

    name: str
    folder: str
    key: ApiKey | None = None

    def check_operation(self, operation: str) -> None:
        """Make sure that the caller may ask for an operation.

        Raises
        ------
        NotAllowed
            The key is for others.
        """
        if self.key and self.key.operations and operation not in self.key.operations:
            raise NotAllowed(
                f"The key {self.name} is not for {operation}.",
                advice=f"It is for {', '.join(self.key.operations)}.",
            )

    def check_source(self, uri: str) -> None:
        """Make sure that the caller may have a picture read from a bucket.

        Raises
        ------
        NotAllowed
            The key is for other places.
        """
        if self.key and self.key.prefixes and not uri.startswith(self.key.prefixes):
            raise NotAllowed(f"The key {self.name} reads nothing there.", field="image_uri")


def admit(request: flask.Request, settings: Settings) -> Caller:
    """Return who is asking.

    Raises
    ------
    Unauthorized
        Nobody who may.
    Misconfigured
        Identity-Aware Proxy's audience is not set.
    """
    match settings.access:
        case "open":
            return Caller("anybody", "open")
        case "iam":
            return Caller("iam", "iam")
        case "iap":
            return _of_iap(request, settings)
    return _of_key(request, settings)


# --- keys -----------------------------------------------------------------------------------------


def _of_key(request: flask.Request, settings: Settings) -> Caller:
    shown = request.headers.get("X-Api-Key", "")
    bearer = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    shown = shown or (bearer[1] if bearer else "")
    if not settings.api_keys:
        raise Unauthorized(
            "No key was made for this studio.",
            advice="The operator sets STUDIO_API_KEYS, or STUDIO_ACCESS to iam, iap or open.",
        )
    if not shown:
        raise Unauthorized("The request shows no key.", advice="Send it as X-Api-Key.")
    key = holder(shown, settings.api_keys)
    if key is None:
        raise Unauthorized("This key is not known here.", advice="Ask the operator for one.")
    return Caller(key.name, key.name, key)


# --- Identity-Aware Proxy -------------------------------------------------------------------------


class KeyRing:
    """Google's public keys, fetched when they are first needed and again after an hour."""

    def __init__(
        self, fetch: Callable[[], bytes], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._turn = threading.Lock()
        self._keys: Mapping[str, str] = {}
        self._until = float("-inf")

    def keys(self) -> Mapping[str, str]:
        """Return PEM public keys by their id.

        Raises
        ------
        StudioError
            They cannot be fetched, and none are kept.
        """
        with self._turn:
            if self._clock() >= self._until:
                self._renew()
            return self._keys

    def _renew(self) -> None:
        try:
            self._keys = json.loads(self._fetch())
        except StudioError:
            if not self._keys:
                raise
        self._until = self._clock() + KEYS_KEPT


google = KeyRing(lambda: Web().fetch(IAP_KEYS, MAX_KEYS_BYTES))


def _of_iap(request: flask.Request, settings: Settings) -> Caller:
    if not settings.iap_audience:
        raise Misconfigured(
            "Identity-Aware Proxy is asked for, and its audience is not set.",
            advice="Set STUDIO_IAP_AUDIENCE.",
        )
    token = request.headers.get(IAP_HEADER, "")
    if not token:
        raise Unauthorized("The request did not come through Identity-Aware Proxy.")
    claims = verified(token, settings.iap_audience, google)
    subject = hashlib.sha256(str(claims["sub"]).encode()).hexdigest()[:16]
    return Caller(f"iap:{subject}", f"iap-{subject}")


def verified(token: str, audience: str, ring: KeyRing) -> Mapping[str, Any]:
    """Return what a token says, once its signature, audience, issuer and time hold.

    Raises
    ------
    Unauthorized
        One of them does not.
    """
    from google.auth import exceptions, jwt  # noqa: PLC0415 - 0.2 s that only this way needs

    try:
        claims: Mapping[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]
            token, ring.keys(), audience=audience, clock_skew_in_seconds=CLOCK_SKEW
        )
    except (ValueError, exceptions.GoogleAuthError):
        claims = {}
    if claims.get("iss") != IAP_ISSUER or "sub" not in claims:
        raise Unauthorized("Identity-Aware Proxy's token does not hold.")
    return claims
