"""`studio doctor`: whether credentials, models, buckets, caps and weights are as they must be."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from common.errors import (
    Misconfigured,
    ModelCredentials,
    ModelError,
    ObjectMissing,
    PreconditionFailed,
    StudioError,
)
from common.operations.registry import OPERATIONS
from common.settings import Settings
from common.spend import Caps, ledger_name
from common.spend.caps import DAY
from common.spend.ledger import read_grants
from common.store import Bucket, open_bucket
from common.vlm.embedded.weights import (
    PP_OCR_DET,
    U2NETP,
    WeightFile,
    WeightsUnusable,
    read_weights,
)
from common.vlm.gemini import GeminiModel
from common.vlm.prices import PICTURE_IN, Tokens, dollars, picture_tokens, price_of
from functions import _engines, _wiring

SECONDS = 20.0  # for the list of models

State = Literal["ok", "note", "bad"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    state
        ``ok``; ``note``: it works, and somebody should know; ``bad``: something will fail.
    topic, text
        What was looked at, and what was found.
    mend
        What to do about it.
    """

    state: State
    topic: str
    text: str
    mend: str = ""

    def __str__(self) -> str:
        mend = f"\n                     -> {self.mend}" if self.mend else ""
        return f"{self.state:4}  {self.topic:13}  {self.text}{mend}"


def run() -> int:
    """Print what is found; return 0 where nothing is bad, else 1."""
    try:
        own = _wiring.settings()
    except Misconfigured as error:
        print(Finding("bad", "settings", error.message, error.advice))
        return 1
    state = 0
    for finding in findings(own):
        print(finding, flush=True)
        state = max(state, int(finding.state == "bad"))
    return state


def findings(own: Settings) -> Iterator[Finding]:
    """Look at everything; what takes long comes as it is found."""
    yield from _provider(own)
    for kind in ("input", "work", "output"):
        yield _bucket(kind, getattr(own, f"{kind}_bucket"))
    yield from _caps(own, _engines.caps(own))
    yield _weights(U2NETP, "find subjects")
    yield _weights(PP_OCR_DET, "find writing")


# --- the provider ---------------------------------------------------------------------------------


def _provider(own: Settings) -> Iterator[Finding]:
    if not own.gemini_is_set_up:
        mend = "Set GEMINI_API_KEY, or STUDIO_VERTEX_PROJECT for Vertex AI."
        state: State = "bad" if own.engine == "gemini" else "note"
        yield Finding(state, "credentials", "Gemini is not set up; the embedded engine is.", mend)
        return
    way = "an API key" if own.gemini_api_key else f"Vertex AI in {own.vertex_project}"
    try:
        listed = _gemini(own).listed(SECONDS)
    except ModelError as error:
        topic = "credentials" if isinstance(error, ModelCredentials) else "provider"
        yield Finding("bad", topic, error.message, error.advice)
        listed = None
    else:
        yield Finding("ok", "credentials", f"Gemini answers to {way}.")
    for setting, model, size in (
        ("STUDIO_IMAGE_MODEL", own.image_model, own.image_size),
        ("STUDIO_FAST_MODEL", own.fast_model, "1K"),
        ("STUDIO_PRO_MODEL", own.pro_model, "1K"),
        ("STUDIO_TEXT_MODEL", own.text_model, ""),
    ):
        yield _model(setting, model, size, listed)


def _gemini(own: Settings) -> GeminiModel:
    return GeminiModel(
        api_key=own.gemini_api_key,
        project=own.vertex_project,
        location=own.vertex_location,
        base_url=own.gemini_base_url,
    )


def _model(setting: str, model: str, size: str, listed: frozenset[str] | None) -> Finding:
    """Tell whether a model has a price, for pictures of a size, and whether the provider has it."""
    try:
        price = price_of(model, datetime.now(UTC).date())
        if size:
            picture_tokens(price, size)
    except ModelError as error:
        return Finding("bad", "model", error.message, f"{error.advice} ({setting})")
    if listed is not None and model not in listed:
        known = ", ".join(sorted(name for name in listed if name.startswith("gemini")))
        return Finding(
            "bad", "model", f"Gemini does not list {model}.", f"Set {setting} to one of: {known}."
        )
    where = "" if listed is None else "listed, "
    return Finding("ok", "model", f"{model}: {where}priced by {price.told}.")


# --- buckets --------------------------------------------------------------------------------------


def _bucket(kind: str, address: str) -> Finding:
    topic, setting = f"{kind} bucket", f"STUDIO_{kind.upper()}_BUCKET"
    if not address:
        lack = {
            "input": "nothing can be dropped",
            "work": "nothing is remembered, so the same picture is paid again",
            "output": "dropped pictures have nowhere to go",
        }[kind]
        return Finding("note", topic, f"There is none: {lack}.", f"Set {setting}.")
    try:
        bucket = open_bucket(address)
        next(iter(bucket.list()), None)
        if kind != "input":  # what is put there is taken for a picture
            _try_out(bucket)
    except StudioError as error:
        mend = error.advice or f"Check {setting} and the service account's role on the bucket."
        return Finding("bad", topic, f"{address}: {error.message}", mend)
    able = "listed" if kind == "input" else "listed, written under generations, deleted"
    return Finding("ok", topic, f"{address} can be {able}.")


def _try_out(bucket: Bucket) -> None:
    """Write an object under generations, read it and delete it.

    Raises
    ------
    StudioError
        One of these fails, or a write that must be refused is not.
    """
    name = f"doctor-{uuid.uuid4().hex}.txt"
    stored = bucket.write(name, b"probe", if_generation=0, content_type="text/plain")
    try:
        bucket.read(name, stored.generation)
        with contextlib.suppress(PreconditionFailed):
            bucket.write(name, b"twice", if_generation=0)
            raise Misconfigured("The bucket does not keep to generations; jobs would collide.")
    finally:
        bucket.delete(name)


# --- caps -----------------------------------------------------------------------------------------


def _caps(own: Settings, caps: Caps) -> Iterator[Finding]:
    if own.gemini_is_set_up and caps == Caps():
        mend = "Set STUDIO_CAP_DAY_USD, and STUDIO_CAP_REQUEST_USD for a single request."
        yield Finding("note", "caps", "Nothing limits what is spent.", mend)
    if caps.request is not None:
        yield _request_cap(own, caps.request)
    for prefix in caps.prefixes:
        if not any(f"{name}/".startswith(prefix[: len(name) + 1]) for name in OPERATIONS):
            mend = "Begin it with an operation: cutout/shoes/."
            yield Finding("note", "caps", f"No picture's name begins with {prefix}.", mend)
    if caps.need_a_ledger:
        yield _ledger(own, caps)


def _request_cap(own: Settings, cap: float) -> Finding:
    try:
        price = price_of(own.image_model, datetime.now(UTC).date())
        picture = dollars(price, Tokens(PICTURE_IN, picture=picture_tokens(price, "1K")))
    except ModelError as error:
        return Finding("bad", "caps", error.message, error.advice)
    if cap < picture:
        text = f"${cap:.4f} a request is less than one picture costs (${picture:.4f})."
        return Finding("bad", "caps", text, "Raise STUDIO_CAP_REQUEST_USD.")
    return Finding("ok", "caps", f"${cap:.2f} a request.")


def _ledger(own: Settings, caps: Caps) -> Finding:
    """Tell what of the day's caps is left."""
    if not own.work_bucket:
        text = "A cap for a day needs a place where all instances note what they spend."
        return Finding("bad", "caps", text, "Set STUDIO_WORK_BUCKET.")
    granted: dict[str, int] = {}
    try:
        with contextlib.suppress(ObjectMissing):
            data, _ = open_bucket(own.work_bucket).read(ledger_name(time.time()))
            granted = read_grants(data)
    except StudioError as error:
        return Finding("bad", "caps", error.message, error.advice)
    limits = dict(caps.prefixes) | ({} if caps.day is None else {DAY: caps.day})
    told = [
        f"{name or 'all'}: ${granted.get(name, 0) / 1e6:.2f} of ${cap:.2f}"
        for name, cap in sorted(limits.items())
    ]
    return Finding("ok", "caps", f"Granted today (UTC): {'; '.join(told)}.")


# --- weights --------------------------------------------------------------------------------------


def _weights(weights: WeightFile, use: str) -> Finding:
    try:
        read_weights(weights)
    except WeightsUnusable as error:
        mend = f"Run make install; without them the embedded engine can {use} only roughly."
        return Finding("note", "weights", str(error), mend)
    return Finding("ok", "weights", f"{weights.name} is there, to {use} offline.")
