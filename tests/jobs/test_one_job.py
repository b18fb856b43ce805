"""What becomes of one job, and of the same job again."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import pytest

from common.errors import BrokenPicture, Claimed, GateRefused
from common.jobs import Buckets, Job, Made, Source, State, bury, refuse, run
from common.jobs.claim import claim_name, claimed, last_problem
from tests.support.jobs import PassingError, Work, assert_consistent, document, drop, names


def test_a_picture_becomes_a_picture_and_a_document(buckets: Buckets) -> None:
    job = drop(buckets, "cutout/summer/shoe.jpg", key="auto")
    ending = run(job, buckets, Work())
    assert (ending.state, ending.name) == (State.DONE, "cutout/summer/shoe.json")
    data, stored = buckets.output.read("cutout/summer/shoe.png")
    assert (data, stored.content_type) == (b"PIXELS", "image/png")
    said = document(buckets.output, "cutout/summer/shoe.json")
    assert said["operation"] == "cutout"
    assert said["input"] == {
        "bucket": buckets.input.name,
        "name": "cutout/summer/shoe.jpg",
        "generation": str(job.source.generation),
        "options": {"key": "auto"},
    }
    assert said["picture"]["name"] == "cutout/summer/shoe.png"
    assert_consistent(buckets.output)


def test_the_recipe_and_the_backdrop_are_recorded(folders: Buckets) -> None:
    plain = drop(folders)
    recipe, backdrop = Source("input", "cutout/recipe.json", 5), Source("input", "loft.jpg", 7)
    job = Job("cutout", plain.source, {}, recipe, backdrop)
    run(job, folders, Work())
    said = document(folders.output, "cutout/shoe.json")["input"]
    assert said["recipe"] == {"bucket": "input", "name": "cutout/recipe.json", "generation": "5"}
    assert said["backdrop"] == {"bucket": "input", "name": "loft.jpg", "generation": "7"}


def test_an_answer_without_a_picture_is_a_document_alone(folders: Buckets) -> None:
    def answer(data: bytes) -> Made:
        return Made(None, "application/json", ".json", {"boxes": [len(data)]})

    assert run(drop(folders), folders, answer).state is State.DONE
    assert names(folders.output) == ["cutout/shoe.json"]
    assert document(folders.output, "cutout/shoe.json")["boxes"] == [6]


def test_the_same_job_again_finds_its_result_and_does_nothing(buckets: Buckets) -> None:
    job, work = drop(buckets), Work()
    run(job, buckets, work)
    before = list(buckets.output.list())
    again = run(job, buckets, work)
    assert (again.state, len(work.runs)) == (State.FOUND, 1)
    assert list(buckets.output.list()) == before


def test_other_options_and_another_version_are_another_job(folders: Buckets) -> None:
    job, work = drop(folders, key="auto"), Work()
    other = Job("cutout", job.source, {"key": "blue"})
    newer = Job("cutout", job.source, {"key": "blue"}, version=job.version + 1)
    assert [run(each, folders, work).state for each in (job, other, newer)] == [State.DONE] * 3
    assert document(folders.output, "cutout/shoe.json")["job"]["version"] == newer.version
    assert_consistent(folders.output)


def test_options_in_another_order_are_the_same_job(folders: Buckets) -> None:
    source = drop(folders).source
    one = Job("cutout", source, {"a": 1, "b": {"c": 2, "d": 3}})
    two = Job("cutout", source, {"b": {"d": 3, "c": 2}, "a": 1})
    assert one.digest() == two.digest()


@pytest.mark.parametrize(
    "change",
    [
        Job("erase", Source("input", "a.jpg", 1)),
        Job("cutout", Source("other", "a.jpg", 1)),
        Job("cutout", Source("input", "b.jpg", 1)),
        Job("cutout", Source("input", "a.jpg", 2)),
        Job("cutout", Source("input", "a.jpg", 1), {"key": "blue"}),
        Job("cutout", Source("input", "a.jpg", 1), backdrop=Source("input", "b.jpg", 1)),
        Job("cutout", Source("input", "a.jpg", 1), version=99),
    ],
)
def test_whatever_changes_the_result_changes_the_identity(change: Job) -> None:
    assert change.digest() != Job("cutout", Source("input", "a.jpg", 1)).digest()


# --- failures -------------------------------------------------------------------------------------


def test_a_failure_that_stays_is_published_as_a_problem(buckets: Buckets) -> None:
    error = BrokenPicture("The file ends too early.", advice="Export it again.")
    work = Work(error)
    job = drop(buckets)
    ending = run(job, buckets, work)
    assert (ending.state, ending.error) == (State.FAILED, error)
    assert names(buckets.output) == ["cutout/shoe.json"]
    said = document(buckets.output, "cutout/shoe.json")
    assert said | error.problem() == said
    assert said["input"]["generation"] == str(job.source.generation)
    assert run(job, buckets, work).state is State.FOUND
    assert len(work.runs) == 1


def test_a_passing_failure_is_raised_and_the_next_delivery_succeeds(buckets: Buckets) -> None:
    job, work = drop(buckets), Work(PassingError("Not now."))
    with pytest.raises(PassingError):
        run(job, buckets, work)
    assert names(buckets.output) == []
    work.error = None
    assert run(job, buckets, work).state is State.DONE


def test_a_defect_is_a_failed_result_without_its_insides(folders: Buckets) -> None:
    defect = ZeroDivisionError("secret insides")
    ending = run(drop(folders), folders, Work(defect))
    assert ending.state is State.FAILED
    assert ending.error is not None
    assert ending.error.__cause__ is defect
    said = json.dumps(document(folders.output, "cutout/shoe.json"))
    assert "insides" not in said
    assert '"code": "internal"' in said


def test_a_death_amid_the_work_frees_the_claim_or_lets_it_end(folders: Buckets) -> None:
    job = drop(folders)

    def interrupted(_: bytes) -> Made:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(job, folders, interrupted)
    assert run(job, folders, Work()).state is State.DONE


def test_an_input_above_the_limit_is_refused_unread(folders: Buckets) -> None:
    work = Work()
    ending = run(drop(folders, data=b"12345"), folders, work, max_bytes=4)
    assert (ending.state, work.runs) == (State.FAILED, [])
    assert document(folders.output, "cutout/shoe.json")["code"] == "picture-too-large"


def test_a_job_that_cannot_be_run_is_told_in_the_output(folders: Buckets) -> None:
    ending = refuse(drop(folders), folders, GateRefused("No."))
    assert (ending.state, ending.name) == (State.FAILED, "cutout/shoe.json")


def test_a_job_that_was_given_up_tells_the_last_reason(folders: Buckets) -> None:
    job, work = drop(folders), Work(PassingError("The model is busy."))
    with pytest.raises(PassingError):
        run(job, folders, work)
    assert bury(job, folders, attempts=8).state is State.FAILED
    said = document(folders.output, "cutout/shoe.json")
    assert (said["detail"], said["attempts"]) == ("The model is busy.", 8)
    work.error = None
    assert run(job, folders, work).state is State.DONE, "a later event must run it again"


def test_a_job_is_not_buried_over_its_result(folders: Buckets) -> None:
    job = drop(folders)
    run(job, folders, Work())
    assert bury(job, folders, attempts=8).state is State.FOUND
    assert "attempts" not in document(folders.output, "cutout/shoe.json")


def test_a_deleted_input_leaves_nothing(buckets: Buckets) -> None:
    job = drop(buckets)
    buckets.input.delete("cutout/shoe.jpg")
    assert run(job, buckets, Work()).state is State.GONE
    assert names(buckets.output) == []


def test_work_that_misses_something_else_is_a_failure_not_a_lost_input(folders: Buckets) -> None:
    def misses(_: bytes) -> Made:
        return Made(folders.input.read("backdrop.jpg")[0], "image/png", ".png", {})

    assert run(drop(folders), folders, misses).state is State.FAILED


# --- generations ----------------------------------------------------------------------------------


def test_a_newer_input_replaces_the_result(buckets: Buckets) -> None:
    old = drop(buckets, data=b"old")
    run(old, buckets, Work())
    new = drop(buckets, data=b"new")
    assert run(new, buckets, Work()).state is State.DONE
    assert buckets.output.read("cutout/shoe.png")[0] == b"NEW"
    assert run(old, buckets, Work()).state is State.SUPERSEDED
    assert_consistent(buckets.output)


def test_a_newer_input_that_fails_takes_the_old_picture_away(buckets: Buckets) -> None:
    run(drop(buckets, data=b"old"), buckets, Work())
    run(drop(buckets, data=b"new"), buckets, Work(BrokenPicture("Broken.")))
    assert names(buckets.output) == ["cutout/shoe.json"]


def test_a_result_of_another_format_takes_the_old_picture_away(folders: Buckets) -> None:
    run(drop(folders, data=b"old"), folders, Work())
    run(drop(folders, data=b"new"), folders, Work(suffix=".webp"))
    assert names(folders.output) == ["cutout/shoe.json", "cutout/shoe.webp"]


# --- the claim ------------------------------------------------------------------------------------


def test_a_job_in_progress_is_left_to_its_holder(buckets: Buckets) -> None:
    job, work = drop(buckets), Work()
    with claimed(buckets.work, job.digest()), pytest.raises(Claimed) as caught:
        run(job, buckets, work)
    assert caught.value.retryable
    assert 0 < (caught.value.retry_after or 0) <= 60
    assert work.runs == []


def test_a_dead_holders_job_is_taken_over_after_its_lease(buckets: Buckets) -> None:
    job, work = drop(buckets), Work()
    dead = json.dumps({"owner": "dead", "until": 1000.0}).encode()
    buckets.work.write(claim_name(job.digest()), dead)
    with pytest.raises(Claimed):
        run(job, buckets, work, clock=lambda: 999.0)
    assert run(job, buckets, work, clock=lambda: 1000.5).state is State.DONE


@pytest.mark.parametrize("note", [b"", b"\xff\x00", b"[]", b'{"until": "never"}', b'{"owner": 1}'])
def test_a_claim_that_cannot_be_read_has_ended(folders: Buckets, note: bytes) -> None:
    job = drop(folders)
    folders.work.write(claim_name(job.digest()), note)
    assert run(job, folders, Work()).state is State.DONE


def test_a_holder_at_work_keeps_its_claim_beyond_one_lease(folders: Buckets) -> None:
    job = drop(folders)
    with claimed(folders.work, job.digest(), seconds=0.15):
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            with pytest.raises(Claimed):
                run(job, folders, Work(), lease_seconds=0.15)
            time.sleep(0.02)
    assert run(job, folders, Work()).state is State.DONE
    assert threading.active_count() < 50


def test_why_a_job_was_given_up_is_noted_in_its_claim(folders: Buckets) -> None:
    with pytest.raises(PassingError), claimed(folders.work, "ab12"):
        raise PassingError("Not now.")
    noted = last_problem(folders.work, "ab12")
    assert noted is not None
    assert noted["detail"] == "Not now."
    assert last_problem(folders.work, "never claimed") is None


def test_what_an_operator_sets_is_no_part_of_a_jobs_identity(folders: Buckets) -> None:
    """The engine by settings stands as None in the options; an engine by name is another job."""
    by_settings = drop(folders, engine=None)
    assert run(by_settings, folders, Work()).state is State.DONE
    assert run(by_settings, folders, Work()).state is State.FOUND, "whatever the setting is now"
    by_name = replace(by_settings, options={"engine": "gemini"})
    assert run(by_name, folders, Work()).state is State.DONE
