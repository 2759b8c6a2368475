"""The documents, block by block, by curl on Azure's own addresses, with HTTPS_PROXY and the authority set alone."""

import json
from typing import Any
from uuid import uuid4

from azure.storage.blob import ContainerClient

from tests.acceptance.azure_names.blocks import BLOCKS, COUNTS, QUICKSTART_2021, QUICKSTART_2023, steps_of
from tests.acceptance.azure_names.curl import ARM, VERSION, Curl
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


def test_every_block_of_every_document_is_in_the_table() -> None:
    """Numbered without a gap, as many as the document has; what is neither sent nor compared has a reason."""
    for document, count in COUNTS.items():
        assert [block.number for block in BLOCKS if block.document == document] == list(range(1, count + 1))
    assert [block for block in BLOCKS if not (block.step or block.note)] == []
    assert {block.document for block in BLOCKS} == set(COUNTS)


def prepare(curl: Curl, shell: Any, group: str, factory_body: dict[str, Any]) -> None:
    """Up to the pipeline, which is alike in both editions."""
    name = f"docs-{uuid4().hex[:8]}"
    curl.factory = f"{group}/providers/Microsoft.DataFactory/factories/{name}"
    body = ({"name": name} if "name" in factory_body else {}) | {
        key: value for key, value in factory_body.items() if key != "name"
    }
    created = curl.send("factory", "PUT", "", body)
    fits(created, FACTORY_SAMPLE | {"name": f"={name}", "id": f"={curl.factory}"})
    assert list(created) == list(FACTORY_SAMPLE)
    curl.done.add("name in use")
    elsewhere = curl.factory.replace(group, shell.endpoints.factory_id.partition("/providers")[0])
    status, _, refused = curl.ask(
        "PUT",
        f"{ARM}{elsewhere}?{VERSION}",
        body=json.dumps(body),
        Authorization=f"Bearer {curl.token}",
        Content_Type="application/json",
    )
    assert (status, refused["error"]["code"]) == (409, "DataFactoryNameInUse")

    facts = dict(
        part.split("=", 1) for part in shell.endpoints.storage_connection_string.strip(";").split(";")
    )
    printed = f"DefaultEndpointsProtocol=https;AccountName={facts['AccountName']};"
    typed = {"annotations": [], "type": "AzureBlobStorage"}
    given = typed | {"typeProperties": {"connectionString": f"{printed}AccountKey={facts['AccountKey']}"}}
    shown = typed | {"typeProperties": {"connectionString": printed}}
    service = {"name": "AzureStorageLinkedService", "properties": given}
    reply = curl.send("linked service", "PUT", "/linkedservices/AzureStorageLinkedService", service)
    fits(reply, resource(curl.factory, "linkedservices", "AzureStorageLinkedService", literally(shown)))

    curl.publish("input dataset", "datasets", "InputDataset", binary("adftutorial", "input", "emp.txt"))
    curl.publish("output dataset", "datasets", "OutputDataset", binary("adftutorial", "output"))
    properties = copy({"referenceName": "InputDataset"}, {"referenceName": "OutputDataset"}, annotations=[])
    curl.publish("pipeline", "pipelines", "Adfv2QuickStartPipeline", properties)


def finish(curl: Curl, group: str) -> None:
    """Both ways to clean up, and what is left: nothing."""
    curl.send("delete factory", "DELETE", "")
    curl.done.add("delete group")
    authorization = {"Authorization": f"Bearer {curl.token}"}
    status, fields, _ = curl.ask("DELETE", f"{ARM}{group}?api-version=2021-04-01", **authorization)
    assert status == 202
    assert fields["location"].startswith(f"{ARM}/subscriptions/"), "under the name that was asked"
    assert curl.ask("GET", fields["location"], **authorization)[0] == 200
    assert curl.ask("GET", f"{ARM}{group}?api-version=2021-04-01", **authorization)[0] == 404


def test_the_quickstart_of_2021(curl: Curl, shell: Any, group: str, container: ContainerClient) -> None:
    """Every block that is sent, in order; its createRun sends the pipeline itself, and the run has no parameters."""
    body = {"name": "", "location": "East US", "properties": {}, "identity": {"type": "SystemAssigned"}}
    prepare(curl, shell, group, body)
    pipeline = copy({"referenceName": "InputDataset"}, {"referenceName": "OutputDataset"}, annotations=[])
    posted = {"name": "Adfv2QuickStartPipeline", "properties": pipeline}
    reply = curl.send("run", "POST", "/pipelines/Adfv2QuickStartPipeline/createRun", posted)
    fits(reply, {"runId": "guid"})
    run = curl.monitor(reply["runId"])
    fits(run, RUN_SAMPLE)
    assert (list(run), run["parameters"]) == (list(RUN_SAMPLE), {})
    window = "&startTime=2021-05-31&endTime=2021-06-01&pipelineName=Adfv2QuickStartPipeline"
    rows = curl.send("activities", "POST", f"/pipelineruns/{run['runId']}/queryActivityruns", query=window)
    fits(rows, {"value": [ACTIVITY_SAMPLE]})
    assert container.download_blob("output/emp.txt").readall() == b"John, Doe\nJane, Doe\n"
    finish(curl, group)
    assert curl.done == steps_of(QUICKSTART_2021)


def test_the_quickstart_of_2023(curl: Curl, shell: Any, group: str, container: ContainerClient) -> None:
    """Both its runs, one without any body, one with parameters that travel through the datasets."""
    prepare(
        curl, shell, group, {"location": "East US", "properties": {}, "identity": {"type": "SystemAssigned"}}
    )
    reply = curl.send("run", "POST", "/pipelines/Adfv2QuickStartPipeline/createRun")
    fits(reply, {"runId": "guid"})
    kind = {"type": "Microsoft.DataFactory/factories/datasets"}
    for step, name, folder, parameter in (
        ("parameterised input", "ParamInputDataset", "input", "strInputFileName"),
        ("parameterised output", "ParamOutputDataset", "output", "strOutPutFileName"),
    ):
        dataset = binary("adftutorial", folder, text_expression(f"@dataset().{parameter}"), parameter)
        curl.publish(step, "datasets", name, dataset, **kind)
    names = ("strParamInputFileName", "strParamOutputFileName")
    given = [text_expression(f"@pipeline().parameters.{name}") for name in names]
    pipeline = copy(
        {"referenceName": "ParamInputDataset", "parameters": {"strInputFileName": given[0]}},
        {"referenceName": "ParamOutputDataset", "parameters": {"strOutPutFileName": given[1]}},
        parameters={name: {"type": "String"} for name in names},
    )
    curl.publish("parameterised pipeline", "pipelines", "Adfv2QuickStartParamPipeline", pipeline)
    parameters = dict(zip(names, ("emp2.txt", "aloha.txt"), strict=True))
    path = "/pipelines/Adfv2QuickStartParamPipeline/createRun"
    reply = curl.send("parameterised run", "POST", path, parameters)
    run = curl.monitor(reply["runId"])
    fits(run, RUN_SAMPLE | {"id": f"={curl.factory}/pipelineruns/{run['runId']}"})
    assert (run["parameters"], list(run)) == (parameters, list(RUN_SAMPLE))
    rows = curl.send("activities", "POST", f"/pipelineruns/{run['runId']}/queryActivityruns")
    identity = f"={curl.factory}/pipelineruns/{run['runId']}/activityruns/{rows['value'][0]['activityRunId']}"
    fits(rows, {"value": [ACTIVITY_SAMPLE | {"id": identity}]})
    assert container.download_blob("output/aloha.txt").readall() == b"Ada, Lovelace\n"
    finish(curl, group)
    assert curl.done == steps_of(QUICKSTART_2023)


def test_nothing_of_it_went_elsewhere(shell: Any) -> None:
    """The stack has looked up and called this machine alone; curl was given the proxy, which leads nowhere else."""
    assert shell.elsewhere() == []
