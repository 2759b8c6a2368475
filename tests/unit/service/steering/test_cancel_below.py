"""A run that was cancelled without its children, which are to be cancelled afterwards, too."""

from uuid import UUID, uuid4

import pytest

from adf_trigger.errors import BadRequest, Forbidden, NotSent, Throttled, TryLater, WrongState
from tests.support.memory_factory import Run
from tests.support.world import World


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline `load`."""
    world = World()
    world.factory.declare("load")
    return world


def child(world: World, parent: UUID, status: str = "InProgress") -> UUID:
    """A run that another one has started."""
    run_id, now = uuid4(), world.clock()
    run = Run(run_id, "below", {}, now, now, invoked_by="PipelineActivity", invoked_by_run=parent)
    run.status = status
    world.factory.runs[run_id] = run
    return run_id


def statuses(world: World, *runs: UUID) -> list[str]:
    """The statuses of runs."""
    return [world.factory.runs[run].status for run in runs]


def family(world: World) -> tuple[UUID, UUID, UUID, UUID]:
    """An active run, one below it, one below an ended child, and another's."""
    run_id = world.submit().record.run_id
    ended = child(world, run_id, "Succeeded")
    return run_id, child(world, run_id), child(world, ended), child(world, uuid4())


@pytest.mark.parametrize("at_once", [True, False], ids=["has ended", "is being cancelled"])
def test_a_wider_cancellation_cancels_the_active_runs_below(world: World, *, at_once: bool) -> None:
    """It does so at any depth, and also when the run itself has ended meanwhile; another's run continues."""
    world.factory.cancels_at_once = at_once
    run_id, *below, others = family(world)
    world.cancel(recursive=False, by="ann")
    assert statuses(world, *below) == ["InProgress", "InProgress"]
    world.factory.finish(run_id, "Cancelled")
    if at_once:
        world.tick(after=15)
    world.factory.cancels_at_once = True
    record = world.cancel(by="bob", note="all of it")
    assert record.status == "Cancelled"
    assert statuses(world, *below, others) == ["Cancelled", "Cancelled", "InProgress"]
    assert record.history[-1].by == "bob"
    assert record.history[-1].note == "2 of the runs that it has started were cancelled: all of it"
    calls = world.factory.calls.count("cancel_run")
    assert world.cancel(by="bob") == record
    assert world.factory.calls.count("cancel_run") == calls, "nothing is left to cancel"


def test_a_run_that_was_cancelled_with_its_children_is_left_as_it_is(world: World) -> None:
    """Data Factory was asked to do so: no call is repeated, nor are runs below one that ended by itself cancelled."""
    family(world)
    world.cancel()
    other = world.submit("other").record.run_id
    below = child(world, other)
    world.factory.finish(other)
    world.tick(after=15)
    world.factory.calls.clear()
    world.cancel()
    assert world.cancel("other").status == "Succeeded"
    assert (world.factory.calls, statuses(world, below)) == ([], ["InProgress"])


@pytest.mark.parametrize(
    ("operation", "error", "raised"),
    [
        ("query_runs", Throttled("slow", status=429, retry_after=20), TryLater),
        ("query_runs", NotSent("no connection"), TryLater),
        ("cancel_run", Throttled("slow", status=429, retry_after=20), TryLater),
        ("cancel_run", BadRequest("it cannot be", status=400), WrongState),
        ("cancel_run", Forbidden("no cancel/action", status=403), Forbidden),
    ],
)
def test_a_run_that_could_not_be_cancelled_is_reported_and_not_skipped(
    world: World, operation: str, error: Exception, raised: type[Exception]
) -> None:
    """The answer gives the reason; the same call again cancels the rest."""
    _, *below, _ = family(world)
    world.cancel(recursive=False)
    world.factory.fail_next(operation, error)
    with pytest.raises(raised, match=str(error)):
        world.cancel()
    world.clock.forward(30)
    world.factory.before.clear()
    world.services.states.release(world.services.factories.choose(None).present_id)
    world.cancel()
    assert statuses(world, *below) == ["Cancelled", "Cancelled"]


def test_a_factory_of_many_runs_is_reported_as_not_searched_in_full(world: World) -> None:
    """The runs that were found are cancelled; that there may be more is no success."""
    _, *below, _ = family(world)
    for _ in range(1_100):
        child(world, uuid4())
    world.cancel(recursive=False)
    with pytest.raises(TryLater, match="more runs since than are searched"):
        world.cancel()
    assert statuses(world, *below) == ["Cancelled", "Cancelled"]
