"""One factory's pipeline starts another's and waits, by Data Factory's WebHook activity, on real processes."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from azure.data.tables import TableClient

from adf_trigger.azure.resource_ids import FactoryId
from adf_trigger.clock import utcnow
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.models import ActivityRun, TimeWindow
from adf_trigger.datafactory.resources import Factories
from adf_trigger.local.demo.quickstart import _management_api
from tests.support.local_stack import LocalStack

CALLBACK = "/dataplane/workflow/callback/"
WORK = {
    "parameters": {"rows": {"type": "Int", "defaultValue": 0}},
    "activities": [
        {
            "name": "Return",
            "type": "SetVariable",
            "typeProperties": {
                "variableName": "pipelineReturnValue",
                "setSystemVariable": True,
                "value": [
                    {"key": "rows", "value": {"type": "Expression", "content": "@pipeline().parameters.rows"}}
                ],
            },
        }
    ],
}
FAILING = {
    "activities": [
        {
            "name": "Stop",
            "type": "Fail",
            "typeProperties": {"message": "no orders today", "errorCode": "NoOrders"},
        }
    ]
}
SLOW = {"activities": [{"name": "Pause", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 8}}]}


@pytest.fixture(scope="module")
def stack(warm: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack with the pipelines that others start; its timer fires by itself."""
    data = tmp_path_factory.mktemp("callbacks")
    with LocalStack(warm=warm, data=data, poll_schedule="*/1 * * * * *") as running:
        pipelines: dict[str, dict[str, Any]] = {"work": WORK, "failing": FAILING, "slow": SLOW}
        for name, properties in pipelines.items():
            running.define(name, properties)
        yield running


@pytest.fixture(scope="module")
def other(stack: LocalStack) -> DataFactoryClient:
    """Another factory, which the service does not know."""
    api = _management_api(stack.endpoints)
    here = stack.endpoints.factory_id
    factory = FactoryId.parse(f"{here}-of-others")
    Factories(api).create_or_update(factory, location="eastus")
    return DataFactoryClient(factory, api)


def calling(stack: LocalStack, pipeline: str, body: Any, **more: Any) -> dict[str, Any]:
    """A pipeline that has one of the service's run, waits for it, and continues either way."""
    endpoints = stack.endpoints

    def returned(name: str, on: str, text: str) -> dict[str, Any]:
        return {
            "name": name,
            "type": "SetVariable",
            "dependsOn": [{"activity": "Call", "dependencyConditions": [on]}],
            "typeProperties": {
                "variableName": "pipelineReturnValue",
                "setSystemVariable": True,
                "value": [{"key": "answer", "value": {"type": "Expression", "content": text}}],
            },
        }

    return {
        "activities": [
            {
                "name": "Call",
                "type": "WebHook",
                "typeProperties": {
                    "method": "POST",
                    "url": f"{endpoints.functions_url}/api/pipelines/{pipeline}/runs",
                    "headers": {
                        "x-functions-key": endpoints.functions_key,
                        "Idempotency-Key": {
                            "type": "Expression",
                            "value": "@concat(pipeline().RunId, '-Call')",
                        },
                    },
                    "body": body,
                    "timeout": "00:01:00",
                    "reportStatusOnCallBack": True,
                    **more,
                },
            },
            returned("GoOn", "Succeeded", "@string(activity('Call').output.returnValue)"),
            returned("Mend", "Failed", "@activity('Call').error.message"),
        ]
    }


def run(
    stack: LocalStack, other: DataFactoryClient, name: str, properties: dict[str, Any]
) -> list[ActivityRun]:
    """Run a pipeline of the other factory to its end; its activity runs, by when they began."""
    other.pipelines.create_or_update(name, properties)
    run_id = other.create_run(name, {}, client_request_id=uuid4()).run_id
    stack.eventually(lambda: other.get_run(run_id).status in {"Succeeded", "Failed"}, ticking=False)
    window = TimeWindow(after=utcnow() - timedelta(hours=1), before=utcnow() + timedelta(hours=1))
    return [each for page in other.query_activity_runs(run_id, window=window) for each in page.items]


def named(found: list[ActivityRun], name: str) -> list[ActivityRun]:
    """Those of one activity."""
    return [each for each in found if each.activity_name == name]


def test_a_pipeline_waits_for_another_factory_s_and_continues_with_its_return_value(
    stack: LocalStack, other: DataFactoryClient
) -> None:
    """Its output is what the event of the run says."""
    found = run(stack, other, "caller", calling(stack, "work", {"parameters": {"rows": 3}}))
    (call,) = named(found, "Call")
    assert call.status == "Succeeded", call.error
    assert call.output["pipeline"] == "work"
    assert call.output["returnValue"] == {"rows": 3}
    assert [each.status for each in named(found, "GoOn")] == ["Succeeded"]
    assert named(found, "Mend") == []
    assert [each["runId"] for each in stack.runs("work")] == [call.output["runId"]]


def test_a_failure_is_the_activity_s_own_with_its_reason(stack: LocalStack, other: DataFactoryClient) -> None:
    """By `reportStatusOnCallBack`; what is to be done on failure is."""
    found = run(stack, other, "of-failing", calling(stack, "failing", {}))
    (call,) = named(found, "Call")
    assert call.status == "Failed"
    assert call.error.error_code == "RunFailed"
    assert "Stop: NoOrders no orders today" in call.error.message
    assert [each.status for each in named(found, "Mend")] == ["Succeeded"]
    assert named(found, "GoOn") == []


def test_a_refusal_fails_the_activity_at_once(stack: LocalStack, other: DataFactoryClient) -> None:
    """No activity waits for a run that was never started."""
    began = utcnow()
    found = run(stack, other, "of-wrong", calling(stack, "work", {"parameters": {"lines": 1}}))
    (call,) = named(found, "Call")
    assert (call.status, call.error.error_code) == ("Failed", "2108")
    assert utcnow() - began < timedelta(seconds=45)


def test_a_repeat_after_a_time_out_waits_for_the_same_run(
    stack: LocalStack, other: DataFactoryClient
) -> None:
    """Under the same key, with another address: one run; the second is called, and nothing waits at the first."""
    pipeline = calling(stack, "slow", {}, timeout="00:00:02")
    (call, *_) = pipeline["activities"]
    again = {
        **call,
        "name": "Again",
        "dependsOn": [{"activity": "Call", "dependencyConditions": ["Failed"]}],
        "typeProperties": {**call["typeProperties"], "timeout": "00:02:00"},
    }
    found = run(stack, other, "of-slow", {"activities": [call, again]})
    assert [each.status for each in named(found, "Call")] == ["TimedOut"]
    (second,) = named(found, "Again")
    assert second.status == "Succeeded", second.error
    assert [each["runId"] for each in stack.runs("slow")] == [second.output["runId"]]


def test_a_request_for_an_ended_run_is_called_back_at_once(
    stack: LocalStack, other: DataFactoryClient
) -> None:
    """Without a tick: another activity under the key of one that was answered."""
    pipeline = calling(stack, "work", {"parameters": {"rows": 5}})
    (call, *_) = pipeline["activities"]
    again = {
        **call,
        "name": "Again",
        "dependsOn": [{"activity": "Call", "dependencyConditions": ["Succeeded"]}],
    }
    found = run(stack, other, "twice", {"activities": [call, again]})
    first, second = (named(found, name)[0].output for name in ("Call", "Again"))
    assert first["runId"] == second["runId"]
    assert first["returnValue"] == second["returnValue"] == {"rows": 5}


def test_nothing_is_left_of_any_address(stack: LocalStack) -> None:
    """Neither in the ledger nor in a log; who was called is named by host, and no more."""
    stack.eventually(lambda: not _kept(stack), ticking=False)
    log = json.dumps(stack.log())
    assert "Called 127.0.0.1 back for request " in log
    assert "no caller waits there any more: it answered 404" in log
    assert CALLBACK not in log


def _kept(stack: LocalStack) -> list[Any]:
    with TableClient.from_connection_string(
        stack.endpoints.storage_connection_string, stack.endpoints.table
    ) as table:
        return [each for each in table.list_entities() if CALLBACK in str(dict(each))]
