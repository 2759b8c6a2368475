"""Both quickstarts and the blog post about createRun, request by request, as their commands send them.

The expected replies are data here, taken from the documents' samples: the members, in order where the sample has
one, and the kind of each value. Samples that PowerShell cut short (`@{name=...}`) are written out.
"""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from tests.support.quickstarts import (
    ACTIVITY_SAMPLE,
    FACTORY_SAMPLE,
    RUN_SAMPLE,
    binary,
    copy,
    fits,
    literally,
    resource,
    text_expression,
)


@pytest.fixture
def container(azurite: str) -> Iterator[ContainerClient]:
    """The container that the quickstarts ask for, with its input folder."""
    with BlobServiceClient.from_connection_string(azurite) as service:
        created = service.create_container(f"adftutorial-{uuid4().hex}")
        created.upload_blob("input/emp.txt", b"John, Doe\nJane, Doe\n")
        created.upload_blob("input/emp2.txt", b"Ada, Lovelace\n")
        yield created


class Shell:
    """Sends the commands of the documents' PowerShell, with their headers and nothing added."""

    def __init__(self, served: Any, name: str) -> None:
        subscription = "12345678-1234-1234-1234-123456789abc"
        self.factory = (
            f"/subscriptions/{subscription}/resourceGroups/rg-test/providers/Microsoft.DataFactory"
            f"/factories/{name}"
        )
        self._served = served

    def send(self, method: str, path: str, body: Any = None, query: str = "") -> Any:
        """Send one command; returns the decoded reply. The query follows the api-version, as printed."""
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Authorization": f"Bearer {self._served.token('Contributor')}",
        }
        reply = httpx.request(
            method,
            f"{self._served.url}{self.factory}{path}?api-version=2018-06-01{query}",
            headers=headers,
            content=b"" if body is None else json.dumps(body, indent=4).encode(),
            timeout=60,
        )
        assert reply.status_code == 200, reply.text
        return reply.json()

    def publish(self, kind: str, name: str, properties: dict[str, Any], **beside: Any) -> Any:
        """PUT a document as printed: with its name, and with its other members beside the properties."""
        return self.send("PUT", f"/{kind}/{name}", {"name": name, "properties": properties, **beside})

    def monitor(self, run_id: str) -> Any:
        """The documents' loop: GET until the run is no longer queued or in progress."""
        run: Any = None

        def ended() -> bool:
            nonlocal run
            run = self.send("GET", f"/pipelineruns/{run_id}")
            return run["status"] not in {"Queued", "InProgress", "In Progress"}

        self._served.until(ended)
        return run


def prepare(shell: Shell, azurite: str, container: str) -> dict[str, Any]:
    """Linked service and datasets, alike in both documents; returns the pipeline of the next step."""
    printed = {"annotations": [], "type": "AzureBlobStorage"}
    documented = "DefaultEndpointsProtocol=https;AccountName=someaccount;"
    masked = printed | {"typeProperties": {"connectionString": documented}}
    given = printed | {"typeProperties": {"connectionString": f"{documented}AccountKey=c2VjcmV0"}}
    reply = shell.publish("linkedservices", "AzureStorageLinkedService", given)
    fits(reply, resource(shell.factory, "linkedservices", "AzureStorageLinkedService", literally(masked)))
    local = printed | {"typeProperties": {"connectionString": azurite}}
    shell.publish("linkedservices", "AzureStorageLinkedService", local)
    for name, properties in (
        ("InputDataset", binary(container, "input", "emp.txt")),
        ("OutputDataset", binary(container, "output")),
    ):
        reply = shell.publish("datasets", name, properties)
        fits(reply, resource(shell.factory, "datasets", name, literally(properties)))
    return copy({"referenceName": "InputDataset"}, {"referenceName": "OutputDataset"}, annotations=[])


def test_the_quickstart_of_2021(served: Any, azurite: str, container: ContainerClient) -> None:
    """Its createRun sends the last body again, the pipeline itself; the run still has no parameters."""
    shell = Shell(served, "quickstart-2021")
    body = {
        "name": "quickstart-2021",
        "location": "East US",
        "properties": {},
        "identity": {"type": "SystemAssigned"},
    }
    created = shell.send("PUT", "", body)
    fits(created, FACTORY_SAMPLE | {"name": "=quickstart-2021", "id": f"={shell.factory}"})
    assert list(created) == list(FACTORY_SAMPLE)

    properties = prepare(shell, azurite, container.container_name)
    pipeline = {"name": "Adfv2QuickStartPipeline", "properties": properties}
    reply = shell.send("PUT", "/pipelines/Adfv2QuickStartPipeline", pipeline)
    fits(reply, resource(shell.factory, "pipelines", "Adfv2QuickStartPipeline", literally(properties)))

    reply = shell.send("POST", "/pipelines/Adfv2QuickStartPipeline/createRun", pipeline)
    fits(reply, {"runId": "guid"})
    run = shell.monitor(reply["runId"])
    fits(run, RUN_SAMPLE)
    assert list(run) == list(RUN_SAMPLE)
    assert run["parameters"] == {}
    assert run["runGroupId"] == run["runId"]

    window = "&startTime=2021-05-31&endTime=2021-06-01&pipelineName=Adfv2QuickStartPipeline"
    rows = shell.send("POST", f"/pipelineruns/{run['runId']}/queryActivityruns", query=window)
    fits(rows, {"value": [ACTIVITY_SAMPLE]})
    assert (rows["value"][0]["output"]["dataRead"], rows["value"][0]["output"]["dataWritten"]) == (20, 20)
    assert container.download_blob("output/emp.txt").readall() == b"John, Doe\nJane, Doe\n"


def test_the_quickstart_of_2023(served: Any, azurite: str, container: ContainerClient) -> None:
    """Both its runs: without any body, and with parameters that travel through the datasets."""
    shell = Shell(served, "quickstart-2023")
    body = {"location": "East US", "properties": {}, "identity": {"type": "SystemAssigned"}}
    created = shell.send("PUT", "", body)
    fits(created, FACTORY_SAMPLE | {"name": "=quickstart-2023", "id": f"={shell.factory}"})

    name = container.container_name
    shell.publish("pipelines", "Adfv2QuickStartPipeline", prepare(shell, azurite, name))
    reply = shell.send("POST", "/pipelines/Adfv2QuickStartPipeline/createRun")
    fits(reply, {"runId": "guid"})
    fits(shell.monitor(reply["runId"]), RUN_SAMPLE)

    kind = {"type": "Microsoft.DataFactory/factories/datasets"}
    for dataset, folder, parameter in (
        ("ParamInputDataset", "input", "strInputFileName"),
        ("ParamOutputDataset", "output", "strOutPutFileName"),
    ):
        properties = binary(name, folder, text_expression(f"@dataset().{parameter}"), parameter)
        reply = shell.publish("datasets", dataset, properties, **kind)
        fits(reply, resource(shell.factory, "datasets", dataset, literally(properties)))

    properties = copy(
        {
            "referenceName": "ParamInputDataset",
            "parameters": {
                "strInputFileName": text_expression("@pipeline().parameters.strParamInputFileName")
            },
        },
        {
            "referenceName": "ParamOutputDataset",
            "parameters": {
                "strOutPutFileName": text_expression("@pipeline().parameters.strParamOutputFileName")
            },
        },
        parameters={
            "strParamInputFileName": {"type": "String"},
            "strParamOutputFileName": {"type": "String"},
        },
    )
    reply = shell.publish("pipelines", "Adfv2QuickStartParamPipeline", properties)
    fits(reply, resource(shell.factory, "pipelines", "Adfv2QuickStartParamPipeline", literally(properties)))

    parameters = {"strParamInputFileName": "emp2.txt", "strParamOutputFileName": "aloha.txt"}
    reply = shell.send("POST", "/pipelines/Adfv2QuickStartParamPipeline/createRun", parameters)
    run = shell.monitor(reply["runId"])
    fits(run, RUN_SAMPLE)
    assert run["parameters"] == parameters
    rows = shell.send("POST", f"/pipelineruns/{run['runId']}/queryActivityruns")
    fits(rows, {"value": [ACTIVITY_SAMPLE]})
    assert container.download_blob("output/aloha.txt").readall() == b"Ada, Lovelace\n"


def test_the_blog_post_starts_a_run_without_a_body(served: Any) -> None:
    """A POST without body and content type, as HttpClient sends it for null, answers with the run id."""
    path = served.create_factory()
    served.put(f"{path}/pipelines/p", {"activities": []})
    reply = httpx.post(
        f"{served.url}{path}/pipelines/p/createRun?api-version=2018-06-01",
        headers={"Authorization": f"Bearer {served.token('Contributor')}"},
    )
    assert reply.status_code == 200
    assert reply.request.headers["content-length"] == "0"
    assert "content-type" not in reply.request.headers
    fits(reply.json(), {"runId": "guid"})
