"""Keys for programs: random, known here only by their hash, each with its own caps and reach.

A key is 256 random bits, so one round of SHA-256 guards it as well as a slow hash would.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from common.errors import Misconfigured

PREFIX = "vas_"  # tells a key from other secrets, for people and for scanners of leaked ones
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MEMBERS = {"name", "sha256", "cap_request_usd", "cap_day_usd", "operations", "prefixes"}


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key.

    Attributes
    ----------
    name
        Whose it is, in logs and in names of objects: small letters, digits and hyphens.
    sha256
        Of the key, in hex.
    cap_request, cap_day
        Most dollars for one request and for a day; None is no cap of its own.
    operations
        What it may ask for; empty is everything.
    prefixes
        Where its ``image_uri`` may begin: ``gs://photos/shop/``; empty is every allowed bucket.
    """

    name: str
    sha256: str
    cap_request: float | None = None
    cap_day: float | None = None
    operations: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


def make_key() -> str:
    """Return a new key, to be shown once and kept nowhere."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(key: str) -> str:
    """Return the hash under which a key is known."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def holder(shown: str, keys: Iterable[ApiKey]) -> ApiKey | None:
    """Return the key that was shown, or None; the time it takes tells nothing about the keys."""
    theirs, found = digest(shown), None
    for key in keys:
        if hmac.compare_digest(theirs, key.sha256):
            found = key
    return found


def read_keys(text: str) -> tuple[ApiKey, ...]:
    """Read ``[{"name": ..., "sha256": ..., "cap_day_usd": 5, "operations": [...]}]``.

    Raises
    ------
    Misconfigured
        It is not such a list, or two keys share a name.  What it says is not repeated.
    """
    if not text:
        return ()
    try:
        entries = json.loads(text)
        keys = tuple(_key(entry) for entry in entries)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Misconfigured(
            "STUDIO_API_KEYS is not a JSON list of keys.",
            advice='Write [{"name": "shop", "sha256": "..."}]; `studio apikey shop` makes one.',
        ) from None
    if len({key.name for key in keys}) != len(keys):
        raise Misconfigured("STUDIO_API_KEYS holds two keys of one name.")
    return keys


def _key(entry: dict[str, Any]) -> ApiKey:
    name, sha256 = entry["name"], entry["sha256"]
    if not (_NAME.fullmatch(name) and _DIGEST.fullmatch(sha256) and entry.keys() <= _MEMBERS):
        raise ValueError(name)
    return ApiKey(
        name,
        sha256,
        _cap(entry.get("cap_request_usd")),
        _cap(entry.get("cap_day_usd")),
        _texts(entry.get("operations", [])),
        _texts(entry.get("prefixes", [])),
    )


def _cap(value: object) -> float | None:
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 < value < float("inf")
    ):
        raise ValueError(value)
    return float(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
        raise ValueError(value)
    return tuple(value)
