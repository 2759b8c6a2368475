"""The Azure CLI, unchanged, on the stack."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Az = Callable[..., str]
KEY = "AccountKey="


def test_az_makes_a_group_a_factory_and_takes_both_away(az: Az, shell: Any) -> None:
    """`az group create`, `az rest` on Azure's own address, `az resource list`, `az group delete`: to the end."""
    group = json.loads(az("group", "create", "-n", "by-az", "-l", "eastus"))
    assert group["properties"]["provisioningState"] == "Succeeded"
    subscription = shell.variables["AZURE_SUBSCRIPTION_ID"]
    url = (
        f"https://management.azure.com/subscriptions/{subscription}/resourceGroups/by-az"
        "/providers/Microsoft.DataFactory/factories/factory-by-az?api-version=2018-06-01"
    )
    body = json.dumps({"location": "East US", "identity": {"type": "SystemAssigned"}})
    made = json.loads(az("rest", "--method", "put", "--url", url, "--body", body))
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert [each["name"] for each in json.loads(az("resource", "list", "-g", "by-az"))] == ["factory-by-az"]
    assert json.loads(az("group", "exists", "-n", "by-az")) is True
    az("group", "delete", "-n", "by-az", "--yes")
    assert json.loads(az("group", "exists", "-n", "by-az")) is False


def test_az_knows_the_account(az: Az, shell: Any) -> None:
    """Subscription, tenant, provider and regions are shown, and nothing is written outside the stack's own profile."""
    shown = json.loads(az("account", "show"))
    assert shown["id"] == shell.variables["AZURE_SUBSCRIPTION_ID"]
    assert shown["tenantId"] == shell.variables["TENANT_ID"]
    registration = json.loads(az("provider", "show", "-n", "Microsoft.DataFactory"))["registrationState"]
    assert registration == "Registered"
    az("provider", "register", "-n", "Microsoft.DataFactory")
    assert "eastus" in [each["name"] for each in json.loads(az("account", "list-locations"))]
    assert (Path(shell.variables["AZURE_CONFIG_DIR"]) / "azureProfile.json").is_file()


def test_az_reaches_storage_by_its_own_names(az: Az, shell: Any) -> None:
    """Blobs, queues and tables of the account, by https and its name alone."""
    parts = shell.endpoints.storage_connection_string.split(";")
    key = next(part.removeprefix(KEY) for part in parts if part.startswith(KEY))
    account = ("--account-name", "devstoreaccount1", "--account-key", key)
    az("storage", "container", "create", "-n", "by-az", *account)
    (shell.folder / "emp.txt").write_text("John, Doe\n")
    upload = ("-c", "by-az", "-n", "input/emp.txt", "-f", "emp.txt", "--no-progress")
    az("storage", "blob", "upload", *upload, *account)
    blobs = json.loads(az("storage", "blob", "list", "-c", "by-az", *account))
    assert [blob["name"] for blob in blobs] == ["input/emp.txt"]
    queues = {queue["name"] for queue in json.loads(az("storage", "queue", "list", *account))}
    assert shell.endpoints.requests_queue in queues
    tables = {table["name"] for table in json.loads(az("storage", "table", "list", *account))}
    assert shell.endpoints.table in tables


def test_az_can_register_the_stack_as_a_cloud(az: Az, shell: Any) -> None:
    """By its address on this machine, Resource Manager tells az where to sign in: on this machine."""
    az("cloud", "register", "-n", "stack", "--endpoint-resource-manager", shell.endpoints.management_tls_url)
    authority = json.loads(az("cloud", "show", "-n", "stack"))["endpoints"]["activeDirectory"]
    assert authority == shell.endpoints.authority_url


def test_nothing_of_az_went_elsewhere(az: Az, shell: Any) -> None:
    """az itself, which is Python, looked up and called this machine alone."""
    az("account", "show")
    assert shell.elsewhere() == []
