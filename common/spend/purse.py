"""One request's money."""

from __future__ import annotations

from dataclasses import dataclass, field

from common.errors import CapReached, LedgerUnreachable
from common.spend.caps import Caps, dollars, micros
from common.spend.ledger import Ledger


@dataclass
class Reservation:
    """Money that is set aside for one call; as long as nobody settles it, it is spent."""

    purse: Purse
    amount: int
    day: str
    _open: bool = field(default=True, init=False)

    def settle(self, cost: float) -> None:
        """Book what the call cost, in dollars, in place of what was set aside; the first counts."""
        if self._open:
            self._open = False
            self.purse.settle(self, micros(cost))


class Purse:
    """What one request may spend; a request is one thread's.

    Parameters
    ----------
    caps
        The limits.
    ledger
        Of the day; None where no cap is a day's.
    name
        The picture's name in the input bucket, or its operation: the prefixes' caps go by it.
    """

    def __init__(self, caps: Caps, ledger: Ledger | None, name: str) -> None:
        self._caps = caps
        self._ledger = ledger
        self._accounts = caps.accounts(name)
        self._spent = 0
        self._settled = 0

    def reserve(self, cost: float) -> Reservation:
        """Set aside what a call may cost, in dollars.

        Raises
        ------
        CapReached
            The request, the day or the prefix has not that much left.
        LedgerUnreachable
            Nobody can tell what is left.
        """
        amount = micros(cost)
        self._check_request(amount)
        day = self._take(amount) if self._accounts else ""
        self._spent += amount
        return Reservation(self, amount, day)

    @property
    def needs_a_ledger(self) -> bool:
        """Whether a cap holds for more than this request."""
        return self._caps.need_a_ledger

    @property
    def dollars(self) -> float:
        """What the calls cost that are settled."""
        return dollars(self._settled)

    @property
    def dollars_in_doubt(self) -> float:
        """What is set aside for calls that nobody has settled."""
        return dollars(self._spent - self._settled)

    def _take(self, amount: int) -> str:
        if self._ledger is None:
            raise LedgerUnreachable(
                "A cap for a day needs a place where all instances note what they spend.",
                advice="Set STUDIO_WORK_BUCKET.",
            )
        return self._ledger.take(self._accounts, amount)

    def settle(self, reservation: Reservation, cost: int) -> None:
        """Put back what a reservation holds over its call's cost, or add what it lacks."""
        over = reservation.amount - cost
        self._spent -= over
        self._settled += cost
        if self._ledger and self._accounts and over:
            self._ledger.give(reservation.day, self._accounts, over)

    def _check_request(self, amount: int) -> None:
        if self._caps.request is None or self._spent + amount <= micros(self._caps.request):
            return
        spent = f", after ${dollars(self._spent):.4f} before it" if self._spent else ""
        raise CapReached(
            f"The call may cost ${dollars(amount):.4f}{spent}; "
            f"the cap of a request is ${self._caps.request:.4f}.",
            advice="Choose a lower quality or a smaller box, or have the operator raise the cap.",
            details={"cap": "request", "cap_dollars": self._caps.request},
        )
