"""How many requests are before one that waits in line: counted where that is cheap, and marked where it is a bound."""

import json
import threading
from dataclasses import replace
from uuid import UUID

import pytest

from adf_trigger.contracts import PlaceInLine
from adf_trigger.errors import LedgerError
from adf_trigger.ledger.listing import Question
from adf_trigger.ledger.places import KeptPlaces
from adf_trigger.ledger.port import ActivePage
from adf_trigger.service.admission import positions
from adf_trigger.service.admission.positions import KNOWN_FOR
from tests.support.admitted import declare, finish, found, policy, start, waits, with_policy
from tests.support.faulty_ledger import FaultyLedger
from tests.support.holding import hold
from tests.support.world import FACTORY_ID, World


class CountedLedger(FaultyLedger):
    """A ledger that counts the looks at the active rows, and can fail them."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.is_lost = False
        self.places_read: list[str] = []

    def places(self, factory: str, name: str) -> KeptPlaces | None:
        """See Ledger."""
        self.places_read.append(name)
        return super().places(factory, name)

    def some_active(self, factory: str, *, limit: int) -> ActivePage:
        """See Ledger."""
        self.looks += 1
        if self.is_lost:
            raise LedgerError("out of reach")
        return super().some_active(factory, limit=limit)


def in_line(world: World, key: str) -> PlaceInLine | None:
    """Where a request stands, as its view shows it."""
    return world.services.query.show(key).in_line


def stands(before: int, *, exact: bool = True) -> PlaceInLine:
    """A place in line."""
    return PlaceInLine(before=before, exact=exact)


def a_line(*keys: str, ledger: CountedLedger | None = None) -> World:
    """A service in which one request runs, and the others wait in this order."""
    world = World(settings=with_policy(policy()), ledger=ledger or CountedLedger())
    declare(world)
    start(world, "runs")
    for key in keys:
        start(world, key)
    world.clock.forward(KNOWN_FOR)
    return world


def test_each_waiting_request_shows_how_many_are_before_it() -> None:
    """The first is the next one; a running request and one of another key stand in no line."""
    world = a_line("a", "b", "c")
    start(world, "other", customer="B")
    assert [in_line(world, key) for key in "abc"] == [stands(0), stands(1), stands(2)]
    assert in_line(world, "runs") is None
    assert in_line(world, "other") is None
    start(world, "other-2", customer="B")
    assert in_line(world, "other-2") == stands(0)


def test_a_request_that_leaves_the_line_is_before_no_other() -> None:
    """It was started, or was cancelled while it waited."""
    world = a_line("a", "b", "c", "d")
    finish(world, "runs")
    world.tick(after=30)
    assert [in_line(world, key) for key in "abcd"] == [None, stands(0), stands(1), stands(2)]
    world.cancel("c")
    world.clock.forward(KNOWN_FOR)
    assert [in_line(world, key) for key in "bd"] == [stands(0), stands(1)]


def test_the_answer_to_the_request_itself_says_where_it_stands() -> None:
    """No count was made since it came, but all that were numbered before it had been seen."""
    world = a_line("a")
    assert in_line(world, "a") == stands(0)
    start(world, "b")
    assert in_line(world, "b") == stands(1)
    start(world, "c")
    assert in_line(world, "c") == stands(2, exact=False)  # b has come since the look
    world.clock.forward(KNOWN_FOR)
    assert in_line(world, "c") == stands(2)


def test_the_line_of_a_large_factory_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost is bounded: the numbers of the line give an upper bound, and the answer marks it as not exact."""
    monkeypatch.setattr(positions, "MOST_COUNTED", 3)
    world = a_line("a", "b", "c", "d")
    assert in_line(world, "d") == stands(3, exact=False)
    world.cancel("b")
    world.clock.forward(KNOWN_FOR)
    assert in_line(world, "d") == stands(3, exact=False)
    finish(world, "runs")
    world.tick(after=30)
    assert in_line(world, "d") == stands(2, exact=False)


def test_many_readers_share_a_look() -> None:
    """There is one look each two seconds, whichever request is asked for; requests that do not wait cost none."""
    ledger = CountedLedger()
    world = a_line("a", "b", "c", ledger=ledger)
    begun = ledger.looks
    for _ in range(20):
        assert [in_line(world, key) for key in "abc"] == [stands(0), stands(1), stands(2)]
        assert in_line(world, "runs") is None
    assert ledger.looks == begun + 1
    world.clock.forward(KNOWN_FOR)
    assert in_line(world, "a") == stands(0)
    assert ledger.looks == begun + 2


def test_a_burst_of_requests_costs_one_read_of_their_line() -> None:
    """Each answer shows the position, and all that came since share what was read."""
    ledger = CountedLedger()
    world = a_line("a", ledger=ledger)
    assert in_line(world, "a") == stands(0)
    for number in range(30):
        start(world, f"b-{number}")
    ledger.places_read.clear()
    assert [in_line(world, f"b-{number}") for number in range(30)] == [
        stands(1),
        *(stands(number + 1, exact=False) for number in range(1, 30)),
    ]
    assert len(ledger.places_read) == 1


def test_a_request_that_is_first_again_is_counted_for_those_after_the_look() -> None:
    """Its fate was unknown; sent again it has no number, and is before all."""
    world = a_line("a")
    first = found(world, "a")
    assert in_line(world, "a") == stands(0)
    stored = world.ledger.get(FACTORY_ID, "a")
    assert stored is not None
    world.ledger.save(stored, replace(first, place_number=None))
    world.clock.forward(KNOWN_FOR)
    assert in_line(world, "a") == stands(0)
    start(world, "b")
    assert in_line(world, "b") == stands(2, exact=False)
    world.clock.forward(KNOWN_FOR)
    assert in_line(world, "b") == stands(1)


def test_a_reader_does_not_wait_for_the_look_of_another() -> None:
    """While another thread reads, the earlier count is shown."""
    reads, goes_on = threading.Event(), threading.Event()

    class Slow(CountedLedger):
        def some_active(self, factory: str, *, limit: int) -> ActivePage:
            if reads.is_set():
                return super().some_active(factory, limit=limit)
            if self.looks:
                reads.set()
                assert goes_on.wait(60)
            return super().some_active(factory, limit=limit)

    world = a_line("a", ledger=Slow())
    assert in_line(world, "a") == stands(0)
    world.clock.forward(KNOWN_FOR)
    other = threading.Thread(target=in_line, args=(world, "a"))
    other.start()
    assert reads.wait(60)
    assert in_line(world, "a") == stands(0)
    goes_on.set()
    other.join(60)
    assert not other.is_alive()


def test_where_the_line_cannot_be_read_the_run_is_shown_without_its_position() -> None:
    """Its position is left out."""
    ledger = CountedLedger()
    world = a_line("a", ledger=ledger)
    ledger.is_lost = True
    shown = world.services.query.show("a")
    assert (shown.status, shown.in_line) == ("Accepted", None)
    ledger.is_lost = False
    assert in_line(world, "a") == stands(0)


def test_a_held_request_keeps_its_position_and_shows_it() -> None:
    """A request behind one that an operator holds waits for it, too."""
    world = a_line("a")
    hold(world)
    start(world, "b")
    world.tick(after=30)
    world.clock.forward(KNOWN_FOR)
    assert [in_line(world, key) for key in "ab"] == [stands(0), stands(1)]
    assert found(world, "b").held is not None


def test_the_line_of_a_changed_policy_shows_no_position() -> None:
    """It shows one again once the tick has moved the waiting requests to the new line."""
    world = a_line("a", "b")
    world.settings = with_policy(policy(key=None))
    world.restart()
    assert waits(world, "a", "b")
    assert [in_line(world, key) for key in "ab"] == [None, None]
    world.tick(after=30)
    world.clock.forward(KNOWN_FOR)
    assert [in_line(world, key) for key in "ab"] == [None, stands(0)]  # the active run was counted by its key
    world.settings = with_policy(None)
    world.restart()
    assert in_line(world, "b") is None


def test_list_and_run_show_in_one_word_what_a_request_waits_for() -> None:
    """Both show the same word."""
    world = World(settings=with_policy(policy(overflow="join")), ledger=CountedLedger())
    declare(world)
    start(world, "runs")
    start(world, "joins")
    start(world, "waits", reference_pipeline_run_id=UUID(int=1))
    start(world, "secret", parameters={"secret": "x"})
    hold(world)
    start(world, "held")
    said = {"runs": None, "joins": "joined", "waits": "line", "secret": "caller", "held": "hold"}
    page = world.services.runs.page(Question(), limit=100)
    assert {run.request_id: run.waits_for for run in page.runs} == said
    assert {key: world.services.query.show(key).waits_for for key in said} == said


def test_a_request_that_waits_for_secrets_stands_in_no_line() -> None:
    """Only its caller can start it."""
    world = a_line()
    start(world, "s", parameters={"secret": "x"})
    assert in_line(world, "s") is None


def test_an_event_has_no_position() -> None:
    """It describes a request that has ended."""
    world = a_line("a")
    world.cancel("a")
    world.tick(after=30)
    (event,) = (each for each in world.outbox.events if each.subject == "a")
    assert json.loads(event.model_dump_json(by_alias=True))["data"]["inLine"] is None


def test_ten_thousand_waiting_requests_cost_one_bounded_read() -> None:
    """They are not all counted."""
    limits: list[int] = []

    class Large(CountedLedger):
        def some_active(self, factory: str, *, limit: int) -> ActivePage:  # noqa: ARG002 - as the port has it
            limits.append(limit)
            return ActivePage((), is_all=False)

    world = a_line("a", "b", ledger=Large())
    assert in_line(world, "b") == stands(1, exact=False)
    assert set(limits) == {1_000}
    assert world.ledger.active(FACTORY_ID)
