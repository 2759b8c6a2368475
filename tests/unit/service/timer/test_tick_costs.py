"""What a tick costs, and what a request costs in it."""

from dataclasses import replace

import pytest

from adf_trigger.ledger.places import KeptPlaces
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import RunRecord, RunState
from tests.support.faulty_ledger import FaultyLedger
from tests.support.world import FACTORY_ID, World, settings


class Counting(FaultyLedger):
    """Counts reads and later writes of records."""

    def __init__(self) -> None:
        super().__init__()
        self.gets = 0
        self.saves = 0

    def get(self, factory: str, request_id: str) -> Stored | None:
        """See Ledger."""
        self.gets += 1
        return super().get(factory, request_id)

    def save(self, stored: Stored, record: RunRecord, places: KeptPlaces | None = None) -> Stored:
        """See Ledger."""
        self.saves += 1
        return super().save(stored, record, places)


def test_records_that_cannot_be_brought_up_to_date_are_not_read() -> None:
    """Of fifty ended runs, a tick with ten calls reads the records of those that it records and publishes."""
    ledger = Counting()
    world = World(ledger=ledger, settings=settings(ADF_TRIGGER_TICK_CALLS="10"))
    world.factory.declare("load")
    for number in range(50):
        run_id = world.submit(f"key-{number}").record.run_id
        world.factory.finish(run_id)
    ledger.gets = 0
    world.tick(after=15)
    published = len(world.outbox.events)
    assert 0 < published < 10
    assert ledger.gets == published


def test_recording_a_started_run_writes_no_active_row() -> None:
    """A request that is being sent has the active row of its future run, until the run is first seen."""
    world = World()
    world.factory.declare("load")
    world.factory.fail_next("create_run", RuntimeError("killed"))
    with pytest.raises(RuntimeError, match="killed"):
        world.submit("killed")
    record = world.submit("started").record
    being_sent, started = world.ledger.active(FACTORY_ID)
    assert replace(being_sent, request_id=started.request_id, run_id=started.run_id) == started
    assert started.may_be_unsent
    world.tick(after=15)
    (seen,) = (row for row in world.ledger.active(FACTORY_ID) if row.run_id == record.run_id)
    assert not seen.may_be_unsent


def test_started_runs_without_changes_cost_dispatch_one_read_each() -> None:
    """Once the lease of its sender is over, dispatch reads a run's record, and never again."""
    ledger = Counting()
    world = World(
        ledger=ledger, settings=settings(ADF_TRIGGER_LEASE_SECONDS="90", ADF_TRIGGER_TICK_CALLS="1")
    )
    world.factory.declare("load")
    for number in range(20):
        world.factory.hidden.add(world.submit(f"key-{number}").record.run_id)
    ledger.gets = ledger.saves = 0
    world.tick(after=89)
    assert (ledger.gets, ledger.saves) == (0, 0)
    world.tick(after=2)
    assert (ledger.gets, ledger.saves) == (20, 20)
    assert {(row.state, row.may_be_unsent) for row in ledger.active(FACTORY_ID)} == {
        (RunState.SUBMITTED, False)
    }
    world.tick(after=15)
    assert (ledger.gets, ledger.saves) == (20, 20)
    assert len(world.factory.runs) == 20


def test_an_adopted_run_is_left_to_the_monitor() -> None:
    """Dispatch reads the record of a killed sender's run once; from then on the monitor has it."""
    world = World(settings=settings(ADF_TRIGGER_LEASE_SECONDS="90", ADF_TRIGGER_TICK_CALLS="1"))
    world.factory.declare("load")
    world.factory.fail_next("create_run", RuntimeError("killed"), after=True)
    with pytest.raises(RuntimeError, match="killed"):
        world.submit("killed")
    world.restart()
    world.tick(after=91)
    assert world.factory.calls[-1] == "get_run", "there was no call left for the monitor"
    (row,) = world.ledger.active(FACTORY_ID)
    assert (row.state, row.may_be_unsent) == (RunState.SUBMITTED, False)
    assert len(world.factory.runs) == 1
