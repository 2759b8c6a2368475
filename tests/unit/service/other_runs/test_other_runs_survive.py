"""Whatever fails between two steps, a run that others have started is published under one id, and kept once."""

import json
from typing import Any
from uuid import UUID

import pytest

from tests.support.faulty_ledger import FaultyLedger
from tests.support.other_runs import ended, published_runs, world_of
from tests.support.script import Crashed, Script
from tests.support.world import FACTORY_ID, World, settings

EVERY_STEP = [
    *("observing.move_on", "observing.begin", "records.observe", "notify.event", "records.publish"),
    *("records.note", "definitions.keep"),
]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", EVERY_STEP)
def test_killed_at_any_step_it_is_published_under_one_id_and_kept_once(step: str, after: bool) -> None:  # noqa: FBT001
    """The process ends on either side of the step; the rerun is noted once with the run that it reruns, too."""
    script = Script()
    world = World(
        steps=script, settings=settings(ADF_TRIGGER_POLICY=json.dumps({"*": {"observe": "topLevel"}}))
    )
    world.factory.declare("load")
    script.crash = (step, after) if step.startswith("observing") else None
    try:
        world.tick()
    except Crashed:
        world.restart()
        world.tick(after=1)
    first = world.submit().record.run_id
    world.factory.finish(first, "Failed")
    world.clock.forward(1)
    world.tick()
    again = ended(world, by="Manual", group=first)
    world.services.tick._parts.others._claims._definitions._known.clear()
    if not step.startswith("observing"):
        script.crash = (step, after)
    for _ in range(3):
        try:
            world.tick(after=200)
        except Crashed:
            world.restart()
    if step != "definitions.keep":
        assert script.crash is None, f"{step} was never reached"
    ids = {event.id for event in world.outbox.events if event.data.run_id == again}
    assert ids == {f"{again}/Succeeded"}
    record = world.services.query.find(str(again))
    assert record.published_at is not None
    assert world.services.query.find("key-1").reruns == 1
    assert len(world.services.query.find("key-1").history) == 1


def test_two_hosts_publish_it_once() -> None:
    """The later one finds the record of the other."""
    script = Script()
    world = world_of(steps=script)
    run_id = ended(world)
    other = World(
        clock=world.clock,
        settings=world.settings,
        ledger=world.ledger,
        notes=world.notes,
        outbox=world.outbox,
        declarations=world.declarations,
    )
    other.factory.pipelines, other.factory.runs = world.factory.pipelines, world.factory.runs
    script.meanwhile = ("records.observe", other.tick)
    world.tick(after=15)
    assert published_runs(world) == [run_id]
    assert world.services.query.find(str(run_id)).published_at is not None


def test_a_run_that_the_ledger_has_no_room_for_delays_no_other() -> None:
    """It is given up in the end, so that the place moves on."""

    class Full(FaultyLedger):
        """A ledger that takes everything but one run."""

        refused: UUID | None = None

        def claim(self, record: Any, places: Any = None) -> Any:
            """See Ledger."""
            if record.run_id == self.refused:
                raise RuntimeError("no room")
            return super().claim(record, places)

    ledger = Full()
    world = world_of(ledger=ledger)
    ledger.refused = ended(world)
    other = ended(world)
    for _ in range(25):
        world.tick(after=15)
    assert published_runs(world) == [other]
    latest = ended(world)
    world.tick(after=15)
    (place,) = world.notes.named(FACTORY_ID, "observe|place|")
    assert place.value["until"] == world.factory.runs[latest].updated.isoformat()
