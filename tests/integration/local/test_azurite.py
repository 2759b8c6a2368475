"""The real Azurite installs once, starts on free ports, and keeps its data."""

import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from adf_trigger.local.azurite import Azurite, AzuriteInstallError, install
from adf_trigger.local.azurite.server import LOAD_LATER
from adf_trigger.local.processes.node import NODE
from adf_trigger.local.processes.process import StartFailed

ROOT = Path(__file__).parents[3]


def test_acknowledged_data_survives_a_stop(tmp_path: Path) -> None:
    """A message, an entity and a blob exist after a stop and a start, although clients were connected."""
    data = tmp_path / "data"
    with (
        Azurite(log=tmp_path / "log", location=data) as first,
        QueueServiceClient.from_connection_string(first.connection_string) as queues,
        TableServiceClient.from_connection_string(first.connection_string) as tables,
        BlobServiceClient.from_connection_string(first.connection_string) as blobs,
    ):
        queues.create_queue("kept").send_message("message")
        tables.create_table("kept").create_entity({"PartitionKey": "p", "RowKey": "r", "v": 7})
        blobs.create_container("kept").upload_blob("b", b"bytes")
        first.stop()
    with (
        Azurite(log=tmp_path / "log", location=data) as second,
        QueueServiceClient.from_connection_string(second.connection_string) as queues,
        TableServiceClient.from_connection_string(second.connection_string) as tables,
        BlobServiceClient.from_connection_string(second.connection_string) as blobs,
    ):
        assert [message.content for message in queues.get_queue_client("kept").peek_messages()] == ["message"]
        assert tables.get_table_client("kept").get_entity("p", "r")["v"] == 7
        assert blobs.get_blob_client("kept", "b").download_blob().readall() == b"bytes"


def test_two_azurites_are_separate(tmp_path: Path, azurite: str) -> None:
    """Each has ports and data of its own."""
    with (
        Azurite(log=tmp_path / "log") as other,
        QueueServiceClient.from_connection_string(other.connection_string) as others,
        QueueServiceClient.from_connection_string(azurite) as ours,
    ):
        others.create_queue("only-there")
        assert "only-there" not in {queue.name for queue in ours.list_queues()}


def test_entities_are_identified_by_partition_and_row(azurite: str) -> None:
    """Whichever of the two keys they share: each is read, changed and deleted alone."""
    keys = [(partition, row) for partition in ("p", "q") for row in ("r", "s")]
    with TableServiceClient.from_connection_string(azurite) as tables:
        table = tables.create_table("apart")
        for partition, row in keys:
            table.create_entity({"PartitionKey": partition, "RowKey": row, "v": f"{partition}{row}"})
        assert [table.get_entity(*each)["v"] for each in keys] == ["pr", "ps", "qr", "qs"]
        table.upsert_entity({"PartitionKey": "q", "RowKey": "r", "v": "new"})
        table.delete_entity("p", "s")
        with pytest.raises(ResourceNotFoundError):
            table.get_entity("p", "s")
        assert [each["v"] for each in table.query_entities("RowKey eq 'r'")] == ["pr", "new"]
        assert table.get_entity("q", "s")["v"] == "qs"
        tables.delete_table("apart")


def test_a_taken_port_is_an_error(tmp_path: Path) -> None:
    """A start on a taken port fails immediately, with Azurite's own message."""
    with Azurite(log=tmp_path / "first") as first:
        port = int(first.queue_url.split(":")[2].split("/")[0])
        with pytest.raises(StartFailed, match="EADDRINUSE"):
            Azurite(log=tmp_path / "second", queue_port=port)


def test_unused_parts_of_azurite_are_loaded_on_demand() -> None:
    """Its telemetry and its SQL server are not loaded at the start; on demand, each works as usual."""
    code = f"""
        const {{ createRequire }} = require("node:module");
        const own = createRequire({str(install())!r});
        const server = own("./blob/BlobServerFactory");
        const telemetry = own("./common/Telemetry").AzuriteTelemetryClient;
        const loaded = (name) => Object.keys(require.cache).some((file) => file.includes(`/node_modules/${{name}}/`));
        const names = ["sequelize", "applicationinsights", "express"];
        const before = names.map(loaded);
        const kinds = [typeof telemetry.appInsights.setup, typeof own("./blob/SqlBlobServer").default];
        console.log(JSON.stringify([typeof server.BlobServerFactory, before, kinds]));
        """
    done = subprocess.run(
        [NODE, "--require", str(LOAD_LATER), "-e", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == ["function", [False, False, True], ["function", "function"]]


def test_a_second_installation_is_immediate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is installed, npm is not called: it could not answer here."""
    script = install()
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    assert install() == script
    assert script.is_file()


def test_a_failed_installation_reports_npms_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a registry the error has npm's reason, and no installation is recorded."""
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with pytest.raises(AzuriteInstallError, match="ECONNREFUSED"):
        install(tmp_path / "tools")
    assert [
        entry.name for entry in (tmp_path / "tools").glob("azurite-*") if entry.suffix != ".unfinished"
    ] == []


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Manifests of a package with Azurite's name and script: npm installs it as it does Azurite, in a moment."""
    folder, version = tmp_path / "small", "0.0.1"
    folder.mkdir()
    package = folder / "azurite.tgz"
    files = {"package.json": json.dumps({"name": "azurite", "version": version}), "dist/src/azurite.js": "//"}
    with tarfile.open(package, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    own = {"dependencies": {"azurite": version}}
    pinned = {"version": version, "resolved": package.as_uri()}
    lock = {"lockfileVersion": 3, "packages": {"": own, "node_modules/azurite": pinned}}
    (folder / "package.json").write_text(json.dumps(own))
    (folder / "package-lock.json").write_text(json.dumps(lock))
    return folder


def test_two_processes_may_install_concurrently(tmp_path: Path, small: Path) -> None:
    """One installs, the other waits; neither a killed installation nor one without its script disturbs them."""
    root = tmp_path / "tools"
    folder = install(root, small).parents[4]
    shutil.rmtree(folder)
    stale = folder.with_name(f"{folder.name}.unfinished")
    (stale / "node_modules").mkdir(parents=True)
    folder.mkdir()
    code = (
        "import sys; from pathlib import Path; from adf_trigger.local.azurite import install;"
        "print(install(*map(Path, sys.argv[1:])))"
    )
    command = [sys.executable, "-c", code, str(root), str(small)]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    scripts = {Path(process.communicate()[0].strip()) for process in both}
    assert [process.returncode for process in both] == [0, 0]
    (script,) = scripts
    assert script.is_file()
    assert script.is_relative_to(folder)
    assert not stale.exists()
