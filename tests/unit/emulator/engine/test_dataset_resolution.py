"""Datasets and linked services as an activity receives them."""

from typing import Any

import pytest

from adf_trigger.emulator.activities.catalogue import activity_types
from adf_trigger.emulator.contract.activity import ActivityContext, ActivityResult, ResolvedDataset
from tests.support.engine_factory import Factory, activity, expression


def resolved(factory: Factory, reference: dict[str, Any], **pipeline: Any) -> ResolvedDataset | str:
    """The dataset of a reference, or the error message."""
    found: list[ResolvedDataset] = []

    async def probe(context: ActivityContext) -> ActivityResult:
        found.append(await context.dataset(context.definition["inputs"][0]))
        return ActivityResult()

    factory.registry = activity_types(execution={"Probe": probe})
    factory.define("P", activity("A", "Probe", inputs=[reference]), **pipeline)
    run = factory.run("P")
    return found[0] if found else str(run.message).removeprefix("Operation on target A failed: ")


def reference(name: str, **parameters: Any) -> dict[str, Any]:
    """A DatasetReference."""
    return {"referenceName": name, "type": "DatasetReference", "parameters": parameters}


@pytest.fixture
def stored(factory: Factory) -> Factory:
    """A factory with a parameterised dataset on a parameterised linked service."""
    factory.definitions.linked_services["store"] = {
        "type": "AzureBlobStorage",
        "parameters": {"account": {"type": "String"}, "suffix": {"type": "String", "defaultValue": "core"}},
        "typeProperties": {
            "connectionString": {
                "type": "SecureString",
                "value": "AccountName=@{linkedService().account};EndpointSuffix=@{linkedService().suffix}",
            },
            "plain": "x",
        },
    }
    factory.definitions.datasets["files"] = {
        "type": "Binary",
        "linkedServiceName": {
            "referenceName": "Store",
            "type": "LinkedServiceReference",
            "parameters": {"account": expression("@concat(dataset().who, 's')")},
        },
        "parameters": {
            "who": {"type": "String"},
            "file": {"type": "String", "defaultValue": "@{pipeline().Pipeline}.txt"},
        },
        "typeProperties": {
            "location": {
                "type": "AzureBlobStorageLocation",
                "container": "c",
                "fileName": expression("@dataset().file"),
                "folderPath": "in/@{dataset().who}",
            }
        },
        "schema": [{"name": "@dataset().who"}],
    }
    return factory


def test_parameters_pass_from_the_pipeline_to_the_linked_service(stored: Factory) -> None:
    """Each step evaluates in its own scope; defaults fill in; a SecureString becomes a plain one."""
    dataset = resolved(
        stored,
        reference("Files", who=expression("@pipeline().parameters.user")),
        parameters={"user": {"type": "String", "defaultValue": "ann"}},
    )

    assert dataset == ResolvedDataset(
        name="Files",
        type="Binary",
        properties={
            "location": {
                "type": "AzureBlobStorageLocation",
                "container": "c",
                "fileName": "P.txt",
                "folderPath": "in/ann",
            }
        },
        linked_service_name="Store",
        linked_service_type="AzureBlobStorage",
        linked_service={"connectionString": "AccountName=anns;EndpointSuffix=core", "plain": "x"},
        schema=[{"name": "ann"}],
    )


def test_a_value_of_a_reference_precedes_the_default(stored: Factory) -> None:
    """Given parameters are used, whatever the case of their names; undeclared ones are dropped."""
    dataset = resolved(stored, reference("Files", Who="bob", FILE="f", other="o"))

    assert isinstance(dataset, ResolvedDataset)
    assert dataset.properties["location"]["fileName"] == "f"


def test_a_missing_parameter_fails_the_activity(stored: Factory) -> None:
    """There is no value and no default."""
    said = resolved(stored, reference("Files"))

    assert isinstance(said, str)
    assert "who" in said


def test_unknown_references_are_reported_by_name(stored: Factory) -> None:
    """This holds for datasets and linked services."""
    stored.definitions.datasets["orphan"] = {
        "type": "Binary",
        "linkedServiceName": {"referenceName": "Gone", "type": "LinkedServiceReference"},
    }

    assert resolved(stored, reference("Nowhere")) == "The dataset 'Nowhere' does not exist in the factory."
    assert resolved(stored, reference("Orphan")) == "The linked service 'Gone' does not exist in the factory."


def test_a_linked_service_is_resolved_alone(stored: Factory) -> None:
    """Authentication of a Web activity and log storage of a Delete need one without a dataset."""
    found: list[tuple[str, dict[str, Any]]] = []

    async def probe(context: ActivityContext) -> ActivityResult:
        written = {"referenceName": "store", "parameters": {"account": "@concat('x', 'y')"}}
        found.append(await context.linked_service(written))
        return ActivityResult()

    stored.registry = activity_types(execution={"Probe": probe})
    stored.define("P", activity("A", "Probe"))
    stored.run("P")

    assert found == [
        ("AzureBlobStorage", {"connectionString": "AccountName=xy;EndpointSuffix=core", "plain": "x"})
    ]


def test_global_parameters_and_system_variables_are_seen(factory: Factory) -> None:
    """pipeline() has the factory's name, the run's ids, the trigger's, and global parameters."""
    factory.definitions.globals["env"] = "dev"
    seen: list[Any] = []

    async def probe(context: ActivityContext) -> ActivityResult:
        names = ("DataFactory", "Pipeline", "RunId", "GroupId", "TriggerType", "TriggerName", "TriggerTime")
        seen.extend(context.evaluate([f"@pipeline().{name}" for name in names]))
        seen.append(context.evaluate("@pipeline().globalParameters.env"))
        return ActivityResult()

    factory.registry = activity_types(execution={"Probe": probe})
    factory.define("P", activity("A", "Probe"))
    run = factory.run("P")

    assert seen == [
        "Factory1",
        "P",
        run.run_id,
        run.run_id,
        "Manual",
        "Manual",
        "2026-01-01T00:00:00Z",
        "dev",
    ]
