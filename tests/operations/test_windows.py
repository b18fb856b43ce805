"""Windows: writing is shown to the model at its native size, in as few calls as that takes."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from common.geometry import Box, Size, with_margin
from common.operations.windows import MOST, NATIVE, context, one_window, windows_around

POSTER = Size(5000, 7000)
ROOM = NATIVE - 2 * 192  # what surely fits into a window with its context


@st.composite
def boxes(draw: st.DrawFn, longest: int = 4000) -> Box:
    height = draw(st.integers(1, longest))
    width = draw(st.integers(1, longest))
    top = draw(st.integers(0, POSTER.height - height))
    left = draw(st.integers(0, POSTER.width - width))
    return Box(top, left, top + height, left + width)


some_boxes = st.lists(boxes(), min_size=1, max_size=10)


@given(some_boxes)
def test_every_box_is_edited_whole_and_once(wanted: list[Box]) -> None:
    windows = windows_around(wanted, POSTER)
    for number, box in enumerate(wanted):
        parts = [
            part
            for window in windows
            for part, owner in zip(window.parts, window.owners, strict=True)
            if owner == number
        ]
        assert sum(part.area for part in parts) == box.area
        assert all(part.intersection(box) == part for part in parts)
        assert all(a.intersection(b) is None for a, b in combinations(parts, 2))


@given(some_boxes)
def test_every_part_has_its_context_in_its_window_and_no_window_is_larger_than_that(
    wanted: list[Box],
) -> None:
    for window in windows_around(wanted, POSTER):
        seen = [with_margin(part, POSTER, 0, context(part)) for part in window.parts]
        needed = seen[0]
        for box in seen[1:]:
            needed = needed.union(box)
        assert window.box == needed


@given(some_boxes)
def test_windows_are_few_and_no_two_could_be_one(wanted: list[Box]) -> None:
    windows = windows_around(wanted, POSTER)
    assert len(windows) <= MOST
    for a, b in combinations(windows, 2):
        union = a.box.union(b.box)
        assert max(union.width, union.height) > NATIVE


@given(st.lists(boxes(longest=ROOM), min_size=1, max_size=MOST))
def test_what_fits_is_never_shrunk(wanted: list[Box]) -> None:
    for window in windows_around(wanted, POSTER):
        assert max(window.box.width, window.box.height) <= NATIVE


@given(st.integers(1, 4000), st.integers(1, ROOM))
def test_a_long_line_is_cut_into_windows_of_native_size(length: int, height: int) -> None:
    for box in (Box(100, 50, 100 + height, 50 + length), Box(50, 100, 50 + length, 100 + height)):
        for window in windows_around([box], POSTER):
            assert max(window.box.width, window.box.height) <= NATIVE


def test_near_lines_share_a_window_and_far_ones_do_not() -> None:
    near = [Box(100, 100, 140, 500), Box(160, 100, 200, 500)]
    assert len(windows_around(near, POSTER)) == 1
    assert len(windows_around([*near, Box(6000, 4000, 6040, 4400)], POSTER)) == 2


def test_what_is_large_on_both_sides_is_shown_whole() -> None:
    large = Box(1000, 1000, 3000, 3500)
    (window,) = windows_around([large, Box(1500, 1500, 1540, 1600)], POSTER)
    assert window.parts[0] == large


def test_a_picture_full_of_writing_takes_no_more_calls_than_the_bound() -> None:
    everywhere = [
        Box(top, left, top + 30, left + 200)
        for top in range(50, 6900, 700)
        for left in range(50, 4700, 1100)
    ]
    assert len(windows_around(everywhere, POSTER)) == MOST


def test_one_window_holds_all_boxes() -> None:
    wanted = [Box(100, 100, 140, 500), Box(6000, 4000, 6040, 4400)]
    (window,) = one_window(wanted, POSTER, 0, 10)
    assert window.box == Box(90, 90, 6050, 4410)
    assert window.owners == (0, 1)
