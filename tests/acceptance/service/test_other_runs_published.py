"""Runs that a schedule trigger and a script start in Data Factory are published, on real processes, beside our own."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from adf_trigger.clock import utcnow
from adf_trigger.datafactory.calls import Call, Effect
from tests.support.local_stack import LocalStack


@pytest.fixture(scope="module")
def stack(warm: str) -> Iterator[LocalStack]:
    """A stack that publishes every run of one pipeline, whoever starts it."""
    policy = {"watched": {"observe": "topLevel"}}
    with LocalStack(settings={"ADF_TRIGGER_POLICY": json.dumps(policy)}, warm=warm) as running:
        running.define("watched")
        running.define("unwatched")
        running.tick()
        yield running


def schedule(stack: LocalStack, name: str, pipeline: str) -> None:
    """A schedule trigger that fires within seconds, once in the time of a test."""
    properties = {
        "type": "ScheduleTrigger",
        "typeProperties": {
            "recurrence": {
                "frequency": "Hour",
                "interval": 1,
                "startTime": (utcnow() + timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "timeZone": "UTC",
            }
        },
        "pipelines": [{"pipelineReference": {"referenceName": pipeline, "type": "PipelineReference"}}],
    }
    path = f"{stack.endpoints.factory_id}/triggers/{name}"
    client = stack.quickstart.client
    for method, target, body in (("PUT", path, {"properties": properties}), ("POST", f"{path}/start", None)):
        client._api.perform(
            Call(
                operation="Triggers",
                method=method,
                path=target,
                effect=Effect.CHANGE,
                client_request_id=uuid4(),
                query={"api-version": "2018-06-01"},
                body=body,
            ),
            lambda reply: reply,
        )


def test_runs_of_a_trigger_and_a_script_are_published_once_beside_our_own(stack: LocalStack) -> None:
    """Each names its starter; runs of a pipeline without the policy are not published."""
    schedule(stack, "nightly", "watched")
    run_id = stack.quickstart.client.create_run("watched", {"n": 7}, client_request_id=uuid4()).run_id
    stack.quickstart.client.create_run("unwatched", {}, client_request_id=uuid4())
    assert stack.caller.post("watched", {}, key="ours").status == 202
    events: list[dict[str, Any]] = []

    def all_published() -> bool:
        events.extend(stack.caller.events(100, within=0.5))
        return len({event["subject"] for event in events}) >= 3

    stack.eventually(all_published)
    for _ in range(4):
        stack.tick()
    all_published()
    by_subject = {event["subject"]: event["data"] for event in events}
    assert len(by_subject) == len(events) == 3
    assert by_subject.pop("ours")["source"] == "http"
    script = by_subject.pop(f"run-{run_id}")
    assert (script["source"], script["status"], script["parameters"]) == ("factory", "Succeeded", {"n": "7"})
    assert script["invokedBy"]["type"] == "Manual"
    (nightly,) = by_subject.values()
    assert (nightly["invokedBy"]["type"], nightly["invokedBy"]["name"]) == ("ScheduleTrigger", "nightly")
    assert nightly["history"][0]["by"] == "nightly"
    assert [each["name"] if "name" in each else each["activityName"] for each in nightly["activities"]] == [
        "Pause"
    ]
    listed = stack.caller.get(str(nightly["runId"])).body
    assert listed["requestId"] == nightly["requestId"]
