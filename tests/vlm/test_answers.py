"""Models' answers about pictures: nearly JSON in, tidy detections or one clear error out."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from common.errors import ModelAnswerUnreadable
from common.geometry import Box, Size, overlap
from common.vlm.answers import (
    DETECTION_SCHEMA,
    MOST_DETECTIONS,
    SAME_BOX,
    read_detections,
    write_detections,
)
from common.vlm.base import Detection

PHOTO = Size(4000, 3000)

coordinates = st.integers(0, 1000)
colours = st.tuples(*[st.integers(0, 255)] * 3)
labels = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)
rows = st.tuples(coordinates, coordinates).map(sorted).filter(lambda pair: pair[0] < pair[1])


@st.composite
def detections(draw: st.DrawFn) -> Detection:
    (ymin, ymax), (xmin, xmax) = draw(rows), draw(rows)
    kind = draw(st.sampled_from(["object", "text"]))
    return Detection(
        box_2d=(ymin, xmin, ymax, xmax),
        label=draw(labels),
        kind=kind,
        text=draw(labels) if kind == "text" else "",
        material=draw(st.sampled_from(["", "opaque", "translucent", "fine"])),
        colors=tuple(draw(st.lists(colours, max_size=3))),
        confidence=draw(st.floats(0, 1)),
    )


def entry(box: Any = (100, 200, 700, 800), **more: Any) -> dict[str, Any]:
    return {"box_2d": list(box) if isinstance(box, tuple) else box, "label": "cup"} | more


def read(*entries: dict[str, Any], size: Size | None = PHOTO) -> tuple[Detection, ...]:
    return read_detections(json.dumps(entries), size)


def boxes(found: tuple[Detection, ...]) -> list[tuple[int, int, int, int]]:
    return [thing.box_2d for thing in found]


# --- the text -------------------------------------------------------------------------------------


@given(st.lists(detections(), max_size=8))
def test_what_is_written_is_read_back(things: list[Detection]) -> None:
    assume(max((max(thing.box_2d) for thing in things), default=2) > 1)
    assume(all(max(thing.box_2d) > 1 for thing in things))
    distinct = {(thing.kind, thing.label.casefold()) for thing in things}
    assume(len(distinct) == len(things))
    assert read_detections(write_detections(things), PHOTO) == tuple(things)


@pytest.mark.parametrize(
    "frame",
    [
        "{}",
        "```json\n{}\n```",
        "```\n{}```",
        "Sure! I looked at [the picture] and found:\n{}\nShall I go on?",
        '{{"objects": {}}}',
        "[{}]",
        "\ufeff {}",
    ],
)
def test_what_stands_around_the_array_does_not_matter(frame: str) -> None:
    text = json.dumps([entry(), entry((10, 10, 50, 50), label="spoon")])
    assert boxes(read_detections(frame.format(text), PHOTO)) == [
        (100, 200, 700, 800),
        (10, 10, 50, 50),
    ]


@given(st.lists(detections(), min_size=1, max_size=6), st.data())
def test_of_a_truncated_array_the_complete_entries_are_kept(
    things: list[Detection], data: st.DataObject
) -> None:
    assume(all(max(thing.box_2d) > 1 for thing in things))
    text = write_detections(things)
    cut = data.draw(st.integers(1, len(text) - 1))
    complete = sum(len(write_detections(things[: n + 1])) - 1 <= cut for n in range(len(things)))
    if complete == 0:
        with pytest.raises(ModelAnswerUnreadable):
            read_detections(text[:cut], PHOTO)
    else:
        assert read_detections(text[:cut], PHOTO) == read_detections(
            write_detections(things[:complete]), PHOTO
        )


@pytest.mark.parametrize("text", ["[]", "```json\n[]\n```", '{"objects": []}', "{}"])
def test_an_empty_array_means_that_nothing_was_found(text: str) -> None:
    assert read_detections(text, PHOTO) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I see a cup.",
        "null",
        "[1, 2, 3, 4]",
        '[{"box_2d": [100, 200, 700, 800], "colors": [], "label": "c',
        '[{"label": "cup"}]',
        '[{"box_2d": [1, 2, 3]}]',
        '[{"box_2d": "100"}]',
        '[{"box_2d": [NaN, 1, 2, 3]}]',
        '[{"box_2d": [0, 0, Infinity, 500]}]',
        '[{"box_2d": [true, false, true, true]}]',
        '[{"box_2d": [1e999, 0, 5, 5]}]',
        '[{"box_2d": [500, 500, 500, 900]}]',
        "{'box_2d': [1, 2, 30, 40]}",
    ],
)
def test_an_answer_without_a_usable_box_is_one_clear_error(text: str) -> None:
    with pytest.raises(ModelAnswerUnreadable):
        read_detections(text, PHOTO)


@given(st.text(st.sampled_from('[]{}",:0123456789.eE-box_2d labe\\nul'), max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        found = read_detections(text, PHOTO)
    except ModelAnswerUnreadable:
        return
    assert len(found) <= MOST_DETECTIONS


@pytest.mark.parametrize("text", ["[" * 300_000, "{" * 300_000, '[{"a":' * 60_000, '"' * 300_000])
def test_a_hostile_answer_takes_no_time(text: str) -> None:
    start = time.process_time()
    with pytest.raises(ModelAnswerUnreadable):
        read_detections(text, PHOTO)
    assert time.process_time() - start < 1.0


# --- boxes ----------------------------------------------------------------------------------------


@given(detections())
def test_swapped_corners_are_sorted(thing: Detection) -> None:
    ymin, xmin, ymax, xmax = thing.box_2d
    assume(max(thing.box_2d) > 1)
    assert boxes(read(entry((ymax, xmax, ymin, xmin)))) == [thing.box_2d]


def test_a_scale_of_0_to_1_is_told_by_the_whole_answer() -> None:
    assert boxes(read(entry((0.1, 0.2, 0.7, 0.8)), entry((0, 0, 1, 1), label="table"))) == [
        (100, 200, 700, 800),
        (0, 0, 1000, 1000),
    ]


def test_pixels_are_told_by_the_whole_answer_so_that_small_boxes_fit_too() -> None:
    found = read(entry((1500, 2000, 3000, 4000)), entry((300, 400, 600, 800), label="spoon"))
    assert boxes(found) == [(500, 500, 1000, 1000), (100, 100, 200, 200)]


def test_pixels_of_an_unknown_picture_are_clamped() -> None:
    assert boxes(read(entry((500, 500, 3000, 4000)), size=None)) == [(500, 500, 1000, 1000)]


def test_a_slip_past_the_end_is_clamped_and_not_taken_for_pixels() -> None:
    assert boxes(read(entry((-5, 10, 1004, 990)), entry((10, 10, 50, 50), label="spoon"))) == [
        (0, 10, 1000, 990),
        (10, 10, 50, 50),
    ]


def test_a_number_beyond_the_picture_is_no_pixel() -> None:
    assert boxes(read(entry((100, 200, 700, 99_999)))) == [(100, 200, 700, 1000)]


def test_numbers_as_strings_and_fractions_are_numbers() -> None:
    assert boxes(read(entry(["100", 200.4, "699.6", 800]))) == [(100, 200, 700, 800)]


def test_an_entry_without_a_usable_box_is_left_out() -> None:
    assert len(read(entry(), entry(None), entry((5, 5, 5, 9)), entry([1, 2]))) == 1


@given(
    st.lists(st.lists(st.floats(allow_nan=True), min_size=4, max_size=4), min_size=1, max_size=5)
)
def test_every_box_that_comes_out_lies_inside_and_has_an_area(numbers: list[list[float]]) -> None:
    text = json.dumps([{"box_2d": four, "label": str(n)} for n, four in enumerate(numbers)])
    try:
        found = read_detections(text, PHOTO)
    except ModelAnswerUnreadable:
        return
    for ymin, xmin, ymax, xmax in boxes(found):
        assert 0 <= ymin < ymax <= 1000
        assert 0 <= xmin < xmax <= 1000


# --- repetitions ----------------------------------------------------------------------------------


def test_the_same_thing_named_twice_is_one_thing_and_the_surer_stays() -> None:
    found = read(
        entry(confidence=0.5),
        entry((10, 10, 50, 50), label="spoon"),
        entry((102, 201, 700, 799), label="CUP", confidence=0.9),
    )
    assert boxes(found) == [(102, 201, 700, 799), (10, 10, 50, 50)]


def test_two_names_for_one_place_stay_two_things() -> None:
    assert len(read(entry(), entry(label="mug"), entry(kind="text"))) == 3


def test_a_model_that_goes_round_in_circles_is_stopped() -> None:
    things = [entry((n, 0, n + 10, 10), label=f"thing {n}") for n in range(400)]
    assert len(read(*things)) == MOST_DETECTIONS
    assert len(read(*[entry()] * 400)) == 1


@given(st.lists(detections(), max_size=12))
def test_no_two_detections_of_one_name_cover_the_same_place(things: list[Detection]) -> None:
    twins = [Detection(thing.box_2d, "cup") for thing in things if max(thing.box_2d) > 1]
    assume(twins)
    found = [Box(*box) for box in boxes(read_detections(write_detections(twins), PHOTO))]
    for at, first in enumerate(found):
        assert all(overlap(first, second) < SAME_BOX for second in found[at + 1 :])


# --- everything else ------------------------------------------------------------------------------


def test_only_the_box_is_needed() -> None:
    assert read({"box_2d": [100, 200, 700, 800]}) == (Detection((100, 200, 700, 800), "object"),)


@pytest.mark.parametrize("odd", [None, True, [], {}, ["x"], {"a": 1}])
def test_odd_members_are_forgotten(odd: object) -> None:
    names = ("label", "kind", "text", "material", "colors", "confidence")
    (thing,) = read(entry(**dict.fromkeys(names, odd)))
    assert thing == Detection((100, 200, 700, 800), "object")


def test_a_line_of_writing_without_a_label_is_named_by_what_it_says() -> None:
    (thing,) = read({"box_2d": [1, 2, 30, 40], "text": "세일\n 50%"})
    assert (thing.kind, thing.label, thing.text) == ("text", "세일 50%", "세일 50%")


@pytest.mark.parametrize(
    ("told", "meant"), [(0.4, 0.4), (85, 0.85), ("0.5", 0.5), (-1, 0), (300, 1), ("sure", 1)]
)
def test_confidence_is_a_share(told: object, meant: float) -> None:
    assert read(entry(confidence=told))[0].confidence == meant


def test_colours_are_hex_and_anything_else_is_forgotten() -> None:
    (thing,) = read(entry(colors=["#FF8000", "0f0", "red", 7, "#12345"]))
    assert thing.colors == ((255, 128, 0), (0, 255, 0))
    assert read(entry(colors="#FFFFFF"))[0].colors == ((255, 255, 255),)


def test_an_unknown_material_is_unknown() -> None:
    assert [read(entry(material=told))[0].material for told in ("Fine", "wood")] == ["fine", ""]


def test_endless_names_are_shortened() -> None:
    (thing,) = read(entry(label="a" * 5000, kind="text", text="b" * 50_000))
    assert (len(thing.label), len(thing.text)) == (200, 2000)


def test_the_schema_is_flat() -> None:
    text = json.dumps(DETECTION_SCHEMA)
    assert not any(word in text for word in ("minItems", "maxItems", "maximum", "minimum", "enum"))
