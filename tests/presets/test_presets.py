"""The presets that come along, presets that a user writes, and the option that names them."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from common import codec, presets
from common.errors import BadOptions
from common.operations.options import CheckOptions, CutoutOptions, PipelineOptions, read_options
from common.presets import Formats, Preset, Ratio

NAMES = presets.names()


def mine(**changes: Any) -> dict[str, Any]:
    """A preset as a user writes it."""
    rule = {"rule": "longest_side", "level": "must", "value": {"least": 64}}
    rule |= {"source": "house", "date": "2026-11-22"}
    make = {"longest": 512, "format": "jpeg", "quality": 90}
    return {"name": "mine", "title": "Mine", "version": 1, "make": make, "rules": [rule]} | changes


def read(document: object) -> Preset:
    return presets.read(json.dumps(document).encode(), "mine.json")


# --- the data -------------------------------------------------------------------------------------


def test_every_place_that_was_promised_is_there() -> None:
    shops = {"amazon-main", "ebay", "google-shopping", "shopify", "coupang-main"}
    others = {"naver-smartstore-main", "web"}
    social = {"social-1x1", "social-4x5", "social-9x16", "social-16x9"}
    assert shops | others | social == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_says_where_and_when_it_was_read(name: str) -> None:
    for rule in presets.named(name).rules:
        assert rule.source == "house" or rule.source.startswith("https://")
        assert dt.date(2026, 1, 1) <= rule.date <= dt.date(2027, 12, 31)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_named_like_its_file_and_makes_what_the_studio_writes(name: str) -> None:
    preset = presets.named(name)
    assert preset.name == name
    assert preset.make.format in codec.WRITES


@pytest.mark.parametrize("name", NAMES)
def test_formats_are_named_as_the_codec_names_them(name: str) -> None:
    for rule in presets.named(name).rules:
        assert not isinstance(rule, Formats) or set(rule.value) <= set(codec.CONTENT_TYPES)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_made_meets_the_musts_with_a_large_photo(name: str) -> None:
    preset = presets.named(name)
    sides = [rule for rule in preset.rules if rule.rule == "longest_side" and rule.level == "must"]
    assert all(rule.value.holds(preset.make.longest) for rule in sides)
    fills = [rule for rule in preset.rules if rule.rule == "fill"]
    assert all(rule.value.holds(preset.make.fill or 0) for rule in fills)
    ratios = [rule.value for rule in preset.rules if isinstance(rule, Ratio)]
    assert ratios in ([], [preset.make.ratio])


# --- the loader -----------------------------------------------------------------------------------


def test_an_unknown_name_is_refused_with_all_there_are() -> None:
    with pytest.raises(BadOptions) as refused:
        presets.named("amazn")
    assert refused.value.field == "preset"
    assert all(name in refused.value.advice for name in NAMES)


@pytest.mark.parametrize("name", ["../secret", "", "amazon-main.json", "AMAZON-MAIN", "model"])
def test_a_name_is_never_a_path(name: str) -> None:
    with pytest.raises(BadOptions):
        presets.named(name)


def test_a_user_may_write_a_preset() -> None:
    preset = read(mine())
    assert (preset.name, preset.make.longest, preset.most_bytes) == ("mine", 512, None)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rules": []}, "rules"),
        ({"name": "My Preset"}, "name"),
        ({"colour": "red"}, "colour"),
        ({"make": {"longest": 512, "format": "jpeg"}}, "make.quality"),
        ({"rules": [{"rule": "smell"}]}, "rules.0"),
    ],
)
def test_what_is_wrong_with_a_preset_is_named(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadOptions, match=f"mine.json is not a preset: .*{says}"):
        read(mine(**changes))


def test_a_rule_bounds_something() -> None:
    [rule] = mine()["rules"]
    for value in ({}, {"least": 9, "most": 3}):
        with pytest.raises(BadOptions, match="least"):
            read(mine(rules=[rule | {"value": value}]))


def test_a_preset_makes_a_format_that_it_takes() -> None:
    [rule] = mine()["rules"]
    with pytest.raises(BadOptions, match=r"make\.format jpeg"):
        read(mine(rules=[rule | {"rule": "formats", "value": ["png"]}]))


@pytest.mark.parametrize("data", [b"", b"[", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_no_preset(data: bytes) -> None:
    with pytest.raises(BadOptions, match="not JSON"):
        presets.read(data, "mine.json")


# --- the option -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelling",
    ["amazon-main,ebay", " amazon-main , ebay ", ["amazon-main", "ebay"], ["amazon-main@1,ebay"]],
)
def test_presets_mean_the_same_in_every_spelling(spelling: object) -> None:
    options = read_options(CheckOptions, {"preset": spelling})
    assert [preset.name for preset in options.preset] == ["amazon-main", "ebay"]


def test_what_a_result_tells_of_its_options_can_be_asked_again() -> None:
    options = read_options(CutoutOptions, {"preset": "amazon-main,web"})
    told = options.model_dump(mode="json")
    assert told["preset"] == ["amazon-main@1", "web@1"]
    assert read_options(CutoutOptions, told) == options


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("amazon", "There is no preset 'amazon'. Take one of: amazon-main"),
        ("./mine.json", "There is no preset './mine.json'"),
        ("ebay,ebay", "named twice"),
        ("ebay@7", "at version 1 now"),
        ([{"name": "mine"}], "Name presets"),
        (mine(), "Name presets"),
        (7, "Name presets"),
    ],
)
def test_a_door_takes_names_and_nothing_else(value: object, says: str) -> None:
    with pytest.raises(BadOptions, match="preset") as refused:
        read_options(CheckOptions, {"preset": value})
    assert says in refused.value.message


def test_a_check_needs_a_preset() -> None:
    with pytest.raises(BadOptions, match="preset"):
        read_options(CheckOptions, {})


def test_a_preset_belongs_to_the_whole_pipeline() -> None:
    steps = [{"operation": "cutout", "preset": "ebay"}]
    with pytest.raises(BadOptions, match="whole pipeline"):
        read_options(PipelineOptions, {"steps": steps})


def test_a_preset_frames_the_subject_itself() -> None:
    with pytest.raises(BadOptions, match="frames the subject itself"):
        read_options(CutoutOptions, {"preset": "ebay", "crop": "subject"})
