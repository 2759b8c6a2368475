"""Runs that others start in Data Factory are published at their end, once, where their pipeline's policy says so."""

import json
from uuid import uuid4

import pytest

from adf_trigger.contracts import Source
from adf_trigger.datafactory.models import PipelineRun
from adf_trigger.events.texts import event_text
from adf_trigger.ledger.listing import Question
from adf_trigger.messages.declaration import Declaration, Declared
from adf_trigger.messages.masking import MASK
from adf_trigger.service.other_runs.record import record_of
from tests.support.other_runs import DAY, ended, event_of, published_runs, started, with_policy, world_of
from tests.support.world import FACTORY_ID, START, World, settings


def test_a_run_that_a_trigger_starts_is_published_at_its_end_with_its_starter() -> None:
    """It is published once, however often lists show it, by any process; GET and the list show the event's content."""
    world = world_of()
    run_id = started(world, invoked_by_name="nightly", parameters={"day": "1"})
    world.tick(after=15)
    assert published_runs(world) == []
    world.factory.finish(run_id, "Failed", message="no such blob")
    for _ in range(3):
        world.tick(after=15)
    world.restart()
    world.tick(after=15)
    event = event_of(world)
    assert (event.id, event.type, event.subject) == (
        f"{run_id}/Failed",
        "dev.adf-trigger.run.failed",
        f"run-{run_id}",
    )
    data = json.loads(event_text(event))["data"]
    assert data["source"] == "factory"
    assert data["invokedBy"]["type"] == "ScheduleTrigger"
    assert data["invokedBy"]["name"] == "nightly"
    assert data["message"] == "no such blob"
    assert data["parameters"] == {"day": "1"}
    (entry,) = data["history"]
    assert (entry["action"], entry["by"]) == ("start", "nightly")
    shown = world.services.query.show(str(run_id))
    assert (shown.source, shown.status, shown.invoked_by) == ("factory", "Failed", event.data.invoked_by)
    (listed,) = world.ledger.listing(FACTORY_ID, Question(), limit=10).entries
    assert (listed.run.source, listed.run.run_id) == (Source.FACTORY, run_id)
    assert world.ledger.active(FACTORY_ID) == []


def test_without_such_a_policy_nothing_is_published_listed_or_kept() -> None:
    """Runs of others cost nothing by default."""
    world = world_of(None)
    ended(world)
    world.factory.calls.clear()
    for _ in range(3):
        world.tick(after=15)
    assert published_runs(world) == []
    assert world.factory.calls == []
    assert list(world.notes.named(FACTORY_ID, "observe|")) == []


def test_only_the_pipelines_of_the_policy_are_published_whatever_the_case_of_their_names() -> None:
    """A policy of a name takes precedence over that of `*`, as usual."""
    world = world_of("topLevel", pipeline="LOAD")
    run_id = ended(world, "Load")
    ended(world, "other")
    world.tick(after=15)
    assert published_runs(world) == [run_id]
    with_policy(world, {"*": {"observe": "all"}, "load": {}})
    world.tick(after=15)
    ended(world, "load")
    other = ended(world, "other")
    world.tick(after=15)
    assert published_runs(world) == [run_id, other]


def test_a_run_that_had_ended_before_the_policy_was_seen_is_not_published() -> None:
    """A run that was active then is."""
    world = world_of(None)
    ended(world)
    going_on = started(world)
    world.clock.forward(15)
    with_policy(world, {"load": {"observe": "topLevel"}})
    world.tick()
    world.clock.forward(1)
    world.factory.finish(going_on)
    world.tick(after=15)
    assert published_runs(world) == [going_on]


def test_a_policy_that_is_removed_and_put_back_begins_again() -> None:
    """Ends in between are not published, and nothing is kept of them."""
    world = world_of()
    with_policy(world, {})
    world.tick(after=15)
    assert list(world.notes.named(FACTORY_ID, "observe|")) == []
    ended(world)
    world.clock.forward(15)
    with_policy(world, {"load": {"observe": "topLevel"}})
    world.tick()
    world.clock.forward(1)
    later = ended(world)
    world.tick(after=15)
    assert published_runs(world) == [later]


def test_ends_while_the_app_was_away_are_published() -> None:
    """They count from when the policy was first seen, and not from when the app started."""
    world = world_of()
    run_id = ended(world)
    world.clock.forward(3 * DAY)
    world.restart()
    world.tick()
    assert published_runs(world) == [run_id]


@pytest.mark.parametrize(("observe", "count"), [("topLevel", 1), ("all", 2)])
def test_runs_of_execute_pipeline_are_published_only_where_all_are(observe: str, count: int) -> None:
    """They are part of the run that started them."""
    world = world_of(observe)
    parent = ended(world)
    ended(world, by="PipelineActivity", invoked_by_run=parent)
    world.tick(after=15)
    assert len(published_runs(world)) == count
    assert parent in published_runs(world)


def test_runs_of_ours_are_published_once_beside_those_of_others() -> None:
    """This holds for few and for many, whether the monitor lists or asks."""
    world = world_of()
    ours = [world.submit(f"key-{number}").record.run_id for number in range(5)]
    theirs = [ended(world) for _ in range(3)]
    for run_id in ours:
        world.factory.finish(run_id)
    for _ in range(3):
        world.tick(after=15)
    assert sorted(map(str, published_runs(world))) == sorted(map(str, [*ours, *theirs]))


def test_runs_that_the_monitor_has_just_listed_are_not_listed_again() -> None:
    """With more active runs than are asked for one by one, a tick makes one query for both."""
    world = world_of()
    for number in range(5):
        world.submit(f"key-{number}")
    world.tick(after=15)
    ours = world.submit("last").record.run_id
    world.factory.finish(ours)
    run_id = ended(world)
    world.tick(after=15)
    world.tick(after=15)
    world.factory.calls.clear()
    later = ended(world)
    world.tick(after=15)
    assert published_runs(world)[-1] == later
    assert run_id in published_runs(world)
    assert world.factory.calls.count("query_runs") == 1


def test_a_rerun_of_a_run_of_ours_is_published_with_the_run_that_it_reruns() -> None:
    """Its history notes that once, and so does that of the run that was rerun."""
    world = world_of()
    first = world.submit().record.run_id
    world.factory.finish(first, "Failed")
    world.tick(after=15)
    again = ended(world, by="Manual", group=first)
    for _ in range(2):
        world.tick(after=15)
    world.restart()
    world.tick(after=15)
    data = world.outbox.events[-1].data
    assert published_runs(world) == [first, again]
    assert (data.rerun_of, data.group_id, data.attempt) == (first, first, 2)
    assert [entry.action for entry in data.history] == ["rerun"]
    original = world.services.query.find("key-1")
    assert original.reruns == 1
    (entry,) = original.history
    assert entry.action == "rerun"
    assert str(again) in (entry.note or "")
    third = ended(world, by="Manual", group=first)
    world.tick(after=15)
    assert world.services.query.show(str(third)).attempt == 3


def test_values_of_secure_parameters_are_not_kept() -> None:
    """None is kept where the pipeline's declaration is not known."""
    world = world_of("all", pipeline="*")
    world.factory.declare("safe", Key={"type": "SecureString"}, day={"type": "String"})
    ended(world, "safe", parameters={"key": "s3cret", "day": "1"})
    ended(world, "gone", parameters={"day": "s3cret"})
    world.tick(after=15)
    shown = {event.data.pipeline: event.data for event in world.outbox.events}
    assert shown["safe"].parameters == {"key": MASK, "day": "1"}
    assert shown["gone"].parameters == {"day": MASK}
    assert {each.details for each in shown.values()} == {"withheld"}
    kept = world.ledger.runs(FACTORY_ID, since=None, limit=9, continuation=None).records
    assert len(kept) == 2
    assert "s3cret" not in str(kept)


@pytest.mark.parametrize("letter", ["x", "\U0010ffff", "\ud800"])
def test_a_run_with_very_long_fields_is_published_all_the_same(letter: str) -> None:
    """Names and values are cut to what a record and an event hold."""
    world = world_of("all", pipeline="*")
    parameters = {f"{n}": letter * 20_000 for n in range(150)} | {letter * 5_000: "x"}
    world.factory.pipelines["load"]["properties"]["parameters"] = {}
    run_id = ended(world, parameters=parameters, by=letter * 3_000, invoked_by_name=letter * 3_000)
    world.tick(after=15)
    event = event_of(world)
    assert event.data.run_id == run_id
    assert event.data.truncated
    assert len(event_text(event).encode()) <= 48 * 1024


def test_of_hundreds_each_is_published_once_however_few_calls_a_tick_has() -> None:
    """The rest comes first at the next tick, since the place stays."""
    world = world_of(ADF_TRIGGER_TICK_CALLS="6")
    runs = []
    for _ in range(60):
        runs.append(ended(world))
        world.clock.forward(1)
    for _ in range(40):
        world.tick(after=15)
        assert world.factory.calls.count("query_activity_runs") <= 6
        world.factory.calls.clear()
    assert sorted(map(str, published_runs(world))) == sorted(map(str, runs))
    assert published_runs(world)[:5] == runs[:5]


def test_more_runs_than_a_tick_can_list_are_published_in_windows() -> None:
    """After an outage of the app there may be thousands; this policy leaves out their details."""
    world = World(
        settings=settings(
            ADF_TRIGGER_POLICY=json.dumps({"load": {"observe": "topLevel", "details": "failed"}}),
            ADF_TRIGGER_TICK_CALLS="4",
        )
    )
    world.factory.declare("load")
    world.tick()
    runs = []
    for _ in range(700):
        runs.append(ended(world))
        world.clock.forward(20)
    for _ in range(60):
        world.tick(after=15)
    assert len(published_runs(world)) == len(runs)
    assert set(published_runs(world)) == set(runs)


def test_a_purged_run_is_not_published_again() -> None:
    """Where no run has ended since, lists would show it for as long as Data Factory keeps it."""
    world = world_of(ADF_TRIGGER_RETENTION_DAYS="8")
    ended(world)
    world.tick(after=15)
    for _ in range(20):
        world.tick(after=DAY / 2)
        world.restart()
    assert world.ledger.runs(FACTORY_ID, since=None, limit=9, continuation=None).records == []
    assert len(published_runs(world)) == 1


def test_a_key_that_equals_its_run_id_is_another_request() -> None:
    """The run is not published, which is logged; the request keeps its key."""
    world = world_of()
    run_id = uuid4()
    mine = world.submit(f"run-{run_id}").record
    ended(world, run_id=run_id)
    world.tick(after=15)
    assert published_runs(world) == []
    assert world.services.query.find(f"run-{run_id}").run_id == mine.run_id


def test_a_record_holds_only_what_data_factory_reports() -> None:
    """A run with few fields has an unknown beginning and no starter."""
    run = PipelineRun(run_id=uuid4(), pipeline_name="load", status="Succeeded", parameters={"N": 1})
    declared = Declaration("load", (Declared("n", "securestring", required=True),))
    record, cut = record_of(FACTORY_ID, run, declared, None, now=START)
    assert (record.requested_at, record.invoked_by, record.attempt) == (START, None, 1)
    assert (record.parameters, record.secure_parameters, cut) == ({}, ("N",), False)
    (entry,) = record.history
    assert (entry.by, entry.note) == (None, "in Data Factory itself")
