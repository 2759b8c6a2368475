"""The paths of 2017-09-01-preview that change a run or page, with the old version and the new."""

from typing import Any

import pytest

WINDOW = {"lastUpdatedAfter": "2000-01-01T00:00:00Z", "lastUpdatedBefore": "2100-01-01T00:00:00Z"}
VERSIONS = pytest.mark.parametrize("version", ["2017-09-01-preview", "2018-06-01"])


@pytest.fixture
def path(served: Any) -> str:
    """Path of a factory with a pipeline that waits."""
    factory: str = served.create_factory()
    wait = {"name": "w", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 600}}
    served.put(f"{factory}/pipelines/slow", {"activities": [wait]})
    served.put(f"{factory}/pipelines/quick", {"activities": []})
    return factory


@VERSIONS
def test_cancelpipelinerun_cancels(served: Any, path: str, version: str) -> None:
    """A run in progress ends as Cancelled; the reply is 200 without a body."""
    run_id = served.client.post(f"{path}/pipelines/slow/createRun").json()["runId"]
    reply = served.client.post(f"{path}/cancelpipelinerun/{run_id}", params={"api-version": version})
    assert (reply.status_code, reply.content) == (200, b"")
    assert served.wait_for(path, run_id)["status"] == "Cancelled"


@VERSIONS
def test_pipelineruns_is_the_query_with_its_pages(served: Any, path: str, version: str) -> None:
    """POST pipelineruns takes filters and continuation tokens like queryPipelineRuns."""
    served.control("POST", "progression", json={"mode": "at-once"})
    started = [served.client.post(f"{path}/pipelines/quick/createRun").json()["runId"] for _ in range(101)]
    served.client.post(f"{path}/pipelines/slow/createRun").raise_for_status()
    body = {
        **WINDOW,
        "filters": [{"operand": "PipelineName", "operator": "Equals", "values": ["quick"]}],
    }

    def page(**more: str) -> dict[str, Any]:
        reply = served.client.post(f"{path}/pipelineruns", params={"api-version": version}, json=body | more)
        shown: dict[str, Any] = reply.raise_for_status().json()
        return shown

    first = page()
    second = page(continuationToken=first["continuationToken"])
    assert [run["runId"] for part in (first, second) for run in part["value"]] == started
    assert "continuationToken" not in second


@VERSIONS
def test_triggerruns_of_one_trigger(served: Any, path: str, version: str) -> None:
    """GET triggers/{t}/triggerruns shows those of this trigger in the window."""
    trigger = {
        "type": "ScheduleTrigger",
        "typeProperties": {"recurrence": {"frequency": "Hour", "interval": 1, "timeZone": "UTC"}},
        "pipelines": [{"pipelineReference": {"referenceName": "quick", "type": "PipelineReference"}}],
    }
    for name in ("one", "two"):
        served.put(f"{path}/triggers/{name}", trigger)
        served.client.post(f"{path}/triggers/{name}/start").raise_for_status()

    def shown(name: str, **window: str) -> list[str]:
        reply = served.client.get(
            f"{path}/triggers/{name}/triggerruns", params={"api-version": version, **window}
        )
        return [run["triggerName"] for run in reply.raise_for_status().json()["value"]]

    served.control("POST", "clock", json={"advance_seconds": 3600})
    served.until(lambda: shown("one") and shown("two"))
    assert (shown("one"), shown("two")) == (["one"], ["two"])
    assert shown("one", startTime="2000-01-01", endTime="2001-01-01") == []
