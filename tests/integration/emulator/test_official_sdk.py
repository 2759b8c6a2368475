"""The official SDK, over https, drives the emulator like the service."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.datafactory import DataFactoryManagementClient
from azure.mgmt.datafactory import models as typed_models
from azure.storage.blob import BlobServiceClient

from tests.integration.emulator.calls import SDK_SUBSCRIPTION

sdk_models: Any = typed_models
"""Keywords that flatten a model's properties work in every version, but are in no version's types."""

GROUP, FACTORY = "rg-sdk", "adf-sdk"
LIMIT = timedelta(seconds=60)


class Credential:
    """A credential with a fixed token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self._token, int(time.time()) + 3000)


@pytest.fixture
def sdk(served: Any) -> Iterator[Any]:
    """The SDK's client, pointed at the emulator's https address."""
    with DataFactoryManagementClient(
        Credential(served.token("Data Factory Contributor")),
        SDK_SUBSCRIPTION,
        base_url=served.tls_url,
        credential_scopes=["https://management.azure.com/.default"],
        connection_verify=str(served.ca_file),
        retry_total=0,
    ) as client:
        yield client


def typed(model: Any, name: str) -> Any:
    """The model with its discriminator, which version 10.0.0 of the SDK leaves out of flattened sdk_models."""
    model.type = name
    return model


def wait_for(sdk: Any, run_id: str) -> Any:
    """The run, once it has ended."""
    deadline = datetime.now(tz=UTC) + LIMIT
    while True:
        run = sdk.pipeline_runs.get(GROUP, FACTORY, run_id)
        if run.status in {"Succeeded", "Failed", "Cancelled"}:
            return run
        assert datetime.now(tz=UTC) < deadline, run
        time.sleep(0.02)


def code_of(error: HttpResponseError) -> str | None:
    """The service's code, as the SDK understood it."""
    return error.error.code if error.error else None


def create_copy(sdk: Any, storage: str, container: str) -> None:
    """Create the resources of the SDK's own quickstart."""
    factory = sdk.factories.create_or_update(GROUP, FACTORY, sdk_models.Factory(location="eastus"))
    assert factory.provisioning_state == "Succeeded"
    sdk.linked_services.create_or_update(
        GROUP,
        FACTORY,
        "storage",
        sdk_models.LinkedServiceResource(
            properties=typed(
                sdk_models.AzureBlobStorageLinkedService(
                    connection_string=sdk_models.SecureString(value=storage)
                ),
                "AzureBlobStorage",
            )
        ),
    )
    linked = sdk_models.LinkedServiceReference(type="LinkedServiceReference", reference_name="storage")
    for name, folder, file_name in (("in", "input", "emp.txt"), ("out", "output", None)):
        sdk.datasets.create_or_update(
            GROUP,
            FACTORY,
            name,
            sdk_models.DatasetResource(
                properties=typed(
                    sdk_models.BinaryDataset(
                        linked_service_name=linked,
                        location=sdk_models.AzureBlobStorageLocation(
                            container=container, folder_path=folder, file_name=file_name
                        ),
                    ),
                    "Binary",
                )
            ),
        )
    copy = typed(
        sdk_models.CopyActivity(
            name="copyBlobtoBlob",
            inputs=[sdk_models.DatasetReference(type="DatasetReference", reference_name="in")],
            outputs=[sdk_models.DatasetReference(type="DatasetReference", reference_name="out")],
            source=sdk_models.BinarySource(),
            sink=sdk_models.BinarySink(),
        ),
        "Copy",
    )
    sdk.pipelines.create_or_update(
        GROUP, FACTORY, "copyPipeline", sdk_models.PipelineResource(activities=[copy], parameters={})
    )


def test_the_sdk_creates_runs_and_monitors_a_copy(sdk: Any, azurite: str) -> None:
    """Resources, createRun, run and activity runs work through the SDK, and the blob is there."""
    with BlobServiceClient.from_connection_string(azurite) as service:
        container = service.create_container(f"sdk-{uuid4().hex}")
        container.upload_blob("input/emp.txt", b"John, Doe\n")
        create_copy(sdk, azurite, container.container_name)

        started = sdk.pipelines.create_run(GROUP, FACTORY, "copyPipeline", parameters={})
        run = wait_for(sdk, started.run_id)
        assert run.status == "Succeeded", run.message
        window = sdk_models.RunFilterParameters(
            last_updated_after=datetime.now(tz=UTC) - timedelta(days=1),
            last_updated_before=datetime.now(tz=UTC) + timedelta(days=1),
        )
        rows = sdk.activity_runs.query_by_pipeline_run(GROUP, FACTORY, started.run_id, window).value
        assert [(row.activity_name, row.status, row.output["dataWritten"]) for row in rows] == [
            ("copyBlobtoBlob", "Succeeded", 10)
        ]
        runs = sdk.pipeline_runs.query_by_factory(GROUP, FACTORY, window).value
        assert [found.run_id for found in runs] == [started.run_id]
        assert container.download_blob("output/emp.txt").readall() == b"John, Doe\n"


def test_the_sdk_lists_gets_and_deletes(sdk: Any, azurite: str) -> None:
    """Lists, conditional gets and deletes return the SDK's models; a deleted resource is a not-found error."""
    create_copy(sdk, azurite, "none")
    assert [found.name for found in sdk.factories.list()] == [FACTORY]
    assert [found.name for found in sdk.datasets.list_by_factory(GROUP, FACTORY)] == ["in", "out"]
    pipeline = sdk.pipelines.get(GROUP, FACTORY, "COPYPIPELINE")
    assert (pipeline.name, pipeline.activities[0].name) == ("copyPipeline", "copyBlobtoBlob")
    unchanged = sdk.pipelines.get(GROUP, FACTORY, "copyPipeline", headers={"If-None-Match": pipeline.etag})
    assert unchanged is None
    sdk.pipelines.delete(GROUP, FACTORY, "copyPipeline")
    with pytest.raises(ResourceNotFoundError) as gone:
        sdk.pipelines.get(GROUP, FACTORY, "copyPipeline")
    assert code_of(gone.value) == "NotFound"


def test_the_sdk_sees_the_services_errors(sdk: Any, azurite: str) -> None:
    """A rejection reaches the SDK's caller with the service's code and message."""
    create_copy(sdk, azurite, "none")
    with pytest.raises(HttpResponseError) as refused:
        sdk.pipeline_runs.cancel(GROUP, FACTORY, "someGuid")
    assert code_of(refused.value) == "ReferencedPipelineRunNotFound"
    assert "Referenced pipeline run id someGuid does not exist." in str(refused.value)


def test_the_sdk_drives_a_trigger(sdk: Any, azurite: str) -> None:
    """A schedule trigger is created Stopped, started, stopped and deleted through the SDK."""
    create_copy(sdk, azurite, "none")
    reference = sdk_models.PipelineReference(type="PipelineReference", reference_name="copyPipeline")
    trigger = sdk_models.TriggerResource(
        properties=typed(
            sdk_models.ScheduleTrigger(
                pipelines=[sdk_models.TriggerPipelineReference(pipeline_reference=reference)],
                recurrence=sdk_models.ScheduleTriggerRecurrence(
                    frequency="Hour",
                    interval=1,
                    start_time=datetime(2030, 1, 1, tzinfo=UTC),
                    time_zone="UTC",
                ),
            ),
            "ScheduleTrigger",
        )
    )
    created = sdk.triggers.create_or_update(GROUP, FACTORY, "hourly", trigger)
    assert created.properties.runtime_state == "Stopped"
    sdk.triggers.begin_start(GROUP, FACTORY, "hourly").result()
    assert sdk.triggers.get(GROUP, FACTORY, "hourly").properties.runtime_state == "Started"
    sdk.triggers.begin_stop(GROUP, FACTORY, "hourly").result()
    sdk.triggers.delete(GROUP, FACTORY, "hourly")
    assert list(sdk.triggers.list_by_factory(GROUP, FACTORY)) == []
