"""Runs are steered on real processes, by whom that is given to, through kills and restarts."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests

from adf_trigger.functions_host.http.keys import Keys
from tests.support.local_stack import MASTER_KEY, TIMEOUTS, LocalStack

SLOW = {
    "activities": [
        {"name": "Pause", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 120}, "dependsOn": []}
    ]
}
BROKEN = {
    "activities": [
        {"name": "First", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 1}, "dependsOn": []},
        {
            "name": "Break",
            "type": "Fail",
            "typeProperties": {"message": "not today", "errorCode": "500"},
            "dependsOn": [{"activity": "First", "dependencyConditions": ["Succeeded"]}],
        },
    ]
}
PARENT = {
    "activities": [
        {
            "name": "Child",
            "type": "ExecutePipeline",
            "typeProperties": {
                "pipeline": {"referenceName": "slow", "type": "PipelineReference"},
                "waitOnCompletion": True,
            },
            "dependsOn": [],
        }
    ]
}
CALLS = {
    "start_run": "pipelines/pause/runs",
    "start_runs": "runs",
    "cancel_run": "runs/nothing/cancel",
    "rerun_run": "runs/nothing/rerun",
    "resolve_run": "runs/nothing/resolve",
    "replay_run": "runs/nothing/replay",
    "hold_factory": "factories/nothing/hold",
    "release_factory": "factories/nothing/release",
}
"""Function → the path that it answers to a POST."""


@pytest.fixture(scope="module")
def stack(warm: str) -> Iterator[LocalStack]:
    """A stack that parks what is in doubt."""
    policy = (
        '{"parked": {"unknownOutcome": "park"}, "shared": {"admission": {"atOnce": 1, "overflow": "join"}}}'
    )
    with LocalStack(settings={"ADF_TRIGGER_POLICY": policy}, warm=warm) as running:
        running.define("slow", SLOW)
        running.define("broken", BROKEN)
        running.define("parent", PARENT)
        running.define("pause")
        running.define("parked")
        running.define("shared", SLOW)
        yield running


def call(
    stack: LocalStack,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    key: str | None = None,
    **headers: str,
) -> requests.Response:
    """POST to the app, with the key of everything unless another is given."""
    return requests.post(
        f"{stack.endpoints.functions_url}/api/{path}",
        json=body or {},
        headers={"x-functions-key": key or stack.endpoints.functions_key, **headers},
        timeout=TIMEOUTS,
    )


def start(stack: LocalStack, pipeline: str, key: str) -> str:
    """Start a run; its runId."""
    return str(stack.caller.post(pipeline, {}, key=key).body["runId"])


def run_of(stack: LocalStack, run_id: str) -> dict[str, Any]:
    """A run as the factory has it."""
    return next(run for run in stack.runs() if run["runId"] == run_id)


def ended(stack: LocalStack, key: str, status: str) -> None:
    """Wait until the service knows of an end."""
    stack.eventually(lambda: stack.status(key) == status)


def test_a_function_key_opens_its_call_alone(stack: LocalStack) -> None:
    """A key that may start runs can neither cancel, rerun, decide, replay nor hold, and the other way round."""
    keys = Keys(stack.endpoints.functions_key, MASTER_KEY)
    for function in CALLS:
        for other, path in CALLS.items():
            status = call(
                stack, path, {"as": "dismiss"} if other == "resolve_run" else {}, key=keys.of(function)
            ).status_code
            assert (status != 401) is (function == other), f"the key of {function} at {other}: {status}"


def test_a_run_is_cancelled_with_the_runs_that_it_started(stack: LocalStack) -> None:
    """Data Factory itself shows both as Cancelled, and the event reports the one that was requested."""
    run_id = start(stack, "parent", "family")
    stack.eventually(lambda: len(stack.runs("slow")) == 1, ticking=False)
    answer = call(stack, "runs/family/cancel", {"note": "wrong day"})
    assert answer.status_code in (200, 202)
    assert answer.json()["history"][0]["note"] == "wrong day"
    ended(stack, "family", "Cancelled")
    stack.eventually(lambda: stack.runs("slow")[0]["status"] == "Cancelled", ticking=False)
    assert call(stack, "runs/family/cancel").status_code == 200
    assert f"{run_id}/Cancelled" in {event["id"] for event in stack.caller.events(10, within=5)}


def test_an_order_to_cancel_outlasts_the_host(stack: LocalStack) -> None:
    """Data Factory is out of reach, then the host is killed: the one after it cancels the run."""
    run_id = start(stack, "slow", "outlasting")
    with stack.faults({"operation": "CancelRun", "fault": "status", "status": 503}):
        answer = call(stack, "runs/outlasting/cancel")
        assert (answer.status_code, answer.json()["ended"]) == (202, False)
        assert answer.json()["reason"].startswith("it is to be cancelled")
        stack.kill_functions()
        stack.processes.restart_functions()
    ended(stack, "outlasting", "Cancelled")
    assert run_of(stack, run_id)["status"] == "Cancelled"


def test_a_failed_run_is_rerun_from_its_failure(stack: LocalStack) -> None:
    """In its group, without what has succeeded, once for two clicks."""
    first = start(stack, "broken", "failing")
    ended(stack, "failing", "Failed")
    answers = [call(stack, "runs/failing/rerun", {"mode": "fromFailure"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 200]
    view = answers[0].json()
    assert (view["rerunOf"], view["groupId"], view["attempt"]) == (first, first, 2)
    ended(stack, view["requestId"], "Failed")
    again = run_of(stack, view["runId"])
    assert again["runGroupId"] == run_of(stack, first)["runGroupId"]
    assert len(stack.runs("broken")) == 2
    wrong = call(stack, "runs/failing/rerun", {"mode": "fromActivity", "activity": "Nowhere"})
    assert wrong.status_code == 400
    assert "Break, First" in wrong.json()["errors"][0]["message"]
    named = call(stack, "runs/failing/rerun", {"mode": "fromActivity", "activity": "break"})
    assert named.status_code == 202


def test_an_unknown_run_is_adopted(stack: LocalStack) -> None:
    """createRun took effect without an answer, and the run did not show until it was given up."""
    lost = {"operation": "CreateRun", "fault": "status", "status": 500, "when": "after", "count": 1}
    with stack.faults(lost, {"fault": "missing", "seconds": 600}):
        stack.caller.post("parked", {}, key="lost")
        ended(stack, "lost", "Unknown")
    (run,) = stack.runs("parked")
    listed = stack.decide("lost", {"as": "adopt"})
    assert [each["runId"] for each in listed.json()["candidates"]] == [run["runId"]]
    assert stack.decide("lost", {"as": "resubmit"}).status_code == 409
    assert stack.decide("lost", {"as": "adopt", "runId": run["runId"]}).status_code in (200, 202)
    ended(stack, "lost", "Succeeded")
    published = {event["id"] for event in stack.caller.events(50, within=5) if event["subject"] == "lost"}
    assert published == {f"{run['runId']}/Unknown", f"{run['runId']}/Succeeded"}


def test_a_rejected_message_is_sent_again(stack: LocalStack) -> None:
    """Once its pipeline is there, its message starts a run under the key that it had."""
    stack.caller.send({"pipeline": "later", "requestId": "early"})
    ended(stack, "early", "Rejected")
    stack.define("later")
    assert call(stack, "runs/early/replay").status_code == 202
    ended(stack, "early", "Succeeded")
    assert len(stack.runs("later")) == 1


def test_a_batch_outlasts_the_host(stack: LocalStack) -> None:
    """All are claimed in one call; the host is killed before the timer has sent one; each is started once."""
    starts = [{"pipeline": "pause", "requestId": f"many-{n}", "parameters": {"n": n}} for n in range(20)]
    before = len(stack.runs("pause"))
    answer = call(stack, "runs", {"runs": [*starts, {"pipeline": "nowhere"}, starts[0]]})
    assert [each["status"] for each in answer.json()["runs"]] == [202] * 20 + [404, 200]
    stack.kill_functions()
    stack.processes.restart_functions()
    stack.eventually(lambda: len(stack.runs("pause")) >= before + 20)
    for start_ in starts:
        ended(stack, str(start_["requestId"]), "Succeeded")
    time.sleep(1)
    assert len(stack.runs("pause")) == before + 20


def test_held_requests_outlast_the_host_and_start_when_released(stack: LocalStack) -> None:
    """Taken by call and by message, it waits through a kill of the host; a tick after the release it runs."""
    stack.define("deployed")
    held = call(stack, "factories/default/hold", {"pipeline": "DEPLOYED", "reason": "release 41"})
    assert (held.status_code, held.json()["holds"][0]["reason"]) == (200, "release 41")
    taken = stack.caller.post("deployed", {}, key="called")
    assert (taken.status, taken.body["status"]) == (202, "Accepted")
    assert taken.body["reason"].startswith("pipeline DEPLOYED is held until")
    stack.caller.send({"pipeline": "deployed", "requestId": "sent"})
    stack.eventually(lambda: stack.status("sent") == "Accepted")
    stack.kill_functions()
    stack.processes.restart_functions()
    url = f"{stack.endpoints.functions_url}/api/health/details"
    headers = {"x-functions-key": stack.endpoints.functions_key}

    def waiting() -> object:
        (listed,) = requests.get(url, headers=headers, timeout=TIMEOUTS).json()["holds"] or [{}]
        return listed.get("waiting")

    stack.eventually(lambda: waiting() == 2)
    assert stack.runs("deployed") == []
    released = call(stack, "factories/default/release", {"pipeline": "deployed"})
    assert (released.status_code, released.json()["holds"]) == (200, [])
    stack.tick()
    stack.eventually(lambda: len(stack.runs("deployed")) == 2, ticking=False)
    for key in ("called", "sent"):
        ended(stack, key, "Succeeded")
    assert len(stack.runs("deployed")) == 2


def test_joined_requests_outlast_the_host_and_end_with_their_run(stack: LocalStack) -> None:
    """There is one run for the same request twice; each has its own event, and what was joined stands in it."""
    first = stack.caller.post("shared", {}, key="share-1")
    assert first.status == 202
    joined = stack.caller.post("shared", {}, key="share-2")
    assert (joined.status, joined.body["status"], joined.body["runId"]) == (202, "Accepted", None)
    assert joined.body["joinedTo"]["requestId"] == "share-1"
    stack.kill_functions()
    stack.processes.restart_functions()
    assert stack.caller.post("shared", {}, key="share-2").status == 200
    assert call(stack, "runs/share-1/cancel").status_code in (200, 202)
    for key in ("share-1", "share-2"):
        ended(stack, key, "Cancelled")
    (run,) = stack.runs("shared")
    (event,) = [each for each in stack.caller.events(50, within=5) if each["subject"] == "share-2"]
    assert event["data"]["joinedTo"] == {"requestId": "share-1", "runId": run["runId"]}


def test_requests_outlast_a_full_factory(stack: LocalStack) -> None:
    """They are taken, say why they wait, outlast a kill of the host, and start once, as there is room."""
    stack.define("only")
    start(stack, "slow", "fills")
    stack.control("PATCH", "options", {"strict": True, "most_runs": 1})
    keys = ("full-1", "full-2", "full-3")
    try:
        for key in keys[:2]:
            taken = stack.caller.post("only", {}, key=key)
            assert (taken.status, taken.body["status"]) == (202, "Accepted")
            assert taken.body["reason"].startswith("the factory takes no more runs")
        stack.tick()
        stack.kill_functions()
        stack.processes.restart_functions()
        assert stack.caller.post("only", {}, key=keys[1]).status == 200
        stack.caller.send({"pipeline": "only", "requestId": keys[2]})
        stack.eventually(lambda: stack.status(keys[2]) == "Accepted")
        assert [stack.status(key) for key in keys] == ["Accepted"] * 3
        assert stack.runs("only") == []
        stack.control("PATCH", "options", {"most_runs": 2})
        for key in keys:
            ended(stack, key, "Succeeded")
    finally:
        stack.control("PATCH", "options", {"strict": False, "most_runs": None})
    # Calls of one tick may overtake one another, so that their order is not looked at.
    assert len(stack.runs("only")) == len(keys)
    call(stack, "runs/fills/cancel")
