"""Assets become files: written as their preset asks, read again, and checked as what they are."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from common import codec
from common.composite import over
from common.errors import BadOptions
from common.operations import check
from common.operations.base import Asset, Outcome
from common.report import PresetCheck, Report

ZIP = "application/zip"
REPORT = "report.json"  # in a zip, beside the pictures
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's first moment: equal assets make equal zips


@dataclass(frozen=True)
class AssetFile:
    """A finished asset: a file, and what its check found."""

    data: bytes
    content_type: str
    suffix: str
    check: PresetCheck

    @property
    def name(self) -> str:
        """What it is called where several stand together."""
        return f"{self.check.preset}{self.suffix}"


def finish(
    outcome: Outcome, output: codec.Output, limits: codec.Limits
) -> tuple[tuple[AssetFile, ...], Report]:
    """Return the outcome's assets as files, and its report with their checks.

    Parameters
    ----------
    output
        How files are written; what a preset says goes before it.
    limits
        Of what is decoded.
    """
    files, warnings = [], list(outcome.report.warnings)
    for asset in outcome.assets:
        written = _written(asset, output)
        image = codec.decode(written.data, limits)
        [checked] = check.compose(image, [asset.preset], asset.found)
        files.append(AssetFile(written.data, written.content_type, written.suffix, checked))
        said = [*asset.notes, *written.notes, *_failings(checked)]
        warnings += [f"{asset.preset.name}: {text}" for text in said]
    return tuple(files), _told(outcome.report, [file.check for file in files], warnings)


def _written(asset: Asset, output: codec.Output) -> codec.File:
    """Write an asset in as many bytes as its preset allows; where that is too few, in more.

    The check of the file then says so.
    """
    make = asset.preset.make
    image = asset.image
    if make.format not in codec.WITH_ALPHA and output.background is not None:
        image = over(image, np.array(output.background, np.uint8))
    wanted = replace(
        output,
        format=make.format,
        quality=make.quality,
        profile="srgb",
        max_bytes=asset.preset.most_bytes,
    )
    try:
        return codec.write(image, wanted)
    except BadOptions:
        if wanted.max_bytes is None:
            raise
        return codec.write(image, replace(wanted, max_bytes=None))


def _failings(checked: PresetCheck) -> list[str]:
    """Return what every asset must be and this one is not, in sentences."""
    return [
        f"{rule.rule.replace('_', ' ')} is {rule.measured}, and must be {rule.required}. {rule.fix}"
        for rule in checked.rules
        if rule.level == "must" and rule.passed is False
    ]


def _told(report: Report, checks: list[PresetCheck], warnings: Sequence[str]) -> Report:
    """Return the report with the checks; what fails one is for a person to look at."""
    failed = any(checked.passed is False for checked in checks)
    update: dict[str, object] = {
        "checks": checks,
        "warnings": list(dict.fromkeys(warnings)),
        "result": checks[0].result if len(checks) == 1 else None,
    }
    if failed and report.decision == "accepted":
        update["decision"] = "review"
    return report.model_copy(update=update)


def zipped(files: Sequence[AssetFile], report: Report) -> bytes:
    """Return a zip of assets, each named by its preset, and the report."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for file in files:  # pictures are packed already
            archive.writestr(zipfile.ZipInfo(file.name, _EPOCH), file.data)
        text = json.dumps(report.model_dump(mode="json"), ensure_ascii=False, indent=2)
        archive.writestr(zipfile.ZipInfo(REPORT, _EPOCH), text.encode())
    return out.getvalue()
