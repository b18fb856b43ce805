"""Boxes, crops and canvases: what holds for every picture, not only for the ones we thought of."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import BadBox, BadOptions
from common.geometry import (
    MAX_SIDE,
    RELATIVE,
    Anchor,
    Box,
    Part,
    Size,
    box_from_2d,
    box_to_2d,
    canvas_of_ratio,
    fitted,
    normal_box_2d,
    overlap,
    place,
    ratio_error,
    whole,
    with_margin,
)

sides = st.integers(1, MAX_SIDE)
sizes = st.builds(Size, sides, sides)
anything = st.floats(allow_nan=True, allow_infinity=True) | st.integers()
thousandths = st.floats(-500, 1500)


@st.composite
def boxes_2d(draw: st.DrawFn) -> tuple[int, int, int, int]:
    ymin, xmin = draw(st.integers(0, RELATIVE - 1)), draw(st.integers(0, RELATIVE - 1))
    return (
        ymin,
        xmin,
        draw(st.integers(ymin + 1, RELATIVE)),
        draw(st.integers(xmin + 1, RELATIVE)),
    )


@st.composite
def boxes_within(draw: st.DrawFn, size: Size) -> Box:
    top, left = draw(st.integers(0, size.height - 1)), draw(st.integers(0, size.width - 1))
    bottom = draw(st.integers(top + 1, size.height))
    return Box(top, left, bottom, draw(st.integers(left + 1, size.width)))


def covers(outer: Box, inner: Box) -> bool:
    return outer.intersection(inner) == inner


# --- parts of a picture ---------------------------------------------------------------------------


@given(st.data(), sizes, st.integers(0, 500))
def test_a_widened_box_covers_the_box_and_stays_in_the_picture(
    data: st.DataObject, size: Size, margin: int
) -> None:
    box = data.draw(boxes_within(size))
    wide = box.widened(margin, size)
    assert covers(wide, box)
    assert covers(whole(size), wide)
    assert box.left - wide.left == min(margin, box.left)


@given(st.data(), sizes, st.integers(1, 16))
def test_a_box_in_steps_covers_the_box_and_can_be_divided_where_there_is_room(
    data: st.DataObject, size: Size, step: int
) -> None:
    box = data.draw(boxes_within(size))
    found = box.in_steps(step, size)
    assert covers(found, box)
    assert covers(whole(size), found)
    assert found.height - box.height < step
    assert found.width - box.width < step
    assert found.height % step == 0 or box.height + step > size.height
    assert found.width % step == 0 or box.width + step > size.width


@given(st.data(), sizes, sizes)
def test_a_part_at_another_size_covers_the_same_share_of_the_picture(
    data: st.DataObject, size: Size, other: Size
) -> None:
    box = data.draw(boxes_within(size))
    scaled = Part(box, size).scaled_to(other)
    assert covers(whole(other), scaled.box)
    assert scaled.box.left / other.width <= box.left / size.width + 1e-9
    assert scaled.box.right / other.width >= box.right / size.width - 1e-9
    assert Part(box, size).scaled_to(size).box == box


# --- boxes as models and people write them --------------------------------------------------------


@given(st.lists(anything, min_size=0, max_size=6))
def test_any_numbers_become_a_tidy_box_or_a_clear_refusal(values: list[float]) -> None:
    try:
        ymin, xmin, ymax, xmax = normal_box_2d(values)
    except BadBox:
        return
    assert 0 <= ymin < ymax <= RELATIVE
    assert 0 <= xmin < xmax <= RELATIVE


@given(thousandths, thousandths, thousandths, thousandths)
def test_the_order_of_the_corners_does_not_matter(
    y0: float, x0: float, y1: float, x1: float
) -> None:
    assert read(y0, x0, y1, x1) == read(y1, x1, y0, x0) == read(y1, x0, y0, x1)


def read(*values: float) -> tuple[int, int, int, int] | None:
    try:
        return normal_box_2d(values)
    except BadBox:
        return None


@given(boxes_2d())
def test_a_zero_to_one_scale_means_the_same_box(box_2d: tuple[int, int, int, int]) -> None:
    assert normal_box_2d([value / RELATIVE for value in box_2d]) == box_2d


@given(thousandths, thousandths, st.floats(2, 500), st.floats(2, 500))
def test_the_tidy_box_covers_what_was_written_inside_the_picture(
    top: float, left: float, height: float, width: float
) -> None:
    tidy = read(top, left, top + height, left + width)
    for low, high, start, length in ((0, 2, top, height), (1, 3, left, width)):
        if tidy is not None:
            assert tidy[low] <= max(start, 0) + 1e-5
            assert tidy[high] >= min(start + length, RELATIVE) - 1e-5


@pytest.mark.parametrize(
    "values",
    [
        [],
        [1, 2, 3],
        [1, 2, 3, 4, 5],
        [math.nan, 0, 500, 500],
        [0, 0, math.inf, 500],
        [10**400, 0, 500, 500],
        [500, 0, 500, 1000],
        [1200, 0, 1400, 500],
        [-300, 0, -100, 500],
        [0, 0, 0, 0],
    ],
)
def test_a_box_without_an_inside_is_refused(values: list[float]) -> None:
    with pytest.raises(BadBox):
        normal_box_2d(values)


@given(boxes_2d(), sizes)
def test_a_box_in_pixels_lies_in_the_picture_and_covers_the_box_2d(
    box_2d: tuple[int, int, int, int], size: Size
) -> None:
    box = box_from_2d(box_2d, size)
    assert covers(whole(size), box)
    ymin, xmin, ymax, xmax = box_2d
    assert box.top * RELATIVE <= ymin * size.height + 1e-2
    assert box.left * RELATIVE <= xmin * size.width + 1e-2
    assert box.bottom * RELATIVE >= ymax * size.height - 1e-2
    assert box.right * RELATIVE >= xmax * size.width - 1e-2


@given(boxes_2d(), sizes)
def test_a_box_in_pixels_reaches_at_most_one_pixel_too_far(
    box_2d: tuple[int, int, int, int], size: Size
) -> None:
    box = box_from_2d(box_2d, size)
    ymin, xmin, ymax, xmax = box_2d
    assert (box.top + 1) * RELATIVE > ymin * size.height
    assert (box.left + 1) * RELATIVE > xmin * size.width
    assert (box.bottom - 1) * RELATIVE < ymax * size.height
    assert (box.right - 1) * RELATIVE < xmax * size.width


@given(st.data(), sizes)
def test_there_and_back_a_box_still_covers_itself(data: st.DataObject, size: Size) -> None:
    box = data.draw(boxes_within(size))
    assert covers(box_from_2d(box_to_2d(box, size), size), box)


@given(st.data(), st.builds(Size, st.integers(1, RELATIVE), st.integers(1, RELATIVE)))
def test_there_and_back_a_box_grows_by_a_pixel_at_most_where_thousandths_are_finer(
    data: st.DataObject, size: Size
) -> None:
    box = data.draw(boxes_within(size))
    grown = Box(box.top - 1, box.left - 1, box.bottom + 1, box.right + 1)
    assert covers(grown, box_from_2d(box_to_2d(box, size), size))


@given(boxes_2d())
def test_a_box_2d_and_pixels_are_the_same_in_a_picture_of_a_thousand_by_a_thousand(
    box_2d: tuple[int, int, int, int],
) -> None:
    size = Size(RELATIVE, RELATIVE)
    assert box_from_2d(box_2d, size) == Box(*box_2d)
    assert box_to_2d(Box(*box_2d), size) == box_2d


def test_the_thousandth_in_the_corner_is_not_taken_for_the_whole_picture() -> None:
    size = Size(4000, 3000)
    assert box_to_2d(Box(0, 0, 2, 2), size) == (0, 0, 1, 1)
    assert box_from_2d((0, 0, 1, 1), size) == Box(0, 0, 3, 4)


def test_a_box_outside_the_picture_has_no_box_2d() -> None:
    with pytest.raises(BadBox):
        box_to_2d(Box(480, 0, 500, 640), Size(640, 480))


def test_a_box_that_sticks_out_is_clamped() -> None:
    assert box_from_2d((-50, 900, 1200, 1010), Size(200, 100)) == Box(0, 180, 100, 200)


# --- boxes in pixels ------------------------------------------------------------------------------


@pytest.mark.parametrize("corners", [(5, 5, 5, 9), (5, 5, 9, 5), (9, 5, 5, 9)])
def test_an_empty_box_cannot_be_made(corners: tuple[int, int, int, int]) -> None:
    with pytest.raises(BadBox):
        Box(*corners)


@given(st.data())
def test_intersection_and_union_agree(data: st.DataObject) -> None:
    size = Size(40, 30)
    a, b = data.draw(boxes_within(size)), data.draw(boxes_within(size))
    both = a.intersection(b)
    assert both == b.intersection(a)
    assert covers(a.union(b), a)
    assert covers(a.union(b), b)
    assert both is None or (covers(a, both) and covers(b, both))


@given(st.data())
def test_overlap_is_one_for_equal_boxes_and_zero_for_boxes_apart(data: st.DataObject) -> None:
    a = data.draw(boxes_within(Size(40, 30)))
    assert overlap(a, a) == 1
    assert overlap(a, a.moved(0, a.width)) == 0
    assert 0 < overlap(a, a.union(a.moved(1, 1))) < 1


@given(st.data(), st.floats(0, 3), st.integers(0, 500))
def test_a_margin_stays_inside_the_picture_and_only_grows_the_box(
    data: st.DataObject, share: float, least: int
) -> None:
    size = data.draw(sizes)
    box = data.draw(boxes_within(size))
    grown = with_margin(box, size, share, least)
    assert covers(whole(size), grown)
    assert covers(grown, box)


def test_a_margin_is_equal_on_all_sides_where_there_is_room() -> None:
    assert with_margin(Box(40, 50, 60, 90), Size(200, 100), 0.25) == Box(30, 40, 70, 100)
    assert with_margin(Box(40, 50, 60, 90), Size(200, 100), 0.0, 4) == Box(36, 46, 64, 94)


# --- sizes and canvases ---------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (-1, 5), (MAX_SIDE + 1, 5)])
def test_an_impossible_size_is_refused(width: int, height: int) -> None:
    with pytest.raises(BadOptions):
        Size(width, height)


@given(sizes, st.integers(1, MAX_SIDE))
def test_shrinking_keeps_the_ratio_to_the_pixel_and_never_grows(size: Size, longest: int) -> None:
    small = size.within(longest)
    assert small.longest == min(size.longest, longest)
    factor = small.longest / size.longest
    assert abs(small.width - max(1, size.width * factor)) <= 0.5 + 1e-6
    assert abs(small.height - max(1, size.height * factor)) <= 0.5 + 1e-6


@given(st.data(), sizes, st.sampled_from(Anchor))
def test_the_source_stands_whole_on_its_canvas(
    data: st.DataObject, source: Size, anchor: Anchor
) -> None:
    width = data.draw(st.integers(source.width, MAX_SIDE))
    canvas = Size(width, data.draw(st.integers(source.height, MAX_SIDE)))
    placed = place(source, canvas, anchor)
    assert placed.canvas == canvas
    assert placed.frame.size == source
    assert covers(whole(canvas), placed.frame)


@pytest.mark.parametrize(
    ("anchor", "top", "left"),
    [
        (Anchor.CENTER, 15, 20),
        (Anchor.TOP, 0, 20),
        (Anchor.BOTTOM, 30, 20),
        (Anchor.LEFT, 15, 0),
        (Anchor.RIGHT, 15, 40),
        (Anchor.TOP_LEFT, 0, 0),
        (Anchor.TOP_RIGHT, 0, 40),
        (Anchor.BOTTOM_LEFT, 30, 0),
        (Anchor.BOTTOM_RIGHT, 30, 40),
    ],
)
def test_an_anchor_says_where_the_source_stands(anchor: Anchor, top: int, left: int) -> None:
    frame = place(Size(60, 70), Size(100, 100), anchor).frame
    assert (frame.top, frame.left) == (top, left)


def test_a_canvas_smaller_than_the_source_is_refused() -> None:
    with pytest.raises(BadOptions) as refused:
        place(Size(100, 100), Size(200, 99))
    assert refused.value.field == "size"


@given(st.builds(Size, st.integers(1, 1000), st.integers(1, 1000)), st.floats(1 / 50, 50))
def test_the_canvas_of_a_ratio_holds_the_source_and_is_the_smallest(
    source: Size, ratio: float
) -> None:
    canvas = canvas_of_ratio(source, ratio)
    assert canvas.width >= source.width
    assert canvas.height >= source.height
    assert canvas.width == source.width or canvas.height == source.height
    one_pixel = abs(canvas.width - ratio * canvas.height) <= max(1, ratio)
    assert one_pixel


def test_a_canvas_that_no_file_could_hold_is_refused() -> None:
    with pytest.raises(BadOptions):
        canvas_of_ratio(Size(4000, 4000), 50)


@given(sizes, sizes)
def test_a_fitted_size_fits_and_touches_a_side(size: Size, inside: Size) -> None:
    fit = fitted(size, inside)
    assert fit.width <= inside.width
    assert fit.height <= inside.height
    assert fit.width == inside.width or fit.height == inside.height


def test_the_ratio_error_is_the_same_both_ways() -> None:
    a, b = Size(1376, 768), Size(1600, 900)
    assert ratio_error(a, a) == 0
    assert ratio_error(a, b) == pytest.approx(ratio_error(b, a))
    assert ratio_error(Size(105, 100), Size(100, 100)) == pytest.approx(0.0488, abs=1e-4)
