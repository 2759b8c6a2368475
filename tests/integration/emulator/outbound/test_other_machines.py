"""Pipelines reach no other machine unless it was allowed by name, whichever way they get its address."""

import asyncio
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from adf_trigger.emulator.outbound.allowed_hosts import AllowedHosts
from adf_trigger.emulator.outbound.surroundings import HostNotAllowed, Surroundings

ELSEWHERE = "production.invalid"
"""A name that no resolver knows, by RFC 6761: a call to it would fail with another message."""


class _Redirects(BaseHTTPRequestHandler):
    """Answers /redirect with a redirect elsewhere, and /later with a 202 whose Location is there."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(202 if self.path == "/later" else 307)
        self.send_header("Location", f"http://{ELSEWHERE}/there")
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = _answer  # noqa: N815 - the base class's names

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def here() -> Iterator[str]:
    """URL of a server of this machine that redirects elsewhere."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Redirects) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def documents(here: str) -> dict[str, dict[str, dict[str, Any]]]:
    """A repository whose pipelines each call another machine in one way."""
    rest = {"referenceName": "Rest", "type": "DatasetReference"}
    dynamic = {"value": "@concat('http://', pipeline().parameters.host, '/x')", "type": "Expression"}

    def call(kind: str, url: object, **more: object) -> dict[str, Any]:
        properties = {"url": url, "method": "POST", "body": "{}", **more}
        return {"name": "Call", "type": kind, "typeProperties": properties}

    activities: dict[str, dict[str, Any]] = {
        "Web": call("WebActivity", f"https://{ELSEWHERE}/x"),
        "Dynamic": call("WebActivity", dynamic),
        "Redirect": call("WebActivity", f"{here}/redirect"),
        "Later": call("WebActivity", f"{here}/later"),
        "Unverified": call("WebActivity", f"https://{ELSEWHERE}/x", disableCertValidation=True),
        "Hook": call("WebHook", f"https://{ELSEWHERE}/x"),
        "Function": {
            "name": "Call",
            "type": "AzureFunctionActivity",
            "linkedServiceName": {"referenceName": "Functions", "type": "LinkedServiceReference"},
            "typeProperties": {"functionName": "f", "method": "GET"},
        },
        "Rest": {
            "name": "Call",
            "type": "Lookup",
            "typeProperties": {"dataset": rest, "source": {"type": "RestSource", "requestMethod": "GET"}},
        },
        "Blob": {
            "name": "Call",
            "type": "GetMetadata",
            "typeProperties": {
                "dataset": {"referenceName": "Blob", "type": "DatasetReference"},
                "fieldList": ["exists"],
            },
        },
        "Vault": call(
            "WebActivity",
            here,
            headers={},
            authentication={
                "type": "Basic",
                "username": "u",
                "password": {
                    "type": "AzureKeyVaultSecret",
                    "store": {"referenceName": "Vault", "type": "LinkedServiceReference"},
                    "secretName": "s",
                },
            },
        ),
    }
    linked = {
        "Functions": ("AzureFunction", {"functionAppUrl": f"https://{ELSEWHERE}", "authentication": "Anonymous"}),
        "Rest": ("RestService", {"url": f"https://{ELSEWHERE}", "authenticationType": "Anonymous"}),
        "Blob": ("AzureBlobStorage", {"serviceEndpoint": f"https://{ELSEWHERE}", "accountKey": "a2V5"}),
        "Vault": ("AzureKeyVault", {"baseUrl": f"https://{ELSEWHERE}"}),
    }  # fmt: skip
    parameters = {"host": {"type": "String", "defaultValue": ELSEWHERE}}
    return {
        "linkedService": {name: {"type": kind, "typeProperties": held} for name, (kind, held) in linked.items()},
        "dataset": {
            "Rest": {"type": "RestResource", "linkedServiceName": _to("Rest"), "typeProperties": {}},
            "Blob": {
                "type": "Binary",
                "linkedServiceName": _to("Blob"),
                "typeProperties": {"location": {"type": "AzureBlobStorageLocation", "container": "c"}},
            },
        },
        "pipeline": {name: {"activities": [one], "parameters": parameters} for name, one in activities.items()},
    }  # fmt: skip


def _to(name: str) -> dict[str, str]:
    return {"referenceName": name, "type": "LinkedServiceReference"}


@pytest.mark.parametrize(
    "pipeline",
    ["Web", "Dynamic", "Redirect", "Later", "Unverified", "Hook", "Function", "Rest", "Blob", "Vault"],
)
def test_another_machine_is_rejected_by_name(served: Any, here: str, pipeline: str) -> None:
    """Whichever way a run gets the name, it is not resolved, and the run's message says what allows it."""
    path = served.create_factory(identity={"type": "SystemAssigned"})
    resources = documents(here)
    for kind, collection in (("linkedService", "linkedservices"), ("dataset", "datasets")):
        for name, properties in resources[kind].items():
            served.put(f"{path}/{collection}/{name}", properties)
    served.put(f"{path}/pipelines/{pipeline}", resources["pipeline"][pipeline])
    run_id = served.client.post(f"{path}/pipelines/{pipeline}/createRun").json()["runId"]
    run = served.wait_for(path, run_id)
    assert run["status"] == "Failed"
    assert f"--allow-host {ELSEWHERE}" in run["message"]


def test_a_machine_that_is_allowed_is_called() -> None:
    """It is resolved then, which fails here; a redirect from it to another machine is still rejected."""

    async def call(surroundings: Surroundings, url: str) -> None:
        async with surroundings.client() as client:
            await client.get(url, follow_redirects=True)

    allowed = Surroundings(allowed=AllowedHosts.of([ELSEWHERE]))
    with pytest.raises(httpx.ConnectError) as looked_up:
        asyncio.run(call(allowed, f"http://{ELSEWHERE}/x"))
    assert not isinstance(looked_up.value, HostNotAllowed)
    with pytest.raises(HostNotAllowed, match=r"--allow-host other\.invalid"):
        asyncio.run(call(allowed, "http://other.invalid/x"))
