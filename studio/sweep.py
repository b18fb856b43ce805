"""`studio sweep`: does by hand what the clock does in the cloud, all of it and at once."""

from __future__ import annotations

import argparse
import math
import sys
from typing import Any

from common.jobs import Portion
from functions import _sweeping
from studio import upkeep
from studio.command import DONE, FAILED, tell

EVERYTHING = Portion(seconds=math.inf, inputs=sys.maxsize, min_age=0.0)


def run(arguments: argparse.Namespace) -> int:
    """Sweep the data folder, or the buckets that the environment names; return the exit code.

    Raises
    ------
    Claimed
        Another sweep is at work.
    """
    upkeep.enter(arguments.data)
    summary = _sweeping.as_set_up(EVERYTHING)
    print(_in_words(summary))
    if batch := summary.get("batch"):
        print(_of_batches(batch))
    for each in summary["waiting"]:
        tell(f"{each['name']}: {each['detail']} It may pass: sweep again later.")
    return FAILED if summary["waiting"] else DONE


def _in_words(summary: dict[str, Any]) -> str:
    ended = ", ".join(f"{number} {how}" for how, number in sorted(summary["ended"].items()))
    deleted = sum(summary["deleted"].values())
    return (
        f"{summary['run']} of {summary['looked']} inputs had no result"
        + (f" and were run: {ended}." if ended else ".")
        + (f" {deleted} objects had had their time and are deleted." if deleted else "")
    )


def _of_batches(batch: dict[str, Any]) -> str:
    """Return what became of the asks that wait for batches, or why that is not known."""
    happened = ", ".join(
        f"{batch[name]} {words}" for name, words in _TALLY.items() if name in batch
    )
    counted = f"Batches: {happened.replace(' ', ' asks ', 1)}." if happened else "Batches:"
    why = batch.get("held") or batch.get("detail") or ""
    return f"{counted} {why}".rstrip()


_TALLY = {
    "sent": "sent",
    "answered": "answered",
    "again": "to be asked again",
    "failed": "given up",
}
