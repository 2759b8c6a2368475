"""A run is rerun with its own parameters, as a request of its own, and a double click is one rerun."""

from typing import Any
from uuid import UUID

import pytest

from adf_trigger.contracts import Rerun
from adf_trigger.errors import (
    InvalidRequest,
    LedgerError,
    RequestConflict,
    RunNotFound,
    Throttled,
    Unavailable,
    WrongState,
)
from adf_trigger.ledger.records import RunRecord
from tests.support.memory_factory import LOST_REPLY
from tests.support.news import published_names
from tests.support.world import STARTED, World, settings

ACTIVITIES: list[dict[str, Any]] = [
    {"name": "Look", "type": "Lookup"},
    {
        "name": "Each",
        "type": "ForEach",
        "typeProperties": {"activities": [{"name": "CopyOne", "type": "Copy"}]},
    },
    {
        "name": "Choose",
        "type": "Switch",
        "typeProperties": {
            "cases": [{"value": "a", "activities": [{"name": "CaseA", "type": "Wait"}]}],
            "defaultActivities": [{"name": "Otherwise", "type": "Wait"}],
        },
    },
]


@pytest.fixture
def world() -> World:
    """A service with a run of the pipeline `load` that has failed."""
    world = World()
    world.factory.declare("load", day={"type": "String"})
    world.factory.pipelines["load"]["properties"]["activities"] = ACTIVITIES
    world.submit(parameters={"day": "monday"}, correlation_id="order-17", metadata={"team": "loads"})
    finish(world)
    return world


def finish(world: World, key: str = "key-1", status: str = "Failed") -> UUID:
    """End the run of a request, and let the timer see it."""
    run_id = world.services.query.find(key).run_id
    world.factory.finish(run_id, status, failed=[{"activityName": "Look", "status": "Succeeded"}])
    world.tick(after=15)
    assert world.services.query.find(key).ended
    return run_id


def test_a_rerun_is_a_request_of_its_own_in_the_group_of_its_run(world: World) -> None:
    """It references the run, keeps its labels and parameters, and both histories show who asked, and why."""
    first = world.services.query.find("key-1")
    rerun = world.rerun(by="ann", note="the source was late").record
    assert world.factory.reruns[-1] == (
        rerun.run_id,
        Rerun(reference_pipeline_run_id=first.run_id, is_recovery=True),
    )
    view = world.services.views.view(rerun)
    assert (view.rerun_of, view.group_id, view.attempt) == (first.run_id, first.run_id, 2)
    assert (view.parameters, view.correlation_id) == ({"day": "monday"}, "order-17")
    assert (view.metadata, view.requested_by) == ({"team": "loads"}, "ann")
    assert [(each.action, each.by, each.note) for each in view.history] == [
        ("rerun", "ann", "the source was late")
    ]
    (entry,) = world.services.query.find("key-1").history
    assert (entry.action, entry.by) == ("rerun", "ann")
    assert str(entry.note) == f"request {rerun.request_id} reruns it (whole): the source was late"
    world.factory.finish(rerun.run_id)
    world.tick(after=15)
    assert published_names(world.outbox.events)[-1] == f"{rerun.run_id}/Succeeded"


def test_a_double_click_is_one_rerun_and_a_later_one_is_another(world: World) -> None:
    """While it is active, asking again is the same rerun; after its end the next one has another number."""
    first = world.rerun()
    for _ in range(2):
        again = world.rerun()
        assert (again.replayed, again.record.request_id) == (True, first.record.request_id)
    assert len(world.services.query.find("key-1").history) == 1
    finish(world, first.record.request_id)
    second = world.rerun()
    assert not second.replayed
    assert (first.record.attempt, second.record.attempt) == (2, 3)
    assert len(world.factory.runs) == 3
    finish(world, second.record.request_id)
    third = world.rerun(second.record.request_id).record
    assert (third.attempt, third.group_id) == (4, world.services.query.find("key-1").run_id)


def test_a_rerun_that_could_not_be_noted_is_still_one(world: World) -> None:
    """The ledger fails after the claim: the next click finds the rerun, and notes it."""
    world.ledger.before["save"] = [LedgerError("away")] * 2
    first = world.rerun().record
    assert world.services.query.find("key-1").history == ()
    world.clock.forward(600)
    world.tick()
    assert world.rerun().record.request_id == first.request_id
    assert len(world.services.query.find("key-1").history) == 1
    finish(world, first.request_id)
    assert world.rerun().record.request_id != first.request_id


def test_a_given_key_names_the_rerun(world: World) -> None:
    """The same key is the same rerun also after its end, and another rerun under it is a conflict."""
    rerun = world.rerun(key="mine").record
    finish(world, "mine")
    again = world.rerun(key="mine")
    assert (again.replayed, again.record.run_id) == (True, rerun.run_id)
    with pytest.raises(RequestConflict):
        world.rerun(key="mine", mode="fromFailure")
    assert len(world.services.query.find("key-1").history) == 1


def test_two_modes_of_one_rerun_are_a_conflict(world: World) -> None:
    """While it is rerun in one mode, it is not rerun in another."""
    world.rerun(mode="fromFailure")
    assert world.factory.reruns[-1][1].start_from_failure is True
    with pytest.raises(WrongState, match="being rerun in another way"):
        world.rerun(mode="whole")
    assert len(world.factory.runs) == 2


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        ("look", "Look"),
        ("EACH", "Each"),
        ("copyone", "CopyOne"),
        ("casea", "CaseA"),
        ("Otherwise", "Otherwise"),
    ],
)
def test_an_activity_is_known_by_the_run_or_its_pipeline(world: World, given: str, spelled: str) -> None:
    """This holds at any depth, in any case of its name."""
    world.rerun(mode="fromActivity", activity=given)
    assert world.factory.reruns[-1][1].start_activity_name == spelled


def test_an_unknown_activity_is_a_fault(world: World) -> None:
    """The fault names the known ones; an activity without its mode is one, too, and a mode without an activity."""
    with pytest.raises(InvalidRequest, match="no such activity; it has: CaseA, Choose, CopyOne"):
        world.rerun(mode="fromActivity", activity="Nowhere")
    with pytest.raises(InvalidRequest, match="is required"):
        world.rerun(mode="fromActivity")
    with pytest.raises(InvalidRequest, match="belongs to the mode"):
        world.rerun(mode="whole", activity="Look")
    assert len(world.factory.runs) == 1


def test_an_activity_that_cannot_be_looked_up_is_left_to_data_factory(world: World) -> None:
    """An outage of reads prevents no rerun."""
    world.factory.fail_next("query_activity_runs", Unavailable("down", status=503))
    world.rerun(mode="fromActivity", activity="Perhaps")
    assert world.factory.reruns[-1][1].start_activity_name == "Perhaps"


def test_a_run_that_cannot_be_rerun_gets_the_reason(world: World) -> None:
    """It is active, was never started, or is not known."""
    world.submit("running", parameters={"day": "x"})
    with pytest.raises(WrongState, match="has not ended"):
        world.rerun("running")
    world.factory.fail_next("create_run", Throttled("slow", retry_after=20))
    world.submit("cancelled", parameters={"day": "x"})
    world.cancel("cancelled")
    with pytest.raises(WrongState, match="was never started"):
        world.rerun("cancelled")


def test_a_run_that_data_factory_no_longer_has_is_reported(world: World) -> None:
    """Its history is kept for 45 days: the error does not blame the pipeline."""
    gone = RunNotFound("does not exist", code="ReferencedPipelineRunNotFound", status=400)
    world.factory.fail_next("create_run", gone)
    with pytest.raises(WrongState, match="keeps for 45 days"):
        world.rerun()


def test_a_rerun_in_doubt_is_reconciled_like_any_request(world: World) -> None:
    """createRun took effect without an answer: asked for again meanwhile it is the same rerun, started once."""
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    first = world.rerun().record
    assert world.rerun().record.request_id == first.request_id
    for _ in range(4):
        world.tick(after=15)
    assert world.services.query.find(first.request_id).confirmed_run_id == first.run_id
    assert len(world.factory.runs) == 2


def test_secrets_of_the_run_are_not_needed(world: World) -> None:
    """Data Factory takes the values from the run that is rerun; none of them is in the new record."""
    world.factory.declare("vault", user={"type": "String"}, password={"type": "SecureString"})
    world.submit("key-2", "vault", parameters={"user": "u", "password": "hunter2"})
    finish(world, "key-2")
    rerun = world.rerun("key-2").record
    assert (rerun.parameters, rerun.secure_parameters) == ({"user": "u"}, ())
    assert "hunter2" not in repr(world.ledger._partitions)


def unknown_rerun() -> tuple[World, RunRecord]:
    """A service with a failed run `key-1`, and its rerun of unknown fate, which was published."""
    world = World(settings=settings(ADF_TRIGGER_POLICY='{"*": {"unknownOutcome": "park"}}'))
    world.factory.declare("load")
    world.submit()
    finish(world)
    world.factory.fail_next("create_run", LOST_REPLY)
    rerun = world.rerun().record
    for _ in range(8):
        world.tick(after=30)
    assert world.status(rerun.request_id) == "Unknown"
    return world, world.services.query.find(rerun.request_id)


def test_a_rerun_of_unknown_fate_makes_way_once_it_is_decided() -> None:
    """Undecided it answers a repeated request; dismissed, the next one is another rerun."""
    world, first = unknown_rerun()
    assert world.rerun().record.request_id == first.request_id
    world.resolve(first.request_id, "dismiss")
    second = world.rerun()
    assert (second.replayed, second.record.attempt) == (False, 3)
    assert world.rerun().record.request_id == second.record.request_id
    assert world.status(second.record.request_id) in STARTED


def test_a_rerun_that_was_resumed_is_not_over() -> None:
    """Sent again after it was dismissed, it answers repeated requests until its end."""
    world, first = unknown_rerun()
    world.resolve(first.request_id, "dismiss")
    world.resolve(first.request_id, "resubmit", force=True)
    assert world.rerun().record.request_id == first.request_id
    world.tick(after=30)
    finish(world, first.request_id)
    assert world.rerun().record.request_id != first.request_id


def test_a_rerun_of_unknown_or_dismissed_fate_is_refused_with_the_next_step() -> None:
    """An unknown fate is to be decided first; after a dismissal a new rerun is to be started."""
    world, first = unknown_rerun()
    with pytest.raises(WrongState, match="decide about it by resolve"):
        world.rerun(first.request_id)
    with pytest.raises(WrongState, match="decide about it by resolve"):
        world.cancel(first.request_id)
    dismissed = world.resolve(first.request_id, "dismiss")
    with pytest.raises(WrongState, match="was dismissed: start a new one"):
        world.rerun(first.request_id)
    assert world.cancel(first.request_id) == dismissed
