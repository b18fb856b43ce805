"""The tree of failures: what every door relies on."""

import pytest

from common import errors
from common.errors import StudioError


def family(root: type[StudioError]) -> list[type[StudioError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in family(child))]


# Rooms may grow branches of their own; this is the trunk that every door knows.
KINDS = [kind for kind in family(StudioError) if kind.__module__.startswith(errors.__name__)]
ABSTRACT = {errors.InternalError}  # told exactly as the root: a defect, without its insides


def test_no_two_failures_share_a_code() -> None:
    codes = [kind.code for kind in KINDS if kind not in ABSTRACT]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_is_told_as_a_problem_document(kind: type[StudioError]) -> None:
    problem = kind("It broke.").problem()
    assert problem["type"] == f"/errors/{kind.code}"
    assert problem["detail"] == "It broke."
    assert problem["title"] == kind.title
    assert problem["status"] == kind.status
    assert problem["code"] == kind.code
    assert isinstance(problem["retryable"], bool)
    assert problem["charged"] in {"no", "yes", "maybe"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_bears_its_own_words(kind: type[StudioError]) -> None:
    assert kind.__doc__
    assert 400 <= kind.status <= 599
    assert kind.title[0].isupper()
    assert not kind.title.endswith(".")
    assert kind.code == kind.code.lower().replace("_", "-")


def test_what_the_user_brought_is_the_users_fault_and_costs_nothing() -> None:
    for kind in family(errors.BadInput):
        assert 400 <= kind.status < 500
        assert not kind.retryable
        assert kind.charged == "no"


def test_every_failure_in_the_module_belongs_to_the_tree() -> None:
    named = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert named == set(KINDS)


def test_advice_follows_the_message_and_details_join_the_document() -> None:
    error = errors.BadOptions(
        "The size is too small.",
        advice="Ask for a larger one.",
        field="size",
        retry_after=2.5,
        details={"smallest": 16},
    )
    problem = error.problem()
    assert problem["detail"] == "The size is too small. Ask for a larger one."
    assert problem["field"] == "size"
    assert problem["retry_after"] == 2.5
    assert problem["smallest"] == 16
    assert str(error) == "The size is too small."


def test_members_that_say_nothing_are_left_out() -> None:
    problem = errors.InternalError("It broke.").problem()
    assert not {"field", "retry_after"} & problem.keys()
