"""Calls about runs, and the definitions they need, for several test modules."""

from typing import Any

import httpx

SUBSCRIPTION = "12345678-1234-1234-1234-123456789abc"
"""The subscription that most tests work in."""
SDK_SUBSCRIPTION = "3f1a2b4c-0000-4000-8000-123456789abc"
"""The subscription of tests that list all its resources."""

NOTHING: dict[str, Any] = {"activities": []}
WINDOW = {"lastUpdatedAfter": "2000-01-01T00:00:00.0000000Z", "lastUpdatedBefore": "2100-01-01T00:00:00Z"}


def expression(text: str) -> dict[str, str]:
    """An expression object."""
    return {"value": text, "type": "Expression"}


def activity(name: str, kind: str, after: str | None = None, **properties: Any) -> dict[str, Any]:
    """An activity, perhaps after the success of another."""
    depends_on = [{"activity": after, "dependencyConditions": ["Succeeded"]}] if after else []
    return {"name": name, "type": kind, "dependsOn": depends_on, "typeProperties": properties}


def create_run(served: Any, path: str, pipeline: str = "p", body: Any = None, **query: Any) -> httpx.Response:
    """POST createRun."""
    reply: httpx.Response = served.client.post(
        f"{path}/pipelines/{pipeline}/createRun", params=served.version | query, json=body
    )
    return reply


def run_id_of(reply: httpx.Response) -> str:
    """The run id in a reply."""
    assert reply.status_code == 200, reply.text
    run_id: str = reply.json()["runId"]
    return run_id


def error(reply: httpx.Response) -> tuple[int, str, str, str | None]:
    """Status, code, message and target."""
    body = reply.json()["error"]
    return reply.status_code, body["code"], body["message"], body["target"]
