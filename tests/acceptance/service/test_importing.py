"""Importing the app, in a process of its own: it opens no connection, and its functions are always there."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.world import FACTORY_ID

ROOT = Path(__file__).parents[3]
IMPORT_LIMIT = 60.0
"""Seconds: Flex Consumption gives 30 to start a worker, on a machine that is less busy than a test's."""
SCRIPT = """
import json, sys, time
begun = time.monotonic()
import function_app
found = {}
for function in function_app.app.get_functions():
    trigger = function.get_trigger().get_dict_repr()
    found[function.get_function_name()] = trigger.get("queueName") or trigger.get("schedule") or trigger["route"]
print(json.dumps({"seconds": time.monotonic() - begun, "functions": found}))
"""
FUNCTIONS = {
    "start_run", "start_runs", "take_events", "get_run", "get_run_result", "openapi", "console",
    "list_runs", "list_activities", "list_pipelines", "get_pipeline",
    "cancel_run", "rerun_run", "resolve_run", "replay_run", "hold_factory", "release_factory",
    "health", "health_details", "acknowledge_ledger", "take_request", "take_poison", "tick",
}  # fmt: skip
NAMED = {"ADF_TRIGGER_FACTORIES": FACTORY_ID}


class Abyss:
    """Takes every connection and never answers; counts them."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.taken: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                self.taken.append(self._server.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        """Let go of all."""
        self._server.close()
        for connection in self.taken:
            connection.close()


@pytest.fixture
def abyss() -> Iterator[Abyss]:
    """An identity endpoint and a storage account that hang."""
    abyss = Abyss()
    yield abyss
    abyss.close()


def imported(environ: dict[str, str]) -> tuple[dict[str, Any], str]:
    """What importing the app gives in a new process with these settings alone, and its log."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found, done.stderr


def by_key(url: str) -> str:
    """A connection string whose services are at one address."""
    services = ";".join(f"{name}Endpoint={url}/account" for name in ("Blob", "Queue", "Table"))
    return f"DefaultEndpointsProtocol=http;AccountName=account;AccountKey=a2V5;{services};"


@pytest.mark.parametrize("way", ["by key", "by identity", "as a service principal", "behind a proxy"])
def test_import_opens_no_connection(abyss: Abyss, way: str) -> None:
    """With identity and storage hanging, the import ends immediately, and neither was called."""
    secure = abyss.url.replace("http", "https")
    by_identity = {
        "AzureWebJobsStorage__queueServiceUri": secure,
        "AzureWebJobsStorage__tableServiceUri": secure,
        "AzureWebJobsStorage__clientId": "00000000-0000-0000-0000-000000000009",
        "IDENTITY_ENDPOINT": f"{abyss.url}/msi/token",
        "IDENTITY_HEADER": "header",
    }
    principal = {
        "ADF_TRIGGER_CREDENTIAL": "service-principal",
        "AZURE_TENANT_ID": "00000000-0000-0000-0000-000000000008",
        "AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000007",
        "AZURE_CLIENT_SECRET": "secret",
        "AZURE_AUTHORITY_HOST": secure,
    }
    environ = {
        "by key": {"AzureWebJobsStorage": by_key(abyss.url)},
        "by identity": by_identity,
        "as a service principal": {**by_identity, **principal},
        "behind a proxy": {**by_identity, "HTTP_PROXY": abyss.url, "HTTPS_PROXY": abyss.url},
    }[way]
    begun = time.monotonic()
    found, _ = imported({**NAMED, "ADF_TRIGGER_MANAGEMENT_ENDPOINT": abyss.url, **environ})
    assert time.monotonic() - begun < IMPORT_LIMIT
    assert abyss.taken == []
    assert set(found["functions"]) == FUNCTIONS
    assert found["functions"]["take_request"] == "adf-run-requests"


def test_faulty_settings_leave_every_function_and_no_message_read() -> None:
    """The queue functions are bound to a name that does not resolve; the timer keeps its own right schedule."""
    found, log = imported(
        {
            "ADF_TRIGGER_FACTORIES": "nonsense",
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "ADF_TRIGGER_POLL_SCHEDULE": "*/5 * * * * *",
            "ADF_TRIGGER_TICK_CALLS": "many",
        }
    )
    assert set(found["functions"]) == FUNCTIONS
    queue = found["functions"]["take_request"]
    assert queue.startswith("%ADF_TRIGGER_")
    assert queue.endswith("%")
    assert found["functions"]["take_poison"] == f"{queue}-poison"
    assert found["functions"]["tick"] == "*/5 * * * * *"
    assert "ADF_TRIGGER_FACTORIES" in log
    assert "ADF_TRIGGER_TICK_CALLS" in log


@pytest.mark.parametrize(
    "environ",
    [
        {"ADF_TRIGGER_CA_FILE": "/nowhere/ca.pem"},
        {"AzureWebJobsStorage": "nonsense"},
        {
            "AzureWebJobsStorage": "BlobEndpoint=https://a.blob.core.windows.net;SharedAccessSignature=sv=1&sig=hush"
        },
        {"ADF_TRIGGER_POLL_SCHEDULE": "often"},
        {
            "ADF_TRIGGER_CREDENTIAL": "service-principal",
            "AZURE_TENANT_ID": "t",
            "AZURE_CLIENT_ID": "c",
            "AZURE_CLIENT_CERTIFICATE_PATH": "/nowhere/cert.pem",
            "AzureWebJobsStorage": "",
            "AzureWebJobsStorage__accountName": "account",
        },
    ],
)
def test_a_fault_that_shows_only_in_use_is_a_fault_of_the_settings_too(environ: dict[str, str]) -> None:
    """A file that is not there or a connection string that is none neither ends the import nor lets a message in."""
    found, log = imported({**NAMED, "AzureWebJobsStorage": "UseDevelopmentStorage=true", **environ})
    assert set(found["functions"]) == FUNCTIONS
    assert found["functions"]["take_request"].startswith("%")
    assert "hush" not in log


def test_an_instance_that_is_warmed_up_without_settings_waits_for_them() -> None:
    """Nothing is set yet: the host looks the queue up under the name that the template sets."""
    found, _ = imported({})
    assert set(found["functions"]) == FUNCTIONS
    assert found["functions"]["take_request"] == "%ADF_TRIGGER_REQUESTS_QUEUE%"
    assert found["functions"]["take_poison"] == "%ADF_TRIGGER_REQUESTS_QUEUE%-poison"
