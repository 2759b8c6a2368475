"""The timer trigger on real blob storage: lock, status, catching up."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.storage.blob import BlobClient, BlobLeaseClient, ContainerClient

from adf_trigger.functions_host.common.clock import utcnow
from adf_trigger.functions_host.common.config import HostTimes
from adf_trigger.functions_host.common.errors import LeaseLost
from adf_trigger.functions_host.timers.ncrontab import Schedule

if TYPE_CHECKING:
    from tests.integration.functions_host.conftest import Toy

    MakeToy = Callable[..., Toy]

QUICK = HostTimes(lock_recovery=0.1)


def timer(schedule: str, **options: object) -> str:
    """An app with one timer, which records its argument."""
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    return f"""
@app.timer_trigger(arg_name="timer", schedule="{schedule}"{given})
def tick(timer: func.TimerRequest) -> None:
    note(past_due=timer.past_due, status=timer.schedule_status)
"""


def blob(toy: "Toy", name: str) -> BlobClient:
    """A blob of the container in which the platform keeps the state of timers."""
    container = ContainerClient.from_connection_string(toy.storage, "azure-webjobs-hosts")
    with suppress(ResourceExistsError):
        container.create_container()
    return container.get_blob_client(name)


def status_of(toy: "Toy", host_id: str) -> dict[str, Any]:
    """The stored status of the toy's timer."""
    content: dict[str, Any] = json.loads(
        blob(toy, f"timers/{host_id}/Host.Functions.tick/status").download_blob().readall()
    )
    return content


def test_of_two_hosts_one_fires_and_the_other_takes_over(make_toy: "MakeToy") -> None:
    """The lock is a lease on the platform's own blob; released at an orderly stop, it is acquired immediately."""
    toy = make_toy(timer("* * * * * *"))
    host_id = uuid4().hex

    async def main() -> None:
        async with toy.hosted(host_id=host_id, times=QUICK):
            await toy.until(lambda toy: len(toy.noted) >= 1)
            lock = blob(toy, f"locks/{host_id}/Host.Functions.tick.Listener")
            assert lock.get_blob_properties().lease.state == "leased"
            with pytest.raises(HttpResponseError):
                lock.acquire_lease(15)
            async with toy.hosted(host_id=host_id, times=QUICK):
                before, began = len(toy.noted), utcnow()
                await asyncio.sleep(5.2)
                fired, lasted = len(toy.noted) - before, (utcnow() - began).total_seconds()
                # Occurrences delayed on a busy machine are caught up; two that fire would fire twice as often.
                assert fired <= lasted + 2.5
        assert lock.get_blob_properties().lease.state == "available"
        seen = len(toy.noted)
        async with toy.hosted(host_id=host_id, times=QUICK):
            await toy.until(lambda toy: len(toy.noted) > seen)

    asyncio.run(main())


def test_hosts_with_other_ids_fire_independently(make_toy: "MakeToy") -> None:
    """The path of the lock contains the host id, so two apps in one storage account do not share it."""
    toy = make_toy(timer("* * * * * *"))

    async def main() -> None:
        async with toy.hosted(host_id=uuid4().hex), toy.hosted(host_id=uuid4().hex):
            began = utcnow()
            await toy.until(lambda toy: len(toy.noted) >= 8)
            assert (utcnow() - began).total_seconds() < 7

    asyncio.run(main())


def test_occurrences_missed_while_down_are_caught_up_once(make_toy: "MakeToy") -> None:
    """A stored next in the past means one immediate run with past_due, and a new status after it."""
    schedule = "0 0 * * * *"
    toy = make_toy(timer(schedule))
    host_id = uuid4().hex
    last = (utcnow() - timedelta(hours=5)).replace(microsecond=0)
    due = Schedule(schedule).next_after(last)
    assert due is not None
    stored = {"Last": last.isoformat(), "Next": due.isoformat(), "LastUpdated": last.isoformat()}
    blob(toy, f"timers/{host_id}/Host.Functions.tick/status").upload_blob(json.dumps(stored))

    async def main() -> None:
        async with toy.hosted(host_id=host_id):
            await toy.until(lambda toy: status_of(toy, host_id) != stored)
        async with toy.hosted(host_id=host_id):
            await asyncio.sleep(0.5)

    asyncio.run(main())
    assert toy.noted == [{"past_due": True, "status": stored}]
    assert datetime.fromisoformat(status_of(toy, host_id)["Next"]) > utcnow()


def test_a_new_timer_stores_its_first_occurrence(make_toy: "MakeToy") -> None:
    """Its first time is stored before it ever ran, so that even the first run cannot be missed."""
    toy = make_toy(timer("0 0 0 1 1 *"))
    host_id = uuid4().hex

    async def main() -> None:
        lock = blob(toy, f"locks/{host_id}/Host.Functions.tick.Listener")
        async with toy.hosted(host_id=host_id):
            await toy.until(lambda _: lock.exists())
            await toy.until(lambda toy: blob(toy, f"timers/{host_id}/Host.Functions.tick/status").exists())

    asyncio.run(main())
    status = status_of(toy, host_id)
    assert datetime.fromisoformat(status["Next"]) == datetime(utcnow().year + 1, 1, 1, tzinfo=UTC)
    assert status["Last"].startswith("0001-01-01")
    assert toy.noted == []


def test_an_unreadable_status_is_replaced(make_toy: "MakeToy") -> None:
    """An invalid status blob ends neither the host nor the timer."""
    toy = make_toy(timer("0 0 0 1 1 *", run_on_startup=True))
    host_id = uuid4().hex
    blob(toy, f"timers/{host_id}/Host.Functions.tick/status").upload_blob("{")

    async def main() -> None:
        async with toy.hosted(host_id=host_id):
            await toy.until(lambda toy: len(toy.noted) == 1)

    asyncio.run(main())
    assert toy.noted[0]["past_due"] is False
    assert "Next" in status_of(toy, host_id)


def test_a_timer_and_a_queue_function_may_be_run_by_hand(make_toy: "MakeToy") -> None:
    """POST /admin/functions/{name} with the master key runs a function immediately, whichever host holds its lock."""
    toy = make_toy(
        timer("0 0 0 1 1 *")
        + """
@app.queue_trigger(arg_name="msg", queue_name="%TOY_QUEUE%", connection="AzureWebJobsStorage")
def work(msg: func.QueueMessage) -> None:
    note(body=msg.get_body().decode(), count=msg.dequeue_count, id=msg.id)
"""
    )

    async def main() -> None:
        async with toy.hosted() as host, httpx.AsyncClient(base_url=host.url) as client:
            master = {"x-functions-key": host.config.master_key}
            for name, text in (("tick", ""), ("work", '{"a": 1}')):
                response = await client.post(f"/admin/functions/{name}", headers=master, json={"input": text})
                assert response.status_code == 202
            await toy.until(lambda toy: len(toy.noted) == 2)
        by_kind = {"timer" if "past_due" in seen else "queue": seen for seen in toy.noted}
        assert by_kind["timer"]["past_due"] is False
        assert by_kind["queue"] == {"body": '{"a": 1}', "count": 0, "id": None}

    asyncio.run(main())


def test_an_invalid_schedule_puts_its_function_alone_in_error(
    make_toy: "MakeToy", caplog: pytest.LogCaptureFixture
) -> None:
    """The log names it, with the platform's sentence; the other timer fires."""
    toy = make_toy(timer("every 15 seconds").replace("tick", "broken") + timer("* * * * * *"))

    async def main() -> None:
        async with toy.hosted():
            await toy.until(lambda toy: bool(toy.noted))

    asyncio.run(main())
    assert (
        "The 'broken' function is in error: The schedule expression 'every 15 seconds' was not recognized as a "
        "valid cron expression or timespan string." in caplog.text
    )


def test_a_status_of_the_platform_with_seven_digits_is_read(make_toy: "MakeToy") -> None:
    """A status written by the platform's host is continued: a missed occurrence is caught up."""
    toy = make_toy(timer("0 0 0 1 1 *"))
    host_id = uuid4().hex
    left = {"Last": "2020-01-01T00:00:00.0236582+00:00", "Next": "2021-01-01T00:00:00+00:00"}
    status = json.dumps(left | {"LastUpdated": left["Last"]})
    blob(toy, f"timers/{host_id}/Host.Functions.tick/status").upload_blob(status)

    async def main() -> None:
        async with toy.hosted(host_id=host_id):
            await toy.until(lambda toy: len(toy.noted) == 1)

    asyncio.run(main())
    assert toy.noted[0]["past_due"] is True


def test_a_broken_lease_ends_the_host_at_its_next_renewal(make_toy: "MakeToy") -> None:
    """When the lease is no longer its own, the host ends, and does not fire beside its successor."""
    toy = make_toy(timer("* * * * * *"))
    host_id = uuid4().hex

    async def main() -> None:
        async with toy.hosted(host_id=host_id, times=HostTimes(lock_period=15.0)) as host:
            await toy.until(lambda toy: bool(toy.noted))
            lock = blob(toy, f"locks/{host_id}/Host.Functions.tick.Listener")
            BlobLeaseClient(lock).break_lease(0)
            await asyncio.wait_for(host.stop_requested.wait(), 60)
            assert isinstance(host.crash, LeaseLost)

    asyncio.run(main())
