"""What may be spent, and what was: caps that fail closed.

    a call -> Purse (one request) -> Ledger (one process, a block at a time)
           -> an object in the work bucket (one day, all instances)

A reservation is made before a call and settled by what the call cost.  One that nobody settles, for
the answer was lost or the process died, stays spent.
"""

from common.spend.caps import Caps
from common.spend.ledger import Ledger, ledger_name
from common.spend.purse import Purse, Reservation

__all__ = ["Caps", "Ledger", "Purse", "Reservation", "ledger_name"]
