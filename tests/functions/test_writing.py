"""How a result is written: the options say it, else the reader, and a pipeline says it once."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from common import codec
from common.errors import BadOptions
from common.image import Image, Provenance
from common.operations.options import (
    CutoutOptions,
    DetectOptions,
    ExpandOptions,
    PipelineOptions,
    read_options,
)
from common.operations.registry import OPERATIONS
from common.operations.written import ExifName, FormatName, ProfileName
from functions import _wiring
from functions._writing import WHITE, output_of
from tests.support.pictures import product
from tests.support.profiles import wide

SCENE = product()
CUT = Image(SCENE.photo, np.rint(SCENE.alpha * 255).astype(np.uint8), Provenance(icc=wide()))


def test_the_options_name_what_the_codec_writes() -> None:
    assert get_args(FormatName) == codec.WRITES
    assert get_args(ProfileName) == get_args(codec.Profile)
    assert set(get_args(ExifName)) == set(get_args(codec.Exif))


def test_a_format_in_the_options_wins_over_what_the_reader_asks_for() -> None:
    told = {"format": "webp", "file_quality": "80", "profile": "srgb", "exif": "strip"}
    options = read_options(CutoutOptions, told)
    assert output_of(options, "jpeg", codec.COMPOSITE) == codec.Output(
        "webp", 80, "srgb", "strip", WHITE, codec.COMPOSITE
    )
    assert output_of(CutoutOptions(), "jpeg", "").format == "jpeg"
    assert output_of(DetectOptions(), "jpeg", "").quality == codec.QUALITY


@pytest.mark.parametrize("format", codec.WRITES)
def test_every_format_is_reached_through_the_options(format: str) -> None:
    """The picture is cut out already, so that no engine is needed."""
    options = read_options(CutoutOptions, {"format": format})
    finished = _wiring.run(OPERATIONS["cutout"], codec.encode(CUT), options)
    assert finished.picture is not None
    assert finished.suffix == codec.SUFFIXES[format]
    assert finished.content_type == codec.CONTENT_TYPES[format]
    assert finished.report.result is not None
    assert finished.report.result.format == format
    on_white = "A jpeg file holds no transparency; the subject is on white."
    assert (on_white in finished.report.warnings) == (format == "jpeg")


@pytest.mark.parametrize("profile", get_args(ProfileName))
def test_a_photo_keeps_its_profile_unless_srgb_is_asked_for(profile: str) -> None:
    options = read_options(CutoutOptions, {"profile": profile})
    finished = _wiring.run(OPERATIONS["cutout"], codec.encode(CUT), options)
    assert finished.picture is not None
    back = codec.decode(finished.picture)
    if profile == "keep":
        assert back.provenance.icc == wide()
        assert np.array_equal(back.rgb, CUT.rgb)
    else:
        assert back.provenance.icc == codec.srgb()
        assert not np.array_equal(back.rgb, CUT.rgb)


def test_a_colour_behind_is_what_was_asked_for_in_srgb() -> None:
    options = CutoutOptions(background="#C81E32", profile="srgb")
    finished = _wiring.run(OPERATIONS["cutout"], codec.encode(CUT), options)
    assert finished.picture is not None
    assert codec.decode(finished.picture).rgb[0, 0].tolist() == [0xC8, 0x1E, 0x32]


@pytest.mark.parametrize(
    "told", [{"format": "psd"}, {"file_quality": 0}, {"profile": "p3"}, {"exif": "some"}]
)
def test_what_cannot_be_written_is_refused_by_the_options(told: dict[str, object]) -> None:
    with pytest.raises(BadOptions) as caught:
        read_options(ExpandOptions, {"aspect": 2, **told})
    assert caught.value.field in told


def test_a_pipeline_is_written_once() -> None:
    step = {"operation": "cutout"}
    assert read_options(PipelineOptions, {"steps": [step], "format": "tiff"}).format == "tiff"
    with pytest.raises(BadOptions, match="whole pipeline"):
        read_options(PipelineOptions, {"steps": [{**step, "format": "tiff"}]})
