"""What stands between an errand and its calls: money and pace; by default without limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Reservation(Protocol):
    """Money set aside for one call; see `common.spend.Reservation`."""

    def settle(self, cost: float) -> None:
        """Book what the call cost in dollars; without it the whole reservation stays spent."""
        ...


class Purse(Protocol):
    """What may be spent; see `common.spend.Purse`."""

    def reserve(self, cost: float) -> Reservation:
        """Set aside what a call may cost, in dollars, or raise a `ModelError`."""
        ...


class Pace(Protocol):
    """How fast calls may follow one another; see `common.vlm.gemini.pace.Pacer`."""

    def turn(self, pictures: int, seconds: float) -> AbstractContextManager[None]:
        """Wait, at most `seconds`, for the turn of a call for so many pictures, and hold it."""
        ...

    def hold(self, seconds: float) -> None:
        """Let nobody begin for a while: the other side has asked for it."""
        ...


class _Free:
    """No caps."""

    def reserve(self, cost: float) -> Reservation:  # noqa: ARG002 - nothing is counted
        return self

    def settle(self, cost: float) -> None:
        """Count nothing."""


class _Unpaced:
    """No limits."""

    @contextmanager
    def turn(self, pictures: int, seconds: float) -> Iterator[None]:  # noqa: ARG002
        yield

    def hold(self, seconds: float) -> None:
        """Wait for nobody."""


FREE: Purse = _Free()
UNPACED: Pace = _Unpaced()
