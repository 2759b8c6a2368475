"""The local Data Factory alone, as a process: kept over restarts, and loaded from a repository's folder."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.identity import ClientSecretCredential
from azure.mgmt.datafactory import DataFactoryManagementClient

ROOT = Path(__file__).parents[3]
LOCAL = [sys.executable, "-m", "adf_trigger.local"]
ALONE = [sys.executable, "-m", "adf_trigger.emulator"]


@contextmanager
def factory(data: Path, *options: str) -> Iterator[dict[str, Any]]:
    """`factory` on a data folder; what it says when it is ready."""
    with subprocess.Popen(
        [*LOCAL, "factory", "--data", str(data), "--json", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


def pipelines(facts: dict[str, Any], name: str) -> set[str]:
    """The pipelines of a factory, as the official SDK lists them over https."""
    credential = ClientSecretCredential(
        facts["tenant_id"],
        facts["client_id"],
        facts["client_secret"],
        authority=facts["authority_url"],
        disable_instance_discovery=True,
        connection_verify=facts["ca_file"],
    )
    subscription, group = facts["factory_id"].split("/")[2], facts["factory_id"].split("/")[4]
    with DataFactoryManagementClient(
        credential, subscription, base_url=facts["management_tls_url"], connection_verify=facts["ca_file"]
    ) as client:
        return {str(each.name) for each in client.pipelines.list_by_factory(group, name)}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The folder of a factory's Git repository."""
    folder = tmp_path / "repository"
    files: dict[str, Any] = {
        "pipeline/Pause.json": {
            "properties": {
                "activities": [{"name": "W", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 1}}]
            }
        },
        "linkedService/Store.json": {
            "properties": {"type": "AzureBlobStorage", "typeProperties": {"connectionString": "cloud"}}
        },
    }
    for name, document in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"name": file.stem, **document}))
    return folder


def load(folder: Path, data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`import` a folder."""
    return subprocess.run(
        [*LOCAL, "import", str(folder), "--data", str(data), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_imported_factory_is_served_and_survives_a_restart(repository: Path, tmp_path: Path) -> None:
    """Imported resources are there for the official SDK, at this start and the next, with the same secret."""
    data = tmp_path / "data"
    override = tmp_path / "store.json"
    override.write_text(
        json.dumps({"type": "AzureBlobStorage", "typeProperties": {"connectionString": "local"}})
    )
    loaded = load(repository, data, "--factory", "from-git", "--linked-service", f"Store={override}")
    assert loaded.returncode == 0, loaded.stderr
    assert "1 pipeline" in loaded.stdout
    secrets = set()
    for _ in range(2):
        with factory(data) as facts:
            assert pipelines(facts, "from-git") == {"Pause"}
            secrets.add(facts["client_secret"])
    assert len(secrets) == 1


def test_a_folder_with_faults_is_refused_with_all_of_them(repository: Path, tmp_path: Path) -> None:
    """Each document that cannot be loaded is named."""
    (repository / "pipeline" / "Bad.json").write_text(
        json.dumps({"name": "Bad", "properties": {"activities": 7}})
    )
    loaded = load(repository, tmp_path / "data")
    assert loaded.returncode == 1
    assert "Bad" in loaded.stderr
    assert load(tmp_path / "nowhere", tmp_path / "data").returncode == 1


def test_one_folder_serves_one_process(tmp_path: Path) -> None:
    """A folder in use is refused, not shared, by whichever name the command is run."""
    data = tmp_path / "data"
    with factory(data):
        for command in ([*LOCAL, "factory"], [*ALONE, "serve"], [*ALONE, "import", "nowhere"]):
            second = subprocess.run(
                [*command, "--data", str(data)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert second.returncode == 1, command
            assert "in use" in second.stderr


def test_secrets_come_by_a_file_and_stay_in_memory(tmp_path: Path) -> None:
    """The control API lists their names; the values are in no file of the data folder."""
    file, data = tmp_path / "secrets.json", tmp_path / "data"
    file.write_text(json.dumps({"ls_keyvault": {"password": "very-s3cret"}}))
    with factory(data, "--secrets", str(file)) as facts:
        assert httpx.get(f"{facts['control_url']}/secrets").json() == {"ls_keyvault": ["password"]}
        assert not any(b"very-s3cret" in kept.read_bytes() for kept in data.rglob("*") if kept.is_file())
