"""A burst is accepted directly and drained at the rate limit of writes, in order of arrival."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import pytest

from adf_trigger.contracts import NO_RERUN, Rerun
from adf_trigger.datafactory.models import CreatedRun
from adf_trigger.emulator.arm.throttling import TokenBuckets
from adf_trigger.errors import LedgerError, Throttled
from adf_trigger.ledger.records import RunState
from adf_trigger.service.starting.backlog import NOTE
from adf_trigger.service.threads.tick_threads import TickThreads
from tests.support.memory_factory import MemoryFactory
from tests.support.world import FACTORY_ID, MovingClock, World

BURST = 200
A_SECOND = 10


class Bucketed(MemoryFactory):
    """A factory behind the Resource Manager's bucket of writes, and the order in which runs were requested."""

    def __init__(self, clock: MovingClock) -> None:
        super().__init__(clock)
        self.buckets = TokenBuckets()
        self.order: list[str] = []
        self.refused = 0

    def take(self) -> int:
        """Take a write; what is left of the bucket.

        Raises:
            Throttled: the bucket is empty.
        """
        left = self.buckets.take("s", "a", "writes", self.clock())
        if left is None:
            self.refused += 1
            raise Throttled("slow down", retry_after=1, code="SubscriptionRequestsThrottled", status=429)
        return left

    def create_run(
        self,
        pipeline: str,
        parameters: Mapping[str, Any],
        *,
        client_request_id: UUID,
        rerun: Rerun = NO_RERUN,
        secrets: Collection[str] = (),
        within: float | None = None,
    ) -> CreatedRun:
        """See PipelineRuns."""
        left = self.take()
        self.order.append(parameters.get("n", ""))
        super().create_run(
            pipeline,
            parameters,
            client_request_id=client_request_id,
            rerun=rerun,
            secrets=secrets,
            within=within,
        )
        return CreatedRun(
            run_id=client_request_id, client_request_id=client_request_id, remaining_writes=left
        )


class Busy(World):
    """A service whose factory has a bucket."""

    factory: Bucketed

    def ask(self, *numbers: int) -> None:
        """Ask for runs."""
        for number in numbers:
            self.submit(f"key-{number:04}", parameters={"n": f"{number:04}"})

    def waiting(self) -> int:
        """Requests that are still to be started."""
        return sum(row.state is RunState.ACCEPTED for row in self.ledger.active(FACTORY_ID))


def a_world(tick_threads: TickThreads | None = None) -> Busy:
    """A service with a bucketed factory."""
    world = Busy(tick_threads=tick_threads)
    world.factory = Bucketed(world.clock)
    world.factory.declare("load", n={"type": "String"})
    world.factory.declare("secret", password={"type": "SecureString"}, n={"type": "String"})
    world.restart()
    return world


@pytest.fixture
def world() -> Busy:
    """A service with a bucketed factory."""
    return a_world()


def test_a_burst_is_accepted_and_started_at_the_rate_limit(world: Busy) -> None:
    """From the first tick on 95% of what the bucket allows is used, and nothing is refused or out of order."""
    count = 800
    world.ask(*range(count))
    assert len(world.factory.order) == BURST
    for tick in range(1, 5):
        world.tick(after=15)
        allowed = min(count, BURST + A_SECOND * 15 * tick)
        assert len(world.factory.order) >= 0.95 * allowed
    assert world.factory.order == [f"{number:04}" for number in range(count)]
    assert world.factory.refused == 0
    assert world.waiting() == 0


def test_a_request_that_comes_while_others_wait_is_claimed_and_waits_behind_them(world: Busy) -> None:
    """The answer gives the reason; a repeat changes nothing; once none waits a caller is served directly again."""
    world.ask(*range(BURST + 20))
    assert world.notes.get(FACTORY_ID, NOTE) is not None
    world.clock.forward(5)  # calls would be available again, and others have waited for longer
    late = world.submit("late", parameters={"n": "late"})
    assert (late.record.state, late.record.attempts) == (RunState.ACCEPTED, 0)
    assert "waits for its turn" in str(world.services.views.view(late.record).reason)
    assert world.submit("late", parameters={"n": "late"}).replayed
    world.tick(after=10)
    assert world.factory.order[BURST:] == [*(f"{n:04}" for n in range(BURST, BURST + 20)), "late"]
    assert world.notes.get(FACTORY_ID, NOTE) is None
    world.clock.forward(2)
    assert world.submit("next", parameters={"n": "next"}).record.state is RunState.SUBMITTED


def test_other_instances_know_of_a_backlog_within_a_second(world: Busy) -> None:
    """A process that has spent nothing itself reads since when others wait."""
    world.ask(*range(BURST + 1))
    world.restart()
    assert world.submit("late", parameters={"n": "late"}).record.attempts == 0


def test_what_another_has_spent_is_learnt_from_the_first_reply(world: Busy) -> None:
    """Without a coordinator, a burst that another principal's calls have spent is not attempted twice."""
    for _ in range(BURST - 5):
        world.factory.take()
    world.ask(*range(30))
    for _ in range(3):
        world.tick(after=15)
    assert world.factory.order == [f"{number:04}" for number in range(30)]
    assert world.factory.refused == 0


def test_a_429_begins_a_backlog_and_keeps_the_order(world: Busy) -> None:
    """The bucket was emptied by others, and no reply had shown that."""
    for _ in range(BURST):
        world.factory.take()
    world.ask(*range(5))
    assert world.factory.refused == 1
    world.tick(after=15)
    assert world.factory.order == [f"{number:04}" for number in range(5)]


def test_a_request_with_secrets_is_sent_while_its_caller_waits(world: Busy) -> None:
    """The timer could not send it later."""
    world.ask(*range(BURST + 1))
    world.clock.forward(1)
    record = world.submit("secret", "secret", parameters={"password": "hunter2", "n": "secret"}).record
    assert record.state is RunState.SUBMITTED


def test_a_leftover_note_delays_one_request_by_one_tick(world: Busy) -> None:
    """A process that was killed before it could remove the note does no lasting harm."""
    world.notes.put(FACTORY_ID, NOTE, {"since": world.clock().isoformat()})
    assert world.submit("late", parameters={"n": "late"}).record.attempts == 0
    world.tick(after=15)
    assert world.factory.order == ["late"]
    assert world.notes.get(FACTORY_ID, NOTE) is None


@pytest.mark.parametrize("value", [{}, {"since": 7}, {"since": "soon"}, {"since": "2026-01-01T00:00:00"}])
def test_a_note_of_another_version_delays_no_request(world: Busy, value: dict[str, Any]) -> None:
    """A note that cannot be read is ignored."""
    world.notes.put(FACTORY_ID, NOTE, value)
    assert world.submit("key", parameters={"n": "1"}).record.state is RunState.SUBMITTED


@pytest.mark.parametrize("method", ["get", "put", "remove"])
def test_notes_that_are_out_of_reach_lose_no_request(world: Busy, method: str) -> None:
    """Requests are accepted and started; the backlog may be known later."""
    world.ask(*range(BURST))
    world.clock.forward(2)
    world.notes.before[method] = [LedgerError("no answer")]
    world.ask(*range(BURST, BURST + 40))
    for _ in range(3):
        world.tick(after=15)
    assert sorted(world.factory.order) == [f"{number:04}" for number in range(BURST + 40)]


def test_threads_start_runs_once_each_and_the_first_one_alone() -> None:
    """It shows whether runs can be started; the order of those that are then in flight is not determined."""
    world = a_world(TickThreads(16))
    world.notes.put(FACTORY_ID, NOTE, {"since": world.clock().isoformat()})
    world.ask(*range(150))
    world.tick(after=15)
    assert sorted(world.factory.order) == [f"{number:04}" for number in range(150)]
    assert world.factory.order[0] == "0000"
    assert len(world.factory.runs) == 150
