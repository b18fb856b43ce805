"""The composition root: settings become engines, buckets and operations, once a process."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from common import codec, matting
from common.bulk import Office
from common.errors import BadOptions, GateRefused, Misconfigured, StudioError
from common.image import OPAQUE, Image, Mask
from common.jobs import Buckets
from common.operations.base import Models, Operation, Outcome
from common.operations.options import Options
from common.operations.record import facts
from common.operations.registry import OPERATIONS
from common.report import Report
from common.settings import Settings
from common.spend import Purse
from common.store import open_bucket
from common.vlm.base import VisionModel
from common.vlm.embedded import EmbeddedModel
from common.vlm.gemini import Collection, bill
from common.vlm.given import GivenRender
from common.vlm.managed import ColourManaged
from functions import _assets, _engines
from functions._assets import AssetFile
from functions._bulk import Bulk
from functions._notify import Postbox
from functions._workshop import Workshop
from functions._writing import WHITE, output_of, profile_of


@dataclass(frozen=True)
class Finished:
    """A result as files: the picture (None where there is none) and the report.

    `mask` tells where pixels may have changed, where the operation knows (bool (H, W)); `assets`
    are what presets asked for, and of several `picture` is a zip.
    """

    picture: bytes | None
    content_type: str
    suffix: str
    report: Report
    mask: Mask | None = None
    assets: tuple[AssetFile, ...] = ()


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
    return Workshop(
        buckets(), operation, run, settings().max_bytes, postbox=postbox, bulk=_bulk_of(buckets())
    )


def _bulk_of(buckets: Buckets) -> Bulk:
    own = settings()

    def office() -> Office:
        return Office(buckets.work, _engines.batches(own), bill, _engines.till(own))

    return Bulk(buckets, run, office, own.engine)


def limits() -> codec.Limits:
    """Return what this process decodes at all."""
    own = settings()
    return codec.Limits(own.max_bytes, round(own.max_megapixels * 1e6))


# --- engines --------------------------------------------------------------------------------------


def models(
    options: Options,
    purse: Purse,
    given: Image | None = None,
    bulk: Collection | None = None,
) -> Models:
    """Return the engines for a request: the one it names, or a render that was brought."""
    if given is not None:
        brought = ColourManaged(GivenRender(given, asks=_embedded()))
        return Models(brought, fallback=_embedded(), brought=True)
    if (options.engine or settings().engine) == "embedded":
        return Models(_embedded(), fallback=_embedded())
    chosen = _engines.gemini(settings(), purse, fresh=options.fresh, bulk=bulk)
    return Models(ColourManaged(chosen), fallback=_embedded())


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
    mask: bytes | None = None,
    format: str = "png",
    name: str = "",
    bulk: Collection | None = None,
) -> Finished:
    """Run an operation on a file's bytes and return files.

    Parameters
    ----------
    given
        A render that the user brought, as a file.
    backdrop
        The picture behind a cutout, as a file.
    mask
        What is to go, white on black, as a file of the photo's size.
    format
        Of the resulting picture where the options name none; where it holds no alpha a transparent
        result stands on white.
    name
        The picture's in the input bucket, where it came from there; caps go by it.
    bulk
        Where calls to a model are collected for batches; None sends each at once.

    Raises
    ------
    StudioError
        See the operation, and `common.codec`.  Its details tell what the request cost until then.
    """
    image = codec.decode(data, limits(), profile_of(options))
    brought = None if given is None else _beside("render", given)
    behind = None if backdrop is None else _in_space_of(image, _beside("background", backdrop))
    outcome = outcome_of(
        operation,
        image,
        options,
        given=brought,
        backdrop=behind,
        mask=None if mask is None else _beside("mask", mask),
        name=name,
        bulk=bulk,
    )
    if outcome.image is None:
        return Finished(None, "application/json", ".json", outcome.report)
    output = output_of(options, format, outcome.report.digital_source)
    if outcome.assets:
        return replace(_assets_of(outcome, output), mask=outcome.mask)
    return replace(_finished(outcome.image, outcome.report, output), mask=outcome.mask)


def _beside(field: str, data: bytes) -> Image:
    """Decode a file that came beside the picture; a failure says which of them it was."""
    try:
        return codec.decode(data, limits())
    except StudioError as error:
        error.field = field
        error.message = f"The {field} cannot be taken: {error.message}"
        raise


def outcome_of(
    operation: Operation[Any],
    image: Image,
    options: Options,
    *,
    given: Image | None = None,
    backdrop: Image | None = None,
    mask: Image | None = None,
    name: str = "",
    bulk: Collection | None = None,
) -> Outcome:
    """Run an operation on a picture; see `run`."""
    purse = (_engines.bulk_purse if bulk else _engines.purse)(
        settings(), name or f"{operation.name}/"
    )
    try:
        return operation.run(image, options, models(options, purse, given, bulk), backdrop, mask)
    except StudioError as error:
        error.details |= _bill(purse)
        raise


def _assets_of(outcome: Outcome, output: codec.Output) -> Finished:
    """Return what presets asked for: one as it is, of several a zip."""
    files, report = _assets.finish(outcome, output, limits())
    if len(files) > 1:
        return Finished(_assets.zipped(files, report), _assets.ZIP, ".zip", report, assets=files)
    return Finished(files[0].data, files[0].content_type, files[0].suffix, report, assets=files)


def mask_file(mask: Mask) -> bytes:
    """Return a mask as PNG: white where pixels may have changed, black where none has."""
    gray = np.where(mask, OPAQUE, 0).astype(np.uint8)
    picture = Image(np.repeat(gray[..., None], 3, axis=2))
    return codec.write(picture, codec.Output("png")).data


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
    return _finished(result, report, codec.Output(format, background=WHITE))


def _in_space_of(image: Image, other: Image) -> Image:
    """Return another picture in the colour space of the one that is worked on."""
    return codec.in_profile(other, image.provenance.icc)


def _finished(image: Image, report: Report, output: codec.Output) -> Finished:
    file = codec.write(image, output)
    result = facts(image).model_copy(update={"format": output.format})
    warnings = [*report.warnings, *file.notes]
    report = report.model_copy(update={"result": result, "warnings": warnings})
    return Finished(file.data, file.content_type, file.suffix, report)
