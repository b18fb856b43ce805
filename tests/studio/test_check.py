"""`studio check` and `--preset` on real files: what they tell, write and exit with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common import codec, presets
from common.geometry import Size
from studio.command import main
from tests.support.files import WHOLE, Desk, desk_in
from tests.support.shelf import product

OWN = {
    "name": "mine",
    "title": "My shop",
    "version": 1,
    "make": {"background": "#FFFFFF", "fill": 0.8, "ratio": "1:1", "longest": 64}
    | {"format": "webp", "quality": 80},
    "rules": [
        {"rule": rule, "level": level, "value": value, "source": "house", "date": "2026-11-22"}
        for rule, level, value in (
            ("longest_side", "must", {"least": 32}),
            ("ratio", "must", "1:1"),
            ("bytes", "advice", {"most": 10}),
        )
    ],
}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = desk_in(tmp_path)
    made.write("good.jpg", codec.encode(product(Size(128, 128)), "jpeg"))
    made.write("wide.jpg", codec.encode(product(Size(160, 128)), "jpeg"))
    made.write("mine.json", json.dumps(OWN).encode())
    return made


def check(desk: Desk, *names: str, preset: str = "") -> int:
    own = ["--preset", preset or desk.at("mine.json"), "--engine", "embedded"]
    return main(["check", *map(desk.at, names), *own])


# --- check ----------------------------------------------------------------------------------------


def test_a_picture_that_complies_exits_with_zero(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(desk, "good.jpg") == 0
    table = capsys.readouterr().out
    assert "My shop (mine): 2 of 2 musts hold" in table
    assert "FAIL  advice  bytes" in table, "advice is told, and fails nobody"
    assert "accept" not in table


def test_a_must_that_fails_exits_with_three_and_is_told_first(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(desk, "wide.jpg") == 3
    lines = capsys.readouterr().out.splitlines()
    first = next(number for number, line in enumerate(lines) if "FAIL" in line)
    assert lines[first].split() == ["FAIL", "must", "ratio", "160x128"]
    assert lines[first + 1].strip() == "needs 1:1"
    assert lines[first + 2].strip().startswith("Crop it")
    assert "pass" in lines[-1]


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("good.jpg", "wide.jpg"), 3),
        (("good.jpg", "gone.jpg"), 1),
        (("wide.jpg", "gone.jpg"), 1),
        (("gone.jpg",), 2),
    ],
)
def test_many_pictures_share_one_exit_code(desk: Desk, names: tuple[str, ...], code: int) -> None:
    assert check(desk, *names) == code


def test_several_presets_are_checked_at_once_and_told_as_json(desk: Desk) -> None:
    wanted, out = f"web,{desk.at('mine.json')}", desk.at("told.json")
    assert main(["check", desk.at("good.jpg"), "--preset", wanted, "--report", out]) == 0
    told = json.loads(Path(out).read_text())
    assert [each["preset"] for each in told["checks"]] == ["web", "mine"]
    assert told["checks"][1]["bytes"] == Path(desk.at("good.jpg")).stat().st_size


def test_a_report_of_many_pictures_names_them(desk: Desk) -> None:
    photos, out = [desk.at("good.jpg"), desk.at("gone.jpg")], desk.at("told.json")
    main(["check", *photos, "--preset", "web", "--report", out])
    good, gone = json.loads(Path(out).read_text())
    assert (good["photo"], "report" in good) == (photos[0], True)
    assert gone["problem"]["code"] == "bad-input"


def test_a_dry_run_prices_the_look_and_nothing_else(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ["--preset", "amazon-main", "--dry-run", "--engine", "embedded"]
    assert main(["check", desk.photo, *own]) == 0
    assert "1 calls of embedded, $0.0000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("check {photo}", "There is no --preset. Name some of: amazon-main"),
        ("check {photo} --preset amazon", "There is no preset 'amazon'. Take one of: amazon-main"),
        ("check {photo} --preset {folder}/gone.json", "cannot be read"),
        ("check {photo} --preset {folder}/good.jpg", "good.jpg is not a preset: it is not JSON"),
        ("check {photo} --preset web --report {photo}", "overwritten"),
        ("cutout {photo} -o {folder}/a.jpg --preset web", "Name the output a.webp"),
        ("cutout {photo} -o {folder}/a.jpg --preset web,ebay", "Name a folder with -o"),
        ("cutout {photo} -o {folder}/a.webp --preset web --format png", "leave format out"),
        ("cutout {photo} {photo} -o {folder}/x --preset web", "both become"),
        ("cutout {photo} --preset web", "There is no -o"),
    ],
)
def test_a_line_that_makes_no_sense_says_why(
    desk: Desk, line: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = line.format(photo=desk.photo, folder=desk.folder).split()
    assert main(words) == 2
    assert says in capsys.readouterr().err


# --- assets ---------------------------------------------------------------------------------------


def cutout(desk: Desk, *more: str) -> int:
    return main(["cutout", desk.photo, "--render", desk.render, "--box", WHOLE, *more])


def test_a_preset_of_ones_own_is_made_and_complies(desk: Desk) -> None:
    assert cutout(desk, "--preset", desk.at("mine.json"), "-o", desk.at("out.webp")) == 0
    image = codec.decode(Path(desk.at("out.webp")).read_bytes())
    assert (image.size, image.alpha) == (Size(64, 64), None)
    assert check(desk, "out.webp") == 0


def test_several_assets_are_named_by_their_presets(desk: Desk) -> None:
    wanted = f"shopify,{desk.at('mine.json')},web"
    out = ["-o", desk.at("assets"), "--report", desk.at("r.json")]
    assert cutout(desk, "--preset", wanted, *out) == 0
    assert desk.names("assets") == ["shoe.mine.webp", "shoe.shopify.jpg", "shoe.web.webp"]
    told = json.loads(Path(desk.at("r.json")).read_text())
    assert [each["preset"] for each in told["checks"]] == ["shopify", "mine", "web"]


def test_what_cannot_be_mended_is_said(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert cutout(desk, "--preset", "amazon-main", "-o", desk.at("out.jpg")) == 0
    told = capsys.readouterr().err
    assert "amazon-main: longest side is" in told
    assert "never enlarges" in told


def test_a_recipe_may_be_published(desk: Desk) -> None:
    recipe = desk.write("recipe.json", b'{"steps": [{"operation": "erase"}]}')
    own = ["--engine", "embedded", "--preset", "shopify,web"]
    assert main(["run", desk.photo, "--recipe", recipe, "-o", desk.at("out"), *own]) == 0
    assert desk.names("out") == ["shoe.shopify.jpg", "shoe.web.webp"]


def test_an_existing_photo_is_not_written_over(desk: Desk) -> None:
    desk.write("shoe.web.webp", b"mine")
    photos = [desk.at("shoe.web.webp"), desk.photo]
    assert main(["cutout", *photos, "-o", str(desk.folder), "--preset", "web"]) == 2
    assert Path(photos[0]).read_bytes() == b"mine"


def test_the_help_tells_of_presets(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("check", "cutout", "erase", "expand", "run"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert "--preset" in capsys.readouterr().out
    assert presets.names()
