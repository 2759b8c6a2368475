"""Whatever numbers and instants a neighbour sends, the service continues."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.datafactory.models import CreatedRun, PipelineRun
from adf_trigger.errors import Unavailable
from adf_trigger.service.calls.allowance import Allowance
from adf_trigger.service.calls.throttling import Bucket
from adf_trigger.service.watching.shared_refresh import RefreshProgress
from tests.support.memory_factory import MemoryFactory, as_run
from tests.support.world import FACTORY_ID, World

HOSTILE = [-1, -1_000_000, -(10**400), 10**400]


class Liar(MemoryFactory):
    """Reports a given remaining count of writes once, and runs as a test sets them."""

    remaining_writes: int | None = None
    said: dict[str, Any]

    def create_run(self, *args: Any, **more: Any) -> CreatedRun:
        """See PipelineRuns."""
        created = super().create_run(*args, **more)
        left, self.remaining_writes = self.remaining_writes, None
        return CreatedRun(
            run_id=created.run_id, client_request_id=created.client_request_id, remaining_writes=left
        )

    def get_run(self, run_id: Any) -> PipelineRun:
        """See PipelineRuns."""
        super().get_run(run_id)
        shown = as_run(self.runs[run_id]).model_dump(by_alias=True)
        return PipelineRun.model_validate(shown | self.said)


@pytest.fixture
def world() -> World:
    """A service whose factory sends hostile values."""
    return a_world()


def a_world() -> World:
    """A service whose factory sends hostile values."""
    world = World()
    world.factory = Liar(world.clock)
    world.factory.said = {}
    world.factory.declare("load")
    world.restart()
    return world


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda said: f"{len(str(said))} characters")
def test_a_hostile_count_of_writes_blocks_no_request(world: World, hostile: int) -> None:
    """A waiting request is started within a tick or two of the bucket's refilling."""
    assert isinstance(world.factory, Liar)
    world.factory.remaining_writes = hostile
    world.submit("first")
    world.submit("second")
    for _ in range(3):
        world.tick(after=15)
    assert len(world.factory.runs) == 2


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda said: f"{len(str(said))} characters")
def test_a_hostile_count_of_reads_hides_no_end(world: World, hostile: int) -> None:
    """Ends are published as soon as the bucket has refilled."""
    for number in range(5):
        world.submit(f"key-{number}")
    world.factory.remaining_reads = hostile
    for _ in range(3):
        world.tick(after=15)
    world.factory.remaining_reads = 240
    for run_id in list(world.factory.runs):
        world.factory.finish(run_id)
    for _ in range(3):
        world.tick(after=15)
    assert len(world.outbox.events) == 5


@given(st.lists(st.tuples(st.integers() | st.sampled_from(HOSTILE), st.booleans()), max_size=20))
def test_no_level_is_ever_lower_than_one_refill_restores(said: list[tuple[int, bool]]) -> None:
    """Whatever count is reported, a full bucket is available again after the time that it takes to fill."""
    now = [0.0]
    allowance = Allowance(lambda: now[0], patient=False)
    for left, takes in said:
        if takes:
            allowance.take(FACTORY_ID, Bucket.WRITES)
        allowance.answered(FACTORY_ID, Bucket.WRITES, left)
    now[0] += 41.0  # from 200 below nothing to 200
    assert sum(allowance.take(FACTORY_ID, Bucket.WRITES) for _ in range(201)) == 200


INSTANTS = st.none() | st.sampled_from(
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59.9999999Z",
        "9999-12-31T23:59:59-14:00",
        "2199-12-31T23:59:59Z",
        "2000-01-01T00:00:00Z",
        "2026-01-05T12:59:00Z",
        10**18,
        "soon",
    ]
)


@settings(max_examples=60)
@given(
    st.fixed_dictionaries(
        {
            "lastUpdated": INSTANTS,
            "runStart": INSTANTS,
            "runEnd": INSTANTS,
            "durationInMs": st.sampled_from([None, -1, 10**400, 1e400, "7"]),
        }
    ),
    st.booleans(),
)
def test_a_run_with_any_times_has_its_end_published(said: dict[str, Any], details_fail: bool) -> None:  # noqa: FBT001
    """Also where the reasons of its end cannot be read, within the time for which they are waited for."""
    world = a_world()
    assert isinstance(world.factory, Liar)
    world.factory.said = said
    world.submit("lies")
    world.submit("honest")
    if details_fail:
        world.factory.always["query_activity_runs"] = Unavailable("no answer")
    for run_id in list(world.factory.runs):
        world.factory.finish(run_id)
    for _ in range(5):
        world.tick(after=20 * 60)
    assert len(world.outbox.events) == 2
    assert {world.status("lies"), world.status("honest")} == {"Succeeded"}


def test_a_time_ahead_of_ours_hides_no_end_from_waiting_callers(world: World) -> None:
    """The cursor is never ahead of our clock, whatever one run reports."""
    for number in range(5):
        world.submit(f"key-{number}")
    ahead, *_ = list(world.factory.runs)
    world.factory.finish(ahead)
    world.factory.runs[ahead].updated = world.clock() + timedelta(minutes=50)
    look, place = world.services.waiter._shared_refresher, RefreshProgress()
    handle = world.services.factories.choose(None)
    waited_for = [f"key-{number}" for number in range(5)]
    look.look(handle, waited_for, place)
    assert place.since is not None
    assert place.since <= world.clock()
