"""Colour profiles made here, so that none has to be kept."""

from __future__ import annotations

import struct
from functools import cache

_D50 = (0.9642, 1.0, 0.8249)
_GAMMA = 2.2
_ADOBE = {  # Adobe RGB (1998), adapted to D50
    b"rXYZ": (0.60974, 0.31111, 0.01947),
    b"gXYZ": (0.20528, 0.62567, 0.06087),
    b"bXYZ": (0.14919, 0.06322, 0.74457),
}


@cache
def wide() -> bytes:
    """Return an RGB profile with the primaries of Adobe RGB and a gamma of 2.2."""
    tags = {name: _xyz(values) for name, values in _ADOBE.items()}
    tags |= {b"wtpt": _xyz(_D50)}
    tags |= {name: _curve() for name in (b"rTRC", b"gTRC", b"bTRC")}
    tags |= {b"desc": b"desc" + struct.pack(">4xI", 5) + b"wide\0" + bytes(79)}
    tags |= {b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    return _profile(tags, b"RGB ")


@cache
def gray() -> bytes:
    """Return a gray profile whose middle is far lighter than sRGB's: its gamma is 1."""
    linear = b"curv" + struct.pack(">4xI", 0)
    return _profile({b"wtpt": _xyz(_D50), b"kTRC": linear, b"cprt": b"text\0\0\0\0none"}, b"GRAY")


def _profile(tags: dict[bytes, bytes], space: bytes) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(
        ">I4sI4s4s4s12x4s4s4x4s4x8xI3i",
        start + len(body),
        b"lcms",
        0x02400000,
        b"mntr",
        space,
        b"XYZ ",
        b"acsp",
        b"APPL",
        b"none",
        0,
        *(round(value * 65536) for value in _D50),
    )
    return head.ljust(128, b"\0") + table + body


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _curve() -> bytes:
    return b"curv" + struct.pack(">4xIHxx", 1, round(_GAMMA * 256))
