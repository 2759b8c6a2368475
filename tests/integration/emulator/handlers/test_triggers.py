"""Triggers: their life, their firing by the emulator's clock, and their runs."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

WINDOW = {"lastUpdatedAfter": "2000-01-01T00:00:00Z", "lastUpdatedBefore": "2100-01-01T00:00:00Z"}
LIMIT = timedelta(seconds=60)


@pytest.fixture
def path(served: Any) -> str:
    """Path of a factory with a pipeline `p` that takes a parameter `at`."""
    factory: str = served.create_factory()
    pipeline = {"activities": [], "parameters": {"at": {"type": "String"}}}
    served.put(f"{factory}/pipelines/p", pipeline)
    return factory


def schedule(pipeline: str = "p", **recurrence: Any) -> dict[str, Any]:
    """Properties of a schedule trigger, hourly by default."""
    wanted = {"frequency": "Hour", "interval": 1, "startTime": "2020-01-01T00:00:00Z", "timeZone": "UTC"}
    return {
        "type": "ScheduleTrigger",
        "typeProperties": {"recurrence": wanted | recurrence},
        "pipelines": [
            {
                "pipelineReference": {"referenceName": pipeline, "type": "PipelineReference"},
                "parameters": {"at": "@trigger().scheduledTime"},
            }
        ],
    }


def state(served: Any, path: str) -> str:
    """runtimeState of the trigger `t`."""
    text: str = served.client.get(f"{path}/triggers/t").json()["properties"]["runtimeState"]
    return text


def trigger_runs(served: Any, path: str, count: int, **body: Any) -> list[dict[str, Any]]:
    """Trigger runs, once there are that many."""
    deadline = datetime.now(tz=UTC) + LIMIT
    while True:
        runs: list[dict[str, Any]] = served.client.post(
            f"{path}/queryTriggerRuns", json={**WINDOW, **body}
        ).json()["value"]
        if len(runs) >= count:
            return runs
        assert datetime.now(tz=UTC) < deadline, runs
        time.sleep(0.02)


class TestLife:
    """Create, start, stop, delete."""

    def test_a_new_trigger_is_stopped_whatever_was_sent(self, served: Any, path: str) -> None:
        """runtimeState is the service's; a PUT cannot start a trigger."""
        reply = served.put(f"{path}/triggers/t", {**schedule(), "runtimeState": "Started"})
        assert reply["properties"]["runtimeState"] == "Stopped"

    def test_start_and_stop(self, served: Any, path: str) -> None:
        """Both answer 200 without a body, repeated calls included, and change the state."""
        served.put(f"{path}/triggers/t", schedule())
        for verb, wanted in (
            ("start", "Started"),
            ("start", "Started"),
            ("stop", "Stopped"),
            ("stop", "Stopped"),
        ):
            reply = served.client.post(f"{path}/triggers/t/{verb}")
            assert (reply.status_code, reply.content) == (200, b"")
            assert state(served, path) == wanted

    def test_a_started_trigger_is_neither_changed_nor_deleted(self, served: Any, path: str) -> None:
        """It has to be stopped first, with the service's error."""
        served.put(f"{path}/triggers/t", schedule())
        served.client.post(f"{path}/triggers/t/start")
        refusals = [
            served.client.put(f"{path}/triggers/t", json={"properties": schedule()}),
            served.client.delete(f"{path}/triggers/t"),
        ]
        for reply in refusals:
            assert reply.status_code == 400
            assert reply.json()["error"] == {
                "code": "TriggerEnabledCannotUpdate",
                "message": "Cannot update enabled Trigger; the trigger needs to be disabled first. ",
                "target": None,
                "details": None,
            }
        served.client.post(f"{path}/triggers/t/stop")
        assert served.client.delete(f"{path}/triggers/t").status_code == 200

    def test_a_trigger_that_can_never_fire_does_not_start(self, served: Any, path: str) -> None:
        """A trigger without pipelines, and one of an unsupported type, are stored but not started."""
        served.put(f"{path}/triggers/t", {**schedule(), "pipelines": []})
        assert served.client.post(f"{path}/triggers/t/start").status_code == 400
        served.put(f"{path}/triggers/t", {**schedule(), "type": "BlobEventsTrigger"})
        reply = served.client.post(f"{path}/triggers/t/start")
        assert "BlobEventsTrigger" in reply.json()["error"]["message"]

    @pytest.mark.parametrize(
        "properties",
        [
            {"type": "ScheduleTrigger"},
            schedule(frequency="Fortnight"),
            schedule(interval=0),
            schedule(timeZone="Middle-earth Standard Time"),
            {**schedule(), "pipelines": [{"referenceName": "p"}]},
            schedule("nowhere"),
        ],
    )
    def test_an_invalid_trigger_is_rejected(self, served: Any, path: str, properties: Any) -> None:
        """An invalid recurrence and a missing pipeline fail the PUT."""
        reply = served.client.put(f"{path}/triggers/t", json={"properties": properties})
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "BadRequest")

    def test_queries_find_children_of_a_parent(self, served: Any, path: str) -> None:
        """querytriggers lists all, or those of a parent, in pages."""
        served.put(f"{path}/triggers/parent", schedule())
        child = {"type": "RerunTumblingWindowTrigger", "typeProperties": {"parentTrigger": "Parent"}}
        served.put(f"{path}/triggers/child", child)
        url = f"{path}/querytriggers"
        narrowed = served.client.post(url, json={"parentTriggerName": "parent"}).json()["value"]
        assert [trigger["name"] for trigger in narrowed] == ["child"]
        served.control("PATCH", "options", json={"page_size": 1})
        first = served.client.post(url).json()
        second = served.client.post(url, json={"continuationToken": first["continuationToken"]}).json()
        assert [page["value"][0]["name"] for page in (first, second)] == ["child", "parent"]
        assert "continuationToken" not in second


class TestFiring:
    """A started schedule trigger fires."""

    def test_it_starts_its_pipelines_with_the_scheduled_time(self, served: Any, path: str) -> None:
        """At its scheduled time a run is started with its parameters evaluated, and a trigger run records it."""
        served.put(f"{path}/triggers/t", schedule())
        served.client.post(f"{path}/triggers/t/start")
        served.control("POST", "clock", json={"advance_seconds": 3600})
        (fired,) = trigger_runs(served, path, 1)
        assert (fired["triggerName"], fired["triggerType"], fired["status"]) == (
            "t",
            "ScheduleTrigger",
            "Succeeded",
        )
        assert re.fullmatch(r"0858\d{25}CU\d\d", fired["triggerRunId"])
        assert set(fired["properties"]) == {"TriggerTime", "ScheduleTime"}
        assert fired["properties"]["ScheduleTime"].split(" ")[1].endswith(":00:00")
        run = served.wait_for(path, fired["triggeredPipelines"]["p"])
        assert run["invokedBy"]["invokedByType"] == "ScheduleTrigger"
        assert run["invokedBy"]["name"] == "t"
        assert run["parameters"]["at"].endswith(":00:00Z")

    def test_missed_times_fire_once(self, served: Any, path: str) -> None:
        """A jump over several of its times is one firing, the next hour is another."""
        served.put(f"{path}/triggers/t", schedule())
        served.client.post(f"{path}/triggers/t/start")
        for count, seconds in ((1, 5 * 3600), (2, 3600)):
            served.control("POST", "clock", json={"advance_seconds": seconds})
            assert len(trigger_runs(served, path, count)) == count

    def test_it_fires_on_the_running_clock(self, served: Any, path: str) -> None:
        """Set to shortly before a full hour, the emulator fires on its own when the hour begins."""
        served.put(f"{path}/triggers/t", schedule())
        served.client.post(f"{path}/triggers/t/start")
        now = datetime.now(tz=UTC)
        hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        early = hour - timedelta(seconds=0.5) - now
        served.control("POST", "clock", json={"offset_seconds": early.total_seconds()})
        assert trigger_runs(served, path, 1)[0]["triggeredPipelines"].keys() == {"p"}

    def test_a_stopped_one_does_not_fire(self, served: Any, path: str) -> None:
        """A trigger stopped before its time does not fire, while another one does."""
        for name in ("t", "other"):
            served.put(f"{path}/triggers/{name}", schedule())
            served.client.post(f"{path}/triggers/{name}/start")
        served.client.post(f"{path}/triggers/t/stop")
        served.control("POST", "clock", json={"advance_seconds": 3600})
        assert [run["triggerName"] for run in trigger_runs(served, path, 1)] == ["other"]

    def test_a_run_that_cannot_be_started_fails_the_trigger_run(self, served: Any, path: str) -> None:
        """The trigger run has the reason, and the trigger fires again later."""
        served.put(
            f"{path}/pipelines/p",
            {"activities": [{"name": "w", "type": "Wait", "dependsOn": [{"activity": "x"}]}]},
        )
        served.put(f"{path}/triggers/t", schedule())
        served.client.post(f"{path}/triggers/t/start")
        served.control("POST", "clock", json={"advance_seconds": 3600})
        (fired,) = trigger_runs(served, path, 1)
        assert fired["status"] == "Failed"
        assert "non-existent action" in fired["message"]
        assert state(served, path) == "Started"


class TestTriggerRuns:
    """Query, rerun and cancel of trigger runs, and the older form of the query."""

    @pytest.fixture
    def fired(self, served: Any, path: str) -> tuple[str, dict[str, Any]]:
        """A factory and the one run of its trigger `t`, whose pipeline waits."""
        wait = {"name": "w", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 600}}
        served.put(f"{path}/pipelines/p", {"activities": [wait]})
        served.put(f"{path}/triggers/t", schedule())
        served.client.post(f"{path}/triggers/t/start")
        served.control("POST", "clock", json={"advance_seconds": 3600})
        return path, trigger_runs(served, path, 1)[0]

    def test_filters(self, served: Any, fired: tuple[str, dict[str, Any]]) -> None:
        """Trigger runs are filtered by name and status, and ordered."""
        path, run = fired
        by_name = {"operand": "TriggerName", "operator": "Equals", "values": ["t"]}
        order = [{"orderBy": "TriggerRunTimestamp", "order": "DESC"}]
        assert trigger_runs(served, path, 1, filters=[by_name], orderBy=order) == [run]
        by_status = {"operand": "Status", "operator": "Equals", "values": ["Failed"]}
        assert trigger_runs(served, path, 0, filters=[by_status]) == []

    def test_the_older_form(self, served: Any, fired: tuple[str, dict[str, Any]]) -> None:
        """GET triggers/{t}/triggerruns returns the same rows."""
        path, run = fired
        times = {"startTime": "2000-01-01T00:00:00Z", "endTime": "2100-01-01T00:00:00Z"}
        listed = served.client.get(f"{path}/triggers/t/triggerruns", params=served.version | times)
        assert listed.json()["value"] == [run]

    def test_a_rerun_fires_for_the_same_time(self, served: Any, fired: tuple[str, dict[str, Any]]) -> None:
        """A rerun is another trigger run with the same scheduled time."""
        path, run = fired
        reply = served.client.post(f"{path}/triggers/t/triggerRuns/{run['triggerRunId']}/rerun")
        assert (reply.status_code, reply.content) == (200, b"")
        first, second = trigger_runs(served, path, 2)
        assert first["properties"]["ScheduleTime"] == second["properties"]["ScheduleTime"]
        assert first["triggerRunId"] != second["triggerRunId"]
        missing = served.client.post(f"{path}/triggers/t/triggerRuns/none/rerun")
        assert missing.status_code == 404

    def test_a_cancel_cancels_what_it_started(self, served: Any, fired: tuple[str, dict[str, Any]]) -> None:
        """The pipeline runs of a cancelled trigger run end as Cancelled."""
        path, run = fired
        served.client.post(f"{path}/triggers/t/triggerRuns/{run['triggerRunId']}/cancel").raise_for_status()
        assert served.wait_for(path, run["triggeredPipelines"]["p"])["status"] == "Cancelled"
