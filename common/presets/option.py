"""The option that names presets, as every door understands it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from common.errors import StudioError
from common.presets.model import Preset
from common.presets.shelf import named, names

MOST = 20  # presets in one request


def _presets(value: object) -> object:
    """Read a list, or one text with commas; who read a preset's file brings the preset itself."""
    listed = value if isinstance(value, list) else [value]
    found = [preset for part in listed for preset in _each(part)]
    if len({preset.name for preset in found}) < len(found):
        raise ValueError("A preset is named twice.")
    return found


def _each(value: object) -> list[Preset]:
    match value:
        case Preset():
            return [value]
        case str():
            return [_of_version(name.strip()) for name in value.split(",")]
        case _:
            raise ValueError("Name presets, like amazon-main,ebay.")


def _of_version(text: str) -> Preset:
    """Return the preset ``name``, or ``name@version`` as results tell it."""
    name, _, version = text.partition("@")
    try:
        preset = named(name)
    except StudioError as error:
        raise ValueError(f"{error} {error.advice}") from None
    if version and version != str(preset.version):
        raise ValueError(f"The preset {name} is at version {preset.version} now.")
    return preset


def _told(preset: Preset) -> str:
    return f"{preset.name}@{preset.version}"


_AS_WRITTEN = {"type": "array", "items": {"type": "string", "enum": list(names())}}

PresetsOption = Annotated[
    list[Annotated[Preset, PlainSerializer(_told, return_type=str)]],
    BeforeValidator(_presets),
    WithJsonSchema(_AS_WRITTEN),
]
