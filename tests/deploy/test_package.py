"""The zips that are deployed: what is in them, that they are always the same, and that they start.

Each function is booted here from the unpacked zip by this interpreter, in a process that sees
nothing of the checkout; `.ci/run` boots each in a process of its own, in an environment that holds
requirements.txt and nothing else.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
BOOT = """
import json, sys
sys.path[:] = [".", *(path for path in sys.path if path != sys.argv[1])]
import functions_framework
told = {}
for target in sys.argv[2:]:
    client = functions_framework.create_app(target, "main.py").test_client()
    message = {"messageId": "1", "publishTime": "2026-11-22T00:00:00Z", "data": ""}
    message["attributes"] = {"eventType": "OBJECT_DELETE"}
    event = {"message": message, "subscription": "s"}
    answer = client.post("/", json=event if target.endswith("_dropped") else {})
    told[target] = answer.status_code
import common
print(json.dumps([common.__file__, told]))
"""


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("package", ROOT / "terraform" / "package.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


package = _load()


@pytest.fixture(scope="module")
def zips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zips")
    package.main(str(folder))
    return folder


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_the_zip_holds_what_functions_need_and_nothing_else(zips: Path) -> None:
    held = names(zips / "functions.zip")
    beginnings = {name.partition("/")[0] for name in held}
    assert beginnings == {"main.py", "requirements.txt", "common", "functions"}
    wanted = {".py", ".json", ".typed"}
    code = [Path(name).suffix for name in held if "/" in name]
    assert set(code) <= wanted
    assert [name for name in held if "test" in name or "__pycache__" in name] == []


def test_the_zip_holds_every_module_and_every_preset(zips: Path) -> None:
    held = set(names(zips / "functions.zip"))
    written = {
        path.relative_to(ROOT).as_posix()
        for house in ("common", "functions")
        for suffix in ("*.py", "*.json")
        for path in (ROOT / house).rglob(suffix)
    }
    assert sorted(written - held) == []


def test_the_same_files_make_the_same_bytes_at_any_time_in_any_order(tmp_path: Path) -> None:
    files = {"b.py": b"2", "a.py": b"1", "c/d.py": b"3"}
    package.write_zip(tmp_path / "one.zip", files)
    time.sleep(0.01)
    package.write_zip(tmp_path / "two.zip", dict(reversed(files.items())))
    first = (tmp_path / "one.zip").read_bytes()
    assert first == (tmp_path / "two.zip").read_bytes()
    # Known bytes: another machine's Python must write them too.
    assert hashlib.sha256(first).hexdigest() == KNOWN


KNOWN = "06fac86f78a8d55673fa21f69b28378c3d3d1604b11c684dc5f94e756addd33b"


def test_pins_are_the_projects_own(zips: Path) -> None:
    with zipfile.ZipFile(zips / "functions.zip") as archive:
        assert archive.read("requirements.txt") == (ROOT / "requirements.txt").read_bytes()


def test_every_function_starts_from_the_unpacked_zip(zips: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(zips / "functions.zip") as archive:
        archive.extractall(tmp_path)
    targets = sorted(entry_points())
    command = [sys.executable, "-I", "-c", BOOT, str(ROOT), *targets]
    settings = {"STUDIO_ACCESS": "open", "STUDIO_ENGINE": "embedded"}
    for bucket in ("input", "work", "output"):
        settings[f"STUDIO_{bucket.upper()}_BUCKET"] = str(tmp_path / "buckets" / bucket)
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | settings, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    place, told = json.loads(done.stdout.splitlines()[-1])
    assert Path(place).is_relative_to(tmp_path)
    assert {target for target, status in told.items() if status >= 500} == set()
    assert {told[target] for target in targets if target.endswith("_dropped")} == {200}
    assert told["sweep"] == 200


def entry_points() -> set[str]:
    return {
        node.name
        for path in (ROOT / "functions").glob("[a-z]*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    }


def test_only_the_module_that_is_asked_for_is_imported(zips: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(zips / "functions.zip") as archive:
        archive.extractall(tmp_path)
    script = "import sys; sys.path.insert(0, '.'); import main; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"FUNCTION_TARGET": "detect_dropped"},
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = {name for name in done.stdout.split() if name.startswith("functions.")}
    assert "functions.detect" in loaded
    assert [name for name in loaded if name.count(".") == 1 and "._" not in name] == [
        "functions.detect"
    ]


# --- the page -------------------------------------------------------------------------------------

PAGE = """
import json
import functions_framework
client = functions_framework.create_app("page", "main.py").test_client()
told = {}
for path in ("/", "/studio.css", "/nothing.js", "/../main.py", "/%2e%2e/main.py", "/policy.txt"):
    answer = client.get(path)
    told[path] = [answer.status_code, dict(answer.headers), answer.get_data(as_text=True)[:15]]
told["POST"] = [client.post("/").status_code, {}, ""]
print(json.dumps(told))
"""


def test_the_page_serves_its_files_with_its_policy_and_nothing_beside_them(
    zips: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(zips / "page.zip") as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "-I", "-c", PAGE]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    status, headers, beginning = told["/"]
    assert (status, beginning) == (200, "<!doctype html>")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Content-Type"].startswith("text/html")
    assert told["/studio.css"][1]["Content-Type"].startswith("text/css")
    others = ("/nothing.js", "/../main.py", "/%2e%2e/main.py", "/policy.txt")
    assert [told[path][0] for path in others] == [404] * 4
    assert told["POST"][0] == 405
