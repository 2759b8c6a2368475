"""One stack for all tests of Azure's own names, watched: what of it would talk to another machine is written down."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from adf_trigger.emulator.commands.azure_environment import addresses, azure_environment
from adf_trigger.local.stack.endpoints import Endpoints
from adf_trigger.local.stack.stack import Stack, StackConfig
from tests.acceptance.azure_names.curl import ARM, Curl, sign_in
from tests.support.local_stack import NEVER

ROOT = Path(__file__).parents[3]
AZ = shutil.which("az") or str(ROOT / ".venv-az" / "bin" / "az")

WATCH = '''"""Writes down every name looked up and every address connected to that is not of this machine."""

import ipaddress
import os
import sys


def _is_local(host):
    if host is None or host in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _watch(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if not _is_local(host):
        with open(os.environ["WATCHED"], "a") as file:
            file.write(f"{event} {host} by {sys.argv}\\n")


sys.addaudithook(_watch)
'''
"""A `sitecustomize`, which Python runs at its start: for the stack's own processes, and for clients in Python."""


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell that has taken over `env --azure`.

    Attributes:
        endpoints: of the stack.
        variables: what `env --azure` sets.
        folder: where it works.
        watched: file of what went elsewhere.
    """

    endpoints: Endpoints
    variables: Mapping[str, str]
    folder: Path
    watched: Path

    @property
    def environment(self) -> dict[str, str]:
        """Of its processes."""
        watch = f"{self.folder}{os.pathsep}{ROOT}"
        return {**os.environ, **self.variables, "PYTHONPATH": watch, "WATCHED": str(self.watched)}

    def run(self, *command: str, check: bool = True, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; a variable that is changed to nothing is not set at all."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={name: value for name, value in (self.environment | changes).items() if value},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    def bash(self, code: str, *, check: bool = True) -> str:
        """What a script says; it stops at the first command that fails."""
        return self.run("bash", "-euo", "pipefail", "-c", code, check=check).stdout

    def elsewhere(self) -> list[str]:
        """The requests that were addressed to other machines."""
        return self.watched.read_text("utf-8").splitlines()


NOBODY = "nobody.blob.storage.invalid"
"""A storage account that no name leads to: the one other machine that pipelines of this stack may call."""


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """The stack, and a shell for its names."""
    folder = tmp_path_factory.mktemp("shell")
    (folder / "sitecustomize.py").write_text(WATCH)
    watched = folder / "watched"
    watched.touch()
    # A place of its own to announce itself in, so that `env` finds this stack and no other test's.
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    own = {"PYTHONPATH": str(folder), "WATCHED": str(watched), "XDG_RUNTIME_DIR": str(runtime)}
    before = {name: os.environ.get(name) for name in own}
    os.environ |= own
    try:
        config = StackConfig(data=folder / "stack", poll_schedule=NEVER, allow_hosts=(NOBODY,))
        with Stack(config) as endpoints:
            facts = json.loads(endpoints.to_json())
            variables = addresses(facts) | azure_environment(facts)
            Path(variables["AZURE_CONFIG_DIR"]).mkdir(exist_ok=True)
            yield Shell(endpoints, variables, folder, watched)
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@pytest.fixture(scope="session")
def az(shell: Shell) -> Callable[..., str]:
    """The Azure CLI, signed in as the stack's service principal."""
    if not Path(AZ).exists():
        pytest.skip("there is no Azure CLI: .ci/run makes one in .venv-az")

    def command(*words: str) -> str:
        # It brings a Python of its own, for which this project's folder has the wrong packages.
        return shell.run(AZ, *words, PYTHONPATH=str(shell.folder)).stdout

    variables = shell.variables
    secret = ("-u", variables["CLIENT_ID"], "-p", variables["CLIENT_SECRET"])
    command("login", "--service-principal", *secret, "--tenant", variables["TENANT_ID"])
    return command


@pytest.fixture
def python() -> str:
    """This Python."""
    return sys.executable


@pytest.fixture
def curl(shell: Shell) -> Curl:
    """Without a token yet."""
    return Curl(shell)


@pytest.fixture
def group(curl: Curl, shell: Shell) -> Iterator[str]:
    """A resource group of the reader's own; its path."""
    curl.token = sign_in(curl, shell, "https://management.core.windows.net/")
    path = f"/subscriptions/{shell.variables['AZURE_SUBSCRIPTION_ID']}/resourceGroups/docs-{uuid4().hex[:8]}"
    status, _, _ = curl.ask(
        "PUT",
        f"{ARM}{path}?api-version=2021-04-01",
        body='{"location": "eastus"}',
        Authorization=f"Bearer {curl.token}",
        Content_Type="application/json",
    )
    assert status == 201
    yield path
    curl.ask("DELETE", f"{ARM}{path}?api-version=2021-04-01", Authorization=f"Bearer {curl.token}")


@pytest.fixture
def container(shell: Shell) -> Iterator[ContainerClient]:
    """The container of the quickstarts, filled; emptied of what came out of other tests."""
    with BlobServiceClient.from_connection_string(shell.endpoints.storage_connection_string) as service:
        found = service.get_container_client("adftutorial")
        if not found.exists():
            found.create_container()
        for blob in found.list_blobs():
            found.delete_blob(blob.name)
        found.upload_blob("input/emp.txt", b"John, Doe\nJane, Doe\n")
        found.upload_blob("input/emp2.txt", b"Ada, Lovelace\n")
        yield found
