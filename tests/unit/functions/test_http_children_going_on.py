"""GET /runs/{id}/activities names the run that an activity has started, also while both are active."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from adf_trigger.errors import Throttled
from tests.support.memory_factory import Run
from tests.support.world import World
from tests.unit.functions.conftest import Caller
from tests.unit.functions.test_http_activities import CALL, CHILD, COPY, shown, started

GOING_ON: dict[str, Any] = {**CALL, "status": "InProgress", "output": None}
"""Data Factory names the run in the output, which an activity has only at its end."""


def child(world: World, parent: UUID, pipeline: str = "child", status: str = "InProgress") -> str:
    """A run that another one has started."""
    run_id, now = uuid4(), world.clock()
    run = Run(run_id, pipeline, {}, now, now, invoked_by="PipelineActivity", invoked_by_run=parent)
    run.status = status
    world.factory.runs[run_id] = run
    return str(run_id)


def children_in(answer: Any) -> list[list[str]]:
    """The child runs of each activity."""
    return [each["childRunIds"] for each in answer["activities"]]


def test_the_run_of_an_active_activity_is_named(caller: Caller, world: World) -> None:
    """The run itself names its starter; other runs of its pipeline are not mistaken for it."""
    run_id = started(caller, world, GOING_ON, COPY)
    child(world, uuid4())
    own = child(world, run_id)
    assert children_in(shown(caller)) == [[own], []]


def test_an_ended_activity_is_not_given_anothers_run(caller: Caller, world: World) -> None:
    """Activities whose outputs name their runs have those; the remaining run belongs to the other one."""
    run_id = started(caller, world, CALL, {**GOING_ON, "activityRunId": "a-3"})
    named = CHILD
    world.factory.runs[UUID(named)] = Run(
        UUID(named), "child", {}, world.clock(), world.clock(), invoked_by_run=run_id
    )
    own = child(world, run_id)
    assert children_in(shown(caller)) == [[named], [own]]


def test_of_several_active_ones_none_is_guessed(caller: Caller, world: World) -> None:
    """Which iteration of a loop has started which run of one pipeline cannot be determined."""
    run_id = started(caller, world, GOING_ON, {**GOING_ON, "activityRunId": "a-3"})
    for _ in range(2):
        child(world, run_id)
    assert children_in(shown(caller)) == [[], []]


@pytest.mark.parametrize("activities", [(COPY,), (CALL, COPY)])
def test_where_no_run_is_missing_no_query_is_made(
    caller: Caller, world: World, activities: tuple[dict[str, Any], ...]
) -> None:
    """The additional query is made for active runs alone."""
    started(caller, world, *activities)
    world.factory.calls.clear()
    shown(caller)
    assert "query_runs" not in world.factory.calls


def test_where_the_list_cannot_be_read_the_activities_are_still_shown(caller: Caller, world: World) -> None:
    """They were read; the unknown runs are left out."""
    started(caller, world, GOING_ON, COPY)
    world.factory.fail_next("query_runs", Throttled("slow", status=429, retry_after=20))
    assert children_in(shown(caller)) == [[], []]
