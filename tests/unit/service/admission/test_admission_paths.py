"""Every way in which a request gets its place, and hosts that are killed while they give it one."""

import pytest

from adf_trigger.errors import InvalidRequest, LedgerError
from adf_trigger.ledger.records import Waits
from tests.support.admission_paths import PATHS
from tests.support.admitted import a_world, finish, found, start, under_way, waits
from tests.support.faulty_ledger import FaultyLedger
from tests.support.world import FACTORY_ID, STARTED


@pytest.mark.parametrize("path", PATHS)
def test_each_way_to_a_place_keeps_number_and_order(path: str) -> None:
    """A request may be requeued, replayed, rerun, resubmitted, adopted, dismissed or repeated."""
    PATHS[path](FaultyLedger())


@pytest.mark.parametrize("waiting", [False, True], ids=["with a place", "in line"])
def test_a_host_that_is_killed_before_it_can_answer_a_claim(*, waiting: bool) -> None:
    """The claim stands: the same request again is a repeat, has the same place or number, and starts once."""
    ledger = FaultyLedger()
    world = a_world(ledger=ledger)
    if waiting:
        start(world, "a-0")
    ledger.after["claim"] = [LedgerError("the host is gone")]
    with pytest.raises(LedgerError):
        start(world, "a-1")
    world.restart()
    start(world, "a-2")
    assert (start(world, "a-1").admitted_at is None) is waiting
    assert waits(world, "a-2")
    for key in ("a-0", "a-1") if waiting else ("a-1",):
        for _ in range(6):
            world.tick(after=60)
            assert under_way(world) in ([], ["A"])
        assert found(world, key).status in STARTED
        finish(world, key)
    world.tick(after=100)
    assert found(world, "a-2").status in STARTED
    assert len(world.factory.runs) == 2 + waiting


def test_a_host_that_is_killed_after_it_has_admitted_a_request() -> None:
    """The place is that request's: once the lease is over it is started, once, and no other before it."""
    ledger = FaultyLedger()
    world = a_world(ledger=ledger)
    for key in ("a-1", "a-2", "a-3"):
        start(world, key)
    finish(world, "a-1")
    world.clock.forward(100)
    assert world.services.refresher.fresh(found(world, "a-1")).status == "Succeeded"
    ledger.after["save"] = [LedgerError("the host is gone")]
    world.tick()
    world.restart()
    assert found(world, "a-2").admitted_at is not None
    for _ in range(3):
        world.tick(after=60)
    assert found(world, "a-2").status in STARTED
    assert waits(world, "a-3")
    assert under_way(world) == ["A"]


def test_a_key_of_a_megabyte_takes_no_place() -> None:
    """The request is too large to be kept, and says so; no row is left of its key, and the next one is served."""
    world = a_world()
    with pytest.raises(InvalidRequest, match="too large to be stored"):
        start(world, "a-1", "x" * 2**20)
    assert world.ledger.all_places(FACTORY_ID) == []
    assert start(world, "a-1", "x" * 2**17).status in STARTED
    assert start(world, "a-2", "x" * 2**17).waits_for is Waits.ADMISSION
