"""Canvases: where the photo stands, how much of it the subject fills, and in which steps."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from common.errors import BadOptions
from common.geometry import Anchor, Box, Placement, Size, whole
from common.operations.canvas import (
    LEEWAY,
    RATIOS,
    STEP,
    placement_for,
    share_of,
    shown,
    steps,
)
from common.operations.options import ExpandOptions, read_options
from common.vlm.gemini.framing import ASPECTS

PHOTO = Size(1000, 800)
SUBJECT = Box(300, 400, 700, 600)  # 200 x 400, its middle at row 500, column 500

sides = st.integers(40, 3000)
growths = st.integers(0, 4000)
places = st.tuples(st.floats(0, 1), st.floats(0, 1))


def filled(**values: object) -> Placement:
    return placement_for(PHOTO, read_options(ExpandOptions, dict(values)), SUBJECT)


# --- fill -----------------------------------------------------------------------------------------


def test_the_subject_fills_its_share_and_stands_in_the_middle() -> None:
    placement = filled(fill=0.25)
    assert placement.canvas == Size(2000, 1600)
    assert share_of(SUBJECT, placement.canvas) == 0.25
    here = SUBJECT.moved(placement.frame.top, placement.frame.left)
    assert (here.top + here.bottom, here.left + here.right) == (1600, 2000)


def test_an_anchored_photo_stands_at_its_border_and_the_other_axis_is_centred() -> None:
    frame = filled(fill=0.25, anchor="bottom").frame
    assert frame.bottom == 1600
    assert frame.left + 500 == 1000


def test_the_whole_photo_stays_on_the_canvas_where_the_subject_is_off_centre() -> None:
    corner = Box(0, 0, 200, 200)
    placement = placement_for(PHOTO, read_options(ExpandOptions, {"fill": 0.24}), corner)
    assert whole(placement.canvas).union(placement.frame) == whole(placement.canvas)
    assert placement.frame.right == placement.canvas.width


def test_a_share_larger_than_the_photo_allows_gives_the_smallest_canvas() -> None:
    assert filled(fill=0.9).canvas == PHOTO
    assert filled(fill=0.9, aspect="2:1").canvas == Size(1600, 800)


@given(st.sampled_from(list(Anchor)), st.floats(0.05, 1), st.floats(0.3, 3), sides, sides)
def test_a_filled_canvas_holds_the_photo_and_no_more_of_the_subject_than_asked(
    anchor: Anchor, fill: float, ratio: float, height: int, width: int
) -> None:
    subject = Box(height // 4, width // 5, height - height // 5, width - width // 3)
    options = read_options(ExpandOptions, {"fill": fill, "aspect": ratio, "anchor": anchor})
    try:
        placement = placement_for(Size(width, height), options, subject)
    except BadOptions:  # a canvas beyond all measure
        reject()
    assert placement.frame.size == Size(width, height)
    assert placement.frame.intersection(whole(placement.canvas)) == placement.frame
    assert share_of(subject, placement.canvas) <= fill + 1e-6
    assert placement.canvas.ratio == pytest.approx(ratio, abs=2 / min(height, width))


# --- steps ----------------------------------------------------------------------------------------


def test_a_canvas_that_is_not_much_larger_is_one_step() -> None:
    placement = placement_for(PHOTO, read_options(ExpandOptions, {"aspect": "16:9"}))
    assert steps(placement) == (placement,)


def test_a_square_becomes_a_banner_by_way_of_a_ratio_that_models_draw() -> None:
    placement = placement_for(Size(900, 900), read_options(ExpandOptions, {"aspect": "21:9"}))
    first, last = steps(placement)
    assert first.canvas == Size(1350, 900)
    assert last.canvas == placement.canvas == Size(2100, 900)


def test_extreme_canvases_take_more_steps() -> None:
    def count(aspect: str) -> int:
        options = read_options(ExpandOptions, {"aspect": aspect})
        return len(steps(placement_for(Size(900, 900), options)))

    assert [count(ratio) for ratio in ("4:3", "21:9", "4:1", "1:4", "8:1", "16:1")] == [
        *(1, 2, 2, 2, 3, 4)
    ]


@given(sides, sides, growths, growths, places)
def test_steps_nest_from_the_photo_to_the_canvas_and_none_is_too_large(
    width: int, height: int, wider: int, higher: int, place: tuple[float, float]
) -> None:
    canvas = Size(width + wider, height + higher)
    frame = whole(Size(width, height)).moved(round(higher * place[0]), round(wider * place[1]))
    ladder = steps(Placement(canvas, frame))
    assert ladder[0].frame.size == Size(width, height)
    assert ladder[-1].canvas == canvas
    top, left = (sum(getattr(step.frame, side) for step in ladder) for side in ("top", "left"))
    assert (top, left) == (frame.top, frame.left)
    for before, after in pairwise(ladder):
        assert after.frame.size == before.canvas
    for step in ladder:
        assert step.frame.intersection(whole(step.canvas)) == step.frame
        whole_pixels = 2 * (step.canvas.width + step.canvas.height)
        assert step.canvas.pixels <= step.frame.area * STEP * LEEWAY + whole_pixels
    assert len(ladder) <= 1 + math.log(canvas.pixels / (width * height)) / math.log(1.3)


def test_the_ratios_of_steps_are_those_that_the_model_draws() -> None:
    drawn = [size.ratio for size in ASPECTS.values()]
    assert len(RATIOS) == len(drawn)
    for ratio in RATIOS:
        assert min(abs(math.log(ratio / other)) for other in drawn) < 0.03


# --- what the model is shown ----------------------------------------------------------------------


@given(sides, sides, st.integers(50, 500))
def test_a_canvas_is_shown_small_with_nothing_but_the_photo_in_its_frame(
    width: int, height: int, longest: int
) -> None:
    placement = Placement(Size(2 * width, height), Box(0, width // 2, height, width // 2 + width))
    small = shown(placement, longest)
    assert small.canvas == placement.canvas.within(longest)
    scale = 2 * width / small.canvas.width
    assert small.frame.left * scale >= placement.frame.left - 1e-6
    if small.frame.width > 1:
        assert small.frame.right * scale <= placement.frame.right + 1e-6
