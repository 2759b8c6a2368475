"""Two hosts over one ledger, one paused at each point while the other works: no place is given twice."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any

import pytest

from adf_trigger.errors import AdfTriggerError, LedgerConflict
from adf_trigger.ledger.places import KeptPlaces, Places, name_of
from adf_trigger.ledger.port import Claim, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, Waits
from adf_trigger.service.threads.tick_threads import TickThreads
from tests.support.admitted import (
    a_world,
    declare,
    finish,
    found,
    policy,
    seen_to_end,
    start,
    under_way,
    with_policy,
)
from tests.support.faulty_ledger import FaultyLedger
from tests.support.world import FACTORY_ID, STARTED, World

pytestmark = pytest.mark.untraced

POINTS = range(12)
"""More calls of the ledger than any of the moves below makes."""


class SharedLedger(FaultyLedger):
    """A ledger in which another host acts before one of the first host's calls, once."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.at: int | None = None
        self.other: Callable[[], None] = lambda: None
        self.conflicts = 0

    def _called(self) -> None:
        if self.at is not None:
            self.at -= 1
            if self.at < 0:
                self.at = None
                self.other()

    def get(self, factory: str, request_id: str) -> Stored | None:
        """See Ledger."""
        self._called()
        return super().get(factory, request_id)

    def places(self, factory: str, name: str) -> KeptPlaces | None:
        """See Ledger."""
        self._called()
        return super().places(factory, name)

    def active(self, factory: str) -> Sequence[ActiveRun]:
        """See Ledger."""
        self._called()
        return super().active(factory)

    def claim(self, record: RunRecord, places: KeptPlaces | None = None) -> Claim:
        """See Ledger."""
        self._called()
        try:
            return super().claim(record, places)
        except LedgerConflict:
            self.conflicts += 1
            raise

    def save(self, stored: Stored, record: RunRecord, places: KeptPlaces | None = None) -> Stored:
        """See Ledger."""
        self._called()
        return super().save(stored, record, places)


def two_hosts(at_once: int = 1, **more: Any) -> tuple[World, SharedLedger, Any, Any]:
    """A service of two hosts, and how each of them does its work."""
    ledger = SharedLedger()
    world = World(settings=with_policy(policy(at_once, **more)), ledger=ledger)
    declare(world)
    start(world, "warm", "W")
    first = world.services
    world.restart()
    return world, ledger, first, world.services


def as_host(world: World, services: Any, work: Callable[[], Any]) -> None:
    """Do something as one of the hosts; a caller who is asked to come again is finished."""
    before, world.services = world.services, services
    try:
        with suppress(AdfTriggerError):
            work()
    finally:
        world.services = before


def drain(world: World, *keys: str, at_once: int = 1) -> list[str]:
    """End all runs, one by one; the requests in the order in which their runs began."""
    for _ in range(12):
        assert under_way(world).count("A") <= at_once
        going = [key for key in keys if found(world, key).status in STARTED]
        if going:
            finish(world, going[0])
        world.tick(after=100)
    owners = {found(world, key).run_id: key for key in keys}
    assert {found(world, key).status for key in keys} <= {"Succeeded", "Cancelled"}
    return [owners[run_id] for run_id in world.factory.runs if run_id in owners]


@pytest.mark.parametrize("point", POINTS)
def test_two_requests_for_the_last_place_at_the_same_instant(point: int) -> None:
    """One gets it, and the other waits."""
    world, ledger, one, other = two_hosts()
    ledger.at, ledger.other = point, lambda: as_host(world, other, lambda: start(world, "a-2"))
    as_host(world, one, lambda: start(world, "a-1"))
    ledger.at = None
    if world.ledger.get(FACTORY_ID, "a-2") is None:
        start(world, "a-2")
    assert sorted(found(world, key).waits_for is Waits.ADMISSION for key in ("a-1", "a-2")) == [False, True]
    assert sorted(drain(world, "a-1", "a-2")) == ["a-1", "a-2"]


@pytest.mark.parametrize("point", range(40))
def test_a_tick_that_admits_a_request_while_another_claims(point: int) -> None:
    """Waiting requests come before the new one, whatever the tick has read by then."""
    world, ledger, one, other = two_hosts()
    for number in (1, 2, 3):
        start(world, f"a-{number}")
    finish(world, "a-1")
    world.clock.forward(100)
    ledger.at, ledger.other = point, lambda: as_host(world, other, lambda: start(world, "a-4"))
    as_host(world, one, world.services.tick.run)
    ledger.at = None
    if world.ledger.get(FACTORY_ID, "a-4") is None:
        start(world, "a-4")
    assert drain(world, "a-1", "a-2", "a-3", "a-4") == ["a-1", "a-2", "a-3", "a-4"]


def test_a_page_with_the_second_request_but_not_the_first_admits_neither() -> None:
    """Rows are read page by page: a request that comes meanwhile is left to the next look, which sees both."""
    world, ledger, one, other = two_hosts()
    start(world, "a-1")
    start(world, "a-2")
    seen_to_end(world, "a-1")
    reads, whole = count(), ledger.active

    def torn(factory: str) -> Sequence[ActiveRun]:
        if next(reads) != 1:
            return whole(factory)
        as_host(world, other, lambda: world.cancel("a-2"))
        for key in ("a-3", "a-4"):
            as_host(world, other, partial(start, world, key))
        return [row for row in whole(factory) if row.request_id != "a-3"]

    ledger.active = torn  # type: ignore[method-assign]  # one of its reads is inconsistent
    as_host(world, one, world.services.tick.run)
    ledger.active = whole  # type: ignore[method-assign]
    assert next(reads) > 2
    assert found(world, "a-4").waits_for is Waits.ADMISSION
    assert drain(world, "a-3", "a-4") == ["a-3", "a-4"]


@pytest.mark.parametrize("point", range(40))
def test_two_concurrent_ticks_admit_as_many_as_there_are_places(point: int) -> None:
    """Both see the ends, and each place is given once, in order."""
    world, ledger, one, other = two_hosts(2)
    for number in range(6):
        start(world, f"a-{number}")
    finish(world, "a-0")
    finish(world, "a-1")
    world.clock.forward(100)
    ledger.at, ledger.other = point, lambda: as_host(world, other, world.services.tick.run)
    as_host(world, one, world.services.tick.run)
    ledger.at = None
    assert under_way(world).count("A") <= 2
    keys = [f"a-{number}" for number in range(6)]
    assert drain(world, *keys, at_once=2) == keys


@pytest.mark.parametrize("point", range(40))
def test_a_waiting_request_is_cancelled_while_a_tick_admits_it(point: int) -> None:
    """It never starts, or it is started and cancelled; the next one has its turn either way."""
    world, ledger, one, other = two_hosts()
    for number in (1, 2, 3):
        start(world, f"a-{number}")
    finish(world, "a-1")
    world.clock.forward(100)
    ledger.at, ledger.other = point, lambda: as_host(world, other, lambda: world.cancel("a-2"))
    as_host(world, one, world.services.tick.run)
    ledger.at = None
    assert drain(world, "a-1", "a-2", "a-3")[-1] == "a-3"


@pytest.mark.parametrize("point", range(40))
def test_places_are_removed_while_another_takes_them(point: int) -> None:
    """A row that a sweep has found empty stays if a request took a place meanwhile."""
    world, ledger, one, other = two_hosts()
    start(world, "a-1")
    finish(world, "a-1")
    world.tick(after=100)
    world.clock.forward(700)
    ledger.at, ledger.other = point, lambda: as_host(world, other, lambda: start(world, "a-2"))
    as_host(world, one, world.services.tick.run)
    ledger.at = None
    if world.ledger.get(FACTORY_ID, "a-2") is None:
        start(world, "a-2")
    start(world, "a-3")
    assert found(world, "a-3").waits_for is Waits.ADMISSION
    assert drain(world, "a-2", "a-3") == ["a-2", "a-3"]


def test_a_row_without_holders_is_removed() -> None:
    """A row stays while a request has a place in it or waits for one."""
    world = a_world()
    for customer in "ABC":
        start(world, f"{customer}-1", customer)
    start(world, "B-2", "B")
    for key in ("A-1", "B-1"):
        finish(world, key)
    world.tick(after=100)
    world.tick(after=700)
    kept = {each.places.key for each in world.ledger.all_places(FACTORY_ID)}
    assert kept == {'"B"', '"C"'}
    for key in ("B-2", "C-1"):
        finish(world, key)
    world.tick(after=100)
    world.tick(after=700)
    assert world.ledger.all_places(FACTORY_ID) == []


def test_a_sweep_continues_where_the_last_one_stopped() -> None:
    """However many rows there are, each has its turn."""
    world = a_world()
    for number in range(150):
        empty = Places(name=name_of("load", "parameters.customer", str(number)), pipeline="load")
        record = world.submit(f"o-{number}", "other").record
        stored = world.ledger.get(FACTORY_ID, record.request_id)
        assert stored is not None
        world.ledger.save(stored, stored.record, KeptPlaces(empty))
    for _ in range(3):
        world.tick(after=700)
    assert world.ledger.all_places(FACTORY_ID) == []


def test_a_burst_on_one_key_loses_nothing_and_keeps_its_order() -> None:
    """All of 400 requests from eight threads are accepted, and a process loses no race against itself."""
    ledger = SharedLedger()
    world = World(settings=with_policy(policy(3)), ledger=ledger, tick_threads=TickThreads(8))
    declare(world)
    start(world, "warm", "W")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: start(world, f"a-{number}"), range(400)))
    records = [found(world, f"a-{number}") for number in range(400)]
    assert ledger.conflicts == 0
    assert sum(record.waits_for is Waits.ADMISSION for record in records) == 397
    assert sorted(record.place_number or 0 for record in records) == [0, 0, 0, *range(1, 398)]
    for _ in range(20):
        assert under_way(world).count("A") == 3
        for record in [found(world, f"a-{number}") for number in range(400)]:
            if record.status in STARTED:
                world.factory.finish(record.run_id)
        world.tick(after=100)
    begun = {run_id: number for number, run_id in enumerate(world.factory.runs)}
    line = sorted(
        (record.place_number, begun[record.run_id])
        for record in (found(world, f"a-{number}") for number in range(400))
        if record.place_number is not None and record.run_id in begun
    )
    assert [number for _, number in line] == sorted(number for _, number in line)
    assert [number for number, _ in line] == list(range(1, len(line) + 1))


def test_while_most_rows_are_empty_every_tick_removes_some() -> None:
    """A key per request leaves a row each: every tick removes some, not one tick in ten minutes."""
    world = a_world()
    for number in range(250):
        empty = Places(name=name_of("load", "parameters.customer", str(number)), pipeline="load")
        record = world.submit(f"o-{number}", "other").record
        stored = world.ledger.get(FACTORY_ID, record.request_id)
        assert stored is not None
        world.ledger.save(stored, stored.record, KeptPlaces(empty))
    world.tick(after=700)
    for _ in range(2):
        world.tick(after=15)
    assert len(world.ledger.all_places(FACTORY_ID)) == 0
