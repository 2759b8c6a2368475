"""Factories loaded from a Git folder and from an exported ARM template."""

import json
from pathlib import Path
from typing import Any

import pytest

from adf_trigger.emulator.importing.factory import Imported, import_folder
from adf_trigger.emulator.importing.sources import ImportFailed

PLACE: dict[str, Any] = {"subscription": "12345678-1234-1234-1234-123456789abc", "resource_group": "rg-test"}


def write(path: Path, document: Any) -> None:
    """Write a JSON file as Studio does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent="\t"))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The folder of a factory's Git repository; the first pipeline in order of name calls the last."""
    linked = {"type": "AzureBlobStorage", "typeProperties": {"sasUri": "https://cloud"}}
    write(tmp_path / "linkedService" / "store.json", {"name": "store", "properties": linked})
    reference = {"referenceName": "store", "type": "LinkedServiceReference"}
    dataset = {"type": "Binary", "linkedServiceName": reference, "typeProperties": {}}
    write(tmp_path / "dataset" / "blob.json", {"name": "blob", "properties": dataset})
    call = {
        "name": "call",
        "type": "ExecutePipeline",
        "typeProperties": {"pipeline": {"referenceName": "z_child", "type": "PipelineReference"}},
    }
    write(tmp_path / "pipeline" / "a_parent.json", {"name": "a_parent", "properties": {"activities": [call]}})
    write(tmp_path / "pipeline" / "z_child.json", {"name": "z_child", "properties": {"activities": []}})
    trigger = {
        "type": "ScheduleTrigger",
        "runtimeState": "Started",
        "typeProperties": {"recurrence": {"frequency": "Hour", "interval": 1, "timeZone": "UTC"}},
        "pipelines": [{"pipelineReference": {"referenceName": "a_parent", "type": "PipelineReference"}}],
    }
    write(tmp_path / "trigger" / "hourly.json", {"name": "hourly", "properties": trigger})
    globals_ = {"globalParameters": {"env": {"type": "string", "value": "dev"}}}
    write(tmp_path / "factory" / "adf-git.json", {"name": "adf-git", "properties": globals_})
    return tmp_path


def load(served: Any, folder: Path, **more: Any) -> Imported:
    """Import into a new factory."""
    return import_folder(served.emulator.backend, folder, factory="adf-git", **PLACE, **more)


def test_a_git_folder_is_loaded_in_order_of_its_references(served: Any, repository: Path) -> None:
    """Everything is imported, references included; the trigger is stopped and the override has replaced the cloud."""
    override = {"store": {"typeProperties": {"connectionString": "UseDevelopmentStorage=true"}}}
    imported = load(served, repository, linked_services=override)
    assert imported.documents == {"linkedservices": 1, "datasets": 1, "pipelines": 2, "triggers": 1}
    path = imported.factory_id
    store = served.client.get(f"{path}/linkedservices/store").json()["properties"]
    assert store["typeProperties"] == {"connectionString": "UseDevelopmentStorage=true"}
    assert served.client.get(f"{path}/triggers/hourly").json()["properties"]["runtimeState"] == "Stopped"
    run_id = served.client.post(f"{path}/pipelines/a_parent/createRun").json()["runId"]
    assert served.wait_for(path, run_id)["status"] == "Succeeded"
    assert served.emulator.backend.store.definitions(path).global_parameters() == {"env": "dev"}


def test_a_second_import_updates(served: Any, repository: Path) -> None:
    """A second import replaces the existing documents."""
    load(served, repository)
    write(
        repository / "pipeline" / "z_child.json",
        {"name": "z_child", "properties": {"activities": [], "description": "changed"}},
    )
    path = load(served, repository).factory_id
    assert served.client.get(f"{path}/pipelines/z_child").json()["properties"]["description"] == "changed"


def test_every_fault_is_listed_and_the_rest_is_imported(served: Any, repository: Path) -> None:
    """An invalid document and one with a missing reference are both named; the others are imported."""
    write(repository / "dataset" / "bad.json", {"name": "bad", "properties": {"linkedServiceName": {}}})
    reference = {"referenceName": "gone", "type": "LinkedServiceReference"}
    lost = {"type": "Binary", "linkedServiceName": reference}
    write(repository / "dataset" / "lost.json", {"name": "lost", "properties": lost})
    with pytest.raises(ImportFailed) as refused:
        load(served, repository)
    assert [fault.split(":")[0] for fault in refused.value.faults] == ["Dataset bad", "Dataset lost"]
    assert "invalid reference 'gone'" in refused.value.faults[1]
    path = served.create_factory("adf-git")
    assert len(served.client.get(f"{path}/pipelines").json()["value"]) == 2


def test_a_folder_without_a_factory_is_rejected(served: Any, tmp_path: Path) -> None:
    """An empty folder is no factory, and a file that is no JSON is named."""
    with pytest.raises(ImportFailed, match="contains no factory"):
        load(served, tmp_path)
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "p.json").write_text("{")
    with pytest.raises(ImportFailed, match=r"p\.json: not JSON"):
        load(served, tmp_path)


def test_a_template_is_imported_whatever_its_name_and_shape(served: Any, tmp_path: Path) -> None:
    """Given as a file; nested resources are imported, and parameters of any type are read as JSON."""
    pipeline = {"activities": [], "parameters": "[parameters('declared')]"}
    template = {
        "parameters": {"declared": {"type": "object"}, "factory": {"type": "string"}},
        "resources": [
            {
                "type": "Microsoft.DataFactory/factories",
                "name": "[parameters('factory')]",
                "properties": {"globalParameters": {"env": {"type": "string", "value": "dev"}}},
                "resources": [
                    {"type": "pipelines", "name": "short", "properties": {"activities": []}},
                    {
                        "type": "Microsoft.DataFactory/factories/pipelines",
                        "name": "[concat(parameters('factory'), '/full')]",
                        "properties": pipeline,
                    },
                ],
            }
        ],
    }
    file = tmp_path / "deploy.json"
    write(file, template)
    declared = {"day": {"type": "string"}}
    imported = load(served, file, parameters={"declared": json.dumps(declared), "factory": "cloud"})
    assert imported.documents == {"pipelines": 2}
    path = imported.factory_id
    assert served.client.get(f"{path}/pipelines/full").json()["properties"]["parameters"] == declared
    assert served.emulator.backend.store.definitions(path).global_parameters() == {"env": "dev"}
    with pytest.raises(ImportFailed, match="parameter 'declared' must be the JSON of an object"):
        load(served, file, parameters={"declared": "day", "factory": "cloud"})


def test_an_exported_template_is_imported(served: Any, tmp_path: Path) -> None:
    """Names and values come from the template's parameters; unsupported resources are skipped and named."""
    name = "[concat(parameters('factoryName'), '/%s')]"
    kinds = "Microsoft.DataFactory/factories"
    connection = {"connectionString": "[parameters('store_connectionString')]"}
    reference = {"referenceName": "store", "type": "LinkedServiceReference"}
    template = {
        "parameters": {
            "factoryName": {"type": "string", "defaultValue": "cloud"},
            "store_connectionString": {"type": "secureString"},
            "folder": {"type": "string", "defaultValue": "in"},
        },
        "variables": {"root": "[concat('x-', parameters('folder'))]"},
        "resources": [
            {
                "type": f"{kinds}/datasets",
                "name": name % "blob",
                "properties": {
                    "type": "Binary",
                    "linkedServiceName": reference,
                    "typeProperties": {
                        "location": {
                            "type": "AzureBlobStorageLocation",
                            "container": "[variables('root')]",
                            "fileName": "[[literal]",
                        }
                    },
                },
            },
            {
                "type": f"{kinds}/linkedServices",
                "name": name % "store",
                "properties": {"type": "AzureBlobStorage", "typeProperties": connection},
            },
            {"type": f"{kinds}/managedVirtualNetworks", "name": name % "default", "properties": {}},
        ],
    }
    write(tmp_path / "ARMTemplateForFactory.json", template)
    with pytest.raises(ImportFailed, match="parameter 'store_connectionString' has no value"):
        load(served, tmp_path)
    write(
        tmp_path / "ARMTemplateParametersForFactory.json",
        {"parameters": {"folder": {"value": "given"}, "factoryName": {"value": "other"}}},
    )
    imported = load(served, tmp_path, parameters={"store_connectionString": "AccountName=a;AccountKey=b"})
    assert imported.documents == {"datasets": 1, "linkedservices": 1}
    assert imported.skipped == [f"{kinds}/managedVirtualNetworks default"]
    location = served.client.get(f"{imported.factory_id}/datasets/blob").json()["properties"]
    assert location["typeProperties"]["location"] == {
        "type": "AzureBlobStorageLocation",
        "container": "x-given",
        "fileName": "[literal]",
    }


def test_every_malformed_file_is_reported_and_nothing_is_imported(served: Any, repository: Path) -> None:
    """All are reported, not only the first, so that one correction does not uncover the next."""
    (repository / "dataset" / "blob.json").write_text("{")
    (repository / "pipeline" / "z_child.json").write_text("[]")
    (repository / "trigger" / "hourly.json").write_text('{"properties": 5}')
    with pytest.raises(ImportFailed) as refused:
        load(served, repository)
    assert [fault.partition(".json: ")[2].partition(":")[0] for fault in refused.value.faults] == [
        "not JSON",
        "not a JSON object",
        "its properties are not a JSON object",
    ]


def test_a_missing_folder_is_an_error(served: Any, tmp_path: Path) -> None:
    """It is not treated as an empty one."""
    with pytest.raises(ImportFailed, match="nowhere does not exist"):
        load(served, tmp_path / "nowhere")


def test_an_unknown_linked_service_is_an_error(served: Any, repository: Path) -> None:
    """The error suggests names; a name that the folder refers to is valid even without its document."""
    given = {"stoer": {"type": "AzureBlobStorage"}, "other": {"type": "AzureBlobStorage"}}
    with pytest.raises(ImportFailed) as refused:
        load(served, repository, linked_services=given)
    assert refused.value.faults == [
        "there is no linked service stoer; did you mean store?",
        "there is no linked service other; there are: store",
    ]
    (repository / "linkedService" / "store.json").unlink()
    load(served, repository, linked_services={"STORE": {"type": "AzureBlobStorage", "typeProperties": {}}})


def test_an_unknown_parameter_is_an_error(served: Any, repository: Path, tmp_path: Path) -> None:
    """A repository accepts none, a template those that it declares."""
    with pytest.raises(ImportFailed, match="no parameter of the template day"):
        load(served, repository, parameters={"day": "1"})
    file = tmp_path / "template.json"
    pipeline = {
        "type": "Microsoft.DataFactory/factories/pipelines",
        "name": "adf-git/p",
        "properties": {"activities": []},
    }
    write(file, {"parameters": {"days": {"type": "string"}}, "resources": [pipeline]})
    with pytest.raises(ImportFailed, match="did you mean days"):
        load(served, file, parameters={"dayz": "1"})


def test_stores_of_the_cloud_can_be_replaced_by_azurite(served: Any, repository: Path) -> None:
    """Blob storage and data lakes that are neither overridden nor local are replaced; each is reported."""
    lake = {"type": "AzureBlobFS", "typeProperties": {"url": "https://lake.dfs.core.windows.net"}}
    local = {"type": "AzureBlobStorage", "typeProperties": {"connectionString": "UseDevelopmentStorage=true"}}
    chosen = {"type": "AzureBlobStorage", "typeProperties": {"sasUri": "https://kept"}}
    for name, properties in {"lake": lake, "local": local, "chosen": lake}.items():
        write(repository / "linkedService" / f"{name}.json", {"name": name, "properties": properties})
    imported = load(served, repository, linked_services={"Chosen": chosen}, to_azurite=True)
    assert imported.to_azurite == [("lake", "AzureBlobFS"), ("store", "AzureBlobStorage")]
    definitions = served.emulator.backend.store.definitions(imported.factory_id)
    for name in ("lake", "store", "local"):
        assert definitions.linked_service(name) == local
    assert definitions.linked_service("chosen") == chosen
