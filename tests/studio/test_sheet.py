"""`studio sheet`: who stands first, where photos come from, and that no name does harm."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common import codec
from common.geometry import Size
from common.image import Image
from studio.command import main
from studio.sheet import html, items, picture
from studio.sheet.items import Item
from tests.support.shelf import product

EVIL = "<img src=x onerror=alert(1)>&\"'.png"


def draw(path: Path, colour: tuple[int, int, int] = (200, 30, 30)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rgb = np.full((30, 40, 3), colour, np.uint8)
    path.write_bytes(codec.encode(Image(rgb), codec.format_of(path.suffix)))
    return path


def report(decision: str = "accepted", **more: Any) -> dict[str, Any]:
    return {"operation": "cutout", "engine": "embedded", "decision": decision, **more}


def tell(path: Path, document: object) -> None:
    path.write_text(json.dumps(document), "utf-8")


def gathered(*places: Path, before: Path | None = None) -> list[Item]:
    return items.gather(list(places), before, Path("sheet.html"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of results: accepted, for review, with a failing check, and without a report."""
    for name in ("a", "b", "c", "d"):
        draw(tmp_path / f"{name}.png")
    tell(tmp_path / "a.json", report())
    tell(tmp_path / "b.json", report("review", warnings=["Look at its rim."]))
    tell(tmp_path / "c.json", report(checks=[{"preset": "ebay", "passed": False, "rules": []}]))
    return tmp_path


# --- order ----------------------------------------------------------------------------------------


def test_what_is_for_review_comes_first(folder: Path) -> None:
    assert [item.name for item in gathered(folder)] == ["b.png", "c.png", "d.png", "a.png"]
    assert [item.wants_eyes for item in gathered(folder)] == [True, True, False, False]


def test_failures_come_before_all(tmp_path: Path) -> None:
    draw(tmp_path / "input" / "cutout" / "bad.jpg")
    draw(tmp_path / "input" / "cutout" / "good.jpg")
    draw(tmp_path / "output" / "cutout" / "good.png")
    document = report() | {"input": {"name": "cutout/good.jpg"}}
    tell(tmp_path / "output" / "cutout" / "good.json", document)
    problem = {"code": "gate-refused", "detail": "No result was good enough."}
    problem |= {"input": {"name": "cutout/bad.jpg"}}  # type: ignore[dict-item]
    tell(tmp_path / "output" / "cutout" / "bad.json", problem)
    bad, good = gathered(tmp_path)
    assert (bad.name, bad.after, bad.notes) == ("cutout/bad.json", None, [problem["detail"]])
    assert bad.before == tmp_path / "input" / "cutout" / "bad.jpg"
    assert good.before == tmp_path / "input" / "cutout" / "good.jpg"


# --- photos and reports ---------------------------------------------------------------------------


def test_photos_are_found_by_name_where_reports_name_none(folder: Path) -> None:
    draw(folder / "photos" / "a.JPG".lower())
    shown = {item.name: item.before for item in gathered(folder, before=folder / "photos")}
    assert shown["a.png"] == folder / "photos" / "a.jpg"
    assert shown["b.png"] is None


def test_one_result_is_told_as_one() -> None:
    assert items.summary([Item("a.png", decision="review")]) == "1 result, 1 to look at first"


@pytest.mark.parametrize("name", ["a.heic", "a.HEIC", "a.heif", "a.psd", "a.TIFF"])
def test_photos_of_every_kind_that_is_read_are_found_by_name(folder: Path, name: str) -> None:
    (folder / "photos").mkdir()
    (folder / "photos" / name).write_bytes(b"a phone's photo")
    shown = {item.name: item.before for item in gathered(folder, before=folder / "photos")}
    assert shown["a.png"] == folder / "photos" / name


def test_a_commands_report_of_many_photos_is_understood(tmp_path: Path) -> None:
    photo = draw(tmp_path / "shoe.jpg")
    assets = [draw(tmp_path / "out" / f"shoe.{name}.png") for name in ("ebay", "web")]
    checks = [{"preset": "ebay", "passed": False, "rules": []}]
    checks += [{"preset": "web", "passed": True, "rules": []}]
    warnings = ["ebay: longest side is 40 px.", "web: fine.", "Look at its rim."]
    told = report("accepted", checks=checks, warnings=warnings)
    entry = {"photo": str(photo), "result": "shoe", "report": told}
    tell(tmp_path / "out" / "r.json", [entry | {"assets": [str(path) for path in assets]}])
    for place in (tmp_path / "out", tmp_path / "out" / "r.json"):
        ebay, web = gathered(place)
        assert (ebay.after, ebay.before) == (assets[0], photo)
        assert (ebay.fails, web.fails) == (True, False)
        assert ebay.notes == [warnings[0], warnings[2]]
        assert web.notes == warnings[1:]


def test_a_good_asset_is_not_for_review_for_another_ones_check(tmp_path: Path) -> None:
    for name in ("ebay", "web"):
        draw(tmp_path / f"shoe.{name}.png")
    checks = [{"preset": "ebay", "passed": False}, {"preset": "web", "passed": True}]
    tell(tmp_path / "shoe.json", report("review", checks=checks, ladder=[{"accepted": True}]))
    assert [item.wants_eyes for item in gathered(tmp_path)] == [True, False]
    tell(tmp_path / "shoe.json", report("review", checks=checks, ladder=[{"accepted": False}]))
    assert [item.wants_eyes for item in gathered(tmp_path)] == [True, True]


def test_a_report_cannot_point_out_of_its_folders(tmp_path: Path) -> None:
    draw(tmp_path / "secret.jpg")
    draw(tmp_path / "data" / "output" / "cutout" / "a.png")
    named = report() | {"input": {"name": "../../secret.jpg"}}
    tell(tmp_path / "data" / "output" / "cutout" / "a.json", named)
    [item] = gathered(tmp_path / "data" / "output")
    assert item.before is None


@pytest.mark.parametrize(
    "text", ["", "[", "[1, {}]", '{"decision": 7}', '{"operation": []}', "null"]
)
def test_strange_json_is_no_report(tmp_path: Path, text: str) -> None:
    draw(tmp_path / "a.png")
    (tmp_path / "a.json").write_text(text)
    [item] = gathered(tmp_path)
    assert (item.decision, item.scores, item.notes) == ("", {}, [])
    assert html.page([item], 0, ["sheet.html"])
    assert picture.page([item], 0, ["sheet.png"])


# --- HTML -----------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a browser would make of a page: its elements, and its words."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def evil_item(folder: Path) -> Item:
    path = draw(folder / EVIL.replace("/", "_"))
    told = report("review", warnings=[EVIL], scores={EVIL: 1.0}, engine=EVIL)
    rule = dict.fromkeys(("rule", "level", "measured", "required", "fix"), EVIL)
    told["checks"] = [{"preset": EVIL, "title": EVIL, "passed": False, "rules": [rule]}]
    return Item(EVIL, path, path, "review", told)


def test_no_name_and_no_note_becomes_markup(tmp_path: Path) -> None:
    page = Page(html.page([evil_item(tmp_path)], 0, ["sheet.html"]))
    assert len(page.all("img")) == 2
    assert all(str(image["src"]).startswith("data:image/jpeg;base64,") for image in page.all("img"))
    assert not [
        name for name, attributes in page.tags if any(a.startswith("on") for a in attributes)
    ]
    assert page.words.count("onerror=alert(1)") >= 8
    assert page.all("img")[0]["alt"] == f"{EVIL}, before"


def test_a_page_stands_alone_and_can_be_read_by_all(folder: Path) -> None:
    text = html.page(gathered(folder), 0, ["sheet.html"])
    page = Page(text)
    assert page.all("html")[0]["lang"] == "en"
    assert page.all("title")
    assert "default-src 'none'" in str(page.all("meta"))
    assert all(image["alt"] and image["width"] for image in page.all("img"))
    assert not page.all("script") + page.all("link") + page.all("a")
    assert b"http://" not in text
    assert b"https://" not in text
    assert "for review" in page.words, "no colour alone tells it"


def test_a_missing_photo_is_said(folder: Path) -> None:
    page = Page(html.page(gathered(folder), 0, ["sheet.html"]))
    assert page.words.count("not there") == 4


def test_pages_lead_to_each_other(folder: Path) -> None:
    page = Page(html.page(gathered(folder)[:1], 1, ["a #1.html", "a #1-2.html", "a #1-3.html"]))
    assert [link["href"] for link in page.all("a")] == ["./a%20%231.html", "./a%20%231-3.html"] * 2
    assert "page 2 of 3" in page.words


# --- PNG ------------------------------------------------------------------------------------------


def test_the_picture_shows_every_result_in_its_place(folder: Path) -> None:
    sheet = codec.decode(picture.page(gathered(folder), 0, ["sheet.png"])).rgb
    red = (sheet == (200, 30, 30)).all(2)
    assert red.sum() == pytest.approx(4 * (40 * 30 - 2 * (40 + 30 - 2)), rel=0.05)
    edges = (sheet == (179, 38, 30)).all(2).sum(0)
    assert (edges[:200] > 300).sum() == 6, "the first card has a red edge"
    assert (edges[-600:] > 300).sum() == 0


def ink(name: str) -> float:
    """Share of dark pixels where a card's name stands."""
    sheet = codec.decode(picture.page([Item(name)], 0, ["sheet.png"])).rgb
    return float((sheet[380:410, 20:660].min(2) < 100).mean())


def test_korean_names_are_drawn_and_not_boxes_or_question_marks() -> None:
    assert ink("신발") != ink("????")
    assert ink("신발") != ink("가방")
    assert ink("신발") > ink("신") > 0


def test_a_korean_name_of_a_mac_looks_like_any_other() -> None:
    import unicodedata  # noqa: PLC0415

    name = "신발.png"
    apart = unicodedata.normalize("NFD", name)
    assert apart != name
    assert picture.page([Item(name)], 0, [""]) == picture.page([Item(apart)], 0, [""])


@pytest.mark.parametrize(
    "name", ["", "\x00\x1b[31m\n", "👟" * 30, "x" * 5000, "신" * 300, "\udcff"]
)
def test_any_name_can_be_drawn(name: str) -> None:
    assert codec.sniff(picture.page([Item(name)], 0, ["sheet.png"])) == "png"
    assert html.page([Item(name)], 0, ["sheet.html"])


# --- the command ----------------------------------------------------------------------------------


def test_the_command_draws_either_kind(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("sheet.html", "sheet.png"):
        assert main(["sheet", str(folder), "-o", str(folder / name)]) == 0
        assert "4 results, 2 to look at first" in capsys.readouterr().out
    assert codec.sniff((folder / "sheet.png").read_bytes()) == "png"


def test_a_sheet_does_not_show_itself(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        main(["sheet", str(folder), "-o", str(folder / "sheet.png")])
    assert "4 results" in capsys.readouterr().out.splitlines()[-1]


def test_a_long_folder_becomes_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(picture.ITEMS_A_PAGE + 2):
        draw(tmp_path / "results" / f"{number:02}.png")
    out = tmp_path / "sheet.png"
    assert main(["sheet", str(tmp_path / "results"), "-o", str(out)]) == 0
    assert "2 pages" in capsys.readouterr().out
    first, second = (
        codec.decode((tmp_path / name).read_bytes()).size for name in ("sheet.png", "sheet-2.png")
    )
    assert first.width == second.width
    assert first.height > 4 * second.height


def test_a_broken_picture_does_not_stop_the_rest(folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    assert main(["sheet", str(folder), "-o", str(folder / "s.html")]) == 0
    assert "is damaged" in (folder / "s.html").read_text()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{folder} -o {folder}/sheet.pdf", "A sheet is HTML or PNG"),
        ("{folder}/gone -o {folder}/s.png", "is not there"),
        ("{folder}/empty -o {folder}/s.png", "There are no results here"),
        ("{folder}/a.png -o {folder}/a.png", "There are no results here"),
        ("{folder}/a.png {folder}/b.png -o {folder}/c.png --before {folder}/none", ""),
    ],
)
def test_a_line_that_makes_no_sense_says_why(
    folder: Path, line: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "empty").mkdir()
    assert main(["sheet", *line.format(folder=folder).split()]) == (2 if says else 0)
    assert says in capsys.readouterr().err


def test_thumbnails_are_small_and_transparency_shows(tmp_path: Path) -> None:
    clear = product(Size(900, 600))
    alpha = np.zeros((600, 900), np.uint8)
    (tmp_path / "clear.png").write_bytes(codec.encode(Image(clear.rgb, alpha), "png"))
    [item] = gathered(tmp_path)
    page = html.page([item], 0, ["sheet.html"]).decode()
    [small] = re.findall(r'width="(\d+)" height="(\d+)"', page)
    assert small == ("480", "320")
