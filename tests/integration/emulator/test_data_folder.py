"""The data folder survives the emulator."""

import stat
from pathlib import Path
from typing import Any
from uuid import uuid4

from adf_trigger.emulator.common.options import Options
from adf_trigger.emulator.hosting.app import DATABASE, FactoryConfig

WAIT = {"name": "w", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 600}}
WINDOW = {"lastUpdatedAfter": "2000-01-01T00:00:00Z", "lastUpdatedBefore": "2100-01-01T00:00:00Z"}


def test_resources_and_runs_are_there_after_a_restart(
    serve: Any, token_authority: Any, tmp_path: Path
) -> None:
    """Factories, documents, ended runs and their activity runs come back as they were."""
    config = FactoryConfig(data=tmp_path / "data", tokens=token_authority, options=Options())
    before = serve(config)
    path = before.create_factory("CamelCase")
    wait = {"name": "w", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 0}}
    before.put(f"{path}/pipelines/p", {"activities": [wait]})
    run_id = before.client.post(f"{path}/pipelines/p/createRun").json()["runId"]
    urls = (path, f"{path}/pipelines/p", f"{path}/pipelineruns/{run_id}")
    before.wait_for(path, run_id)
    shown = [before.client.get(url).json() for url in urls]
    rows = before.client.post(f"{path}/pipelineruns/{run_id}/queryActivityruns").json()
    before.stop()

    after = serve(config)
    assert [after.client.get(url).json() for url in urls] == shown
    assert after.client.post(f"{path}/pipelineruns/{run_id}/queryActivityruns").json() == rows
    assert rows["value"]


def test_an_interrupted_run_has_ended_and_its_id_is_still_known(
    serve: Any, token_authority: Any, tmp_path: Path
) -> None:
    """A run in progress when the emulator stopped has ended after the restart; its id returns the same run."""
    config = FactoryConfig(data=tmp_path, tokens=token_authority)
    before = serve(config)
    path = before.create_factory()
    before.put(f"{path}/pipelines/p", {"activities": [WAIT]})
    headers = {"x-ms-client-request-id": str(uuid4())}
    run_id = before.client.post(f"{path}/pipelines/p/createRun", headers=headers).json()["runId"]
    while before.client.get(f"{path}/pipelineruns/{run_id}").json()["status"] != "InProgress":
        pass
    before.stop()

    after = serve(config)
    assert after.wait_for(path, run_id)["status"] == "Failed"
    again = after.client.post(f"{path}/pipelines/p/createRun", headers=headers).json()["runId"]
    assert again == run_id
    assert len(after.client.post(f"{path}/queryPipelineRuns", json=WINDOW).json()["value"]) == 1


def test_only_its_owner_can_read_the_database(serve: Any, token_authority: Any, tmp_path: Path) -> None:
    """The file with the secrets of linked services is readable by its owner alone."""
    serve(FactoryConfig(data=tmp_path, tokens=token_authority))
    assert stat.S_IMODE((tmp_path / DATABASE).stat().st_mode) == 0o600
