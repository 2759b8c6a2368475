"""Both quickstarts by Microsoft's own Python libraries, with no address in it: the environment says all there is.

Run by a test, in a shell that has the proxy and the authority. Prints the results as JSON.
"""

import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msal  # type: ignore[import-untyped]
from azure.identity import ClientSecretCredential
from azure.mgmt.datafactory import DataFactoryManagementClient
from azure.storage.blob import BlobServiceClient

from tests.support.quickstarts import binary, copy, text_expression

TENANT, CLIENT, SECRET = (os.environ[name] for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"))
SUBSCRIPTION, GROUP, FACTORY, KEY = sys.argv[1:]
NAMES = ("strParamInputFileName", "strParamOutputFileName")
CONTAINER = "by-sdk"


def documents() -> dict[str, dict[str, Any]]:
    """Datasets and pipelines of both editions."""
    given = [text_expression(f"@pipeline().parameters.{name}") for name in NAMES]
    return {
        "InputDataset": binary(CONTAINER, "input", "emp.txt"),
        "OutputDataset": binary(CONTAINER, "output"),
        "ParamInputDataset": binary(
            CONTAINER, "input", text_expression("@dataset().strInputFileName"), "strInputFileName"
        ),
        "ParamOutputDataset": binary(
            CONTAINER, "output", text_expression("@dataset().strOutPutFileName"), "strOutPutFileName"
        ),
        "Adfv2QuickStartPipeline": copy(
            {"referenceName": "InputDataset"}, {"referenceName": "OutputDataset"}, annotations=[]
        ),
        "Adfv2QuickStartParamPipeline": copy(
            {"referenceName": "ParamInputDataset", "parameters": {"strInputFileName": given[0]}},
            {"referenceName": "ParamOutputDataset", "parameters": {"strOutPutFileName": given[1]}},
            parameters={name: {"type": "String"} for name in NAMES},
        ),
    }


def ended(client: Any, run_id: str) -> Any:
    """The run, once it has ended."""
    deadline = time.monotonic() + 60
    while (run := client.pipeline_runs.get(GROUP, FACTORY, run_id)).status in {"Queued", "InProgress"}:
        if time.monotonic() > deadline:
            raise TimeoutError(run_id)
        time.sleep(0.1)
    return run


def main() -> None:
    """Everything, in the documents' order."""
    signed_in = msal.ConfidentialClientApplication(
        CLIENT, SECRET, authority="https://login.microsoftonline.com/contoso.onmicrosoft.com"
    ).acquire_token_for_client(["https://management.azure.com/.default"])
    connection = f"DefaultEndpointsProtocol=https;AccountName=devstoreaccount1;AccountKey={KEY}"
    with BlobServiceClient.from_connection_string(connection) as storage:
        container = storage.create_container(CONTAINER)
        container.upload_blob("input/emp.txt", b"John, Doe\n")
        container.upload_blob("input/emp2.txt", b"Ada, Lovelace\n")
        credential = ClientSecretCredential(TENANT, CLIENT, SECRET)
        with DataFactoryManagementClient(credential, SUBSCRIPTION) as opened:
            # It takes JSON as well as models, and declares the models alone.
            client: Any = opened
            body = {"location": "East US", "properties": {}, "identity": {"type": "SystemAssigned"}}
            made = client.factories.create_or_update(GROUP, FACTORY, body)
            service = {
                "annotations": [],
                "type": "AzureBlobStorage",
                "typeProperties": {"connectionString": connection},
            }
            client.linked_services.create_or_update(
                GROUP, FACTORY, "AzureStorageLinkedService", {"properties": service}
            )
            for name, properties in documents().items():
                kind = client.datasets if name.endswith("Dataset") else client.pipelines
                kind.create_or_update(GROUP, FACTORY, name, {"properties": properties})
            plain = client.pipelines.create_run(GROUP, FACTORY, "Adfv2QuickStartPipeline")
            parameters = dict(zip(NAMES, ("emp2.txt", "aloha.txt"), strict=True))
            named = client.pipelines.create_run(
                GROUP, FACTORY, "Adfv2QuickStartParamPipeline", parameters=parameters
            )
            runs = [ended(client, run.run_id) for run in (plain, named)]
            hour = timedelta(hours=1)
            window = {
                "lastUpdatedAfter": (datetime.now(tz=UTC) - hour).isoformat(),
                "lastUpdatedBefore": (datetime.now(tz=UTC) + hour).isoformat(),
            }
            rows = client.activity_runs.query_by_pipeline_run(GROUP, FACTORY, named.run_id, window)
            listed = [factory.name for factory in client.factories.list_by_resource_group(GROUP)]
            client.factories.delete(GROUP, FACTORY)
        found = {
            blob.name: container.download_blob(blob.name).readall().decode()
            for blob in container.list_blobs()
        }
    outcome = {
        "token": signed_in.get("token_type"),
        "provisioned": made.provisioning_state,
        "runs": [run.status for run in runs],
        "parameters": runs[1].parameters,
        "read": [row.output["dataRead"] for row in rows.value],
        "listed": listed,
        "blobs": found,
    }
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    main()
