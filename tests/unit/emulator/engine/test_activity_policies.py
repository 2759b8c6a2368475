"""Retries, time limits, secure inputs and outputs, inactive activities."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from adf_trigger.emulator.activities.catalogue import activity_types
from adf_trigger.emulator.common.models import ActivityRun
from adf_trigger.emulator.contract.activity import (
    Activity,
    ActivityContext,
    ActivityFailed,
    ActivityResult,
)
from tests.support.engine_factory import EPOCH, FACTORY_ID, Factory, activity, set_variable, wait

VARIABLE = {"variables": {"v": {"type": "String"}}}


def scripted(outcomes: Iterator[str]) -> Activity:
    """An execution activity that takes five seconds, then succeeds or fails as scripted."""

    async def probe(context: ActivityContext) -> ActivityResult:
        await context.sleep(5)
        outcome = next(outcomes)
        if outcome == "fail":
            raise ActivityFailed("not yet", error_code="77", input={"secret": "i"}, output={"secret": "o"})
        return ActivityResult(output={"secret": "o"}, input={"secret": "i"})

    return probe


def probing(factory: Factory, *outcomes: str, **others: Any) -> list[ActivityRun]:
    """Run a pipeline of one scripted activity; returns its activity runs."""
    factory.registry = activity_types(execution={"Probe": scripted(iter(outcomes))})
    factory.define("P", activity("A", "Probe", **others))
    return list(factory.log.activities(FACTORY_ID, factory.run("P").run_id))


def test_each_retry_is_an_activity_run_of_its_own(factory: Factory) -> None:
    """Three attempts, the interval between them, retryAttempt from the second on, ids of their own."""
    rows = probing(factory, "fail", "fail", "ok", policy={"retry": 2, "retryIntervalInSeconds": 60})

    assert [(row.status, row.retry_attempt) for row in rows] == [
        ("Failed", None),
        ("Failed", 1),
        ("Succeeded", 2),
    ]
    assert [row.start for row in rows] == [EPOCH + timedelta(seconds=n) for n in (0, 65, 130)]
    assert len({row.activity_run_id for row in rows}) == 3


def test_the_interval_between_attempts_is_thirty_seconds_by_default(factory: Factory) -> None:
    """The default is that of the API's description."""
    rows = probing(factory, "fail", "ok", policy={"retry": 1})

    assert rows[1].start - rows[0].start == timedelta(seconds=35)


def test_without_a_policy_there_is_one_attempt(factory: Factory) -> None:
    """There is no retry by default."""
    assert [row.status for row in probing(factory, "fail")] == ["Failed"]


def test_when_all_attempts_fail_the_last_one_counts(factory: Factory) -> None:
    """The run fails with the error of the last attempt."""
    rows = probing(factory, "fail", "fail", policy={"retry": 1, "retryIntervalInSeconds": 30})

    assert [row.status for row in rows] == ["Failed", "Failed"]
    assert factory.log.runs[rows[0].run_id].message == "Operation on target A failed: not yet"


def test_an_attempt_stops_at_its_timeout(factory: Factory) -> None:
    """It ends at the policy's second, as a failure that is retried."""
    rows = probing(factory, policy={"timeout": "0.00:00:03", "retry": 1, "retryIntervalInSeconds": 30})

    assert [(row.status, row.error["errorCode"]) for row in rows] == [("Failed", "Timeout")] * 2
    assert [row.end for row in rows] == [EPOCH + timedelta(seconds=n) for n in (3, 36)]


def test_an_attempt_stops_after_seven_days_by_default(factory: Factory) -> None:
    """An activity that never ends is stopped."""

    async def endless(context: ActivityContext) -> ActivityResult:
        await context.sleep(10**9)
        return ActivityResult()

    factory.registry = activity_types(execution={"Endless": endless})
    factory.define("P", activity("A", "Endless"))

    assert factory.run("P").run_end == EPOCH + timedelta(days=7)


def test_a_timeout_error_of_an_activity_is_not_its_time_limit(factory: Factory) -> None:
    """A TimeoutError raised by an activity is an error of its own."""

    async def sloppy(_context: ActivityContext) -> ActivityResult:
        raise TimeoutError

    factory.registry = activity_types(execution={"Sloppy": sloppy})
    factory.define("P", activity("A", "Sloppy", policy={"timeout": "0.01:00:00"}))

    assert factory.rows(factory.run("P"))["A"].error["failureType"] == "SystemError"


def test_control_activities_have_no_retry_and_no_time_limit(factory: Factory) -> None:
    """A Wait of ten days lasts ten days, whatever its policy says."""
    factory.define("P", wait("W", 864000, policy={"timeout": "0.00:10:00", "retry": 3}))

    assert factory.run("P").run_end == EPOCH + timedelta(days=10)


def test_a_policy_may_hold_expressions(factory: Factory) -> None:
    """Retry and timeout are evaluated."""
    rows = probing(
        factory, "fail", "ok", policy={"retry": "@add(0, 1)", "timeout": "@concat('0.00', ':01:00')"}
    )

    assert [row.status for row in rows] == ["Failed", "Succeeded"]


@pytest.mark.parametrize(
    "policy",
    [{"timeout": "soon"}, {"retry": "often"}, {"timeout": "@nothing()"}, {"retryIntervalInSeconds": []}],
)
def test_an_invalid_policy_fails_the_activity(factory: Factory, policy: dict[str, Any]) -> None:
    """It is not run, and its activity run gives the reason."""
    rows = probing(factory, policy=policy)

    assert [row.status for row in rows] == ["Failed"]
    assert rows[0].error["message"]


def test_secure_input_and_output_stay_out_of_the_log(factory: Factory) -> None:
    """The rows are empty, those of failed attempts too; other activities still see the output."""
    factory.registry = activity_types(execution={"Probe": scripted(iter(["fail", "ok"]))})
    policy = {"secureInput": True, "secureOutput": True, "retry": 1}
    factory.define(
        "P",
        activity("A", "Probe", policy=policy),
        set_variable("S", "v", "@activity('A').output.secret", after={"A": "Succeeded"}),
        **VARIABLE,
    )

    run = factory.run("P")
    rows = [row for row in factory.log.activities(FACTORY_ID, run.run_id) if row.activity_name == "A"]

    assert [(row.status, row.input, row.output) for row in rows] == [
        ("Failed", {}, {}),
        ("Succeeded", {}, {}),
    ]
    assert factory.rows(run)["S"].output["value"] == "o"


def test_control_activities_keep_secrets_too(factory: Factory) -> None:
    """A SetVariable with secure input and output shows nothing."""
    policy = {"secureInput": True, "secureOutput": True}
    factory.define("P", set_variable("S", "v", "secret", policy=policy), **VARIABLE)

    row = factory.rows(factory.run("P"))["S"]

    assert (row.status, row.input, row.output) == ("Succeeded", {}, {})


@pytest.mark.parametrize(
    ("mark_as", "followers", "status"),
    [
        (None, ["then", "finally"], "Succeeded"),
        ("Succeeded", ["then", "finally"], "Succeeded"),
        ("Failed", ["catch", "finally"], "Failed"),
        ("Skipped", ["otherwise"], "Succeeded"),
    ],
)
def test_an_inactive_activity_is_not_run_and_ends_as_marked(
    factory: Factory, mark_as: str | None, followers: list[str], status: str
) -> None:
    """Its activity run is Inactive; the branches follow onInactiveMarkAs, by default Succeeded."""
    mark: dict[str, Any] = {} if mark_as is None else {"onInactiveMarkAs": mark_as}
    factory.define(
        "P",
        activity("A", "NotEvenEmulated", state="Inactive", **mark),
        wait("then", after={"A": "Succeeded"}),
        wait("catch", after={"A": "Failed"}),
        wait("finally", after={"A": "Completed"}),
        wait("otherwise", after={"A": "Skipped"}),
    )

    run = factory.run("P")

    rows = factory.rows(run)
    assert run.status == status
    assert rows.pop("A").status == "Inactive"
    assert sorted(rows) == sorted(followers)


def test_an_inactive_activity_has_no_output_to_refer_to(factory: Factory) -> None:
    """As documented, a reference to its output fails the referring activity."""
    factory.define(
        "P",
        wait("A", state="Inactive"),
        set_variable("S", "v", "@string(activity('A').output)", after={"A": "Succeeded"}),
        **VARIABLE,
    )

    run = factory.run("P")

    assert run.status == "Failed"
    assert factory.rows(run)["S"].error["errorCode"] == "InvalidTemplate"


def test_user_properties_that_cannot_be_evaluated_fail_the_activity(factory: Factory) -> None:
    """An expression in a user property is evaluated like any other."""
    factory.define("P", wait("A", userProperties=[{"name": "x", "value": "@nothing()"}]))

    assert factory.rows(factory.run("P"))["A"].status == "Failed"
