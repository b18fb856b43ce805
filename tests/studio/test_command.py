"""The `studio` command on real files; renders are brought, or the embedded engine works."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from common import codec
from common.image import Image
from common.operations.options import (
    CutoutOptions,
    DetectOptions,
    EraseOptions,
    ExpandOptions,
    Options,
)
from studio.command import main
from studio.flags import HIDDEN
from studio.progress import Progress
from tests.support.files import WHOLE, Desk, desk_in, png

Tell = Callable[[], list[str]]  # what was written on standard error, line by line


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desk_in(tmp_path)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Tell:
    def lines() -> list[str]:
        return capsys.readouterr().err.splitlines()

    return lines


def cutout(desk: Desk, *more: str, out: str = "out.png") -> int:
    own = ["--render", desk.render, "--box", WHOLE, "-o", desk.at(out)]
    return main(["cutout", desk.photo, *own, *more])


# --- work -----------------------------------------------------------------------------------------


def test_a_cutout_is_written_at_full_size_with_alpha(desk: Desk) -> None:
    assert cutout(desk) == 0
    got = codec.decode(Path(desk.at("out.png")).read_bytes())
    assert got.alpha is not None
    assert np.abs(got.alpha / 255 - desk.scene.alpha).mean() < 0.01


@pytest.mark.parametrize(
    ("name", "kind"), [("o.jpg", "jpeg"), ("o.JPEG", "jpeg"), ("o.webp", "webp")]
)
def test_the_suffix_chooses_the_format(desk: Desk, name: str, kind: str, told: Tell) -> None:
    assert cutout(desk, out=name) == 0
    assert codec.sniff(Path(desk.at(name)).read_bytes()) == kind
    assert any("on white" in line for line in told()) == (kind == "jpeg")


def test_the_format_names_the_results_in_a_folder(desk: Desk) -> None:
    Path(desk.at("results")).mkdir()
    assert cutout(desk, "--format", "avif", out="results") == 0
    [made] = Path(desk.at("results")).iterdir()
    assert made.suffix == ".avif"
    assert codec.sniff(made.read_bytes()) == "avif"


def test_a_name_that_says_another_format_is_refused_before_the_work(desk: Desk, told: Tell) -> None:
    assert cutout(desk, "--format", "webp", out="o.png") == 2
    assert not Path(desk.at("o.png")).exists()
    assert "Name it o.webp." in told()[0]


def test_a_lower_quality_makes_a_smaller_file(desk: Desk) -> None:
    assert cutout(desk, "--file-quality", "30", out="small.jpg") == 0
    assert cutout(desk, out="usual.jpg") == 0
    small, usual = (Path(desk.at(name)).stat().st_size for name in ("small.jpg", "usual.jpg"))
    assert small < usual / 2


def test_a_background_may_be_a_file(desk: Desk) -> None:
    blue = np.full((60, 80, 3), (20, 30, 200), np.uint8)
    ground = desk.write("blue.png", png(blue))
    assert cutout(desk, "--background", ground) == 0
    got = codec.decode(Path(desk.at("out.png")).read_bytes())
    assert got.rgb[0, 0].tolist() == [20, 30, 200]


def test_the_report_is_written_beside(desk: Desk) -> None:
    assert cutout(desk, "--report", desk.at("report.json")) == 0
    report = json.loads(Path(desk.at("report.json")).read_text())
    assert (report["operation"], report["engine"]) == ("cutout", "given")


def test_a_flat_backed_picture_is_keyed_by_itself(desk: Desk) -> None:
    assert main(["key", desk.render, "-o", desk.at("keyed.png")]) == 0
    got = codec.decode(Path(desk.at("keyed.png")).read_bytes())
    assert got.alpha is not None
    assert np.abs(got.alpha / 255 - desk.scene.alpha).mean() < 0.02


def test_detection_is_told_on_standard_output(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", desk.photo, "--engine", "embedded"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {"box_2d", "pixels", "label", "kind", "confidence"} <= set(facts["boxes"][0])
    assert main(["detect", desk.photo, "--engine", "embedded", "-o", desk.at("boxes.json")]) == 0
    assert json.loads(Path(desk.at("boxes.json")).read_text())["boxes"] == facts["boxes"]


def test_a_recipe_is_run_step_by_step(desk: Desk) -> None:
    steps = [{"operation": "expand", "margin": margin} for margin in ("4", "0,4,0,4")]
    recipe = desk.write("recipe.json", json.dumps({"steps": steps}).encode())
    own = ["--engine", "embedded", "--report", desk.at("report.json")]
    assert main(["run", desk.photo, "--recipe", recipe, "-o", desk.at("wide.png"), *own]) == 0
    assert codec.decode(Path(desk.at("wide.png")).read_bytes()).size.width == 256
    report = json.loads(Path(desk.at("report.json")).read_text())
    assert [step["operation"] for step in report["steps"]] == ["expand", "expand"]


def test_a_dry_run_tells_plan_and_price_and_writes_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(desk.folder.iterdir())
    assert main(["cutout", desk.photo, "--dry-run", "--engine", "embedded"]) == 0
    assert "$0.0000" in capsys.readouterr().out
    assert sorted(desk.folder.iterdir()) == before


# --- many files -----------------------------------------------------------------------------------


def test_one_bad_file_does_not_stop_the_rest(desk: Desk, told: Tell) -> None:
    broken = desk.write("broken.png", b"\x89PNG\r\n\x1a\n and no more")
    second = desk.write("second.png", Path(desk.render).read_bytes())
    own = ["--aspect", "3:2", "--engine", "embedded", "--report", desk.at("all.json")]
    assert main(["expand", desk.photo, broken, second, "-o", desk.at("results"), *own]) == 1
    assert desk.names("results") == ["second.png", "shoe.png"]
    failures = [line for line in told() if line.startswith("studio: ") and "note:" not in line]
    assert len(failures) == 1
    assert failures[0].startswith(f"studio: {broken}: The png file is damaged")
    all_told = json.loads(Path(desk.at("all.json")).read_text())
    assert ["report" in one for one in all_told] == [True, False, True]
    assert all_told[1]["problem"]["code"] == "broken-picture"


def test_a_slash_makes_a_folder_of_the_output(desk: Desk) -> None:
    own = ["--render", desk.render, "--box", WHOLE]
    assert main(["cutout", desk.photo, "-o", desk.at("new") + "/", *own]) == 0
    assert desk.names("new") == ["shoe.png"]


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def shown(stream: io.StringIO) -> str:
        progress = Progress(2, stream)
        progress.step("a.jpg -> a.png")
        progress.step("")
        return stream.getvalue()

    assert shown(io.StringIO()) == "[1/2] a.jpg -> a.png\n"
    assert "############............] 1/2" in shown(Terminal())


# --- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "COMMAND"),
        ("paint {photo} -o {out}", "paint"),
        ("cutout", "PHOTO"),
        ("cutout {photo}", "no -o"),
        ("cutout {photo} -o {folder}/o.gif", "does not write .gif"),
        ("cutout {photo} -o {out} --box 1,2,3", "box"),
        ("cutout {photo} -o {out} --key purple", "key"),
        ("cutout {photo} -o {out} --engine chatty", "engine"),
        ("cutout {photo} -o {out} --background {folder}/gone.jpg", "gone.jpg"),
        ("cutout {photo} -o {out} --render {folder}/gone.png", "cannot be read"),
        ("cutout {photo} {photo} -o {folder}/x --render {render}", "both"),
        ("cutout {photo} {render} -o {folder}/x --render {render}", "One render fits one photo"),
        ("cutout {photo} -o {photo}", "overwritten"),
        ("cutout {photo} -o {folder}/", "overwritten"),
        ("cutout {photo} -o {out} --report {photo}", "overwritten"),
        ("cutout {photo} -o {out} --report {out}", "overwritten"),
        ("cutout {folder}/gone.jpg -o {out}", "gone.jpg: The file cannot be read"),
        ("cutout {folder} -o {out}", "This is a folder"),
        ("expand {photo} -o {out}", "exactly one of aspect, size and margin"),
        ("expand {photo} -o {out} --size 10x10 --engine embedded", "cannot hold"),
        ("run {photo} -o {out} --recipe {photo}", "not a JSON object"),
        ("key {photo} -o {out} --key purple", "purple"),
        ("serve --port 99999999", "Port 99999999"),
    ],
)
def test_bad_usage_and_input_is_one_line_and_exit_code_2(
    desk: Desk, line: str, says: str, told: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk.folder)
    words = {"photo": desk.photo, "render": desk.render, "folder": desk.folder}
    argv = [word.format(**words, out=desk.at("out.png")) for word in line.split()]
    photo = Path(desk.photo).read_bytes()
    assert main(argv) == 2
    (said,) = told()
    assert said.startswith("studio: ")
    assert says in said
    assert Path(desk.photo).read_bytes() == photo
    assert not Path(desk.at("out.png")).exists()


def test_a_file_beside_the_photo_that_is_broken_is_named(desk: Desk, told: Tell) -> None:
    render = desk.write("cut_short.png", Path(desk.render).read_bytes()[:200])
    assert main(["cutout", desk.photo, "--render", render, "-o", desk.at("out.png")]) == 2
    assert "The render cannot be taken: The png file is damaged" in told()[0]


def test_a_gate_that_refuses_is_exit_code_3(desk: Desk, told: Tell) -> None:
    elsewhere = np.roll(desk.scene.on((0, 255, 0)), 90, axis=1)
    render = desk.write("elsewhere.png", png(elsewhere))
    own = ["--box", WHOLE, "-o", desk.at("out.png"), "--report", desk.at("report.json")]
    assert main(["cutout", desk.photo, "--render", render, *own]) == 3
    assert len(told()) == 1
    assert not Path(desk.at("out.png")).exists()
    problem = json.loads(Path(desk.at("report.json")).read_text())
    assert problem["report"]["decision"] == "refused"


def test_an_engine_that_is_not_set_up_says_how(desk: Desk, told: Tell) -> None:
    assert main(["cutout", desk.photo, "-o", desk.at("out.png"), "--engine", "gemini"]) == 2
    assert "GEMINI_API_KEY" in told()[0]


# --- the mask of an erasure -----------------------------------------------------------------------

ERASE = ("--engine", "embedded", "--region", "100,100,300,400", "--on-fail", "review")


def test_the_mask_tells_every_pixel_that_may_have_changed(desk: Desk) -> None:
    out, mask = desk.at("out.png"), desk.at("mask.png")
    assert main(["erase", desk.photo, "-o", out, *ERASE, "--mask-out", mask]) == 0
    before, after, edited = (
        codec.decode(Path(name).read_bytes()).rgb for name in (desk.photo, out, mask)
    )
    assert set(np.unique(edited)) == {0, 255}
    assert np.array_equal(after[edited == 0], before[edited == 0])
    assert 0 < (edited == 255).mean() < 0.5


def test_a_mask_may_be_brought_and_says_what_may_change(desk: Desk) -> None:
    out, mask = desk.at("out.png"), desk.at("mask.png")
    photo = codec.decode(Path(desk.photo).read_bytes())
    white = np.zeros_like(photo.rgb)
    white[8:20, 10:60] = 255
    Path(mask).write_bytes(codec.encode(Image(white), "png"))
    own = ["--mask", mask, "--engine", "embedded", "--on-fail", "review"]
    for command in ("erase", "clean"):
        assert main([command, desk.photo, "-o", out, *own]) == 0
        after = codec.decode(Path(out).read_bytes()).rgb
        assert np.array_equal(after[white == 0], photo.rgb[white == 0])


@pytest.mark.parametrize(
    ("name", "message"), [("mask.jpg", "as PNG"), ("out.png", "would be overwritten")]
)
def test_a_mask_goes_into_a_png_file_of_its_own(
    desk: Desk, told: Tell, name: str, message: str
) -> None:
    own = ["-o", desk.at("out.png"), *ERASE, "--mask-out", desk.at(name)]
    assert main(["erase", desk.photo, *own]) == 2
    assert message in told()[0]


def test_one_mask_file_is_not_for_many_photos(desk: Desk, told: Tell) -> None:
    own = ["-o", desk.at("results"), *ERASE, "--mask-out", desk.at("mask.png")]
    assert main(["erase", desk.photo, desk.render, *own]) == 2
    assert "One mask file" in told()[0]


# --- the command line itself ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("detect", DetectOptions),
        ("cutout", CutoutOptions),
        ("erase", EraseOptions),
        ("expand", ExpandOptions),
    ],
)
def test_every_option_of_an_operation_is_a_flag(
    command: str, options: type[Options], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    for name in set(options.model_fields) - set(HIDDEN):
        assert f"--{name.replace('_', '-')} " in shown or f"--{name.replace('_', '-')}\n" in shown


def test_help_comes_before_any_image_library() -> None:
    code = (
        "import sys; from studio.command import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'cv2', 'PIL', 'flask', 'google.genai', 'google.cloud.storage'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
