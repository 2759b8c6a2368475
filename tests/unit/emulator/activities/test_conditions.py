"""IfCondition and Switch."""

import pytest

from tests.support.engine_factory import (
    Factory,
    activity,
    expression,
    fail,
    wait,
)
from tests.unit.emulator.activities.containers import INNER_FAILED, if_condition


@pytest.mark.parametrize(("text", "ran"), [("@true", "yes"), ("@equals(1, 2)", "no")])
def test_if_runs_one_branch(factory: Factory, text: str, ran: str) -> None:
    """The branch that the expression chooses runs, the other leaves no trace."""
    factory.define("P", if_condition(text, [wait("yes")], [wait("no")]))

    run = factory.run("P")

    assert run.status == "Succeeded"
    assert sorted(factory.rows(run)) == sorted(["If", ran])


def test_a_missing_branch_is_empty(factory: Factory) -> None:
    """An If without ifFalseActivities succeeds when its condition is false."""
    factory.define("P", activity("If", "IfCondition", {"expression": expression("@false")}))

    assert factory.run("P").status == "Succeeded"


def test_if_fails_with_what_failed_inside(factory: Factory) -> None:
    """The container's error names the inner activity and repeats its message."""
    factory.define("P", if_condition("@true", [fail("inner", "broken")], []))

    run = factory.run("P")

    error = factory.rows(run)["If"].error
    assert (error["errorCode"], error["message"]) == ("ActionFailed", f"{INNER_FAILED}inner, Error: broken")
    assert run.message == f"Operation on target If failed: {INNER_FAILED}inner, Error: broken"


def test_a_failure_handled_inside_a_branch_is_no_failure(factory: Factory) -> None:
    """The rule of leaves holds inside containers, too."""
    factory.define("P", if_condition("@true", [fail("inner"), wait("catch", after={"inner": "Failed"})], []))

    assert factory.run("P").status == "Succeeded"


def test_if_rejects_a_condition_that_is_no_boolean(factory: Factory) -> None:
    """A string is no condition, not even 'true'."""
    factory.define("P", if_condition("@string('true')", [wait("yes")], [wait("no")]))

    run = factory.run("P")

    assert run.status == "Failed"
    assert list(factory.rows(run)) == ["If"]


@pytest.mark.parametrize(("value", "ran"), [("a", "in a"), ("b", "in b"), ("A", "default"), ("", "default")])
def test_switch_runs_the_case_of_the_value(factory: Factory, value: str, ran: str) -> None:
    """The case whose value is equal, case-sensitively, runs; otherwise the default."""
    cases = [{"value": it, "activities": [wait(f"in {it}")]} for it in ("a", "b")]
    factory.define(
        "P",
        activity(
            "S",
            "Switch",
            {
                "on": expression("@pipeline().parameters.p"),
                "cases": cases,
                "defaultActivities": [wait("default")],
            },
        ),
        parameters={"p": {"type": "String", "defaultValue": value}},
    )

    assert sorted(factory.rows(factory.run("P"))) == sorted(["S", ran])


@pytest.mark.parametrize(
    ("on", "ran"), [("@add(1, 1)", ["S", "two"]), ("@true", ["S"]), ("@createArray(2)", ["S"])]
)
def test_switch_accepts_strings_and_integers(factory: Factory, on: str, ran: list[str]) -> None:
    """An integer matches the case of its digits; any other type fails the activity."""
    cases = [{"value": "2", "activities": [wait("two")]}, {"value": "True", "activities": [wait("true")]}]
    factory.define("P", activity("S", "Switch", {"on": expression(on), "cases": cases}))

    run = factory.run("P")

    assert sorted(factory.rows(run)) == ran
    assert run.status == ("Succeeded" if "two" in ran else "Failed")


def test_a_switch_without_a_match_and_without_a_default_does_nothing(factory: Factory) -> None:
    """The activity succeeds."""
    factory.define(
        "P", activity("S", "Switch", {"on": "x", "cases": [{"value": "y", "activities": [fail("f")]}]})
    )

    assert factory.run("P").status == "Succeeded"
