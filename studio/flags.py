"""Command-line flags made of an operation's options, so that both always say the same."""

from __future__ import annotations

import argparse
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from common.operations.options import Options

HIDDEN = ("operation", "steps")  # what a command says by its name, or reads from a recipe
_SHAPES = {
    "box": "Y0,X0,Y1,X1",
    "region": "Y0,X0,Y1,X1",
    "mask": "FILE",
    "background": "transparent|blur|#RRGGBB|FILE",
    "aspect": "W:H",
    "size": "WxH",
    "margin": "LENGTH|T,R,B,L",
    "preset": "NAME,...|FILE.json",
}


def add_flags(parser: argparse.ArgumentParser, options: type[Options]) -> None:
    """Add one flag for each option; a flag that is not given leaves no trace in the namespace."""
    for name, option in options.model_fields.items():
        if name in HIDDEN:
            continue
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            dest=name,
            default=argparse.SUPPRESS,
            help=(option.description or "").replace("%", "%%"),
            **_behaviour(name, option),
        )


def given(options: type[Options], arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options that were given as flags, as the words they were given in."""
    said = vars(arguments)
    return {name: said[name] for name in options.model_fields if name in said}


def _behaviour(name: str, option: FieldInfo) -> dict[str, Any]:
    if option.annotation is bool:
        return {"action": "store_true"}
    metavar = _SHAPES.get(name) or "|".join(_choices(option.annotation)) or "TEXT"
    if get_origin(option.annotation) is list:
        return {"action": "append", "metavar": metavar}
    return {"metavar": metavar}


def _choices(annotation: Any) -> list[str]:
    """Return the words that an option may be, where they are few and named."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [str(member.value) for member in annotation]
    if get_origin(annotation) is Literal:
        return [str(word) for word in get_args(annotation)]
    return [word for part in get_args(annotation) for word in _choices(part)]
