"""What the header of an AVIF or HEIC file says: sizes, depth and colours, without its decoder.

References
----------
ISO/IEC 23008-12 (HEIF): the item properties ``ispe``, ``pixi`` and ``colr``.
ITU-T H.273: the code points of colours.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_PARENTS = {b"meta": 4, b"iprp": 0, b"ipco": 0}  # boxes that hold boxes -> bytes before those
_DEEPEST = 4
_LEAST, _LARGE = 8, 16  # bytes of a box's head, with a short and with a long length
_SAME_AS_SRGB = {1, 2, 5, 6}  # primaries: BT.709, unsaid, and television's, which browsers equate
_ITS_CURVE = {1, 2, 6, 13}  # transfer
_HDR = {16: "PQ", 18: "HLG"}
_PRIMARIES = {9: "BT.2020", 11: "DCI-P3", 12: "Display P3"}


def largest(data: bytes) -> tuple[int, int] | None:
    """Return width and height of the largest picture that the header names."""
    sizes = [
        struct.unpack_from(">II", body, 4)
        for name, body in _properties(data)
        if name == b"ispe" and len(body) >= 12
    ]
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def depth(data: bytes) -> int:
    """Return the most bits a channel that the header names; 8 where it says nothing."""
    told = [max(body[5:]) for name, body in _properties(data) if name == b"pixi" and body[5:]]
    return max(told, default=8)


def colours(data: bytes) -> str:
    """Return the name of a colour space that is told by numbers and is not sRGB, or nothing."""
    for name, body in _properties(data):
        if name == b"colr" and body[:4] == b"nclx" and len(body) >= 8:
            primaries, transfer = struct.unpack_from(">HH", body, 4)
            if primaries not in _SAME_AS_SRGB or transfer not in _ITS_CURVE:
                curve = f" {_HDR[transfer]}" if transfer in _HDR else ""
                return _PRIMARIES.get(primaries, "an unusual space") + curve
    return ""


def _properties(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    yield from _leaves(memoryview(data), 0)


def _leaves(data: memoryview, level: int) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + _LEAST <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        name, head = bytes(data[at + 4 : at + 8]), _LEAST
        if length == 1 and at + _LARGE <= len(data):
            (length,) = struct.unpack_from(">Q", data, at + 8)
            head = _LARGE
        end = len(data) if length == 0 else at + length
        if end < at + head:
            return
        inside = data[at + head : end]
        if name in _PARENTS and level < _DEEPEST:
            yield from _leaves(inside[_PARENTS[name] :], level + 1)
        elif level:
            yield name, bytes(inside)
        at = end
