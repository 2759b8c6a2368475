"""The queue functions: each message becomes a run or a refusal, or is put back. None is lost."""

import json
from typing import Any

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.errors import BadRequest, LedgerError, NotSent, PublishError, Unavailable
from adf_trigger.events.texts import original_body, original_text
from adf_trigger.functions.app import app_of
from adf_trigger.functions.bindings import Bindings
from tests.support.news import published_names
from tests.support.world import World
from tests.unit.functions.conftest import Caller


def test_messages_are_received_as_bytes(world: World) -> None:
    """As text, a message's own properties would replace its id, count and times on the platform."""
    app = app_of(lambda: world.services, Bindings("requests", "requests-poison", "* * * * * *"))
    triggers = [each.get_trigger() for each in app.get_functions()]
    queues = [each.get_dict_repr() for each in triggers if each is not None and each.type == "queueTrigger"]
    assert [each["dataType"] for each in queues] == [func.DataType.BINARY] * 2


@pytest.mark.parametrize("base64", [True, False])
def test_a_message_starts_a_run_plain_or_base64(caller: Caller, world: World, *, base64: bool) -> None:
    """Any producer's encoding works; the key is the message's id where it has none of its own."""
    caller.message({"pipeline": "load"}, base64=base64, message_id="m-9")
    assert world.services.query.find("m-9").status == "Queued"


def test_a_message_delivered_twice_starts_one_run(caller: Caller, world: World) -> None:
    """The second delivery finds the first."""
    for attempt in (1, 2):
        caller.message({"pipeline": "load", "requestId": "k"}, attempts=attempt)
    assert len(world.factory.runs) == 1


def test_a_second_delivery_reports_no_refusal(caller: Caller, world: World) -> None:
    """The run continues, though its pipeline is gone when the message is delivered again."""
    caller.message({"pipeline": "load", "requestId": "k"})
    world.factory.pipelines.clear()
    world.clock.forward(600)
    caller.message({"pipeline": "load", "requestId": "k"}, attempts=2)
    assert world.outbox.rejected == []
    assert world.outbox.events == []


def test_a_message_and_a_call_share_a_key(caller: Caller, world: World) -> None:
    """The same request by queue and by HTTP is one run."""
    caller.message({"pipeline": "load", "requestId": "k"})
    assert caller.post({}, Idempotency_Key="k").status_code == 200
    assert len(world.factory.runs) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"hello",
        b"{",
        b"[]",
        b"\xff\xff",
        b"",
        b'{"pipeline": 3}',
        b'{"pipeline": "load", "x": 1}',
        b'{"pipeline": "nowhere"}',
        b'{"pipeline": "load", "factory": "nowhere"}',
        b'{"parameters": {}}',
    ],
)
def test_a_message_that_can_never_work_is_kept_with_its_reason(
    caller: Caller, world: World, body: bytes
) -> None:
    """It is in the ledger with its bytes, a copy goes to the rejected queue, and a Rejected event names it."""
    caller.message(body, message_id="m-1", attempts=2)
    (kept,) = world.kept()
    (rejected,) = world.outbox.rejected
    (event,) = world.outbox.events
    assert (kept.body, kept.attempts, kept.waiting) == (body, 2, False)
    assert original_body(rejected) == body
    assert rejected.reason
    assert rejected.attempts == 2
    assert (event.id, event.type) == ("m-1/Rejected/m-1", "dev.adf-trigger.run.rejected")


@given(
    body=st.binary(max_size=100)
    | st.dictionaries(st.text(max_size=9), st.integers()).map(json.dumps).map(str.encode)
)
def test_no_message_raises(body: bytes) -> None:
    """Any bytes end as a rejected message, and the function succeeds."""
    world = World()
    Caller(world).message(body)
    assert len(world.outbox.rejected) == 1


def test_a_refused_message_is_recorded_as_rejected_and_published(caller: Caller, world: World) -> None:
    """A definite refusal of createRun is in the rejected queue, in an event, and in the record."""
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    message: dict[str, Any] = {"pipeline": "load", "requestId": "k", "correlationId": "c"}
    caller.message(message)
    assert world.services.query.find("k").status == "Rejected"
    assert published_names(world.outbox.events) == ["k/Rejected"]
    (rejected,) = world.outbox.rejected
    assert original_text(rejected) == json.dumps(message)


def test_a_refusal_that_cannot_be_published_now_is_published_by_the_timer(
    caller: Caller, world: World
) -> None:
    """The record keeps the event that the queue did not accept."""
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    world.outbox.before.append(PublishError("no queue"))
    caller.message({"pipeline": "load", "requestId": "k"})
    assert world.outbox.events == []
    world.tick(after=100)
    assert published_names(world.outbox.events) == ["k/Rejected"]
    assert len(world.outbox.rejected) == 1


def test_a_message_under_anothers_key_is_rejected_under_its_own_id(caller: Caller, world: World) -> None:
    """The key's own request is alive."""
    caller.message({"pipeline": "load", "requestId": "k"})
    caller.message({"pipeline": "load", "requestId": "k", "startActivityName": "x"}, message_id="m-2")
    assert published_names(world.outbox.events) == ["m-2/Rejected/m-2"]
    assert world.services.query.find("k").status == "Queued"


def test_an_outage_uses_up_no_delivery(caller: Caller, world: World) -> None:
    """Where the ledger is out of reach the message is put back under its key, and the function succeeds."""
    world.ledger.before["claim"] = [LedgerError("the table is away")]
    caller.message({"pipeline": "load", "metadata": {"a": "b"}}, message_id="m-7")
    ((text, delay),) = world.outbox.put_back_texts
    assert json.loads(text) == {"pipeline": "load", "metadata": {"a": "b"}, "requestId": "m-7"}
    assert delay > 0
    caller.message(text.encode(), message_id="m-8")
    assert world.services.query.find("m-7").status == "Queued"


def test_an_outage_of_data_factory_is_the_timers_work(caller: Caller, world: World) -> None:
    """The message is finished once its request is in the ledger."""
    world.factory.fail_next("create_run", NotSent("down"))
    caller.message({"pipeline": "load", "requestId": "k"})
    assert world.outbox.put_back_texts == []
    world.tick(after=10)
    assert len(world.factory.runs) == 1


def test_parameters_of_an_unknown_pipeline_in_an_outage_wait_in_the_queue(
    caller: Caller, world: World
) -> None:
    """They may be secret, so they are not written until that is known."""
    world.factory.fail_next("get_pipeline", Unavailable("down", status=503))
    caller.message({"pipeline": "load", "parameters": {"a": 1}, "requestId": "k"})
    assert len(world.outbox.put_back_texts) == 1
    assert len(world.outbox.rejected) == 0


def test_an_unavailable_queue_leaves_the_message_to_the_host(caller: Caller, world: World) -> None:
    """A message that cannot even be put back is delivered again."""
    world.outbox.before += [PublishError("no queue")] * 2
    with pytest.raises(PublishError):
        caller.message(b"not JSON")
