import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.geometry import Box, Size
from common.image import F32
from common.vlm.embedded.net import Net
from common.vlm.embedded.strokes import classical_text
from common.vlm.embedded.text import BARS, Line, lines_in, net_text, scan_size
from tests.support.drawn import ball, blank, printed, striped, studio


def covered(box: Box, lines: tuple[Line, ...]) -> float:
    """Share of a box that lies in the lines' boxes."""
    seen = np.zeros((box.bottom, box.right), bool)
    for line in lines:
        seen[line.box.slices] = True
    return float(seen[box.slices].mean())


def test_the_network_finds_a_printed_line(text_net: Net) -> None:
    sale = printed(studio())
    lines = net_text(text_net)(sale.rgb)
    assert len(lines) == 1
    assert covered(sale.box, lines) > 0.9
    assert lines[0].confidence > 0.6


def test_the_network_finds_writing_on_stripes(text_net: Net) -> None:
    sale = printed(striped(period=16), colour=(200, 20, 20))
    assert covered(sale.box, net_text(text_net)(sale.rgb)) > 0.85


def test_the_network_sees_no_writing_in_a_ball(text_net: Net) -> None:
    assert not net_text(text_net)(ball().rgb)


def test_without_weights_a_printed_line_is_found() -> None:
    sale = printed(studio(), scale=1)
    assert covered(sale.box, classical_text(sale.rgb)) > 0.8


def test_without_weights_an_empty_backdrop_has_no_writing() -> None:
    assert classical_text(blank()) == ()


def bar(height: int, width: int, box: Box, level: float = 0.95) -> F32:
    ink = np.zeros((height, width), np.float32)
    ink[box.slices] = level
    return ink


def test_a_line_is_grown_by_what_the_network_was_trained_to_shrink() -> None:
    (line,) = lines_in(bar(200, 400, Box(90, 100, 110, 300)), Size(400, 200))
    grown = 1.6 * (20 * 200) / (2 * (20 + 200))
    assert line.box.top == pytest.approx(90 - grown, abs=2)
    assert line.box.right == pytest.approx(300 + grown, abs=2)


def test_boxes_are_told_in_the_pixels_of_the_picture_and_stay_inside_it() -> None:
    (line,) = lines_in(bar(200, 400, Box(0, 0, 20, 400)), Size(800, 400))
    assert (line.box.top, line.box.left, line.box.right) == (0, 0, 800)
    assert 40 < line.box.bottom < 90


@pytest.mark.parametrize(
    "ink",
    [
        bar(400, 400, Box(50, 50, 350, 350)),
        bar(400, 400, Box(100, 100, 102, 300)),
        bar(400, 400, Box(100, 100, 130, 300), level=0.4),
    ],
    ids=["a block", "a hair", "a doubt"],
)
def test_what_is_no_line_is_dropped(ink: F32) -> None:
    assert not list(lines_in(ink, Size(400, 400)))


def test_a_faint_line_is_found_where_more_sensitivity_is_asked_for() -> None:
    faint = bar(400, 400, Box(100, 100, 130, 300), level=0.5)
    assert not list(lines_in(faint, Size(400, 400), BARS["normal"]))
    assert len(list(lines_in(faint, Size(400, 400), BARS["high"]))) == 1


def test_the_small_print_of_a_poster_is_found_in_its_quarters(text_net: Net) -> None:
    small = printed(studio(Size(300, 60)), text="only while stocks last", scale=0.45)
    poster = np.rint(studio(Size(2100, 320))).astype(np.uint8)
    poster[220:280, 1700:2000] = small.rgb
    box = small.box.moved(220, 1700)
    lines = net_text(text_net)(poster)
    assert len(lines) == 1
    assert covered(Box(box.top + 6, box.left + 6, box.bottom - 8, box.right - 6), lines) > 0.8


@given(st.integers(1, 9000), st.integers(1, 9000))
def test_the_scanned_size_suits_the_network(width: int, height: int) -> None:
    scanned = scan_size(Size(width, height))
    assert scanned.width % 32 == scanned.height % 32 == 0
    assert 32 <= scanned.longest <= 1280
