"""Starts through the client: one run, whatever happens to the replies."""

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.client import (
    NotAuthorised,
    NotReached,
    NotTaken,
    OutcomeUnknown,
    RequestRefused,
    UnexpectedAnswer,
)
from adf_trigger.errors import InvalidRequest
from adf_trigger.functions.decoding import idempotency_key
from adf_trigger.request_ids import is_request_id
from tests.unit.client.service import KEY, Reply, Service, answer, keys_of, problem, run, silent

FIRST_KEY = '"00000000-0000-0000-0000-000000000001"'
PASSING: dict[str, Reply] = {
    "429 without a body": silent(429),
    "503 of the host": silent(503, "Function host is not running."),
    "500 without a body": silent(500),
    "502 of a front end": silent(502, "<html>Bad gateway</html>"),
    "408": silent(408),
    "no connection": httpx.ConnectError("refused"),
    "a reset": httpx.ReadError("connection reset"),
    "an end in the middle": httpx.RemoteProtocolError("peer closed connection"),
    "no answer in time": httpx.ReadTimeout("timed out"),
    "try later": problem("try-later", 503, headers={"Retry-After": "2"}),
}
UNCLEAR = {
    "500 without a body",
    "502 of a front end",
    "408",
    "a reset",
    "an end in the middle",
    "no answer in time",
}


def test_a_start_sends_its_key_its_length_and_the_whole_request() -> None:
    """The request is sent unchanged, under a new key, with a length, and with the function key."""
    service = Service(answer(run("Accepted", runId=None), 202))
    with service.client() as client:
        view = client.start(
            "Load Orders",
            {"day": "2026-11-30", "n": None},
            factory="main",
            correlation_id="c-1",
            metadata={"team": "sales"},
        )
    (asked,) = service.asked
    assert (view.status, view.ended) == ("Accepted", False)
    assert asked.url == "https://app.example/api/pipelines/Load%20Orders/runs"
    assert json.loads(asked.content) == {
        "parameters": {"day": "2026-11-30", "n": None},
        "factory": "main",
        "correlationId": "c-1",
        "metadata": {"team": "sales"},
    }
    assert asked.headers["Idempotency-Key"] == FIRST_KEY
    assert asked.headers["x-functions-key"] == KEY
    assert asked.headers["Content-Length"] == str(len(asked.content))


@pytest.mark.parametrize("trouble", PASSING)
def test_a_transient_failure_is_retried_under_the_same_key(trouble: str) -> None:
    """Whatever happened between, the second call has the first one's key and body, and its reply counts."""
    service = Service(PASSING[trouble], answer(run()))
    with service.client() as client:
        view = client.start("LoadOrders", {"day": "x"})
    assert view.status == "InProgress"
    assert keys_of(service.asked) == [FIRST_KEY, FIRST_KEY]
    assert service.asked[0].content == service.asked[1].content
    assert len(service.time.slept) == 1
    assert 0 < service.time.slept[0] < 3


@pytest.mark.parametrize("trouble", PASSING)
def test_retries_end_within_the_whole_time(trouble: str) -> None:
    """Waits grow and end; a call that may have started a run raises an unknown outcome, with the key."""
    service = Service(PASSING[trouble])
    with service.client(within=30) as client, pytest.raises(Exception) as caught:  # noqa: PT011 - checked below
        client.start("LoadOrders", key="mine")
    assert service.time.now < 30
    assert len(service.asked) > 4
    assert set(keys_of(service.asked)) == {'"mine"'}
    if trouble in UNCLEAR:
        assert isinstance(caught.value, OutcomeUnknown)
        assert caught.value.key == "mine"
        assert caught.value.__cause__ is not None
    else:
        assert isinstance(caught.value, NotReached | UnexpectedAnswer | NotTaken)


def test_doubt_survives_a_later_rejection() -> None:
    """After a reset in the middle of a start, a later rejection does not mean that nothing was started."""
    service = Service(httpx.ReadError("reset"), silent(429))
    with service.client(within=5) as client, pytest.raises(OutcomeUnknown, match="broke: reset"):
        client.start("LoadOrders")


@pytest.mark.parametrize("reply", [silent(401), silent(404), silent(302, headers={"Location": "/login"})])
def test_only_the_service_itself_ends_doubt(reply: Reply) -> None:
    """After a reset, the platform's reply says nothing about the first call; the error has both."""
    service = Service(httpx.ReadError("reset"), reply)
    with (
        service.client() as client,
        pytest.raises(OutcomeUnknown, match=r"broke: reset, then (40|302)") as caught,
    ):
        client.start("LoadOrders", key="mine")
    assert caught.value.key == "mine"
    assert len(service.asked) == 2


def test_a_start_accepted_by_another_version_is_not_reported_as_rejected() -> None:
    """202 means accepted; with an unreadable view only the key is left, which the error has."""
    service = Service(answer({"requestId": "mine", "status": "Queued"}, 202))
    with service.client() as client, pytest.raises(OutcomeUnknown, match="no RunView") as caught:
        client.start("LoadOrders", key="mine")
    assert caught.value.key == "mine"
    assert isinstance(caught.value.__cause__, UnexpectedAnswer)


def test_a_rejection_by_the_service_ends_doubt() -> None:
    """A rejection of that very key by the service itself is definite."""
    service = Service(httpx.ReadError("reset"), problem("invalid-request", 400, detail="1 fault found"))
    with service.client() as client, pytest.raises(RequestRefused):
        client.start("LoadOrders")
    assert len(service.asked) == 2


def test_a_rejection_has_every_fault_and_is_not_repeated() -> None:
    """The error has the problem's faults, and its text names them."""
    faults = [{"pointer": f"/parameters/p{n}", "message": "is not declared"} for n in range(30)]
    service = Service(problem("invalid-request", 400, detail="30 faults found; see errors", errors=faults))
    with service.client() as client, pytest.raises(RequestRefused) as caught:
        client.start("LoadOrders")
    assert len(service.asked) == 1
    assert caught.value.kind == "invalid-request"
    assert [fault.pointer for fault in caught.value.faults] == [fault["pointer"] for fault in faults]
    assert "30 faults found" in str(caught.value)
    assert "/parameters/p19: is not declared\n  and 10 more faults" in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (silent(401), NotAuthorised, "the key is missing, or does not authorise this call"),
        (silent(403, "Web App - Unavailable"), NotAuthorised, "the app is stopped"),
        (silent(404), UnexpectedAnswer, "there is no such route"),
        (
            silent(301, headers={"Location": "https://elsewhere"}),
            UnexpectedAnswer,
            "redirects to https://elsewhere",
        ),
        (silent(413), UnexpectedAnswer, "refused before it reached the app"),
        (silent(200, "<html>welcome</html>"), OutcomeUnknown, "is the URL right"),
        (answer({"hello": "world"}), OutcomeUnknown, "no RunView that this version can read"),
        (problem("pipeline-not-found", 404, detail="no pipeline X"), RequestRefused, "no pipeline X"),
        (problem("key-reused", 422, detail="names another"), RequestRefused, "names another"),
        (problem("data-factory-denied", 502, detail="lacks a role"), RequestRefused, "lacks a role"),
    ],
)
def test_a_permanent_failure_is_raised_immediately(reply: Reply, error: type[Exception], words: str) -> None:
    """The platform's own replies are explained; none of them is retried, and no redirect is followed."""
    service = Service(reply)
    with service.client() as client, pytest.raises(error, match=words):
        client.start("LoadOrders")
    assert len(service.asked) == 1


def test_a_retry_after_beyond_the_whole_time_is_not_waited_for() -> None:
    """Retry-After is never undercut: beyond the whole time the error is raised immediately."""
    service = Service(problem("settings-faulty", 503, headers={"Retry-After": "60"}, detail="mend them"))
    with service.client(within=30) as client, pytest.raises(NotTaken, match="mend them") as caught:
        client.start("LoadOrders")
    assert (len(service.asked), service.time.now, caught.value.retry_after) == (1, 0, 60)


@given(st.text(max_size=40, min_size=1))
def test_a_key_is_sent_unchanged_or_not_at_all(key: str) -> None:
    """A valid key is a quoted string of its header; with any other nothing is sent."""
    service = Service(answer(run()))
    with service.client() as client:
        try:
            client.start("LoadOrders", key=key)
        except InvalidRequest:
            assert not is_request_id(key)
            assert service.asked == []
            return
    (asked,) = service.asked
    said = dict(asked.headers.raw)[b"Idempotency-Key"].decode()
    assert idempotency_key(said) == key


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_pipeline_that_no_path_can_name_is_rejected_here(name: str) -> None:
    """Such a call would address another resource."""
    service = Service(answer(run()))
    with service.client() as client, pytest.raises(InvalidRequest):
        client.start(name)
    assert service.asked == []


def test_a_check_starts_nothing() -> None:
    """Its query says so, and it has no key."""
    service = Service(
        answer({"outcome": "start", "factory": "default", "pipeline": "LoadOrders", "parameters": {}})
    )
    with service.client() as client:
        assert client.check("LoadOrders", {"n": 5}).outcome == "start"
    (asked,) = service.asked
    assert asked.url.query == b"validateOnly=true"
    assert "Idempotency-Key" not in asked.headers


def test_unknown_fields_of_a_newer_service_are_ignored() -> None:
    """A field that this version does not know, however deep, breaks no client."""
    links = {"self": "/api/runs/key-1", "audit": "/api/runs/key-1/audit"}
    service = Service(answer(run("Succeeded", cost=5, links=links)))
    with service.client() as client:
        assert client.start("LoadOrders").status == "Succeeded"
