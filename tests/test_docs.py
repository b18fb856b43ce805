"""What the documents say is so: files they name exist, flags they name are understood."""

import re
import tomllib
from pathlib import Path

import pytest

from studio.command import main

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
PAGES += [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("docs/**/*.md"))]
README = (ROOT / "README.md").read_text("utf-8")
MADE_BY_USE = (".venv", "studio-data")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text("utf-8"))
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_in_code_marks_exists(page: str) -> None:
    marked = re.findall(r"`((?:\.?[a-z_-]+/)[\w./-]*)`", (ROOT / page).read_text("utf-8"))
    ours = [name for name in marked if (ROOT / name.partition("/")[0]).is_dir()]
    kept = [name for name in ours if not name.startswith(MADE_BY_USE)]
    missing = [name for name in kept if not (ROOT / name).exists()]
    assert [name for name in missing if "shadow" not in name] == []  # CONTRIBUTING's example


def test_every_decision_that_the_code_names_exists() -> None:
    named = {
        name
        for house in ("common", "functions", "studio", "tests", "bench")
        for path in (ROOT / house).rglob("*.py")
        for name in re.findall(r"docs/decisions/[\w-]+\.md", path.read_text("utf-8"))
    }
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def usages() -> list[str]:
    block = re.search(r"```\n(studio serve .*?)```", README, re.DOTALL)
    assert block
    return block[1].strip().splitlines()


def flags_in_help(command: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    with pytest.raises(SystemExit) as done:
        main([command, "--help"])
    assert done.value.code == 0
    return flags_in(capsys.readouterr().out)


def flags_in(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text))


@pytest.mark.parametrize("usage", usages(), ids=lambda usage: usage.split()[1])
def test_the_command_knows_every_flag_of_the_readme(
    usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known = flags_in_help(usage.split()[1], capsys)
    assert flags_in(usage)
    assert sorted(flags_in(usage) - known) == []


@pytest.mark.parametrize("command", ["cutout", "erase", "expand"])
def test_the_common_flags_are_known_to_all_that_make_pictures(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    common = {"--engine", "--report", "--dry-run", "--render", "--on-fail"}
    assert sorted(common - flags_in_help(command, capsys)) == []


def test_every_target_that_the_documents_name_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"(?m)(?:^|`)make ([a-z]+)", (ROOT / page).read_text("utf-8"))
    }
    assert named
    assert sorted(named - targets) == []


def test_the_pins_hold_every_dependency_and_name_no_index() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    for file, wanted in (
        ("requirements.txt", project["dependencies"]),
        ("requirements-dev.txt", project["dependencies"] + extras["studio"] + extras["dev"]),
    ):
        pins = (ROOT / file).read_text("utf-8")
        names = [re.match(r"[A-Za-z0-9-]+", each)[0].lower() for each in wanted]  # type: ignore[index]
        assert [name for name in names if f"\n{name}==" not in pins] == []
        assert "://" not in pins
        assert "index-url" not in pins


def test_the_same_package_has_the_same_pin_everywhere() -> None:
    runtime, everything = (
        set(re.findall(r"(?m)^(\S+==\S+)", (ROOT / file).read_text("utf-8")))
        for file in ("requirements.txt", "requirements-dev.txt")
    )
    assert sorted(runtime - everything) == []
