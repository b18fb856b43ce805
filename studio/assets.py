"""Assets on files: presets that the user wrote, and the names of what is made for several."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import codec, presets
from common.errors import BadOptions
from common.presets import Preset
from studio import files
from studio.files import Task

_MOST_BYTES = 1_000_000  # of a preset's file
_SUFFIX = ".json"


def with_own(values: dict[str, Any]) -> dict[str, Any]:
    """Return flags' values with the presets read that are paths: ``./mine.json``.

    Raises
    ------
    BadInput
        A file cannot be read.
    BadOptions
        A file is no preset.
    """
    if "preset" not in values:
        return values
    named = [part.strip() for text in values["preset"] for part in text.split(",")]
    return values | {"preset": [_read(name) if _is_path(name) else name for name in named]}


def _is_path(name: str) -> bool:
    return "/" in name or os.sep in name or name.endswith(_SUFFIX)


def _read(name: str) -> Preset:
    return presets.read(files.read(Path(name), _MOST_BYTES), name)


def tasks(photos: Sequence[str], output: str | None, wanted: Sequence[Preset]) -> list[Task]:
    """Pair photos with the files that are made of each for presets, in the presets' order.

    One photo for one preset may become a file that is named with its suffix; everything else goes
    into a folder, as ``shoe.amazon-main.jpg``.

    Raises
    ------
    BadOptions
        The output is no folder where one is needed, has a suffix that the preset does not write, or
        something would be written over.
    """
    if output is None:
        return files.tasks(photos, None, "")
    if len(photos) == len(wanted) == 1 and not _is_folder(output):
        _check_suffix(Path(output), wanted[0])
        made = [Task(Path(photos[0]), Path(output), (Path(output),))]
    else:
        _check_folder(output)
        made = [_in_folder(Path(photo), Path(output), wanted) for photo in photos]
    files.refuse_meetings([(path, task.photo) for task in made for path in task.assets])
    files.refuse_overwriting(
        [Path(photo) for photo in photos], [path for task in made for path in task.assets]
    )
    return made


def _in_folder(photo: Path, folder: Path, wanted: Sequence[Preset]) -> Task:
    names = [f"{photo.stem}.{preset.name}{codec.SUFFIXES[preset.make.format]}" for preset in wanted]
    return Task(photo, folder / photo.stem, tuple(folder / name for name in names))


def _check_suffix(path: Path, preset: Preset) -> None:
    if codec.format_of(path.suffix) != preset.make.format:
        raise BadOptions(
            f"{preset.name} is written as {preset.make.format}.",
            advice=f"Name the output {path.stem}{codec.SUFFIXES[preset.make.format]}.",
            field="output",
        )


def _is_folder(output: str) -> bool:
    return files.is_folder(output) or not Path(output).suffix


def _check_folder(output: str) -> None:
    if not _is_folder(output):
        raise BadOptions(
            "Several assets do not fit into one file.",
            advice=f"Name a folder with -o: {Path(output).stem}/",
            field="output",
        )
