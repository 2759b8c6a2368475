"""The README's recipes by identity, run as they stand, against storage that checks tokens.

Azurite checks issuer, audience and times of a token, and no roles: those are held by the tests of the deployment.
"""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests
import trustme
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.storage.queue import QueueClient, QueueServiceClient

from adf_trigger.local.azurite.install import install
from adf_trigger.local.azurite.server import ACCOUNT, ACCOUNT_KEY
from adf_trigger.local.processes.environment import child_environment
from adf_trigger.local.processes.node import NODE
from adf_trigger.local.processes.process import Process
from tests.support.documents import ROOT, marked_blocks, run
from tests.support.local_stack import TIMEOUTS, LocalStack

BLOCKS = marked_blocks((ROOT / "README.md").read_text("utf-8"))
BY_IDENTITY = [block.code for block in BLOCKS if block.kind == "identity"]
SIGNED_IN = [block.code for block in BLOCKS if block.kind == "signedin"]
EVENT = {"id": "4f64d732/Succeeded", "type": "dev.adf-trigger.run.succeeded"}
EVENT_DATA = {"status": "Succeeded", "message": None}


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The queue endpoint of an Azurite that takes tokens, over TLS, and the authority to trust for it."""
    folder = tmp_path_factory.mktemp("storage")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(folder / "cert.pem", append=True)
    tls = ["--oauth", "basic", "--cert", folder / "cert.pem", "--key", folder / "key.pem"]
    ports = [word for service in ("blob", "queue", "table") for word in (f"--{service}Port", 0)]
    options = [
        "--silent",
        "--disableTelemetry",
        "--skipApiVersionCheck",
        "--inMemoryPersistence",
        *tls,
        *ports,
    ]
    command = [NODE, str(install()), *map(str, options)]
    process = Process("azurite", command, log=folder / "log", env=child_environment())
    try:
        yield process.wait_until_ready(_queues, timeout=60), folder / "ca.pem"
    finally:
        process.stop()


def _queues(output: str) -> str | None:
    found = re.search(r"Queue service is successfully listening at (https://\S+)", output)
    return f"{found[1]}/{ACCOUNT}" if found else None


@pytest.fixture(scope="module")
def stack(warm: str) -> Iterator[LocalStack]:
    """A stack whose managed identity gives tokens."""
    with LocalStack(warm=warm) as running:
        yield running


@pytest.fixture
def variables(stack: LocalStack, storage: tuple[str, Path]) -> Mapping[str, str]:
    """What an app with a managed identity finds in its environment, and what the README asks for."""
    url, authority = storage
    return {
        "IDENTITY_ENDPOINT": stack.endpoints.identity_endpoint,
        "IDENTITY_HEADER": stack.endpoints.identity_header,
        "QUEUES_URL": url,
        "REQUESTS_CA_BUNDLE": str(authority),
    }


@pytest.fixture
def queues(storage: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[QueueServiceClient]:
    """The account's queues, by its key."""
    url, authority = storage
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
    with QueueServiceClient(url, credential={"account_name": ACCOUNT, "account_key": ACCOUNT_KEY}) as client:
        for name in ("adf-run-requests", "adf-run-events"):
            client.create_queue(name)
        yield client
        for name in ("adf-run-requests", "adf-run-events"):
            client.delete_queue(name)


def test_a_message_is_put_by_identity_for_ever(
    variables: Mapping[str, str], queues: QueueServiceClient
) -> None:
    """The token is taken, the message is a request, and it does not expire."""
    done = run("python", BY_IDENTITY[0], variables=variables)
    assert done.returncode == 0, done.stderr
    (message,) = queues.get_queue_client("adf-run-requests").peek_messages()
    assert json.loads(message.content)["requestId"] == "nightly-by-identity"
    assert message.expires_on is not None
    assert message.expires_on.year == 9999


def test_events_are_read_by_identity(variables: Mapping[str, str], queues: QueueServiceClient) -> None:
    """The token is taken, the event is shown, and it is gone from the queue."""
    events = queues.get_queue_client("adf-run-events")
    events.send_message(base64.b64encode(json.dumps({**EVENT, "data": EVENT_DATA}).encode()).decode())
    done = run("python", BY_IDENTITY[1], variables=variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:3] == [EVENT["id"], EVENT["type"], "Succeeded"]
    assert events.peek_messages() == []


class Stranger:
    """A credential whose token is for another audience."""

    def __init__(self, stack: LocalStack) -> None:
        self._endpoints = stack.endpoints

    def get_token(self, *_: str, **__: object) -> AccessToken:
        answer = requests.get(
            self._endpoints.identity_endpoint,
            params={"api-version": "2019-08-01", "resource": "https://management.azure.com"},
            headers={"X-IDENTITY-HEADER": self._endpoints.identity_header},
            timeout=TIMEOUTS,
        ).json()
        return AccessToken(answer["access_token"], int(answer["expires_on"]))


def test_a_token_for_something_else_is_refused(
    stack: LocalStack, storage: tuple[str, Path], queues: QueueServiceClient
) -> None:
    """The storage of these tests looks at tokens, so that the recipes ask for the right ones."""
    with (
        QueueClient(storage[0], "adf-run-requests", credential=Stranger(stack)) as stranger,
        pytest.raises(ClientAuthenticationError),
    ):
        stranger.send_message("x")
    assert queues.get_queue_client("adf-run-requests").peek_messages() == []


@pytest.mark.skipif(shutil.which("az") is None, reason="the Azure CLI is not installed here")
@pytest.mark.parametrize("code", SIGNED_IN)
def test_az_takes_the_recipes_and_asks_to_be_signed_in(code: str, tmp_path: Path) -> None:
    """Every option is one of az, which then wants a person who is signed in."""
    done: subprocess.CompletedProcess[str] = run(
        "bash", code, variables={"STORAGE_ACCOUNT": "acme", "AZURE_CONFIG_DIR": str(tmp_path)}
    )
    assert done.returncode != 0
    assert "az login" in done.stderr
