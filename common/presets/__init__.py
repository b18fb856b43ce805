"""Marketplace presets: what a picture must be, as data with sources and dates, and how to make it.

A preset is a JSON file in this folder.  Nothing here measures or changes a picture; see
`common.operations.check` and `common.operations.comply`.
"""

from common.presets.model import (
    Background,
    Blur,
    Border,
    Bytes,
    Fill,
    Formats,
    JpegQuality,
    Level,
    LongestSide,
    Make,
    Megapixels,
    Preset,
    Range,
    Ratio,
    Rule,
    ShortestSide,
    Text,
    Watermark,
)
from common.presets.option import MOST, PresetsOption
from common.presets.shelf import named, names, read

__all__ = [
    "MOST",
    "Background",
    "Blur",
    "Border",
    "Bytes",
    "Fill",
    "Formats",
    "JpegQuality",
    "Level",
    "LongestSide",
    "Make",
    "Megapixels",
    "Preset",
    "PresetsOption",
    "Range",
    "Ratio",
    "Rule",
    "ShortestSide",
    "Text",
    "Watermark",
    "named",
    "names",
    "read",
]
