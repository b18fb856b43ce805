"""What a model answers about a picture, read with patience and checked without mercy.

A language model is asked for JSON and gives nearly JSON.  The repair follows one order, each step
only where the one before was not enough: code fences and words around the array are skipped; the
array is parsed; of a truncated array the complete objects are kept; of each object the box decides
whether it counts, and everything else about it may be missing or odd.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from common.errors import BadBox, ModelAnswerUnreadable
from common.geometry import RELATIVE, Box, Box2d, Size, normal_box_2d, overlap
from common.vlm.base import Colour, Detection

MOST_DETECTIONS = 50  # twice what is asked for; beyond that the model is going round in circles
SAME_BOX = 0.85  # intersection over union from which two boxes of one label are one thing
PAST_THE_END = 1020  # up to here a coordinate is a slip of a 0-1000 scale, above it is pixels
MOST_CHARACTERS = 400_000  # an answer of 50 entries has a twentieth of it
MOST_DEAD_ENDS = 100  # brackets that open nothing; a truncated answer has fewer than ten
LONGEST_LABEL = 200
LONGEST_TEXT = 2000

MATERIALS = frozenset({"opaque", "translucent", "fine"})
LAYERS = frozenset({"overlay", "scene"})

# Flat on purpose: with minItems, maximum or enum the API answers "too many states" (400).
DETECTION_SCHEMA: dict[str, Any] = {
    "type": "ARRAY",
    "items": {
        "type": "OBJECT",
        "properties": {
            "box_2d": {"type": "ARRAY", "items": {"type": "INTEGER"}},
            "label": {"type": "STRING"},
            "kind": {"type": "STRING"},
            "text": {"type": "STRING"},
            "layer": {"type": "STRING"},
            "material": {"type": "STRING"},
            "colors": {"type": "ARRAY", "items": {"type": "STRING"}},
            "confidence": {"type": "NUMBER"},
        },
        "required": ["box_2d", "label", "kind"],
        "property_ordering": [
            "box_2d",
            "label",
            "kind",
            "text",
            "layer",
            "material",
            "colors",
            "confidence",
        ],
    },
}


def read_detections(text: str, size: Size | None = None) -> tuple[Detection, ...]:
    """Read a model's answer as detections, at most `MOST_DETECTIONS`, in the model's order.

    Parameters
    ----------
    text
        The answer: ideally a JSON array of `DETECTION_SCHEMA`.
    size
        The picture's size, so that boxes in pixels can be told and converted.

    Raises
    ------
    ModelAnswerUnreadable
        No array, or entries of which not one has a usable box.
    """
    entries = _entries(text)
    boxes = _boxes(entries, size)
    found = [_detection(entry, box) for entry, box in zip(entries, boxes, strict=True) if box]
    if entries and not found:
        raise ModelAnswerUnreadable("The model named things without a usable box for any of them.")
    return tuple(_merged(found))


def write_detections(detections: Iterable[Detection]) -> str:
    """Return the detections as the JSON that `read_detections` reads."""
    return json.dumps([_as_entry(detection) for detection in detections], ensure_ascii=False)


def _as_entry(detection: Detection) -> dict[str, Any]:
    return {
        "box_2d": list(detection.box_2d),
        "label": detection.label,
        "kind": detection.kind,
        "text": detection.text,
        "layer": detection.layer,
        "material": detection.material,
        "colors": ["#{:02X}{:02X}{:02X}".format(*colour) for colour in detection.colors],
        "confidence": detection.confidence,
    }


# --- text -> entries ------------------------------------------------------------------------------


def _entries(text: str) -> list[dict[str, Any]]:
    """Return the answer's objects.

    Raises
    ------
    ModelAnswerUnreadable
        There is neither an object nor an array that is empty on purpose.
    """
    entries: list[dict[str, Any]] = []
    empty = False
    for value, intact in _values(text[:MOST_CHARACTERS]):
        objects = _objects(value)
        entries += objects
        empty = empty or (intact and not objects and _is_empty(value))
    if not entries and not empty:
        raise ModelAnswerUnreadable("The model's answer holds no list of things.")
    return entries


def _values(text: str) -> Iterator[tuple[Any, bool]]:
    """Yield every JSON array and object in the text, outermost first.

    The second member tells whether every bracket before it closed: inside a truncated array an
    empty list is some entry's, not the answer's.
    """
    decoder = json.JSONDecoder()
    position, dead_ends = 0, 0
    while (bracket := _BRACKET.search(text, position)) and dead_ends < MOST_DEAD_ENDS:
        try:
            value, position = decoder.raw_decode(text, bracket.start())
        except (ValueError, RecursionError):
            dead_ends += 1
            position = bracket.end()
        else:
            yield value, dead_ends == 0


_BRACKET = re.compile(r"[\[{]")


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a parsed value: of a list, of its lists, of ``{"objects": [..]}``."""
    if isinstance(value, list):
        return [entry for item in value for entry in _objects(item)]
    if not isinstance(value, dict) or not value:
        return []
    if "box_2d" in value:
        return [value]
    wrapped = [item for item in value.values() if isinstance(item, list)]
    entries = [entry for items in wrapped for entry in _objects(items)]
    return entries if entries or _is_empty(value) else [value]


def _is_empty(value: Any) -> bool:
    """Tell ``[]``, ``{}`` and ``{"objects": []}`` from what merely holds nothing usable."""
    members = value.values() if isinstance(value, dict) else value
    return all(member == [] for member in members)


# --- boxes ----------------------------------------------------------------------------------------


def _boxes(entries: Sequence[dict[str, Any]], size: Size | None) -> list[Box2d | None]:
    """Return each entry's tidy box, or None; all boxes of one answer share one scale."""
    numbers = [_four_numbers(entry.get("box_2d")) for entry in entries]
    down, right = _scale([values for values in numbers if values], size)
    factors = (down, right, down, right)
    return [
        _tidy([value * factor for value, factor in zip(values, factors, strict=True)])
        if values
        else None
        for values in numbers
    ]


def _four_numbers(value: object) -> list[float] | None:
    if not isinstance(value, list) or len(value) != 4:
        return None
    numbers = [_number(item) for item in value]
    return [number for number in numbers if number is not None] if None not in numbers else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _scale(boxes: list[list[float]], size: Size | None) -> tuple[float, float]:
    """Return the factors from the answer's scale to 0..1000, for rows and for columns.

    The scale is the whole answer's: in an answer in pixels a box near the corner looks like 0-1000.
    """
    bottom = max((max(box[0], box[2]) for box in boxes), default=0.0)
    right = max((max(box[1], box[3]) for box in boxes), default=0.0)
    if max(bottom, right) <= 1:
        return RELATIVE, RELATIVE
    in_pixels = max(bottom, right) > PAST_THE_END
    if size is not None and in_pixels and _reaches(size, bottom, right):
        return RELATIVE / size.height, RELATIVE / size.width
    return 1, 1


def _reaches(size: Size, bottom: float, right: float) -> bool:
    slip = PAST_THE_END / RELATIVE
    return bottom <= size.height * slip and right <= size.width * slip


def _tidy(box: list[float]) -> Box2d | None:
    clamped = [min(max(value, 0.0), float(RELATIVE)) for value in box]
    if max(clamped) <= 1:  # less than a thousandth, which the next step would take for a 0-1 scale
        return None
    try:
        return normal_box_2d(clamped)
    except BadBox:
        return None


# --- everything else about a thing ----------------------------------------------------------------


def _detection(entry: dict[str, Any], box: Box2d) -> Detection:
    text = _words(entry.get("text"), LONGEST_TEXT)
    kind = "text" if _kind(entry) == "text" else "object"
    material = _words(entry.get("material"), LONGEST_LABEL).lower()
    layer = _words(entry.get("layer"), LONGEST_LABEL).lower()
    return Detection(
        box_2d=box,
        label=_words(entry.get("label"), LONGEST_LABEL) or text[:LONGEST_LABEL] or kind,
        kind=kind,
        text=text if kind == "text" else "",
        layer=layer if layer in LAYERS else "",
        material=material if material in MATERIALS else "",
        colors=_colours(entry.get("colors")),
        confidence=_confidence(entry.get("confidence")),
    )


def _kind(entry: dict[str, Any]) -> str:
    told = _words(entry.get("kind"), LONGEST_LABEL).lower()
    return told or ("text" if _words(entry.get("text"), LONGEST_TEXT) else "object")


def _words(value: object, longest: int) -> str:
    """Return a string, or a number as one, on one line; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(str(value).split())[:longest]


def _confidence(value: object) -> float:
    """Return 0..1; a model that says nothing of its doubts is believed, 85 is read as per cent."""
    number = _number(value)
    if number is None:
        return 1.0
    return min(max(number / 100 if number > 1 else number, 0.0), 1.0)


def _colours(value: object) -> tuple[Colour, ...]:
    items = value if isinstance(value, list) else [value]
    colours = (_colour(item) for item in items)
    return tuple(colour for colour in colours if colour is not None)


def _colour(value: object) -> Colour | None:
    match = _HEX.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    digits = match[1] if len(match[1]) == 6 else "".join(digit * 2 for digit in match[1])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")


def _merged(found: Iterable[Detection]) -> list[Detection]:
    """Return the detections without repetitions: of two the surer, in the place of the first."""
    kept: list[Detection] = []
    for new in found:
        twin = next((at for at, old in enumerate(kept) if _is_same(old, new)), None)
        if twin is not None:
            kept[twin] = max(kept[twin], new, key=lambda detection: detection.confidence)
        elif len(kept) < MOST_DETECTIONS:
            kept.append(new)
    return kept


def _is_same(a: Detection, b: Detection) -> bool:
    return (a.kind, a.label.casefold()) == (b.kind, b.label.casefold()) and overlap(
        Box(*a.box_2d), Box(*b.box_2d)
    ) >= SAME_BOX
