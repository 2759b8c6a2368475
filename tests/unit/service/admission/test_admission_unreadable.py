"""Rows of a later version or damaged ones: a request that has a place keeps it, and none waits behind it."""

import logging

import pytest

from adf_trigger.errors import AtCapacity, UnreadableRow
from adf_trigger.ledger.places import name_of
from adf_trigger.ledger.records import Waits
from tests.support.admitted import a_world, finish, found, seen_to_end, start, under_way, waits
from tests.support.faulty_ledger import TroubledLedger
from tests.support.joined import DAY, is_joined, joining, published_ends
from tests.support.world import FACTORY_ID, STARTED

DAMAGED = UnreadableRow("a row of the ledger cannot be understood")
PLACES_OF_A = name_of("load", "parameters.customer", '"A"')


@pytest.fixture
def ledger() -> TroubledLedger:
    """A ledger whose rows a test makes unreadable."""
    return TroubledLedger()


def test_a_refusal_names_the_holder_that_cannot_be_read(ledger: TroubledLedger) -> None:
    """It gives the ids that the place holds; the others are named as usual, and the refused request is not kept."""
    world = a_world(2, ledger=ledger, overflow="refuse")
    first = start(world, "a-1")
    start(world, "a-2")
    ledger.unreadable["a-1"] = DAMAGED
    with pytest.raises(AtCapacity) as refused:
        start(world, "a-3")
    assert [each.request_id for each in refused.value.runs] == ["a-2"]
    assert f"the record of request a-1 (run {first.run_id}), which has a place, cannot be read" in str(
        refused.value
    )
    assert ledger.get(FACTORY_ID, "a-3") is None


def test_a_single_holder_that_cannot_be_read_blocks_its_place(ledger: TroubledLedger) -> None:
    """The answer does not claim that others wait for their turn; once it is read as ended, its place is free."""
    world = a_world(ledger=ledger, overflow="refuse")
    start(world, "a-1")
    seen_to_end(world, "a-1")
    ledger.unreadable["a-1"] = DAMAGED
    with pytest.raises(AtCapacity, match="the record of request a-1") as refused:
        start(world, "a-2")
    assert "wait for their turn" not in str(refused.value)
    assert "under way" not in str(refused.value)
    del ledger.unreadable["a-1"]
    assert start(world, "a-2").status in STARTED


def test_a_run_whose_record_cannot_be_read_is_not_joined(ledger: TroubledLedger) -> None:
    """Its parameters are unknown: a newcomer joins another run that is the same, or waits."""
    world = joining(2, ledger=ledger)
    start(world, "a-1", parameters=DAY)
    ledger.unreadable["a-1"] = DAMAGED
    start(world, "a-2", parameters=DAY)
    assert under_way(world) == ["A", "A"]
    start(world, "a-3", parameters=DAY)
    assert is_joined(world, "a-3", "a-2")
    ledger.unreadable["a-2"] = DAMAGED
    assert start(world, "a-4", parameters=DAY).waits_for is Waits.ADMISSION


def test_requests_that_joined_it_end_when_it_can_be_read_again(ledger: TroubledLedger) -> None:
    """Until then its end is unknown; requests that have joined other runs are published directly."""
    world = joining(ledger=ledger)
    for key, customer in (("a-1", "A"), ("a-2", "A"), ("b-1", "B"), ("b-2", "B")):
        start(world, key, customer)
    for key in ("a-1", "b-1"):
        finish(world, key)
    ledger.unreadable["a-1"] = DAMAGED
    world.tick(after=15)
    assert published_ends(world) == [("b-1", "Succeeded"), ("b-2", "Succeeded")]
    assert is_joined(world, "a-2", "a-1")
    del ledger.unreadable["a-1"]
    world.tick(after=100)
    world.tick(after=100)
    assert ("a-2", "Succeeded") in published_ends(world)


def test_a_waiting_request_that_cannot_be_read_does_not_hold_up_those_behind_it(
    ledger: TroubledLedger, caplog: pytest.LogCaptureFixture
) -> None:
    """It keeps its number, and has the first turn once it can be read."""
    world = a_world(ledger=ledger)
    for number in range(1, 5):
        start(world, f"a-{number}")
    ledger.unreadable["a-2"] = DAMAGED
    finish(world, "a-1")
    with caplog.at_level(logging.ERROR):
        world.tick(after=15)
    assert "a-2" in {
        vars(each).get("row")
        for each in caplog.records
        if vars(each).get("action") == "ledger_row_unreadable"
    }
    assert found(world, "a-3").status in STARTED
    del ledger.unreadable["a-2"]
    start(world, "a-5")
    finish(world, "a-3")
    world.tick(after=15)
    assert found(world, "a-2").status in STARTED
    assert waits(world, "a-4", "a-5")


@pytest.mark.parametrize("lines", [2, 25], ids=["few", "many"])
def test_places_that_cannot_be_read_stop_no_other_line(
    ledger: TroubledLedger, caplog: pytest.LogCaptureFixture, lines: int
) -> None:
    """Nor does it stop requests that stand in no line; none is given such a place, and the log names the row."""
    world = a_world(ledger=ledger)
    customers = ["A", *(f"C{number}" for number in range(1, lines))]
    for customer in customers:
        start(world, f"{customer}-1", customer)
        start(world, f"{customer}-2", customer)
    for customer in customers:
        finish(world, f"{customer}-1")
    ledger.unreadable[PLACES_OF_A] = DAMAGED
    with caplog.at_level(logging.ERROR):
        world.tick(after=15)
        world.tick(after=15)
    assert waits(world, "A-2")
    assert all(found(world, f"{customer}-2").status in STARTED for customer in customers[1:])
    assert start(world, "o-1", pipeline="other").status in STARTED
    del ledger.unreadable[PLACES_OF_A]
    world.tick(after=15)
    assert found(world, "A-2").status in STARTED


def test_a_newcomer_to_places_that_cannot_be_read_is_asked_to_come_again(ledger: TroubledLedger) -> None:
    """Nothing is kept of the request, since it is unknown whether there is room."""
    world = a_world(ledger=ledger)
    start(world, "a-1")
    ledger.unreadable[PLACES_OF_A] = DAMAGED
    with pytest.raises(UnreadableRow):
        start(world, "a-2")
    assert ledger.get(FACTORY_ID, "a-2") is None
    assert start(world, "b-1", "B").status in STARTED


def test_places_that_are_removed_by_hand_leave_no_request_waiting_endlessly(ledger: TroubledLedger) -> None:
    """Waiting requests keep their order, and later ones stand behind them."""
    world = a_world(ledger=ledger)
    for number in range(1, 6):
        start(world, f"a-{number}")
    (kept,) = ledger.all_places(FACTORY_ID)
    ledger.remove_places(FACTORY_ID, kept)
    finish(world, "a-1")
    world.tick(after=15)
    assert found(world, "a-2").status in STARTED
    start(world, "a-6")
    for number in range(2, 6):
        assert under_way(world) == ["A"]
        finish(world, f"a-{number}")
        world.tick(after=15)
        assert found(world, f"a-{number + 1}").status in STARTED
