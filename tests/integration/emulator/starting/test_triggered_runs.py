"""What a run that a trigger started knows of its trigger, and triggers over a restart."""

from pathlib import Path
from typing import Any

import pytest

from adf_trigger.emulator.hosting.app import FactoryConfig

WINDOW = {"lastUpdatedAfter": "2000-01-01T00:00:00Z", "lastUpdatedBefore": "2100-01-01T00:00:00Z"}
HOURLY = {
    "type": "ScheduleTrigger",
    "typeProperties": {
        "recurrence": {
            "frequency": "Hour",
            "interval": 1,
            "startTime": "2020-01-01T00:00:00Z",
            "timeZone": "UTC",
        }
    },
    "pipelines": [{"pipelineReference": {"referenceName": "p", "type": "PipelineReference"}}],
}
SAY = (
    "@concat(pipeline().TriggerType, '|', pipeline().TriggerName, '|', pipeline().TriggerId, '|', "
    "pipeline().TriggerTime)"
)


def publish(served: Any) -> str:
    """A factory with a pipeline that shows its trigger, and the trigger, started; returns the path."""
    path: str = served.create_factory()
    say = {
        "name": "say",
        "type": "SetVariable",
        "typeProperties": {"variableName": "v", "value": {"value": SAY, "type": "Expression"}},
    }
    served.put(f"{path}/pipelines/p", {"activities": [say], "variables": {"v": {"type": "String"}}})
    served.put(f"{path}/triggers/hourly", HOURLY)
    served.client.post(f"{path}/triggers/hourly/start").raise_for_status()
    return path


def fire(served: Any, path: str) -> dict[str, Any]:
    """Let an hour pass; returns the trigger run."""

    def runs() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = served.client.post(f"{path}/queryTriggerRuns", json=WINDOW).json()[
            "value"
        ]
        return found

    before = len(runs())
    served.control("POST", "clock", json={"advance_seconds": 3600})
    served.until(lambda: len(runs()) > before)
    return runs()[-1]


def test_a_run_knows_its_trigger(served: Any) -> None:
    """The system variables of the trigger are those of its trigger run."""
    path = publish(served)
    fired = fire(served, path)
    run_id = fired["triggeredPipelines"]["p"]
    assert served.wait_for(path, run_id)["status"] == "Succeeded"
    (said,) = served.client.post(f"{path}/pipelineruns/{run_id}/queryActivityruns").json()["value"]
    kind, name, trigger_run_id, time = said["input"]["value"].split("|")
    assert (kind, name, trigger_run_id) == ("ScheduleTrigger", "hourly", fired["triggerRunId"])
    assert time[:19] == fired["triggerRunTimestamp"][:19]


@pytest.mark.parametrize("stopped", [False, True], ids=["started", "stopped"])
def test_a_trigger_keeps_its_state_over_a_restart(
    serve: Any, token_authority: Any, tmp_path: Path, *, stopped: bool
) -> None:
    """A started trigger continues to fire, a stopped one stays stopped."""
    config = FactoryConfig(data=tmp_path, tokens=token_authority)
    before = serve(config)
    path = publish(before)
    before.put(f"{path}/triggers/other", HOURLY)
    if stopped:
        before.client.post(f"{path}/triggers/hourly/stop").raise_for_status()
        before.client.post(f"{path}/triggers/other/start").raise_for_status()
    before.stop()

    after = serve(config)
    assert fire(after, path)["triggerName"] == ("other" if stopped else "hourly")
    state = after.client.get(f"{path}/triggers/hourly").json()["properties"]["runtimeState"]
    assert state == ("Stopped" if stopped else "Started")
