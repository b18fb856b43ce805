"""What is deployed is what was written: terraform's names against functions/ and the settings.

Terraform itself is tested in terraform/tests, where providers are mocked; here its text is read.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from common.jobs.sweep import DAY, KEPT
from common.operations.registry import OPERATIONS
from functions._sweeping import MOST_ATTEMPTS

ROOT = Path(__file__).parents[2]
TERRAFORM = ROOT / "terraform"
FILES = {path.name: path.read_text("utf-8") for path in sorted(TERRAFORM.glob("*.tf"))}

LINE = re.compile(
    r'^    (\w+) += \{ door = "(\w+)", size = "(\w+)", paths = \[(.*?)\], needs = \[(.*?)\] \}$',
    re.MULTILINE,
)
MAP = {
    name: {"door": door, "size": size, "paths": paths, "needs": re.findall(r'"(\w+)"', needs)}
    for name, door, size, paths, needs in LINE.findall(FILES["functions.tf"])
}
HOW_TO_ADD_A_FUNCTION = """
The map `functions` in terraform/functions.tf has one line for each entry point of functions/:
    shadow           = { door = "http", size = "erase", paths = ["/v1/shadow"], needs = [...] }
    shadow_dropped   = { door = "bucket", size = "erase", paths = [], needs = [...] }
Copy the lines of the function that is most like it, and run terraform fmt."""
HOW_TO_ADD_A_SETTING = """
A setting that an operator of the cloud should have is set in terraform/environment.tf, beside those
of the need or door it goes with (or in terraform/secrets.tf, if it is a secret):
    STUDIO_SHADE = var.shade
One that has no place there gets a line in LEFT_ALONE here, with the reason."""

LEFT_ALONE = {  # settings that terraform does not set, and why
    "GOOGLE_API_KEY": "another name of GEMINI_API_KEY",
    "GOOGLE_GENAI_USE_VERTEXAI": "STUDIO_VERTEX_PROJECT says the same",
    "STUDIO_GEMINI_BASE_URL": "for proxies and test doubles",
}
NOT_OURS = {  # variables that terraform sets and Settings does not read, and who does
    "LOG_EXECUTION_ID": "functions-framework",
    "THREADS": "functions-framework's server",
}


# --- functions ------------------------------------------------------------------------------------


def entry_points() -> dict[str, str]:
    """Every entry point of functions/, and its kind: http or cloud_event."""
    return {
        node.name: ast.unparse(decorator).removeprefix("functions_framework.")
        for path in sorted((ROOT / "functions").glob("[a-z]*.py"))
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if ast.unparse(decorator).startswith("functions_framework.")
    }


def test_the_map_names_every_entry_point_and_no_other() -> None:
    written = set(entry_points())
    missing, gone = sorted(written - set(MAP)), sorted(set(MAP) - written)
    assert not missing, f"terraform/functions.tf lacks {missing}.{HOW_TO_ADD_A_FUNCTION}"
    assert not gone, f"functions/ has no {gone}, which terraform/functions.tf names."


def test_every_line_of_the_map_is_understood_here() -> None:
    block = FILES["functions.tf"].partition("  functions = {\n")[2].partition("\n  }\n")[0]
    assert len(block.splitlines()) == len(MAP), HOW_TO_ADD_A_FUNCTION


def test_a_door_fits_its_entry_points_kind() -> None:
    kinds = entry_points()
    doors = {"http": {"http", "clock"}, "cloud_event": {"bucket"}}
    assert [name for name, line in MAP.items() if line["door"] not in doors[kinds[name]]] == []


def test_an_entry_point_stands_in_the_file_that_main_looks_in() -> None:
    places = {name: ROOT / "functions" / f"{name.removesuffix('_dropped')}.py" for name in MAP}
    assert [name for name, path in places.items() if f"def {name}(" not in path.read_text()] == []


def test_every_operation_can_be_dropped_into_the_bucket_of_the_cloud() -> None:
    dropped = {name.removesuffix("_dropped") for name in MAP if name.endswith("_dropped")}
    assert dropped == set(OPERATIONS)


def test_every_size_is_one_that_sizes_tf_knows() -> None:
    known = set(re.findall(r"^ {4}(\w+) += \{ cpu = ", FILES["sizes.tf"], re.MULTILINE))
    assert {str(line["size"]) for line in MAP.values()} == known


# --- settings -------------------------------------------------------------------------------------


def settings_read() -> set[str]:
    """Every environment variable that Settings reads."""
    tree = ast.parse((ROOT / "common" / "settings.py").read_text("utf-8"))
    return {
        str(call.args[0].value)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and ast.unparse(call.func.value) == "read"
        and isinstance(call.args[0], ast.Constant)
    }


def settings_set() -> set[str]:
    """Every environment variable that terraform sets."""
    variable = r"\b([A-Z][A-Z]+(?:_[A-Z]+)*) += "
    return {
        name
        for file in ("environment.tf", "secrets.tf")
        for line in FILES[file].splitlines()
        for name in re.findall(variable, line.partition("#")[0])
    }


def test_every_variable_that_terraform_sets_is_read() -> None:
    assert sorted(settings_set() - settings_read() - set(NOT_OURS)) == []


def test_every_setting_is_set_by_terraform_or_left_alone_for_a_reason() -> None:
    missing = sorted(settings_read() - settings_set() - set(LEFT_ALONE))
    assert not missing, f"terraform does not set {missing}.{HOW_TO_ADD_A_SETTING}"


def test_nothing_is_left_alone_that_is_set_or_gone() -> None:
    assert sorted(set(LEFT_ALONE) & settings_set()) == []
    assert sorted(set(LEFT_ALONE) - settings_read()) == []


# --- what is said twice ---------------------------------------------------------------------------


def test_lifecycle_comes_after_the_sweep_which_knows_better() -> None:
    rule = re.search(r"age = (\d+), prefixes = \[(.*?claims/.*?)\]", FILES["buckets.tf"])
    assert rule
    assert set(re.findall(r'"(.*?)"', rule[2])) == set(KEPT)
    assert int(rule[1]) * DAY > max(KEPT.values())


def test_the_queue_gives_up_when_the_sweep_does() -> None:
    assert f"max_delivery_attempts = {MOST_ATTEMPTS}\n" in FILES["triggers.tf"]


# --- what comes first -----------------------------------------------------------------------------

BLOCK = re.compile(r'^(resource|data) "(\w+)" "(\w+)" \{\n(.*?)^\}$', re.MULTILINE | re.DOTALL)
PROJECT = "google_project.this"  # asked before anything is enabled, as docs/operations.md says


def test_nothing_is_made_before_its_service_is_enabled() -> None:
    blocks = {
        f"{kind}.{name}": set(re.findall(r"\b(google_\w+\.\w+)", code(body)))
        for text in FILES.values()
        for _, kind, name, body in BLOCK.findall(text)
    }
    after = {"google_project_service.this"}
    while more := {name for name, refers in blocks.items() if refers & after} - after:
        after |= more
    assert len(blocks) > 50
    assert set(blocks) - after == {PROJECT}


def test_terraform_asks_nothing_that_is_not_enabled_by_hand_before() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text("utf-8")
    by_hand = operations.partition("## Deploy")[0]
    assert "cloudresourcemanager.googleapis.com" in by_hand
    assert "serviceusage.googleapis.com" in by_hand


# --- nothing is public ----------------------------------------------------------------------------


def code(text: str) -> str:
    """Terraform without its comments and the sentences it speaks."""
    lines = (line.partition("#")[0] for line in text.splitlines())
    return "\n".join(line for line in lines if "error_message" not in line)


def test_all_users_stand_in_one_place_which_is_not_there_by_default() -> None:
    found = {
        name: len(re.findall(r"allUsers|allAuthenticatedUsers", code(text)))
        for name, text in FILES.items()
    }
    assert {name: times for name, times in found.items() if times} == {"gateway.tf": 1}
    keyed = FILES["gateway.tf"].partition('"keyed" {')[2].partition("\n}\n")[0]
    assert 'member   = "allUsers"' in keyed
    assert 'for_each = local.behind_doors["keys"]' in keyed


def test_no_role_is_broad_and_none_is_given_as_a_whole_policy() -> None:
    everything = code("\n".join(FILES.values()))
    assert re.findall(r"roles/(?:owner|editor|viewer)\b|roles/\w+\.admin\b", everything) == []
    assert re.findall(r'resource "google_\w+_iam_(?:policy|binding)"', everything) == []


def test_a_secret_is_named_and_never_made_here() -> None:
    everything = code("\n".join(FILES.values()))
    assert "google_secret_manager_secret_version" not in everything
    assert "google_service_account_key" not in everything
