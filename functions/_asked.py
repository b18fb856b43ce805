"""What is asked for an input: its object's ``params`` over the nearest ``recipe.json``.

The recipe is looked for from the picture's folder upwards to the operation's.  Beside options it
may say whom to tell (``notify``) and that there is time for a batch (``when``).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from common.errors import BadOptions, ObjectMissing
from common.jobs import RECIPE, Job, Source
from common.operations.base import Operation
from common.operations.options import Options, read_options
from common.store import Bucket, check_name
from functions._notice import Notice
from functions._workshop import Workshop

PARAMS = "params"
MAX_RECIPE_BYTES = 1_000_000
BATCH, NOW = "batch", "now"


@dataclass
class Asked:
    """What is asked for an input, as far as it is known, and what the log is to tell of it."""

    operation: str
    notice: Notice
    values: dict[str, Any] = field(default_factory=dict)
    recipe: Source | None = None
    backdrop: Source | None = None
    mask: Source | None = None
    notify: str = ""
    in_bulk: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    start: float = field(default_factory=time.perf_counter)

    def job(self) -> Job:
        """Return the job, as far as it is known."""
        source, recipe = self.notice.source, self.recipe
        return Job(self.operation, source, self.values, recipe, self.backdrop, self.mask)


def read(asked: Asked, operation: Operation[Any], workshop: Workshop) -> Options:
    """Read the options; note in `asked` what was found on the way, for a result of any kind."""
    bucket = workshop.buckets.input
    name = check_name(asked.notice.source.name)
    text, asked.recipe = _nearest_recipe(name, bucket)
    asked.values = _object(text, asked.recipe.name if asked.recipe else "")
    asked.notify = _address(asked.values.pop("notify", None), workshop)
    asked.in_bulk = _is_for_a_batch(asked.values.pop("when", None), workshop)
    asked.values |= _params(asked.notice, bucket)
    options: Options = read_options(operation.options, asked.values)
    asked.values = options.model_dump(mode="json")
    if asked.in_bulk and workshop.bulk:
        workshop.bulk.check(options)
    asked.backdrop = _named(options, "background", "backdrops", bucket)
    asked.mask = _named(options, "mask", "masks", bucket)
    return options


def _nearest_recipe(name: str, bucket: Bucket) -> tuple[bytes, Source | None]:
    for place in _recipes(name):
        try:
            data, stored = bucket.read(place, limit=MAX_RECIPE_BYTES)
        except ObjectMissing:
            continue
        return data, Source(bucket.name, place, stored.generation)
    return b"", None


def _recipes(name: str) -> Iterator[str]:
    """Yield where a recipe may stand: beside the picture, then upwards, last in the operation's."""
    for folder in PurePosixPath(name).parents:
        if folder.name:
            yield f"{folder}/{RECIPE}"


def _params(notice: Notice, bucket: Bucket) -> dict[str, Any]:
    metadata = notice.metadata
    if metadata is None:
        stored = bucket.stat(notice.source.name)
        metadata = stored.metadata if stored else {}
    return _object(metadata.get(PARAMS, "").encode(), PARAMS)


def _object(text: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text.strip() or b"{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BadOptions(
            f"{where} is not a JSON object.", advice='Write it as {"name": value}.', field=where
        )
    return value


def _address(notify: object, workshop: Workshop) -> str:
    """Return the address that a recipe wants to be told of results; empty where it names none."""
    if notify is None:
        return ""
    url = notify.get("url") if isinstance(notify, dict) and len(notify) == 1 else None
    if not isinstance(url, str) or not url.startswith("https://"):
        raise BadOptions(
            "notify names no https address.",
            advice='Write it as "notify": {"url": "https://..."}; the secret is a setting.',
            field="notify",
        )
    if workshop.postbox is None:
        raise BadOptions("There is nobody here who sends notices.", field="notify")
    workshop.postbox.check()
    return url


def _is_for_a_batch(when: object, workshop: Workshop) -> bool:
    """Whether a recipe lets its pictures wait for a batch."""
    if when in {None, NOW}:
        return False
    if when != BATCH:
        raise BadOptions(
            "when is neither batch nor now.",
            advice='Write it as "when": "batch", or leave it out.',
            field="when",
        )
    if workshop.bulk is None:
        raise BadOptions("There is nobody here who sends batches.", field="when")
    return True


def _named(options: Options, option: str, folder: str, bucket: Bucket) -> Source | None:
    """Return the picture that an option names, an object of the input bucket, where one is."""
    name = next(filter(_is_picture_name, _values(options, option)), None)
    if name is None:
        return None
    stored = bucket.stat(name)
    if stored is None:
        raise BadOptions(
            f"{option}: there is no picture {name} in the input bucket.",
            advice=f"Put it there, in a folder that is no operation's, such as {folder}/.",
            field=option,
        )
    return Source(bucket.name, name, stored.generation)


def _values(options: Options, option: str) -> Iterator[str]:
    for step in (options, *getattr(options, "steps", ())):
        yield getattr(step, option, "")


def _is_picture_name(value: str) -> bool:
    return "." in value or "/" in value
