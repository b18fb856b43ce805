"""The clock of the local server: it calls the sweep, and goes on whatever the answer is."""

from __future__ import annotations

import time

from studio.clock import Clock


def test_the_sweep_is_called_again_and_again_whatever_it_answers() -> None:
    answers = [200, 503, ConnectionResetError("gone"), 200]
    called: list[tuple[str, bytes]] = []

    def deliver(name: str, body: bytes) -> int:
        called.append((name, body))
        answer = answers[min(len(called), len(answers)) - 1]
        if isinstance(answer, OSError):
            raise answer
        return int(str(answer))

    clock = Clock(deliver, seconds=0.01)
    clock.start()
    end = time.monotonic() + 10
    while len(called) < 5:
        assert time.monotonic() < end
        time.sleep(0.005)
    clock.stop()
    time.sleep(0.05)
    after = len(called)
    time.sleep(0.05)
    assert len(called) == after
    assert set(called) == {("sweep", b"")}
