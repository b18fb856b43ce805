"""The best quality that fits into so many bytes."""

from __future__ import annotations

from collections.abc import Callable

from common.errors import BadOptions

LEAST_QUALITY = 20  # below this a picture is a mosaic: better to be told so than to publish it


def fitted(
    encode: Callable[[int], bytes], quality: int, max_bytes: int, format: str
) -> tuple[bytes, int]:
    """Return the file of the highest quality, at most `quality`, that has at most `max_bytes`.

    The size of a file grows with its quality, so the answer is found by halving the interval: seven
    files at most, and only one where the first fits.

    Parameters
    ----------
    encode
        Quality -> file.

    Raises
    ------
    BadOptions
        Not even the least quality is small enough.
    """
    data = encode(quality)
    if len(data) <= max_bytes:
        return data, quality
    least = min(LEAST_QUALITY, quality)
    best = encode(least)
    if len(best) > max_bytes:
        raise too_small(len(best), max_bytes, f"{format} at quality {least}")
    low, high = least, quality
    while high - low > 1:
        middle = (low + high) // 2
        data = encode(middle)
        if len(data) <= max_bytes:
            best, low = data, middle
        else:
            high = middle
    return best, low


def too_small(least: int, max_bytes: int, what: str) -> BadOptions:
    """Return the refusal of a limit that cannot be met."""
    return BadOptions(
        f"The picture does not fit into {max_bytes:,} bytes: as {what} it has {least:,}.",
        advice="Allow more bytes, a smaller picture or another format.",
        field="max_bytes",
    )
