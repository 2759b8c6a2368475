"""Every operand of the three run queries, with every operator, against runs that are known."""

from collections.abc import Callable
from typing import Any

import pytest

WINDOW = {"lastUpdatedAfter": "2000-01-01T00:00:00Z", "lastUpdatedBefore": "2100-01-01T00:00:00Z"}
OPERATORS = ("Equals", "NotEquals", "In", "NotIn")
ELSEWHERE = "2001-01-01T00:00:00Z"

Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def path(served: Any) -> str:
    """Path of an empty factory."""
    factory: str = served.create_factory()
    return factory


@pytest.fixture
def ask(served: Any, path: str) -> Ask:
    """Asks a query for its rows."""

    def query(where: str, **body: Any) -> list[dict[str, Any]]:
        reply = served.client.post(f"{path}/{where}", json={**WINDOW, **body})
        assert reply.status_code == 200, reply.text
        rows: list[dict[str, Any]] = reply.json()["value"]
        return rows

    return query


def activity(name: str, kind: str, **properties: Any) -> dict[str, Any]:
    """An activity."""
    return {"name": name, "type": kind, "typeProperties": properties}


def start(served: Any, path: str, pipeline: str, **query: str) -> str:
    """Run a pipeline to its end; returns the run id."""
    reply = served.client.post(f"{path}/pipelines/{pipeline}/createRun", params=served.version | query)
    run_id: str = reply.raise_for_status().json()["runId"]
    served.wait_for(path, run_id)
    return run_id


def check_every_operator(ask: Ask, where: str, field: str, operand: str, rows: list[dict[str, Any]]) -> None:
    """Each operator keeps the rows that have the first row's value, or the others."""
    value = rows[0][field]
    same = [row for row in rows if row[field] == value]
    others = [row for row in rows if row[field] != value]
    assert others, "a filter that keeps everything shows nothing"
    for operator in OPERATORS:
        absent = ELSEWHERE if field.endswith(("Start", "End", "Timestamp")) else "absent"
        values = [value] if operator in {"Equals", "NotEquals"} else [value, absent]
        condition = {"operand": operand, "operator": operator, "values": values}
        assert ask(where, filters=[condition]) == (others if operator.startswith("Not") else same), operator


@pytest.mark.parametrize(
    ("operand", "field"),
    [
        ("PipelineName", "pipelineName"),
        ("RunStart", "runStart"),
        ("RunEnd", "runEnd"),
        ("Status", "status"),
    ],
)
def test_pipeline_runs(served: Any, path: str, ask: Ask, operand: str, field: str) -> None:
    """Pipeline runs are chosen by name, start, end and status, with each operator."""
    served.put(f"{path}/pipelines/good", {"activities": []})
    served.put(f"{path}/pipelines/bad", {"activities": [activity("f", "Fail", message="m", errorCode="1")]})
    for pipeline in ("good", "bad", "bad"):
        start(served, path, pipeline)
    check_every_operator(ask, "queryPipelineRuns", field, operand, ask("queryPipelineRuns"))


def test_a_run_group_and_its_latest_run(served: Any, path: str, ask: Ask) -> None:
    """RunGroupId takes one value; LatestOnly leaves out what was recovered, unless it is false."""
    served.put(f"{path}/pipelines/p", {"activities": [activity("f", "Fail", message="m", errorCode="1")]})
    first = start(served, path, "p")
    second = start(served, path, "p", referencePipelineRunId=first, isRecovery="true")
    other = start(served, path, "p")

    def found(operand: str, operator: str, value: str) -> list[str]:
        condition = {"operand": operand, "operator": operator, "values": [value]}
        return [run["runId"] for run in ask("queryPipelineRuns", filters=[condition])]

    assert found("RunGroupId", "Equals", first) == found("RunGroupId", "In", first) == [first, second]
    assert found("RunGroupId", "NotEquals", first) == found("RunGroupId", "NotIn", first) == [other]
    assert found("LatestOnly", "Equals", "true") == found("LatestOnly", "In", "true") == [second, other]
    assert found("LatestOnly", "Equals", "false") == [first, second, other]


@pytest.mark.parametrize(
    ("operand", "field"),
    [
        ("ActivityName", "activityName"),
        ("ActivityRunStart", "activityRunStart"),
        ("ActivityRunEnd", "activityRunEnd"),
        ("ActivityType", "activityType"),
        ("Status", "status"),
    ],
)
def test_activity_runs(served: Any, path: str, ask: Ask, operand: str, field: str) -> None:
    """Activity runs are chosen by name, start, end, type and status, with each operator."""
    wait = activity("w", "Wait", waitTimeInSeconds=0)
    fail = activity("f", "Fail", message="m", errorCode="1")
    fail["dependsOn"] = [{"activity": "w", "dependencyConditions": ["Succeeded"]}]
    served.put(f"{path}/pipelines/p", {"activities": [wait, fail]})
    where = f"pipelineruns/{start(served, path, 'p')}/queryActivityruns"
    rows = ask(where)
    assert [row["activityName"] for row in rows] == ["w", "f"]
    check_every_operator(ask, where, field, operand, rows)


@pytest.mark.parametrize(
    ("operand", "field"),
    [
        ("TriggerName", "triggerName"),
        ("TriggerRunTimestamp", "triggerRunTimestamp"),
        ("Status", "status"),
    ],
)
def test_trigger_runs(served: Any, path: str, ask: Ask, operand: str, field: str) -> None:
    """Trigger runs are chosen by name, time and status, with each operator."""
    served.put(f"{path}/pipelines/p", {"activities": []})
    served.put(f"{path}/pipelines/strict", {"activities": [], "parameters": {"n": {"type": "Int"}}})
    hourly = {"frequency": "Hour", "interval": 1, "startTime": "2020-01-01T00:00:00Z", "timeZone": "UTC"}
    for name, pipeline in (("works", "p"), ("fails", "strict")):
        reference = {"referenceName": pipeline, "type": "PipelineReference"}
        started = {"pipelineReference": reference, "parameters": {"n": "no number"}}
        trigger = {
            "type": "ScheduleTrigger",
            "typeProperties": {"recurrence": hourly},
            "pipelines": [started],
        }
        served.put(f"{path}/triggers/{name}", trigger)
        served.client.post(f"{path}/triggers/{name}/start").raise_for_status()
        served.control("POST", "clock", json={"advance_seconds": 3600})
        served.until(lambda: any(run["triggerName"] == name for run in ask("queryTriggerRuns")))  # noqa: B023 - called immediately
        served.client.post(f"{path}/triggers/{name}/stop").raise_for_status()
    rows = ask("queryTriggerRuns")
    assert {row["status"] for row in rows} == {"Succeeded", "Failed"}
    check_every_operator(ask, "queryTriggerRuns", field, operand, rows)
