"""The page at other places: with a key and a cap, and where it is only files beside the API."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from common.spend import Caps, Ledger
from common.store.folder import FolderBucket
from tests.support.browsing import PATIENCE, drawn_file, opened_picture, serving

CAP = 5.0  # dollars


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("paid") / "data"


@pytest.fixture(scope="module")
def address(browser: Browser, data: Path) -> Iterator[str]:
    # Nothing answers at that port: a price must be told without asking anybody.
    nobody = "http://127.0.0.1:9"
    paid = {"GEMINI_API_KEY": "none", "STUDIO_GEMINI_BASE_URL": nobody}
    with serving(data, STUDIO_CAP_DAY_USD=str(CAP), **paid) as address:
        yield address


@pytest.fixture
def fresh(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-US")
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def test_a_paid_picture_has_its_price_before_anything_starts(
    fresh: Page, address: str, tmp_path: Path
) -> None:
    fresh.goto(address)
    expect(fresh.locator("#engine")).to_have_text("Gemini")
    expect(fresh.locator("#auto")).not_to_be_checked()
    fresh.set_input_files("#file", [drawn_file(f"{n}.jpg", 320, 240, tmp_path) for n in range(2)])
    expect(fresh.locator("#price")).to_have_text("Asking for the price \u2026")
    expect(fresh.locator("#price")).to_contain_text("About $0.")
    expect(fresh.locator("#price")).to_contain_text("for 2 pictures")
    fresh.locator("#engine-choice").select_option("embedded")
    expect(fresh.locator("#price")).to_have_text("Free: this machine does the work")


def test_the_day_s_spending_stands_beside_its_cap(fresh: Page, address: str, data: Path) -> None:
    Ledger(FolderBucket(data / "work"), time.time).take(Caps(day=CAP).accounts("cutout/"), 1000)
    fresh.goto(address)
    expect(fresh.locator("#spend")).to_contain_text("of $5.00")
    assert fresh.locator("#cap-meter").evaluate("meter => meter.value") > 0


def test_what_is_dropped_into_the_folder_is_shown_at_once(
    fresh: Page, address: str, data: Path, tmp_path: Path
) -> None:
    folder = data / "input" / "expand"
    (folder / "recipe.json").write_text('{"aspect": "4:3", "engine": "embedded"}')
    shutil.copy(drawn_file("plain.jpg", 320, 240, tmp_path), folder / "dropped.jpg")
    fresh.goto(address)
    card = fresh.locator(".card", has_text="dropped.jpg")
    expect(card).to_have_attribute("data-state", "accepted")
    expect(card.locator(".pick")).to_have_attribute("aria-pressed", "true")
    expect(fresh.locator("#desk.empty")).to_have_count(0)
    expect(fresh.locator("#split")).to_be_visible()
    with fresh.expect_download() as download:
        card.locator('[aria-label="Download dropped.jpg"]').click()
    assert opened_picture(Path(download.value.path()).read_bytes()).size == (320, 240)
    card.locator('[aria-label="Remove dropped.jpg"]').click()
    expect(card).to_have_count(0)
    expect(fresh.locator("#desk.empty")).to_be_visible()


def test_where_the_page_is_only_files_the_api_tells_what_can_be_done(
    fresh: Page, address: str, tmp_path: Path
) -> None:
    fresh.context.route("**/studio/**", lambda route: route.fulfill(status=404))
    fresh.context.route("**/files/", lambda route: route.fulfill(status=404))
    fresh.goto(address)
    expect(fresh.locator("#adders button")).to_have_count(5)
    expect(fresh.locator("#address")).to_be_hidden()
    fresh.set_input_files("#file", drawn_file("plain.jpg", 320, 240, tmp_path))
    expect(fresh.locator("#price")).to_contain_text("About $0.")


def test_a_studio_that_does_not_answer_is_told(fresh: Page, address: str) -> None:
    for path in ("**/studio/**", "**/openapi.json"):
        fresh.context.route(path, lambda route: route.abort())
    fresh.goto(address)
    expect(fresh.locator("#toast")).to_contain_text("The studio does not answer.")
