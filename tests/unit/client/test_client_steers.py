"""Steering and batches through the client: what is sent, and what may be repeated."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from adf_trigger.client import Client, Conflict, OutcomeUnknown, ProblemError, RequestRefused, RunName, Start
from adf_trigger.contracts import RunView
from tests.unit.client.service import Reply, Service, answer, keys_of, problem, run, silent

Steer = Callable[[Client], object]
CALLS: dict[str, tuple[Steer, str, dict[str, Any]]] = {
    "cancel": (lambda client: client.cancel("a b"), "runs/a~20b/cancel", {"recursive": True}),
    "cancel alone": (
        lambda client: client.cancel("x", recursive=False, note="why"),
        "runs/x/cancel",
        {"recursive": False, "note": "why"},
    ),
    "rerun": (lambda client: client.rerun("x"), "runs/x/rerun", {"mode": "whole"}),
    "rerun from failure": (
        lambda client: client.rerun("x", from_failure=True),
        "runs/x/rerun",
        {"mode": "fromFailure"},
    ),
    "rerun from activity": (
        lambda client: client.rerun("x", from_activity="Copy", note="n"),
        "runs/x/rerun",
        {"mode": "fromActivity", "activity": "Copy", "note": "n"},
    ),
    "adopt": (
        lambda client: client.resolve("x", "adopt", run_id="r"),
        "runs/x/resolve",
        {"as": "adopt", "runId": "r"},
    ),
    "dismiss": (lambda client: client.resolve("x", "dismiss"), "runs/x/resolve", {"as": "dismiss"}),
    "replay": (
        lambda client: client.replay("x", force=True, parameters={"p": "s"}),
        "runs/x/replay",
        {"force": True, "parameters": {"p": "s"}},
    ),
}
ONCE = {"adopt", "dismiss", "replay"}


@pytest.mark.parametrize("name", CALLS)
def test_each_call_sends_its_request(name: str) -> None:
    """Method, path and body are the contract's."""
    steer, path, body = CALLS[name]
    service = Service(answer(run()))
    with service.client() as client:
        assert isinstance(steer(client), RunView)
    (asked,) = service.asked
    assert (asked.method, asked.url.raw_path.decode()) == ("POST", f"/api/{path}")
    assert json.loads(asked.content) == body


@pytest.mark.parametrize("name", CALLS)
def test_a_call_whose_reply_was_lost_is_repeated_where_that_is_safe(name: str) -> None:
    """Cancelling twice is harmless, a rerun has its key; other decisions raise the error and are not repeated."""
    steer, _, _ = CALLS[name]
    service = Service(httpx.ReadError("reset"), answer(run()))
    with service.client() as client:
        if name in ONCE:
            with pytest.raises(OutcomeUnknown, match="check its effect"):
                steer(client)
        else:
            steer(client)
    assert len(service.asked) == (1 if name in ONCE else 2)
    if name.startswith("rerun"):
        assert len(set(keys_of(service.asked))) == 1


@pytest.mark.parametrize("name", CALLS)
def test_a_call_answered_by_another_version_may_have_had_its_effect(name: str) -> None:
    """2xx is no rejection, whatever its body."""
    service = Service(answer({"status": "Queued"}, 202))
    with service.client() as client, pytest.raises(OutcomeUnknown, match="no RunView"):
        CALLS[name][0](client)
    assert len(service.asked) == 1


@pytest.mark.parametrize("name", CALLS)
def test_a_call_rejected_unread_is_repeated(name: str) -> None:
    """It had no effect, so any call may be repeated."""
    steer, _, _ = CALLS[name]
    service = Service(silent(429), answer(run()))
    with service.client() as client:
        steer(client)
    assert len(service.asked) == 2


def test_an_ambiguous_id_is_sent_with_its_distinction() -> None:
    """The distinction is in the query, as in the service's links."""
    service = Service(answer(run()))
    with service.client() as client:
        client.cancel(RunName("x", factory="f", by="runId"))
    assert service.asked[0].url.raw_path == b"/api/runs/x/cancel?factory=f&by=runId"


def test_a_conflict_has_every_member_of_the_problem() -> None:
    """Members that no model has are kept, such as the candidates."""
    service = Service(problem("not-a-candidate", 409, detail="no", candidates=[{"runId": "r"}]))
    with service.client() as client, pytest.raises(Conflict) as caught:
        client.resolve("x", "adopt", run_id="r")
    assert caught.value.document["candidates"] == [{"runId": "r"}]


def accepted(request: httpx.Request) -> httpx.Response:
    """Each start of a batch is accepted."""
    starts = json.loads(request.content)["runs"]
    return httpx.Response(
        200, json={"runs": [{"status": 202, "run": run(requestId=each["requestId"])} for each in starts]}
    )


def test_an_unreadable_result_hides_no_other_of_a_batch() -> None:
    """Each result is read alone: the run that was accepted after it is returned."""

    def odd(request: httpx.Request) -> httpx.Response:
        document = json.loads(accepted(request).content)
        document["runs"][0]["run"] = {"status": "Queued"}
        document["runs"][1] = "taken"
        return httpx.Response(200, json=document)

    with Service(odd).client() as client:
        results = list(client.start_many([Start(pipeline="P", key=f"k{n}") for n in range(3)]))
    for n, result in enumerate(results[:2]):
        assert isinstance(result, OutcomeUnknown)
        assert result.key == f"k{n}"
    assert isinstance(results[2], RunView)


@pytest.mark.parametrize("body", [{"runs": []}, {"hello": "world"}, [], "taken"])
def test_missing_results_of_a_batch_may_all_have_been_accepted(body: object) -> None:
    """The call succeeded, so none is reported as rejected."""
    service = Service(httpx.Response(200, json=body))
    with service.client() as client, pytest.raises(OutcomeUnknown):
        list(client.start_many([Start(pipeline="P")]))


def test_a_batch_is_split_into_calls_of_a_hundred_each_with_its_key() -> None:
    """In order, and within the limit of a body."""
    service = Service(accepted)
    with service.client() as client:
        results = list(client.start_many([Start(pipeline="P", parameters={"n": n}) for n in range(250)]))
    bodies = [json.loads(request.content)["runs"] for request in service.asked]
    assert [len(body) for body in bodies] == [100, 100, 50]
    keys = [each["requestId"] for body in bodies for each in body]
    assert len(set(keys)) == 250
    assert [each.request_id for each in results if isinstance(each, RunView)] == keys


def test_no_call_of_a_batch_is_too_large() -> None:
    """Large starts are spread over more calls."""
    service = Service(accepted)
    with service.client() as client:
        assert len(list(client.start_many([Start(pipeline="P", parameters={"t": "x" * 60_000})] * 9))) == 9
    assert max(len(request.content) for request in service.asked) <= 256 * 1024


def test_a_rejected_start_of_a_batch_is_an_error_in_its_place() -> None:
    """The others have their runs."""
    refused = {
        "type": "https://adf-trigger.dev/problems/invalid-request",
        "title": "t",
        "status": 400,
        "detail": "day is missing",
    }
    document = {"runs": [{"status": 202, "run": run()}, {"status": 400, "problem": refused}]}
    service = Service(answer(document))
    with service.client() as client:
        first, second = client.start_many([Start(pipeline="P"), Start(pipeline="P", key="mine")])
    assert isinstance(first, RunView)
    assert isinstance(second, RequestRefused)
    assert str(second) == "day is missing"


@pytest.mark.parametrize("trouble", [httpx.ReadError("reset"), silent(500), silent(429)])
def test_a_batch_is_repeated_under_its_keys(trouble: Reply) -> None:
    """The same body is sent again."""
    service = Service(trouble, accepted)
    with service.client() as client:
        list(client.start_many([Start(pipeline="P"), Start(pipeline="Q")]))
    assert service.asked[0].content == service.asked[1].content


def test_a_batch_rejected_as_a_whole_is_one_error() -> None:
    """None of its starts was processed."""
    service = Service(problem("too-large", 413, detail="too many"))
    with service.client() as client, pytest.raises(ProblemError, match="too many"):
        next(iter(client.start_many([Start(pipeline="P")])))
