"""A sheet as a PNG picture: cards in columns, the first ones with a red edge.

Writing is drawn with the fonts that OpenCV 5 brings along; they know Latin, Greek, Cyrillic,
Korean, Chinese and Japanese, so file names look the same on every machine.  What they do not know,
such as emoji, shows as a question mark.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np

from common import codec
from common.image import U8, Image
from studio.sheet.items import Item, summary
from studio.sheet.thumbnails import thumbnail

COLUMNS, ROWS = 3, 6
ITEMS_A_PAGE = COLUMNS * ROWS

_THUMB, _GAP = 300, 16  # px
_LINE, _LINES = 24, 4  # px of a line, and lines below the pictures
_CARD_WIDTH = 2 * _THUMB + 3 * _GAP
_CARD_HEIGHT = _THUMB + (_LINES + 1) * _LINE + 2 * _GAP
_HEAD = 56
_EDGE = 6  # px of the red edge

_PAPER, _CARD, _FRAME = (236, 236, 236), (255, 255, 255), (200, 200, 200)
_INK, _PALE, _RED = (24, 24, 24), (96, 96, 96), (179, 38, 30)
_PLAIN, _BOLD = 400, 700  # weights
_SIZE = 16
_SUFFIX = 20  # marks of a long name's end: the preset and the format


def page(items: Sequence[Item], number: int, pages: list[str]) -> bytes:
    """Return a page of the sheet; see `studio.sheet.html.page`."""
    rows = -(-len(items) // COLUMNS)
    width = COLUMNS * (_CARD_WIDTH + _GAP) + _GAP
    sheet = np.full((_HEAD + rows * (_CARD_HEIGHT + _GAP) + _GAP, width, 3), _PAPER, np.uint8)
    title = summary(items)
    title += f", page {number + 1} of {len(pages)}" if len(pages) > 1 else ""
    _write(sheet, title, (_GAP, 38), width - 2 * _GAP, size=24, weight=_BOLD)
    for place, item in enumerate(items):
        down, right = divmod(place, COLUMNS)
        top = _HEAD + down * (_CARD_HEIGHT + _GAP)
        left = _GAP + right * (_CARD_WIDTH + _GAP)
        _draw_card(sheet[top : top + _CARD_HEIGHT, left : left + _CARD_WIDTH], item)
    return codec.encode(Image(sheet), "png")


# --- one card -------------------------------------------------------------------------------------


def _draw_card(card: U8, item: Item) -> None:
    """Draw an item into its part of the sheet, in place."""
    card[:] = _CARD
    if item.wants_eyes:
        card[:, :_EDGE] = _RED
    for place, path in enumerate((item.before, item.after)):
        left = _GAP + place * (_THUMB + _GAP)
        _draw_picture(card[_GAP : _GAP + _THUMB, left : left + _THUMB], thumbnail(path, _THUMB))
    base = _GAP + _THUMB + _LINE
    wide = _CARD_WIDTH - 2 * _GAP
    _write(card, item.name, (_GAP, base), wide, weight=_BOLD, kept=_SUFFIX)
    ink = _RED if item.wants_eyes else _PALE
    _write(card, _decision(item), (_GAP, base + _LINE), wide, ink=ink)
    for row, text in enumerate(_details(item)[: _LINES - 1], start=2):
        _write(card, text, (_GAP, base + row * _LINE), wide, ink=_PALE)


def _draw_picture(place: U8, small: U8 | str) -> None:
    if isinstance(small, str):
        place[:] = _PAPER
        _write(place, small, (_GAP, _THUMB // 2), _THUMB - 2 * _GAP, ink=_PALE)
        return
    height, width = small.shape[:2]
    top, left = (_THUMB - height) // 2, (_THUMB - width) // 2
    place[top : top + height, left : left + width] = small
    cv2.rectangle(place, (left, top), (left + width - 1, top + height - 1), _FRAME, 1)


def _decision(item: Item) -> str:
    told = [item.decision or "no report"]
    told += [str(item.facts["engine"])] if item.facts.get("engine") else []
    told += [f"{check.get('preset')} {_passed(check.get('passed'))}" for check in item.checks]
    return ", ".join(told)


def _passed(passed: object) -> str:
    if passed is True:
        return "holds"
    return "FAILS" if passed is False else "?"


def _details(item: Item) -> list[str]:
    scores = ", ".join(f"{name} {value:.3g}" for name, value in item.scores.items())
    return [text for text in (scores, *item.notes) if text]


# --- writing --------------------------------------------------------------------------------------


def _write(
    place: U8,
    text: str,
    at: tuple[int, int],
    wide: int,
    *,
    ink: tuple[int, int, int] = _INK,
    size: int = _SIZE,
    weight: int = _PLAIN,
    kept: int = 0,
) -> None:
    """Write one line, in place; of what does not fit the beginning, and `kept` marks of the end."""
    whole = _drawable(text)
    fitting = _cut(whole, wide, size, weight, whole[-kept:] if kept else "")
    drawn = np.ascontiguousarray(place)
    cv2.putText(drawn, fitting, at, ink, _face(), size, weight)
    place[:] = drawn


def _drawable(text: str) -> str:
    """Return the text composed, as Korean names from a Mac are not, and without control marks."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(mark if mark.isprintable() else "?" for mark in composed)


def _cut(text: str, wide: int, size: int, weight: int, tail: str = "") -> str:
    """Return the text, or as much of its beginning as fits with an ellipsis and the tail."""
    if _width(text, size, weight) <= wide:
        return text
    fits, fits_not = 0, len(text)
    while fits_not - fits > 1:
        middle = (fits + fits_not) // 2
        if _width(f"{text[:middle]}...{tail}", size, weight) <= wide:
            fits = middle
        else:
            fits_not = middle
    return f"{text[:fits]}...{tail}"


def _width(text: str, size: int, weight: int) -> int:
    box = cv2.getTextSize((1, 1), text, (0, 0), _face(), size, weight)
    return int(box[2])


@cache
def _face() -> cv2.FontFace:
    return cv2.FontFace("sans")
