"""Waiting through the client."""

import httpx
import pytest

from adf_trigger.client import NotReached, OutcomeUnknown, RunFailed, RunNotFound, WaitTimedOut
from adf_trigger.contracts import RunView
from adf_trigger.errors import InvalidRequest
from tests.unit.client.service import Service, answer, problem, run, silent

HELD = {"Preference-Applied": "wait=60"}


def test_a_wait_returns_the_run_that_has_succeeded() -> None:
    """The service is asked to hold its reply; when it did, the next poll is immediate."""
    service = Service()

    def held(_: httpx.Request) -> httpx.Response:
        service.time.now += 60
        return httpx.Response(200, json=run(), headers=HELD)

    service.replies = [held, held, answer(run("Succeeded"))]
    with service.client() as client:
        assert client.wait("key-1").status == "Succeeded"
    assert [request.headers["Prefer"] for request in service.asked] == ["wait=60"] * 3
    assert service.time.slept == []


def test_an_early_reply_of_a_held_poll_is_followed_by_a_pause() -> None:
    """A service that does not hold its reply is not polled without a pause."""
    service = Service(*[answer(run(), headers=HELD)] * 3, answer(run("Succeeded")))
    with service.client() as client:
        client.wait("key-1")
    assert service.time.slept == [2.0] * 3


def test_a_service_that_holds_no_reply_is_polled_at_its_own_pace() -> None:
    """Retry-After of the reply is the pause; its default is two seconds."""
    service = Service(answer(run(), headers={"Retry-After": "15"}), answer(run()), answer(run("Succeeded")))
    with service.client() as client:
        client.wait("key-1")
    assert service.time.slept == [15.0, 2.0]


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Rejected", "Unknown"])
def test_a_run_that_did_not_succeed_is_an_error(status: str) -> None:
    """The error has the run, the reason in one line, and the activities that failed."""
    errors = [{"activityName": "CopyOrders", "errorCode": "2200", "message": "The required Blob is missing."}]
    service = Service(answer(run(status, reason="CopyOrders: UserErrorSourceBlobNotExist", errors=errors)))
    with service.client() as client, pytest.raises(RunFailed) as caught:
        client.wait("key-1")
    assert (caught.value.run.status, caught.value.reason) == (
        status,
        "CopyOrders: UserErrorSourceBlobNotExist",
    )
    assert [error.activity_name for error in caught.value.errors] == ["CopyOrders"]
    assert str(caught.value) == f"LoadOrders key-1: {status}: CopyOrders: UserErrorSourceBlobNotExist"


def test_a_wait_ends_at_its_limit_and_the_run_continues() -> None:
    """No poll lasts longer than the time left, and the error has the last view of the run."""
    service = Service(answer(run(), headers={"Retry-After": "8"}))
    with service.client() as client, pytest.raises(WaitTimedOut, match="the run continues") as caught:
        client.wait("key-1", timeout=20)
    assert caught.value.run.status == "InProgress"
    assert service.time.now == 20
    assert [request.headers.get("Prefer") for request in service.asked] == [
        "wait=20",
        "wait=12",
        "wait=4",
        None,
    ]


def test_an_outage_is_waited_out_for_a_limited_time() -> None:
    """Resets, sleeping hosts and 500s do not end a wait; a lasting outage does, with an explanation."""
    service = Service(
        answer(run()),
        httpx.ReadError("reset"),
        silent(500),
        silent(503),
        silent(429),
        answer(run("Succeeded")),
    )
    with service.client() as client:
        assert client.wait("key-1").status == "Succeeded"
    dead = Service(answer(run()), httpx.ConnectError("refused"))
    with dead.client() as client, pytest.raises(NotReached, match="was not reached: refused"):
        client.wait("key-1")
    assert dead.time.now < 60 + 60  # the longest hold of a reply, and the whole time of a call


def test_a_failed_poll_is_no_unknown_outcome() -> None:
    """A read has no effect, so its outcome is never in doubt."""
    service = Service(httpx.ReadError("reset"))
    with service.client() as client, pytest.raises(NotReached) as caught:
        client.get("key-1")
    assert not isinstance(caught.value, OutcomeUnknown)


def test_a_start_may_be_held_until_the_run_has_ended() -> None:
    """One call starts a short run and returns its end."""
    service = Service(answer(run("Succeeded")))
    with service.client() as client:
        run_ = client.start("LoadOrders", hold=500)
        assert client.wait(run_).ended
    assert [request.headers["Prefer"] for request in service.asked] == ["wait=200", "wait=60"]


@pytest.mark.parametrize(
    ("run_id", "segment"),
    [
        ("orders-4711", "orders-4711"),
        ("manual__2026-11-25T06:00:00+00:00", "manual__2026-11-25T06~3A00~3A00~2B00~3A00"),
        ("raw/orders.csv", "raw~2Forders~2Ecsv"),
        ("..", "~2E~2E"),
        ("é~%2F", "~C3~A9~7E~252F"),
    ],
)
def test_an_id_is_encoded_as_one_segment_of_the_path(run_id: str, segment: str) -> None:
    """Characters that a path cannot carry, or would interpret, are encoded so that they decode in one way."""
    service = Service(answer(run()))
    with service.client() as client:
        client.get(run_id)
    assert service.asked[0].url.raw_path.decode() == f"/api/runs/{segment}"


def test_only_the_path_of_a_link_is_followed() -> None:
    """The client appends it to its own URL, so the key goes nowhere else."""
    view = RunView.model_validate(
        run(links={"self": "https://evil.example/api/runs/key~2D1?factory=%2Fsubscriptions%2Fx&by=requestId"})
    )
    service = Service(answer(run()))
    with service.client() as client:
        client.get(view)
    assert str(service.asked[0].url) == (
        "https://app.example/api/runs/key~2D1?factory=%2Fsubscriptions%2Fx&by=requestId"
    )


def test_an_empty_id_is_no_list() -> None:
    """It is rejected here, since its path would be another call's."""
    service = Service(answer(run()))
    with service.client() as client, pytest.raises(InvalidRequest):
        client.get("")
    assert service.asked == []


def test_an_unknown_run_is_reported() -> None:
    """A 404 of the service is another error than a 404 of a wrong URL."""
    service = Service(problem("run-not-found", 404, detail="no run has the id nowhere"))
    with service.client() as client, pytest.raises(RunNotFound, match="no run has the id nowhere"):
        client.get("nowhere")
