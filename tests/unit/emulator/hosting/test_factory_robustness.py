"""Any request gets a reply of the service, never a crash."""

import asyncio
import copy
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.emulator.common.options import Options
from adf_trigger.emulator.hosting.app import FactoryConfig, FactoryEmulator

FACTORY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DataFactory/factories/adf"
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.sampled_from(["@", "@{", "@@x", "@pipeline().parameters.p"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)
PIPELINE: dict[str, Any] = {
    "activities": [
        {
            "name": "w",
            "type": "Wait",
            "typeProperties": {"waitTimeInSeconds": 0},
            "dependsOn": [],
            "policy": {"retry": 0, "timeout": "0.00:01:00"},
            "userProperties": [{"name": "n", "value": "v"}],
        },
        {
            "name": "loop",
            "type": "ForEach",
            "dependsOn": [{"activity": "w", "dependencyConditions": ["Succeeded"]}],
            "typeProperties": {
                "items": {"value": "@createArray(1)", "type": "Expression"},
                "batchCount": 2,
                "activities": [
                    {
                        "name": "choose",
                        "type": "Switch",
                        "typeProperties": {
                            "on": {"value": "@string(item())", "type": "Expression"},
                            "cases": [{"value": "1", "activities": []}],
                            "defaultActivities": [],
                        },
                    }
                ],
            },
        },
    ],
    "parameters": {"p": {"type": "String", "defaultValue": "x"}},
    "variables": {"v": {"type": "String", "defaultValue": "x"}},
    "annotations": ["a"],
    "runDimensions": {"d": {"value": "@pipeline().parameters.p", "type": "Expression"}},
    "concurrency": 1,
    "policy": {"elapsedTimeMetric": {}},
    "folder": {"name": "f"},
}
OTHERS: dict[str, dict[str, Any]] = {
    "linkedservices": {
        "type": "RestService",
        "connectVia": {
            "referenceName": "AutoResolveIntegrationRuntime",
            "type": "IntegrationRuntimeReference",
        },
        "parameters": {"p": {"type": "String"}},
        "typeProperties": {"url": "https://x", "password": {"type": "SecureString", "value": "x"}},
    },
    "datasets": {
        "type": "Binary",
        "linkedServiceName": {"referenceName": "store", "type": "LinkedServiceReference"},
        "parameters": {"p": {"type": "String"}},
        "typeProperties": {"location": {"fileName": "@dataset().p"}},
    },
    "triggers": {
        "type": "ScheduleTrigger",
        "typeProperties": {
            "recurrence": {
                "frequency": "Day",
                "interval": 1,
                "startTime": "2020-01-01T00:00:00Z",
                "timeZone": "UTC",
                "schedule": {"hours": [1], "minutes": [2]},
            }
        },
        "pipelines": [
            {
                "pipelineReference": {"referenceName": "good", "type": "PipelineReference"},
                "parameters": {"p": 1},
            }
        ],
    },
    "globalParameters": {"g": {"type": "Int", "value": 1}},
    "credentials": {"type": "ManagedIdentity", "typeProperties": {"resourceId": "x"}},
}
QUERY: dict[str, Any] = {
    "lastUpdatedAfter": "2000-01-01T00:00:00Z",
    "lastUpdatedBefore": "2100-01-01T00:00:00Z",
    "filters": [{"operand": "Status", "operator": "In", "values": ["Queued"]}],
    "orderBy": [{"orderBy": "RunStart", "order": "ASC"}],
    "continuationToken": "eyJ4IjoxfQ==",
}


@st.composite
def spoiled(draw: st.DrawFn, document: Any) -> Any:
    """The document with one of its parts replaced or removed."""
    result = copy.deepcopy(document)
    holder, key = draw(st.sampled_from(list(places({"root": result}))))
    if draw(st.booleans()) or isinstance(holder, list):
        holder[key] = draw(JSON)
    else:
        del holder[key]
    return result


def places(value: Any) -> Any:
    """Every place in a document that has a value, except the document itself."""
    for key, inner in list(value.items()) if isinstance(value, dict) else list(enumerate(value)):
        if key != "root":
            yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


def calls(*requests: tuple[str, str, Any]) -> list[httpx.Response]:
    """Replies of a fresh emulator to these calls, after its factory has been created."""

    async def talk() -> list[httpx.Response]:
        emulator = FactoryEmulator(FactoryConfig(options=Options(any_group=True)))
        await emulator.start()
        transport = httpx.ASGITransport(emulator.asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            replies = []
            for method, path, body in (
                ("PUT", "", {"location": "East US"}),
                ("PUT", "/linkedservices/store", {"properties": {"type": "AzureBlobStorage"}}),
                ("PUT", "/pipelines/good", {"properties": {"activities": []}}),
                *requests,
            ):
                reply = await client.request(
                    method, FACTORY + path, params={"api-version": "2018-06-01"}, json=body
                )
                replies.append(reply)
                await asyncio.sleep(0)
        await emulator.close()
        return replies[3:]

    return asyncio.run(talk())


@settings(deadline=None, max_examples=60)
@given(spoiled(PIPELINE))
def test_a_spoiled_pipeline(properties: Any) -> None:
    """A pipeline with any invalid part is published or rejected, and createRun starts it or rejects it."""
    replies = calls(
        ("PUT", "/pipelines/p", {"properties": properties}),
        ("POST", "/pipelines/p/createRun", {}),
        ("GET", "/pipelines/p", None),
    )
    assert all(reply.status_code in {200, 400, 404} for reply in replies)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(OTHERS)).flatmap(lambda kind: st.tuples(st.just(kind), spoiled(OTHERS[kind]))))
def test_other_spoiled_documents(case: tuple[str, Any]) -> None:
    """The same for linked services, datasets, triggers, global parameters and credentials, when used."""
    kind, properties = case
    replies = calls(
        ("PUT", f"/{kind}/x", {"properties": properties}),
        ("GET", f"/{kind}", None),
        ("POST", "/triggers/x/start", None),
        ("POST", "/pipelines/good/createRun", {}),
        ("DELETE", f"/{kind}/x", None),
    )
    assert all(reply.status_code in {200, 204, 400, 404} for reply in replies)


@settings(deadline=None, max_examples=40)
@given(spoiled(QUERY))
def test_spoiled_queries(body: Any) -> None:
    """A query with any invalid part returns rows or is rejected."""
    replies = calls(
        *(("POST", path, body) for path in ("/queryPipelineRuns", "/queryTriggerRuns", "/querytriggers"))
    )
    assert all(reply.status_code in {200, 400} for reply in replies)


@settings(deadline=None, max_examples=40)
@given(JSON, JSON)
def test_any_body(body: Any, other: Any) -> None:
    """Any JSON is sent as a factory, or as the parameters of a run."""
    replies = calls(
        ("POST", "/pipelines/good/createRun", body),
        ("PATCH", "", {"tags": body, "identity": other, "properties": other}),
        ("PUT", "", {"location": "East US", "tags": body, "identity": other, "properties": body}),
        ("GET", "", None),
        ("POST", "/pipelines/good/createRun", None),
    )
    assert all(reply.status_code in {200, 400} for reply in replies)
