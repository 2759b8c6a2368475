"""The gallery's template "Copy from REST or HTTP using OAuth", by the steps of the article about it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from adf_trigger.emulator.importing.factory import import_folder
from adf_trigger.emulator.importing.sources import ImportFailed
from tests.integration.emulator.calls import SUBSCRIPTION, create_run, run_id_of
from tests.integration.emulator.copying.harness import Answer, Asked, RestService, rest_service

FACTORIES = "Microsoft.DataFactory/factories"


def expression(text: str) -> dict[str, str]:
    """An expression object."""
    return {"value": text, "type": "Expression"}


def resource(kind: str, name: str, properties: dict[str, Any], *after: str) -> dict[str, Any]:
    """A resource of the template; its name begins with the factory's."""
    return {
        "name": f"[concat(parameters('factoryName'), '/{name}')]",
        "type": f"{FACTORIES}/{kind}",
        "apiVersion": "2018-06-01",
        "properties": properties,
        "dependsOn": [f"[concat(variables('factoryId'), '/datasets/{dataset}')]" for dataset in after],
    }


def policy() -> dict[str, Any]:
    """The policy of both activities."""
    return {
        "timeout": "7.00:00:00",
        "retry": 0,
        "retryIntervalInSeconds": 30,
        "secureOutput": False,
        "secureInput": False,
    }


PIPELINE: dict[str, Any] = {
    "activities": [
        {
            "name": "CopyData",
            "type": "Copy",
            "dependsOn": [{"activity": "GetBearerToken", "dependencyConditions": ["Succeeded"]}],
            "policy": policy(),
            "userProperties": [],
            "typeProperties": {
                "source": {
                    "type": "RestSource",
                    "httpRequestTimeout": "00:01:40",
                    "requestInterval": "00.00:00:00.010",
                    "requestMethod": "GET",
                    "additionalHeaders": {
                        "Authorization": expression(
                            "@concat('Bearer ',activity('GetBearerToken').output.access_token)"
                        )
                    },
                },
                "sink": {
                    "type": "JsonSink",
                    "storeSettings": {"type": "AzureBlobFSWriteSettings"},
                    "formatSettings": {"type": "JsonWriteSettings", "quoteAllText": True},
                },
                "enableStaging": False,
            },
            "inputs": [{"referenceName": "RestResource", "type": "DatasetReference", "parameters": {}}],
            "outputs": [
                {
                    "referenceName": "SinkDataset",
                    "type": "DatasetReference",
                    "parameters": {
                        "Container": expression("@pipeline().parameters.SinkContainer"),
                        "Directory": expression("@pipeline().parameters.SinkDirectory"),
                    },
                }
            ],
        },
        {
            "name": "GetBearerToken",
            "type": "WebActivity",
            "dependsOn": [],
            "policy": policy(),
            "userProperties": [],
            "typeProperties": {
                "url": "https://login.microsoftonline.com/microsoft.onmicrosoft.com/oauth2/token",
                "method": "POST",
                "headers": {"Content-Type": "application/x-www-form-urlencoded"},
                "body": "grant_type=client_credentials&client_id=<service principal ID>"
                "&resource=<your resource>&client_secret=<service principal key>",
            },
        },
    ],
    "parameters": {"SinkContainer": {"type": "string"}, "SinkDirectory": {"type": "string"}},
    "annotations": [],
}
TEMPLATE: dict[str, Any] = {
    "$schema": "http://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {
        "factoryName": {"type": "string", "metadata": "Data Factory name"},
        "SourceConnection": {"type": "string"},
        "DestinationConnection": {"type": "string"},
    },
    "variables": {"factoryId": f"[concat('{FACTORIES}/', parameters('factoryName'))]"},
    "resources": [
        resource(
            "pipelines", "Copy from REST connector into ADLS Gen2", PIPELINE, "RestResource", "SinkDataset"
        ),
        resource(
            "datasets",
            "RestResource",
            {
                "linkedServiceName": {
                    "referenceName": "[parameters('SourceConnection')]",
                    "type": "LinkedServiceReference",
                },
                "annotations": [],
                "type": "RestResource",
                "typeProperties": {},
                "schema": [],
            },
        ),
        resource(
            "datasets",
            "SinkDataset",
            {
                "linkedServiceName": {
                    "referenceName": "[parameters('DestinationConnection')]",
                    "type": "LinkedServiceReference",
                },
                "parameters": {"Container": {"type": "string"}, "Directory": {"type": "string"}},
                "annotations": [],
                "type": "Json",
                "typeProperties": {
                    "location": {
                        "type": "AzureBlobFSLocation",
                        "folderPath": expression("@dataset().Directory"),
                        "fileSystem": expression("@dataset().Container"),
                    }
                },
                "schema": {},
            },
        ),
    ],
}
"""The gallery's template: parameters name connections, which are not among its resources."""


def api(asked: Asked) -> Answer:
    """A login for one secret, and an object for its token."""
    if asked.path == "/token":
        known = b"client_secret=right" in asked.body
        return Answer({"access_token": "t0ken"}) if known else Answer({"error": "invalid_client"}, 401)
    if asked.headers.get("authorization") != "Bearer t0ken":
        return Answer({}, 401)
    return Answer({"items": [1, 2]})


@pytest.fixture
def service() -> Iterator[RestService]:
    """The reader's own REST service."""
    with rest_service(api) as running:
        yield running


@pytest.fixture
def container(azurite: str) -> Iterator[ContainerClient]:
    """The reader's own storage."""
    with BlobServiceClient.from_connection_string(azurite) as storage:
        yield storage.create_container(f"lake-{uuid4().hex}")


def connections(service: RestService, azurite: str) -> dict[str, Any]:
    """The two connections that the reader creates by the article's steps."""
    return {
        "MyRest": {
            "type": "RestService",
            "typeProperties": {"url": service.url, "authenticationType": "Anonymous"},
        },
        "MyLake": {"type": "AzureBlobStorage", "typeProperties": {"connectionString": azurite}},
    }


def load(served: Any, folder: Path, linked_services: dict[str, Any]) -> str:
    """Import the template; returns the factory's path."""
    file = folder / "template.json"
    file.write_text(json.dumps(TEMPLATE))
    imported = import_folder(
        served.emulator.backend,
        file,
        subscription=SUBSCRIPTION,
        resource_group="rg-test",
        factory="from-gallery",
        linked_services=linked_services,
        parameters={"SourceConnection": "MyRest", "DestinationConnection": "MyLake"},
    )
    return imported.factory_id


def test_the_template_runs_by_its_articles_steps(
    served: Any, service: RestService, container: ContainerClient, azurite: str, tmp_path: Path
) -> None:
    """Connections are created beside the template, the Web activity is edited, the run writes to the folder."""
    path = load(served, tmp_path, connections(service, azurite))
    pipeline = f"{path}/pipelines/Copy from REST connector into ADLS Gen2"
    published = served.client.get(pipeline).json()["properties"]
    assert published == PIPELINE

    login = published["activities"][1]["typeProperties"]
    login |= {"url": f"{service.url}/token", "body": "grant_type=client_credentials&client_secret=right"}
    served.put(pipeline, published)
    where = {"SinkContainer": container.container_name, "SinkDirectory": "rest"}
    run = served.wait_for(
        path, run_id_of(create_run(served, path, "Copy from REST connector into ADLS Gen2", where))
    )
    assert run["status"] == "Succeeded", run["message"]
    (blob,) = container.list_blobs()
    assert json.loads(container.download_blob(blob.name).readall()) == {"items": [1, 2]}


def test_a_connection_that_is_missing_is_named(
    served: Any, service: RestService, azurite: str, tmp_path: Path
) -> None:
    """Without a connection the import names the missing one."""
    given = connections(service, azurite)
    del given["MyLake"]
    with pytest.raises(ImportFailed, match="invalid reference 'MyLake'"):
        load(served, tmp_path, given)


@pytest.mark.parametrize("missing", ["url", "authenticationType"])
def test_a_rest_service_needs_its_required_properties(served: Any, missing: str) -> None:
    """A linked service without url or authenticationType is rejected; an expression in their place is not."""
    path = served.create_factory()
    given: dict[str, Any] = {"url": expression("@linkedService().u"), "authenticationType": "Anonymous"}
    declared = {"type": "RestService", "parameters": {"u": {"type": "String"}}}
    served.put(f"{path}/linkedservices/good", declared | {"typeProperties": given})
    del given[missing]
    body = {"properties": declared | {"typeProperties": given}}
    reply: httpx.Response = served.client.put(f"{path}/linkedservices/bad", json=body)
    assert reply.status_code == 400
    assert f"typeProperties.{missing}" in reply.json()["error"]["message"]
