"""`studio replay`: runs again what ended in a failed result, a dead letter's included."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from common import jobs
from common.errors import BadObjectName, ObjectMissing, StudioError
from common.jobs import Source, State
from common.operations.registry import OPERATIONS
from functions import _events, _sweeping, _wiring
from functions._workshop import Workshop
from studio import upkeep
from studio.command import DONE, FAILED, tell
from studio.progress import Progress


def run(arguments: argparse.Namespace) -> int:
    """Run again what failed, all of it or what is named; return the exit code.

    A good result is never replaced: a failure that was mended meanwhile is left alone.
    """
    upkeep.enter(arguments.data)
    workshop = replace(_wiring.workshop(), run_job=partial(jobs.run, settles=jobs.is_good))
    failed = list(_failed(workshop, arguments.names))
    for name in arguments.names:
        if not any(_is_named(failure.source.name, name) for failure in failed):
            tell(f"{name}: nothing failed there.")
    progress = Progress(len(failed), sys.stderr)
    mended = 0
    for failure in failed:
        outcome = failure.run_again(workshop)
        mended += outcome == State.DONE
        progress.step(f"{failure.source.name}: {outcome}")
    print(f"{mended} of {len(failed)} failed inputs have a good result now.")
    return DONE if mended == len(failed) and (failed or not arguments.names) else FAILED


def _failed(workshop: Workshop, names: Sequence[str]) -> Iterator[_Failure]:
    for operation in OPERATIONS:
        for found in jobs.failures(workshop.buckets.output, operation):
            source = found.source
            if not names or any(_is_named(source.name, name) for name in names):
                yield _Failure(operation, source)


def _is_named(name: str, wanted: str) -> bool:
    """Whether `wanted` is the input's name, or a folder above it; ``input/`` before it is no harm.

    Shells complete names from the data folder: ``studio-data/input/cutout/shoe.jpg``.
    """
    wanted = wanted.rpartition("input/")[2].rstrip("/")
    return name == wanted or name.startswith(f"{wanted}/")


@dataclass(frozen=True)
class _Failure:
    """A failed result, by its input."""

    operation: str
    source: Source

    def run_again(self, workshop: Workshop) -> str:
        """Run the input as it is now; return how that ended, in a word or a sentence."""
        try:
            stored = workshop.buckets.input.stat(self.source.name)
            if stored is None:
                return "the input is gone"
            notice = _sweeping.notice_of(workshop, stored)
            ending = _events.work(self.operation, notice, workshop)
        except (BadObjectName, ObjectMissing) as error:
            return error.message
        except StudioError as error:
            return f"{error.message} It may pass: replay again later."
        return ending.error.message if ending.error else str(ending.state)
