"""IfCondition, Switch, ForEach and Until."""

from datetime import timedelta
from typing import Any

import pytest

from adf_trigger.emulator.models import ActivityRun
from tests.support.engine_factory import (
    EPOCH,
    FACTORY_ID,
    Factory,
    activity,
    append,
    expression,
    fail,
    set_variable,
    wait,
)

LIST = {
    "variables": {
        "list": {"type": "Array"},
        "v": {"type": "String"},
        "on": {"type": "Boolean", "defaultValue": False},
    }
}
INNER_FAILED = "Activity failed because an inner activity failed; Inner activity name: "


def if_condition(text: str, when_true: list[Any], when_false: list[Any], name: str = "If") -> dict[str, Any]:
    """An IfCondition."""
    return activity(
        name,
        "IfCondition",
        {"expression": expression(text), "ifTrueActivities": when_true, "ifFalseActivities": when_false},
    )


def for_each(items: Any, *inner: dict[str, Any], name: str = "Loop", **others: Any) -> dict[str, Any]:
    """A ForEach."""
    return activity(name, "ForEach", {"items": items, "activities": list(inner), **others})


def until(condition: str, *inner: dict[str, Any], name: str = "Until", **others: Any) -> dict[str, Any]:
    """An Until."""
    return activity(name, "Until", {"expression": expression(condition), "activities": list(inner), **others})


def rows_named(factory: Factory, run_id: str, name: str) -> list[ActivityRun]:
    """All activity runs of one activity."""
    return [row for row in factory.log.activities(FACTORY_ID, run_id) if row.activity_name == name]


@pytest.mark.parametrize(("text", "ran"), [("@true", "yes"), ("@equals(1, 2)", "no")])
def test_if_runs_one_branch(factory: Factory, text: str, ran: str) -> None:
    """The branch that the expression chooses runs, the other leaves no trace."""
    factory.define("P", if_condition(text, [wait("yes")], [wait("no")]))

    run = factory.run("P")

    assert run.status == "Succeeded"
    assert sorted(factory.rows(run)) == sorted(["If", ran])


def test_a_branch_that_is_not_there_is_empty(factory: Factory) -> None:
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
    """The leaf rule holds inside containers, too."""
    factory.define("P", if_condition("@true", [fail("inner"), wait("catch", after={"inner": "Failed"})], []))

    assert factory.run("P").status == "Succeeded"


def test_if_refuses_what_is_neither_true_nor_false(factory: Factory) -> None:
    """A string is no condition, not even 'true'."""
    factory.define("P", if_condition("@string('true')", [wait("yes")], [wait("no")]))

    run = factory.run("P")

    assert run.status == "Failed"
    assert list(factory.rows(run)) == ["If"]


@pytest.mark.parametrize(("value", "ran"), [("a", "in a"), ("b", "in b"), ("A", "default"), ("", "default")])
def test_switch_runs_the_case_of_the_value(factory: Factory, value: str, ran: str) -> None:
    """The case whose value is the same, in the same letters; otherwise the default."""
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
def test_switch_takes_strings_and_integers(factory: Factory, on: str, ran: list[str]) -> None:
    """An integer finds the case of its digits; anything else fails the activity."""
    cases = [{"value": "2", "activities": [wait("two")]}, {"value": "True", "activities": [wait("true")]}]
    factory.define("P", activity("S", "Switch", {"on": expression(on), "cases": cases}))

    run = factory.run("P")

    assert sorted(factory.rows(run)) == ran
    assert run.status == ("Succeeded" if "two" in ran else "Failed")


def test_a_switch_without_a_match_and_without_a_default_does_nothing(factory: Factory) -> None:
    """It succeeds."""
    factory.define(
        "P", activity("S", "Switch", {"on": "x", "cases": [{"value": "y", "activities": [fail("f")]}]})
    )

    assert factory.run("P").status == "Succeeded"


def test_a_sequential_loop_takes_its_items_in_order(factory: Factory) -> None:
    """One after the other, item() giving each."""
    inner = append("A", "list", expression("@item().n"), after={"W": "Succeeded"})
    factory.define(
        "P",
        for_each('@json(\'[{"n":3},{"n":1},{"n":2}]\')', wait("W", "@item().n"), inner, isSequential=True),
        set_variable("S", "list", "@variables('list')", after={"Loop": "Succeeded"}),
        **LIST,
    )

    run = factory.run("P")

    assert factory.rows(run)["S"].output["value"] == [3, 1, 2]
    assert run.run_end == EPOCH + timedelta(seconds=6)


def test_a_parallel_loop_deals_its_items_out_beforehand(factory: Factory) -> None:
    """Two queues: 10 and 1 in one, 1 and 1 in the other; the second does not help the first."""
    factory.define("P", for_each([10, 1, 1, 1], wait("W", "@item()"), batchCount=2))

    run = factory.run("P")

    starts = {row.input["waitTimeInSeconds"]: row for row in rows_named(factory, run.run_id, "W")}
    assert starts[10].start == EPOCH
    assert run.run_end == EPOCH + timedelta(seconds=11)
    ends = sorted(row.end for row in rows_named(factory, run.run_id, "W") if row.end is not None)
    assert ends == [EPOCH + timedelta(seconds=n) for n in (1, 2, 10, 11)]


@pytest.mark.parametrize(("batch_count", "seconds"), [(None, 3), (50, 1), (1, 50), (25, 2)])
def test_a_parallel_loop_runs_as_many_at_a_time_as_it_may(
    factory: Factory, batch_count: int | None, seconds: int
) -> None:
    """Fifty waits of a second: batchCount at a time, 20 by default."""
    others: dict[str, Any] = {} if batch_count is None else {"batchCount": batch_count}
    factory.define("P", for_each("@range(0, 50)", wait("W", 1), **others))

    assert factory.run("P").run_end == EPOCH + timedelta(seconds=seconds)


@pytest.mark.parametrize("batch_count", [0, 51, "@string('x')"])
def test_a_batch_count_out_of_bounds_is_refused(factory: Factory, batch_count: Any) -> None:
    """From 1 to 50, whole."""
    factory.define("P", for_each([1], wait("W"), batchCount=batch_count))

    assert "from 1 to 50" in str(factory.run("P").message)


def test_flags_written_as_strings_are_read(factory: Factory) -> None:
    """The service's own samples write isSequential as 'true'."""
    factory.define("P", for_each([1, 1], wait("W", 1), isSequential="true"))

    assert factory.run("P").run_end == EPOCH + timedelta(seconds=2)


def test_a_loop_over_nothing_succeeds(factory: Factory) -> None:
    """No item, no iteration, no failure."""
    factory.define("P", for_each([], fail("F")))

    assert factory.run("P").status == "Succeeded"


def test_a_loop_over_no_array_fails_in_the_words_of_the_service(factory: Factory) -> None:
    """A null, as of a parameter that nobody gave, is refused by the length function."""
    factory.define("P", for_each("@json('null')", wait("W")))

    error = factory.rows(factory.run("P"))["Loop"].error

    assert error["errorCode"] == "InvalidTemplate"
    assert error["message"].endswith("to be an array or a string. The provided value is of type 'Null'.")


def test_a_loop_takes_a_hundred_thousand_items_and_no_more(factory: Factory) -> None:
    """The documented limit."""
    factory.define("P", for_each("@union(range(0, 100000), createArray('one more'))", wait("W")))

    assert factory.run("P").message == (
        "Operation on target Loop failed: A ForEach takes up to 100000 items, not 100001."
    )


def test_a_failed_iteration_does_not_stop_the_others(factory: Factory) -> None:
    """All iterations run, sequential or not; the loop fails in the end with the first that failed."""
    body = if_condition(
        "@equals(item(), 2)", [fail("Bad", "@concat('item ', string(item()))")], [wait("Good")]
    )
    factory.define("P", for_each([1, 2, 3], body, isSequential=True))

    run = factory.run("P")

    assert len(rows_named(factory, run.run_id, "Good")) == 2
    inner = f"{INNER_FAILED}Bad, Error: item 2"
    assert run.message == f"Operation on target Loop failed: {INNER_FAILED}If, Error: {inner}"


def test_of_several_failed_iterations_the_first_item_is_told(factory: Factory) -> None:
    """Even if a later item failed sooner."""
    body = [wait("W", "@item()"), fail("F", "@concat('item ', string(item()))", after={"W": "Succeeded"})]
    factory.define("P", for_each([9, 5, 1], *body))

    assert str(factory.run("P").message).endswith("Inner activity name: F, Error: item 9")


def test_activity_runs_of_one_iteration_share_a_hash(factory: Factory) -> None:
    """Inner activities of an iteration, those inside a condition too, have one iterationHash, others another."""
    factory.define("P", for_each([1, 2], wait("A"), if_condition("@true", [wait("B")], [])))

    run = factory.run("P")

    hashes_of_a = [row.iteration_hash for row in rows_named(factory, run.run_id, "A")]
    hashes_of_b = [row.iteration_hash for row in rows_named(factory, run.run_id, "B")]
    assert len(set(hashes_of_a)) == 2
    assert set(hashes_of_a) == set(hashes_of_b)
    assert factory.rows(run)["Loop"].iteration_hash == ""


def test_iterations_of_a_loop_in_a_loop_are_told_apart(factory: Factory) -> None:
    """Two times two iterations have four hashes."""
    inner = for_each([1, 2], wait("W"), name="Inner")
    factory.define("P", for_each([1, 2], if_condition("@true", [inner], [])))

    run = factory.run("P")

    assert len({row.iteration_hash for row in rows_named(factory, run.run_id, "W")}) == 4


def test_item_is_that_of_the_innermost_loop(factory: Factory) -> None:
    """A loop in a loop (by way of a condition) sees its own item; Filter inside sees its own, too."""
    inner = for_each("@createArray(concat(item(), '1'))", append("A", "list", "@item()"), name="Inner")
    picked = activity("F", "Filter", {"items": [1, 2], "condition": "@equals(item(), 2)"})
    factory.define(
        "P",
        for_each(
            ["x"], if_condition("@equals(item(), 'x')", [inner, picked], []), append("B", "list", "@item()")
        ),
        **LIST,
    )

    run = factory.run("P")
    rows = factory.rows(run)

    assert rows["A"].input["value"] == "x1"
    assert rows["B"].input["value"] == "x"
    assert rows["F"].output["Value"] == [2]


def test_an_iteration_sees_its_own_outputs_and_those_outside(factory: Factory) -> None:
    """activity() inside an iteration gives that iteration's activity run, whatever runs beside it."""
    factory.define(
        "P",
        set_variable("Outside", "v", "o"),
        {
            **for_each(
                ["a", "b", "c"],
                activity("F", "Filter", {"items": "@createArray(item())", "condition": "@true"}),
                wait("W", 3, after={"F": "Succeeded"}),
                append(
                    "A",
                    "list",
                    "@concat(activity('Outside').output.value, activity('F').output.value[0], item())",
                    after={"W": "Succeeded"},
                ),
            ),
            "dependsOn": [{"activity": "Outside", "dependencyConditions": ["Succeeded"]}],
        },
        **LIST,
    )

    run = factory.run("P")

    assert sorted(row.input["value"] for row in rows_named(factory, run.run_id, "A")) == ["oaa", "obb", "occ"]


def test_until_runs_its_body_first_and_then_asks(factory: Factory) -> None:
    """The body runs once even if the condition holds from the start."""
    factory.define("P", until("@true", wait("W", 4)))

    assert factory.run("P").run_end == EPOCH + timedelta(seconds=4)


def test_until_sees_the_outputs_of_its_body(factory: Factory) -> None:
    """The condition refers to an inner activity, the usual way to poll."""
    factory.define(
        "P",
        until(
            "@greater(activity('F').output.FilteredItemsCount, 2)",
            append("A", "list", "x"),
            activity(
                "F", "Filter", {"items": "@variables('list')", "condition": "@true"}, after={"A": "Succeeded"}
            ),
        ),
        **LIST,
    )

    run = factory.run("P")

    assert run.status == "Succeeded"
    assert len(rows_named(factory, run.run_id, "A")) == 3


def test_until_stops_at_its_timeout(factory: Factory) -> None:
    """The body in progress is cancelled, and the activity fails, at the second the timeout says."""
    factory.define("P", until("@false", wait("W", 7), timeout="00:00:20"))

    run = factory.run("P")

    assert run.run_end == EPOCH + timedelta(seconds=20)
    assert factory.rows(run)["Until"].error["errorCode"] == "Timeout"
    assert [row.status for row in rows_named(factory, run.run_id, "W")] == [
        "Succeeded",
        "Succeeded",
        "Cancelled",
    ]


def test_until_gives_up_after_seven_days_by_default(factory: Factory) -> None:
    """Seven days, unless told otherwise."""
    factory.define("P", until("@false", wait("W", 3600)))

    assert factory.run("P").run_end == EPOCH + timedelta(days=7)


def test_until_that_never_waits_leaves_others_their_turn(factory: Factory) -> None:
    """A loop that spins does not keep another activity from ending it."""
    factory.define(
        "P",
        until("@variables('on')"),
        wait("W", 0),
        set_variable("S", "on", "@true", after={"W": "Succeeded"}),
        **LIST,
    )

    assert factory.run("P").status == "Succeeded"


def test_an_inner_failure_does_not_stop_until(factory: Factory) -> None:
    """The loop goes on; if its last round is good, it succeeds."""
    attempt = if_condition("@less(length(variables('list')), 2)", [fail("Not yet")], [])
    factory.define(
        "P",
        until(
            "@equals(length(variables('list')), 2)",
            append("A", "list", "x"),
            {**attempt, "dependsOn": [{"activity": "A", "dependencyConditions": ["Succeeded"]}]},
        ),
        **LIST,
    )

    run = factory.run("P")

    assert run.status == "Succeeded"
    assert len(rows_named(factory, run.run_id, "Not yet")) == 1


def test_until_fails_if_its_last_round_did(factory: Factory) -> None:
    """With the failure of that round."""
    factory.define("P", until("@true", fail("F", "still broken")))

    assert (
        factory.run("P").message == f"Operation on target Until failed: {INNER_FAILED}F, Error: still broken"
    )


@pytest.mark.parametrize("timeout", ["soon", "25:00:00", "00:00"])
def test_a_timeout_that_cannot_be_read_fails_until(factory: Factory, timeout: str) -> None:
    """The message repeats what was written."""
    factory.define("P", until("@true", wait("W"), timeout=timeout))

    assert f"'{timeout}' is not a timespan" in str(factory.run("P").message)


def test_many_iterations_lose_none(factory: Factory) -> None:
    """A parallel loop over five thousand items runs each of them once."""
    factory.define(
        "P", for_each("@range(0, 5000)", set_variable("S", "v", "@string(item())"), batchCount=50), **LIST
    )

    run = factory.run("P")

    assert run.status == "Succeeded"
    assert len({row.output["value"] for row in rows_named(factory, run.run_id, "S")}) == 5000
