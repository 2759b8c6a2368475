"""Cancelling a run at any moment."""

import asyncio
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adf_trigger.emulator.activities.catalogue import activity_types
from adf_trigger.emulator.common.models import PipelineRun
from adf_trigger.emulator.contract.activity import ActivityContext, ActivityFailed, ActivityResult
from tests.support.engine_factory import EPOCH, FACTORY_ID, Factory, activity, expression, fail, wait

WAITING_FOR_CHILD = activity(
    "E", "ExecutePipeline", {"pipeline": {"referenceName": "Child"}, "waitOnCompletion": True}
)
FORGETTING_CHILD = activity(
    "E", "ExecutePipeline", {"pipeline": {"referenceName": "Child"}, "waitOnCompletion": False}
)


def cancelled_after(factory: Factory, seconds: float, *, recursive: bool = False) -> PipelineRun:
    """Start P, cancel it after some seconds, and wait for its end."""

    async def story() -> PipelineRun:
        run_id = factory.start("P")
        await asyncio.sleep(seconds)
        factory.engine.cancel(FACTORY_ID, run_id, recursive=recursive)
        return await factory.ended(run_id)

    return factory.play(story())


def test_a_cancelled_run_is_canceling_and_then_cancelled(factory: Factory) -> None:
    """The log has both; the activity in progress is Cancelled, the next one never starts."""
    factory.define("P", wait("W", 100), wait("X", after={"W": "Completed"}))

    run = cancelled_after(factory, 7)

    assert [status for name, status in factory.log.history if name == run.run_id][-3:] == [
        "InProgress",
        "Canceling",
        "Cancelled",
    ]
    assert (run.run_end, run.message) == (EPOCH + timedelta(seconds=7), "")
    rows = factory.rows(run)
    assert (rows["W"].status, rows["W"].end) == ("Cancelled", run.run_end)
    assert list(rows) == ["W"]


def _in(container: str, *inner: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, dict[str, Any]] = {
        "IfCondition": {"expression": expression("@true"), "ifTrueActivities": list(inner)},
        "Switch": {"on": "a", "cases": [{"value": "a", "activities": list(inner)}]},
        "ForEach": {"items": [1, 2, 3], "activities": list(inner), "batchCount": 2},
        "Until": {"expression": expression("@false"), "activities": list(inner), "timeout": "00:01:40"},
    }
    return activity(container, container, properties[container])


@pytest.mark.parametrize("outer", ["IfCondition", "Switch", "ForEach", "Until"])
@pytest.mark.parametrize("inner", ["IfCondition", "Switch", "ForEach", "Until"])
def test_containers_and_their_activities_are_cancelled(factory: Factory, outer: str, inner: str) -> None:
    """Every unfinished activity run is Cancelled, however deep."""
    nested = _in(inner, wait("W", 100))
    nested["name"] = "Inner"
    factory.define("P", _in(outer, nested))

    run = cancelled_after(factory, 50)

    rows = factory.log.activities(FACTORY_ID, run.run_id)
    assert run.status == "Cancelled"
    assert {row.activity_name for row in rows} == {outer, "Inner", "W"}
    assert {row.status for row in rows} == {"Cancelled"}


def test_a_run_is_cancelled_between_two_attempts(factory: Factory) -> None:
    """There is no further attempt, and the one that failed stays Failed."""

    async def failing(_context: ActivityContext) -> ActivityResult:
        raise ActivityFailed("no", error_code="1")

    factory.registry = activity_types(execution={"Failing": failing})
    factory.define("P", activity("A", "Failing", policy={"retry": 5, "retryIntervalInSeconds": 60}))

    run = cancelled_after(factory, 90)

    assert run.status == "Cancelled"
    assert [row.status for row in factory.log.activities(FACTORY_ID, run.run_id)] == ["Failed", "Failed"]


def test_a_run_is_cancelled_before_its_first_step(factory: Factory) -> None:
    """Cancelled immediately after its submission, it runs nothing."""
    factory.define("P", wait("W"))

    async def story() -> PipelineRun:
        run_id = factory.start("P")
        factory.engine.cancel(FACTORY_ID, run_id, recursive=False)
        return await factory.ended(run_id)

    run = factory.play(story())

    assert run.status == "Cancelled"
    assert factory.rows(run) == {}


def test_cancelling_twice_is_cancelling_once(factory: Factory) -> None:
    """An activity that needs time to stop is not interrupted again."""
    cleaned_up = []

    async def careful(context: ActivityContext) -> ActivityResult:
        try:
            await context.sleep(100)
        finally:
            await asyncio.sleep(10)
            cleaned_up.append(context.name)
        return ActivityResult()

    factory.registry = activity_types(execution={"Careful": careful})
    factory.define("P", activity("A", "Careful"))

    async def story() -> PipelineRun:
        run_id = factory.start("P")
        await asyncio.sleep(1)
        for _ in range(3):
            factory.engine.cancel(FACTORY_ID, run_id, recursive=True)
            await asyncio.sleep(1)
        return await factory.ended(run_id)

    run = factory.play(story())

    assert (run.status, run.run_end) == ("Cancelled", EPOCH + timedelta(seconds=11))
    assert cleaned_up == ["A"]
    assert [status for name, status in factory.log.history if name == run.run_id].count("Canceling") == 1


def test_cancelling_an_ended_or_unknown_run_changes_nothing(factory: Factory) -> None:
    """The engine changes neither; the API decides on the reply."""
    factory.define("P", wait("W", 1))
    run = factory.run("P")
    before = list(factory.log.history)

    factory.engine.cancel(FACTORY_ID, run.run_id, recursive=True)
    factory.engine.cancel(FACTORY_ID, "no such run", recursive=True)

    assert factory.log.history == before


@pytest.mark.parametrize(("recursive", "status", "ends"), [(True, "Cancelled", 5), (False, "Succeeded", 100)])
@pytest.mark.parametrize("parent", [WAITING_FOR_CHILD, FORGETTING_CHILD])
def test_children_are_cancelled_on_request(
    factory: Factory, parent: dict[str, Any], *, recursive: bool, status: str, ends: int
) -> None:
    """A recursive cancel includes children, awaited or not, even after the parent's end."""
    factory.define("Child", wait("W", 100))
    factory.define("P", parent)

    async def story() -> tuple[PipelineRun, PipelineRun]:
        run_id = factory.start("P")
        await asyncio.sleep(5)
        (child_id,) = set(factory.log.runs) - {run_id}
        factory.engine.cancel(FACTORY_ID, run_id, recursive=recursive)
        return await factory.ended(run_id), await factory.ended(child_id)

    run, child = factory.play(story())

    assert run.status == ("Cancelled" if parent is WAITING_FOR_CHILD else "Succeeded")
    assert (child.status, child.run_end) == (status, EPOCH + timedelta(seconds=ends))


def test_grandchildren_are_cancelled_too(factory: Factory) -> None:
    """A recursive cancel reaches every level."""
    factory.define("Grandchild", wait("W", 100))
    properties = {"pipeline": {"referenceName": "Grandchild"}, "waitOnCompletion": True}
    factory.define("Child", activity("E", "ExecutePipeline", properties))
    factory.define("P", WAITING_FOR_CHILD)

    cancelled_after(factory, 5, recursive=True)
    factory.play(asyncio.sleep(1))

    assert {run.pipeline_name: run.status for run in factory.log.runs.values()} == {
        "P": "Cancelled",
        "Child": "Cancelled",
        "Grandchild": "Cancelled",
    }


@st.composite
def pipelines(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Activities of every kind, nested up to three deep, some depending on others."""

    def activities(prefix: str, depth: int) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for number in range(draw(st.integers(1, 3))):
            one = single(f"{prefix}{number}", depth)
            if made and draw(st.sampled_from([True, False])):
                parent = draw(st.sampled_from(made))["name"]
                condition = draw(st.sampled_from(["Succeeded", "Failed", "Completed", "Skipped"]))
                one["dependsOn"] = [{"activity": parent, "dependencyConditions": [condition]}]
            made.append(one)
        return made

    def single(name: str, depth: int) -> dict[str, Any]:
        kinds = ["Wait", "Fail", "IfCondition", "Switch", "ForEach", "Until"]
        kind = draw(st.sampled_from(kinds if depth else kinds[:2]))
        if kind == "Wait":
            return wait(name, draw(st.integers(0, 4)))
        if kind == "Fail":
            return fail(name)
        # Virtual time passes only while all wait: an Until without a wait would never end.
        inner = [wait(f"{name}.w", 1), *activities(f"{name}.", depth - 1)]
        return {**_in(kind, *inner), "name": name}

    return activities("a", 2)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(activities=pipelines(), seconds=st.floats(0, 20))
def test_any_pipeline_cancelled_at_any_time_ends_cleanly(
    activities: list[dict[str, Any]], seconds: float
) -> None:
    """Whatever it is doing: the run ends, no activity run is left open, no task is left over."""
    with closing(Factory()) as factory:
        factory.define("P", *activities)
        run = cancelled_after(factory, seconds)
        rows = factory.log.activities(FACTORY_ID, run.run_id)

    assert run.run_end is not None
    assert all(row.end is not None and row.end <= run.run_end for row in rows)
    assert "InProgress" not in {row.status for row in rows}
    if run.status == "Cancelled":
        assert run.run_end == EPOCH + timedelta(seconds=seconds)
