"""JPEG: which quality a file was saved in, as far as its quantisation tables tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# The luminance table of ITU-T T.81, annex K.1, which quality 50 stands for; its order is no matter.
_STANDARD_SUM = 3688
_LOSSLESS_SUM = 64  # every step 1


def quality_of(tables: Mapping[int, Sequence[int]]) -> int | None:
    """Return the quality, 1..100, of the scale of libjpeg; None where there is no usable table.

    Other encoders have tables of their own; theirs is the quality of libjpeg that takes as much
    away all in all.

    Parameters
    ----------
    tables
        64 steps by the table's number; number 0 is the luminance.
    """
    steps = tables.get(0)
    if steps is None or len(steps) != 64 or sum(steps) < _LOSSLESS_SUM:
        return None
    if sum(steps) == _LOSSLESS_SUM:
        return 100
    scale = 100 * sum(steps) / _STANDARD_SUM
    quality = 100 - scale / 2 if scale <= 100 else 5000 / scale
    return max(1, min(100, round(quality)))
