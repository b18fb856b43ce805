"""What batches need of whoever runs them, and of whoever counts what they cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BufferedIOBase
from typing import Any, Protocol

from common.bulk.asks import Asks
from common.bulk.jobs import Jobs
from common.bulk.till import Till


class Batch(Protocol):
    """A batch as the provider tells of it; see `common.vlm.gemini.batches.Batch`."""

    @property
    def name(self) -> str:
        """The provider's own name of it."""
        ...

    @property
    def phase(self) -> str:
        """``running``, or how it ended: ``succeeded failed cancelled expired``."""
        ...

    @property
    def results(self) -> str:
        """The name of its file of answers; empty where there is none."""
        ...


class Provider(Protocol):
    """The provider's files and batches; see `common.vlm.gemini.batches.Batches`."""

    def upload(self, lines: BufferedIOBase, name: str) -> str:
        """Upload a file of requests; return its name."""
        ...

    def forget(self, file: str) -> None:
        """Delete a file."""
        ...

    def create(self, model: str, file: str, name: str) -> Batch:
        """Begin a batch."""
        ...

    def find(self, name: str) -> Batch | None:
        """Return the batch that was begun under a title."""
        ...

    def get(self, name: str) -> Batch | None:
        """Return a batch; None where it is gone."""
        ...

    def download(self, file: str, to: BufferedIOBase) -> None:
        """Write a file of answers."""
        ...


class Bill(Protocol):
    """What an answer took; see `common.vlm.gemini.collected.Bill`."""

    @property
    def dollars(self) -> float:
        """At the price of a batch."""
        ...

    @property
    def input_tokens(self) -> int:
        """Tokens of the request."""
        ...

    @property
    def output_tokens(self) -> int:
        """Tokens of the answer."""
        ...


@dataclass
class Tally:
    """What one visit of the office came to: asks by what became of them.

    Attributes
    ----------
    sent, answered, failed, again
        Put into a batch; answered by one; given up; to be asked again.
    held
        Why some were not sent yet; empty where none was held back.
    """

    sent: int = 0
    answered: int = 0
    failed: int = 0
    again: int = 0
    held: str = ""

    def told(self) -> dict[str, Any]:
        """Describe it; what did not happen is not told."""
        return {name: value for name, value in vars(self).items() if value}


@dataclass(frozen=True)
class Desk:
    """What sending and collecting share.

    Attributes
    ----------
    asks, jobs
        What is noted in the work bucket.
    provider
        Where batches are run.
    bill
        A model and an answer -> what it took; None where it does not tell.
    till
        The money.
    clock
        Seconds since 1970.
    tally
        What came of it.
    short
        Sets of daily accounts that had not enough left for an ask.
    """

    asks: Asks
    jobs: Jobs
    provider: Provider
    bill: Callable[[str, object], Bill | None]
    till: Till
    clock: Callable[[], float]
    tally: Tally
    short: set[frozenset[str]] = field(default_factory=set)
