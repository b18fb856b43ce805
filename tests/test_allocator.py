"""The allocator: what is freed is not asked of the system again."""

from __future__ import annotations

import subprocess
import sys

import pytest

from common.allocator import keep_freed

# Six arrays of 8 MB are made and dropped, several times; a new page is a fault each.
_FAULTS = """
import resource
import numpy as np
from common.allocator import keep_freed
can = {start}
def work():
    return [np.ones(2_000_000, np.float32) for _ in range(6)]
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    work()
print(can, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(start: str) -> tuple[str, int]:
    """Return what starting so gave, and the page faults after it, of a process of its own."""
    told = subprocess.run(
        [sys.executable, "-c", _FAULTS.format(start=start)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    can, count = told.stdout.split()
    return can, int(count)


def test_arrays_that_were_dropped_are_made_again_without_new_pages() -> None:
    can, kept = faults("keep_freed()")
    if can == "False":
        pytest.skip("this C library cannot keep what is freed")
    _, by_default = faults("None")
    assert kept < 100
    assert kept < by_default / 10


def test_where_it_cannot_be_told_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(_: object) -> object:
        raise OSError

    monkeypatch.setattr("ctypes.CDLL", no_library)
    assert not keep_freed()
