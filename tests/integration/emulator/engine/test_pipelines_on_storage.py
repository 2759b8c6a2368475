"""Whole pipelines through the engine, on real storage and the real clock."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from adf_trigger.emulator.activities.catalogue import activity_types
from adf_trigger.emulator.common.clock import new_id, utcnow
from adf_trigger.emulator.common.models import PipelineRun
from adf_trigger.emulator.engine.engine import Engine
from adf_trigger.emulator.engine.new_run import new_run
from tests.support.engine_factory import (
    FACTORY_ID,
    MemoryDefinitions,
    MemoryLog,
    activity,
    expression,
    no_token,
    wait,
)


def dataset(container: str, folder: str) -> dict[str, Any]:
    """A Binary dataset whose file is a parameter, as in the quickstart."""
    return {
        "type": "Binary",
        "linkedServiceName": {"referenceName": "Store", "type": "LinkedServiceReference"},
        "parameters": {"file": {"type": "string"}},
        "typeProperties": {
            "location": {
                "type": "AzureBlobStorageLocation",
                "container": container,
                "folderPath": folder,
                "fileName": expression("@dataset().file"),
            }
        },
    }


def copying(name: str, source: str, sink: str, **others: Any) -> dict[str, Any]:
    """A Copy from the input to the output folder."""
    settings = {"type": "AzureBlobStorageReadSettings", "recursive": True}
    return activity(
        name,
        "Copy",
        {
            "source": {"type": "BinarySource", "storeSettings": settings},
            "sink": {"type": "BinarySink", "storeSettings": {"type": "AzureBlobStorageWriteSettings"}},
        },
        inputs=[
            {"referenceName": "In", "type": "DatasetReference", "parameters": {"file": expression(source)}}
        ],
        outputs=[
            {"referenceName": "Out", "type": "DatasetReference", "parameters": {"file": expression(sink)}}
        ],
        **others,
    )


@dataclass
class Stage:
    """A factory whose datasets lie in a container of Azurite."""

    container: ContainerClient
    definitions: MemoryDefinitions
    log: MemoryLog

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Engine]:
        """An engine on the running loop."""
        engine = Engine(self.log, lambda _: self.definitions, registry=activity_types(), token=no_token)
        try:
            yield engine
        finally:
            await engine.close()

    def start(self, engine: Engine, pipeline: str, **parameters: Any) -> str:
        """Start a run as createRun does."""
        run = new_run(
            self.definitions,
            factory_id=FACTORY_ID,
            run_id=str(new_id()),
            pipeline_name=pipeline,
            definition=self.definitions.pipelines[pipeline],
            parameters=parameters,
            invoked_by={"name": "Manual", "invokedByType": "Manual"},
            now=utcnow(),
        )
        self.log.save_run(run)
        engine.submit(run)
        return run.run_id

    async def ended(self, run_id: str) -> PipelineRun:
        """The run when it has ended."""
        async with asyncio.timeout(60):
            await self.log.ended[run_id].wait()
        return self.log.runs[run_id]

    def run(self, pipeline: str, **parameters: Any) -> PipelineRun:
        """Run a pipeline to its end."""

        async def story() -> PipelineRun:
            async with self.engine() as engine:
                return await self.ended(self.start(engine, pipeline, **parameters))

        return asyncio.run(story())

    def read(self, name: str) -> bytes:
        """A blob's bytes."""
        return self.container.download_blob(name).readall()


@pytest.fixture
def stage(azurite: str) -> Iterator[Stage]:
    """A stage with the quickstart's kind of pipeline, and one that loops over it."""
    definitions = MemoryDefinitions()
    definitions.linked_services["store"] = {
        "type": "AzureBlobStorage",
        "typeProperties": {"connectionString": {"type": "SecureString", "value": azurite}},
    }
    with BlobServiceClient.from_connection_string(azurite) as service:
        container = service.create_container(f"engine-{uuid.uuid4().hex}")
        definitions.datasets["in"] = dataset(container.container_name, "input")
        definitions.datasets["out"] = dataset(container.container_name, "output")
        definitions.pipelines["one"] = {
            "parameters": {"in": {"type": "string"}, "out": {"type": "string"}},
            "activities": [copying("Copy", "@pipeline().parameters.in", "@pipeline().parameters.out")],
        }
        yield Stage(container, definitions, MemoryLog())


def test_a_parameterised_copy_copies(stage: Stage) -> None:
    """The bytes arrive under the name that the run was given, and the activity run counts them."""
    stage.container.upload_blob("input/emp two.txt", b"John, Doe\n")

    run = stage.run("one", **{"in": "emp two.txt", "out": "aloha.txt"})

    assert (run.status, run.message) == ("Succeeded", "")
    assert stage.read("output/aloha.txt") == b"John, Doe\n"
    (row,) = stage.log.activities(FACTORY_ID, run.run_id)
    assert (row.output["dataRead"], row.output["dataWritten"]) == (10, 10)


def test_a_missing_blob_fails_the_run_with_the_services_message(stage: Stage) -> None:
    """The run's message names the activity and the missing blob."""
    run = stage.run("one", **{"in": "ghost.txt", "out": "x"})

    assert run.status == "Failed"
    assert str(run.message).startswith(
        "Operation on target Copy failed: ErrorCode=UserErrorSourceBlobNotExist"
    )
    assert "ghost.txt" in str(run.message)


def test_a_loop_copies_in_parallel_and_continues_after_a_failure(stage: Stage) -> None:
    """Of twenty copies one has a missing source: the others arrive, and the loop fails."""
    for number in range(19):
        stage.container.upload_blob(f"input/{number}.txt", str(number).encode())
    loop = {
        "items": expression("@range(0, 20)"),
        "batchCount": 8,
        "activities": [copying("Copy", "@concat(string(item()), '.txt')", "@concat(string(item()), '.out')")],
    }
    stage.definitions.pipelines["all"] = {"activities": [activity("Loop", "ForEach", loop)]}

    run = stage.run("all")

    assert run.status == "Failed"
    assert "Inner activity name: Copy, Error: ErrorCode=UserErrorSourceBlobNotExist" in str(run.message)
    assert {stage.read(f"output/{number}.out") for number in range(19)} == {
        str(number).encode() for number in range(19)
    }


def test_a_run_is_cancelled_in_the_middle_of_its_copies(stage: Stage) -> None:
    """It ends as Cancelled within moments, no activity run stays open, and copied files stay."""
    stage.container.upload_blob("input/a.txt", b"a")
    loop = {
        "items": expression("@range(0, 5000)"),
        "isSequential": True,
        "activities": [copying("Copy", "a.txt", "@concat(string(item()), '.out')")],
    }
    stage.definitions.pipelines["many"] = {"activities": [activity("Loop", "ForEach", loop)]}

    async def story() -> PipelineRun:
        async with stage.engine() as engine:
            run_id = stage.start(engine, "many")
            async with asyncio.timeout(60):
                third = stage.container.get_blob_client("output/2.out")
                while not await asyncio.to_thread(third.exists):  # noqa: ASYNC110 - a blob does not call back
                    await asyncio.sleep(0.01)
            engine.cancel(FACTORY_ID, run_id, recursive=True)
            return await stage.ended(run_id)

    run = asyncio.run(story())

    rows = stage.log.activities(FACTORY_ID, run.run_id)
    assert run.status == "Cancelled"
    assert [row.status for row in rows if row.activity_name == "Loop"] == ["Cancelled"]
    assert "InProgress" not in {row.status for row in rows}
    assert stage.read("output/2.out") == b"a"


def test_a_thousand_runs_wait_at_the_same_time(stage: Stage) -> None:
    """A thousand runs of a Wait and a SetVariable, on the real clock, all succeed well within a minute."""
    variable = {"variableName": "v", "value": expression("@concat(pipeline().RunId, '!')")}
    stage.definitions.pipelines["light"] = {
        "variables": {"v": {"type": "String"}},
        "activities": [
            wait("Wait", 1),
            activity("Set", "SetVariable", variable, after={"Wait": "Succeeded"}),
        ],
    }

    async def story() -> set[str]:
        async with stage.engine() as engine:
            run_ids = [stage.start(engine, "light") for _ in range(1000)]
            return {(await stage.ended(run_id)).status for run_id in run_ids}

    assert asyncio.run(story()) == {"Succeeded"}
