"""Which requests of a line are admitted: those that came before the look, in order, as far as there is room."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from adf_trigger.errors import UnreadableRow
from adf_trigger.ledger.places import KeptPlaces
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import ActiveRun, RunState, Waits
from adf_trigger.service.admission.line import FEW_ROWS, Opening, in_order
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.holds.hold import Scope
from adf_trigger.service.steering.holding import HoldOrder
from tests.support.admitted import a_world, found, seen_to_end, start, waits
from tests.support.faulty_ledger import FaultyLedger
from tests.support.holding import hold
from tests.support.memory_factory import LOST_REPLY
from tests.support.world import FACTORY_ID, STARTED, World
from tests.unit.service.admission.test_admission_doubt import unknown
from tests.unit.service.admission.test_admission_others import others


class Watched(FaultyLedger):
    """Notes what is read, and runs a callback before a read of one kind."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []
        self.meanwhile: dict[str, Callable[[], object]] = {}

    def active(self, factory: str) -> Sequence[ActiveRun]:
        """See Ledger."""
        self._read("active")
        return super().active(factory)

    def places(self, factory: str, name: str) -> KeptPlaces | None:
        """See Ledger."""
        self._read("places")
        return super().places(factory, name)

    def all_places(self, factory: str, *, after: str = "", limit: int | None = None) -> Sequence[KeptPlaces]:
        """See Ledger."""
        self._read("all_places")
        return super().all_places(factory, after=after, limit=limit)

    def get(self, factory: str, request_id: str) -> Stored | None:
        """See Ledger."""
        self._read("get")
        return super().get(factory, request_id)

    def _read(self, what: str) -> None:
        self.reads.append(what)
        self.meanwhile.pop(what, lambda: None)()


def watched(world: World) -> Watched:
    """The ledger of a service, with its reads noted from now on."""
    ledger = Watched()
    ledger._partitions, ledger._version = world.ledger._partitions, world.ledger._version
    world.ledger = ledger
    world.restart()
    return ledger


def openings(world: World, active: Sequence[ActiveRun] | None = None) -> Sequence[Opening]:
    """What a look at the lines finds; the tick's rows are the present ones by default."""
    dispatcher, factory = world.services.tick._parts.dispatcher, world.services.factories.choose(None)
    rows = world.ledger.active(FACTORY_ID) if active is None else active
    return dispatcher._lines.openings(factory, rows, dispatcher._holds.of(factory), Budget(10))


def admitted_keys(found: Sequence[Opening]) -> list[list[str]]:
    """The keys of the admitted requests, line by line."""
    return [[row.request_id for row in each.rows[: each.room]] for each in found]


def full_lines(*customers: str, waiting: int = 1) -> World:
    """A service with a run of each customer, and a number of requests that wait behind each."""
    world = a_world()
    for number in range(waiting + 1):
        for customer in customers:
            start(world, f"{customer}-{number}", customer)
    return world


def two_free() -> tuple[World, Watched]:
    """A service with one waiting request and two places that have become free."""
    world = a_world(2)
    for number in (1, 2, 3):
        start(world, f"a-{number}")
    for number in (1, 2):
        seen_to_end(world, f"a-{number}")
    return world, watched(world)


def test_nothing_is_read_where_no_request_waits_for_room() -> None:
    """Nothing is read for requests that have their places, nor for those in line that are known to be held."""
    world = full_lines("A")
    hold(world)
    world.tick(after=15)
    ledger = watched(world)
    rows = ledger.active(FACTORY_ID)
    ledger.reads.clear()
    assert openings(world, rows) == []
    assert ledger.reads == []


def test_a_request_that_is_known_to_be_held_is_not_admitted_with_the_others() -> None:
    """Only a part of the line is known to be held as yet."""
    world = full_lines("A", waiting=2)
    hold(world)
    stored = world.ledger.get(FACTORY_ID, "A-1")
    assert stored is not None
    now = world.clock()
    records = world.services.tick._parts.dispatcher._records
    records.hold(stored, by=Scope().id, since=now, ended=now, reason="deploying")
    assert admitted_keys(openings(world)) == [["A-2"]]


def test_a_request_that_came_before_the_places_were_read_is_admitted_with_the_others() -> None:
    """It is admitted though the tick had read its rows before that."""
    world, ledger = two_free()
    rows = ledger.active(FACTORY_ID)
    ledger.meanwhile["places"] = lambda: start(world, "a-4")
    assert admitted_keys(openings(world, rows)) == [["a-3", "a-4"]]


def test_a_request_that_came_after_the_places_were_read_is_left_to_the_next_look() -> None:
    """Others whose rows were not read may stand before it."""
    world, ledger = two_free()
    rows = ledger.active(FACTORY_ID)
    ledger.meanwhile["active"] = lambda: start(world, "a-4")
    assert admitted_keys(openings(world, rows)) == [["a-3"]]
    assert admitted_keys(openings(world)) == [["a-3", "a-4"]]


def test_a_request_that_is_sent_again_without_a_place_is_admitted_though_none_ever_waited() -> None:
    """It has no number: it was admitted before all that have one."""
    world = a_world(2)
    for key in ("a-1", "a-2"):
        world.factory.fail_next("create_run", LOST_REPLY)
        start(world, key)
    world.factory.always["get_run"] = LOST_REPLY
    world.tick(after=25 * 3600)
    world.tick(after=60)
    world.factory.always.clear()
    for key in ("a-1", "a-2"):
        assert found(world, key).status == "Unknown"
        world.resolve(key, "dismiss")
    world.resolve("a-1", "resubmit", force=True)
    assert found(world, "a-1").place_number is None
    assert admitted_keys(openings(world)) == [["a-1"]]
    ledger = watched(world)
    rows = ledger.active(FACTORY_ID)
    ledger.meanwhile["active"] = lambda: world.resolve("a-2", "resubmit", force=True)
    assert admitted_keys(openings(world, rows)) == [["a-1", "a-2"]]


def test_requests_whose_places_have_no_row_are_admitted_before_newcomers() -> None:
    """Each is given a place of a new row, or a number in it."""
    world = full_lines("A", waiting=2)
    for kept in world.ledger.all_places(FACTORY_ID):
        world.ledger.remove_places(FACTORY_ID, kept)
    ledger = watched(world)
    rows = ledger.active(FACTORY_ID)
    ledger.meanwhile["active"] = lambda: [start(world, "A-3"), start(world, "A-4")]
    (opening,) = openings(world, rows)
    assert admitted_keys([opening]) == [["A-1", "A-2"]]
    assert found(world, "A-4").place_number == 1
    assert opening.places == found(world, "A-1").places


def test_all_requests_of_a_held_line_are_shown_whatever_room_there_is() -> None:
    """They are shown by key and in order: each is to be noted as held, and none is admitted."""
    world = full_lines("A", "B", waiting=3)
    scope = Scope(pipeline="load", key='"A"')
    world.services.holder.hold("default", HoldOrder(scope=scope, reason="deploying"))
    (opening,) = openings(world)
    assert opening.is_held
    assert admitted_keys([opening]) == [["A-1", "A-2", "A-3"]]
    assert opening.places == found(world, "A-1").places
    assert opening.first.request_id == "A-1"


def test_one_line_that_is_held_hides_no_other() -> None:
    """Each line of the pipeline is shown."""
    world = full_lines("A", "B", "C", "D", "E")
    hold(world, "load")
    assert admitted_keys(openings(world)) == [["A-1"], ["B-1"], ["C-1"], ["D-1"], ["E-1"]]


def test_one_line_without_room_hides_no_other() -> None:
    """They are admitted in order of arrival of their first request, whatever their keys are."""
    world = full_lines("A", "B", "C", "D", "E", "F")
    for customer in ("E", "B", "F"):
        seen_to_end(world, f"{customer}-0")
    assert admitted_keys(openings(world)) == [["B-1"], ["E-1"], ["F-1"]]


def test_no_record_is_read_of_requests_whose_rows_show_a_place() -> None:
    """The tick has the rows, however many runs are active."""
    world = full_lines("A")
    world.ledger.before["get"] = [AssertionError("a record is read")]
    assert openings(world) == []


def test_a_request_of_unknown_fate_still_has_its_place() -> None:
    """It has no active row any more; its record shows the place."""
    assert openings(unknown()) == []


@pytest.mark.parametrize("theirs", [0, 1, 2, 3])
def test_runs_of_others_take_room_of_a_line(theirs: int) -> None:
    """The line reports how many there are, since each admitted request is counted with them."""
    world = a_world(3, countOthers=True)
    for _ in range(theirs):
        others(world)
    for number in range(4):
        start(world, f"a-{number}")
    found_here = openings(world)
    room = 3 - theirs
    assert admitted_keys(found_here) == ([[f"a-{number}" for number in range(room)]] if room else [])
    for opening in found_here:
        assert (opening.others, opening.places) == (theirs, found(world, "a-0").places)


def test_a_request_that_has_taken_the_last_place_since_the_look_is_counted_with_the_runs_of_others() -> None:
    """It has secrets, and stands in no line."""
    world = a_world(2, countOthers=True)
    others(world)
    start(world, "a-1")
    ledger = watched(world)
    ledger.meanwhile["get"] = lambda: start(world, "s-1", parameters={"secret": "s3"})
    world.tick(after=15)
    assert found(world, "s-1").status in STARTED
    assert waits(world, "a-1")


@pytest.mark.parametrize("lines", [FEW_ROWS, FEW_ROWS + 1])
def test_rows_of_many_places_are_read_together(lines: int) -> None:
    """A few are read one by one."""
    world = full_lines(*(f"c{number:02}" for number in range(lines)))
    ledger = watched(world)
    rows = ledger.active(FACTORY_ID)
    ledger.reads.clear()
    openings(world, rows)
    reads = [each for each in ledger.reads if each != "active"]
    assert reads == (["all_places"] if lines > FEW_ROWS else ["places"] * FEW_ROWS)


def test_the_number_decides_within_a_line_and_arrival_between_lines() -> None:
    """The clocks at arrival do not matter; a request without a number comes before all."""
    world = a_world(4)
    for number in range(8):
        start(world, f"a-{number}")
        world.clock.jump(-5)
    for number in range(3):
        seen_to_end(world, f"a-{number}")
    (opening,) = openings(world)
    assert admitted_keys([opening]) == [["a-4", "a-5", "a-6"]]
    first = opening.first
    assert first.place_number == 1
    later = replace(first, place_number=None, requested_at=first.requested_at + timedelta(hours=1))
    assert in_order(later) < in_order(first)


def test_only_an_accepted_request_is_in_line() -> None:
    """A request that was sent or has ended waits for no place."""
    world = full_lines("A")
    rows = world.ledger.active(FACTORY_ID)
    assert [row.state for row in rows if row.waits_for is Waits.ADMISSION] == [RunState.ACCEPTED]
    world.clock.forward(timedelta(hours=25).total_seconds())
    assert openings(world) == []


def test_places_that_cannot_be_understood_are_named(caplog: pytest.LogCaptureFixture) -> None:
    """An operator can then look at the row."""
    world = full_lines("A")

    def fail() -> None:
        raise UnreadableRow("a row of places cannot be understood")

    watched(world).meanwhile["places"] = fail
    openings(world)
    (logged,) = [each for each in caplog.records if getattr(each, "action", "") == "ledger_row_unreadable"]
    assert vars(logged)["row"] == found(world, "A-1").places
