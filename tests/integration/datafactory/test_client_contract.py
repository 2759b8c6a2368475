"""The contract between client and factory: the same tests on the emulated factory and on a real one."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from adf_trigger.azure.resource_ids import FactoryId
from adf_trigger.clock import utcnow
from adf_trigger.contracts import Rerun
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.management import ManagementApi
from adf_trigger.datafactory.models import FieldFilter, FieldOrder, RunFilter, TimeWindow, items_of
from adf_trigger.errors import (
    BadRequest,
    PreconditionFailed,
    Refused,
    ResourceNotFound,
    ScopeNotFound,
)
from tests.integration.datafactory.target import Target, ended


def wait_activity(seconds: int, name: str = "Wait1") -> dict[str, Any]:
    """An activity that waits."""
    return {"name": name, "type": "Wait", "typeProperties": {"waitTimeInSeconds": seconds}}


FAIL = {
    "name": "Fail1",
    "type": "Fail",
    "typeProperties": {"message": "@concat('no ', 'luck')", "errorCode": "42"},
}


@pytest.fixture
def define(factory_client: DataFactoryClient) -> Iterator[Callable[..., str]]:
    """Defines pipelines, returns their names, and deletes them after the test."""
    names: list[str] = []

    def make(*activities: dict[str, Any], **parameters: dict[str, Any]) -> str:
        name = f"Contract test {uuid4().hex[:12]}"
        names.append(name)
        factory_client.pipelines.create_or_update(
            name, {"activities": list(activities), "parameters": parameters}
        )
        return name

    yield make
    for name in names:
        factory_client.pipelines.delete(name)


def recently() -> TimeWindow:
    """A window around now, wide enough for clocks that differ."""
    return TimeWindow(utcnow() - timedelta(days=1), utcnow() + timedelta(days=1))


def recent_runs(*filters: FieldFilter) -> RunFilter:
    """All recent runs, newest first."""
    window = recently()
    return RunFilter(
        last_updated_after=window.after,
        last_updated_before=window.before,
        filters=filters,
        order_by=(FieldOrder(order_by="RunStart", order="DESC"),),
    )


def test_the_factory_exists(factory_client: DataFactoryClient, target: Target) -> None:
    """The factory has been provisioned, and the reply has the ids that support asks for."""
    factory = factory_client.get_factory()
    assert factory.name.lower() == target.factory.name.lower()
    assert factory.provisioning_state == "Succeeded"
    assert FactoryId.parse(factory.id or "").key == target.factory.key
    assert factory.reply.request_id
    assert factory.reply.correlation_id
    assert factory.reply.remaining_reads is not None


def test_a_missing_factory_is_not_found(target: Target, target_api: ManagementApi) -> None:
    """The Resource Manager answers 404 for it before Data Factory does, on every call below the factory."""
    missing = DataFactoryClient(
        FactoryId(target.factory.subscription_id, target.factory.resource_group, f"no-{uuid4().hex[:12]}"),
        target_api,
    )
    for act in (
        missing.get_factory,
        lambda: missing.get_run(uuid4()),
        lambda: missing.create_run("p", {}, client_request_id=uuid4()),
    ):
        with pytest.raises(ScopeNotFound) as caught:
            act()
        assert caught.value.code == "ResourceNotFound"
        assert caught.value.request_id


def test_a_pipeline_is_created_read_changed_listed_and_deleted(
    factory_client: DataFactoryClient, define: Callable[..., str]
) -> None:
    """The whole life of a resource whose name needs encoding."""
    name = define(wait_activity(1), day={"type": "String"}, n={"type": "Int", "defaultValue": 3})
    pipeline = factory_client.get_pipeline(name)
    assert pipeline.name == name
    assert [(each.name, each.type, each.required) for each in pipeline.declaration.parameters] == [
        ("day", "string", True),
        ("n", "int", False),
    ]
    assert name in {each.name for each in factory_client.list_pipelines()}
    assert factory_client.pipelines.delete(name) is True
    assert factory_client.pipelines.delete(name) is False
    with pytest.raises(ResourceNotFound) as caught:
        factory_client.get_pipeline(name)
    assert caught.value.status == 404


def test_etags_guard_and_spare(factory_client: DataFactoryClient, define: Callable[..., str]) -> None:
    """An unchanged resource is not sent again, and a changed one is not overwritten."""
    name = define(wait_activity(1))
    first = factory_client.get_pipeline(name)
    assert first.etag
    assert factory_client.pipelines.get_if_changed(name, first.etag) is None
    second = factory_client.pipelines.create_or_update(
        name, {"activities": [wait_activity(2)]}, if_match=first.etag
    )
    assert second.etag not in {None, first.etag}
    changed = factory_client.pipelines.get_if_changed(name, first.etag)
    assert changed is not None
    assert changed.etag == second.etag
    with pytest.raises(PreconditionFailed):
        factory_client.pipelines.create_or_update(name, {"activities": []}, if_match=first.etag)


def test_a_linked_service_is_returned_without_its_secret(factory_client: DataFactoryClient) -> None:
    """The secret is left out of the reply, and a dataset that refers to the linked service is stored too."""
    suffix = uuid4().hex[:12]
    key = "bm90IGEga2V5"
    factory_client.linked_services.create_or_update(
        f"Storage{suffix}",
        {
            "type": "AzureStorage",
            "typeProperties": {
                "connectionString": {
                    "type": "SecureString",
                    "value": f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={key}",
                }
            },
        },
    )
    try:
        stored = factory_client.linked_services.get(f"Storage{suffix}")
        assert key not in stored.model_dump_json()
        factory_client.datasets.create_or_update(
            f"Input{suffix}",
            {
                "type": "Binary",
                "linkedServiceName": {
                    "referenceName": f"Storage{suffix}",
                    "type": "LinkedServiceReference",
                },
                "typeProperties": {
                    "location": {"type": "AzureBlobStorageLocation", "container": "c", "fileName": "f"}
                },
            },
        )
        assert factory_client.datasets.get(f"Input{suffix}").properties["type"] == "Binary"
        assert factory_client.datasets.delete(f"Input{suffix}") is True
    finally:
        factory_client.datasets.delete(f"Input{suffix}")
        factory_client.linked_services.delete(f"Storage{suffix}")


def test_a_run_takes_the_chosen_id_and_is_found_until_it_succeeds(
    factory_client: DataFactoryClient, define: Callable[..., str]
) -> None:
    """The run with the chosen id is returned by getRun, by the query of runs and by the query of its activity runs."""
    name = define(wait_activity(1), day={"type": "String"}, names={"type": "Array"})
    chosen = uuid4()
    created = factory_client.create_run(
        name, {"day": "2026-01-01", "names": ["a", "b"]}, client_request_id=chosen
    )
    assert created.run_id == chosen
    assert created.request_id
    assert created.remaining_writes is not None
    assert factory_client.get_run(chosen).status in {"Queued", "InProgress", "Succeeded"}
    run = ended(factory_client, chosen)
    assert (run.status, run.pipeline_name) == ("Succeeded", name)
    assert run.parameters == {"day": "2026-01-01", "names": '["a","b"]'}
    assert run.run_start is not None
    assert run.run_end is not None
    assert run.run_end >= run.run_start
    assert run.duration_in_ms is not None
    only = FieldFilter(operand="PipelineName", operator="Equals", values=(name,))
    (page,) = factory_client.query_runs(recent_runs(only))
    assert [each.run_id for each in page.items] == [chosen]
    (activity,) = items_of(factory_client.query_activity_runs(chosen, window=recently()))
    assert (activity.activity_name, activity.activity_type) == ("Wait1", "Wait")
    assert (activity.status, activity.error.error_code) == ("Succeeded", "")


def test_a_failed_run_gives_the_reason(factory_client: DataFactoryClient, define: Callable[..., str]) -> None:
    """The failed activity has code and message, and the message of the run names the activity."""
    created = factory_client.create_run(define(FAIL), {}, client_request_id=uuid4())
    run = ended(factory_client, created.run_id)
    assert run.status == "Failed"
    assert run.message is not None
    assert "Fail1" in run.message
    (activity,) = items_of(factory_client.query_activity_runs(created.run_id, window=recently()))
    assert (activity.status, activity.error.error_code, activity.error.message) == ("Failed", "42", "no luck")
    assert activity.error.failure_type == "UserError"


def test_the_window_holds_for_activity_runs_too(
    factory_client: DataFactoryClient, define: Callable[..., str]
) -> None:
    """A window in the past returns no rows and no error."""
    created = factory_client.create_run(define(wait_activity(1)), {}, client_request_id=uuid4())
    ended(factory_client, created.run_id)
    past = TimeWindow(utcnow() - timedelta(days=20), utcnow() - timedelta(days=19))
    assert items_of(factory_client.query_activity_runs(created.run_id, window=past)) == []


def test_a_run_is_cancelled(factory_client: DataFactoryClient, define: Callable[..., str]) -> None:
    """A cancelled run ends as Cancelled, however much of its wait is left."""
    created = factory_client.create_run(define(wait_activity(3_600)), {}, client_request_id=uuid4())
    factory_client.cancel_run(created.run_id)
    assert ended(factory_client, created.run_id).status == "Cancelled"


def test_a_rerun_joins_the_group_of_its_run(
    factory_client: DataFactoryClient, define: Callable[..., str]
) -> None:
    """A recovery takes the parameters of the run that it refers to, whatever the body holds."""
    name = define(wait_activity(1), day={"type": "String"})
    first = factory_client.create_run(name, {"day": "one"}, client_request_id=uuid4())
    ended(factory_client, first.run_id)
    again = factory_client.create_run(
        name,
        {"day": "two"},
        client_request_id=uuid4(),
        rerun=Rerun(reference_pipeline_run_id=first.run_id, is_recovery=True),
    )
    assert again.run_id != first.run_id
    run = ended(factory_client, again.run_id)
    assert run.parameters == {"day": "one"}
    assert run.run_group_id == factory_client.get_run(first.run_id).run_group_id


def test_an_unknown_pipeline_starts_nothing(factory_client: DataFactoryClient) -> None:
    """createRun of an unknown pipeline is rejected, and no run with the chosen id exists."""
    chosen = uuid4()
    with pytest.raises(Refused):
        factory_client.create_run(f"No such pipeline {chosen}", {}, client_request_id=chosen)
    with pytest.raises(ResourceNotFound):
        factory_client.get_run(chosen)


def test_an_unknown_run_is_not_found(factory_client: DataFactoryClient) -> None:
    """An unknown run can be neither read nor cancelled."""
    with pytest.raises(ResourceNotFound):
        factory_client.get_run(uuid4())
    with pytest.raises(ResourceNotFound) as caught:
        factory_client.cancel_run(uuid4())
    assert caught.value.code == "ReferencedPipelineRunNotFound"


def test_an_invalid_definition_is_rejected_with_its_reason(factory_client: DataFactoryClient) -> None:
    """The service checks expressions against the declared parameters when a pipeline is stored."""
    broken = wait_activity(1)
    broken["typeProperties"] = {
        "waitTimeInSeconds": {"type": "Expression", "value": "@pipeline().parameters.undeclared"}
    }
    with pytest.raises(BadRequest) as caught:
        factory_client.pipelines.create_or_update(
            f"Contract test {uuid4().hex[:12]}", {"activities": [broken]}
        )
    assert "undeclared" in str(caught.value)
