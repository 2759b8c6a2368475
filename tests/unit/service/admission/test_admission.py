"""At most N runs of a key at once: requests get their places in order of arrival, and no place is given twice."""

import json
from typing import Any

import pytest

from adf_trigger.errors import AtCapacity, BadRequest, PipelineQueueFull, Throttled
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import Waits
from adf_trigger.messages.decoding import Message
from tests.support.admitted import a_world, finish, found, seen_to_end, start, under_way, waits
from tests.support.world import FACTORY_ID, START, STARTED, World

pytestmark = pytest.mark.untraced


def test_the_second_of_a_key_waits_until_the_first_has_ended() -> None:
    """Runs of another key start beside it; a waiting request names its reason, and starts when a tick sees the end."""
    world = a_world()
    assert start(world, "a-1").status in STARTED
    waiting = start(world, "a-2")
    assert start(world, "b-1", "B").status in STARTED
    assert waiting.status == "Accepted"
    assert waiting.message == (
        'it waits for a place: at most 1 run of load with parameters.customer = "A" may be in progress at once'
    )
    world.tick(after=15)
    assert waits(world, "a-2")
    finish(world, "a-1")
    world.tick(after=15)
    assert found(world, "a-2").status in STARTED
    assert under_way(world) == ["A", "B"]


def test_places_are_given_in_order_of_arrival() -> None:
    """The order holds whatever the clocks said when the requests came."""
    world = a_world(2)
    for number in range(6):
        start(world, f"a-{number}")
        world.clock.jump(-5)
    for number in range(4):
        assert waits(world, *(f"a-{later}" for later in range(number + 2, 6)))
        assert under_way(world) == ["A", "A"]
        finish(world, f"a-{number}")
        world.tick(after=100)
        assert found(world, f"a-{number + 2}").status in STARTED
    assert [found(world, f"a-{number}").place_number for number in range(6)] == [None, None, 1, 2, 3, 4]


def test_a_newcomer_does_not_overtake_waiting_requests() -> None:
    """A place that is free by then goes to the line at the next tick."""
    world = a_world()
    start(world, "a-1")
    start(world, "a-2")
    seen_to_end(world, "a-1")
    start(world, "a-3")
    assert waits(world, "a-2", "a-3")
    world.tick(after=60)
    assert found(world, "a-2").status in STARTED
    assert waits(world, "a-3")


def test_a_newcomer_takes_the_place_of_an_ended_run_when_none_wait() -> None:
    """It needs no tick: the ledger already shows the end."""
    world = a_world()
    start(world, "a-1")
    finish(world, "a-1")
    world.tick(after=15)
    assert start(world, "a-2").status in STARTED
    finish(world, "a-2")
    world.tick(after=15)
    start(world, "a-3")
    kept = world.ledger.all_places(FACTORY_ID)
    assert [[holder.request_id for holder in each.places.holders] for each in kept] == [["a-3"]]


@pytest.mark.parametrize("customer", ["A", None])
def test_without_a_key_all_of_the_pipeline_count(customer: str | None) -> None:
    """Runs of other pipelines do not count."""
    world = a_world(1, None)
    start(world, "a-1")
    assert start(world, "b-1", customer).waits_for is Waits.ADMISSION
    assert start(world, "o-1", pipeline="other").status in STARTED


def test_requests_that_lack_the_key_are_a_group_of_their_own() -> None:
    """They are counted apart from requests whose key is an empty text."""
    world = a_world()
    start(world, "none", None)
    start(world, "empty", "")
    assert under_way(world) == ["", "None"]
    assert start(world, "again", None).waits_for is Waits.ADMISSION


@pytest.mark.parametrize("status", ["Failed", "Cancelled"])
def test_every_end_frees_the_place(status: str) -> None:
    """A run that failed or was cancelled frees it as one that Succeeded does."""
    world = a_world()
    start(world, "a-1")
    start(world, "a-2")
    finish(world, "a-1", status)
    world.tick(after=15)
    assert found(world, "a-2").status in STARTED


def test_a_throttled_request_keeps_its_place() -> None:
    """It is started before the requests that came later."""
    world = a_world()
    world.factory.fail_next("create_run", Throttled("slow down", status=429, retry_after=30))
    start(world, "a-1")
    start(world, "a-2")
    world.tick(after=20)
    assert waits(world, "a-2")
    world.tick(after=60)
    assert found(world, "a-1").status in STARTED
    world.tick(after=60)
    assert waits(world, "a-2")


def test_a_request_of_a_pipeline_that_data_factory_calls_full_keeps_its_place() -> None:
    """It waits for Data Factory while it holds its place."""
    world = a_world()
    world.factory.fail_next("create_run", PipelineQueueFull("full", status=400))
    assert start(world, "a-1").waits_for is Waits.PIPELINE
    start(world, "a-2")
    world.tick(after=10)
    assert waits(world, "a-2")


def test_a_rejected_request_frees_its_place_and_takes_another_under_its_key() -> None:
    """It comes back as a new request, behind those that wait by then."""
    world = a_world()
    world.factory.fail_next("create_run", BadRequest("no", status=400, code="BadRequest"))
    with pytest.raises(BadRequest):
        start(world, "a-1")
    assert start(world, "a-2").status in STARTED
    again = start(world, "a-1")
    assert again.waits_for is Waits.ADMISSION
    finish(world, "a-2")
    world.tick(after=60)
    assert found(world, "a-1").status in STARTED
    (kept,) = world.ledger.all_places(FACTORY_ID)
    assert [holder.request_id for holder in kept.places.holders] == ["a-1"]


def test_a_repeat_takes_no_second_place() -> None:
    """This holds for a request that has a place and for one that waits."""
    world = a_world(2)
    for _ in range(3):
        start(world, "a-1")
    start(world, "a-2")
    for _ in range(3):
        start(world, "a-3")
    assert under_way(world) == ["A", "A"]
    assert found(world, "a-3").place_number == 1
    start(world, "a-4")
    assert found(world, "a-4").place_number == 2


def test_a_waiting_request_can_be_cancelled() -> None:
    """It ends immediately, and the next one has its turn."""
    world = a_world()
    for number in (1, 2, 3):
        start(world, f"a-{number}")
    assert world.cancel("a-2").status == "Cancelled"
    finish(world, "a-1")
    world.tick(after=60)
    assert found(world, "a-3").status in STARTED


def test_a_request_after_a_line_was_cancelled_starts_within_a_tick() -> None:
    """Nothing is left of a line whose requests were all cancelled."""
    world = a_world()
    start(world, "a-1")
    start(world, "a-2")
    world.cancel("a-2")
    finish(world, "a-1")
    world.tick(after=60)
    start(world, "a-3")
    world.tick(after=15)
    assert found(world, "a-3").status in STARTED
    finish(world, "a-3")
    world.tick(after=15)
    assert start(world, "a-4").status in STARTED


def test_a_request_that_waits_too_long_is_rejected_with_what_it_waited_for() -> None:
    """The start deadline keeps running while a request waits for its place."""
    world = a_world(ADF_TRIGGER_START_DEADLINE_SECONDS="600")
    start(world, "a-1")
    start(world, "a-2")
    world.tick(after=601)
    rejected = found(world, "a-2")
    assert rejected.status == "Rejected"
    assert rejected.message is not None
    assert rejected.message.startswith("it could not be started in time: it waits for a place: at most 1 run")


def test_a_rerun_counts_like_any_other_request() -> None:
    """It has the parameters of the run that it reruns, and therefore the same key."""
    world = a_world()
    start(world, "a-1")
    finish(world, "a-1", "Failed")
    world.tick(after=15)
    start(world, "a-2")
    again = world.rerun("a-1").record
    assert again.waits_for is Waits.ADMISSION
    finish(world, "a-2")
    world.tick(after=60)
    assert found(world, again.request_id).status in STARTED


def test_waiting_requests_begin_no_backlog() -> None:
    """A request of another pipeline starts directly, however many wait for a place."""
    world = a_world()
    for number in range(5):
        start(world, f"a-{number}")
        world.tick(after=15)
    assert start(world, "o-1", pipeline="other").status in STARTED


def test_a_policy_that_refuses_names_the_runs_that_hold_the_places() -> None:
    """Nothing is kept of the refused request; a repeat of an accepted one is answered with that one."""
    world = a_world(2, overflow="refuse")
    start(world, "a-1")
    start(world, "a-2")
    with pytest.raises(AtCapacity) as refused:
        start(world, "a-3")
    assert [each.request_id for each in refused.value.runs] == ["a-1", "a-2"]
    assert world.ledger.get(FACTORY_ID, "a-3") is None
    assert start(world, "a-1").status in STARTED
    finish(world, "a-2")
    world.tick(after=15)
    assert start(world, "a-3").status in STARTED


def test_a_refused_message_is_rejected_and_published() -> None:
    """It is kept like every rejected message, and can be replayed once a run has ended."""
    world = a_world(overflow="refuse")
    start(world, "a-1")
    body = json.dumps({"pipeline": "load", "requestId": "a-2", "parameters": {"customer": "A"}}).encode()
    message = Message.decode(body, message_id="m-1", attempts=1, inserted_at=START)
    world.services.intake.take(message)
    (event,) = world.outbox.events
    assert (event.subject, event.data.status) == ("a-2", "Rejected")
    assert "the policy of the pipeline refuses more" in str(event.data.message)
    assert [kept.body for kept in world.kept()] == [body]


def secret(world: World, key: str, **fields: Any) -> Any:
    """A request with a secure parameter."""
    return world.submit(key, parameters={"customer": "A", "secret": "s3"}, **fields)


def test_a_request_with_secrets_takes_a_place_that_is_free_when_it_comes() -> None:
    """It never waits in line, since only its caller can send it: the caller is given a time to come again."""
    world = a_world()
    start(world, "a-1")
    submitted = secret(world, "s-1")
    assert submitted.record.waits_for is Waits.CALLER
    assert submitted.again_after is not None
    assert "at most 1 run of load" in submitted.record.message
    assert secret(world, "s-1").record.status == "Accepted"
    start(world, "a-2")
    finish(world, "a-1")
    world.tick(after=60)
    assert found(world, "a-2").status in STARTED
    assert secret(world, "s-1").record.status == "Accepted"
    finish(world, "a-2")
    world.tick(after=60)
    assert secret(world, "s-1").record.status in STARTED
    start(world, "a-3")
    assert under_way(world) == ["A"]


def test_a_request_with_secrets_that_waits_for_its_caller_holds_no_place() -> None:
    """The caller may never come back."""
    world = a_world()
    world.factory.fail_next("create_run", Throttled("slow down", status=429, retry_after=1))
    assert secret(world, "s-1").record.waits_for is Waits.CALLER
    world.clock.forward(60)
    assert start(world, "a-1").status in STARTED
    assert secret(world, "s-1").record.status == "Accepted"
    assert under_way(world) == ["A"]


def test_a_tick_reads_no_record_of_active_runs() -> None:
    """Their rows show that they still have their places: a thousand active runs cost no thousand reads."""
    world = a_world(3)
    for number in range(4):
        start(world, f"a-{number}")
    (kept,) = world.ledger.all_places(FACTORY_ID)
    rows = {row.request_id: row for row in world.ledger.active(FACTORY_ID)}
    read, get = list[str](), world.ledger.get

    def counting(factory: str, request_id: str) -> Stored | None:
        read.append(request_id)
        return get(factory, request_id)

    world.ledger.get = counting  # type: ignore[method-assign]
    holders = world.services.submitter._admission.holders(FACTORY_ID, kept.places, rows)
    assert [each.request_id for each in holders] == ["a-0", "a-1", "a-2"]
    assert read == []
    assert len(world.services.submitter._admission.holders(FACTORY_ID, kept.places, {})) == 3
    assert read == ["a-0", "a-1", "a-2"]


def test_a_rejected_request_that_is_made_again_takes_a_place() -> None:
    """Of the key that it names now: a second request of that key waits for it."""
    world = a_world()
    world.factory.fail_next("create_run", BadRequest("no", code="BadRequest", status=400))
    with pytest.raises(BadRequest):
        start(world, "a-1")
    assert start(world, "a-1", "B").status in STARTED
    start(world, "b-1", "B")
    assert waits(world, "b-1")
    assert under_way(world) == ["B"]
