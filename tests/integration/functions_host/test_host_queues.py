"""The queue trigger on real queue storage."""

import asyncio
import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from azure.core.exceptions import ResourceNotFoundError

from adf_trigger.functions_host.common.config import HostTimes
from tests.support.storage_answers import Rule, StorageAnswers, queue_port, through

if TYPE_CHECKING:
    from tests.integration.functions_host.conftest import Toy

    MakeToy = Callable[..., Toy]

TRIGGER = '@app.queue_trigger(arg_name="msg", queue_name="%TOY_QUEUE%", connection="AzureWebJobsStorage")\n'
SUCCEED = (
    TRIGGER
    + """
def work(msg: func.QueueMessage) -> None:
    times = {"inserted": msg.insertion_time, "expires": msg.expiration_time, "next": msg.time_next_visible}
    note(id=msg.id, body=msg.get_body().decode(), count=msg.dequeue_count, receipt=msg.pop_receipt, **times)
"""
)
FAIL = SUCCEED + '    raise ValueError("no")\n'


def stored(toy: "Toy", suffix: str = "") -> int:
    """How many messages a queue holds, hidden ones included."""
    return toy.client(suffix).get_queue_properties().approximate_message_count or 0


def test_a_message_is_processed_and_deleted(make_toy: "MakeToy") -> None:
    """The function gets the service's id, count, receipt and times."""
    toy = make_toy(SUCCEED)

    async def main() -> None:
        async with toy.hosted():
            sent = toy.client().send_message("hällo <&>")
            await toy.until(lambda toy: bool(toy.noted) and stored(toy) == 0)
            (seen,) = toy.noted
            assert (seen["id"], seen["body"], seen["count"]) == (sent.id, "hällo <&>", 1)
            assert seen["receipt"]
            assert datetime.fromisoformat(seen["inserted"]) == sent.inserted_on
            assert datetime.fromisoformat(seen["expires"]) == sent.expires_on
            hidden = datetime.fromisoformat(seen["next"]) - datetime.now(tz=UTC)
            assert timedelta(minutes=9) < hidden <= timedelta(minutes=10)

    asyncio.run(main())


def test_a_message_that_always_fails_is_poison_after_five_deliveries(make_toy: "MakeToy") -> None:
    """Counts 1 to 5, then the text is on the poison queue, for the service's default of seven days."""
    toy = make_toy(FAIL)

    async def main() -> None:
        async with toy.hosted():
            toy.client().send_message("bad")
            await toy.until(lambda toy: len(toy.noted) == 5 and stored(toy) == 0)
        assert [seen["count"] for seen in toy.noted] == [1, 2, 3, 4, 5]
        (poison,) = toy.client("-poison").receive_messages()
        assert poison.content == "bad"
        assert poison.inserted_on is not None
        assert poison.expires_on == poison.inserted_on + timedelta(days=7)

    asyncio.run(main())


def test_base64_is_decoded_and_other_texts_are_poison(make_toy: "MakeToy") -> None:
    """With the platform's default encoding a base64 text arrives decoded, any other is not delivered."""
    toy = make_toy(SUCCEED, {"extensions": {"queues": {}}})

    async def main() -> None:
        async with toy.hosted():
            toy.client().send_message(base64.b64encode(b'{"a": 1}').decode())
            toy.client().send_message('{"a": 2}')
            await toy.until(lambda toy: bool(toy.noted) and stored(toy) == 0)
        assert [seen["body"] for seen in toy.noted] == ['{"a": 1}']
        (poison,) = toy.client("-poison").receive_messages()
        assert poison.content == '{"a": 2}'

    asyncio.run(main())


def test_a_lease_is_renewed_for_as_long_as_the_function_runs(make_toy: "MakeToy") -> None:
    """A function that runs for three leases keeps its message, and deletes it with the last receipt."""
    toy = make_toy(SUCCEED + "    time.sleep(6)\n    note(done=True)\n")

    async def main() -> None:
        async with toy.hosted(times=HostTimes(message_lease=300.0), time_scale=0.01):
            toy.client().send_message("long")
            await toy.until(lambda toy: len(toy.noted) == 2 and stored(toy) == 0)
        assert toy.noted[1] == {"done": True}

    asyncio.run(main())


def test_a_failed_message_waits_for_the_scaled_visibility_timeout(make_toy: "MakeToy") -> None:
    """host.json's 200 s become 2 s at a hundredth: the message does not reappear earlier."""
    queues = {"messageEncoding": "none", "visibilityTimeout": "00:03:20", "maxDequeueCount": 2}
    toy = make_toy(FAIL.replace("note(", "note(at=time.monotonic(), "), {"extensions": {"queues": queues}})

    async def main() -> None:
        async with toy.hosted(time_scale=0.01):
            toy.client().send_message("bad")
            await toy.until(lambda toy: len(toy.noted) == 2)
        first, second = (seen["at"] for seen in toy.noted)
        assert 1.5 < second - first < 10

    asyncio.run(main())


def test_a_batch_is_processed_concurrently_and_within_its_limits(make_toy: "MakeToy") -> None:
    """With batchSize 4 and newBatchThreshold 2, never more than six run concurrently, and all twenty are processed."""
    work = """
async def work(msg: func.QueueMessage) -> None:
    global running
    running += 1
    note(running=running)
    await asyncio.sleep(0.1)
    running -= 1
"""
    queues = {"messageEncoding": "none", "batchSize": 4, "newBatchThreshold": 2}
    toy = make_toy("running = 0\n" + TRIGGER + work, {"extensions": {"queues": queues}})

    async def main() -> None:
        toy.client().create_queue()
        for number in range(20):
            toy.client().send_message(str(number))
        async with toy.hosted():
            await toy.until(lambda toy: len(toy.noted) == 20 and stored(toy) == 0)
        assert 4 <= max(seen["running"] for seen in toy.noted) <= 6

    asyncio.run(main())


@pytest.mark.parametrize("deleted", [False, True])
def test_a_queue_is_never_created_by_the_host(
    make_toy: "MakeToy", caplog: pytest.LogCaptureFixture, *, deleted: bool
) -> None:
    """Missing from the start or deleted later, it is polled quietly until its owner has created it."""
    toy = make_toy(SUCCEED)

    async def main() -> None:
        async with toy.hosted(make_queue=deleted):
            if deleted:
                toy.client().delete_queue()
            await asyncio.sleep(2.5)
            with pytest.raises(ResourceNotFoundError):
                toy.client().get_queue_properties()
            toy.client().create_queue()
            toy.client().send_message("after")
            await toy.until(lambda toy: bool(toy.noted))
        assert [seen["body"] for seen in toy.noted] == ["after"]
        assert {record.levelname for record in caplog.records if "queue" in record.getMessage()} <= (
            {"WARNING", "INFO", "DEBUG"} if deleted else {"INFO", "DEBUG"}
        )

    asyncio.run(main())


def test_a_closing_host_finishes_messages_in_progress(make_toy: "MakeToy") -> None:
    """A message in progress at the close is finished and deleted; a later one stays."""
    toy = make_toy(
        TRIGGER
        + """
def work(msg: func.QueueMessage) -> None:
    note(begun=msg.get_body().decode())
    time.sleep(1)
    note(done=True)
"""
    )

    async def main() -> None:
        async with toy.hosted():
            toy.client().send_message("begun")
            await toy.until(lambda toy: bool(toy.noted))
        toy.client().send_message("late")
        assert toy.noted == [{"begun": "begun"}, {"done": True}]
        assert [message.content for message in toy.client().peek_messages(5)] == ["late"]

    asyncio.run(main())


def test_a_function_beyond_the_drain_time_leaves_its_message_to_its_lease(make_toy: "MakeToy") -> None:
    """The host stops waiting, and does not release the message while the function may still run."""
    toy = make_toy(
        TRIGGER
        + """
async def work(msg: func.QueueMessage) -> None:
    note(begun=True)
    await asyncio.sleep(60)
"""
    )

    async def main() -> None:
        async with toy.hosted(drain_seconds=0.2, grace_seconds=0.2):
            toy.client().send_message("stuck")
            await toy.until(lambda toy: bool(toy.noted))
        assert stored(toy) == 1
        assert list(toy.client().peek_messages()) == []

    asyncio.run(main())


def test_a_trigger_without_storage_is_in_error_and_the_host_runs(make_toy: "MakeToy") -> None:
    """A connection without a setting puts its function in error, and nothing else."""
    toy = make_toy(SUCCEED)

    async def main() -> None:
        toy.storage = ""
        async with toy.hosted(make_queue=False) as host:
            (work,) = host.functions
            assert "AzureWebJobsStorage" in work.fault

    asyncio.run(main())


@pytest.mark.parametrize(
    ("status", "asked"),
    [pytest.param(403, 1, id="rejected immediately"), pytest.param(500, 6, id="six tries")],
)
def test_a_delete_that_fails_ends_the_host(make_toy: "MakeToy", status: int, asked: int) -> None:
    """403 ends it immediately, 500 after the SDK's six tries; the message stays hidden for the rest of its lease."""
    toy = make_toy(SUCCEED)
    toy.client().create_queue()

    async def main() -> None:
        with StorageAnswers(queue_port(toy.storage)) as answers:
            answers.honour([Rule(name="delete", method="DELETE", path="/messages/", status=status)])
            direct, toy.storage = toy.storage, through(toy.storage, answers.port)
            async with toy.hosted(make_queue=False, time_scale=0.1) as host:
                toy.client().send_message("unlucky")
                await asyncio.wait_for(host.stop_requested.wait(), 60)
                assert host.crash is not None
                assert host.crash.status == status
            assert answers.counts["delete"] == asked
            toy.storage = direct
            assert stored(toy) == 1
            assert toy.client().receive_message() is None

    asyncio.run(main())


def test_a_rejected_poll_ends_the_host(make_toy: "MakeToy") -> None:
    """GetMessages 403, as with a role not yet assigned, ends it; 5xx is retried."""
    toy = make_toy(SUCCEED)
    toy.client().create_queue()

    async def main() -> None:
        with StorageAnswers(queue_port(toy.storage)) as answers:
            broken = Rule(
                name="broken", method="GET", path="/messages", status=503, code="ServerBusy", left=12
            )
            refused = Rule(name="refused", method="GET", path="/messages", status=403)
            answers.honour([broken, refused])
            toy.storage = through(toy.storage, answers.port)
            async with toy.hosted(make_queue=False, time_scale=0.01) as host:
                await asyncio.wait_for(host.stop_requested.wait(), 60)
                assert host.crash is not None
                assert host.crash.status == 403
            assert answers.counts == {"broken": 12, "refused": 1}

    asyncio.run(main())
