"""What events say of runs, from the local Data Factory's real pipelines to the consumer's queue, on real processes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from azure.storage.queue import QueueClient
from standardwebhooks import Webhook

from adf_trigger.client.events import event_of
from adf_trigger.local.demo.quickstart import PLAIN_PIPELINE
from adf_trigger.news import CompletionEvent
from tests.support.local_stack import TIMEOUTS, LocalStack
from tests.support.webhook_server import Call, refusing_first, served

CHILD = {
    "activities": [
        {
            "name": "Stop",
            "type": "Fail",
            "typeProperties": {"message": "no orders today", "errorCode": "NoOrders"},
        }
    ]
}
PARENT: dict[str, Any] = {
    "parameters": {"region": {"type": "String", "defaultValue": "größe"}},
    "activities": [
        {
            "name": "Return",
            "type": "SetVariable",
            "typeProperties": {
                "variableName": "pipelineReturnValue",
                "setSystemVariable": True,
                "value": [{"key": "rows", "value": {"type": "Expression", "content": "@add(1,2)"}}],
            },
        },
        {
            "name": "CallChild",
            "type": "ExecutePipeline",
            "dependsOn": [{"activity": "Return", "dependencyConditions": ["Succeeded"]}],
            "userProperties": [{"name": "region", "value": "@pipeline().parameters.region"}],
            "typeProperties": {
                "pipeline": {"referenceName": "child", "type": "PipelineReference"},
                "waitOnCompletion": True,
            },
        },
    ],
}
RETURNS = {"activities": PARENT["activities"][:1]}
PASSES_ON = {
    "activities": [
        {
            "name": "CallReturns",
            "type": "ExecutePipeline",
            "typeProperties": {
                "pipeline": {"referenceName": "returns", "type": "PipelineReference"},
                "waitOnCompletion": True,
            },
        },
        {
            "name": "PassOn",
            "type": "SetVariable",
            "dependsOn": [{"activity": "CallReturns", "dependencyConditions": ["Succeeded"]}],
            "typeProperties": {
                "variableName": "pipelineReturnValue",
                "setSystemVariable": True,
                "value": [
                    {
                        "key": "below",
                        "value": {
                            "type": "Expression",
                            "content": "@activity('CallReturns').output.pipelineReturnValue.rows",
                        },
                    },
                    {
                        "key": "words",
                        "value": {"type": "Array", "content": [{"type": "String", "content": "ü"}]},
                    },
                ],
            },
        },
    ]
}
LONG = {"activities": [{"name": "Wait", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 900}}]}
LEADER = {
    "activities": [
        {
            "name": "StartWorker",
            "type": "ExecutePipeline",
            "typeProperties": {
                "pipeline": {"referenceName": "worker", "type": "PipelineReference"},
                "waitOnCompletion": False,
            },
        },
        {
            "name": "CallWorker",
            "type": "ExecutePipeline",
            "typeProperties": {
                "pipeline": {"referenceName": "worker", "type": "PipelineReference"},
                "waitOnCompletion": True,
            },
        },
    ]
}


SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ROUTES = {
    "finance": {"queue": "adf-run-events-finance", "pipelines": ["PARENT"], "statuses": ["Failed"]},
    "hook": {"webhook": {"url": "HOOK_URL", "secret": "HOOK_SECRET"}, "pipelines": ["parent"]},
}


@pytest.fixture(scope="module")
def hook() -> Iterator[tuple[int, list[Call]]]:
    """A webhook that takes each message the second time."""
    with served(refusing_first()) as found:
        yield found


@pytest.fixture(scope="module")
def stack(warm: str, hook: tuple[int, list[Call]]) -> Iterator[LocalStack]:
    """A stack with the quickstarts, and pipelines that start others."""
    settings = {
        "ADF_TRIGGER_ROUTES": json.dumps(ROUTES),
        "ADF_TRIGGER_WEBHOOKS_TO_LOOPBACK": "true",
        "HOOK_URL": f"http://127.0.0.1:{hook[0]}/in",
        "HOOK_SECRET": SECRET,
    }
    with LocalStack(warm=warm, settings=settings) as running:
        for _ in running.quickstart.provision():
            pass
        running.quickstart.upload()
        pipelines: dict[str, dict[str, Any]] = {
            "child": CHILD,
            "worker": LONG,
            "parent": PARENT,
            "leader": LEADER,
            "returns": RETURNS,
            "passes-on": PASSES_ON,
        }
        for name, properties in pipelines.items():
            running.define(name, properties)
        yield running


def event_for(stack: LocalStack, request_id: str) -> CompletionEvent:
    """The event of a request, once it is there; GET shows the same."""
    endpoints = stack.endpoints
    queue = QueueClient.from_connection_string(endpoints.storage_connection_string, endpoints.events_queue)
    found: list[CompletionEvent] = []

    def there() -> bool:
        events = [event_of(each.content) for each in queue.peek_messages(32)]
        found[:] = [each for each in events if each.subject == request_id]
        return bool(found)

    stack.eventually(there)
    shown: dict[str, Any] = stack.caller.get(request_id).body
    data = json.loads(found[0].data.model_dump_json())
    assert {name: data[name] for name in shown if name != "routes"} == {
        name: value for name, value in shown.items() if name != "routes"
    }
    return found[0]


def test_the_event_of_a_copy_has_its_figures(stack: LocalStack) -> None:
    """The bytes and files that Data Factory has counted, without a call of anybody's own."""
    assert stack.caller.post(PLAIN_PIPELINE, {}, key="figures").status == 202
    data = event_for(stack, "figures").data
    assert data.status == "Succeeded", data.message
    assert data.activities is not None
    (copy,) = (each for each in data.activities if each.activity_type == "Copy")
    assert copy.figures is not None
    assert copy.figures["dataRead"] == copy.figures["dataWritten"] > 0
    assert copy.figures["filesWritten"] >= 1
    assert (data.details, data.activities_left_out) == ("full", 0)


def test_the_event_of_a_failure_names_its_root_cause(stack: LocalStack) -> None:
    """Of the run below: its id, what failed in it, and the code; beside it what the pipeline had set to return."""
    assert stack.caller.post("parent", {}, key="bottom").status == 202
    data = event_for(stack, "bottom").data
    assert data.status == "Failed"
    assert data.reason == "CallChild: Stop: NoOrders no orders today"
    assert data.return_value == {"rows": 3}
    (child,) = data.children
    assert (child.pipeline, child.status, child.waited_for) == ("child", "Failed", True)
    assert child.run_id == stack.runs("child")[0]["runId"]
    assert data.errors is not None
    assert [(each.user_properties, each.child_run_id) for each in data.errors] == [
        ({"region": "größe"}, child.run_id)
    ]


def test_the_return_value_of_a_pipeline_reaches_its_caller_and_its_event(stack: LocalStack) -> None:
    """A parent passes on what the pipeline below has set to return, with its types; both say it as `returnValue`."""
    assert stack.caller.post("passes-on", {}, key="passed-on").status == 202
    data = event_for(stack, "passed-on").data
    assert (data.status, data.return_value) == ("Succeeded", {"below": 3, "words": ["ü"]})
    assert [run["pipelineReturnValue"] for run in stack.runs("passes-on")] == [data.return_value]
    (child,) = data.children
    assert (child.pipeline, child.status) == ("returns", None)


def test_the_event_of_a_cancelled_run_lists_its_children(stack: LocalStack) -> None:
    """Both workers keep running, whether the parent waited for them or not: each has its id and its status."""
    assert stack.caller.post("leader", {}, key="cancelled").status == 202
    stack.eventually(lambda: [run["status"] for run in stack.runs("worker")] == ["InProgress"] * 2)
    running = stack.caller.get("cancelled/activities").body["activities"]
    assert sorted(each["childRunIds"][0] for each in running) == sorted(
        run["runId"] for run in stack.runs("worker")
    ), "the one that is waited for is shown, too"
    endpoints = stack.endpoints
    requests.post(
        f"{endpoints.functions_url}/api/runs/cancelled/cancel",
        json={"recursive": False},
        headers={"x-functions-key": endpoints.functions_key},
        timeout=TIMEOUTS,
    ).raise_for_status()
    data = event_for(stack, "cancelled").data
    assert data.status == "Cancelled"
    assert {(each.run_id, each.status) for each in data.children} == {
        (run["runId"], "InProgress") for run in stack.runs("worker")
    }
    assert {each.activity_name for each in data.children} == {"StartWorker", "CallWorker"}
    assert (data.reason or "").startswith("a run that it has started is still active: worker ")


def test_each_route_receives_its_own_events(stack: LocalStack, hook: tuple[int, list[Call]]) -> None:
    """A queue of failures, and a webhook that failed first; what the queue has is not sent again for that."""
    assert stack.caller.post("parent", {}, key="routed").status == 202
    event = event_for(stack, "routed")
    _, calls = hook

    def is_delivered() -> bool:
        routes = stack.caller.get("routed").body["routes"]
        return {each["route"]: each["status"] for each in routes} == {
            "finance": "delivered",
            "hook": "delivered",
        }

    stack.eventually(is_delivered)
    for _ in range(3):
        stack.tick()
    queue = QueueClient.from_connection_string(
        stack.endpoints.storage_connection_string, "adf-run-events-finance"
    )
    led = [event_of(each.content) for each in queue.peek_messages(32)]
    assert [each.id for each in led if each.subject == "routed"] == [event.id]
    assert led[-1] == event
    ours = [(headers, body) for _, headers, body in calls if json.loads(body)["subject"] == "routed"]
    assert len(ours) == 2
    assert len({headers["webhook-id"] for headers, _ in ours}) == 1
    for headers, body in ours:
        assert Webhook(SECRET).verify(body.decode(), headers)["id"] == event.id
