"""The contents of a data folder are inspected at each start, without the repository that they came from."""

import json
from pathlib import Path
from typing import Any

from adf_trigger.emulator.commands.loader import inspect_factory, load_factory
from adf_trigger.emulator.commands.loading import LoadRequest
from adf_trigger.emulator.outbound.allowed_hosts import AllowedHosts

CALL = {
    "name": "Tell",
    "type": "WebActivity",
    "typeProperties": {"url": "https://p.invalid/", "method": "GET"},
}
PIPELINES: dict[str, list[dict[str, Any]]] = {
    "Tells": [CALL],
    "Transforms": [{"name": "Flow", "type": "ExecuteDataFlow"}],
    "Waits": [{"name": "Pause", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 1}}],
}


def test_pipelines_that_can_fail_are_found_without_the_repository(tmp_path: Path) -> None:
    """The same pipelines and reasons are listed; a machine that has been allowed since is not."""
    (folder := tmp_path / "repository" / "pipeline").mkdir(parents=True)
    for name, activities in PIPELINES.items():
        (folder / f"{name}.json").write_text(
            json.dumps({"name": name, "properties": {"activities": activities}})
        )
    (home := tmp_path / "emulator").mkdir()
    assert inspect_factory(home, AllowedHosts()).lines == []
    loaded = load_factory(home, LoadRequest(source=folder.parent))
    found = inspect_factory(home, AllowedHosts())
    assert found.failing == loaded.failing == {"Tells", "Transforms"}
    assert list(found.lines) == [line for line in loaded.lines if not line.startswith("Loaded")]
    assert inspect_factory(home, AllowedHosts.of(["p.invalid"])).failing == {"Transforms"}
