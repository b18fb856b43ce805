"""`studio sheet`: results beside their photos, with scores, for a person to look through.

What a person should decide comes first: failures, then what is marked for review.  A long folder
becomes several pages, and one picture at a time is in memory.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from common.errors import BadOptions
from studio import files
from studio.command import DONE
from studio.sheet import html, items, picture
from studio.sheet.items import Item

Draw = Callable[[Sequence[Item], int, list[str]], bytes]  # a page's items, its place, all pages

_KINDS: dict[str, tuple[Draw, int]] = {
    ".html": (html.page, html.ITEMS_A_PAGE),
    ".png": (picture.page, picture.ITEMS_A_PAGE),
}


def run(arguments: argparse.Namespace) -> int:
    """Draw the sheet and tell where it is.

    Raises
    ------
    BadOptions
        The output is neither HTML nor PNG, or would replace a picture.
    BadInput
        There is nothing to show.
    """
    output = Path(arguments.output)
    if output.suffix.lower() not in _KINDS:
        raise BadOptions("A sheet is HTML or PNG.", advice="Name it sheet.html or sheet.png.")
    draw, most = _KINDS[output.suffix.lower()]
    before = None if arguments.before is None else Path(arguments.before)
    shown = items.gather([Path(name) for name in arguments.results], before, besides=output)
    pages = [shown[start : start + most] for start in range(0, len(shown), most)]
    names = [_page(output, number) for number in range(len(pages))]
    files.refuse_overwriting((path for item in shown for path in item.paths()), names)
    for number, page in enumerate(pages):
        files.write(names[number], draw(page, number, [name.name for name in names]))
    print(_summary(shown, names))
    return DONE


def _page(output: Path, number: int) -> Path:
    """Return the name of a page: sheet.png, sheet-2.png and so on."""
    return output if number == 0 else output.with_stem(f"{output.stem}-{number + 1}")


def _summary(shown: Sequence[Item], names: Sequence[Path]) -> str:
    return f"{names[0]}: {items.summary(shown)}" + (
        f", {len(names)} pages" if len(names) > 1 else ""
    )
