"""The report on a factory before any of its pipelines runs."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from adf_trigger.emulator.commands.loaded import WIDTH, loaded_lines
from adf_trigger.emulator.common.documents import DATASETS, LINKED_SERVICES, PIPELINES, Document
from adf_trigger.emulator.hosting.defaults import FACTORY_ID
from adf_trigger.emulator.importing.factory import Imported
from adf_trigger.emulator.importing.inspection import Call, Inspected, host_of, inspect
from adf_trigger.emulator.outbound.allowed_hosts import AllowedHosts
from adf_trigger.emulator.store import Store


def factory(**kinds: Mapping[str, Mapping[str, Any]]) -> list[Inspected]:
    """The findings in a factory with these documents."""
    store = Store(None)
    for kind in (LINKED_SERVICES, DATASETS, PIPELINES):
        for name, properties in kinds.get(kind.collection, {}).items():
            store.resources.save(
                Document(factory_id=FACTORY_ID, kind=kind, name=name, properties=dict(properties), etag="e")
            )
    found = list(inspect(store, FACTORY_ID))
    store.close()
    return found


def activity(name: str, kind: str, **properties: Any) -> dict[str, Any]:
    """An activity as in a definition."""
    return {"name": name, "type": kind, "typeProperties": properties}


def to(name: str, kind: str = "Dataset") -> dict[str, str]:
    """A reference."""
    return {"referenceName": name, "type": f"{kind}Reference"}


def test_unsupported_parts_are_found_at_any_depth() -> None:
    """Nested activities, the datasets that they name, and the connectors of these are checked."""
    (found,) = factory(
        linkedservices={
            "Sql": {"type": "AzureSqlDatabase"},
            "Blob": {"type": "AzureBlobStorage", "typeProperties": {"connectionString": "x"}},
        },
        datasets={
            "Rows": {"type": "AzureSqlTable", "linkedServiceName": to("Sql", "LinkedService")},
            "Columns": {"type": "Parquet", "linkedServiceName": to("Blob", "LinkedService")},
            "Lines": {"type": "DelimitedText", "linkedServiceName": to("Blob", "LinkedService")},
        },
        pipelines={
            "Load": {
                "activities": [
                    {
                        **activity("Copy", "Copy", source={}, sink={}),
                        "inputs": [to("Rows")],
                        "outputs": [to("Columns")],
                    },
                    activity(
                        "Each",
                        "ForEach",
                        activities=[
                            activity("Look", "Lookup", dataset=to("Lines")),
                            activity("Choose", "Switch", cases=[{"activities": [activity("Do", "Script")]}]),
                        ],
                    ),
                    activity("Flow", "ExecuteDataFlow"),
                ]
            }
        },
    )
    assert found.not_emulated == (
        "the Parquet dataset Columns (Copy)",
        "the AzureSqlTable dataset Rows (Copy)",
        "the AzureSqlDatabase connector Sql (Copy)",
        "Script (Do)",
        "ExecuteDataFlow (Flow)",
    )
    assert found.calls == ()


def test_calls_are_found_by_activity_and_by_linked_service() -> None:
    """Web activities, functions, REST sources, and the vault of a linked service's secret are found."""
    secret = {"type": "AzureKeyVaultSecret", "store": to("Vault", "LinkedService"), "secretName": "s"}
    (found,) = factory(
        linkedservices={
            "Vault": {"type": "AzureKeyVault", "typeProperties": {"baseUrl": "https://v.vault.azure.net"}},
            "App": {
                "type": "AzureFunction",
                "typeProperties": {"functionAppUrl": "https://app.azurewebsites.net", "functionKey": secret},
            },
            "Api": {"type": "RestService", "typeProperties": {"url": "@{linkedService().url}"}},
        },
        datasets={"Rest": {"type": "RestResource", "linkedServiceName": to("Api", "LinkedService")}},
        pipelines={
            "Call": {
                "activities": [
                    activity("Tell", "WebActivity", url="https://Api.Example.org/x", method="GET"),
                    activity("Hook", "WebHook", url={"value": "@pipeline().parameters.u", "type": "Expression"}),
                    {
                        **activity("Run", "AzureFunctionActivity", functionName="f"),
                        "linkedServiceName": to("App", "LinkedService"),
                    },
                    activity("Read", "Lookup", dataset=to("Rest")),
                ]
            }
        },
    )  # fmt: skip
    assert found.not_emulated == ()
    assert found.calls == (
        Call("Tell", "WebActivity", "api.example.org"),
        Call("Hook", "WebHook", None),
        Call("Run", "AzureFunction", "app.azurewebsites.net"),
        Call("Run", "AzureKeyVault", "v.vault.azure.net"),
        Call("Read", "RestService", None),
    )


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.example.org:8443/x?y", "api.example.org"),
        ("http://user@host.example/x", "host.example"),
        ("https://api.example.org/@{pipeline().RunId}", "api.example.org"),
        ({"value": "@concat('https://api.example.org/', pipeline().RunId)"}, "api.example.org"),
        ({"value": "@concat('https://api', pipeline().parameters.suffix)"}, None),
        ({"value": "@if(true, 'https://a.org/x', 'https://b.org/x')"}, None),
        ("@pipeline().parameters.url", None),
        ("https://@{pipeline().parameters.host}/x", None),
        ("https://[", None),
        (None, None),
        (7, None),
    ],
)
def test_the_host_of_a_url_is_found_in_its_text(url: object, host: str | None) -> None:
    """An expression's host is found only where its text holds exactly one, whole."""
    assert host_of(url) == host


def test_the_lines_fit_a_terminal_without_breaking_words() -> None:
    """80 columns; allowed machines, and this one, are not listed."""
    imported = Imported(
        FACTORY_ID,
        Counter({"pipelines": 12, "datasets": 1, "linkedservices": 3, "triggers": 2, "dataflows": 1}),
        skipped=["Microsoft.DataFactory/factories/managedVirtualNetworks default"],
        to_azurite=[("AzureStorage", "AzureBlobStorage"), ("Lake", "AzureBlobFS")],
    )
    calls = (
        *(Call(f"TellNumber{number}", "WebActivity", "api.example.org") for number in range(5)),
        Call("Here", "WebActivity", "127.0.0.1"),
        Call("Allowed", "WebActivity", "fine.example.org"),
        Call("Dynamic", "WebHook", None),
    )
    inspected = [
        Inspected("LoadOrders", tuple(f"Script (Number{number})" for number in range(6)), ()),
        Inspected("TellOthers", (), calls),
    ]
    lines = list(loaded_lines(imported, inspected, AllowedHosts.of(["fine.example.org"])))
    assert max(map(len, lines)) <= WIDTH
    assert "\n".join(lines) == (
        "Loaded 1 data flow, 1 dataset, 3 linked services, 12 pipelines, 2 triggers\n"
        "    (stopped)\n"
        "  AzureStorage (AzureBlobStorage) leads to this Azurite\n"
        "  Lake (AzureBlobFS) leads to this Azurite\n"
        "  skipped Microsoft.DataFactory/factories/managedVirtualNetworks default: it is\n"
        "      not emulated\n"
        "Not emulated; a run that reaches one of these fails and names it:\n"
        "  LoadOrders: Script (Number0), Script (Number1), Script (Number2), Script\n"
        "      (Number3), Script (Number4), Script (Number5)\n"
        "Calls to other machines; refused, unless --allow-host names the machine:\n"
        "  api.example.org: TellOthers/TellNumber0 (WebActivity), TellOthers/TellNumber1\n"
        "      (WebActivity), TellOthers/TellNumber2 (WebActivity),\n"
        "      TellOthers/TellNumber3 (WebActivity), TellOthers/TellNumber4 (WebActivity)\n"
        "  given by an expression: TellOthers/Dynamic (WebHook)"
    )
