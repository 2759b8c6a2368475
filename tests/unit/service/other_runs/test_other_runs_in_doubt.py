"""A run that may belong to a request in doubt is not published as another's: it is held until that is settled."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from adf_trigger.clock import Clock
from adf_trigger.datafactory.models import Page, PipelineRun
from adf_trigger.service.other_runs.contested import MOST_SENDING
from tests.contracts.ledger_records import a_record
from tests.support.memory_factory import LOST_REPLY, Ids, MemoryFactory
from tests.support.other_runs import ended, published_runs, with_policy
from tests.support.world import FACTORY_ID, START, World, settings

POLICY = {"load": {"observe": "topLevel", "unknownOutcome": "park"}, "other": {"observe": "topLevel"}}
DAY = 86_400


def world_of(policy: Any = None, **changes: Any) -> World:
    """A service that has ticked once, and never sends again what is in doubt."""
    world = World(
        settings=settings(ADF_TRIGGER_POLICY=json.dumps(POLICY if policy is None else policy)), **changes
    )
    world.factory.declare("load")
    world.factory.declare("other")
    world.tick()
    return world


class Untimed(MemoryFactory):
    """A factory that does not report when a run was changed.

    Args:
        clock: returns the current time.
        ended_before: seconds before now that it reports as the end of its runs; None for no end.
    """

    def __init__(self, clock: Clock, *, ended_before: int | None) -> None:
        super().__init__(clock)
        self._ended_before = ended_before

    def query_runs(self, *args: Any, **options: Any) -> Iterator[Page[PipelineRun]]:
        """See PipelineRuns."""
        before = self._ended_before
        end = None if before is None else self.clock() - timedelta(seconds=before)
        for page in super().query_runs(*args, **options):
            yield replace(
                page,
                items=[run.model_copy(update={"last_updated": None, "run_end": end}) for run in page.items],
            )


def in_doubt(world: World, key: str = "key-1") -> None:
    """A request whose call had no answer, and which has started nothing."""
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit(key)
    world.clock.forward(1)


def parked(world: World, key: str = "key-1") -> None:
    """A request of unknown fate, which was published."""
    in_doubt(world, key)
    await_unknown(world, key)


def await_unknown(world: World, key: str = "key-1") -> None:
    """Tick until a request is given up and published."""
    for _ in range(20):
        world.tick(after=15)
        if world.status(key) == "Unknown":
            break
    assert world.status(key) == "Unknown"
    world.outbox.events.clear()


def test_while_a_request_is_in_doubt_no_run_since_its_call_is_anothers() -> None:
    """Runs of other pipelines are published, and so are the held ones, once, when the doubt is over."""
    world = world_of({"load": {"observe": "topLevel"}, "other": {"observe": "topLevel"}})
    before = ended(world)
    world.tick(after=600)
    world.factory.ids = Ids.HONOURED
    in_doubt(world)
    held, elsewhere = ended(world), ended(world, "other")
    world.tick(after=5)
    assert published_runs(world) == [before, elsewhere]
    assert list(world.notes.named(FACTORY_ID, "observe|held|")) != []
    for _ in range(30):
        world.tick(after=15)
    assert world.status() in {"Queued", "InProgress"}
    assert published_runs(world) == [before, elsewhere, held]
    assert list(world.notes.named(FACTORY_ID, "observe|held|")) == []
    assert list(world.notes.named(FACTORY_ID, "observe|doubt|")) == []


def test_a_run_of_ours_under_another_id_is_never_published_as_anothers() -> None:
    """Its answer was lost, and it has ended before it was known."""
    world = world_of({"load": {"observe": "topLevel", "correlationParameter": "id"}})
    world.factory.declare("load", id={"type": "String"})
    world.factory.ids = Ids.IGNORED
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    world.submit()
    (run_id,) = world.factory.runs
    world.clock.forward(1)
    world.factory.finish(run_id)
    for _ in range(40):
        world.tick(after=15)
    assert published_runs(world) == [run_id]
    assert world.outbox.events[0].subject == "key-1"


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("decision", ["dismiss", "adopt", "resubmit"])
def test_while_the_fate_of_a_request_is_unknown_runs_are_held_until_it_is_decided(
    decision: str,
    restarts: bool,  # noqa: FBT001
) -> None:
    """This holds however long it takes; an adopted run is not published as another's."""
    world = world_of()
    in_doubt(world)
    first, second = ended(world, by="Manual"), ended(world)
    await_unknown(world)
    for _ in range(6):
        world.tick(after=3600)
    if restarts:
        world.restart()
    for _ in range(6):
        world.tick(after=DAY)
    assert published_runs(world) == []
    if decision == "adopt":
        world.resolve("key-1", decision, run_id=first)
    else:
        world.resolve("key-1", decision, **({"force": True} if decision == "resubmit" else {}))
    for _ in range(5):
        world.tick(after=15)
    subjects = {event.data.run_id: event.subject for event in world.outbox.events}
    assert subjects[second] == f"run-{second}"
    assert subjects[first] == ("key-1" if decision == "adopt" else f"run-{first}")
    assert len(published_runs(world)) == len(set(published_runs(world)))
    assert list(world.notes.named(FACTORY_ID, "observe|doubt|")) == []


def test_a_request_that_was_unknown_before_the_policy_holds_runs_too() -> None:
    """The history is searched for such requests first."""
    world = world_of({"load": {"unknownOutcome": "park"}})
    parked(world)
    for number in range(3):
        world.submit(f"later-{number}")
    world.clock.forward(600)
    with_policy(world, POLICY)
    world.tick()
    world.clock.forward(1)
    held = ended(world)
    for _ in range(3):
        world.tick(after=15)
    assert held not in published_runs(world)
    world.resolve("key-1", "dismiss")
    world.tick(after=15)
    assert held in published_runs(world)


def test_of_two_doubts_the_runs_of_the_settled_one_alone_are_published() -> None:
    """Runs that had begun between the two belong to neither; the later ones may still be the other's."""
    world = world_of()
    parked(world, "early")
    between = ended(world)
    world.tick(after=15)
    world.clock.forward(3600)
    parked(world, "late")
    after = ended(world)
    world.tick(after=15)
    assert published_runs(world) == []
    world.resolve("early", "dismiss")
    for _ in range(3):
        world.tick(after=15)
    assert published_runs(world) == [between]
    world.resolve("late", "dismiss")
    for _ in range(3):
        world.tick(after=15)
    assert published_runs(world) == [between, after]


def test_a_run_that_had_begun_before_the_doubt_is_published_directly_and_once() -> None:
    """No call in doubt has started it; the held runs are listed again with it."""
    world = world_of()
    began = world.clock()
    world.clock.forward(3600)
    parked(world)
    held = ended(world)
    earlier = ended(world, began=began)
    for _ in range(3):
        world.tick(after=15)
    assert published_runs(world) == [earlier]
    for _ in range(10):
        world.tick(after=DAY / 2)
    world.restart()
    world.resolve("key-1", "dismiss")
    for _ in range(3):
        world.tick(after=15)
    assert published_runs(world) == [earlier, held]


def test_where_very_many_requests_are_being_sent_all_runs_of_their_time_are_held() -> None:
    """The pipelines of some are not read, so no run is excluded."""
    world = world_of()
    for number in range(MOST_SENDING + 1):
        sent_at = START + timedelta(seconds=number)
        world.ledger.claim(
            a_record(FACTORY_ID, f"key-{number}", pipeline="load", requested_at=sent_at, sent_at=sent_at)
        )
    others = world.services.tick._parts.others
    observed = others._observing.read(FACTORY_ID)
    contested = others._contests.of(world.services.factories.choose(None), observed)
    assert contested.since("load") == START
    assert contested.since("other") == START + timedelta(seconds=MOST_SENDING)


def test_two_apps_on_one_factory_publish_the_runs_of_each_other_once_each() -> None:
    """A run that the other app starts carries its correlation parameter, and counts as another's here."""
    one = world_of()
    two = World(clock=one.clock, settings=settings(ADF_TRIGGER_POLICY=json.dumps(POLICY)))
    two.factory = one.factory
    two.restart()
    two.tick()
    one.clock.forward(1)
    ours = one.submit().record.run_id
    one.factory.finish(ours)
    theirs = ended(one, run_id=uuid4())
    for _ in range(3):
        one.tick(after=15)
        two.tick()
    for world in (one, two):
        assert sorted(map(str, published_runs(world))) == sorted(map(str, [ours, theirs]))
    assert {event.subject for event in one.outbox.events} == {"key-1", f"run-{theirs}"}
    assert {event.subject for event in two.outbox.events} == {f"run-{ours}", f"run-{theirs}"}


@pytest.mark.parametrize("ended_before", [None, 60])
def test_held_runs_without_a_time_of_change_are_listed_again_from_their_end(ended_before: int | None) -> None:
    """A run that has no end either is listed again from the time at which it was held."""
    world = world_of()
    world.factory = Untimed(world.clock, ended_before=ended_before)
    world.factory.declare("load")
    world.restart()
    in_doubt(world)
    world.clock.forward(3600)
    ended(world)
    world.tick(after=5)
    (held,) = world.notes.named(FACTORY_ID, "observe|held|")
    since = world.clock() - timedelta(seconds=ended_before or 0)
    assert held.value["since"] == since.isoformat()
