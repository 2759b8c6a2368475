"""What a strict engine allows: concurrent activities of a region, and the payload of one."""

import asyncio
from typing import Any

import pytest

from adf_trigger.emulator.activities.catalogue import CONTROL, EXECUTION, activity_types
from adf_trigger.emulator.common.models import ActivityRun, PipelineRun
from adf_trigger.emulator.contract.activity import Activity, ActivityContext, ActivityResult
from adf_trigger.emulator.contract.registry import Registry
from tests.support.engine_factory import Factory, activity, expression, set_variable

PAYLOAD = 896 * 1024
TOO_LARGE = (
    "The payload including configurations on activity/dataSet/linked service is too large. Please check if you "
    "have settings with very large value and try to reduce its size."
)


def holding(gate: asyncio.Event) -> Activity:
    """An activity that runs until the gate is open."""

    async def held(_context: ActivityContext) -> ActivityResult:
        await gate.wait()
        return ActivityResult()

    return held


def crowd(factory: Factory, types: list[str]) -> list[PipelineRun]:
    """Start a run of one activity for each type, let all run concurrently, then let them end."""
    gate = asyncio.Event()
    held = holding(gate)
    control = {**CONTROL, "WebHook": held}
    factory.registry = activity_types(dict.fromkeys(EXECUTION, held), control, ["WebHook"])
    for type_name in set(types):
        factory.define(type_name, activity("A", type_name))

    async def story() -> list[PipelineRun]:
        started = [factory.start(type_name) for type_name in types]
        for _ in range(10):
            await asyncio.sleep(0)
        gate.set()
        return [await factory.ended(run_id) for run_id in started]

    return factory.play(story())


def failed(factory: Factory, runs: list[PipelineRun]) -> list[ActivityRun]:
    """The activity runs of the runs that failed."""
    return [factory.rows(run)["A"] for run in runs if run.status == "Failed"]


@pytest.mark.parametrize(
    ("types", "limit", "words"),
    [
        (["Lookup", "GetMetadata", "Delete"], 1000, "pipeline activity"),
        (["WebActivity", "WebHook"], 3000, "external activity"),
    ],
)
def test_activities_over_the_limit_of_a_region_fail(
    factory: Factory, types: list[str], limit: int, words: str
) -> None:
    """They are counted over all runs; those without a place do not wait for one."""
    factory.options.strict = True
    runs = crowd(factory, (types * limit)[: limit + 2])
    assert [run.status for run in runs] == ["Succeeded"] * limit + ["Failed"] * 2
    for row in failed(factory, runs):
        assert row.error["errorCode"] == "2003"
        assert row.error["message"] == (
            f"There are substantial concurrent {words} executions which is causing failures due to throttling "
            "under subscription 5b0e1f9c-0d55-4c0a-9d23-9f9be4f0a2f4, region East US and limitation "
            f"{limit}. Please reduce the concurrent executions. For limits, refer https://aka.ms/adflimits."
        )


def test_a_place_is_free_again_when_its_activity_has_ended(factory: Factory) -> None:
    """This holds however it ended, and also while nothing was limited."""
    assert failed(factory, crowd(factory, ["Lookup"] * 1001)) == []
    factory.options.strict = True
    assert failed(factory, crowd(factory, ["Lookup"] * 1000)) == []


def test_activities_of_other_kinds_are_not_limited(factory: Factory) -> None:
    """A Copy is limited in data integration units, not in number."""
    factory.options.strict = True
    assert failed(factory, crowd(factory, ["Copy"] * 1001 + ["Lookup"] * 1000)) == []


def test_other_regions_have_places_of_their_own(factory: Factory) -> None:
    """The limit is per region of the integration runtime."""
    factory.options.strict = True
    locations = iter(["East US"] * 1000 + ["West Europe"] * 1000)
    factory.location = lambda _factory_id: next(locations)
    assert failed(factory, crowd(factory, ["Lookup"] * 2000)) == []


def evaluating(*, with_dataset: bool = False) -> Registry:
    """A registry whose Lookup only evaluates its input."""

    async def look(context: ActivityContext) -> ActivityResult:
        properties = context.evaluate(context.type_properties)
        if with_dataset:
            await context.dataset(properties["dataset"])
        return ActivityResult()

    return activity_types(execution={"Lookup": look})


def dataset_of(size: int, factory: Factory) -> dict[str, Any]:
    """A dataset whose folder and linked service hold a parameter's text of a size; returns a reference."""
    service = {"referenceName": "s", "type": "LinkedServiceReference", "parameters": {"t": "@dataset().t"}}
    factory.definitions.datasets["d"] = {
        "type": "Binary",
        "linkedServiceName": service,
        "parameters": {"t": {"type": "string"}},
        "typeProperties": {"folder": expression("@dataset().t")},
    }
    factory.definitions.linked_services["s"] = {
        "type": "AzureBlobStorage",
        "parameters": {"t": {"type": "string"}},
        "typeProperties": {"connectionString": "@{linkedService().t}"},
    }
    return {"referenceName": "d", "type": "DatasetReference", "parameters": {"t": "x" * size}}


@pytest.mark.parametrize(("strict", "status"), [(True, "Failed"), (False, "Succeeded")])
def test_a_payload_is_measured_after_evaluation(factory: Factory, status: str, *, strict: bool) -> None:
    """A short expression may give a long text; only a strict engine checks it."""
    factory.options.strict = strict
    factory.registry = evaluating()
    text = expression("@pipeline().parameters.text")
    factory.define("P", activity("A", "Lookup", {"text": text}), parameters={"text": {"type": "String"}})
    run = factory.run("P", {"text": "x" * PAYLOAD})
    assert run.status == status
    error = factory.rows(run)["A"].error
    assert (error["errorCode"], error["message"]) == (("2002", TOO_LARGE) if strict else ("", ""))


def test_a_payload_up_to_the_limit_is_accepted(factory: Factory) -> None:
    """It is counted in bytes of compact JSON."""
    factory.options.strict = True
    factory.registry = evaluating()
    frame = len('{"text":""}')
    factory.define("fits", activity("A", "Lookup", {"text": "é" * ((PAYLOAD - frame) // 2)}))
    factory.define("does not", activity("A", "Lookup", {"text": "é" * ((PAYLOAD - frame) // 2 + 1)}))
    assert factory.run("fits").status == "Succeeded"
    assert factory.run("does not").status == "Failed"


def test_datasets_and_linked_services_count_in(factory: Factory) -> None:
    """None of the three is too large alone; together they are."""
    factory.options.strict = True
    factory.registry = evaluating(with_dataset=True)
    factory.define("small", activity("A", "Lookup", {"dataset": dataset_of(PAYLOAD // 4, factory)}))
    factory.define("large", activity("A", "Lookup", {"dataset": dataset_of(PAYLOAD // 3, factory)}))
    assert factory.run("small").status == "Succeeded"
    assert factory.run("large").status == "Failed"


def test_each_retry_is_measured(factory: Factory) -> None:
    """Each attempt is an activity run with a payload of its own."""
    factory.options.strict = True
    attempts = []

    async def look(context: ActivityContext) -> ActivityResult:
        context.evaluate(context.type_properties)
        attempts.append(context.name)
        if len(attempts) == 1:
            raise TimeoutError
        return ActivityResult()

    factory.registry = activity_types(execution={"Lookup": look})
    factory.define("P", activity("A", "Lookup", {"text": "x" * (PAYLOAD * 2 // 3)}, policy={"retry": 1}))
    assert factory.run("P").status == "Succeeded"
    assert len(attempts) == 2


def test_control_activities_have_no_payload(factory: Factory) -> None:
    """Loops over the 4 MB of a Lookup are allowed."""
    factory.options.strict = True
    text = "x" * (PAYLOAD + 1)
    factory.define("P", set_variable("A", "v", text), variables={"v": {"type": "String"}})
    assert factory.run("P").status == "Succeeded"
