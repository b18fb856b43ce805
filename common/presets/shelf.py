"""The presets that come along, and presets that a user brings."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

from pydantic import ValidationError

from common.errors import BadOptions
from common.presets.model import Preset

_SUFFIX = ".json"


@cache
def names() -> tuple[str, ...]:
    """Return the names of the presets that come along, in order."""
    files = (file.name for file in resources.files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX)))


@cache
def named(name: str) -> Preset:
    """Return a preset that comes along.

    Raises
    ------
    BadOptions
        There is none of that name; the message tells all there are.
    """
    if name not in names():
        raise BadOptions(
            f"There is no preset {name!r}.",
            advice=f"Take one of: {', '.join(names())}.",
            field="preset",
        )
    return read(resources.files(__package__).joinpath(name + _SUFFIX).read_bytes(), name)


def read(data: bytes, where: str) -> Preset:
    """Return the preset that a JSON file holds.

    Parameters
    ----------
    where
        What the file is called, for messages.

    Raises
    ------
    BadOptions
        It is no JSON, or no preset; the message names the first place at fault.
    """
    try:
        return Preset.model_validate(json.loads(data))
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        reason = f"{place}: {fault['msg']}" if place else fault["msg"]
    except (ValueError, RecursionError):
        reason = "it is not JSON"
    raise BadOptions(
        f"{where} is not a preset: {reason}.",
        advice="docs/presets.md shows how a preset is written.",
        field="preset",
    )
