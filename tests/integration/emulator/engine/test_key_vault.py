"""Secrets of Key Vaults in whole pipelines: through the control API, and from a vault on a socket."""

import base64
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from azure.storage.blob import BlobServiceClient
from pydantic import SecretStr

from adf_trigger.emulator.hosting.app import FactoryConfig
from adf_trigger.emulator.identity.tokens import TokenAuthority

VALUE = "very-s3cret"
WRONG = "wr0ng-s3cret"


class Service:
    """An HTTP server that is a vault under /secrets/, and elsewhere an endpoint with basic authentication.

    Attributes:
        url: its address.
        versions: the secrets, by name and version.
        tokens: what callers of the vault sent.
        authorizations: what callers of the endpoint sent.
        keys: their X-Key headers.
    """

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.versions: dict[str, str] = {}
        self.tokens: list[str] = []
        self.authorizations: list[str] = []
        self.keys: list[str] = []

    def answer(self, path: str, authorization: str, key: str) -> tuple[int, dict[str, Any]]:
        """Status and body of a reply."""
        name, question, query = path.removeprefix("/secrets/").partition("?")
        if not question:
            self.authorizations.append(authorization)
            self.keys.append(key)
            return 200, {"ok": True}
        self.tokens.append(authorization.removeprefix("Bearer "))
        if query != "api-version=7.4":
            return 400, {"error": {"code": "BadParameter", "message": query}}
        if name not in self.versions:
            return 404, {"error": {"code": "SecretNotFound", "message": f"{name} was not found."}}
        return 200, {"value": self.versions[name], "id": f"{self.url}/secrets/{name}"}


@pytest.fixture
def service() -> Iterator[Service]:
    """One that is served."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = self.headers
            status, body = served.answer(
                self.path, headers.get("Authorization", ""), headers.get("X-Key", "")
            )
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Service(server)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield served
        server.shutdown()
        thread.join(60)


def secret(name: str, version: str | None = None) -> dict[str, Any]:
    """An AzureKeyVaultSecret of the linked service ls_keyvault."""
    store = {"referenceName": "ls_keyvault", "type": "LinkedServiceReference"}
    return {"type": "AzureKeyVaultSecret", "store": store, "secretName": name, "secretVersion": version}


def publish(served: Any, path: str, service: Service) -> None:
    """A pipeline `call` whose Web activity signs in with a secret and sends another in a header."""
    base = {"type": "AzureKeyVault", "typeProperties": {"baseUrl": service.url}}
    served.put(f"{path}/linkedservices/ls_keyvault", base)
    call = {
        "name": "call",
        "type": "WebActivity",
        "typeProperties": {
            "url": f"{service.url}/hello",
            "method": "GET",
            "headers": {"X-Key": secret("header")},
            "authentication": {"type": "Basic", "username": "u", "password": secret("password", "v1")},
        },
    }
    served.put(f"{path}/pipelines/call", {"activities": [call]})


def run(served: Any, path: str, pipeline: str = "call") -> tuple[dict[str, Any], dict[str, Any]]:
    """A run and its one activity run, when it has ended."""
    run_id = served.client.post(f"{path}/pipelines/{pipeline}/createRun").json()["runId"]
    ended = served.wait_for(path, run_id)
    (row,) = served.client.post(f"{path}/pipelineruns/{run_id}/queryActivityruns").json()["value"]
    return ended, row


def basic(password: str) -> str:
    """An Authorization header."""
    return f"Basic {base64.b64encode(f'u:{password}'.encode()).decode()}"


def test_configured_secrets_replace_the_vault(served: Any, service: Service) -> None:
    """PUT replaces all secrets, GET lists names alone, DELETE and reset remove them; the vault is not called."""
    path = served.create_factory()
    publish(served, path, service)
    given = {"LS_KeyVault": {"PASSWORD": VALUE, "header": "h3ader"}}

    assert served.control("PUT", "secrets", json=given) == {"LS_KeyVault": ["PASSWORD", "header"]}
    assert served.control("GET", "secrets") == {"LS_KeyVault": ["PASSWORD", "header"]}
    ended, row = run(served, path)

    assert ended["status"] == "Succeeded"
    assert service.authorizations == [basic(VALUE)]
    assert service.keys == ["h3ader"]
    assert row["input"]["authentication"]["password"] == row["input"]["headers"]["X-Key"] == "**********"
    assert service.tokens == []
    served.control("PUT", "secrets", json={"other": {"n": "v"}})
    assert served.control("GET", "secrets") == {"other": ["n"]}
    assert served.control("DELETE", "secrets") is None
    assert served.control("GET", "secrets") == {}
    served.control("PUT", "secrets", json=given)
    served.control("POST", "reset", json={"keep": "resources"})
    assert served.control("GET", "secrets") == {}


def test_a_reset_brings_back_the_secrets_of_the_start(serve: Any) -> None:
    """A reset restores the secrets of the start, like the options."""
    served = serve(FactoryConfig(secrets={"vault": {"name": SecretStr(VALUE)}}))

    served.control("PUT", "secrets", json={"other": {"n": "v"}})
    served.control("POST", "reset")

    assert served.control("GET", "secrets") == {"vault": ["name"]}


@pytest.mark.parametrize(
    "body",
    [{"vault": VALUE}, {"vault": {"name": [VALUE]}}, [VALUE], {"": {"a": VALUE}}, {"vault": {"": VALUE}}],
)
def test_an_invalid_secret_is_rejected_without_being_shown(served: Any, body: Any) -> None:
    """A 400 names every fault, and the secrets set before stay."""
    served.control("PUT", "secrets", json={"vault": {"kept": "v"}})

    reply = served.client.put("/_emulator/secrets", json=body)

    assert reply.status_code == 400
    assert reply.json()["errors"]
    assert VALUE not in reply.text
    assert served.control("GET", "secrets") == {"vault": ["kept"]}


def test_a_vault_is_called_with_a_token_of_the_factorys_identity(
    served: Any, service: Service, token_authority: TokenAuthority
) -> None:
    """The audience is Key Vault's; the endpoint receives the value that the vault returned."""
    path = served.create_factory(identity={"type": "SystemAssigned"})
    publish(served, path, service)
    service.versions = {"password/v1": VALUE, "header": "h3ader"}

    ended, _ = run(served, path)

    assert ended["status"] == "Succeeded"
    assert service.authorizations == [basic(VALUE)]
    principal = served.client.get(path).json()["identity"]["principalId"]
    for token in service.tokens:
        claims = jwt.decode(token, options={"verify_signature": False})
        assert (claims["aud"], claims["oid"]) == ("https://vault.azure.net", principal)
        assert claims["tid"] == token_authority.tenant_id
    assert len(service.tokens) == 2


def test_a_missing_secret_fails_the_activity_by_name(served: Any, service: Service) -> None:
    """The message names the secret and the linked service; nothing is sent to the endpoint."""
    path = served.create_factory(identity={"type": "SystemAssigned"})
    publish(served, path, service)
    service.versions = {"header": VALUE}

    ended, row = run(served, path)

    assert ended["status"] == "Failed"
    assert row["error"]["message"] == (
        "Failed to get the secret from key vault, secretName: password, secretVersion: v1, "
        f"vaultBaseUrl: {service.url}. The error message is: password/v1 was not found. "
        "The linked service is 'ls_keyvault'."
    )
    assert VALUE not in json.dumps(row)
    assert row["input"]["url"] == f"{service.url}/hello"
    assert service.authorizations == []


def test_a_connection_string_may_be_a_secret(served: Any, service: Service, azurite: str) -> None:
    """So may the account's key beside it; an invalid one is in no message."""
    path = served.create_factory()
    publish(served, path, service)
    with BlobServiceClient.from_connection_string(azurite) as storage:
        container = f"vault-{uuid4()}"
        storage.create_container(container)
        storage.get_blob_client(container, "row.json").upload_blob(b'{"answer": 42}')
    keyless = ";".join(part for part in azurite.split(";") if not part.startswith("AccountKey"))
    key = azurite.partition("AccountKey=")[2].partition(";")[0]
    properties = {"connectionString": secret("connection"), "accountKey": secret("key")}
    served.put(f"{path}/linkedservices/store", {"type": "AzureBlobStorage", "typeProperties": properties})
    location = {"type": "AzureBlobStorageLocation", "container": container, "fileName": "row.json"}
    served.put(
        f"{path}/datasets/row",
        {
            "type": "Json",
            "linkedServiceName": {"referenceName": "store", "type": "LinkedServiceReference"},
            "typeProperties": {"location": location},
        },
    )
    look = {
        "name": "look",
        "type": "Lookup",
        "typeProperties": {
            "source": {"type": "JsonSource"},
            "dataset": {"referenceName": "row", "type": "DatasetReference"},
        },
    }
    served.put(f"{path}/pipelines/look", {"activities": [look]})

    served.control("PUT", "secrets", json={"ls_keyvault": {"connection": keyless, "key": key}})
    ended, row = run(served, path, "look")
    assert (ended["status"], row["output"]["firstRow"]) == ("Succeeded", {"answer": 42})

    served.control("PUT", "secrets", json={"ls_keyvault": {"connection": f"={WRONG}", "key": WRONG}})
    ended, row = run(served, path, "look")
    assert ended["status"] == "Failed"
    assert WRONG not in json.dumps([ended, row])


def test_secrets_authenticate_to_a_rest_service(served: Any, service: Service) -> None:
    """The password of its linked service and a header of the activity's source are secrets."""
    path = served.create_factory()
    publish(served, path, service)
    properties = {
        "url": service.url,
        "authenticationType": "Basic",
        "userName": "u",
        "password": secret("password"),
    }
    served.put(f"{path}/linkedservices/rest", {"type": "RestService", "typeProperties": properties})
    served.put(
        f"{path}/datasets/hello",
        {
            "type": "RestResource",
            "linkedServiceName": {"referenceName": "rest", "type": "LinkedServiceReference"},
            "typeProperties": {"relativeUrl": "hello"},
        },
    )
    look = {
        "name": "look",
        "type": "Lookup",
        "typeProperties": {
            "source": {"type": "RestSource", "additionalHeaders": {"X-Key": secret("header")}},
            "dataset": {"referenceName": "hello", "type": "DatasetReference"},
        },
    }
    served.put(f"{path}/pipelines/look", {"activities": [look]})
    served.control("PUT", "secrets", json={"ls_keyvault": {"password": VALUE, "header": "h3ader"}})

    ended, row = run(served, path, "look")

    assert (ended["status"], row["output"]["firstRow"]) == ("Succeeded", {"ok": True})
    assert (service.authorizations, service.keys) == ([basic(VALUE)], ["h3ader"])
    assert not any(value in json.dumps(row) for value in (VALUE, "h3ader"))


def test_the_value_of_a_secret_is_stored_nowhere(
    serve: Any, service: Service, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is in no file of the emulator, in no log, and in no reply about the run."""
    caplog.set_level(logging.DEBUG)
    served = serve(FactoryConfig(data=tmp_path, secrets={"ls_keyvault": {"password": SecretStr(VALUE)}}))
    path = served.create_factory(identity={"type": "SystemAssigned"})
    publish(served, path, service)
    service.versions = {"header": WRONG}

    ended, row = run(served, path)
    replies = [
        ended,
        row,
        *(served.control("GET", place) for place in ("", "secrets", "runs", "requests")),
        served.client.get(f"{path}/pipelines/call").json(),
        served.client.get(f"{path}/linkedservices/ls_keyvault").json(),
    ]
    served.stop()

    assert ended["status"] == "Succeeded"
    assert service.authorizations == [basic(VALUE)]
    shown = json.dumps(replies) + caplog.text + "".join(repr(vars(record)) for record in caplog.records)
    for value in (VALUE, WRONG, basic(VALUE)):
        assert value not in shown
        for file in tmp_path.iterdir():
            assert value.encode() not in file.read_bytes()
    assert any("ls_keyvault" in file.read_bytes().decode("latin-1") for file in tmp_path.iterdir())
