"""Factories that were removed from the settings: their requests are found, named, and finally published."""

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import (
    AmbiguousRun,
    BadRequest,
    InvalidRequest,
    LedgerError,
    NotFound,
    PublishError,
    Throttled,
)
from adf_trigger.functions.services import Services
from adf_trigger.ledger.notes import APP_SCOPE
from adf_trigger.service.apps.registry import AppIdentity, AppRegistry
from adf_trigger.service.apps.unconfigured import LOOK_EVERY, PUBLISHED_A_LOOK, REASON, UNCONFIGURED_NOTES
from adf_trigger.service.steps import logged_steps
from tests.support.memory_factory import MemoryFactory
from tests.support.news import published_names
from tests.support.resettled import restarted, submit
from tests.support.world import FACTORY_ID, World

OTHER = FACTORY_ID + "-2"
DAY = 86_400


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline `load` without parameters."""
    world = World()
    world.factory.declare("load")
    return world


def other(world: World) -> MemoryFactory:
    """Another factory with the same pipeline."""
    factory = MemoryFactory(world.clock)
    factory.declare("load")
    return factory


def dropped(world: World) -> Services:
    """The service with another factory configured instead."""
    return restarted(world, {"default": (OTHER, other(world))})


def attended(world: World, services: Services, *, after: float = 0) -> None:
    """Let time pass, then fire the timer once."""
    world.clock.forward(after)
    services.tick.run()
    services.unconfigured.attend()


def unconfigured(world: World) -> list[tuple[str, int]]:
    """The factories that are named, each with the number of its unfinished requests."""
    notes = world.notes.named(APP_SCOPE, UNCONFIGURED_NOTES)
    return [(note.value["factory"], note.value["unfinished"]) for note in notes]


def test_unfinished_requests_are_named_found_and_finally_published_as_unknown(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A run and an unsent request of a factory that was removed from the settings are each published once."""
    run_id = world.submit("started").record.run_id
    services = dropped(world)
    assert services.query.find("started").status == "Queued"
    assert services.query.find(str(run_id)).request_id == "started"
    attended(world, services)
    attended(world, services, after=60)
    assert unconfigured(world) == [(FACTORY_ID, 1)]
    named = [each for each in caplog.records if getattr(each, "action", "") == "unfinished_stranger"]
    assert [getattr(each, "factory", "") for each in named] == [FACTORY_ID]
    assert world.outbox.events == []
    attended(world, services, after=DAY)
    attended(world, services, after=60)
    (event,) = world.outbox.events
    assert (event.type, event.id) == ("dev.adf-trigger.run.unknown", f"{run_id}/Unknown")
    assert event.source == f"{FACTORY_ID}/pipelines/load"
    assert event.data.message == REASON
    assert services.query.find("started").status == "Unknown"
    assert unconfigured(world) == []


def test_a_request_that_was_never_sent_is_published_too(world: World) -> None:
    """It waits for the factory until the bound, and is published under its key."""
    world.factory.fail_next("create_run", Throttled("slow down", status=429, retry_after=30))
    world.submit("waiting")
    services = dropped(world)
    attended(world, services)
    attended(world, services, after=DAY + 1)
    (event,) = world.outbox.events
    assert (published_names([event]), event.data.message) == (["waiting/Unknown"], REASON)


def test_an_end_that_is_known_is_published_in_the_next_tick(world: World) -> None:
    """Publishing a known end needs no factory."""
    run_id = world.submit("done").record.run_id
    world.factory.finish(run_id)
    world.outbox.before = [PublishError("away")]
    world.tick()
    services = dropped(world)
    attended(world, services, after=100)
    assert published_names(world.outbox.events) == [f"{run_id}/Succeeded"]
    attended(world, services, after=100)
    assert len(world.outbox.events) == 1
    assert unconfigured(world) == []


def test_a_rejection_that_is_not_published_yet_is_published_as_one(world: World) -> None:
    """Data Factory has refused the message, and its factory leaves the settings before that is published."""
    refusal = BadRequest("no such activity", status=400, code="BadRequest")
    world.factory.fail_next("create_run", refusal)
    world.outbox.before = [PublishError("away")] * 5
    world.submit("refused", source=Source.QUEUE)
    world.outbox.before = []
    services = dropped(world)
    attended(world, services, after=100)
    (event,) = world.outbox.events
    assert (published_names([event]), event.source) == (["refused/Rejected"], f"{FACTORY_ID}/pipelines/load")
    attended(world, services, after=100)
    assert len(world.outbox.events) == 1


def test_settings_changed_and_back_change_nothing(world: World) -> None:
    """The factory comes back before the bound: its run ends with its own status, and the next bound starts afresh."""
    run_id = world.submit("key-1").record.run_id
    services = dropped(world)
    attended(world, services)
    attended(world, services, after=DAY - 10)
    back = restarted(world, {"default": (FACTORY_ID, world.factory)})
    attended(world, back, after=20)
    assert unconfigured(world) == []
    services = dropped(world)
    attended(world, services)
    attended(world, services, after=60)
    assert world.outbox.events == []
    world.factory.finish(run_id)
    back = restarted(world, {"default": (FACTORY_ID, world.factory)})
    attended(world, back)
    assert published_names(world.outbox.events) == [f"{run_id}/Succeeded"]
    assert submit(back, "key-1").replayed


def test_a_restart_does_not_restart_the_bound(world: World) -> None:
    """The bound runs from when the factory was first seen as unconfigured, by any process."""
    world.submit("key-1")
    for _ in range(5):
        attended(world, dropped(world), after=DAY / 4)
    assert [event.data.status for event in world.outbox.events] == ["Unknown"]


def test_another_apps_factories_are_left_alone(world: World) -> None:
    """Of two apps that share a table, neither names, finds or publishes requests of the other while it is known."""
    world.submit("theirs")
    services = dropped(world)
    theirs = AppRegistry(
        AppIdentity("theirs", "2", (FACTORY_ID,), "their-queue"), world.notes, world.clock, logged_steps
    )
    theirs.check()
    attended(world, services)
    assert unconfigured(world) == []
    with pytest.raises(NotFound):
        services.query.find("theirs")
    attended(world, services, after=DAY)
    attended(world, services, after=DAY + 100)
    assert unconfigured(world) == [(FACTORY_ID, 1)]
    assert world.outbox.events == []
    attended(world, services, after=DAY * 29)
    attended(world, services, after=100)
    assert [event.data.status for event in world.outbox.events] == ["Unknown"]


def test_many_are_published_over_several_looks_and_a_failing_one_delays_none(world: World) -> None:
    """A look publishes a bounded number; a record that cannot be written is published later."""
    for number in range(PUBLISHED_A_LOOK + 5):
        world.submit(f"key-{number}")
    services = dropped(world)
    attended(world, services)
    world.ledger.before["save"] = [LedgerError("one fails")]
    attended(world, services, after=DAY)
    assert len(world.outbox.events) == PUBLISHED_A_LOOK
    attended(world, services, after=1)
    assert len({event.id for event in world.outbox.events}) == PUBLISHED_A_LOOK + 5


def test_failing_storage_does_not_end_the_look(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A queue or a ledger out of reach is logged; the rest is published by a later look, once."""
    world.submit("key-1")
    services = dropped(world)
    world.notes.before["named"] = [LedgerError("away")]
    services.unconfigured.attend()
    assert "strangers_failed" in {getattr(each, "action", "") for each in caplog.records}
    attended(world, services)
    world.outbox.before = [PublishError("away")]
    attended(world, services, after=DAY)
    assert world.outbox.events == []
    attended(world, services, after=200)
    assert [event.data.status for event in world.outbox.events] == ["Unknown"]


def test_one_that_is_being_sent_is_left_to_its_sender(world: World) -> None:
    """The lease of a process with the old settings is honoured."""
    world.submit("key-1")
    services = restarted(
        world, {"default": (OTHER, other(world))}, ADF_TRIGGER_UNCONFIGURED_DEADLINE_SECONDS="5"
    )
    for after in (0, 25, 25):
        attended(world, services, after=after)
        assert world.outbox.events == []
    attended(world, services, after=60)
    assert len(world.outbox.events) == 1


def test_published_records_of_an_unconfigured_factory_are_purged_in_time(world: World) -> None:
    """Retention also applies to factories that have left the settings."""
    world.factory.finish(world.submit("key-1").record.run_id)
    world.tick()
    services = dropped(world)
    attended(world, services, after=DAY * 80)
    assert services.query.find("key-1").status == "Succeeded"
    attended(world, services, after=DAY * 11)
    world.clock.forward(LOOK_EVERY)
    with pytest.raises(NotFound):
        services.query.find("key-1")


def test_an_id_of_two_records_is_ambiguous(world: World) -> None:
    """With one key in two factories neither is taken for the other; the alias or the resource id selects one."""
    both = {"a": (FACTORY_ID, world.factory), "b": (OTHER, other(world))}
    services = restarted(world, both)
    submit(services, "twin", "a")
    submit(services, "twin", "b")
    with pytest.raises(AmbiguousRun) as caught:
        services.query.find("twin")
    assert {(each.factory, each.request_id) for each in caught.value.choices} == {
        ("a", "twin"),
        ("b", "twin"),
    }
    assert services.query.find("twin", factory="b").factory == OTHER
    assert services.query.find("twin", factory=OTHER.upper()).factory == OTHER


def test_a_key_that_is_the_run_id_of_another_request_is_ambiguous(world: World) -> None:
    """Key X, and another run whose runId is X: both are shown, and each can be requested alone."""
    run_id = world.submit("first").record.run_id
    world.submit(str(run_id))
    with pytest.raises(AmbiguousRun) as caught:
        world.services.query.find(str(run_id))
    assert {each.request_id for each in caught.value.choices} == {"first", str(run_id)}
    assert world.services.query.find(str(run_id), by="runId").request_id == "first"
    assert world.services.query.find(str(run_id), by="requestId").request_id == str(run_id)
    assert world.services.query.find("first", by="requestId").run_id == run_id
    with pytest.raises(NotFound):
        world.services.query.find("first", by="runId")


def test_unfinished_records_elsewhere_are_part_of_the_choice_and_published_ones_are_not(world: World) -> None:
    """A key of a configured factory is not hidden permanently by an old request of a retired one."""
    run_id = world.submit("twin").record.run_id
    services = dropped(world)
    submit(services, "twin")
    with pytest.raises(AmbiguousRun) as caught:
        services.query.find("twin")
    assert {each.factory for each in caught.value.choices} == {"default", FACTORY_ID}
    assert services.query.find("twin", factory=FACTORY_ID).run_id == run_id
    attended(world, services)
    attended(world, services, after=DAY)
    assert services.query.find("twin").factory == OTHER
    assert services.query.find("twin", factory=FACTORY_ID).status == "Unknown"


def test_a_link_with_a_removed_alias_still_leads_to_its_run(world: World) -> None:
    """A caller of a removed factory can follow the link that it was given."""
    both = {"a": (FACTORY_ID, world.factory), "b": (OTHER, other(world))}
    submit(restarted(world, both), "key-1", "a")
    services = restarted(world, {"b": both["b"]})
    submit(services, "key-1", "b")
    assert services.query.find("key-1", factory="a").factory == FACTORY_ID
    with pytest.raises(InvalidRequest):
        services.query.find("key-2", factory="a")


def test_a_factory_whose_record_is_gone_is_noted_by_the_id_of_its_rows(world: World) -> None:
    """Somebody has deleted the record of a request, and not its row among the active ones."""
    services = dropped(world)
    submit(services, "key-1")
    world.ledger.lost.add("key-1")
    attended(world, restarted(world, {"default": (FACTORY_ID, world.factory)}), after=LOOK_EVERY)
    ((factory, unfinished),) = unconfigured(world)
    assert (factory.lower(), unfinished) == (OTHER.lower(), 1)
