"""How the page bears itself: languages, themes, weight, a large photo, people of other means."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from common.errors import StudioError
from common.geometry import Anchor, Size, canvas_of_ratio, place
from studio.page import ASSETS, WEB
from tests.support.browsing import DESKTOP, PHONE, drawn_file, opened_picture

MOST_WEIGHT = 60_000  # bytes of a first load, as they travel
LONGEST_TASK = 200  # milliseconds the page's own thread may be busy
LEAST_TARGET = 24  # CSS pixels, WCAG 2.2's 2.5.8
HEAVY = (6000, 4000)  # pixels
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EXPAND = '{"operation": "expand", "aspect": "2:1"}'
AS_IT_IS = '{"operation": "expand", "aspect": "4:3"}'


def adopt(page: Page, recipe: str = EXPAND) -> None:
    document = {"name": "r.json", "mimeType": "application/json", "buffer": recipe.encode()}
    page.set_input_files("#recipe-file", document)  # type: ignore[arg-type]  # playwright's own dict type
    expect(page.locator("#toast")).to_be_visible()


# --- words ----------------------------------------------------------------------------------------


def strings(language: str) -> dict[str, str]:
    text = (WEB / "strings" / f"{language}.js").read_text("utf-8")
    found = re.findall(r'^  "?([\w.\- ]+)"?: "(.*)",$', text, re.MULTILINE)
    assert len(found) == len(dict(found)) == sum(": " in line for line in text.splitlines())
    return dict(found)


def test_both_languages_have_the_same_words() -> None:
    english, korean = strings("en"), strings("ko")
    assert {name for name in english if not name.startswith("help.")} == {
        name for name in korean if not name.startswith("help.")
    }
    for name in english:
        slots = set(re.findall(r"\{\w+\}", english[name]))
        assert slots == set(re.findall(r"\{\w+\}", korean[name])), name


def test_every_word_that_the_page_names_exists() -> None:
    html = (WEB / "index.html").read_text("utf-8")
    scripts = "".join((WEB / name).read_text("utf-8") for name in ASSETS if name.endswith(".js"))
    named = set(re.findall(r'data-(?:t|label|hint)="([^"]+)"', html))
    named |= set(re.findall(r'[( ]t\("([^"]+)"', scripts))
    assert len(named) > 100
    assert sorted(named - set(strings("en"))) == []


def test_the_page_speaks_the_browser_s_language_and_another_when_told(
    visit: Callable[..., Page],
) -> None:
    page = visit(locale="ko-KR")
    expect(page.locator("#choose")).to_have_text("사진 고르기")
    assert page.evaluate("document.documentElement.lang") == "ko"
    page.locator("#language").select_option("en")
    expect(page.locator("#choose")).to_have_text("Choose pictures")
    expect(page.locator(".step h3")).to_contain_text("Cut out")
    page.reload()
    expect(page.locator("#choose")).to_have_text("Choose pictures")


def test_the_theme_follows_the_browser_until_it_is_told(visit: Callable[..., Page]) -> None:
    page = visit(color_scheme="dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(ground)
    page.locator("#theme").select_option("light")
    assert page.evaluate(ground) != dark
    page.reload()
    page.wait_for_selector("#steps li")
    assert page.evaluate(ground) != dark


def test_the_embedded_engine_is_named_and_its_price(page: Page, tmp_path: Path) -> None:
    expect(page.locator("#engine")).to_have_text("Embedded engine · no key, no cost")
    page.locator("#auto").uncheck()
    page.set_input_files("#file", drawn_file("plain.jpg", 120, 90, tmp_path))
    expect(page.locator("#price")).to_have_text("Free: this machine does the work")


# --- weight ---------------------------------------------------------------------------------------


def test_the_first_load_is_light(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    weight = page.evaluate("""() =>
      [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
        .filter(({ name }) => !name.includes("/samples/"))
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)""")
    assert 10_000 < weight <= MOST_WEIGHT


def tasks_of(trace: bytes) -> list[float]:
    """Return how long the page's own thread worked at each task, in milliseconds.

    It is the thread's time, not the clock's: a machine with much else to do holds every task up.
    """
    events = json.loads(trace)["traceEvents"]
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event.get("name") == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    return [
        event["tdur"] / 1000
        for event in events
        if "tdur" in event and (event["pid"], event["tid"]) in mains
    ]


def test_a_photo_of_24_megapixels_leaves_the_page_responsive(
    browser: Browser, page: Page, tmp_path: Path
) -> None:
    browser.start_tracing(page=page, categories=["toplevel"])
    adopt(page, '{"operation": "expand", "aspect": "3:2"}')
    page.set_input_files("#file", drawn_file("heavy.jpg", *HEAVY, tmp_path))
    page.wait_for_selector('.card[data-state="accepted"]')
    expect(page.locator("#size")).to_have_text("6,000 \u00d7 4,000")
    for view in ("Changes", "Alpha", "Compare"):
        page.locator(".modes label", has_text=view).click()
    page.locator("#zoom-whole").click()
    page.locator("#split").focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    assert 1 < max(tasks_of(browser.stop_tracing())) <= LONGEST_TASK


# --- what is seen ---------------------------------------------------------------------------------


def colour_at(page: Page, x: float, y: float) -> tuple[int, int, int]:
    """Return the colour in the middle of a small patch of the stage, at shares of its sides."""
    page.evaluate("new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen)))")
    picture = opened_picture(page.locator("#stage canvas").screenshot()).convert("RGB")
    pixel = picture.getpixel((round(x * picture.width), round(y * picture.height)))
    assert isinstance(pixel, tuple)
    return pixel[0], pixel[1], pixel[2]


def test_the_result_stands_on_the_ground_that_is_chosen(page: Page, samples: Path) -> None:
    page.locator(".sample").first.click()
    page.wait_for_selector('.card[data-state="accepted"]')
    page.locator(".modes label", has_text="After").click()
    for value, colour in {"#ffffff": (255, 255, 255), "#000000": (0, 0, 0)}.items():
        page.locator(f'[name="ground"][value="{value}"]').check(force=True)
        assert colour_at(page, 0.5, 0.06) == colour  # above the mug: nothing but the ground
    page.locator(".modes label", has_text="Alpha").click()
    assert colour_at(page, 0.5, 0.5) == (255, 255, 255)
    assert colour_at(page, 0.5, 0.06) == (0, 0, 0)


def test_the_canvas_is_shown_before_anything_is_paid(page: Page, tmp_path: Path) -> None:
    page.locator("#auto").uncheck()
    adopt(page)
    page.set_input_files("#file", drawn_file("plain.jpg", 320, 240, tmp_path))
    expect(page.locator("#size")).to_have_text("480 \u00d7 240")
    page.locator('.anchor input[value="left"]').check(force=True)
    expect(page.locator("#stage canvas")).to_have_attribute(
        "aria-label", "plain.jpg on the canvas it will have"
    )


def test_the_page_places_photos_as_the_studio_does(page: Page) -> None:
    cases, truth = [], []
    for width, height in ((640, 480), (333, 517), (1001, 77)):
        for aspect in ("1:1", "16:9", "3:4", "21:9"):
            for anchor in Anchor:
                wide, _, high = aspect.partition(":")
                source = Size(width, height)
                placed = place(source, canvas_of_ratio(source, float(wide) / float(high)), anchor)
                cases.append([width, height, aspect, anchor.value])
                canvas, frame = placed.canvas, placed.frame
                truth.append([canvas.width, canvas.height, frame.left, frame.top])
    shown = page.evaluate(
        """async (cases) => {
          const { planned } = await import("/placement.js");
          return cases.map(([width, height, aspect, anchor]) => {
            const { canvas, frame } = planned({ width, height }, { aspect, anchor });
            return [canvas.width, canvas.height, frame.left, frame.top];
          });
        }""",
        cases,
    )
    assert shown == truth


def test_a_canvas_that_the_studio_refuses_is_not_shown(page: Page) -> None:
    with pytest.raises(StudioError):
        place(Size(640, 480), Size(100, 100))
    shown = page.evaluate("""async () => (await import("/placement.js"))
      .planned({ width: 640, height: 480 }, { size: "100x100" })""")
    assert shown is None


# --- people with other means ----------------------------------------------------------------------


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_targets_are_large_enough_and_nothing_is_wider_than_the_screen(
    visit: Callable[..., Page], tmp_path: Path, size: tuple[int, int]
) -> None:
    page = visit(size)
    adopt(page, AS_IT_IS)
    page.set_input_files("#file", drawn_file("plain.jpg", 320, 240, tmp_path))
    page.wait_for_selector('.card[data-state="accepted"]')
    small = page.evaluate(
        """(least) => [...document.querySelectorAll("button, select, summary, input:not([hidden])")]
          .filter((each) => each.checkVisibility() && each.type !== "checkbox")
          .filter((each) => { const { width, height } = each.getBoundingClientRect();
            return Math.min(width, height) < least; })
          .map((each) => each.outerHTML.slice(0, 120))""",
        LEAST_TARGET,
    )
    assert small == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_nothing_moves_for_those_who_ask_for_it(visit: Callable[..., Page]) -> None:
    page = visit(reduced_motion="reduce")
    moving = "[...document.querySelectorAll('*')].filter((e) => e.getAnimations().length).length"
    assert page.evaluate(moving) == 0


@pytest.fixture(scope="module")
def axe() -> str:
    path = os.environ.get("AXE_SCRIPT")
    if not path:
        pytest.skip("NO AXE-CORE: set AXE_SCRIPT to an axe.min.js; .ci/run fetches one")
    return Path(path).read_text("utf-8")


@pytest.mark.parametrize(
    "reader",
    [
        {"size": DESKTOP, "color_scheme": "light", "locale": "en-US"},
        {"size": PHONE, "color_scheme": "dark", "locale": "ko-KR"},
    ],
    ids=["english-desk-light", "korean-phone-dark"],
)
def test_axe_finds_nothing_in_any_state(
    visit: Callable[..., Page], tmp_path: Path, axe: str, reader: dict[str, Any]
) -> None:
    page = visit(**reader, bypass_csp=True)
    page.evaluate(axe)

    def faults() -> list[str]:
        found = page.evaluate(
            "(tags) => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", STANDARD
        )
        return [
            f"{each['id']}: {node['html'][:160]}"
            for each in found["violations"]
            for node in each["nodes"]
        ]

    assert faults() == [], "empty"
    page.locator("#auto").uncheck()
    adopt(page, '{"steps": [{"operation": "cutout"}, {"operation": "expand", "size": "9x9"}]}')
    page.locator("#share summary").click()
    for summary in page.locator(".options summary, #presets summary").all():
        summary.click()
    page.set_input_files("#file", drawn_file("plain.jpg", 320, 240, tmp_path))
    page.locator("#add-box").click()
    assert faults() == [], "a photo, a box, every option"
    page.locator("#run").click()
    page.wait_for_selector('.card[data-state="failed"]')
    assert faults() == [], "a failure"
    adopt(page)
    page.locator(".card .tools button").first.click()
    page.wait_for_selector('.card[data-state="accepted"]')
    page.locator("#report details summary").first.click()
    page.locator("#presets input").first.check(force=True)
    page.wait_for_selector("#checks .rules li")
    assert faults() == [], "a result, measured against rules"
