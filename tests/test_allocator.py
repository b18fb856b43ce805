"""The allocator: what is freed is not asked of the system again."""

from __future__ import annotations

import subprocess
import sys

import pytest

from common.allocator import keep_freed

# Twelve arrays of 12 MB are made and dropped, several times; a new page is a fault each.
_FAULTS = """
import resource
import numpy as np
from common.allocator import keep_freed
{start}
def work():
    return [np.ones(3_000_000, np.float32) for _ in range(12)]
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(start: str) -> int:
    told = subprocess.run(
        [sys.executable, "-c", _FAULTS.format(start=start)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(told.stdout)


def test_arrays_that_were_dropped_are_made_again_without_new_pages() -> None:
    if not keep_freed():
        pytest.skip("this C library cannot keep what is freed")
    kept, by_default = faults("keep_freed()"), faults("")
    assert kept < 100
    assert kept < by_default / 10


def test_where_it_cannot_be_told_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(_: object) -> object:
        raise OSError

    monkeypatch.setattr("ctypes.CDLL", no_library)
    assert not keep_freed()
