"""Options: a flag, a form field, a JSON member and a recipe's entry mean the same."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import BadOptions
from common.geometry import Anchor, Size
from common.operations.options import (
    CheckOptions,
    CutoutOptions,
    DetectOptions,
    EraseOptions,
    ExpandOptions,
    Options,
    PipelineOptions,
    read_options,
)

Kind = type[Options]


def refusal(kind: Kind, **values: Any) -> BadOptions:
    with pytest.raises(BadOptions) as refused:
        read_options(kind, values)
    return refused.value


# --- one meaning at every door --------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelling",
    [
        "100,200,300,400",
        " 100, 200, 300, 400 ",
        "[100,200,300,400]",
        "0.1,0.2,0.3,0.4",
        [100, 200, 300, 400],
        [100.0, 200.0, 300.0, 400.0],
        (300, 400, 100, 200),
    ],
)
def test_a_box_means_the_same_in_every_spelling(spelling: object) -> None:
    assert read_options(CutoutOptions, {"box": spelling}).box == (100, 200, 300, 400)


@pytest.mark.parametrize(
    "spelling",
    [
        ["1,2,30,40", "5,6,70,80"],
        "[[1,2,30,40],[5,6,70,80]]",
        '["1,2,30,40","5,6,70,80"]',
        [[1, 2, 30, 40], [5, 6, 70, 80]],
        [(1, 2, 30, 40), "5,6,70,80"],
    ],
)
def test_several_regions_mean_the_same_in_every_spelling(spelling: object) -> None:
    assert read_options(EraseOptions, {"region": spelling}).region == [
        (1, 2, 30, 40),
        (5, 6, 70, 80),
    ]


@pytest.mark.parametrize(
    "spelling", ["1,2,30,40", "[1,2,30,40]", ["1,2,30,40"], [1, 2, 30, 40], [[1, 2, 30, 40]]]
)
def test_one_region_is_a_list_of_one(spelling: object) -> None:
    assert read_options(EraseOptions, {"region": spelling}).region == [(1, 2, 30, 40)]


@pytest.mark.parametrize("spelling", ["40", 40, ["40"], [40], "40,40,40,40", [40, "40", 40, "40"]])
def test_one_margin_is_four(spelling: object) -> None:
    assert read_options(ExpandOptions, {"margin": spelling}).margin == ("40", "40", "40", "40")


@pytest.mark.parametrize("spelling", ["10,5%,0,12.5%", ["10", "5%", "0", "12.5%"]])
def test_a_margin_mixes_pixels_and_shares(spelling: object) -> None:
    assert read_options(ExpandOptions, {"margin": spelling}).margin == ("10", "5%", "0", "12.5%")


@pytest.mark.parametrize("spelling", ["16:10", "1.6", 1.6, "8:5"])
def test_a_ratio_means_the_same_in_every_spelling(spelling: object) -> None:
    assert read_options(ExpandOptions, {"aspect": spelling}).aspect == pytest.approx(1.6)


@pytest.mark.parametrize("spelling", ["1920x1080", "1920X1080", " 1920x1080 "])
def test_a_size_means_the_same_in_every_spelling(spelling: object) -> None:
    assert read_options(ExpandOptions, {"size": spelling}).size == Size(1920, 1080)


@pytest.mark.parametrize("spelling", ["SALE", ["SALE"]])
def test_one_writing_to_keep_is_a_list_of_one(spelling: object) -> None:
    assert read_options(EraseOptions, {"keep": spelling}).keep == ["SALE"]


@pytest.mark.parametrize("spelling", [True, "true", "1", "on", "yes", "True"])
def test_a_dry_run_is_asked_for_in_any_usual_word(spelling: object) -> None:
    assert read_options(DetectOptions, {"dry_run": spelling}).dry_run is True


def test_an_anchor_is_named_by_its_word() -> None:
    options = read_options(ExpandOptions, {"aspect": "1:1", "anchor": "top-left"})
    assert options.anchor is Anchor.TOP_LEFT


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (CutoutOptions, "box", "1,2,3"),
        (CutoutOptions, "box", "left"),
        (CutoutOptions, "box", ""),
        (CutoutOptions, "box", 5),
        (CutoutOptions, "box", "nan,0,500,500"),
        (CutoutOptions, "box", "500,0,500,500"),
        (CutoutOptions, "box", [10**400, 0, 500, 500]),
        (CutoutOptions, "box", {"top": 1}),
        (CutoutOptions, "key", "red"),
        (CutoutOptions, "on_fail", "ignore"),
        (CutoutOptions, "engine", "gpt"),
        (CutoutOptions, "subject", "x" * 501),
        (EraseOptions, "region", "[1,2"),
        (EraseOptions, "region", "[" * 100_000),
        (EraseOptions, "region", {"a": 1}),
        (EraseOptions, "keep", [1]),
        (ExpandOptions, "aspect", "16:0"),
        (ExpandOptions, "aspect", "wide"),
        (ExpandOptions, "aspect", "nan"),
        (ExpandOptions, "aspect", "51:1"),
        (ExpandOptions, "aspect", 10**400),
        (ExpandOptions, "size", "0x5"),
        (ExpandOptions, "size", "5x70000"),
        (ExpandOptions, "size", "5 by 5"),
        (ExpandOptions, "margin", "-4"),
        (ExpandOptions, "margin", "1,2,3"),
        (ExpandOptions, "margin", "1em"),
        (ExpandOptions, "margin", True),
        (PipelineOptions, "steps", "cutout"),
        (PipelineOptions, "steps", []),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(kind: Kind, field: str, value: object) -> None:
    error = refusal(kind, **{field: value})
    assert error.field is not None
    assert error.field.split(".")[0] == field
    assert error.message.startswith(error.field)
    assert "Traceback" not in error.message


def test_a_box_in_pixels_is_refused_not_cropped_elsewhere() -> None:
    assert "0..1000" in refusal(CutoutOptions, box="100,100,400,1800").message


@pytest.mark.parametrize("kind", [DetectOptions, CutoutOptions, EraseOptions])
def test_a_misspelt_option_is_refused_by_name(kind: Kind) -> None:
    error = refusal(kind, enginee="gemini")
    assert error.field == "enginee"
    assert "no such option" in error.message


def test_a_needed_option_that_is_missing_is_told_in_plain_words() -> None:
    assert refusal(CheckOptions).message == "preset: It has to be given."


@pytest.mark.parametrize("values", [{}, {"aspect": "1:1", "size": "64x64"}])
def test_expand_wants_exactly_one_canvas(values: dict[str, Any]) -> None:
    assert "exactly one" in refusal(ExpandOptions, **values).message


def test_every_fault_is_told_the_first_by_name() -> None:
    error = refusal(CutoutOptions, box="nowhere", key="red")
    faults = error.problem()["errors"]
    assert error.field == "box"
    assert [fault["field"] for fault in faults] == ["box", "key"]


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_and_never_breaks(text: str) -> None:
    for kind, field in (
        (CutoutOptions, "box"),
        (EraseOptions, "region"),
        (ExpandOptions, "aspect"),
        (ExpandOptions, "size"),
        (ExpandOptions, "margin"),
        (PipelineOptions, "steps"),
    ):
        try:
            read_options(kind, {field: text})
        except BadOptions as error:
            assert error.status == 422


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(st.sampled_from(["box", "region", "aspect", "size", "margin", "steps", "keep"]), json_values)
def test_any_json_is_read_or_refused_and_never_breaks(field: str, value: object) -> None:
    for kind in (CutoutOptions, EraseOptions, ExpandOptions, PipelineOptions):
        try:
            read_options(kind, {field: value})
        except BadOptions as error:
            assert error.problem()["errors"]


# --- recipes --------------------------------------------------------------------------------------

STEPS = [{"operation": "erase", "keep": "LOGO"}, {"operation": "expand", "aspect": "16:9"}]


@pytest.mark.parametrize("spelling", [STEPS, json.dumps(STEPS)])
def test_a_pipelines_steps_are_read_like_the_operations_own_options(spelling: object) -> None:
    erase, expand = read_options(PipelineOptions, {"steps": spelling}).steps
    assert erase == read_options(EraseOptions, {"keep": ["LOGO"]})
    assert expand == read_options(ExpandOptions, {"aspect": 16 / 9})


def test_a_fault_in_a_step_says_in_which() -> None:
    error = refusal(
        PipelineOptions, steps=[{"operation": "detect"}, {"operation": "cutout", "x": 1}]
    )
    assert error.field is not None
    assert error.field.startswith("steps.1")


def test_an_unknown_operation_is_refused_and_the_known_ones_are_named() -> None:
    error = refusal(PipelineOptions, steps=[{"operation": "polish"}])
    assert "cutout" in error.message


def test_a_step_does_not_choose_the_engine() -> None:
    error = refusal(PipelineOptions, steps=[{"operation": "detect", "engine": "gemini"}])
    assert "whole pipeline" in error.message


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (DetectOptions, {"query": "the mug", "dry_run": "on"}),
        (CutoutOptions, {"box": "0,0,1,1", "background": "#FFFFFF"}),
        (EraseOptions, {"region": "1,2,30,40", "keep": "SALE"}),
        (ExpandOptions, {"margin": "10,5%,0,12.5%"}),
        (ExpandOptions, {"aspect": "16:9", "anchor": "left"}),
    ],
)
def test_options_written_down_as_json_are_read_back_unchanged(
    kind: Kind, values: dict[str, Any]
) -> None:
    options = read_options(kind, values)
    assert read_options(kind, json.loads(options.model_dump_json())) == options
