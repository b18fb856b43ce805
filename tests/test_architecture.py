"""The arrows between rooms: who may import whom, read from the code itself.

A new room, a new arrow or a new package is a decision: it is made here, in the open, or not at all.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSE = ("common", "functions", "studio")
LONGEST_MODULE = 450  # lines; well before that, a wall is missing

_PICTURES = {"common.errors", "common.geometry", "common.image", "common.fields"}
_MATHS = _PICTURES | {"common.backdrop", "common.glyphs", "common.palette", "common.renders"}
_MODELS = _MATHS | {"common.codec", "common.composite", "common.prompts", "common.settings"}
_MODELS |= {"common.vlm.base", "common.vlm.answers", "common.vlm.prices"}

# Room -> rooms it may import.  A room is a module or a package with all it holds.
ROOMS: dict[str, set[str]] = {
    # the ground floor: no pixels
    "common.allocator": set(),
    "common.errors": set(),
    "common.verdict": set(),
    "common.prompts": set(),
    "common.geometry": {"common.errors"},
    "common.apikeys": {"common.errors"},
    "common.settings": {"common.errors", "common.apikeys"},
    "common.report": {"common.geometry"},
    "common.presets": {"common.errors"},
    # pixels
    "common.image": {"common.geometry"},
    "common.fields": {"common.geometry", "common.image"},
    "common.backdrop": _PICTURES,
    "common.palette": _PICTURES,
    "common.renders": _PICTURES,
    "common.glyphs": _PICTURES | {"common.backdrop", "common.palette"},
    "common.composite": _MATHS,
    "common.matting": _MATHS | {"common.verdict"},
    # what an operation may ask of a model
    "common.vlm.base": {"common.errors", "common.geometry", "common.image", "common.prompts"},
    "common.vlm.answers": {"common.errors", "common.geometry", "common.vlm.base"},
    "common.vlm.prices": {"common.errors", "common.vlm.base"},
    # operations: pure but for the model they are handed
    "common.operations": _MATHS
    | {"common.composite", "common.matting", "common.prompts", "common.report", "common.verdict"}
    | {"common.presets"}  # check measures against them, comply makes what they ask for
    | {"common.vlm.base", "common.vlm.answers"},
    # edges: wired only in functions and studio
    "common.codec": _PICTURES | {"common.composite"},  # what holds no alpha stands on a colour
    "common.store": {"common.errors", "common.settings"},
    "common.spend": {"common.errors", "common.store"},
    # batches: what waits is noted in the store, and paid for in advance
    "common.bulk": {"common.errors", "common.store", "common.spend"},
    "common.vlm.embedded": _MODELS,
    "common.vlm.gemini": _MODELS,
    "common.vlm.given": _MODELS,
    "common.vlm.managed": _MODELS,
    "common.vlm.remembered": _MODELS,
    "common.vlm.scripted": _MODELS,
    # one job: claim, run, publish
    "common.jobs": {"common.errors", "common.store"},
}
FOR_TESTS_ONLY = {"common.vlm.scripted"}
ROOMS["functions"] = set(ROOMS) - FOR_TESTS_ONLY
ROOMS["studio"] = set(ROOMS) - FOR_TESTS_ONLY
EMPTY = {"common", "common.vlm"}  # packages that only hold rooms

# Package -> rooms that may import it; those in `LAZY` only inside a function, for a short start.
EVERYWHERE_WITH_PIXELS = (_MATHS - {"common.errors", "common.geometry"}) | {
    *("common.composite", "common.matting", "common.operations", "common.codec", "common.vlm"),
    *("functions", "studio"),
}
PACKAGES: dict[str, set[str]] = {
    "numpy": EVERYWHERE_WITH_PIXELS,
    "cv2": EVERYWHERE_WITH_PIXELS,
    "pydantic": {"common.report", "common.presets", "common.operations.options"}
    | {"common.operations.published", "common.operations.written"}
    | {"functions", "studio"},
    "PIL": {"common.codec"},
    "pillow_heif": {"common.codec"},
    "flask": {"functions", "studio"},
    "werkzeug": {"functions", "studio"},
    "cloudevents": {"functions", "studio"},
    "functions_framework": {"functions", "studio"},
    "google.genai": {"common.vlm.gemini"},
    # functions._http.access verifies Identity-Aware Proxy's tokens
    "google.auth": {"common.vlm.gemini", "common.store", "functions"},
    "google.cloud": {"common.store"},
    "google.api_core": {"common.store"},
    "requests": {"common.store"},
    "standardwebhooks": {"functions"},
    "watchfiles": {"studio"},
    "patchmatch": {"common.vlm.embedded"},
}
LAZY = {"google.genai", "google.auth", "google.cloud", "google.api_core", "requests", "patchmatch"}
LAZY |= {"pillow_heif"}


# --- reading the house ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Import:
    """One import of `target` by the module `source`; lazy inside a function."""

    source: str
    target: str
    lazy: bool

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"


@cache
def modules() -> dict[str, ast.Module]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text("utf-8"), str(path)
        )
        for house in HOUSE
        for path in sorted((ROOT / house).rglob("*.py"))
    }


@cache
def imports() -> tuple[Import, ...]:
    return tuple(
        Import(source, target, lazy)
        for source, tree in modules().items()
        for node, lazy in statements(tree)
        for target in targets(node)
        if target.split(".")[0] not in sys.stdlib_module_names
    )


def statements(tree: ast.AST, lazy: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Every import below `tree`, and whether it runs only when a function is called."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, lazy
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            yield from ((node, True) for node, _ in statements(child))
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from statements(child, lazy or inside)


def targets(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert isinstance(node, ast.ImportFrom)
    assert node.level == 0, f"a relative import hides where it leads: {ast.unparse(node)}"
    named = [f"{node.module}.{alias.name}" for alias in node.names]
    return [
        name if name in modules() or node.module == "google" else node.module or ""
        for name in named
    ]


def longest_prefix(name: str, among: set[str]) -> str | None:
    fits = [each for each in among if name == each or name.startswith(f"{each}.")]
    return max(fits, key=len, default=None)


def room(module: str) -> str | None:
    return longest_prefix(module, set(ROOMS))


def is_ours(name: str) -> bool:
    return name.partition(".")[0] in HOUSE


# --- the arrows -----------------------------------------------------------------------------------


def test_every_module_belongs_to_a_room() -> None:
    assert [name for name in modules() if room(name) is None and name not in EMPTY] == []


def test_the_plan_has_no_arrow_that_leads_back() -> None:
    assert cycles({name: allowed - {"functions"} for name, allowed in ROOMS.items()}) == []


def test_rooms_import_only_what_the_plan_allows() -> None:
    bent = [
        str(each)
        for each in imports()
        if is_ours(each.target)
        and each.target not in EMPTY
        and room(each.source) != room(each.target)
        and room(each.target) not in ROOMS.get(room(each.source) or "", set())
    ]
    assert bent == []


def test_modules_import_each_other_in_no_circle() -> None:
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for each in imports():
        if is_ours(each.target) and not each.lazy and each.target != each.source:
            graph[each.source].add(each.target)
    assert cycles(graph) == []


def cycles(graph: dict[str, set[str]]) -> list[str]:
    """What is left of a graph when whatever has no arrow onwards is taken away, again and again."""
    left = dict(graph)
    while free := [name for name, onwards in left.items() if not onwards & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)


# --- packages -------------------------------------------------------------------------------------


def foreign() -> list[Import]:
    return [each for each in imports() if not is_ours(each.target)]


def test_every_package_is_one_that_was_chosen() -> None:
    known = set(PACKAGES)
    assert [str(each) for each in foreign() if longest_prefix(each.target, known) is None] == []


def test_packages_are_imported_only_where_they_belong() -> None:
    misplaced = [
        str(each)
        for each in foreign()
        if (package := longest_prefix(each.target, set(PACKAGES)))
        and longest_prefix(each.source, PACKAGES[package]) is None
    ]
    assert misplaced == []


def test_slow_packages_are_imported_inside_the_call_that_needs_them() -> None:
    early = [
        str(each)
        for each in foreign()
        if longest_prefix(each.target, set(PACKAGES)) in LAZY and not each.lazy
    ]
    assert early == []


SLOW = ["google.genai", "google.cloud.storage", "requests", "patchmatch", "hypothesis", "numba"]
SLOW += ["pillow_heif"]
LOADED = """
import sys
from functions import check, cutout, detect, erase, expand, jobs, openapi, pipeline, removebg
from functions import sweep, uploads
print(*sorted(set(sys.modules) & set(sys.argv[1:])))
"""


def test_functions_start_without_what_they_may_not_need() -> None:
    command = [sys.executable, "-c", LOADED, *SLOW]
    fresh = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert (fresh.returncode, fresh.stdout.split(), fresh.stderr) == (0, [], "")


# --- habits ---------------------------------------------------------------------------------------


def test_no_module_is_longer_than_a_reader_holds_in_mind() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines())
        for house in HOUSE
        for path in (ROOT / house).rglob("*.py")
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_nothing_below_the_doors_prints() -> None:
    assert [name for name in below_the_doors() if uses(name, {"print"})] == []


def test_nothing_below_the_doors_reads_the_environment() -> None:
    environment = {"os.environ", "os.environb", "os.getenv", "environ", "getenv"}
    assert [name for name in below_the_doors() if uses(name, environment)] == []


def below_the_doors() -> list[str]:
    return [name for name in modules() if name.split(".")[0] == "common"]


def uses(module: str, names: set[str]) -> bool:
    """Whether a call, a name read from ``os`` or an import in `module` is one of `names`."""
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
            return True
        if isinstance(node, ast.Attribute) and ast.unparse(node) in names:
            return True
        if isinstance(node, ast.ImportFrom) and names & {alias.name for alias in node.names}:
            return True
    return False


# --- the test can fail ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "lazy"),
    [
        ("from google import genai", False),
        ("from google.genai import types", False),
        ("import google.genai as g", False),
        ("if True:\n    import google.genai", False),
        ("try:\n    import google.genai\nexcept ImportError:\n    pass", False),
        ("class A:\n    from google import genai", False),
        ("def f():\n    from google import genai", True),
        ("class A:\n    def f(self):\n        import google.genai.types", True),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from google import genai", True),
    ],
)
def test_an_import_is_seen_wherever_it_hides(code: str, lazy: bool) -> None:
    seen = [
        (target, late)
        for node, late in statements(ast.parse(code))
        for target in targets(node)
        if longest_prefix(target, set(PACKAGES)) == "google.genai"
    ]
    assert [late for _, late in seen] == [lazy]


def test_a_circle_is_seen() -> None:
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": set()}) == list("abcd")
