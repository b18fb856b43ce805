"""Settings become engines: who is asked, how fast, at what cost, and what is remembered."""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterable
from functools import cache, partial

from common.apikeys import ApiKey
from common.bulk import Till
from common.errors import Misconfigured
from common.settings import Settings
from common.spend import Caps, Ledger, Purse
from common.store import Bucket, open_bucket
from common.vlm.base import VisionModel
from common.vlm.gemini import Access, Batches, Collection, GeminiModel, Pacer
from common.vlm.gemini.meters import UNPACED
from common.vlm.remembered import RememberedModel, Waiting
from functions._shelf import BucketShelf

JOBS_FOLDER = "jobs"  # below an operation's own, for what came by HTTP
_KEYS = "key:"  # begins the account of a key, and no picture's name


def gemini(
    own: Settings, purse: Purse, *, fresh: bool = False, bulk: Collection | None = None
) -> VisionModel:
    """Return Gemini for one request.

    Parameters
    ----------
    purse
        Who pays.
    fresh
        What was remembered before this moment does not count.
    bulk
        Where calls are collected for batches; None sends each at once.

    Raises
    ------
    Misconfigured
        There are no credentials, or a cap has no ledger.
    """
    if purse.needs_a_ledger and not own.work_bucket:
        raise Misconfigured(
            "A cap for a day needs a place where all instances note what they spend.",
            advice="Set STUDIO_WORK_BUCKET.",
        )
    if not own.gemini_is_set_up:
        raise Misconfigured(
            "The gemini engine is not set up here.",
            advice="Set GEMINI_API_KEY, or choose the embedded engine.",
        )
    model = GeminiModel(
        api_key=own.gemini_api_key,
        project=own.vertex_project,
        location=own.vertex_location,
        base_url=own.gemini_base_url,
        image_model=own.image_model,
        fast_model=own.fast_model,
        pro_model=own.pro_model,
        text_model=own.text_model,
        image_size=own.image_size,
        deadline_seconds=own.model_seconds,
        purse=purse,
        pace=_pacer(own.model_calls, own.images_a_minute) if bulk is None else UNPACED,
        bulk=bulk,
    )
    if not own.work_bucket:
        return model
    shelf = BucketShelf(_bucket(own.work_bucket))
    since = time.time() if fresh else 0.0
    waiting = Waiting(own.model_seconds)
    return RememberedModel(model, shelf, model.identity, since, waiting)


def batches(own: Settings) -> Batches:
    """Return the provider's batches.

    Raises
    ------
    Misconfigured
        There is no key of the Gemini API.
    """
    access = Access(own.gemini_api_key, base_url=own.gemini_base_url)
    return Batches(access, own.model_seconds)


def till(own: Settings) -> Till:
    """Return the money for batches."""
    return Till(partial(caps, own), ledger(own.work_bucket))


def bulk_purse(own: Settings, name: str) -> Purse:
    """Return the money of a request whose calls wait for batches: those set the day's aside."""
    return Purse(Caps(request=caps(own, name).request), None, name)


def purse(own: Settings, name: str) -> Purse:
    """Return one request's money.

    Parameters
    ----------
    name
        The picture's name in the input bucket, or its operation and a slash: caps go by it.
    """
    return Purse(caps(own, name), ledger(own.work_bucket), name)


def caps(own: Settings, name: str = "") -> Caps:
    """Return what may be spent, on a picture of this name by whoever sent it."""
    key = _key_of(name, own.api_keys)
    if key is None:
        return Caps(own.cap_request, own.cap_day, own.cap_prefixes)
    requests = [cap for cap in (own.cap_request, key.cap_request) if cap is not None]
    mine = {} if key.cap_day is None else {f"{_KEYS}{key.name}": key.cap_day}
    return Caps(min(requests, default=None), own.cap_day, own.cap_prefixes, mine)


def _key_of(name: str, keys: Iterable[ApiKey]) -> ApiKey | None:
    """Return the key that sent a picture, which stands in its folder: ``cutout/jobs/shop/``."""
    parts = name.split("/")
    if len(parts) < 4 or parts[1] != JOBS_FOLDER:
        return None
    return next((key for key in keys if key.name == parts[2]), None)


@cache
def _pacer(together: int, pictures: int) -> Pacer:
    return Pacer(together, pictures)


@cache
def ledger(work_bucket: str) -> Ledger | None:
    """Return this process's hold on the day's ledger; None without a work bucket."""
    if not work_bucket:
        return None
    held = Ledger(_bucket(work_bucket))
    atexit.register(held.close)
    return held


@cache
def _bucket(address: str) -> Bucket:
    return open_bucket(address)
