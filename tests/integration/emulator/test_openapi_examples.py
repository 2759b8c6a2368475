"""The examples of the service's OpenAPI description: requests are accepted, replies fit its schemas.

The description is not part of this repository. The tests run where the environment variable ADF_OPENAPI names the
folder that holds datafactory.json, or where a folder `*/spec` beside the repository holds it.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema
import pytest
import referencing
import referencing.jsonschema

from adf_trigger.emulator.commands.coverage import SERVICE_ACTIVITIES, SERVICE_OPERATIONS
from adf_trigger.emulator.http.routes import OPERATIONS

_BESIDE = next(Path(__file__).parents[4].glob("*/spec/datafactory.json"), Path("nowhere"))
SPEC = Path(os.environ.get("ADF_OPENAPI", _BESIDE.parent))

pytestmark = pytest.mark.skipif(
    not (SPEC / "datafactory.json").is_file(),
    reason="the OpenAPI description is not here; set ADF_OPENAPI to its folder",
)

FIRST = (
    "Factories_CreateOrUpdate",
    "IntegrationRuntimes_CreateOrUpdate",
    "CredentialOperations_CreateOrUpdate",
    "LinkedServices_CreateOrUpdate",
    "Datasets_CreateOrUpdate",
    "DataFlows_CreateOrUpdate",
    "Pipelines_CreateOrUpdate",
    "Triggers_CreateOrUpdate",
    "GlobalParameters_CreateOrUpdate",
    "Pipelines_CreateRun",
)
LAST = (
    "Triggers_Start",
    "TriggerRuns_Rerun",
    "TriggerRuns_Cancel",
    "Triggers_Stop",
    "Triggers_Delete",
    "PipelineRuns_Cancel",
    "Pipelines_Delete",
    "DataFlows_Delete",
    "Datasets_Delete",
    "LinkedServices_Delete",
    "CredentialOperations_Delete",
    "IntegrationRuntimes_Delete",
    "GlobalParameters_Delete",
    "Factories_Delete",
)
"""Creation before use, use before deletion."""

EMULATED = {operation.spec_id for operation in OPERATIONS if operation.spec_id}


class Description:
    """The OpenAPI description with its files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.document = json.loads((folder / "datafactory.json").read_text(encoding="utf-8"))
        files = [folder / "datafactory.json", *folder.glob("entityTypes/*.json")]
        self._registry: referencing.jsonschema.SchemaRegistry = referencing.Registry().with_resources(
            (
                f"http://openapi/{path.relative_to(folder).as_posix()}",
                referencing.jsonschema.DRAFT4.create_resource(
                    _as_json_schema(json.loads(path.read_text(encoding="utf-8")))
                ),
            )
            for path in files
        )

    def operations(self) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
        """Id, method, path template and description of every operation."""
        for template, methods in self.document["paths"].items():
            for method, described in methods.items():
                yield described["operationId"], method.upper(), template, described

    def examples(self, described: dict[str, Any]) -> list[dict[str, Any]]:
        """The examples of an operation."""
        return [
            json.loads((self._folder / example["$ref"]).read_text(encoding="utf-8"))
            for example in described.get("x-ms-examples", {}).values()
        ]

    def parameters(self, described: dict[str, Any]) -> list[dict[str, Any]]:
        """The parameters of an operation."""
        named = self.document["parameters"]
        return [
            named[parameter["$ref"].rpartition("/")[2]] if "$ref" in parameter else parameter
            for parameter in described["parameters"]
        ]

    def faults(self, described: dict[str, Any], reply: httpx.Response) -> list[str]:
        """Where a reply differs from its schema; null counts as absent, which the description cannot express."""
        answer = described["responses"].get(str(reply.status_code))
        if answer is None:
            return [f"status {reply.status_code} is not described: {reply.text}"]
        if "schema" not in answer:
            return [] if reply.status_code != 200 or not reply.content else ["a body where none is described"]
        schema = _absolute(answer["schema"])
        validator = jsonschema.Draft4Validator(schema, registry=self._registry)
        return [error.message for error in validator.iter_errors(_without_nulls(reply.json()))]


_SHAPE = frozenset({"properties", "allOf", "additionalProperties", "required"})


def _as_json_schema(schema: Any) -> Any:
    """The schema as JSON Schema: in Azure's descriptions an object without a shape is any value."""
    if isinstance(schema, list):
        return [_as_json_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    meant = {key: _as_json_schema(value) for key, value in schema.items()}
    if meant.get("type") == "object" and not _SHAPE & meant.keys():
        del meant["type"]
    return meant


def _absolute(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref", "")
    return {"$ref": f"http://openapi/datafactory.json{reference}"} if reference.startswith("#") else schema


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def description() -> Description:
    """The description, read once."""
    return Description(SPEC)


def play(
    served: Any, description: Description, method: str, template: str, described: dict[str, Any], example: Any
) -> httpx.Response:
    """Send an example's request."""
    given = dict(example["parameters"])
    query, headers, body, path = {"api-version": given["api-version"]}, {}, None, template
    for parameter in description.parameters(described):
        name = parameter["name"]
        value = given.get(name, given.get(name.replace("-", "")[:1].lower() + name.replace("-", "")[1:]))
        if value is None:
            continue
        match parameter["in"]:
            case "path":
                path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
            case "query":
                query[name] = str(value)
            case "header":
                headers[name] = str(value)
            case "body":
                body = value
    if described["operationId"] == "Pipelines_CreateRun":
        headers["x-ms-client-request-id"] = example["responses"]["200"]["body"]["runId"]
    reply: httpx.Response = served.client.request(method, path, params=query, headers=headers, json=body)
    return reply


def in_order(operation_id: str) -> tuple[int, int]:
    """The position of an operation in the sequence."""
    if operation_id in FIRST:
        return 0, FIRST.index(operation_id)
    return (2, LAST.index(operation_id)) if operation_id in LAST else (1, 0)


def prepare(served: Any, example: dict[str, Any]) -> None:
    """Create what an example requires: its datasets, its runs, and a run of its trigger."""
    parameters = example["parameters"]
    factory = (
        f"/subscriptions/{parameters['subscriptionId']}/resourceGroups/{parameters.get('resourceGroupName')}"
        f"/providers/Microsoft.DataFactory/factories/{parameters.get('factoryName')}"
    )
    for name in re.findall(r'"referenceName": "(\w+)", "type": "DatasetReference"', json.dumps(parameters)):
        if served.client.get(f"{factory}/datasets/{name}").status_code == 404:
            linked = {"referenceName": "exampleLinkedService", "type": "LinkedServiceReference"}
            served.put(f"{factory}/datasets/{name}", {"type": "AzureBlob", "linkedServiceName": linked})
    if "linkedServiceName" in parameters and "linkedService" not in parameters:
        for dataset in served.client.get(f"{factory}/datasets").json().get("value", []):
            served.client.delete(dataset["id"])
    if "runId" not in parameters:
        return
    if "triggerName" in parameters:
        window = {"lastUpdatedAfter": "2000-01-01T00:00:00Z", "lastUpdatedBefore": "2100-01-01T00:00:00Z"}
        if not (runs := served.client.post(f"{factory}/queryTriggerRuns", json=window).json()["value"]):
            served.control("POST", "clock", json={"advance_seconds": 300})
        while not runs:
            runs = served.client.post(f"{factory}/queryTriggerRuns", json=window).json()["value"]
        parameters["runId"] = runs[0]["triggerRunId"]
        return
    served.client.post(
        f"{factory}/pipelines/examplePipeline/createRun",
        headers={"x-ms-client-request-id": parameters["runId"]},
        json={"OutputBlobNameList": []},
    ).raise_for_status()


def test_requests_are_accepted_and_replies_fit_the_schemas(served: Any, description: Description) -> None:
    """Every example of every emulated operation, in a meaningful order, gets a reply of the described schema."""
    served.control("POST", "progression", json={"mode": "held"})
    served.control("PATCH", "options", json={"any_group": True})
    operations = sorted(
        (row for row in description.operations() if row[0] in EMULATED), key=lambda row: in_order(row[0])
    )
    faults: list[str] = []
    for operation_id, method, template, described in operations:
        for example in description.examples(described):
            if operation_id == "Triggers_CreateOrUpdate":
                recurrence = example["parameters"]["trigger"]["properties"]["typeProperties"]["recurrence"]
                recurrence.pop("endTime")
            prepare(served, example)
            reply = play(served, description, method, template, described, example)
            faults += [f"{operation_id}: {fault}" for fault in description.faults(described, reply)]
    assert faults == []


def test_every_emulated_operation_is_described_and_has_an_example(description: Description) -> None:
    """The ids in our table are the description's own, and the other test sends an example of each."""
    described = {operation_id: row for operation_id, _, _, row in description.operations()}
    assert set(described) >= EMULATED
    assert [name for name in sorted(EMULATED) if not description.examples(described[name])] == []


def test_our_paths_match_the_description(description: Description) -> None:
    """Method and path of every emulated operation match the description's, apart from case."""
    theirs = {
        operation_id: (method, [_segment(part) for part in template.split("/")])
        for operation_id, method, template, _ in description.operations()
    }
    ours = {
        operation.spec_id: (operation.method, [_segment(part) for part in operation.path.split("/")])
        for operation in OPERATIONS
        if operation.spec_id
    }
    assert ours == {name: theirs[name] for name in ours}


def test_the_page_of_emulated_operations_is_complete(description: Description) -> None:
    """Its operations and types of activities are those of the description."""
    assert {row[0] for row in description.operations()} == set(SERVICE_OPERATIONS)
    pipelines = json.loads((SPEC / "entityTypes" / "Pipeline.json").read_text("utf-8"))["definitions"]
    types = {
        definition["x-ms-discriminator-value"]
        for name, definition in pipelines.items()
        if name.endswith("Activity") and "x-ms-discriminator-value" in definition
    }
    assert types - {"Execution", "Container"} == set(SERVICE_ACTIVITIES), "apart from the abstract ones"


def _segment(part: str) -> str:
    return "{}" if part.startswith("{") else part.lower()
