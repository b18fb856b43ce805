"""The allocator: memory that one step of a picture leaves is kept for the next.

A cutout makes and drops hundreds of arrays of some megabytes.  The GNU C library gives them back to
the system as they go, which clears them page by page when they are asked for again: a quarter of
the CPU a cutout takes.  Other C libraries are left as they are.
"""

from __future__ import annotations

import ctypes

# What <malloc.h> calls M_TRIM_THRESHOLD, M_MMAP_THRESHOLD and M_ARENA_MAX.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8

_KEPT = 64 << 20  # bytes at the heap's end that may lie idle; more saves no page more
_LARGEST = 32 << 20  # bytes, the library's own limit: larger arrays are given back at once
_ARENAS = 1  # threads share what is kept, else each would keep as much for itself


def keep_freed() -> bool:
    """Have this process keep memory that it frees; return whether its C library can.

    To be called once, where a process starts: what was allocated before stays as it is.
    """
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 - other libraries' mallopt takes other numbers
    except (AttributeError, OSError, TypeError):
        return False
    library.mallopt(_MMAP_THRESHOLD, _LARGEST)
    library.mallopt(_TRIM_THRESHOLD, _KEPT)
    library.mallopt(_ARENA_MAX, _ARENAS)
    return True
