"""Boxes on the picture: by mouse, by finger, by keys, by numbers; and what they are sent as."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FloatRect, Page, expect

from tests.support.browsing import PHONE, drawn_file

WHOLE = 1000
BOX_AT_REST = """async () => {
  const place = () => document.querySelector(".box .area")?.getBoundingClientRect().toJSON();
  const frame = () => new Promise(requestAnimationFrame);
  const before = place();
  await frame();
  await frame();
  return before && JSON.stringify(before) === JSON.stringify(place()) && before;
}"""
NEAR = 8  # thousandths: a pixel of the screen is about two, and outlines are three wide


@pytest.fixture
def photo(page: Page, tmp_path: Path) -> Page:
    page.locator("#auto").uncheck()
    page.set_input_files("#file", drawn_file("plain.jpg", 600, 400, tmp_path))
    expect(page.locator("#size")).to_have_text("600 \u00d7 400")
    return page


def box(page: Page, number: int = 0) -> list[int]:
    fields = page.locator(".box-row").nth(number).locator('input[type="number"]')
    return [int(field.input_value()) for field in fields.all()]


def area(page: Page) -> FloatRect:
    """Return where the first box lies, once it rests: its place moves as the page fills."""
    place: FloatRect = page.wait_for_function(BOX_AT_REST).json_value()
    return place


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()


def test_a_box_is_added_in_the_middle_and_sent_with_the_picture(photo: Page) -> None:
    photo.locator("#add-box").click()
    assert box(photo) == [300, 300, 700, 700]
    photo.locator(".box-row select").select_option("subject")
    photo.locator("#share summary").click()
    text = photo.locator("#recipe-text").inner_text()
    assert json.loads(text.partition("\n\ncurl")[0])["box"] == [300, 300, 700, 700]


def test_a_box_is_moved_and_resized_by_mouse(photo: Page) -> None:
    photo.locator("#add-box").click()
    place = area(photo)
    middle = (place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    drag(photo, middle, (middle[0] + place["width"] / 4, middle[1]))
    top, left, bottom, right = box(photo)
    assert (top, bottom) == (300, 700)
    assert abs(left - 400) <= NEAR
    assert right - left == 400
    place = area(photo)
    corner = (place["x"] + place["width"], place["y"] + place["height"])
    drag(photo, corner, (corner[0] - place["width"] / 2, corner[1] - place["height"] / 2))
    top, left, bottom, right = box(photo)
    assert abs(bottom - 500) <= NEAR
    assert abs(right - left - 200) <= NEAR


def test_a_box_is_drawn_on_empty_ground_and_never_leaves_the_picture(photo: Page) -> None:
    place = photo.locator("#stage canvas").bounding_box()
    assert place
    middle = (place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    drag(photo, middle, (place["x"] + place["width"] + 60, middle[1] + 40))
    top, left, bottom, right = box(photo)
    assert abs(top - 500) <= NEAR
    assert abs(left - 500) <= NEAR
    assert bottom > top
    assert right == WHOLE


def test_a_box_is_moved_by_finger(visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit(PHONE, has_touch=True, is_mobile=True)
    page.locator("#auto").uncheck()
    page.set_input_files("#file", drawn_file("plain.jpg", 600, 400, tmp_path))
    expect(page.locator("#size")).to_have_text("600 \u00d7 400")
    page.locator("#add-box").tap()
    area(page)
    page.locator("#stage canvas").scroll_into_view_if_needed()  # a box's own shape is drawn anew
    place = area(page)
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *points: dict[str, float]) -> None:
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    touch("touchStart", {"x": x, "y": y})
    touch("touchMove", {"x": x, "y": y + place["height"] / 8})
    touch("touchMove", {"x": x, "y": y + place["height"] / 4})
    touch("touchEnd")
    top, left, bottom, _ = box(page)
    assert abs(top - 400) <= 2 * NEAR
    assert bottom - top == 400
    assert left == 300


def test_keys_move_resize_and_delete_a_box(photo: Page) -> None:
    photo.locator("#add-box").click()
    expect(photo.locator(".box")).to_be_focused()
    photo.keyboard.press("ArrowRight")
    photo.keyboard.press("Shift+ArrowDown")
    assert box(photo) == [310, 301, 710, 701]
    photo.keyboard.press("Alt+Shift+ArrowRight")
    assert box(photo) == [310, 301, 710, 711]
    for _ in range(40):
        photo.keyboard.press("Shift+ArrowUp")
    assert box(photo) == [0, 301, 400, 711]
    photo.keyboard.press("Delete")
    expect(photo.locator(".box")).to_have_count(0)
    expect(photo.locator("#add-box")).to_be_focused()


def test_numbers_say_the_same(photo: Page) -> None:
    photo.locator("#add-box").click()
    left = photo.locator('.box-row input[type="number"]').nth(1)
    left.fill("123")
    left.press("Tab")
    assert box(photo) == [300, 123, 700, 700]
    left.fill("5000")
    left.press("Tab")
    assert box(photo) == [300, 695, 700, 700]


def test_one_box_at_most_is_the_subject(photo: Page) -> None:
    for number in range(2):
        photo.locator("#add-box").click()
        photo.locator(".box-row select").nth(number).select_option("subject")
    uses = [select.input_value() for select in photo.locator(".box-row select").all()]
    assert uses == ["none", "subject"]
