"""Everything at once: lost answers, busy models, events in disorder, instances killed with -9."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from common.jobs import Buckets, Portion, Walk, manifest
from common.store import Stored
from functions import _sweeping
from studio.watcher import push_body
from tests.support import gcs, instance
from tests.support.faulty import FaultyProxy, faulty_proxy
from tests.support.instance import LEASE, Setting

ROOT = Path(__file__).parents[2]
MOST_DELIVERIES = 10  # then the event comes as a dead letter, as Pub/Sub has it
REDELIVERY = 0.4  # seconds, times the number of failures
ANSWER_SECONDS = 30.0
BROKEN_EACH = 20  # inputs, one is no picture


@dataclass(frozen=True)
class Weather:
    """How bad it gets."""

    inputs: int
    seed: int = 0
    instances: int = 2
    senders: int = 6
    storage_faults: float = 0.05
    model_faults: float = 0.05
    seconds_between_kills: float = 1.5


@dataclass
class Aftermath:
    """What is left when the storm is over.

    Attributes
    ----------
    outcomes
        Input -> ``done``, ``failed``, or nothing.
    paid, kept
        Input -> answers that were paid, and that were remembered for sure.
    swept
        What the sweeps after it ran, one after the other.
    """

    buckets: Buckets
    outcomes: dict[str, str]
    paid: Counter[str]
    kept: Counter[str]
    swept: list[int]
    kills: int
    deliveries: int
    dead_letters: int
    requests: int
    failed_requests: int
    seconds: float
    lines: int


@dataclass(order=True)
class _Event:
    due: float
    stored: Stored = field(compare=False)
    failures: int = field(default=0, compare=False)


class Fleet:
    """Instances of the function; now and then one is killed and another takes its place."""

    def __init__(self, setting: Setting, function: Path, number: int) -> None:
        self.setting = setting
        self.function = function
        self.kills = 0
        self._begun = 0
        self._lock = threading.Lock()
        self._running = dict(self._start() for _ in range(number))

    def _start(self) -> tuple[int, subprocess.Popen[str]]:
        self._begun += 1
        own = replace(self.setting, seed=self.setting.seed * 1000 + self._begun)
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.support.instance"),
                *(json.dumps(asdict(own)), str(self.function)),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout
        port = int(process.stdout.readline())
        return port, process

    def port(self, chance: random.Random) -> int:
        with self._lock:
            return chance.choice(list(self._running))

    def kill_one(self, chance: random.Random) -> None:
        """Kill -9 one instance, once its successor is ready: somebody always answers."""
        port, process = self._start()
        with self._lock:
            victim = chance.choice(list(self._running))
            doomed = self._running.pop(victim)
            self._running[port] = process
        _kill(doomed)
        self.kills += 1

    def end(self) -> None:
        for process in self._running.values():
            _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


class _Queue:
    """Pub/Sub, at its worst: each event one to four times, in any order, and again if not taken."""

    def __init__(self, inputs: list[Stored], bucket: str, fleet: Fleet, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - for disorder, not for secrets
        self.events = [
            _Event(0.0, stored) for stored in inputs for _ in range(self.chance.randint(1, 4))
        ]
        self.chance.shuffle(self.events)
        self.bucket, self.fleet = bucket, fleet
        self.deliveries = self.dead_letters = self.under_way = 0
        self.lock = threading.Lock()

    def work(self) -> None:
        while True:
            with self.lock:
                if not self.events and not self.under_way:
                    return
                event = self._take()
            if event is None:
                time.sleep(0.02)
                continue
            taken = self._deliver(event)
            with self.lock:
                self.under_way -= 1
                if not taken:
                    event.failures += 1
                    event.due = time.monotonic() + REDELIVERY * event.failures
                    self.events.append(event)

    def _take(self) -> _Event | None:
        now = time.monotonic()
        for at, event in enumerate(self.events):
            if event.due <= now:
                self.under_way += 1
                self.deliveries += 1
                return self.events.pop(at)
        return None

    def _deliver(self, event: _Event) -> bool:
        dead = event.failures if event.failures >= MOST_DELIVERIES else 0
        self.dead_letters += bool(dead)
        body = push_body(self.bucket, event.stored, dead)
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.fleet.port(self.chance), timeout=ANSWER_SECONDS
        )
        try:
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False  # killed in the middle of it
        finally:
            connection.close()


def _content(number: int) -> bytes:
    kind = "picture" if number % BROKEN_EACH else "broken"
    return f"{kind} {number}".encode()


def storm(weather: Weather, folder: Path) -> Aftermath:
    """Drop inputs, let everything go wrong, wait until all events are taken, sweep, and count."""
    names = gcs.new_bucket_name(), gcs.new_bucket_name(), gcs.new_bucket_name()
    buckets = Buckets(*(gcs.bucket_at(gcs.server(), name) for name in names))
    inputs = [
        buckets.input.write(f"cutout/{number:05}.jpg", _content(number))
        for number in range(weather.inputs)
    ]
    function = folder / "instance_for_storms.py"
    function.write_text(instance.FUNCTION, encoding="utf-8")
    notes = folder / "notes.txt"
    began = time.monotonic()
    with faulty_proxy(gcs.server(), weather.storage_faults, weather.seed) as proxy:
        setting = Setting(proxy.address, names, str(notes), weather.seed, weather.model_faults)
        with _fleet(setting, function, weather) as fleet:
            queue = _Queue(inputs, names[0], fleet, weather.seed)
            _let_it_rage(queue, fleet, weather)
    seconds = time.monotonic() - began
    time.sleep(LEASE)  # whoever was killed last holds a claim so long
    calm = replace(setting, storage=gcs.server(), model_faults=0.0).workshop()
    swept = [_sweep(calm) for _ in range(2)]
    return _aftermath(buckets, notes, swept, fleet, queue, proxy, seconds)


@contextlib.contextmanager
def _fleet(setting: Setting, function: Path, weather: Weather) -> Iterator[Fleet]:
    fleet = Fleet(setting, function, weather.instances)
    try:
        yield fleet
    finally:
        fleet.end()


def _let_it_rage(queue: _Queue, fleet: Fleet, weather: Weather) -> None:
    senders = [threading.Thread(target=queue.work) for _ in range(weather.senders)]
    for sender in senders:
        sender.start()
    chance = random.Random(weather.seed + 1)  # noqa: S311 - for choosing victims
    while any(sender.is_alive() for sender in senders):
        time.sleep(weather.seconds_between_kills * chance.random() * 2)
        if any(sender.is_alive() for sender in senders):
            fleet.kill_one(chance)
    for sender in senders:
        sender.join()


def _sweep(workshop: Any) -> int:
    everything = Portion(seconds=600.0, inputs=100_000, min_age=0.0)
    summary = _sweeping.sweep(workshop, ("cutout",), everything, _sweeping.errands(workshop))
    assert summary["waiting"] == []
    return int(summary["run"])


def _aftermath(  # noqa: PLR0917 - it gathers what the storm left everywhere
    buckets: Buckets,
    notes: Path,
    swept: list[int],
    fleet: Fleet,
    queue: _Queue,
    proxy: FaultyProxy,
    seconds: float,
) -> Aftermath:
    counted: dict[str, Counter[str]] = {"paid": Counter(), "kept": Counter()}
    for line in notes.read_text(encoding="utf-8").splitlines():
        what, _, name = line.partition(" ")
        counted[what][name] += 1
    lines = [line for day in manifest.days(buckets) for line in manifest.lines(buckets, day)]
    return Aftermath(
        buckets=buckets,
        outcomes={seen.stored.name: seen.outcome for seen in Walk(buckets, "cutout")},
        **counted,
        swept=swept,
        kills=fleet.kills,
        deliveries=queue.deliveries,
        dead_letters=queue.dead_letters,
        requests=proxy.requests,
        failed_requests=proxy.failed,
        seconds=seconds,
        lines=len({line["input"] for line in lines}),
    )


def assert_nothing_was_lost(after: Aftermath) -> None:
    """Assert one right result or one visible failure for each input, and no needless payment."""
    from tests.support.jobs import assert_consistent, document  # noqa: PLC0415

    assert set(after.outcomes.values()) <= {"done", "failed"}
    assert after.swept[1] == 0, "the second sweep finds nothing"
    assert_consistent(after.buckets.output)
    documents = [s.name for s in after.buckets.output.list("cutout/") if s.name.endswith(".json")]
    assert len(documents) == len(after.outcomes)
    for name, outcome in after.outcomes.items():
        said = document(after.buckets.output, name.replace(".jpg", ".json"))
        assert said["input"]["name"] == name
        if outcome == "done":
            picture = after.buckets.output.read(said["picture"]["name"])[0]
            assert picture == _content(int(name[-9:-4])).upper()
        else:
            assert said["code"] == "broken-picture" or said["attempts"] >= MOST_DELIVERIES
            assert said["detail"]
    assert after.lines == len(after.outcomes), "the manifest tells of every input"
    assert max(after.kept.values()) == 1, "an answer that was remembered is never paid again"
    assert all(after.paid[name] for name, outcome in after.outcomes.items() if outcome == "done")
