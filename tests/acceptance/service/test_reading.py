"""Runs, their activities and pipelines, as they are read on real processes."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.local_stack import MASTER_KEY, TIMEOUTS, LocalStack

CHILD = {
    "parameters": {"n": {"type": "Int", "defaultValue": 0}},
    "activities": [
        {
            "name": "Stop",
            "type": "Fail",
            "typeProperties": {"message": "no orders\ntoday", "errorCode": "NoOrders"},
        }
    ],
}
PARENT = {
    "parameters": {"day": {"type": "String"}, "depth": {"type": "Int", "defaultValue": 3}},
    "activities": [
        {
            "name": "RunChild",
            "type": "ExecutePipeline",
            "userProperties": [{"name": "Day", "value": "@pipeline().parameters.day"}],
            "typeProperties": {
                "pipeline": {"referenceName": "child", "type": "PipelineReference"},
                "waitOnCompletion": True,
            },
        }
    ],
}
VAULT = {
    "parameters": {"password": {"type": "SecureString", "defaultValue": "s3cret-default"}},
    "variables": {"kept": {"type": "String"}},
    "activities": [
        {
            "name": "Keep",
            "type": "SetVariable",
            "typeProperties": {"variableName": "kept", "value": "@pipeline().parameters.password"},
        }
    ],
}
THROTTLED = {"operation": "QueryActivityRuns", "fault": "status", "status": 429, "retry_after": 20}
LOST = {"operation": "CreateRun", "fault": "drop", "when": "after", "count": 1}


@pytest.fixture(scope="module")
def stack(warm: str) -> Iterator[LocalStack]:
    """A stack with a pipeline that fails in the one that it starts, one with a secret, and one that waits."""
    with LocalStack(warm=warm) as running:
        for name, properties in (("child", CHILD), ("parent", PARENT), ("vault", VAULT)):
            running.define(name, properties)
        running.define("pause")
        yield running


def read(stack: LocalStack, path: str, *, key: str | None = None, **params: Any) -> requests.Response:
    """GET a path below /api."""
    return requests.get(
        f"{stack.endpoints.functions_url}/api/{path}",
        params=params,
        headers={"x-functions-key": key or stack.endpoints.functions_key},
        timeout=TIMEOUTS,
    )


def listed(stack: LocalStack, **params: Any) -> list[dict[str, Any]]:
    """What all pages of the list show."""
    runs, continuation = [], None
    while True:
        more: dict[str, str] = {} if continuation is None else {"continuation": continuation}
        answer = read(stack, "runs", **params, **more)
        assert answer.status_code == 200, answer.text
        runs += answer.json()["runs"]
        continuation = answer.json()["continuation"]
        if continuation is None:
            return runs


def as_shown(stack: LocalStack, run: dict[str, Any]) -> dict[str, Any]:
    """What a listed run's own link shows of it, as far as a list goes."""
    answer = requests.get(
        stack.endpoints.functions_url + run["links"]["self"],
        headers={"x-functions-key": stack.endpoints.functions_key},
        timeout=TIMEOUTS,
    )
    assert answer.status_code == 200, answer.text
    return {name: answer.json()[name] for name in run}


def test_requests_of_every_origin_are_listed_and_outlive_the_host(stack: LocalStack) -> None:
    """By HTTP and by queue, ended, waiting and rejected: the same list from a host that was killed and restarted."""
    for number in range(3):
        assert stack.caller.post("pause", {"correlationId": "batch"}, key=f"pause-{number}").status == 202
    assert stack.caller.post("parent", {"parameters": {"day": "monday"}}, key="fails").status == 202
    stack.caller.send({"pipeline": "pause", "requestId": "by-queue"})
    stack.caller.send({"pipeline": "pause", "requestId": "wrong", "surprise": 1})
    stack.caller.send({"pipeline": "nowhere", "requestId": "refused"})
    stack.eventually(lambda: len([run for run in listed(stack, limit=2) if run["ended"]]) == 7)
    runs = listed(stack, limit=3)
    assert {run["requestId"]: run["status"] for run in runs} == {
        **{f"pause-{number}": "Succeeded" for number in range(3)},
        "by-queue": "Succeeded",
        "fails": "Failed",
        "wrong": "Rejected",
        "refused": "Rejected",
    }
    requested = [datetime.fromisoformat(run["requestedAt"]) for run in runs]
    assert requested == sorted(requested, reverse=True)
    assert [as_shown(stack, run) for run in runs] == runs
    stack.kill_functions()
    stack.processes.restart_functions()
    assert listed(stack) == runs
    assert {run["requestId"] for run in listed(stack, correlationId="batch", limit=1)} == {
        f"pause-{number}" for number in range(3)
    }
    failed = listed(stack, status="Failed,Cancelled", pipeline="PARENT")
    assert [run["requestId"] for run in failed] == ["fails"]
    assert failed[0]["reason"].startswith("RunChild: ")
    assert listed(stack, since=runs[0]["requestedAt"]) == runs[:1]


def test_a_claim_that_a_kill_cut_off_is_listed_as_it_is(stack: LocalStack) -> None:
    """While its outcome is in doubt it is Accepted; when it is found it is what it is."""
    with stack.faults(LOST):
        assert stack.caller.post("pause", {}, key="in-doubt").body["status"] == "Accepted"
        (run,) = listed(stack, status="Accepted")
        assert (run["requestId"], run["runId"], run["ended"]) == ("in-doubt", None, False)
        assert run["reason"]
    stack.eventually(lambda: not listed(stack, status="Accepted"))
    stack.eventually(lambda: stack.status("in-doubt") == "Succeeded")


def test_activities_lead_from_a_run_to_the_run_that_it_started(stack: LocalStack) -> None:
    """With inputs, outputs, errors and what users gave; the child is not ours, so that it is 404."""
    stack.caller.post("parent", {"parameters": {"day": "tuesday"}}, key="tuesday")
    stack.eventually(lambda: stack.status("tuesday") == "Failed")
    view = stack.caller.get("tuesday").body
    answer = read(stack, urlsplit(view["links"]["activities"]).path.removeprefix("/api/"))
    assert answer.status_code == 200
    (activity,) = answer.json()["activities"]
    assert (activity["activityName"], activity["status"]) == ("RunChild", "Failed")
    assert activity["userProperties"] == {"Day": "tuesday"}
    assert "no orders" in activity["error"]["message"]
    assert activity["input"]["pipeline"]["referenceName"] == "child"
    (child,) = activity["childRunIds"]
    assert child in {run["runId"] for run in stack.runs("child")}
    assert read(stack, f"runs/{child}/activities").status_code == 404
    assert read(stack, f"runs/{view['runId']}/activities").json() == answer.json()


def test_no_secret_is_shown(stack: LocalStack) -> None:
    """Not in activities of a pipeline with secure parameters, nor in its declaration."""
    stack.caller.post("vault", {}, key="vault")
    stack.eventually(lambda: stack.status("vault") == "Succeeded")
    activities = read(stack, "runs/vault/activities")
    assert (activities.json()["details"], len(activities.json()["activities"])) == ("withheld", 1)
    assert activities.json()["activities"][0]["input"] is None
    for answer in (activities, read(stack, "pipelines"), read(stack, "pipelines/vault")):
        assert answer.status_code == 200
        assert "s3cret" not in answer.text


def test_pipelines_are_listed(stack: LocalStack) -> None:
    """As they are published now."""
    answer = read(stack, "pipelines").json()
    assert [each["name"] for each in answer["pipelines"]] == ["child", "parent", "pause", "vault"]
    assert answer["pipelines"][1]["parameters"] == {
        "day": {"type": "String", "default": None, "secure": False, "required": True},
        "depth": {"type": "Int", "default": 3, "secure": False, "required": False},
    }
    assert read(stack, "pipelines/parent").json() == answer["pipelines"][1]
    assert read(stack, "pipelines/nowhere").status_code == 404


def test_a_key_of_one_function_opens_that_call_alone(stack: LocalStack) -> None:
    """A key for the list need not open anything else."""
    admin = requests.get(
        f"{stack.endpoints.functions_url}/admin/functions/list_runs/keys",
        headers={"x-functions-key": MASTER_KEY},
        timeout=TIMEOUTS,
    ).json()
    key = admin["keys"][0]["value"]
    assert read(stack, "runs", key=key).status_code == 200
    for path in ("runs/fails", "runs/fails/activities", "pipelines", "pipelines/pause"):
        assert read(stack, path, key=key).status_code == 401


def test_a_question_that_is_wrong_is_answered_with_every_fault(stack: LocalStack) -> None:
    """As it came through the host: what is given twice, empty, unknown or mangled."""
    answer = requests.get(
        f"{stack.endpoints.functions_url}/api/runs?pipeline=a&pipeline=b&status=&Limit=3&since=monday",
        headers={"x-functions-key": stack.endpoints.functions_key},
        timeout=TIMEOUTS,
    )
    assert answer.status_code == 400
    assert {each["pointer"] for each in answer.json()["errors"]} == {"pipeline", "status", "Limit", "since"}
    twice = read(stack, "runs?status=Failed&status=Rejected")
    assert {run["status"] for run in twice.json()["runs"]} == {"Failed", "Rejected"}
    assert read(stack, "runs", continuation="nonsense").status_code == 400


def test_data_factory_that_throttles_is_503_and_left_alone(stack: LocalStack) -> None:
    """With the seconds to wait, after which it is asked again; the list still answers, since it asks nothing."""
    stack.caller.post("pause", {}, key="throttled")
    stack.eventually(lambda: stack.status("throttled") == "Succeeded")
    with stack.faults(THROTTLED):
        answer = read(stack, "runs/throttled/activities")
        assert answer.status_code == 503
        assert 1 <= int(answer.headers["Retry-After"]) <= 20
        assert answer.headers["content-type"] == "application/problem+json"
        assert read(stack, "runs").status_code == 200
    assert read(stack, "runs/throttled/activities").status_code == 503
    stack.eventually(lambda: read(stack, "runs/throttled/activities").status_code == 200, ticking=False)
