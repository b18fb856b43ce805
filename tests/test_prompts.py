"""Prompts: named text with slots, every one of which is filled before a model sees it."""

import ast
import re
from pathlib import Path
from string import Template

import pytest

from common import prompts

ROOT = Path(__file__).parents[1]
COMMON = ROOT / "common"


def slots(name: str) -> set[str]:
    return set(Template(prompts._TEMPLATES[name].text).get_identifiers())


def calls_of_fill() -> list[tuple[str, set[str]]]:
    """Every call of ``fill("name", slot=...)`` in the house: the name and its keywords."""
    trees = (ast.parse(path.read_text("utf-8")) for path in sorted(COMMON.rglob("*.py")))
    return [
        (str(node.args[0].value), {word.arg for word in node.keywords if word.arg})
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] == "fill"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]


@pytest.mark.parametrize("name", prompts.names())
def test_no_slot_is_left_open(name: str) -> None:
    filled = prompts.fill(name, **{slot: f"<{slot}>" for slot in slots(name)})
    assert not re.search(r"\$\w|\$\{", filled.text)
    assert all(f"<{slot}>" in filled.text for slot in slots(name))


@pytest.mark.parametrize("name", prompts.names())
def test_an_open_slot_is_an_error(name: str) -> None:
    if not slots(name):
        assert prompts.fill(name).text
        return
    with pytest.raises(KeyError):
        prompts.fill(name)


@pytest.mark.parametrize("name", prompts.names())
def test_a_prompt_bears_its_name_and_a_version(name: str) -> None:
    filled = prompts.fill(name, **dict.fromkeys(slots(name), "x"))
    assert filled.name == name
    assert filled.version >= 1


def test_an_unknown_prompt_is_an_error() -> None:
    with pytest.raises(KeyError):
        prompts.fill("improve-everything")


def test_a_dollar_in_the_users_words_is_only_a_dollar() -> None:
    filled = prompts.fill("detect", query="a $price tag and $key_hex")
    assert "a $price tag and $key_hex" in filled.text


def test_every_caller_fills_exactly_the_slots_of_its_prompt() -> None:
    calls = calls_of_fill()
    assert calls
    assert [(name, words) for name, words in calls if words != slots(name)] == []


def test_every_prompt_is_used() -> None:
    assert set(prompts.names()) == {name for name, _ in calls_of_fill()}
