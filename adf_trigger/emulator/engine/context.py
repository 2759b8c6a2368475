"""The context of an activity: its run, through the interface of contract/activity.py."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any, Protocol

import httpx

from adf_trigger.emulator.common.models import ActivityRun, PipelineRun
from adf_trigger.emulator.contract.activity import ResolvedDataset
from adf_trigger.emulator.contract.control import ChildRun, InnerRun
from adf_trigger.emulator.contract.limits import Payload
from adf_trigger.emulator.contract.time_limit import time_limit
from adf_trigger.emulator.engine.frames import Frame
from adf_trigger.emulator.engine.graph import Node
from adf_trigger.emulator.engine.key_vault import KeyVaults
from adf_trigger.emulator.engine.rows import no_error
from adf_trigger.emulator.engine.runtime import Runtime
from adf_trigger.emulator.engine.scopes import Scopes
from adf_trigger.emulator.engine.secrets import revealed
from adf_trigger.emulator.engine.variables import Variables
from adf_trigger.emulator.outbound.surroundings import Surroundings


class Execution(Protocol):
    """The part of a pipeline run that its activities use; execution.py implements it.

    Attributes:
        return_values: values that the run returns to its parent run.
        abandoned: whether the engine is stopping; nothing more is written about the run then.
    """

    runtime: Runtime
    run: PipelineRun
    variables: Variables
    scopes: Scopes
    vaults: KeyVaults
    return_values: dict[str, Any]
    abandoned: bool

    async def run_inner(self, activities: Sequence[dict[str, Any]], frame: Frame) -> InnerRun:
        """Run a container's activities in their own frame."""

    def start_pipeline(self, name: str, parameters: dict[str, Any], parent: "RunningActivity") -> ChildRun:
        """Start a child run for an ExecutePipeline activity."""


class RunningActivity:
    """One activity while it runs. Implements ControlContext.

    Attributes:
        shown: input and output of an attempt that is cancelled before its end.
        payload: sums up the size of the attempt's configuration; None where it is not limited.
    """

    __slots__ = ("activity_run_id", "execution", "frame", "node", "payload", "shown", "when_shown")

    def __init__(self, execution: Execution, node: Node, frame: Frame) -> None:
        self.execution = execution
        self.node = node
        self.frame = frame
        self.activity_run_id = ""
        self.payload: Payload | None = None
        self.shown: tuple[Any, dict[str, Any]] = ({}, {})
        self.when_shown: Callable[[], None] = lambda: None

    @property
    def name(self) -> str:
        """The activity's name."""
        return self.node.name

    @property
    def definition(self) -> dict[str, Any]:
        """The activity as written."""
        return self.node.definition

    @property
    def type_properties(self) -> dict[str, Any]:
        """Its typeProperties as written."""
        return self.node.definition.get("typeProperties") or {}

    @property
    def http(self) -> httpx.AsyncClient:
        """The engine's HTTP client."""
        return self.execution.runtime.http

    @property
    def surroundings(self) -> Surroundings:
        """The stack around the pipelines."""
        return self.execution.runtime.surroundings

    @property
    def location(self) -> str:
        """Region of the factory."""
        return self.execution.runtime.location(self.execution.run.factory_id)

    @property
    def waits_on_completion(self) -> bool:
        """Default of ExecutePipeline's waitOnCompletion."""
        return self.execution.runtime.options.wait_on_completion

    def evaluate(self, value: Any) -> Any:
        """Evaluate every expression in a JSON value."""
        evaluated = self.execution.scopes.evaluate(value, self.frame)
        self._add_to_payload(evaluated)
        return evaluated

    def evaluate_for(self, item: Any, value: Any) -> Any:
        """Evaluate with `item` as `item()`."""
        frame = self.frame.branch()
        frame.item = item
        return self.execution.scopes.evaluate(value, frame)

    async def dataset(self, reference: dict[str, Any]) -> ResolvedDataset:
        """Resolve a DatasetReference."""
        written = self.execution.scopes.dataset(reference, self.frame)
        dataset = replace(
            written,
            properties=await self.reveal(written.properties),
            linked_service=await self.reveal(written.linked_service),
        )
        self._add_to_payload([dataset.properties, dataset.schema, dataset.linked_service])
        return dataset

    async def linked_service(self, reference: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Resolve a LinkedServiceReference."""
        type_name, written = self.execution.scopes.linked_service(reference, self.frame)
        properties = await self.reveal(written)
        self._add_to_payload(properties)
        return type_name, properties

    async def reveal(self, value: Any) -> Any:
        """The same JSON with its secrets as plain text."""
        return await revealed(value, self._read_vault_secret)

    async def token(self, resource: str) -> str:
        """An access token of the factory's identity."""
        return await self.execution.runtime.token(self.execution.run.factory_id, resource)

    async def sleep(self, seconds: float) -> None:
        """Wait on the engine's clock."""
        await asyncio.sleep(seconds)

    def time_limit(self, seconds: float) -> AbstractAsyncContextManager[None]:
        """A time limit on the engine's clock."""
        return time_limit(seconds, self.sleep)

    async def run_inner(self, activities: Sequence[dict[str, Any]]) -> InnerRun:
        """Run the activities of a branch."""
        return await self.execution.run_inner(activities, self.frame.branch())

    async def run_iteration(self, activities: Sequence[dict[str, Any]], number: int, *items: Any) -> InnerRun:
        """Run the activities of a loop once."""
        await asyncio.sleep(0)  # a loop that never waits must not starve other tasks
        frame = self.frame.iteration(self.node.key, number, *items)
        return await self.execution.run_inner(activities, frame)

    def set_variable(self, name: str, value: Any) -> None:
        """Set a variable of the run."""
        self.execution.variables.set(name, value)

    def append_variable(self, name: str, value: Any) -> None:
        """Append to an array variable of the run."""
        self.execution.variables.append(name, value)

    def set_return_values(self, values: dict[str, Any]) -> None:
        """Set the values that the run returns to its parent."""
        self.execution.return_values = values

    def show(self, *, shown_input: Any, output: dict[str, Any]) -> None:
        """Set what the activity run shows while it is in progress, and if it is cancelled."""
        self.shown = (shown_input, output)
        self.when_shown()

    def start_pipeline(self, name: str, parameters: dict[str, Any]) -> ChildRun:
        """Start a child run."""
        return self.execution.start_pipeline(name, parameters, self)

    def new_row(self) -> ActivityRun:
        """An activity run for a new attempt."""
        run, runtime = self.execution.run, self.execution.runtime
        self.activity_run_id = str(runtime.new_id())
        return ActivityRun(
            factory_id=run.factory_id,
            run_id=run.run_id,
            pipeline_name=run.pipeline_name,
            activity_run_id=self.activity_run_id,
            activity_name=self.node.name,
            activity_type=str(self.node.definition["type"]),
            start=runtime.clock(),
            iteration_hash=self.frame.iteration_hash,
            error=no_error(self.node.name),
        )

    async def _read_vault_secret(self, secret: Mapping[str, Any]) -> str:
        return await self.execution.vaults.secret(secret, self.frame)

    def _add_to_payload(self, configuration: Any) -> None:
        if self.payload is not None:
            self.payload.add(configuration)
