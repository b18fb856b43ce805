"""One wish and every call that it takes: one loop, one deadline, one bill."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from common.errors import ModelBusy, ModelError, ModelUnavailable, Parked
from common.vlm.base import Usage
from common.vlm.gemini.calls import Call
from common.vlm.gemini.meters import Pace, Purse
from common.vlm.gemini.reply import Reply, read_reply
from common.vlm.prices import Price, Tokens, dollars

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How often to try, and how long to wait in between.

    Attributes
    ----------
    attempts
        Most calls for one wish, repairs and repetitions included.
    first_wait
        Seconds before the second try where the other side names no time; doubled for each further.
    jitter
        The share by which a wait is lengthened at random, so that instances do not march in step.
    clock, sleep, chance
        Seconds that only grow; a pause; a number in 0..1.
    """

    attempts: int = 3
    first_wait: float = 1.0
    jitter: float = 0.25
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def wait(self, failure: ModelError, tries: int) -> float:
        """Return the seconds to wait after a failure; an answer that was no good needs none."""
        if not isinstance(failure, ModelBusy | ModelUnavailable):
            return 0.0
        named = failure.retry_after
        wait = self.first_wait * 2 ** (tries - 1) if named is None else named
        return wait * (1 + self.jitter * self.chance())


@dataclass
class Errand:
    """Calls until one gives what was wanted.

    Attributes
    ----------
    send
        Sends a call with a timeout in seconds and returns the answer's JSON.
    price, usual
        The model's price, and what an answer costs that does not tell its tokens.
    patience, until
        How to repeat, and the clock's reading at which there is no more time.
    purse, pace
        What may be spent, and how fast.
    """

    send: Callable[[Call[Any], float], object]
    price: Price
    usual: float
    patience: Patience
    until: float
    purse: Purse
    pace: Pace
    _tries: int = field(default=0, init=False)
    _sent: int = field(default=0, init=False)
    _answers: int = field(default=0, init=False)
    _taken: int = field(default=0, init=False)
    _given: int = field(default=0, init=False)
    _dollars: float = field(default=0.0, init=False)
    _in_doubt: float = field(default=0.0, init=False)

    def run(self, call: Call[T]) -> T:
        """Return what the call's `judge` makes of an answer.

        Raises
        ------
        ModelError
            The last failure; its details tell what it took, as `common.vlm.base.Usage` says.
        """
        while True:
            reply: Reply | None = None
            try:
                reply = self._reply(call)
                return call.judge(reply)
            except ModelError as failure:
                call = self._next(call, failure, reply)

    def usage(self, engine: str) -> Usage:
        """Return what all answers together took."""
        return Usage(
            engine,
            self.price.model,
            self._answers,
            self._taken,
            self._given,
            self._dollars,
            attempts=self._sent,
            dollars_in_doubt=self._in_doubt,
        )

    def _reply(self, call: Call[Any]) -> Reply:
        self._tries += 1
        with self.pace.turn(call.pictures, self._left()):
            reserved = dollars(self.price, call.most())
            reservation = self.purse.reserve(reserved)
            self._sent += 1
            try:
                reply = read_reply(self.send(call, call.seconds(self._left())))
            except Parked:
                reservation.settle(0.0)  # whoever sends it sets the money aside
                raise
            except ModelError as failure:
                if failure.charged == "no":
                    reservation.settle(0.0)
                else:
                    self._in_doubt += reserved
                raise
        cost = self._bill(reply.tokens)
        reservation.settle(cost)
        return reply

    def _bill(self, tokens: Tokens | None) -> float:
        """Note what an answer took; return its dollars."""
        self._answers += 1
        cost = self.usual if tokens is None else dollars(self.price, tokens)
        self._dollars += cost
        if tokens is not None:
            self._taken += tokens.taken
            self._given += tokens.given
        return cost

    def _next(self, call: Call[T], failure: ModelError, reply: Reply | None) -> Call[T]:
        following = call.after(failure, reply)
        wait = self.patience.wait(failure, self._tries)
        if isinstance(failure, ModelBusy):
            self.pace.hold(wait)
        if following is None or self._tries >= self.patience.attempts or wait >= self._left():
            failure.details |= self._spent()
            raise failure
        if wait:
            self.patience.sleep(wait)
        return following

    def _spent(self) -> dict[str, Any]:
        """Return what a failure tells of its cost: nothing where there was none."""
        spent: dict[str, Any] = {"attempts": self._sent} if self._sent else {}
        if self._answers:
            spent |= {"calls": self._answers, "dollars": round(self._dollars, 6)}
        if self._in_doubt:
            spent["dollars_in_doubt"] = round(self._in_doubt, 6)
        return spent

    def _left(self) -> float:
        return self.until - self.patience.clock()
