"""docs/presets.md says what the presets say."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from common import presets
from common.presets import Preset, Range, Rule

PAGE = (Path(__file__).parents[2] / "docs" / "presets.md").read_text("utf-8")


def table(preset: Preset) -> str:
    """The part of the page that tells about a preset."""
    make = preset.make
    made = [make.format, f"at most {make.longest} px"]
    made += [make.ratio] if make.ratio else []
    made += [f"on {make.background}"] if make.background else []
    made += [f"subject {make.fill:.0%}"] if make.fill else []
    rows = [
        f"### {preset.name}",
        "",
        f"{preset.title}. Made as: {', '.join(made)}.",
        "",
        "| rule | level | value | source | read |",
        "|---|---|---|---|---|",
        *(row(rule) for rule in preset.rules),
    ]
    return "\n".join(rows)


def row(rule: Rule) -> str:
    said = f"{value(rule)} ({rule.note})" if rule.note else value(rule)
    cells = [rule.rule.replace("_", " "), rule.level, said, source(rule), rule.date.isoformat()]
    return f"| {' | '.join(cells)} |"


def value(rule: Rule) -> str:
    if isinstance(rule.value, Range):
        bounds = (("at least", rule.value.least), ("at most", rule.value.most))
        return ", ".join(f"{word} {figure(bound)}" for word, bound in bounds if bound is not None)
    return ", ".join(rule.value) if isinstance(rule.value, list) else rule.value


def figure(bound: float) -> str:
    return f"{bound:,.0f}" if bound >= 100 else f"{bound:g}"


def source(rule: Rule) -> str:
    if rule.source == "house":
        return "the studio"
    return f"[{urlsplit(rule.source).hostname}]({rule.source})"


@pytest.mark.parametrize("name", presets.names())
def test_the_page_tells_every_rule_with_its_source_and_date(name: str) -> None:
    assert table(presets.named(name)) in PAGE


def test_the_page_tells_of_no_other_preset() -> None:
    assert re.findall(r"^### (.*)$", PAGE, re.MULTILINE) == sorted(presets.names())


def test_the_presets_that_the_page_shows_can_be_read() -> None:
    [written] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert presets.read(written.encode(), "docs/presets.md").name == "mine"
