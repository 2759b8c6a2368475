"""A turn of the dispatcher in which Data Factory throttles: the turn continues after a short pause."""

from collections.abc import Callable

import pytest

from adf_trigger.errors import Forbidden, LedgerError, NotSent, Throttled
from adf_trigger.service.calls.allowance import Allowance
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.starting.backlog import NOTE
from adf_trigger.service.threads.tick_threads import TickThreads
from tests.support.world import FACTORY_ID, STARTED
from tests.unit.service.dispatching.test_dispatcher import Turns

COUNT = 6
KEYS = [f"key-{number}" for number in range(COUNT)]
RETRY_AFTER = 2.0


def throttled(retry_after: float = RETRY_AFTER) -> Throttled:
    """The answer of the Resource Manager once the bucket is empty."""
    return Throttled("slow down", retry_after=retry_after, code="SubscriptionRequestsThrottled", status=429)


@pytest.fixture
def world() -> Turns:
    """Some requests that wait for their turns."""
    world = Turns(tick_threads=TickThreads())
    world.factory.declare("load")
    world.wait_for_turns()
    for key in KEYS:
        world.submit(key)
        world.clock.forward(0.001)
    return world


def turn(world: Turns, *, lasts: float, patient: bool = True) -> float:
    """One turn of the dispatcher over all requests; the seconds that it took."""
    allowance = Allowance(world.clock.seconds, patient=patient, sleep=world.clock.forward)
    budget = Budget(100, seconds=world.clock.seconds, allowance=allowance, factory=FACTORY_ID)
    begun = world.clock.seconds()
    factory = world.services.factories.choose(None)
    rows = world.ledger.active(FACTORY_ID)
    world.services.tick._parts.dispatcher.dispatch(factory, rows, budget.part(begun + lasts))
    return world.clock.seconds() - begun


def started(world: Turns) -> list[str]:
    """The requests that were started."""
    return [key for key in KEYS if world.status(key) in STARTED]


def after(world: Turns, calls: int, *errors: Exception) -> None:
    """Have calls of createRun fail one after another, once some have been made."""
    create_run, left = world.factory.create_run, list(errors)

    def failing(*args: object, **options: object) -> object:
        if left and world.factory.calls.count("create_run") >= calls:
            raise left.pop(0)
        return create_run(*args, **options)  # type: ignore[arg-type]

    world.factory.create_run = failing  # type: ignore[method-assign, assignment]


def test_the_rest_is_started_once_the_pause_is_over(world: Turns) -> None:
    """They start in order of arrival, in the same turn and not in the next one, and then none waits any more."""
    after(world, 2, throttled())
    assert RETRY_AFTER <= turn(world, lasts=10.0) < RETRY_AFTER + 1
    assert started(world) == KEYS
    order = [run.run_id for run in world.factory.runs.values()]
    assert order == [world.services.query.find(key).run_id for key in KEYS]
    assert not world.has_backlog


def test_a_request_that_comes_in_a_pause_waits_behind_waiting_ones(world: Turns) -> None:
    """This holds also where none had to wait before: the note of the backlog stands until the last one is started."""
    world.notes.remove(FACTORY_ID, NOTE)
    world.clock.forward(2)  # its known state is forgotten
    after(world, 2, throttled())
    seen = []
    come_meanwhile(world, lambda: seen.append(world.has_backlog))
    turn(world, lasts=10.0)
    assert seen == [True]
    assert started(world) == KEYS
    assert not world.has_backlog


def test_each_of_several_pauses_is_honoured(world: Turns) -> None:
    """Other users of the subscription may empty its bucket repeatedly."""
    after(world, 1, throttled(), throttled(1.0))
    assert 3.0 <= turn(world, lasts=10.0) < 4.0
    assert started(world) == KEYS


def test_a_factory_that_keeps_throttling_is_left_to_the_next_turn(world: Turns) -> None:
    """The calls are bounded by the turn's time, or by its rounds where the pauses are very short."""
    world.factory.always["create_run"] = throttled()
    assert turn(world, lasts=10.0) <= 10.0
    assert 2 <= world.factory.calls.count("create_run") <= 5
    world.factory.always["create_run"] = throttled(0.0)
    world.factory.calls.clear()
    turn(world, lasts=10.0)
    assert world.factory.calls.count("create_run") <= 10
    assert started(world) == []
    assert world.has_backlog


@pytest.mark.parametrize("lasts", [RETRY_AFTER, 0.5])
def test_a_pause_that_outlasts_the_turn_is_not_waited_for(world: Turns, lasts: float) -> None:
    """The next turn continues."""
    after(world, 2, throttled())
    assert turn(world, lasts=lasts) == 0
    assert started(world) == KEYS[:2]
    assert world.has_backlog


@pytest.mark.parametrize("error", [Forbidden("no role", status=403), NotSent("down")])
def test_other_trouble_ends_the_turn(world: Turns, error: Exception) -> None:
    """This holds also after a pause, which is not repeated."""
    after(world, 1, throttled(), error)
    assert turn(world, lasts=10.0) < 2 * RETRY_AFTER
    assert started(world) == KEYS[:1]


def come_meanwhile(world: Turns, event: Callable[[], object]) -> None:
    """Run a callback during the pause."""
    forward = world.clock.forward

    def passing(seconds: float) -> None:
        forward(seconds)
        if seconds >= RETRY_AFTER:
            event()

    world.clock.forward = passing  # type: ignore[method-assign]


def test_changes_during_a_pause_count(world: Turns) -> None:
    """Requests that came are started behind the others, and one that was cancelled is not."""
    after(world, 2, throttled())
    come_meanwhile(world, lambda: (world.submit("late"), world.cancel(KEYS[4])))
    turn(world, lasts=10.0)
    assert started(world) == [key for key in KEYS if key != KEYS[4]]
    assert world.status("late") in STARTED
    assert not world.has_backlog


def test_a_ledger_out_of_reach_after_a_pause_loses_nothing(world: Turns) -> None:
    """The turn fails, the next one continues."""
    after(world, 2, throttled())

    def away(_: str) -> None:
        raise LedgerError("away")

    active = world.ledger.active
    come_meanwhile(world, lambda: setattr(world.ledger, "active", away))
    with pytest.raises(LedgerError, match="away"):
        turn(world, lasts=10.0)
    world.ledger.active = active  # type: ignore[method-assign]
    turn(world, lasts=10.0)
    assert started(world) == KEYS


def test_an_impatient_service_does_not_wait(world: Turns) -> None:
    """A service without threads of its own leaves the rest to the next turn."""
    after(world, 2, throttled())
    assert turn(world, lasts=10.0, patient=False) == 0
    assert started(world) == KEYS[:2]
