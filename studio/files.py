"""Photos in, results out: names, and the care that no photo is ever overwritten."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import BadInput, BadOptions, PictureTooLarge


@dataclass(frozen=True)
class Task:
    """One photo, and where its result goes; None where nothing is written.

    Attributes
    ----------
    assets
        Where the assets go that are made for presets, if any are: then `result` only names them.
    """

    photo: Path
    result: Path | None
    assets: tuple[Path, ...] = ()

    def written(self) -> tuple[Path, ...]:
        """Return the files that the result becomes."""
        return self.assets or (() if self.result is None else (self.result,))


def tasks(photos: Sequence[str], output: str | None, suffix: str) -> list[Task]:
    """Pair photos with results.

    Parameters
    ----------
    output
        A file for one photo; a folder (it exists, ends in a slash, or there are several photos);
        None writes nothing.
    suffix
        Of results in a folder.

    Raises
    ------
    BadOptions
        Two photos would have the same result, or a result would replace a photo.
    """
    paths = [Path(photo) for photo in photos]
    if output is None:
        return [Task(path, None) for path in paths]
    if len(paths) > 1 or is_folder(output):
        made = [Task(path, Path(output) / f"{path.stem}{suffix}") for path in paths]
    else:
        made = [Task(paths[0], Path(output))]
    refuse_meetings([(path, task.photo) for task in made for path in task.written()])
    refuse_overwriting(paths, [task.result for task in made if task.result is not None])
    return made


def refuse_overwriting(inputs: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Refuse to write over a file that is being read.

    Raises
    ------
    BadOptions
        Naming the file.
    """
    kept = {path.resolve() for path in inputs}
    for path in outputs:
        if path.resolve() in kept:
            raise BadOptions(f"{path} would be overwritten.", advice="Name another file with -o.")


def read(path: Path, max_bytes: int | None = None) -> bytes:
    """Return a file's bytes, having looked at its size first.

    Raises
    ------
    BadInput
        It cannot be read.
    PictureTooLarge
        More than `max_bytes`.
    """
    try:
        if path.is_dir():
            raise BadInput("This is a folder.", advice=f"Name the photos in it: {path}/*.jpg")
        size = path.stat().st_size
        if max_bytes is not None and size > max_bytes:
            raise PictureTooLarge(
                f"The file has {size:,} bytes; the limit is {max_bytes:,}.",
                advice="Use a smaller file.",
            )
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"The file cannot be read: {error.strerror or error}.") from error


def write(path: Path, data: bytes) -> None:
    """Write a whole file or none, making its folder if need be.

    Raises
    ------
    BadInput
        It cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise BadInput(
            f"{path} cannot be written: {error.strerror or error}.", advice="Name another with -o."
        ) from error


def is_folder(output: str) -> bool:
    """Whether an output names a folder: it is one, or ends as one."""
    return output.endswith(("/", os.sep)) or Path(output).is_dir()


def refuse_meetings(made: Iterable[tuple[Path, Path]]) -> None:
    """Refuse results that two photos share, given as pairs of result and photo.

    Raises
    ------
    BadOptions
        Naming both photos.
    """
    seen: dict[Path, Path] = {}
    for result, photo in made:
        other = seen.setdefault(result, photo)
        if other is not photo:
            raise BadOptions(
                f"{other} and {photo} would both become {result}.",
                advice="Rename one, or run them apart.",
            )
