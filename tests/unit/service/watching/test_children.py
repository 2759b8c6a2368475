"""Why a run failed, to the root cause: in its child runs, in the iterations of its loops, in the last attempt."""

import json
from typing import Any
from uuid import UUID, uuid5

import pytest

from adf_trigger.datafactory.models import ActivityRun
from adf_trigger.errors import Throttled, Unavailable
from adf_trigger.events.texts import MAX_MESSAGE_BYTES, event_text
from adf_trigger.news import EventData
from adf_trigger.service.watching.children import MOST_FOLLOWED
from adf_trigger.service.watching.results import cured_among
from tests.support.activity_runs import activity, failed
from tests.support.memory_factory import Run
from tests.support.world import World, settings

MISSING = (
    "ErrorCode=UserErrorSourceBlobNotExist,'Type=Microsoft.DataTransfer.Common.Shared.HybridDeliveryException,"
    "Message=The required Blob is missing.,Source=Microsoft.DataTransfer.ClientLibrary,'"
)
CHILD = UUID(int=77)


def calls(
    child: UUID, *, name: str = "CallChild", waits: bool = True, status: str = "Failed", **more: Any
) -> Any:
    """An activity that has started a run of another pipeline."""
    return activity(
        name,
        "ExecutePipeline",
        status,
        error=("BadRequest", "Operation on target CopyOrders failed: it is long")
        if status == "Failed"
        else None,
        input={
            "pipeline": {"referenceName": "child", "type": "PipelineReference"},
            "waitOnCompletion": waits,
            "parameters": {},
        },
        output={"pipelineRunId": str(child), "pipelineName": "child"},
        **more,
    )


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline `load`, and one active run."""
    world = World()
    world.factory.declare("load")
    world.submit()
    return world


def start_child(world: World, run_id: UUID, status: str, *activities: Any, named: bool = True) -> None:
    """A run that the run of the world has started."""
    now = world.clock()
    parent = world.services.query.find("key-1").run_id
    world.factory.runs[run_id] = Run(
        run_id,
        "child",
        {},
        now,
        now,
        status=status,
        failed=list(activities),
        invoked_by="PipelineActivity",
        invoked_by_run=parent if named else None,
    )


def ended(world: World, status: str, *activities: Any, message: str = "") -> EventData:
    """What is published of the run once it has ended so."""
    run_id = world.services.query.find("key-1").run_id
    world.factory.finish(run_id, status, failed=list(activities), message=message)
    world.factory.calls.clear()
    world.tick(after=15)
    (event,) = world.outbox.events
    return event.data


def test_a_run_that_failed_with_a_child_shows_why_the_child_failed(world: World) -> None:
    """It shows the child's run id, pipeline and failed activities with their codes; the reason gives the root cause."""
    loop = failed("Each", "ActionFailed", "Activity failed because an inner activity failed", kind="ForEach")
    start_child(world, CHILD, "Failed", activity("Before"), failed("CopyOrders", "2200", MISSING, began=3))
    data = ended(world, "Failed", loop, calls(CHILD, began=1), message="Operation on target CallChild failed")
    (child,) = data.children
    assert (child.run_id, child.pipeline, child.status) == (str(CHILD), "child", "Failed")
    assert (child.activity_name, child.waited_for) == ("CallChild", True)
    assert child.errors is not None
    (error,) = child.errors
    assert (error.activity_name, error.error_code, error.message) == ("CopyOrders", "2200", MISSING)
    assert error.activity_run_id
    assert data.reason == "CallChild: CopyOrders: UserErrorSourceBlobNotExist (and 1 more)"
    assert [each.child_run_id for each in data.errors or ()] == [None, str(CHILD)]
    assert world.factory.calls == ["get_run", "query_activity_runs", "get_run", "query_activity_runs"]


def test_of_many_failed_activities_below_a_few_are_published_and_the_rest_counted(world: World) -> None:
    """The event marks that it is incomplete."""
    start_child(world, CHILD, "Failed", *(failed(f"Copy{n}", "2200", MISSING, began=n) for n in range(8)))
    data = ended(world, "Failed", calls(CHILD))
    (child,) = data.children
    assert [each.activity_name for each in child.errors or ()] == [f"Copy{n}" for n in range(5)]
    assert (child.errors_left_out, data.truncated) == (3, True)


def test_a_long_reason_below_is_cut_in_the_middle_and_marked(world: World) -> None:
    """Both its ends are published."""
    start_child(world, CHILD, "Failed", failed("Copy", "1", f"begin {'x' * 9_000} cause"))
    data = ended(world, "Failed", calls(CHILD))
    errors = data.children[0].errors
    assert errors is not None
    (error,) = errors
    assert (error.message[:6], error.message[-6:], data.truncated) == ("begin ", " cause", True)
    assert data.children[0].errors_left_out == 0


def test_of_thousands_of_activities_below_the_last_are_read_and_the_event_is_marked(world: World) -> None:
    """Three pages of them are read, which include what ended the run."""
    rounds = [activity("Each", began=n) for n in range(400)]
    start_child(world, CHILD, "Failed", *rounds, failed("Copy", "2200", MISSING, began=500))
    data = ended(world, "Failed", calls(CHILD))
    assert [each.activity_name for each in data.children[0].errors or ()] == ["Copy"]
    assert data.truncated


def test_the_child_of_a_child_is_named(world: World) -> None:
    """One level is read: the next one is named by its run id, without a call."""
    start_child(world, CHILD, "Failed", calls(UUID(int=78), name="CallGrandchild"))
    data = ended(world, "Failed", calls(CHILD))
    assert [each.child_run_id for each in data.children[0].errors or ()] == [str(UUID(int=78))]
    assert (data.reason or "").startswith("CallChild: CallGrandchild: BadRequest")
    assert world.factory.calls.count("get_run") == 2


def test_a_child_that_was_not_waited_for_is_named_without_a_call(world: World) -> None:
    """Its fate does not matter: the run has ended."""
    start_child(world, CHILD, "InProgress")
    data = ended(world, "Succeeded", calls(CHILD, waits=False, status="Succeeded"))
    (child,) = data.children
    assert (child.run_id, child.waited_for, child.status, child.errors) == (str(CHILD), False, None, None)
    assert data.reason is None
    assert world.factory.calls == ["get_run", "query_activity_runs"]


@pytest.mark.parametrize("hidden", [False, True])
def test_a_child_of_a_cancelled_run_is_published_with_its_status(world: World, *, hidden: bool) -> None:
    """It may be active, and the reason says so; also where its activity hides its output."""
    other = UUID(int=78)
    start_child(world, CHILD, "InProgress")
    start_child(world, other, "Cancelled")
    start_child(world, UUID(int=79), "InProgress", named=False)
    call = calls(CHILD, waits=False, status="Succeeded")
    if hidden:
        call = {**call, "output": {}, "input": {}}
    data = ended(world, "Cancelled", call, calls(other, name="Other", status="Cancelled"))
    assert {(each.run_id, each.status) for each in data.children} == {
        (str(CHILD), "InProgress"),
        (str(other), "Cancelled"),
    }
    assert data.reason == f"a run that it has started is still active: child {CHILD} is InProgress"
    assert world.factory.calls == ["get_run", "query_activity_runs", "query_runs"]


def test_a_cancelled_run_without_children_costs_no_list(world: World) -> None:
    """Only activities that start runs need a list."""
    ended(world, "Cancelled", activity("Wait", "Wait", "Cancelled"))
    assert world.factory.calls == ["get_run", "query_activity_runs"]


def test_of_many_failed_children_a_few_are_read_and_all_are_named(world: World) -> None:
    """A loop over fifty runs spends a bounded number of calls."""
    children = [uuid5(CHILD, str(number)) for number in range(50)]
    for child in children:
        start_child(world, child, "Failed", failed("Copy", "2200", MISSING))
    data = ended(
        world, "Failed", *(calls(child, began=n, iterationHash=f"{n}") for n, child in enumerate(children))
    )
    assert len(data.children) + data.children_left_out == 50
    assert [bool(each.errors) for each in data.children[: MOST_FOLLOWED + 1]] == [True] * MOST_FOLLOWED + [
        False
    ]
    assert world.factory.calls.count("get_run") == 1 + MOST_FOLLOWED
    assert len(event_text(world.outbox.events[0])) <= MAX_MESSAGE_BYTES


@pytest.mark.parametrize("operation", ["get_run", "query_activity_runs"])
@pytest.mark.parametrize("error", [Throttled("slow", retry_after=1), Unavailable("down", status=503)])
def test_the_event_waits_for_a_reason_below_for_a_bounded_time(
    world: World, operation: str, error: Exception
) -> None:
    """A reason that cannot be read now is read at a later tick; after ten minutes the end is published without it."""
    start_child(world, CHILD, "Failed", failed("CopyOrders", "2200", MISSING))
    run_id = world.services.query.find("key-1").run_id
    world.factory.finish(run_id, "Failed", failed=[calls(CHILD)])
    real = getattr(world.factory, operation)

    def below_fails(run: UUID, **more: Any) -> Any:
        if run == CHILD:
            raise error
        return real(run, **more)

    setattr(world.factory, operation, below_fails)
    world.tick(after=15)
    assert world.outbox.events == []
    world.tick(after=700)
    (event,) = world.outbox.events
    assert [(each.run_id, each.errors) for each in event.data.children] == [(str(CHILD), None)]
    assert event.data.truncated


def test_a_child_that_data_factory_no_longer_has_is_named(world: World) -> None:
    """The event does not wait for it."""
    data = ended(world, "Failed", calls(CHILD))
    assert [(each.run_id, each.status, each.errors) for each in data.children] == [(str(CHILD), None, None)]
    assert (data.reason or "").startswith("CallChild: BadRequest Operation on target CopyOrders failed")


def test_an_invalid_run_id_is_published_unchanged(world: World) -> None:
    """The end is published whatever an output contains."""
    odd = calls(CHILD)
    odd["output"]["pipelineRunId"] = "no-guid"
    assert [each.run_id for each in ended(world, "Failed", odd).children] == ["no-guid"]


def test_user_properties_of_a_child_are_left_out(world: World) -> None:
    """Its pipeline may have secure parameters of its own."""
    start_child(world, CHILD, "Failed", failed("Copy", "2200", MISSING, userProperties={"p": "hush"}))
    assert "hush" not in ended(world, "Failed", calls(CHILD)).model_dump_json()


def test_the_failed_iteration_of_a_loop_is_identified(world: World) -> None:
    """It is identified by user properties, by the activity run's id, and by the iteration."""
    rounds = [
        activity("Copy", began=n, iterationHash=f"h{n}", userProperties={"file": f"{n}.csv"})
        for n in range(3)
    ]
    bad = failed("Copy", "2200", MISSING, began=4, iterationHash="h4", userProperties={"file": "4.csv"})
    errors = ended(world, "Failed", *rounds, bad).errors
    assert errors is not None
    (error,) = errors
    assert (error.iteration_hash, error.user_properties) == ("h4", {"file": "4.csv"})
    assert error.activity_run_id == bad["activityRunId"]


def test_an_error_that_a_retry_has_cured_is_marked(world: World) -> None:
    """It is not the reason of the failure."""
    data = ended(
        world,
        "Failed",
        failed("Copy", "2200", MISSING, began=0),
        activity("Copy", began=2, retryAttempt=1),
        failed("Stop", "NoOrders", "none", kind="Fail", began=4),
    )
    assert [(each.activity_name, each.cured, each.retry_attempt) for each in data.errors or ()] == [
        ("Copy", True, None),
        ("Stop", False, None),
    ]
    assert data.reason == "Stop: NoOrders none"


@pytest.mark.parametrize(
    ("runs", "cured"),
    [
        ([("A", "Failed", 0, None, ""), ("A", "Failed", 2, 1, ""), ("A", "Succeeded", 4, 2, "")], {0, 1}),
        ([("A", "Failed", 0, None, ""), ("A", "Failed", 2, 1, "")], set()),
        ([("A", "Failed", 0, None, "x"), ("A", "Succeeded", 2, 1, "y")], set()),
        ([("A", "Failed", 0, None, ""), ("B", "Succeeded", 2, 1, "")], set()),
        ([("A", "Failed", 0, None, ""), ("A", "Succeeded", 2, None, "")], set()),
        ([("A", "Failed", 0, None, ""), ("A", "Failed", 2, 1, ""), ("A", "Succeeded", 4, None, "")], set()),
        ([("A", "Failed", 0, None, ""), ("A", "Failed", 0.5, None, ""), ("A", "Succeeded", 1.2, 1, "")], set()),
        ([("A", "TimedOut", 0, None, ""), ("A", "Succeeded", 2, 1, "")], {0}),
        ([("A", "Succeeded", 0, None, ""), ("A", "Failed", 2, 1, "")], set()),
    ],
)  # fmt: skip
def test_only_a_retry_cures(runs: list[tuple[str, str, float, int | None, str]], cured: set[int]) -> None:
    """It is the next attempt of the same activity in the same iteration; neither a later nor a parallel iteration."""
    activities = [
        ActivityRun.model_validate(
            activity(name, "Copy", status, began=began, retryAttempt=attempt, iterationHash=iteration)
        )
        for name, status, began, attempt, iteration in runs
    ]
    assert cured_among(activities) == cured


@pytest.mark.parametrize("size", [5_927, 20_000, 200_000])
def test_a_long_reason_is_cut_in_the_middle_and_only_where_necessary(world: World, size: int) -> None:
    """Its beginning and its end are published; with enough room, all of it."""
    reason = "begin " + "x" * (size - 12) + " cause"
    data = ended(world, "Failed", failed("Call", "2108", reason, kind="WebActivity"), message=reason)
    text = event_text(world.outbox.events[0])
    assert len(text) <= MAX_MESSAGE_BYTES
    (error,) = json.loads(text)["data"]["errors"]
    assert error["message"].startswith("begin xxx")
    assert error["message"].endswith("xxx cause")
    assert (error["message"] == reason) is (size <= 20_000)
    assert (data.message or "").endswith("xxx cause")


def test_many_long_reasons_share_the_room() -> None:
    """There are nine of ten thousand characters: the event is nearly full, and each ends with its cause."""
    world = World(settings=settings())
    world.factory.declare("load")
    world.submit()
    runs = [failed(f"A{n}", "1", "b" * 10_000 + f"cause {n}", began=n) for n in range(9)]
    ended(world, "Failed", *runs)
    text = event_text(world.outbox.events[0])
    errors = json.loads(text)["data"]["errors"]
    assert [each["message"][-7:] for each in errors] == [f"cause {n}" for n in range(9)]
    assert 30_000 < len(text) <= MAX_MESSAGE_BYTES
