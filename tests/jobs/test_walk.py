"""The walk: which inputs have a result, told by two lists and few looks."""

from __future__ import annotations

import random
import tracemalloc
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import BrokenPicture
from common.jobs import Buckets, Source, Walk, run
from common.jobs.results import _OUTCOME, _mark
from common.store import Stored
from tests.support.jobs import Work, drop
from tests.support.stores import Listing, Watched, listed

AWKWARD = [
    "cutout/a.jpg",
    "cutout/a.k.jpg",
    "cutout/a.png",
    "cutout/a",
    "cutout/a-b.jpg",
    "cutout/a b.jpg",
    "cutout/aa.jpg",
    "cutout/v1.x/a.jpg",
    "cutout/v1.x/b.jpg",
    "cutout/v1.z",
    "cutout/ä.jpg",
    "cutout/deep/er/a.jpg",
]


def outcomes(buckets: Buckets, start: str = "") -> dict[str, str]:
    return {seen.stored.name: seen.outcome for seen in Walk(buckets, "cutout", start)}


def test_each_input_is_told_with_what_became_of_it(buckets: Buckets) -> None:
    run(drop(buckets, "cutout/done.jpg"), buckets, Work())
    run(drop(buckets, "cutout/failed.jpg"), buckets, Work(BrokenPicture("Broken.")))
    run(drop(buckets, "cutout/replaced.jpg"), buckets, Work())
    drop(buckets, "cutout/replaced.jpg", b"newer")
    drop(buckets, "cutout/waiting.jpg")
    assert outcomes(buckets) == {
        "cutout/done.jpg": "done",
        "cutout/failed.jpg": "failed",
        "cutout/replaced.jpg": "",
        "cutout/waiting.jpg": "",
    }


def test_what_is_no_input_is_not_told(folders: Buckets) -> None:
    for name in ("cutout/recipe.json", "detect/a.jpg", "a.jpg"):
        drop(folders, name)
    drop(folders, "cutout/empty.jpg", b"")
    assert outcomes(folders) == {}


@pytest.mark.parametrize("seed", range(4))
def test_names_in_any_order_are_told_right(folders: Buckets, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - for choosing, not for secrets
    done = {name for name in AWKWARD if chance.random() < 0.5}
    for name in chance.sample(AWKWARD, len(AWKWARD)):
        job = drop(folders, name)
        if name in done:
            run(job, folders, Work())
    assert outcomes(folders) == {name: "done" if name in done else "" for name in AWKWARD}


def test_results_in_order_cost_no_looks_of_their_own(folders: Buckets) -> None:
    for name in AWKWARD[3:]:
        run(drop(folders, name), folders, Work())
    looks: list[str] = []
    watched = replace(
        folders, output=Watched(folders.output, lambda how, name: looks.append(f"{how} {name}"))
    )
    assert set(outcomes(watched).values()) == {"done"}
    assert looks == ["list cutout/"]


@given(st.lists(st.sampled_from(AWKWARD), unique=True), st.data())
def test_a_walk_goes_on_where_another_stopped(names: list[str], data: st.DataObject) -> None:
    inputs = Listing("input", lambda: map(listed, sorted(names)))
    buckets = Buckets(inputs, Listing("work"), Listing("output"))
    walk = Walk(buckets, "cutout")
    first = [seen.stored.name for seen in islice(walk, data.draw(st.integers(1, len(names) + 1)))]
    rest = Walk(buckets, "cutout", walk.position()) if walk.position() else ()
    assert {*first, *(seen.stored.name for seen in rest)} == set(names)


# --- very many ------------------------------------------------------------------------------------

MANY = 6_000


def _result(number: int) -> Stored:
    mark = _mark(Source("input", f"cutout/{number:08}.jpg", 1))
    return listed(f"cutout/{number:08}.json", mark | {_OUTCOME: "done"})


def test_very_many_inputs_are_walked_without_holding_them() -> None:
    inputs = Listing("input", lambda: (listed(f"cutout/{n:08}.jpg") for n in range(MANY)))
    results = Listing("output", lambda: (_result(n) for n in range(MANY) if n % 500))
    tracemalloc.start()
    missing = [
        seen.stored.name
        for seen in Walk(Buckets(inputs, Listing("work"), results), "cutout")
        if not seen.outcome
    ]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert missing == [f"cutout/{n:08}.jpg" for n in range(0, MANY, 500)]
    assert peak < 1_500_000  # bytes
