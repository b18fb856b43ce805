"""The composition root: settings become engines, buckets and operations, once a process."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from common import codec, matting
from common.composite import over
from common.errors import BadOptions, GateRefused, Misconfigured, StudioError
from common.image import Image, Mask
from common.jobs import Buckets
from common.operations.base import Models, Operation
from common.operations.options import Options
from common.operations.record import facts
from common.operations.registry import OPERATIONS
from common.report import Report
from common.settings import Settings
from common.spend import Purse
from common.store import open_bucket
from common.vlm.base import VisionModel
from common.vlm.embedded import EmbeddedModel
from common.vlm.given import GivenRender
from functions import _engines
from functions._events import Workshop
from functions._notify import Postbox

WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Finished:
    """A result as files: the picture (None where there is none) and the report.

    `mask` tells where pixels may have changed, where the operation knows (bool (H, W)).
    """

    picture: bytes | None
    content_type: str
    suffix: str
    report: Report
    mask: Mask | None = None


@cache
def settings() -> Settings:
    """Return the settings of this process; read from the environment at the first call."""
    return Settings.from_environment(os.environ)


@cache
def buckets() -> Buckets:
    """Return the three buckets.

    Raises
    ------
    Misconfigured
        One of them is not set.
    """
    own = settings()
    addresses = (own.input_bucket, own.work_bucket, own.output_bucket)
    if not all(addresses):
        raise Misconfigured(
            "The bucket door needs an input, a work and an output bucket.",
            advice="Set STUDIO_INPUT_BUCKET, STUDIO_WORK_BUCKET and STUDIO_OUTPUT_BUCKET.",
        )
    return Buckets(*(open_bucket(address) for address in addresses))


def operation(name: str) -> Operation[Any]:
    """Return an operation by its name."""
    return OPERATIONS[name]


def workshop() -> Workshop:
    """Return what the bucket door needs."""
    postbox = Postbox(buckets(), settings().webhook_secret)
    return Workshop(buckets(), operation, run, settings().max_bytes, postbox=postbox)


def limits() -> codec.Limits:
    """Return what this process decodes at all."""
    own = settings()
    return codec.Limits(own.max_bytes, round(own.max_megapixels * 1e6))


# --- engines --------------------------------------------------------------------------------------


def models(options: Options, purse: Purse, given: Image | None = None) -> Models:
    """Return the engines for a request: the one it names, or a render that was brought."""
    if given is not None:
        return Models(GivenRender(given, asks=_embedded()), brought=True)
    if (options.engine or settings().engine) == "embedded":
        return Models(_embedded(), fallback=_embedded())
    return Models(_engines.gemini(settings(), purse, fresh=options.fresh), fallback=_embedded())


@cache
def _embedded() -> VisionModel:
    return EmbeddedModel()


# --- one request ----------------------------------------------------------------------------------


def run(
    operation: Operation[Any],
    data: bytes,
    options: Options,
    *,
    given: bytes | None = None,
    backdrop: bytes | None = None,
    format: str = "png",
    name: str = "",
) -> Finished:
    """Run an operation on a file's bytes and return files.

    Parameters
    ----------
    given
        A render that the user brought, as a file.
    backdrop
        The picture behind a cutout, as a file.
    format
        Of the resulting picture; where it holds no alpha a transparent result stands on white.
    name
        The picture's in the input bucket, where it came from there; caps go by it.

    Raises
    ------
    StudioError
        See the operation, and `common.codec`.  Its details tell what the request cost until then.
    """
    image = codec.decode(data, limits())
    brought = None if given is None else codec.decode(given, limits())
    behind = None if backdrop is None else codec.decode(backdrop, limits())
    purse = _engines.purse(settings(), name or f"{operation.name}/")
    try:
        outcome = operation.run(image, options, models(options, purse, brought), behind)
    except StudioError as error:
        error.details |= _bill(purse)
        raise
    if outcome.image is None:
        return Finished(None, "application/json", ".json", outcome.report)
    return replace(_finished(outcome.image, outcome.report, format), mask=outcome.mask)


def _bill(purse: Purse) -> dict[str, Any]:
    """Return what a request cost that failed, its earlier answers included."""
    told = {"dollars": purse.dollars, "dollars_in_doubt": purse.dollars_in_doubt}
    bill: dict[str, Any] = {name: round(dollars, 6) for name, dollars in told.items() if dollars}
    if bill:
        bill["charged"] = "yes" if purse.dollars else "maybe"
    return bill


def key_alone(data: bytes, key: str | None, format: str = "png") -> Finished:
    """Key a flat-backed picture by itself; `key` names the backing, None measures it.

    Raises
    ------
    GateRefused
        The picture has no usable backing.
    """
    if key not in {None, "auto", *matting.KEYS}:
        raise BadOptions(f"key: {key!r} is no key colour.", field="key")
    image = codec.decode(data, limits())
    matte = matting.key_alone(image.rgb, matting.KEYS.get(key or ""))
    result = replace(image, rgb=matte.rgb, alpha=matte.alpha)
    report = Report(
        operation="key",
        engine="keyer",
        source=facts(image),
        scores=dict(matte.verdict.scores),
        warnings=list(matte.verdict.warnings),
        decision="accepted" if matte.verdict.accepted else "refused",
    )
    if not matte.verdict.accepted:
        raise GateRefused(
            " ".join(matte.verdict.refusals),
            advice="Bring a picture on a flat green, blue or magenta backing.",
            details={"report": report.model_dump(mode="json")},
        )
    return _finished(result, report, format)


def _finished(image: Image, report: Report, format: str) -> Finished:
    warnings = report.warnings
    if image.alpha is not None and format not in codec.WITH_ALPHA:
        image = over(image, np.array(WHITE, np.uint8))
        warnings = [*warnings, f"A {format} file holds no transparency; the subject is on white."]
    result = facts(image).model_copy(update={"format": format})
    report = report.model_copy(update={"result": result, "warnings": warnings})
    picture = codec.encode(image, format)
    return Finished(picture, codec.CONTENT_TYPES[format], codec.SUFFIXES[format], report)
