"""How a turn settles requests in doubt: what it looks up, how often, what it records, and when it looks again."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from adf_trigger.errors import BadRequest, PipelineQueueFull, ResourceNotFound, Throttled, Unavailable
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.dispatching.settle import UNREADABLE_AFTER
from adf_trigger.service.recording.moves import WAITS_FOR_CALLER
from adf_trigger.service.threads.tick_threads import TickThreads
from tests.support.memory_factory import LOST_REPLY
from tests.support.world import FACTORY_ID, World, settings

DOWN = Unavailable("down", status=503)
NO_RUN = ResourceNotFound("no such run", code="NotFound", status=404)
WRONG = BadRequest("it is wrong", status=400)
FULL = PipelineQueueFull("There are 100 runs waiting.", status=400, code="BadRequest")
ANSWERED = "; the last createRun was answered: the reply was lost"
SECOND = timedelta(seconds=1)
DEADLINE = 3600


class Doubts(World):
    """A service that knows that its factory honours ids, and takes up one request after the other."""

    def in_doubt(self, *keys: str, pipeline: str = "load", **fields: Any) -> None:
        """Requests whose createRun got no answer and started nothing."""
        for key in keys:
            self.factory.fail_next("create_run", LOST_REPLY)
            self.submit(key, pipeline, **fields)

    def dispatch(self, *, after: float = 0, calls: int = 100) -> Sequence[Stored]:
        """One turn of the dispatcher, after a while, and what has ended in it."""
        self.clock.forward(after)
        self.factory.calls.clear()
        factory = self.services.factories.choose(None)
        rows = self.ledger.active(FACTORY_ID)
        return self.services.tick._parts.dispatcher.dispatch(factory, rows, Budget(calls))

    def watch(self) -> None:
        """Have the requests in doubt seen for longer than a run may stay unseen."""
        self.dispatch(after=30)
        self.clock.forward(300)

    def record(self, key: str = "key-1") -> RunRecord:
        """The record of a request."""
        return self.services.query.find(key)


@pytest.fixture
def world() -> Doubts:
    """No request is in doubt yet."""
    world = Doubts(
        settings=settings(ADF_TRIGGER_START_DEADLINE_SECONDS=str(DEADLINE)), tick_threads=TickThreads()
    )
    world.factory.declare("load")
    world.factory.declare("secret", password={"type": "SecureString"})
    world.submit("teacher")
    return world


def test_a_doubt_that_cannot_be_looked_up_gives_the_reason_and_waits(world: Doubts) -> None:
    """The next look is delayed according to the number of attempts."""
    world.in_doubt("key-1")
    world.factory.fail_next("get_run", DOWN)
    assert world.dispatch(after=30) == []
    record = world.record()
    assert record.message == f"its outcome cannot be determined now: down{ANSWERED}"
    assert record.not_before == world.clock() + 5 * SECOND
    assert record.state is RunState.ACCEPTED


def test_after_consecutive_failed_looks_no_more_are_made_in_that_turn(world: Doubts) -> None:
    """The remaining requests are left unchanged for the next turn."""
    world.in_doubt(*(f"key-{number}" for number in range(UNREADABLE_AFTER + 2)))
    last = world.record(f"key-{UNREADABLE_AFTER + 1}")
    world.factory.before["get_run"] = [DOWN] * 10
    world.dispatch(after=30)
    assert world.factory.calls.count("get_run") == UNREADABLE_AFTER
    assert world.record(last.request_id) == last


def test_a_look_that_is_answered_resets_the_count_of_failures(world: Doubts) -> None:
    """Only consecutive failures count."""
    failed = [*[DOWN] * (UNREADABLE_AFTER - 1), NO_RUN]
    world.in_doubt(*(f"key-{number}" for number in range(2 * len(failed))))
    world.factory.before["get_run"] = [*failed, *failed]
    world.dispatch(after=30)
    assert world.factory.calls.count("get_run") == 2 * len(failed)


def test_a_turn_whose_calls_are_spent_leaves_a_doubt_as_it_is(world: Doubts) -> None:
    """Nothing is looked up, and nothing is written."""
    world.in_doubt("key-1")
    before = world.record()
    world.dispatch(after=30, calls=0)
    assert world.record() == before
    assert world.factory.calls == []


def test_a_doubt_ends_with_its_deadline_where_the_factory_may_not_be_asked(world: Doubts) -> None:
    """A factory that has asked for a pause is not asked; the request's reason says so."""
    world.in_doubt("key-1")
    world.factory.fail_next("get_run", Throttled("slow down", retry_after=60, status=429))
    world.dispatch(after=DEADLINE - 10)
    (ended,) = world.dispatch(after=20)
    assert world.factory.calls == []
    assert (ended.record.status, ended.record.request_id) == ("Unknown", "key-1")
    assert ended.record.message == f"its outcome cannot be determined{ANSWERED}"


def test_a_doubt_ends_with_its_deadline_where_the_look_fails(
    world: Doubts, caplog: pytest.LogCaptureFixture
) -> None:
    """It is recorded once, with the last answer."""
    world.in_doubt("key-1")
    caplog.set_level("INFO")
    world.factory.fail_next("get_run", DOWN)
    (ended,) = world.dispatch(after=DEADLINE + 1)
    assert world.record() == ended.record
    assert "dispatch_lost_race" not in {getattr(each, "action", None) for each in caplog.records}
    assert ended.record.status == "Unknown"
    assert ended.record.message == f"its outcome cannot be determined now: down{ANSWERED}"


def test_a_request_that_was_not_started_and_has_secrets_waits_for_its_caller(world: Doubts) -> None:
    """It is no longer in doubt, and a repeat sends it directly."""
    world.in_doubt("key-1", pipeline="secret", parameters={"password": "hunter2"})
    world.watch()
    world.dispatch()
    record = world.record()
    assert record.message == f"{WAITS_FOR_CALLER}: no run that could be it has appeared"
    assert (record.not_before, record.sent_at) == (world.clock(), None)


def test_a_request_that_was_not_started_is_not_sent_to_a_full_pipeline(world: Doubts) -> None:
    """Another request of the pipeline has met that in the same turn, in whatever case its name is spelled."""
    world.factory.fail_next("create_run", FULL)
    world.submit("key-0", "Load")
    world.in_doubt("key-1", pipeline="Load")
    world.factory.always["create_run"] = FULL
    world.watch()
    world.dispatch()
    assert world.factory.calls.count("create_run") == 1
    record = world.record()
    assert record.message == f"no run that could be it has appeared{ANSWERED}"
    assert record.not_before == world.clock() + 5 * SECOND


def test_a_request_that_was_not_started_is_not_sent_to_a_factory_that_asked_for_a_pause(
    world: Doubts,
) -> None:
    """It stays in doubt, and is looked up again later."""
    world.in_doubt("key-1")
    world.watch()
    world.factory.fail_next("create_run", Throttled("slow down", retry_after=60, status=429))
    world.submit("key-2")
    world.dispatch()
    assert world.factory.calls.count("create_run") == 0
    record = world.record()
    assert record.message == f"no run that could be it has appeared{ANSWERED}"
    assert record.not_before == world.clock() + 5 * SECOND
    assert record.sent_at is not None


def test_a_request_in_doubt_that_is_refused_is_given_up_after_three_calls(world: Doubts) -> None:
    """Until then it is looked up again, since the refusal may be caused by a run that does not show yet."""
    world.in_doubt("key-1")
    world.factory.always["create_run"] = WRONG
    world.watch()
    assert world.dispatch() == []
    record = world.record()
    assert record.message == f"Data Factory refused it: it is wrong{ANSWERED}"
    assert (record.attempts, record.not_before) == (2, world.clock() + 10 * SECOND)
    world.watch()
    (ended,) = world.dispatch()
    assert (ended.record.status, ended.record.attempts) == ("Unknown", 3)
    reason = "Data Factory refused it: it is wrong; whether an earlier call started it is not known"
    assert ended.record.message == f"{reason}{ANSWERED}"


def test_a_refusal_that_cannot_be_looked_up_is_kept_with_the_reason(world: Doubts) -> None:
    """The fate of the earlier call is looked up at a later turn."""
    world.in_doubt("key-1")
    world.watch()
    world.factory.fail_next("create_run", WRONG)
    world.factory.before["get_run"] = [NO_RUN, DOWN]
    assert world.dispatch() == []
    record = world.record()
    refused = (
        "Data Factory refused it: it is wrong; the outcome of its earlier call cannot be determined now: down"
    )
    assert record.message == f"{refused}{ANSWERED}"
    assert (record.state, record.not_before) == (RunState.ACCEPTED, world.clock() + 10 * SECOND)


@pytest.mark.parametrize("others", [[], ["key-0"]], ids=["the first of its turn", "behind another"])
def test_a_request_in_doubt_that_is_throttled_when_it_is_sent_again_stays_in_doubt(
    world: Doubts, others: list[str]
) -> None:
    """Its first call may have started a run: the doubt remains, though another request showed that runs start."""
    world.factory.declare("other")
    for key in others:
        world.factory.fail_next("create_run", FULL)
        world.submit(key, "other")
    world.in_doubt("key-1")
    world.factory.before["create_run"] = [FULL for _ in others]
    world.watch()
    left = world.record().sent_at
    world.factory.before["create_run"] = [*(FULL for _ in others), Throttled("slow down", status=429)]
    world.dispatch()
    assert world.factory.before["create_run"] == []
    record = world.record()
    assert (record.sent_at, record.attempts) == (left, 2)
    assert "slow down" in str(record.message)
