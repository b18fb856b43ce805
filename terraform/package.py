"""Write the zips that are deployed: the same files give the same bytes, on every machine.

    python terraform/package.py [FOLDER]        (build/ unless said otherwise)

``functions.zip`` holds what every function needs: ``main.py``, ``common/``, ``functions/`` and the
pinned ``requirements.txt``; no tests, no page, nothing of the machine it was made on.  ``page.zip``
holds the web page and the function that serves it.
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from studio.page import POLICY

ROOT = Path(__file__).parents[1]
CODE = (".py", ".json", ".txt", ".typed")  # of common/ and functions/: modules and their data
WHEN = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can tell; when it was made is no part of it
READABLE = 0o100644 << 16  # a plain file, in the upper half of a zip's attributes


def main(folder: str = "build") -> None:
    """Write both zips into `folder`, and say what they are."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name, files in (("functions.zip", functions_files()), ("page.zip", page_files())):
        write_zip(target / name, files)
        data = (target / name).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        print(f"{target / name}: {len(files)} files, {len(data):,} bytes, sha256 {digest}")


def functions_files() -> dict[str, bytes]:
    """Return the files of the functions by their names in the zip."""
    houses = (path for house in ("common", "functions") for path in _below(ROOT / house, CODE))
    paths = [ROOT / "main.py", ROOT / "requirements.txt", *houses]
    return {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}


def page_files() -> dict[str, bytes]:
    """Return the files of the page by their names in the zip."""
    web = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in _below(ROOT / "web")}
    own = {
        "main.py": (ROOT / "terraform" / "page" / "main.py").read_bytes(),
        "policy.txt": POLICY.encode(),
        "requirements.txt": (ROOT / "requirements.txt").read_bytes(),
    }
    return own | web


def _below(folder: Path, suffixes: tuple[str, ...] = ()) -> Iterator[Path]:
    """Yield the files below `folder` that somebody wrote, of `suffixes` where any are named."""
    for path in folder.rglob("*"):
        below = path.relative_to(folder).parts
        hidden = any(part.startswith((".", "__pycache__")) for part in below)
        if path.is_file() and not hidden and (not suffixes or path.suffix in suffixes):
            yield path


def write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a zip that depends on nothing but its files' names and bytes.

    They are stored, not deflated: compressed bytes differ from one zlib to the next.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, WHEN)
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = READABLE
            archive.writestr(entry, data)


if __name__ == "__main__":
    main(*sys.argv[1:])
