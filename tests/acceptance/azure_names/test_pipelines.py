"""Pipelines on the stack name Azure, too: storage by its account alone, tokens from Entra ID's own addresses."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from azure.storage.blob import (
    AccountSasPermissions,
    BlobServiceClient,
    ResourceTypes,
    generate_account_sas,
)

from adf_trigger.clock import utcnow
from adf_trigger.datafactory.models import TimeWindow, items_of
from adf_trigger.local.demo.quickstart import Quickstart

LOGIN = "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/token"
ARM = "https://management.azure.com"
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def quickstart(shell: Any) -> Quickstart:
    """Our own client of the stack's factory."""
    return Quickstart(shell.endpoints)


@pytest.fixture(scope="module")
def control(shell: Any) -> Iterator[httpx.Client]:
    """Calls the control API; one client, since each reads the certificate authorities of the machine."""
    with httpx.Client(base_url=shell.endpoints.control_url) as client:
        yield client


@pytest.fixture
def play(quickstart: Quickstart, control: httpx.Client) -> Run:
    """Publish a pipeline, run it to its end; gives its activity runs by name, and the run itself as ``."""

    def run(*activities: dict[str, Any], **parameters: Any) -> dict[str, Any]:
        client = quickstart.client
        client.pipelines.create_or_update("named", {"activities": list(activities)})
        run_id = client.create_run("named", parameters, client_request_id=uuid4()).run_id

        def found() -> dict[str, Any]:
            runs = control.get("runs", params={"pipeline": "named"}).json()["runs"]
            return next(run for run in runs if run["runId"] == str(run_id))

        deadline = time.monotonic() + 60
        while found()["status"] not in {"Succeeded", "Failed"}:
            assert time.monotonic() < deadline, found()
            time.sleep(0.05)
        hour = timedelta(hours=1)
        window = TimeWindow(utcnow() - hour, utcnow() + hour)
        rows = items_of(client.query_activity_runs(run_id, window=window))
        return {"": found()} | {row.activity_name: row for row in rows}

    return run


def web(name: str, url: str, **properties: Any) -> dict[str, Any]:
    """A Web activity."""
    return {
        "name": name,
        "type": "WebActivity",
        "typeProperties": {"url": url, "method": "GET", **properties},
    }


def test_a_web_activity_signs_in_at_the_stack(play: Run, shell: Any) -> None:
    """A token from login.microsoftonline.com opens management.azure.com: both are the stack, by TLS that is checked."""
    form = (
        f"grant_type=client_credentials&client_id={shell.endpoints.client_id}"
        f"&client_secret={shell.endpoints.client_secret}&resource={ARM}/"
    )
    login = web(
        "Login",
        LOGIN,
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=form,
    )
    bearer = {"value": "@concat('Bearer ', activity('Login').output.access_token)", "type": "Expression"}
    ask = web("Ask", f"{ARM}/subscriptions?api-version=2022-12-01", headers={"Authorization": bearer})
    ask["dependsOn"] = [{"activity": "Login", "dependencyConditions": ["Succeeded"]}]
    done = play(login, ask)
    assert done[""]["status"] == "Succeeded", done
    assert done["Ask"].output["value"][0]["state"] == "Enabled"


def test_service_principals_of_activities_are_the_stacks(play: Run, shell: Any) -> None:
    """The Web activity's ServicePrincipal and a managed identity get tokens here; one of another cloud gets none."""
    principal = {
        "type": "ServicePrincipal",
        "userTenant": "contoso.onmicrosoft.com",
        "username": shell.endpoints.client_id,
        "password": {"type": "SecureString", "value": shell.endpoints.client_secret},
        "resource": ARM,
    }
    done = play(web("Ask", f"{ARM}/subscriptions?api-version=2022-12-01", authentication=principal))
    assert done[""]["status"] == "Succeeded", done
    unchecked = web("Ask", f"{ARM}/metadata/endpoints?api-version=2022-09-01", disableCertValidation=True)
    assert play(unchecked)["Ask"].output["name"] == "AzureCloud"


@pytest.mark.parametrize(
    "url",
    [
        "https://login.chinacloudapi.cn/contoso/oauth2/token",
        "http://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/token",
        "https://login.microsoftonline.com:8443/contoso.onmicrosoft.com/oauth2/token",
        "https://sts.windows.net/x",
    ],
)
def test_no_secret_goes_where_the_stack_is_not(play: Run, url: str) -> None:
    """A token endpoint that the stack does not serve is not asked at all, and the failure says so."""
    done = play(web("Login", url, method="POST", body="client_secret=s3cret"))
    assert done[""]["status"] == "Failed"
    assert "never requested from the real Azure" in done[""]["message"]


COPY = {
    "name": "Copy",
    "type": "Copy",
    "typeProperties": {
        "source": {"type": "BinarySource", "storeSettings": {"type": "AzureBlobStorageReadSettings"}},
        "sink": {"type": "BinarySink", "storeSettings": {"type": "AzureBlobStorageWriteSettings"}},
    },
    "inputs": [{"referenceName": "In", "type": "DatasetReference"}],
    "outputs": [{"referenceName": "Out", "type": "DatasetReference"}],
}


def copying(quickstart: Quickstart, linked_service: dict[str, Any]) -> None:
    """A linked service and both datasets on it."""
    client = quickstart.client
    client.linked_services.create_or_update(
        "Named", {"type": "AzureBlobStorage", "typeProperties": linked_service}
    )
    for name, folder, more in (("In", "input", {"fileName": "emp.txt"}), ("Out", "named-output", {})):
        location = {
            "type": "AzureBlobStorageLocation",
            "container": "adftutorial",
            "folderPath": folder,
            **more,
        }
        client.datasets.create_or_update(
            name,
            {
                "type": "Binary",
                "linkedServiceName": {"referenceName": "Named", "type": "LinkedServiceReference"},
                "typeProperties": {"location": location},
            },
        )


@pytest.mark.parametrize("form", ["printed", "no protocol", "development", "endpoint", "sas"])
def test_the_account_is_known_by_its_name(quickstart: Quickstart, play: Run, shell: Any, form: str) -> None:
    """The connection string as Microsoft prints it, and every other way to name the account, mean the stack's."""
    connection = shell.endpoints.storage_connection_string
    facts = dict(part.split("=", 1) for part in connection.strip(";").split(";"))
    key = facts["AccountKey"]
    quickstart.upload()
    host = "https://devstoreaccount1.blob.core.windows.net"
    forms: dict[str, dict[str, Any]] = {
        "printed": {
            "connectionString": f"DefaultEndpointsProtocol=https;AccountName=devstoreaccount1;AccountKey={key}"
        },
        "no protocol": {"connectionString": f"AccountName=devstoreaccount1;AccountKey={key};"},
        "development": {"connectionString": "UseDevelopmentStorage=true"},
        "endpoint": {"serviceEndpoint": f"{host}/", "accountKey": {"type": "SecureString", "value": key}},
        "sas": {"sasUri": {"type": "SecureString", "value": f"{host}/?{signature(connection)}"}},
    }
    copying(quickstart, forms[form])
    done = play(COPY)
    assert done[""]["status"] == "Succeeded", done[""]["message"]
    assert (done["Copy"].output["filesRead"], done["Copy"].output["filesWritten"]) == (1, 1)


def signature(connection: str) -> str:
    """A shared access signature of the account, for an hour."""
    with BlobServiceClient.from_connection_string(connection) as service:
        return str(
            generate_account_sas(
                str(service.account_name),
                service.credential.account_key,
                ResourceTypes(container=True, object=True),
                AccountSasPermissions(read=True, write=True, list=True, create=True, add=True),
                expiry=utcnow() + timedelta(hours=1),
            )
        )


def test_the_printed_connection_string_comes_back_as_printed(quickstart: Quickstart) -> None:
    """The key is gone from the reply, and nothing else."""
    printed = "DefaultEndpointsProtocol=https;AccountName=devstoreaccount1;"
    made = quickstart.client.linked_services.create_or_update(
        "Printed",
        {"type": "AzureBlobStorage", "typeProperties": {"connectionString": f"{printed}AccountKey=c2VjcmV0"}},
    )
    assert made.properties["typeProperties"]["connectionString"] == printed


def test_an_account_that_cannot_be_resolved_is_reported(
    quickstart: Quickstart, play: Run, shell: Any
) -> None:
    """In the words of the service, with a hint, without a Python object; the name was looked up, and no more."""
    copying(
        quickstart,
        {"connectionString": "AccountName=nobody;AccountKey=c2VjcmV0;EndpointSuffix=storage.invalid"},
    )
    done = play(COPY)
    message = done[""]["message"]
    assert "ErrorCode=AzureBlobOperationFailed" in message
    assert "The remote name could not be resolved: 'nobody.blob.storage.invalid'" in message
    assert "object at 0x" not in message
    looked_up = [line for line in shell.elsewhere() if "nobody.blob.storage.invalid" in line]
    assert looked_up
    shell.watched.write_text("".join(f"{line}\n" for line in shell.elsewhere() if line not in looked_up))


def test_nothing_else_went_elsewhere(shell: Any) -> None:
    """All of it was addressed to this machine."""
    assert shell.elsewhere() == []
    assert json.loads(shell.endpoints.to_json())["proxy_url"]
