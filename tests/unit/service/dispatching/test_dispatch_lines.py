"""A turn of the dispatcher over lines: which requests are started, what it costs, and what may happen in between."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from adf_trigger.errors import Forbidden, NotSent, Unavailable, UnreadableRow
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import Waits
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.threads.tick_threads import TickThreads
from tests.support.admitted import a_world, found, policy, seen_to_end, start, waits, with_policy
from tests.support.holding import hold, release
from tests.support.world import FACTORY_ID, STARTED, World
from tests.unit.service.admission.test_admission_others import others


def lines(at_once: int = 1, key: str | None = "parameters.customer", **more: Any) -> World:
    """A service that takes up one request after the other."""
    world = a_world(at_once, key, **more)
    world.tick_threads = TickThreads()
    world.restart()
    return world


def turn(
    world: World, *, calls: int = 100, let_in: bool = False, budget: Budget | None = None
) -> Sequence[Stored]:
    """One turn, for the present rows, and the requests that ended in it."""
    factory, dispatcher = world.services.factories.choose(None), world.services.tick._parts.dispatcher
    rows = world.ledger.active(FACTORY_ID)
    take = dispatcher.let_in if let_in else dispatcher.dispatch
    return take(factory, rows, budget or Budget(calls))


def one_free(waiting: int = 1, at_once: int = 1, **more: Any) -> World:
    """A service with a number of waiting requests, and for each place a request whose run has ended."""
    world = lines(at_once, **more)
    for number in range(at_once + waiting):
        start(world, f"a-{number}")
    for number in range(at_once):
        seen_to_end(world, f"a-{number}")
    return world


def started(world: World, *keys: str) -> list[bool]:
    """Which of these requests have been started."""
    return [found(world, key).status in STARTED for key in keys]


@pytest.mark.parametrize("let_in", [False, True])
def test_the_first_of_a_line_is_started_where_there_is_room(*, let_in: bool) -> None:
    """No request behind it is started, as there is no room."""
    world = one_free(waiting=2)
    assert turn(world, let_in=let_in) == []
    assert started(world, "a-1", "a-2") == [True, False]
    assert found(world, "a-1").admitted_at == world.clock()
    turn(world, let_in=let_in)
    assert waits(world, "a-2")


@pytest.mark.parametrize("let_in", [False, True])
def test_as_many_are_started_as_there_is_room_for(*, let_in: bool) -> None:
    """They start in one turn, in order, with one call each."""
    world = one_free(waiting=3, at_once=2)
    world.factory.calls.clear()
    budget = Budget(100)
    turn(world, let_in=let_in, budget=budget)
    assert started(world, "a-2", "a-3", "a-4") == [True, True, False]
    assert world.factory.calls.count("create_run") == 2
    assert budget.left == 98


@pytest.mark.parametrize("let_in", [False, True])
def test_without_calls_the_line_waits(*, let_in: bool) -> None:
    """A request without a call stays in line, with its number."""
    world = one_free(waiting=2, at_once=2)
    turn(world, let_in=let_in, calls=1)
    assert started(world, "a-2", "a-3") == [True, False]
    assert (found(world, "a-3").place_number, waits(world, "a-3")) == (2, True)


def test_a_turn_whose_time_is_over_admits_no_request() -> None:
    """It also admits no further one of a line that it has begun."""
    world = one_free(waiting=2, at_once=2)
    over = Budget(100, seconds=lambda: 1.0).part(1.0)
    turn(world, let_in=True, budget=over)
    assert started(world, "a-2", "a-3") == [False, False]
    seconds = 0.0
    budget = Budget(100, seconds=lambda: seconds).part(1.0)
    create_run = world.factory.create_run

    def slow(*args: object, **options: object) -> object:
        nonlocal seconds
        seconds = 1.0
        return create_run(*args, **options)  # type: ignore[arg-type]

    world.factory.create_run = slow  # type: ignore[method-assign, assignment]
    turn(world, let_in=True, budget=budget)
    assert started(world, "a-2", "a-3") == [True, False]


def test_a_later_admission_starts_no_other_request() -> None:
    """Requests that wait for no place had their turn before."""
    world = one_free()
    world.factory.fail_next("create_run", NotSent("down"))
    start(world, "o-1", pipeline="other")
    world.clock.forward(60)
    turn(world, let_in=True)
    assert started(world, "a-1", "o-1") == [True, False]
    turn(world)
    assert started(world, "o-1") == [True]


def test_a_second_look_costs_nothing_where_no_request_waits_for_a_place() -> None:
    """Neither the holds nor the newcomers are read."""
    world = lines()
    start(world, "a-0")
    world.clock.forward(60)
    world.notes.before["named"] = world.notes.before["get"] = [AssertionError("a note is read")]
    assert turn(world, let_in=True) == []


def test_a_second_look_that_finds_no_room_keeps_the_trouble_of_the_factory() -> None:
    """Another request, which this look has not met, waits for that trouble to end."""
    world = lines()
    start(world, "a-0")
    start(world, "a-1")
    world.factory.always["create_run"] = Forbidden("no role", status=403)
    start(world, "o-1", pipeline="other")
    world.clock.forward(3_600)
    assert turn(world, let_in=True) == []
    assert world.services.states.of(FACTORY_ID) is not None


def test_a_request_in_a_line_without_room_costs_no_read_of_its_record() -> None:
    """This holds however many there are."""
    world = lines()
    for number in range(3):
        start(world, f"a-{number}")
    world.clock.forward(100)
    world.tick()
    left = world.ledger.before["get"] = [AssertionError("a record is read")]
    turn(world)
    assert left


def test_a_started_request_costs_a_turn_no_read() -> None:
    """Neither its record nor the holds are read, however many runs are active."""
    world = lines(3)
    for number in range(3):
        start(world, f"a-{number}")
    world.clock.forward(100)
    world.tick()
    world.clock.forward(60)
    left = world.ledger.before["get"] = [AssertionError("a record is read")]
    world.notes.before["named"] = [AssertionError("what is held is read")]
    turn(world)
    assert left


@pytest.mark.parametrize("let_in", [False, True])
def test_runs_of_others_are_listed_with_the_calls_of_the_turn(*, let_in: bool) -> None:
    """Where no call is left for the list, or the factory may not be read, no request is admitted."""
    world = lines(2, countOthers=True)
    others(world)
    start(world, "a-0")
    start(world, "a-1")
    turn(world, let_in=let_in, calls=0)
    assert started(world, "a-0", "a-1") == [False, False]
    world.factory.fail_next("query_runs", Unavailable("down", status=503))
    turn(world, let_in=let_in)
    assert started(world, "a-0", "a-1") == [False, False]
    turn(world, let_in=let_in)
    assert started(world, "a-0", "a-1") == [True, False]


@pytest.mark.parametrize("let_in", [False, True])
def test_a_held_line_is_noted_as_held_and_no_request_is_admitted(*, let_in: bool) -> None:
    """The whole line is noted in one turn, without a call; the next turn writes nothing of it."""
    world = one_free(waiting=3)
    hold(world, "load")
    turn(world, let_in=let_in, calls=0)
    keys = ("a-1", "a-2", "a-3")
    assert [found(world, key).held is not None for key in keys] == [True, True, True]
    assert waits(world, *keys)
    left = world.ledger.before["save"] = world.ledger.before["get"] = [AssertionError("a record is touched")]
    turn(world, let_in=let_in)
    assert left


def test_after_a_hold_the_line_continues_in_order() -> None:
    """A request that is not admitted yet shows again what it waits for."""
    world = one_free(waiting=3)
    hold(world, "load")
    turn(world)
    release(world, "load")
    world.clock.forward(2)
    turn(world)
    assert started(world, "a-1", "a-2", "a-3") == [True, False, False]
    second = found(world, "a-2")
    assert (second.held, second.waits_for) == (None, Waits.ADMISSION)
    assert "at most 1 run of load" in str(second.message)


def test_a_request_that_no_longer_waits_takes_no_turn() -> None:
    """It was cancelled since the rows were read: the next in line is admitted."""
    world = one_free(waiting=3)
    get, left = world.ledger.get, iter([True])

    def meanwhile(factory: str, request_id: str) -> Stored | None:
        if request_id == "a-1" and next(left, False):
            world.cancel("a-1")
        return get(factory, request_id)

    world.ledger.get = meanwhile  # type: ignore[method-assign]
    turn(world)
    assert found(world, "a-1").status == "Cancelled"
    assert started(world, "a-2", "a-3") == [True, False]


def reads(world: World, meanwhile: Callable[[], object] = lambda: None) -> list[str]:
    """The requests whose records are read from now on; a callback runs before the first read."""
    read: list[str] = []
    get = world.ledger.get

    def noted(factory: str, request_id: str) -> Stored | None:
        if not read:
            read.append(request_id)
            meanwhile()
        read.append(request_id)
        return get(factory, request_id)

    world.ledger.get = noted  # type: ignore[method-assign]
    return read


@pytest.mark.parametrize("at_once", [1, 2])
def test_requests_without_room_cost_no_read(at_once: int) -> None:
    """This holds for any length of the line."""
    world = one_free(waiting=4, at_once=at_once)
    read = reads(world)
    turn(world, let_in=True)
    keys = {f"a-{number}" for number in range(at_once, at_once + 4)}
    assert keys & set(read) == {f"a-{number}" for number in range(at_once, 2 * at_once)}


def test_a_turn_whose_time_is_over_reads_no_record() -> None:
    """There would be room."""
    world = one_free(waiting=2, at_once=2)
    read = reads(world)
    turn(world, let_in=True, budget=Budget(100, seconds=lambda: 1.0).part(1.0))
    assert not {"a-2", "a-3"} & set(read)


def test_a_request_whose_place_was_taken_meanwhile_is_not_overtaken() -> None:
    """Others have taken the free places, and may free them at any time."""
    world = one_free(waiting=2, at_once=2)

    def come() -> None:
        for key in ("s-1", "s-2"):
            start(world, key, parameters={"secret": "s3"})

    read = reads(world, come)
    turn(world, let_in=True)
    assert started(world, "s-1", "s-2", "a-2", "a-3") == [True, True, False, False]
    assert read.count("a-3") == 1  # by this test


def test_a_request_in_line_that_cannot_be_read_is_named_and_blocks_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A later version has written it, and will start it."""
    world = one_free(waiting=2, at_once=2)
    get = world.ledger.get

    def unreadable(factory: str, request_id: str) -> Stored | None:
        if request_id == "a-2":
            raise UnreadableRow("of a later version")
        return get(factory, request_id)

    world.ledger.get = unreadable  # type: ignore[method-assign]
    turn(world, let_in=True)
    world.ledger.get = get  # type: ignore[method-assign]
    (logged,) = [each for each in caplog.records if getattr(each, "action", "") == "ledger_row_unreadable"]
    assert vars(logged)["row"] == "a-2"
    assert started(world, "a-2", "a-3") == [False, True]


def test_a_line_whose_policy_has_changed_moves_to_its_new_one_in_one_turn() -> None:
    """A request that lines up again is not sent, and does not block those behind it."""
    world = one_free(waiting=3)
    world.settings = with_policy(policy(1, None))
    world.restart()
    turn(world)
    keys = ("a-1", "a-2", "a-3")
    records = [found(world, key) for key in keys]
    assert len({record.places for record in records}) == 1
    assert [record.status in STARTED or record.place_number is not None for record in records] == [True] * 3
    turn(world)
    assert started(world, *keys) == [True, False, False]


def test_a_request_that_cannot_be_sent_blocks_those_behind_it() -> None:
    """It keeps its turn."""
    world = one_free(waiting=2, at_once=2)
    world.factory.always["create_run"] = NotSent("down")
    world.factory.calls.clear()
    turn(world)
    assert world.factory.calls.count("create_run") == 1
    assert started(world, "a-2", "a-3") == [False, False]


def test_a_request_that_is_late_in_its_line_is_rejected_without_room() -> None:
    """Only this turn can reject a request that waits for a place."""
    world = lines(ADF_TRIGGER_START_DEADLINE_SECONDS="600")
    start(world, "a-0")
    start(world, "a-1")
    world.clock.forward(601)
    (ended,) = turn(world)
    assert (ended.record.request_id, ended.record.status) == ("a-1", "Rejected")
    assert "at most 1 run of load" in str(ended.record.message)


def test_lines_and_other_requests_have_their_turns_in_order_of_arrival() -> None:
    """With one call left, the first to arrive gets it."""
    world = one_free()
    world.factory.fail_next("create_run", NotSent("down"))
    start(world, "o-1", pipeline="other")
    world.clock.forward(60)
    turn(world, calls=1)
    assert started(world, "a-1", "o-1") == [True, False]
