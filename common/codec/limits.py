"""Limits that hold before the work: bytes, pixels, ratio, frames, passes, and a deadline.

What a decoder will have to do can be read from a file's header and its structure, so bombs are
refused before a pixel is decoded.  Beyond that a `Timed` file runs out: decoders that read piece by
piece (JPEG, PNG, GIF, BMP, PSD) stop at its deadline.  Those that are one native call (WebP, AVIF,
HEIC, libtiff) do work that is bounded by the pixels alone; see
docs/decisions/0008-one-door-for-pictures.md.
"""

from __future__ import annotations

import io
import struct
import time
from dataclasses import dataclass

from common.errors import BrokenPicture, PictureTooLarge, UnsupportedPicture

MOST_SCANNED = 1_500_000_000  # pixels times passes of a progressive JPEG: some 15 s of decoding
MOST_ENTRIES = 1_000_000  # numbers in one TIFF field: more strips than any picture has rows

_JPEG_SCAN = b"\xff\xda"
_GIF_END, _GIF_EXTENSION, _GIF_FRAME = 0x3B, 0x21, 0x2C


@dataclass(frozen=True)
class Limits:
    """What may be decoded at all.

    Attributes
    ----------
    max_bytes
        Largest file.
    max_pixels
        Most pixels by the file's header.
    max_ratio
        Longest side over the shortest.
    max_frames
        Most frames or pages, though only the first is ever decoded.
    seconds
        For decoding one file.
    """

    max_bytes: int = 50_000_000
    max_pixels: int = 100_000_000
    max_ratio: float = 200.0
    max_frames: int = 10_000
    seconds: float = 30.0


class OutOfTime(Exception):
    """A file took longer to read than it may."""


class Timed(io.BytesIO):
    """A file in memory that cannot be read any more after a deadline."""

    def __init__(self, data: bytes, seconds: float) -> None:
        super().__init__(data)
        self._until = time.monotonic() + seconds

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes.

        Raises
        ------
        OutOfTime
            The deadline has passed.
        """
        if time.monotonic() > self._until:
            raise OutOfTime
        return super().read(size)


def check_bytes(data: bytes, limits: Limits) -> None:
    """Refuse an empty file and one of too many bytes.

    Raises
    ------
    UnsupportedPicture, PictureTooLarge
        As the sentence says.
    """
    if not data:
        raise UnsupportedPicture("The file is empty.", advice="Send a picture.")
    if len(data) > limits.max_bytes:
        raise PictureTooLarge(
            f"The file has {len(data):,} bytes; the limit is {limits.max_bytes:,}.",
            advice="Send a smaller file.",
        )


def check_shape(size: tuple[int, int], limits: Limits) -> None:
    """Refuse by the header what has too many pixels, or is hardly more than a line.

    Raises
    ------
    BrokenPicture, PictureTooLarge
        As the sentence says.
    """
    width, height = size
    if min(size) < 1:
        raise BrokenPicture(
            f"The picture has {width} x {height} pixels.", advice="Export it again."
        )
    if width * height > limits.max_pixels:
        raise PictureTooLarge(
            f"The picture has {width} x {height} pixels; the limit is "
            f"{limits.max_pixels / 1e6:g} megapixels.",
            advice="Send a smaller picture.",
        )
    if max(size) > limits.max_ratio * min(size):
        raise PictureTooLarge(
            f"The picture of {width} x {height} pixels is hardly more than a line; the limit is a "
            f"ratio of {limits.max_ratio:g}:1.",
            advice="Send the part that matters.",
        )


def check_passes(data: bytes, size: tuple[int, int]) -> None:
    """Refuse a JPEG that would have to be gone over too often.

    Each scan of a progressive file goes over all of its pixels, and an empty one takes a few bytes.

    Raises
    ------
    PictureTooLarge
        Real files stay far below.
    """
    scans = data.count(_JPEG_SCAN)
    if scans * size[0] * size[1] > MOST_SCANNED:
        raise PictureTooLarge(
            f"The JPEG has {scans} passes over {size[0]} x {size[1]} pixels.",
            advice="Save it again as a baseline JPEG.",
        )


def check_frames(frames: int, limits: Limits) -> None:
    """Refuse a file of too many frames.

    Raises
    ------
    PictureTooLarge
        As the sentence says.
    """
    if frames > limits.max_frames:
        raise PictureTooLarge(
            f"The file holds more than {limits.max_frames} frames.", advice="Send one of them."
        )


# --- counting -------------------------------------------------------------------------------------


def gif_frames(data: bytes, most: int) -> int:
    """Return how many frames a GIF holds, up to ``most + 1``; nothing is decoded."""
    at = 13 + _colour_table(data[10])
    frames = 0
    while at < len(data) and data[at] != _GIF_END and frames <= most:
        if data[at] == _GIF_FRAME and at + 9 < len(data):
            frames += 1
            at += 11 + _colour_table(data[at + 9])
        elif data[at] == _GIF_EXTENSION:
            at += 2
        else:
            break
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return frames


def gif_size(data: bytes) -> tuple[int, int]:
    """Return width and height of a GIF's canvas and first frame together.

    A frame may reach beyond the canvas, and Pillow makes room for it as it opens the file.  Bytes
    that are nothing are passed over, as Pillow does.
    """
    width, height = struct.unpack_from("<HH", data, 6)
    at = 13 + _colour_table(data[10])
    while at < len(data) and data[at] != _GIF_END:
        if data[at] == _GIF_FRAME and at + 9 < len(data):
            left, top, wide, high = struct.unpack_from("<HHHH", data, at + 1)
            return max(width, left + wide), max(height, top + high)
        if data[at] != _GIF_EXTENSION:
            at += 1
            continue
        at += 2
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return width, height


def png_is_whole(data: bytes) -> bool:
    """Whether every chunk of a PNG up to its end is there.

    OpenCV makes room for as many bytes as a chunk claims, two gigabytes of a file of two thousand.
    """
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + length
    return False


def _colour_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def tiff_pages(data: bytes, most: int) -> int:
    """Return how many pages a TIFF holds, up to ``most + 1``; nothing is decoded.

    Raises
    ------
    BrokenPicture
        A field of the first page lists more numbers than any picture has strips.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in {b"+\0", b"\0+"}
    at_head, count_as, entry, offset_as = (8, "Q", 20, "Q") if big else (4, "H", 12, "I")
    (at,) = struct.unpack_from(order + offset_as, data, at_head)
    pages, seen = 0, set()
    while at and at not in seen and pages <= most:
        seen.add(at)
        (entries,) = struct.unpack_from(order + count_as, data, at)
        first = at + struct.calcsize(count_as)
        if not pages:
            _check_entries(data, order, first, entries, big=big)
        pages += 1
        if first + entries * entry + struct.calcsize(offset_as) > len(data):
            break
        (at,) = struct.unpack_from(order + offset_as, data, first + entries * entry)
    return pages


def _check_entries(data: bytes, order: str, first: int, entries: int, *, big: bool) -> None:
    """Refuse lists of numbers that would fill the memory; blobs of bytes may be long."""
    layout, step = ("HHQ", 20) if big else ("HHI", 12)
    blobs = {1, 2, 6, 7}
    for at in range(first, min(first + entries * step, len(data) - step), step):
        _, kind, count = struct.unpack_from(order + layout, data, at)
        if kind not in blobs and count > MOST_ENTRIES:
            raise BrokenPicture(
                "The TIFF file lists more strips than a picture can have.",
                advice="Export it again.",
            )
