"""Files made to break decoders: mutations of good and of odd ones."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from common import codec
from common.image import Image

MOST_SEED_BYTES = 200_000  # of a file to begin with: larger ones take time and teach nothing new
MOST_BYTES = 400_000  # of a mutated file
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
WRITTEN = ("png", "jpeg", "webp", "avif", "tiff")

Mutation = Callable[[bytearray, random.Random], None]


def seeds(shared: Path | None = None) -> list[bytes]:
    """Return small good files of every format that is written, and what `shared` holds."""
    rng = np.random.default_rng(7)
    rgb = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    alpha = rng.integers(0, 256, (24, 32), dtype=np.uint8)
    made = [codec.encode(Image(rgb), format) for format in WRITTEN]
    made += [codec.encode(Image(rgb, alpha), format) for format in WRITTEN if format != "jpeg"]
    made += [
        b"GIF89a\x02\0\x02\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\0\0\0\0\0,\0\0\0\0\x02\0\x02\0"
    ]
    made += [b"BM" + struct.pack("<IHHIIiiHHIIiiII", 70, 0, 0, 54, 40, 2, 2, 1, 24, *[0] * 6)]
    made += [b"8BPS\0\x01" + bytes(6) + struct.pack(">HIIHH", 3, 2, 2, 8, 3) + bytes(40)]
    if shared is not None and shared.is_dir():
        found = (path.read_bytes() for path in sorted(shared.iterdir()) if path.is_file())
        made += [data for data in found if 0 < len(data) <= MOST_SEED_BYTES]
    return made


def mutated(begin: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Yield `count` files, each a seed after one to six mutations; the same for the same `seed`."""
    rng = random.Random(seed)  # noqa: S311 - chance, no secret
    for _ in range(count):
        data = bytearray(rng.choice(begin))
        for _ in range(rng.randint(1, 6)):
            if not data:
                break
            rng.choice(MUTATIONS)(data, rng)
            if rng.random() < SPLICED:
                data = _spliced(data, rng.choice(begin), rng)
        yield bytes(data[:MOST_BYTES])


SPLICED = 0.05  # how often a file goes on as another


def _spliced(data: bytearray, other: bytes, rng: random.Random) -> bytearray:
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other)) :]


def _flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 16)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _flip_early(data: bytearray, rng: random.Random) -> None:
    """Flip a bit where headers are."""
    data[rng.randrange(min(len(data), 64))] ^= 1 << rng.randrange(8)


def _number(data: bytearray, rng: random.Random) -> None:
    """Write a number that overflows something, in either order of bytes."""
    form = rng.choice(("B", "<H", ">H", "<I", ">I"))
    at = rng.randrange(len(data))
    written = struct.pack(form, rng.choice(NUMBERS) & (256 ** struct.calcsize(form) - 1))
    data[at : at + len(written)] = written


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def _drop(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.randint(1, 64)]


def _repeat(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    piece = data[at : at + rng.randint(1, 512)]
    data[at:at] = piece * rng.randint(1, 8)


def _noise(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    data[at:at] = rng.randbytes(rng.randint(1, 64))


MUTATIONS: tuple[Mutation, ...] = (_flip, _flip_early, _number, _cut, _drop, _repeat, _noise)
