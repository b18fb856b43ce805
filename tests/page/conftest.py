"""A studio for all tests, a browser a module, a fresh page a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsing import DESKTOP, PATIENCE, Complaints, browser_path, opened, serving

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = browser_path()
    if path is None:
        pytest.skip("NO BROWSER IS INSTALLED: the page is not tested; apt-get install chromium")
    with opened(path) as browser:
        yield browser


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("page") / "data") as address:
        yield address


@pytest.fixture
def visit(browser: Browser, studio: str) -> Iterator[Callable[..., Page]]:
    """Open the page, which may complain of nothing until it is left."""
    opened_pages: list[tuple[Page, Complaints]] = []

    def visited(size: tuple[int, int] = DESKTOP, **wishes: Any) -> Page:
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(viewport=viewport, **{"locale": "en-US", **wishes})  # type: ignore[arg-type]  # playwright's own dict type
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        opened_pages.append((page, Complaints(page)))
        page.goto(studio)
        page.wait_for_selector("#steps li")
        return page

    yield visited
    for page, _ in opened_pages:
        page.context.close()
    assert [said for _, complaints in opened_pages for said in complaints.heard] == []


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    return visit()


@pytest.fixture
def samples() -> Path:
    return Path(__file__).parents[2] / "studio" / "samples"
