"""Until."""

from datetime import timedelta

import pytest

from tests.support.engine_factory import (
    EPOCH,
    Factory,
    activity,
    append,
    fail,
    set_variable,
    wait,
)
from tests.unit.emulator.activities.containers import INNER_FAILED, LIST, if_condition, rows_named, until


def test_until_runs_its_body_before_the_condition(factory: Factory) -> None:
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


def test_until_times_out_after_seven_days_by_default(factory: Factory) -> None:
    """The default timeout is seven days."""
    factory.define("P", until("@false", wait("W", 3600)))

    assert factory.run("P").run_end == EPOCH + timedelta(days=7)


def test_until_without_a_wait_lets_other_activities_run(factory: Factory) -> None:
    """A busy loop does not keep another activity from ending it."""
    factory.define(
        "P",
        until("@variables('on')"),
        wait("W", 0),
        set_variable("S", "on", "@true", after={"W": "Succeeded"}),
        **LIST,
    )

    assert factory.run("P").status == "Succeeded"


def test_an_inner_failure_does_not_stop_until(factory: Factory) -> None:
    """The loop continues; if its last iteration succeeds, so does the activity."""
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


def test_until_fails_if_its_last_iteration_failed(factory: Factory) -> None:
    """The error is that of the iteration."""
    factory.define("P", until("@true", fail("F", "still broken")))

    assert (
        factory.run("P").message == f"Operation on target Until failed: {INNER_FAILED}F, Error: still broken"
    )


@pytest.mark.parametrize("timeout", ["soon", "25:00:00", "00:00"])
def test_an_invalid_timeout_fails_until(factory: Factory, timeout: str) -> None:
    """The message repeats the value."""
    factory.define("P", until("@true", wait("W"), timeout=timeout))

    assert f"'{timeout}' is not a timespan" in str(factory.run("P").message)
