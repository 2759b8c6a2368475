"""Credentials of linked services to storage: keys and signatures, and tokens on an Azurite with https."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import pytest
from azure.storage.blob import BlobServiceClient

from adf_trigger.emulator.activities.copy import copy
from adf_trigger.emulator.activities.lookup import lookup
from adf_trigger.emulator.common.clock import utcnow
from adf_trigger.emulator.contract.activity import ActivityFailed
from adf_trigger.emulator.identity.tokens import Identity, TokenAuthority
from adf_trigger.emulator.outbound.storage_account import ACCOUNT, ACCOUNT_KEY
from adf_trigger.emulator.serving.certificates import make_certificate
from adf_trigger.local.azurite.install import install
from adf_trigger.local.processes.environment import child_environment
from adf_trigger.local.processes.node import NODE
from adf_trigger.local.processes.process import Process
from tests.integration.emulator.copying.harness import (
    Answer,
    Asked,
    Storage,
    copying,
    reference,
    rest_service,
    run,
)
from tests.support.elsewhere import Elsewhere

LISTENING = re.compile(r"Azurite Blob service is successfully listening at (https://\S+)")
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
LAKE: dict[str, Any] = {
    "read": {"type": "AzureBlobFSReadSettings"},
    "write": {"type": "AzureBlobFSWriteSettings"},
}
PRINCIPAL: dict[str, Any] = {
    "servicePrincipalId": "app",
    "servicePrincipalKey": "the-secret",
    "tenant": TENANT,
}


@dataclass(frozen=True)
class SecureAzurite:
    """An Azurite that accepts tokens of this tenant for storage."""

    url: str
    ca_file: Path


@pytest.fixture(scope="module")
def secure_azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureAzurite]:
    """A real Azurite with https and OAuth."""
    folder = tmp_path_factory.mktemp("secure-azurite")
    certificate = make_certificate(folder, utcnow())
    options = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"]
    options += ["--blobPort", "0", "--queuePort", "0", "--tablePort", "0", "--oauth", "basic"]
    options += ["--cert", str(certificate.chain), "--key", str(certificate.key)]
    command = [NODE, str(install()), *options]
    process = Process("azurite", command, log=folder / "azurite.log", env=child_environment())
    try:
        (url,) = process.wait_until_ready(lambda output: LISTENING.findall(output) or None, timeout=60)
        yield SecureAzurite(f"{url}/{ACCOUNT}", certificate.ca)
    finally:
        process.stop()


@pytest.fixture
def secure_storage(
    secure_azurite: SecureAzurite, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Storage, str]]:
    """A container there with a file, and the account's URL."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(secure_azurite.ca_file))
    connection = (
        f"DefaultEndpointsProtocol=https;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
        f"BlobEndpoint={secure_azurite.url};"
    )
    with BlobServiceClient.from_connection_string(connection) as service:
        storage = Storage(service.create_container(f"lake-{uuid4().hex}"), connection)
        storage.put("in/a.txt", b"content")
        yield storage, secure_azurite.url


def issue(resource: str, lifetime: timedelta = timedelta(hours=1)) -> str:
    """A token of a principal for a resource."""
    principal = Identity(tenant_id=TENANT, object_id=str(uuid4()), app_id=str(uuid4()), name="principal")
    return TokenAuthority(TENANT).issue(principal, resource, now=datetime.now(tz=UTC), lifetime=lifetime)


def token_endpoint(**changes: Any) -> Callable[[Asked], Answer]:
    """A token endpoint that knows the service principal; `changes` are applied to its reply."""

    def answer(asked: Asked) -> Answer:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        if form.pop("client_secret") != "the-secret":
            return Answer(
                {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid secret"}, 401
            )
        assert form == {
            "grant_type": "client_credentials",
            "client_id": "app",
            "resource": "https://storage.azure.com/",
        }
        return Answer({"access_token": issue(form["resource"]), "expires_in": 3599} | changes)

    return answer


@pytest.mark.parametrize(
    "linked_service",
    [
        {"url": "{endpoint}", "accountKey": "{key}"},
        {"url": "{endpoint}/", "accountKey": "{key}"},
        {"url": "{endpoint}", "accountKey": {"type": "SecureString", "value": "{key}"}},
        {"sasUri": "{sas}"},
        {"sasUri": {"type": "SecureString", "value": "{sas}"}},
        {"sasUri": "{endpoint}", "sasToken": "{token}"},
    ],
)
def test_a_lake_is_reached_by_each_kind_of_secret(storage: Storage, linked_service: dict[str, Any]) -> None:
    """Account key, SAS URI, SAS URI and token, plain or secure; none shows in a failure."""
    secrets = storage.secrets()

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(inner) for name, inner in value.items()}
        return value.format(**secrets) if "{" in value else value

    storage.put("in/a.txt", b"content")
    linked_service = filled(linked_service)
    source = storage.lake("In", folder="in", linked_service=linked_service)
    run(copy, copying("Binary", **LAKE), source, storage.lake("Out", folder="out"))
    assert storage.get("out/a.txt") == b"content"

    missing = storage.lake("In", folder="in", file="missing", linked_service=linked_service)
    with pytest.raises(ActivityFailed, match="Path: 'in/missing'") as failed:
        run(copy, copying("Binary", **LAKE), missing, storage.lake("Out", folder="out"))
    assert not any(secret in failed.value.message for secret in (secrets["key"], "sig="))


@pytest.mark.parametrize(
    ("type_name", "linked_service"),
    [
        ("AzureBlobFS", {"url": "{url}"}),
        ("AzureBlobStorage", {"serviceEndpoint": "{url}"}),
        ("AzureBlobStorage", {"serviceEndpoint": "{url}", "authenticationType": "Msi"}),
    ],
)
def test_without_a_credential_the_factorys_identity_is_used(
    secure_storage: tuple[Storage, str], type_name: str, linked_service: dict[str, str]
) -> None:
    """The managed identity's token for storage is sent, for reading and for writing."""
    storage, url = secure_storage
    asked: list[str] = []

    def issued(resource: str) -> str:
        asked.append(resource)
        return issue(resource)

    linked = {name: value.format(url=url) for name, value in linked_service.items()}
    here: dict[str, Any] = {"linked_service": linked, "linked_service_type": type_name}
    run(
        copy,
        copying("Binary", **LAKE),
        storage.lake("In", folder="in", **here),
        storage.lake("Out", folder="out", **here),
        issue_token=issued,
    )
    assert storage.get("out/a.txt") == b"content"
    assert set(asked) == {"https://storage.azure.com/"}


def test_a_rejected_identity_is_reported(secure_storage: tuple[Storage, str]) -> None:
    """A token for another service is rejected by storage, with its own code, and is in no message."""
    storage, url = secure_storage
    token = issue("https://management.azure.com")
    source = storage.lake("In", folder="in", linked_service={"url": url})
    with pytest.raises(ActivityFailed, match=r"AdlsGen2OperationFailed.*'AuthenticationFailed'") as failed:
        run(copy, copying("Binary", **LAKE), source, storage.lake("Out"), issue_token=lambda _: token)
    assert token not in repr((failed.value.message, failed.value.output))


def test_a_factory_without_identity_fails_with_its_reason(secure_storage: tuple[Storage, str]) -> None:
    """The error of a factory without an identity is the error of the activity."""
    storage, url = secure_storage

    def no_identity(_: str) -> str:
        raise ActivityFailed(
            "The data factory has no managed identity.", error_code="ManagedIdentityNotFound"
        )

    source = storage.lake("In", folder="in", linked_service={"url": url})
    with pytest.raises(ActivityFailed, match="has no managed identity"):
        run(copy, copying("Binary", **LAKE), source, storage.lake("Out"), issue_token=no_identity)


@pytest.mark.parametrize(
    ("type_name", "endpoint", "principal"),
    [
        ("AzureBlobFS", "url", PRINCIPAL),
        (
            "AzureBlobFS",
            "url",
            {
                "servicePrincipalId": "app",
                "servicePrincipalCredentialType": "ServicePrincipalKey",
                "servicePrincipalCredential": {"type": "SecureString", "value": "the-secret"},
                "tenant": TENANT,
                "azureCloudType": "AzurePublic",
            },
        ),
        ("AzureBlobStorage", "serviceEndpoint", PRINCIPAL | {"authenticationType": "ServicePrincipal"}),
    ],
)
def test_a_service_principal_requests_a_token_of_its_tenant(
    secure_storage: tuple[Storage, str], type_name: str, endpoint: str, principal: dict[str, Any]
) -> None:
    """The token of the service principal is requested once, and opens the account."""
    storage, url = secure_storage
    linked = {endpoint: url, **principal}
    source = storage.lake("In", folder="in", linked_service=linked, linked_service_type=type_name)
    with rest_service(token_endpoint()) as service:
        mounts = {"https://login.microsoftonline.com": Elsewhere(service.url)}
        run(copy, copying("Binary", **LAKE), source, storage.lake("Out", folder="out"), mounts=mounts)
    assert storage.get("out/a.txt") == b"content"
    assert service.paths == [f"/{TENANT}/oauth2/token"]


def test_a_short_lived_token_is_requested_again(secure_storage: tuple[Storage, str]) -> None:
    """A token without a lifetime is not cached: each request to storage fetches one of its own."""
    storage, url = secure_storage
    storage.put("in/b.txt", b"more")
    source = storage.lake("In", "Json", folder="in", linked_service={"url": url, **PRINCIPAL})
    storage.put("in/a.txt", b'{"a":1}', overwrite=True)
    storage.put("in/b.txt", b'{"a":2}', overwrite=True)
    properties = {"source": {"type": "JsonSource"}, "dataset": reference(source), "firstRowOnly": False}
    with rest_service(token_endpoint(expires_in=0)) as service:
        mounts = {"https://login.microsoftonline.com": Elsewhere(service.url)}
        assert run(lookup, properties, source, mounts=mounts).output["count"] == 2
    assert len(service.asked) == 3  # The listing and two files.


def test_a_rejected_service_principal_is_reported_without_its_key(
    secure_storage: tuple[Storage, str],
) -> None:
    """The token endpoint's reason fails the activity; the wrong key is not in it."""
    storage, url = secure_storage
    linked = {"url": url, **PRINCIPAL, "servicePrincipalKey": "wrong-secret"}
    source = storage.lake("In", folder="in", linked_service=linked)
    with rest_service(token_endpoint()) as service:
        mounts = {"https://login.microsoftonline.com": Elsewhere(service.url)}
        with pytest.raises(ActivityFailed, match=r"service principal\. AADSTS7000215") as failed:
            run(copy, copying("Binary", **LAKE), source, storage.lake("Out"), mounts=mounts)
    assert "wrong-secret" not in repr((failed.value.message, failed.value.output))


@pytest.mark.parametrize(
    ("linked_service", "message"),
    [
        ({"url": "http://127.0.0.1:1/account"}, "accountKey or a sasUri in .* requires an https endpoint"),
        ({"url": "https://127.0.0.1:1/a", **PRINCIPAL, "tenant": ""}, "'tenant'.* is required"),
        ({"url": "https://127.0.0.1:1/a", **PRINCIPAL, "servicePrincipalKey": ""}, "'servicePrincipalKey'"),
        (
            {
                "url": "https://127.0.0.1:1/a",
                **PRINCIPAL,
                "servicePrincipalCredentialType": "ServicePrincipalCert",
            },
            "ServicePrincipalCert.* is not emulated",
        ),
        (
            {"url": "https://127.0.0.1:1/a", "credential": {"referenceName": "c"}},
            "'credential'.* is not emulated",
        ),
        ({"serviceEndpoint": "https://127.0.0.1:1/a"}, "'serviceEndpoint'.* is not emulated"),
        ({"tenant": TENANT}, "an endpoint is required"),
    ],
)
def test_faults_of_a_linked_service_are_named(
    storage: Storage, linked_service: dict[str, Any], message: str
) -> None:
    """A missing or unsupported property fails the activity by its name."""
    source = storage.lake("In", folder="in", linked_service=linked_service)
    with pytest.raises(ActivityFailed, match=message):
        run(copy, copying("Binary", **LAKE), source, storage.lake("Out"))
