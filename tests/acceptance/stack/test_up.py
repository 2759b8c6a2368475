"""`up` brings the whole local stack up, says where everything is, and answers there."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from azure.data.tables import TableServiceClient
from azure.identity import CertificateCredential, ClientSecretCredential
from azure.mgmt.datafactory import DataFactoryManagementClient
from azure.storage.queue import QueueServiceClient

from adf_trigger.local.azurite import install
from adf_trigger.local.processes.process import StartFailed
from adf_trigger.local.stack.endpoints import Endpoints
from adf_trigger.local.stack.stack import StackConfig
from tests.acceptance.stack.up_process import PATIENT_SECONDS, ROOT, Up, eventually
from tests.support.warm import WarmStack

READY_SECONDS = 15.0
"""Within this a stack is ready on a machine that has nothing else to do."""
SCOPE = "https://management.azure.com/.default"
API_VERSION = {"api-version": "2018-06-01"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of the shared stack."""
    return tmp_path_factory.mktemp("stack") / "data"


@pytest.fixture(scope="module")
def shared(folder: Path, warm: str) -> Iterator[Endpoints]:
    """A stack for tests that only look."""
    with WarmStack(StackConfig(data=folder), warm) as endpoints:
        yield endpoints


def healthy(endpoints: Endpoints) -> bool:
    """Whether the app says, once its timer has run, that all is well that it needs."""
    return eventually(
        lambda: requests.get(f"{endpoints.functions_url}/api/health", timeout=60).json()["status"] == "ok"
    )


def credential_options(endpoints: Endpoints) -> dict[str, Any]:
    """What azure-identity needs to talk to the local stack's authority."""
    return {
        "authority": endpoints.authority_url,
        "disable_instance_discovery": True,
        "connection_verify": endpoints.ca_file,
    }


def token(endpoints: Endpoints) -> str:
    """A bearer token of the local stack's service principal."""
    with ClientSecretCredential(
        endpoints.tenant_id, endpoints.client_id, endpoints.client_secret, **credential_options(endpoints)
    ) as credential:
        return credential.get_token(SCOPE).token


def test_all_is_ready_in_time_and_answers(up: Callable[..., Up]) -> None:
    """One JSON line within 15 seconds; by then every part answers, at the very addresses that it names.

    No listening socket of the stack can be reached from another machine.
    """
    install()
    started = time.monotonic()
    running = up()
    endpoints = running.ready()
    share = max(
        1.0, os.getloadavg()[0] / (os.cpu_count() or 1)
    )  # other tests and people use the processors too
    assert time.monotonic() - started < READY_SECONDS * share

    assert healthy(endpoints)
    factory = requests.get(
        endpoints.management_url + endpoints.factory_id,
        params=API_VERSION,
        headers={"Authorization": f"Bearer {token(endpoints)}"},
        timeout=60,
    )
    assert (factory.status_code, factory.json()["id"]) == (200, endpoints.factory_id)
    identity = requests.get(
        endpoints.identity_endpoint,
        params={"api-version": "2019-08-01", "resource": "https://management.azure.com"},
        headers={"X-IDENTITY-HEADER": endpoints.identity_header},
        timeout=60,
    )
    assert identity.json()["access_token"]
    with QueueServiceClient.from_connection_string(endpoints.storage_connection_string) as queues:
        assert {queue.name for queue in queues.list_queues()} >= {
            endpoints.requests_queue,
            endpoints.rejected_queue,
            endpoints.events_queue,
        }
    with TableServiceClient.from_connection_string(endpoints.storage_connection_string) as tables:
        assert endpoints.table in {table.name for table in tables.list_tables()}
    assert endpoints.control_url == f"{endpoints.management_url}/_emulator"

    names = {name: psutil.Process(pid).cmdline() for name, pid in endpoints.pids.items()}
    assert names.keys() == {"azurite", "emulator", "functions"}
    assert any(word.endswith("azurite.js") for word in names["azurite"])
    assert "adf_trigger.emulator" in names["emulator"]
    assert "adf_trigger.functions_host" in names["functions"]

    listening = [
        connection.laddr
        for pid in endpoints.pids.values()
        for connection in psutil.Process(pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) == 12
    assert {address.ip for address in listening} == {"127.0.0.1"}

    folder = Path(endpoints.ca_file).parents[1]
    assert folder.is_dir()
    assert len(running.processes()) >= 4
    assert running.end(signal.SIGTERM) == 0
    assert running.rest_of_output() == ""
    assert running.processes() == []
    assert not folder.exists()


def test_the_official_sdk_reads_the_factory_over_https(shared: Endpoints) -> None:
    """The management address and the authority are good for Microsoft's own client, given our CA."""
    _, _, subscription, _, group, *_, name = shared.factory_id.split("/")
    with (
        ClientSecretCredential(
            shared.tenant_id, shared.client_id, shared.client_secret, **credential_options(shared)
        ) as credential,
        DataFactoryManagementClient(
            credential,
            subscription,
            base_url=shared.management_tls_url,
            credential_scopes=[SCOPE],
            connection_verify=shared.ca_file,
        ) as client,
    ):
        factory = client.factories.get(group, name)
    assert factory is not None
    assert factory.id == shared.factory_id


def test_the_registered_certificate_gets_a_token(shared: Endpoints) -> None:
    """The client certificate beside the CA is one that the emulated Entra ID knows."""
    pem = Path(shared.ca_file).with_name("client.pem")
    assert pem.stat().st_mode & 0o077 == 0
    with CertificateCredential(
        shared.tenant_id, shared.client_id, str(pem), **credential_options(shared)
    ) as credential:
        assert credential.get_token(SCOPE).token


def test_endpoints_are_kept_in_the_data_folder(shared: Endpoints, folder: Path) -> None:
    """Whoever knows the folder finds the endpoints there, in a file that only the owner can read."""
    path = folder / "endpoints.json"
    assert Endpoints.from_json(path.read_text()) == shared
    assert path.stat().st_mode & 0o077 == 0


def test_two_stacks_run_side_by_side(shared: Endpoints, warm: str) -> None:
    """Nothing is shared: ports, storage and factory are each one's own."""
    with WarmStack(StackConfig(), warm) as other:
        assert not set(shared.pids.values()) & set(other.pids.values())
        assert healthy(shared)
        assert healthy(other)
        with (
            QueueServiceClient.from_connection_string(shared.storage_connection_string) as here,
            QueueServiceClient.from_connection_string(other.storage_connection_string) as there,
        ):
            here.create_queue("only-here")
            assert "only-here" not in {queue.name for queue in there.list_queues()}


def test_chosen_options_are_used(up: Callable[..., Up], warm: str) -> None:
    """Ports can be chosen, so that others know them beforehand; `--any-group` accepts any resource group."""
    wanted = free_ports(3)
    endpoints = up(
        "--any-group",
        "--functions-port",
        str(wanted[0]),
        "--management-port",
        str(wanted[1]),
        "--queue-port",
        str(wanted[2]),
        warm=warm,
    ).ready()
    assert endpoints.functions_url == f"http://127.0.0.1:{wanted[0]}"
    assert endpoints.management_url == f"http://127.0.0.1:{wanted[1]}"
    assert f"QueueEndpoint=http://127.0.0.1:{wanted[2]}/" in endpoints.storage_connection_string
    assert healthy(endpoints)
    assert put_into_an_unmade_group(endpoints) == (200, None)


def test_resource_groups_must_exist_by_default(shared: Endpoints) -> None:
    """Without `--any-group`, no factory can be created in a resource group that does not exist."""
    assert put_into_an_unmade_group(shared) == (404, "ResourceGroupNotFound")


def put_into_an_unmade_group(endpoints: Endpoints) -> tuple[int, str | None]:
    """Status and code of what a new factory is answered."""
    subscription, named, _ = endpoints.factory_id.partition("/resourceGroups/local/")
    reply = requests.put(
        f"{endpoints.management_url}{subscription}/resourceGroups/unmade/providers/Microsoft.DataFactory/factories/there",
        params=API_VERSION,
        headers={"Authorization": f"Bearer {token(endpoints)}"},
        json={"location": "eastus"},
        timeout=60,
    )
    assert named
    return reply.status_code, reply.json().get("error", {}).get("code")


@pytest.mark.parametrize("part", ["queue", "identity", "functions"])
def test_a_port_that_is_taken_ends_it_with_the_reason(up: Callable[..., Up], part: str) -> None:
    """`up` fails with code 1, says by whom it is taken, and leaves nothing."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        running = up(f"--{part}-port", str(port))
        assert running.process.wait(PATIENT_SECONDS) == 1
    assert f"port {port} (--{part}-port) is taken by" in running.said()
    assert f"(process {os.getpid()})" in running.said()
    assert running.rest_of_output() == ""
    assert eventually(lambda: running.processes() == [])


def test_a_setting_that_is_wrong_ends_it_with_the_reason(up: Callable[..., Up], warm: str) -> None:
    """The app's own settings are checked before the app is started, and each fault is named."""
    running = up("--set", "ADF_TRIGGER_TABLE=1-bad", "--set", "ADF_TRIGGER_TICK_CALLS=none", warm=warm)
    assert running.process.wait(PATIENT_SECONDS) == 1
    assert "ADF_TRIGGER_TABLE" in running.said()
    assert "ADF_TRIGGER_TICK_CALLS" in running.said()
    assert eventually(lambda: running.processes() == [])


def test_app_settings_can_be_chosen_and_no_secret_is_logged(tmp_path: Path, warm: str) -> None:
    """Names and the kind of credential take effect; as a service principal the app uses TLS throughout."""
    chosen = {
        "ADF_TRIGGER_EVENTS_QUEUE": "other-events",
        "ADF_TRIGGER_TABLE": "otherruns",
        "ADF_TRIGGER_CREDENTIAL": "service-principal",
    }
    with WarmStack(StackConfig(data=tmp_path, settings=chosen), warm) as endpoints:
        assert (endpoints.events_queue, endpoints.table) == ("other-events", "otherruns")
        assert healthy(endpoints)
    logs = "".join(log.read_text() for log in (tmp_path / "logs").iterdir())
    assert "valid until" in logs  # of a token
    for secret in (endpoints.functions_key, endpoints.client_secret, endpoints.identity_header):
        assert secret not in logs


def test_setup_installs_azurite() -> None:
    """`setup` ends with code 0 and names what it has installed."""
    done = subprocess.run(
        [sys.executable, "-m", "adf_trigger.local", "setup"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert str(install()) in done.stderr


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago."""
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return ports


def test_an_app_that_cannot_be_imported_ends_the_start_with_what_to_do(tmp_path: Path, warm: str) -> None:
    """The host would answer 404 to everything and say nothing; nothing of the stack stays behind."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "function_app.py").write_text("import no_such_module\n", encoding="utf-8")
    starting = WarmStack(StackConfig(app=app), warm)
    with pytest.raises(StartFailed, match=r"could not be imported.*--forgiving"), starting:
        pass
    assert not [
        child for child in psutil.Process().children(recursive=True) if "functions_host" in str(child)
    ]
