"""What a sheet shows: results, the photos they were made from, and what their reports say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.errors import BadInput
from common.store import is_hidden
from studio import files

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".gif", ".bmp"})
_PHOTOS = PICTURES | {".heic", ".heif", ".psd"}  # what comes in, though it never goes out
_SUFFIXES = [suffix for small in sorted(_PHOTOS) for suffix in (small, small.upper())]
REPORT = ".json"
_MOST_BYTES = 100_000_000  # of a report: one of many photos tells about each
_ORDER = ("failed", "review", "refused", "original", "", "accepted", "planned")
_FIRST = {"failed", "review", "refused"}  # what a person should look at


@dataclass(frozen=True)
class Item:
    """One result.

    Attributes
    ----------
    name
        What it is called on the sheet.
    after, before
        The result and the photo, where they are known.
    decision
        The report's, ``failed`` where there is a problem instead; empty without a report.
    facts
        The report, or the problem.
    """

    name: str
    after: Path | None = None
    before: Path | None = None
    decision: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def wants_eyes(self) -> bool:
        """Whether a person should look at it before the others."""
        return self.fails or (self.decision in _FIRST and not self._only_others_fail)

    @property
    def _only_others_fail(self) -> bool:
        """Whether a result that was good is for review for another asset's check alone."""
        every, rungs = _dicts(self.facts.get("checks")), _dicts(self.facts.get("ladder"))
        failed = any(each.get("passed") is False for each in every)
        return failed and len(self.checks) < len(every) and any(r.get("accepted") for r in rungs)

    @property
    def fails(self) -> bool:
        """Whether a check found what must not be."""
        return any(each.get("passed") is False for each in self.checks)

    @property
    def checks(self) -> list[Mapping[str, Any]]:
        """What was measured against presets; of one asset of several its own alone."""
        checks = _dicts(self.facts.get("checks"))
        own = [each for each in checks if self._is_named(str(each.get("preset")))]
        return own or checks

    @property
    def scores(self) -> dict[str, float]:
        """The report's figures."""
        scores = self.facts.get("scores")
        named = scores.items() if isinstance(scores, Mapping) else ()
        return {str(name): value for name, value in named if isinstance(value, int | float)}

    @property
    def notes(self) -> list[str]:
        """What the report wants to be read: why it failed, and warnings, not of other assets."""
        warnings = self.facts.get("warnings")
        told = [self.facts.get("detail"), *(warnings if isinstance(warnings, list) else [])]
        every = [str(each.get("preset")) for each in _dicts(self.facts.get("checks"))]
        others = tuple(f"{name}: " for name in every if len(every) > 1 and not self._is_named(name))
        return [text for text in told if isinstance(text, str) and not text.startswith(others)]

    def _is_named(self, preset: str) -> bool:
        """Whether this is the asset for a preset: ``shoe.amazon-main.jpg``."""
        return Path(self.name).stem.endswith(f".{preset}")

    def paths(self) -> Iterator[Path]:
        """Yield the files it was read from."""
        yield from (path for path in (self.after, self.before) if path is not None)


def summary(shown: Sequence[Item]) -> str:
    """Return how many results there are, and how many a person should look at, in words."""
    noun = "result" if len(shown) == 1 else "results"
    return f"{len(shown)} {noun}, {sum(item.wants_eyes for item in shown)} to look at first"


def gather(places: Sequence[Path], before: Path | None, besides: Path) -> list[Item]:
    """Return what is at the places: what a person should look at first, then the rest by name.

    Parameters
    ----------
    places
        Folders of results, a studio's data folder, pictures, reports of many photos.
    before
        Where the photos are that reports do not name.
    besides
        The sheet: what is called like it or one of its pages is no result.

    Raises
    ------
    BadInput
        There is nothing, or a place cannot be read.
    """
    own = {besides.suffix.lower(): besides.stem}
    found: dict[Path, Item] = {}
    for place in places:
        for item in _at(place, before):
            key = item.after or item.before or Path(item.name)
            if not _is_page(key, own):
                found.setdefault(key.resolve(), item)
    if not found:
        raise BadInput("There are no results here.", advice="Name a folder with pictures.")
    return sorted(found.values(), key=_rank)


def _rank(item: Item) -> tuple[bool, int, str]:
    order = _ORDER.index(item.decision) if item.decision in _ORDER else len(_ORDER)
    return not item.wants_eyes, order, item.name


def _is_page(path: Path, own: Mapping[str, str]) -> bool:
    stem = own.get(path.suffix.lower())
    return stem is not None and (path.stem == stem or path.stem.rpartition("-")[0] == stem)


# --- places ---------------------------------------------------------------------------------------


def _at(place: Path, before: Path | None) -> Iterator[Item]:
    if place.is_dir():
        output = place / "output"
        root = output if (place / "input").is_dir() and output.is_dir() else place
        yield from _in_folder(root, before)
    elif place.suffix.lower() == REPORT:
        yield from _of_batch(_json(place), place.parent)
    elif place.is_file():
        yield _of_picture(place, place.name, before)
    else:
        raise BadInput(f"{place} is not there.", advice="Name a folder, pictures or a report.")


def _in_folder(root: Path, before: Path | None) -> Iterator[Item]:
    """Yield the pictures below a folder, and the failures of which there is no picture."""
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    shown = [path for path in paths if not is_hidden(path.relative_to(root).as_posix())]
    batches = {path: _json(path) for path in shown if path.suffix == REPORT}
    told = {
        item.after.resolve(): item
        for path, document in batches.items()
        if isinstance(document, list)
        for item in _of_batch(document, path.parent)
        if item.after is not None
    }
    for path in shown:
        name = path.relative_to(root).as_posix()
        if path.suffix.lower() in PICTURES:
            yield told.get(path.resolve()) or _of_picture(path, name, before)
        elif path.suffix == REPORT:
            yield from _of_failure(batches[path], path, name)


def _of_picture(path: Path, name: str, before: Path | None) -> Item:
    facts = _report_beside(path)
    photo = _photo_named(facts, path) or _photo_like(path, before)
    return Item(name, path, photo, _decision(facts), facts)


def _of_failure(document: Any, path: Path, name: str) -> Iterator[Item]:
    """Yield a failed result: a document that names its input, and no picture."""
    if isinstance(document, dict) and _decision(document) == "failed" and "input" in document:
        yield Item(name, None, _photo_named(document, path), "failed", document)


def _of_batch(document: Any, folder: Path) -> Iterator[Item]:
    """Yield what a command's report of many photos tells, each with its results."""
    for entry in _dicts(document):
        facts = entry.get("report") or entry.get("problem") or {}
        names = entry.get("assets") or [entry.get("result")]
        for name in names if isinstance(facts, dict) else ():
            after, photo = _existing(name, folder), _existing(entry.get("photo"), folder)
            title = str(name or entry.get("photo") or "")
            yield Item(Path(title).name, after, photo, _decision(facts), facts)


# --- photos and reports ---------------------------------------------------------------------------


def _report_beside(path: Path) -> dict[str, Any]:
    """Return the report beside a picture: ``shoe.json``, for ``shoe.amazon-main.jpg`` too."""
    for stem in _stems(path):
        beside = path.with_name(stem + REPORT)
        document = _json(beside) if beside.is_file() else None
        if isinstance(document, dict) and "operation" in document:
            return document
    return {}


def _photo_named(facts: Mapping[str, Any], result: Path) -> Path | None:
    """Return the photo that a document of the output bucket names, where the folders stand so."""
    given = facts.get("input")
    name = given.get("name") if isinstance(given, dict) else None
    if not isinstance(name, str) or ".." in Path(name).parts:
        return None
    roots = (folder.parent / "input" for folder in result.parents if folder.name == "output")
    return next((root / name for root in roots if (root / name).is_file()), None)


def _photo_like(result: Path, before: Path | None) -> Path | None:
    """Return the photo that is named like a result, among the photos."""
    if before is None:
        return None
    for stem in _stems(result):
        named = (before / f"{stem}{suffix}" for suffix in _SUFFIXES)
        for path in named:
            if path.is_file() and path.resolve() != result.resolve():
                return path
    return None


def _stems(path: Path) -> Iterator[str]:
    """Yield ``shoe.amazon-main``, then ``shoe``."""
    stem = path.stem
    yield stem
    while "." in stem.strip("."):
        stem = stem.rpartition(".")[0]
        yield stem


def _existing(name: object, folder: Path) -> Path | None:
    """Return a file as a command told it: from where it ran, or from where its report stands."""
    if not isinstance(name, str):
        return None
    return next((path for path in (Path(name), folder / name) if path.is_file()), None)


def _decision(facts: Mapping[str, Any]) -> str:
    if "code" in facts and "detail" in facts:
        return "failed"
    decision = facts.get("decision")
    return decision if isinstance(decision, str) else ""


def _json(path: Path) -> Any:
    """Return what a JSON file says; one that cannot be read says nothing."""
    try:
        return json.loads(files.read(path, _MOST_BYTES))
    except (ValueError, RecursionError, BadInput):
        return None


def _dicts(value: object) -> list[Any]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
