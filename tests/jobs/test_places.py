"""Where results stand, and that no two inputs share a place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import BadObjectName
from common.jobs import Buckets, Job, Source, State, places, run
from common.store import check_name
from common.store.folder import FolderBucket
from tests.support.jobs import Work, assert_consistent, document, drop, names


def test_the_plain_place_comes_first() -> None:
    first, second, third, last = places("cutout", "cutout/a.b/shoe.front.jpg")
    assert (first, second) == ("cutout/a.b/shoe.front", "cutout/a.b/shoe.front.jpg")
    assert third.startswith("cutout/a.b/shoe.front.jpg-")
    assert last.startswith("cutout/unnamed-")


def test_a_name_without_a_suffix_keeps_its_name() -> None:
    assert next(places("cutout", "cutout/shoe")) == "cutout/shoe"


def test_the_second_of_one_stem_keeps_its_whole_name(buckets: Buckets) -> None:
    jobs = [drop(buckets, f"cutout/shoe{suffix}") for suffix in (".jpg", ".png", ".png.jpg")]
    for job in jobs:
        assert run(job, buckets, Work()).state is State.DONE
    documents = [name for name in names(buckets.output) if name.endswith(".json")]
    owners = {name: document(buckets.output, name)["input"]["name"] for name in documents}
    assert owners["cutout/shoe.json"] == "cutout/shoe.jpg"
    assert owners["cutout/shoe.png.json"] == "cutout/shoe.png"
    assert owners["cutout/shoe.png.jpg.json"] == "cutout/shoe.png.jpg"
    assert_consistent(buckets.output)


def test_a_place_never_passes_to_another_input(folders: Buckets) -> None:
    run(drop(folders, "cutout/shoe.jpg"), folders, Work())
    run(drop(folders, "cutout/shoe.png"), folders, Work())
    work = Work()
    for name in ("cutout/shoe.png", "cutout/shoe.jpg"):
        assert run(drop(folders, name, b"again"), folders, work).name == (
            "cutout/shoe.json" if name.endswith("jpg") else "cutout/shoe.png.json"
        )
    assert_consistent(folders.output)


def test_a_result_is_found_also_after_the_plain_place_was_cleared(folders: Buckets) -> None:
    run(drop(folders, "cutout/shoe.jpg"), folders, Work())
    second = drop(folders, "cutout/shoe.png")
    run(second, folders, Work())
    folders.output.delete("cutout/shoe.json")
    folders.output.delete("cutout/shoe.png")
    work = Work()
    assert run(second, folders, work).state is State.FOUND
    assert work.runs == []
    newer = drop(folders, "cutout/shoe.png", b"newer")
    assert run(newer, folders, work).name == "cutout/shoe.png.json", (
        "its own place, not the free one"
    )


def test_a_file_somebody_put_into_the_output_is_never_covered(folders: Buckets) -> None:
    folders.output.write("cutout/shoe.png", b"somebody's")
    folders.output.write("cutout/hat.json", b"not even JSON")
    assert run(drop(folders, "cutout/shoe.jpg"), folders, Work()).name == "cutout/shoe.jpg.json"
    assert run(drop(folders, "cutout/hat.jpg"), folders, Work()).name == "cutout/hat.jpg.json"
    assert folders.output.read("cutout/shoe.png")[0] == b"somebody's"
    assert folders.output.read("cutout/hat.json")[0] == b"not even JSON"


def test_results_survive_the_loss_of_the_side_folder(folders: Buckets, tmp_path: Path) -> None:
    job = drop(folders)
    run(job, folders, Work())
    shutil.rmtree(tmp_path / "output" / ".studio")
    assert run(job, folders, Work()).state is State.FOUND
    newer = drop(folders, data=b"newer")
    assert run(newer, folders, Work()).name == "cutout/shoe.json"
    assert folders.output.read("cutout/shoe.png")[0] == b"NEWER"


@pytest.mark.parametrize(
    "name", ["cutout/../secret.jpg", "cutout//a.jpg", "cutout/a\\b.jpg", f"cutout/{'x' * 300}.jpg"]
)
def test_an_input_whose_name_cannot_be_used_is_refused_visibly(folders: Buckets, name: str) -> None:
    job = Job("cutout", Source(folders.input.name, name, 1))
    ending = run(job, folders, Work())
    assert ending.state is State.FAILED
    assert ending.name.startswith("cutout/unnamed-")
    said = document(folders.output, ending.name)
    assert (said["code"], said["input"]["name"]) == ("bad-object-name", name)
    assert run(job, folders, Work()).state is State.FOUND


def test_a_name_so_long_that_no_suffix_fits_still_has_a_result(folders: Buckets) -> None:
    name = f"cutout/{'x' * 255}"
    ending = run(drop(folders, name), folders, Work())
    assert ending.state is State.DONE
    assert ending.name.startswith("cutout/unnamed-")


def test_an_output_that_is_a_folder_does_not_stop_a_result(folders: Buckets) -> None:
    run(drop(folders, "cutout/shoe.png/inner.jpg"), folders, Work())
    ending = run(drop(folders, "cutout/shoe.jpg"), folders, Work())
    assert (ending.state, ending.name) == (State.DONE, "cutout/shoe.jpg.json")
    assert_consistent(folders.output)


_suffix = st.sampled_from(["", ".jpg", ".png", ".json", ".png.jpg", ".jpg.png", ".jpg.json", ".a"])
_name = st.builds(
    "cutout/{}{}{}".format, st.sampled_from(["a", "a b", "ä", "d/a"]), _suffix, _suffix
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(inputs=st.lists(_name, min_size=1, max_size=5, unique=True), data=st.data())
def test_whatever_the_names_every_input_has_its_own_result(
    tmp_path_factory: pytest.TempPathFactory, inputs: list[str], data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("places")
    buckets = Buckets(*(FolderBucket(root / name) for name in ("input", "work", "output")))
    found: dict[str, str] = {}
    for name in data.draw(st.permutations(inputs * 2)):
        content = name.encode()
        try:
            ending = run(_once(buckets, name, content), buckets, Work())
        except BadObjectName:
            continue  # the input folder itself cannot hold a file and a folder of one name
        assert found.setdefault(name, ending.name) == ending.name
    assert len(set(found.values())) == len(found)
    for name, place in found.items():
        said = document(buckets.output, place)
        assert said["input"]["name"] == name
        assert buckets.output.read(said["picture"]["name"])[0] == name.encode().upper()
    assert_consistent(buckets.output)


def _once(buckets: Buckets, name: str, content: bytes) -> Job:
    stored = buckets.input.stat(check_name(name))
    if stored is None:
        return drop(buckets, name, content)
    return Job("cutout", Source(buckets.input.name, name, stored.generation))
