"""Money for asks that one process sends and another, hours later, is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from common.spend import Caps, Ledger, Purse
from common.spend.caps import micros


class Till:
    """Sets money aside under the day's caps, and puts back what was not spent.

    Parameters
    ----------
    caps
        An input's name -> its limits; that of a request is the asking operation's own affair.
    ledger
        Of the day; None where no cap is a day's.
    """

    def __init__(self, caps: Callable[[str], Caps], ledger: Ledger | None) -> None:
        self._caps = caps
        self._ledger = ledger

    def today(self) -> str:
        """Return the day's ledger, whose money it is that is set aside; empty without one."""
        return "" if self._ledger is None else self._ledger.today()

    def accounts(self, name: str) -> frozenset[str]:
        """Return the daily accounts that the input `name` falls under."""
        return frozenset(self._caps(name).accounts(name))

    def reserve(self, name: str, dollars: float) -> int:
        """Set aside what an ask of the input `name` may cost; return millionths of a dollar.

        Raises
        ------
        CapReached
            A cap has not that much left.
        LedgerUnreachable
            Nobody can tell what is left.
        """
        days = replace(self._caps(name), request=None)
        return Purse(days, self._ledger, name).reserve(dollars).amount

    def settle(self, name: str, reserved: int, day: str, dollars: float) -> None:
        """Put back what was set aside over the cost; what was lacking is added."""
        accounts = self._caps(name).accounts(name)
        if self._ledger and accounts and day:
            self._ledger.refund(day, accounts, reserved - micros(dollars))
