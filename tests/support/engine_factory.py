"""A factory in memory and an event loop with virtual time: a week of waiting takes no time."""

import asyncio
import copy
import itertools
import pickle
import selectors
from collections import defaultdict
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import httpx

from adf_trigger.emulator.activities.catalogue import activity_types
from adf_trigger.emulator.common.models import TERMINAL_RUN_STATUSES, ActivityRun, PipelineRun, Recovery
from adf_trigger.emulator.common.options import Options
from adf_trigger.emulator.engine.engine import Engine
from adf_trigger.emulator.engine.new_run import new_run
from adf_trigger.emulator.engine.runtime import LocationOf, TokenSource

FACTORY_ID = (
    "/subscriptions/5b0e1f9c-0d55-4c0a-9d23-9f9be4f0a2f4/resourceGroups/rg"
    "/providers/Microsoft.DataFactory/factories/Factory1"
)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

T = TypeVar("T")


class _SkippingSelector(selectors.DefaultSelector):
    """Without ready events, time is advanced to the next timer."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("the loop waits for something that will never come")
        events = super().select(0)
        if not events:
            self.now += timeout
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits."""

    def __init__(self) -> None:
        self.virtual = _SkippingSelector()
        super().__init__(self.virtual)

    def time(self) -> float:
        return self.virtual.now


class MemoryLog:
    """A RunLog that keeps copies, as a store would, and every status that was ever saved."""

    def __init__(self) -> None:
        self.runs: dict[str, PipelineRun] = {}
        self.rows: dict[str, ActivityRun] = {}
        self.history: list[tuple[str, str]] = []
        self.ended: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.writes = 0

    def save_run(self, run: PipelineRun) -> None:
        self.runs[run.run_id] = copy.copy(run)
        self.history.append((run.run_id, run.status))
        if run.status in TERMINAL_RUN_STATUSES:
            self.ended[run.run_id].set()
        self.writes += 1

    def save_activity(self, activity: ActivityRun) -> None:
        self.rows[activity.activity_run_id] = pickle.loads(pickle.dumps(activity))  # noqa: S301 - a deep copy, at a fifth of its cost
        self.history.append((activity.activity_name, activity.status))
        self.writes += 1

    def run(self, factory_id: str, run_id: str) -> PipelineRun | None:
        run = self.runs.get(run_id)
        return run if run is not None and run.factory_id == factory_id else None

    def activities(self, factory_id: str, run_id: str) -> Sequence[ActivityRun]:
        rows = [it for it in self.rows.values() if (it.factory_id, it.run_id) == (factory_id, run_id)]
        return sorted(rows, key=lambda row: row.start)

    def unfinished(self) -> Sequence[PipelineRun]:
        return [copy.copy(run) for run in self.runs.values() if run.status not in TERMINAL_RUN_STATUSES]


class MemoryDefinitions:
    """The resources of one factory, by folded name."""

    def __init__(self) -> None:
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.datasets: dict[str, dict[str, Any]] = {}
        self.linked_services: dict[str, dict[str, Any]] = {}
        self.globals: dict[str, Any] = {}

    def pipeline(self, name: str) -> dict[str, Any] | None:
        return self.pipelines.get(name.casefold())

    def dataset(self, name: str) -> dict[str, Any] | None:
        return self.datasets.get(name.casefold())

    def linked_service(self, name: str) -> dict[str, Any] | None:
        return self.linked_services.get(name.casefold())

    def global_parameters(self) -> dict[str, Any]:
        return self.globals


def activity(
    name: str,
    type_name: str,
    type_properties: Mapping[str, Any] | None = None,
    *,
    after: Mapping[str, str | Sequence[str]] | None = None,
    **others: Any,
) -> dict[str, Any]:
    """An activity as a definition has it; `after` maps a parent to its condition or conditions."""
    depends_on = [
        {"activity": parent, "dependencyConditions": [it] if isinstance(it, str) else list(it)}
        for parent, it in (after or {}).items()
    ]
    return {
        "name": name,
        "type": type_name,
        "dependsOn": depends_on,
        "typeProperties": dict(type_properties or {}),
        **others,
    }


def wait(name: str, seconds: Any = 1, **others: Any) -> dict[str, Any]:
    """A Wait."""
    return activity(name, "Wait", {"waitTimeInSeconds": seconds}, **others)


def set_variable(name: str, variable: str, value: Any, **others: Any) -> dict[str, Any]:
    """A SetVariable."""
    return activity(name, "SetVariable", {"variableName": variable, "value": value}, **others)


def append(name: str, variable: str, value: Any, **others: Any) -> dict[str, Any]:
    """An AppendVariable."""
    return activity(name, "AppendVariable", {"variableName": variable, "value": value}, **others)


def fail(name: str, message: Any = "no", code: Any = "500", **others: Any) -> dict[str, Any]:
    """A Fail."""
    return activity(name, "Fail", {"message": message, "errorCode": code}, **others)


def expression(text: str) -> dict[str, str]:
    """An expression object."""
    return {"type": "Expression", "value": text}


async def no_token(_factory_id: str, resource: str) -> str:
    """A token that names its resource."""
    return f"token for {resource}"


class Factory:
    """A factory with an engine, to be used inside `factory.play(coroutine)`."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.log = MemoryLog()
        self.definitions = MemoryDefinitions()
        self.registry = activity_types()
        self.options = Options()
        self.location: LocationOf = lambda _factory_id: "East US"
        self.token: TokenSource = no_token
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(_no_network), trust_env=False)
        self._ids = itertools.count(1)
        self._engine: Engine | None = None

    def clock(self) -> datetime:
        return EPOCH + timedelta(seconds=self.loop.time())

    def new_id(self) -> UUID:
        return UUID(int=next(self._ids))

    @property
    def engine(self) -> Engine:
        """The engine, created on first use."""
        if self._engine is None:
            self._engine = Engine(
                self.log,
                lambda _: self.definitions,
                clock=self.clock,
                new_id=self.new_id,
                registry=self.registry,
                http=self.http,
                token=self.token,
                options=self.options,
                location=self.location,
            )
        return self._engine

    def restart(self) -> Engine:
        """A new engine on the same log."""
        self._engine = None
        return self.engine

    def define(self, name: str, *activities: dict[str, Any], **properties: Any) -> None:
        """Store a pipeline."""
        self.definitions.pipelines[name.casefold()] = {"activities": list(activities), **properties}

    def start(
        self,
        pipeline: str,
        parameters: Mapping[str, Any] | None = None,
        recovery: Recovery | None = None,
    ) -> str:
        """What createRun does: store the run, hand it to the engine, give its id."""
        run = new_run(
            self.definitions,
            factory_id=FACTORY_ID,
            run_id=str(self.new_id()),
            pipeline_name=pipeline,
            definition=self.definitions.pipelines[pipeline.casefold()],
            parameters=parameters or {},
            invoked_by={"id": "0" * 32, "name": "Manual", "invokedByType": "Manual"},
            now=self.clock(),
            recovery=recovery,
        )
        self.log.save_run(run)
        self.engine.submit(run)
        return run.run_id

    async def ended(self, run_id: str) -> PipelineRun:
        """The run when it has ended."""
        await self.log.ended[run_id].wait()
        return self.log.runs[run_id]

    def play(self, coroutine: Awaitable[T]) -> T:
        """Run a coroutine on the virtual loop."""
        return self.loop.run_until_complete(coroutine)

    def run(self, pipeline: str, parameters: Mapping[str, Any] | None = None) -> PipelineRun:
        """Start a pipeline and wait for its end."""

        async def story() -> PipelineRun:
            return await self.ended(self.start(pipeline, parameters))

        return self.play(story())

    def rows(self, run: PipelineRun) -> dict[str, ActivityRun]:
        """The last activity run of each activity of a run."""
        return {row.activity_name: row for row in self.log.activities(FACTORY_ID, run.run_id)}

    def close(self) -> None:
        """Stop the engine and the loop; nothing may be left over."""

        async def story() -> set[asyncio.Task[Any]]:
            await self.engine.close()
            await self.http.aclose()
            await asyncio.sleep(0)
            return asyncio.all_tasks() - {asyncio.current_task()}

        left = self.play(story())
        self.loop.close()
        assert not left


def _no_network(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"an HTTP request to {request.url}")
