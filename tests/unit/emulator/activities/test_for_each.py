"""ForEach."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.engine_factory import (
    EPOCH,
    Factory,
    activity,
    append,
    expression,
    fail,
    set_variable,
    wait,
)
from tests.unit.emulator.activities.containers import INNER_FAILED, LIST, for_each, if_condition, rows_named


def test_a_sequential_loop_runs_its_items_in_order(factory: Factory) -> None:
    """One iteration follows the other, with item() as its item."""
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


def test_a_parallel_loop_assigns_its_items_beforehand(factory: Factory) -> None:
    """Two queues, 10 and 1 in one, 1 and 1 in the other; the second does not take items of the first."""
    factory.define("P", for_each([10, 1, 1, 1], wait("W", "@item()"), batchCount=2))

    run = factory.run("P")

    starts = {row.input["waitTimeInSeconds"]: row for row in rows_named(factory, run.run_id, "W")}
    assert starts[10].start == EPOCH
    assert run.run_end == EPOCH + timedelta(seconds=11)
    ends = sorted(row.end for row in rows_named(factory, run.run_id, "W") if row.end is not None)
    assert ends == [EPOCH + timedelta(seconds=n) for n in (1, 2, 10, 11)]


@pytest.mark.parametrize(("batch_count", "seconds"), [(None, 3), (50, 1), (1, 50), (25, 2)])
def test_a_parallel_loop_runs_up_to_batch_count_iterations(
    factory: Factory, batch_count: int | None, seconds: int
) -> None:
    """Fifty waits of a second run batchCount at a time, 20 by default."""
    others: dict[str, Any] = {} if batch_count is None else {"batchCount": batch_count}
    factory.define("P", for_each("@range(0, 50)", wait("W", 1), **others))

    assert factory.run("P").run_end == EPOCH + timedelta(seconds=seconds)


@pytest.mark.parametrize("batch_count", [0, 51, "@string('x')"])
def test_a_batch_count_out_of_bounds_is_rejected(factory: Factory, batch_count: Any) -> None:
    """It is a whole number from 1 to 50."""
    factory.define("P", for_each([1], wait("W"), batchCount=batch_count))

    assert "from 1 to 50" in str(factory.run("P").message)


def test_flags_written_as_strings_are_read(factory: Factory) -> None:
    """The service's own samples write isSequential as 'true'."""
    factory.define("P", for_each([1, 1], wait("W", 1), isSequential="true"))

    assert factory.run("P").run_end == EPOCH + timedelta(seconds=2)


def test_a_loop_over_nothing_succeeds(factory: Factory) -> None:
    """Without items there is no iteration and no failure."""
    factory.define("P", for_each([], fail("F")))

    assert factory.run("P").status == "Succeeded"


def test_a_loop_over_no_array_fails_with_the_services_message(factory: Factory) -> None:
    """A null, as of a missing parameter, is rejected by the length function."""
    factory.define("P", for_each("@json('null')", wait("W")))

    error = factory.rows(factory.run("P"))["Loop"].error

    assert error["errorCode"] == "InvalidTemplate"
    assert error["message"].endswith("to be an array or a string. The provided value is of type 'Null'.")


def test_a_loop_accepts_at_most_a_hundred_thousand_items(factory: Factory) -> None:
    """The limit is documented."""
    factory.define("P", for_each("@union(range(0, 100000), createArray('one more'))", wait("W")))

    assert factory.run("P").message == (
        "Operation on target Loop failed: A ForEach accepts at most 100000 items, not 100001."
    )


def test_a_failed_iteration_does_not_stop_the_others(factory: Factory) -> None:
    """All iterations run, sequential or not; the loop then fails with the first failed one."""
    body = if_condition(
        "@equals(item(), 2)", [fail("Bad", "@concat('item ', string(item()))")], [wait("Good")]
    )
    factory.define("P", for_each([1, 2, 3], body, isSequential=True))

    run = factory.run("P")

    assert len(rows_named(factory, run.run_id, "Good")) == 2
    inner = f"{INNER_FAILED}Bad, Error: item 2"
    assert run.message == f"Operation on target Loop failed: {INNER_FAILED}If, Error: {inner}"


def test_of_several_failed_iterations_the_first_item_is_reported(factory: Factory) -> None:
    """It is reported even if a later item failed sooner."""
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


def test_iterations_of_nested_loops_have_different_hashes(factory: Factory) -> None:
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


def test_many_iterations_lose_none(factory: Factory) -> None:
    """A parallel loop over five thousand items runs each of them once."""
    factory.define(
        "P", for_each("@range(0, 5000)", set_variable("S", "v", "@string(item())"), batchCount=50), **LIST
    )

    run = factory.run("P")

    assert run.status == "Succeeded"
    assert len({row.output["value"] for row in rows_named(factory, run.run_id, "S")}) == 5000
