"""The template "Copy from REST or HTTP using OAuth", created, run and monitored over HTTP, against real servers."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import httpx
import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from tests.integration.emulator.copying.harness import Answer, Asked, RestService, rest_service

TOKEN = f"token-{uuid4().hex}"
CLIENT_SECRET = f"secret-{uuid4().hex}"


def answer(asked: Asked) -> Answer:
    """A login, and items in three pages for who is logged in."""
    url = httpx.URL(asked.path)
    if url.path == "/oauth2/token":
        form = parse_qs(asked.body.decode())
        if asked.method != "POST" or form.get("client_secret") != [CLIENT_SECRET]:
            return Answer({"error": "invalid_client"}, 401)
        return Answer({"token_type": "Bearer", "access_token": TOKEN})
    if asked.headers.get("authorization") != f"Bearer {TOKEN}":
        return Answer({"message": "who are you?"}, 401)
    page = int(url.params.get("page", "1"))
    paging = {"next": f"/items?page={page + 1}" if page < 3 else None}
    return Answer({"data": [{"id": page}], "paging": paging})


@pytest.fixture
def service() -> Iterator[RestService]:
    """A REST service with a token endpoint."""
    with rest_service(answer) as running:
        yield running


@pytest.fixture
def container(azurite: str) -> Iterator[ContainerClient]:
    """The container of the parameter SinkContainer."""
    with BlobServiceClient.from_connection_string(azurite) as storage:
        yield storage.create_container(f"lake-{uuid4().hex}")


def expression(text: str) -> dict[str, str]:
    """An expression object."""
    return {"value": text, "type": "Expression"}


def reference(name: str, kind: str = "DatasetReference", **parameters: Any) -> dict[str, Any]:
    """A reference."""
    return {"referenceName": name, "type": kind, **({"parameters": parameters} if parameters else {})}


def publish(served: Any, path: str, service: RestService, azurite: str) -> None:
    """Create the template's linked services, datasets and pipeline."""
    anonymous = {"url": service.url, "authenticationType": "Anonymous"}
    served.put(f"{path}/linkedservices/Source", {"type": "RestService", "typeProperties": anonymous})
    served.put(
        f"{path}/linkedservices/Destination",
        {"type": "AzureBlobStorage", "typeProperties": {"connectionString": azurite}},
    )
    served.put(
        f"{path}/datasets/SourceItems",
        {
            "type": "RestResource",
            "linkedServiceName": reference("Source", "LinkedServiceReference"),
            "typeProperties": {"relativeUrl": "items"},
        },
    )
    served.put(
        f"{path}/datasets/DestinationFolder",
        {
            "type": "Json",
            "linkedServiceName": reference("Destination", "LinkedServiceReference"),
            "parameters": {"Container": {"type": "string"}, "Directory": {"type": "string"}},
            "typeProperties": {
                "location": {
                    "type": "AzureBlobStorageLocation",
                    "container": expression("@dataset().Container"),
                    "folderPath": expression("@dataset().Directory"),
                }
            },
        },
    )
    login = {
        "name": "GetBearerToken",
        "type": "WebActivity",
        "dependsOn": [],
        "policy": {"retry": 0, "secureInput": True, "secureOutput": True},
        "typeProperties": {
            "url": f"{service.url}/oauth2/token",
            "method": "POST",
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            "body": f"grant_type=client_credentials&client_id=app&client_secret={CLIENT_SECRET}",
        },
    }
    copy = {
        "name": "CopyItems",
        "type": "Copy",
        "dependsOn": [{"activity": "GetBearerToken", "dependencyConditions": ["Succeeded"]}],
        "policy": {"retry": 0, "secureInput": True, "secureOutput": True},
        "typeProperties": {
            "source": {
                "type": "RestSource",
                "requestMethod": "GET",
                "additionalHeaders": {
                    "Authorization": expression("Bearer @{activity('GetBearerToken').output.access_token}")
                },
                "paginationRules": {"AbsoluteUrl": "$.paging.next"},
                "requestInterval": "00:00:00.010",
            },
            "sink": {
                "type": "JsonSink",
                "storeSettings": {"type": "AzureBlobStorageWriteSettings"},
                "formatSettings": {"type": "JsonWriteSettings", "filePattern": "arrayOfObjects"},
            },
            "enableStaging": False,
        },
        "inputs": [reference("SourceItems")],
        "outputs": [
            reference(
                "DestinationFolder",
                Container=expression("@pipeline().parameters.SinkContainer"),
                Directory=expression("@pipeline().parameters.SinkDirectory"),
            )
        ],
    }
    parameters = {"SinkContainer": {"type": "String"}, "SinkDirectory": {"type": "String"}}
    served.put(f"{path}/pipelines/CopyWithOAuth", {"activities": [login, copy], "parameters": parameters})


def test_the_template_over_http(
    served: Any, azurite: str, service: RestService, container: ContainerClient
) -> None:
    """Every page lies where the parameters say, and no reply about the run holds the token or the secret."""
    path = served.create_factory()
    publish(served, path, service, azurite)
    parameters = {"SinkContainer": container.container_name, "SinkDirectory": "rest/2026"}
    run_id = served.client.post(f"{path}/pipelines/CopyWithOAuth/createRun", json=parameters).json()["runId"]
    run = served.wait_for(path, run_id)
    assert (run["status"], run["message"]) == ("Succeeded", "")

    (blob,) = container.list_blobs()
    assert blob.name.startswith("rest/2026/")
    pages = json.loads(container.download_blob(blob.name).readall())
    assert [page["data"][0]["id"] for page in pages] == [1, 2, 3]
    assert service.paths == ["/oauth2/token", "/items", "/items?page=2", "/items?page=3"]

    replies = [
        served.client.get(f"{path}/pipelineruns/{run_id}"),
        served.client.post(f"{path}/pipelineruns/{run_id}/queryActivityruns"),
        served.client.get("/_emulator/requests"),
        served.client.get("/_emulator/runs"),
    ]
    assert [row["status"] for row in replies[1].json()["value"]] == ["Succeeded", "Succeeded"]
    for reply in replies:
        assert reply.status_code == 200
        assert TOKEN not in reply.text
        assert CLIENT_SECRET not in reply.text


def test_without_secure_output_the_token_is_shown(
    served: Any, azurite: str, service: RestService, container: ContainerClient
) -> None:
    """As the article warns: only secureOutput and secureInput keep the token out of the activity runs."""
    path = served.create_factory()
    publish(served, path, service, azurite)
    pipeline = served.client.get(f"{path}/pipelines/CopyWithOAuth").json()["properties"]
    for activity in pipeline["activities"]:
        activity["policy"] = {"retry": 0}
    served.put(f"{path}/pipelines/CopyWithOAuth", pipeline)
    parameters = {"SinkContainer": container.container_name, "SinkDirectory": "rest"}
    run_id = served.client.post(f"{path}/pipelines/CopyWithOAuth/createRun", json=parameters).json()["runId"]
    assert served.wait_for(path, run_id)["status"] == "Succeeded"
    login, copy = served.client.post(f"{path}/pipelineruns/{run_id}/queryActivityruns").json()["value"]
    assert login["output"]["access_token"] == TOKEN
    assert copy["input"]["source"]["additionalHeaders"] == {"Authorization": f"Bearer {TOKEN}"}
