"""The engine: takes runs, gives them places, runs them, ends them.

Everything happens on one event loop: call it from there only.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from adf_trigger.clock import Clock, IdSource, new_id, utcnow
from adf_trigger.local.factory.engine.activities import Registry
from adf_trigger.local.factory.engine.activities.control import ChildRun
from adf_trigger.local.factory.engine.execution import PipelineExecution, RunOutcome
from adf_trigger.local.factory.engine.graph import FAILED
from adf_trigger.local.factory.engine.options import EngineOptions
from adf_trigger.local.factory.engine.ports import Definitions, RunLog
from adf_trigger.local.factory.engine.queues import MAX_QUEUED_RUNS, PipelineQueues
from adf_trigger.local.factory.engine.runtime import Runtime, TokenSource
from adf_trigger.local.factory.models import PipelineRun

logger = logging.getLogger(__name__)

CANCELLED = RunOutcome("Cancelled")
HTTP_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Seconds, where an activity does not say."""


@dataclass(slots=True)
class _ActiveRun:
    """A run that has not ended: queued, or going on in a task."""

    run: PipelineRun
    task: asyncio.Task[None] | None = None
    ended: list[asyncio.Future[tuple[PipelineRun, dict[str, Any]]]] = field(default_factory=list)


class Engine:
    """Runs pipelines.

    Args:
        log: where runs are kept.
        definitions: the resources of a factory, by its resource id.
        clock: the present instant.
        new_id: GUIDs of activity runs and child runs.
        registry: the activity types.
        http: client for Web activities and connectors; None makes one of the engine's own.
        token: an access token of a factory's managed identity: factory id, resource.
        options: choices.
    """

    def __init__(
        self,
        log: RunLog,
        definitions: Callable[[str], Definitions],
        *,
        clock: Clock = utcnow,
        new_id: IdSource = new_id,
        registry: Registry | None = None,
        http: httpx.AsyncClient | None = None,
        token: TokenSource,
        options: EngineOptions | None = None,
    ) -> None:
        self._own_http = http is None
        self._runtime = Runtime(
            log=log,
            definitions=definitions,
            clock=clock,
            new_id=new_id,
            registry=registry or Registry(),
            http=http or httpx.AsyncClient(timeout=HTTP_TIMEOUT),
            token=token,
            options=options or EngineOptions(),
            start_child=self._start_child,
        )
        self._active: dict[str, _ActiveRun] = {}
        self._children: dict[str, set[str]] = {}
        self._parents: dict[str, str] = {}
        self._queues = PipelineQueues()

    def submit(self, run: PipelineRun) -> None:
        """Take a run that has just been stored as Queued: start it, or let it wait for a place."""
        self._active[run.run_id] = _ActiveRun(run)
        if self._runtime.options.strict and self.queue_is_full(run.factory_id, run.pipeline_name):
            self._end(
                run, RunOutcome(FAILED, f"More than {MAX_QUEUED_RUNS} runs of the pipeline are queued.")
            )
        elif self._queues.enter(run):
            self._start(run)

    def queue_is_full(self, factory_id: str, pipeline_name: str) -> bool:
        """Whether as many runs of a pipeline wait for a place as the service allows."""
        return self._queues.waiting(factory_id, pipeline_name) >= MAX_QUEUED_RUNS

    def cancel(self, factory_id: str, run_id: str, *, recursive: bool) -> None:
        """Cancel a run: it is Canceling at once and Cancelled when its activities have stopped.

        A run that has ended, or was never heard of, is left alone; with `recursive` the runs that it
        started are cancelled too, and theirs.
        """
        active = self._active.get(run_id)
        if active is not None and active.run.factory_id.casefold() == factory_id.casefold():
            self._cancel(active)
        if recursive:
            for child in tuple(self._children.get(run_id, ())):
                self.cancel(factory_id, child, recursive=True)

    async def close(self) -> None:
        """Stop. Runs that go on are left as they are in the log, for `resume` to settle."""
        self._runtime.closing = True
        tasks = [active.task for active in self._active.values() if active.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._own_http:
            await self._runtime.http.aclose()

    def _cancel(self, active: _ActiveRun) -> None:
        run = active.run
        if active.task is None:
            self._end(run, CANCELLED)
        elif run.status != "Canceling":
            self._save(run, "Canceling")
            active.task.cancel()

    def _start(self, run: PipelineRun) -> None:
        task = asyncio.get_running_loop().create_task(self._run(run))
        self._active[run.run_id].task = task
        task.add_done_callback(lambda _: self._cancelled_before_start(run))

    async def _run(self, run: PipelineRun) -> None:
        """A run in its own task: the outermost edge, where every outcome becomes the run's."""
        execution = PipelineExecution(self._runtime, run)
        try:
            run.run_start = run.run_start or self._runtime.clock()
            run.message = ""
            self._save(run, "InProgress")
            outcome = await execution.execute()
        except asyncio.CancelledError:
            if self._runtime.closing:
                raise
            outcome = CANCELLED
        except Exception:  # the outermost edge: a mistake of the emulator ends the run, not the emulator
            logger.exception(
                "Run %s of pipeline %s ended by a mistake of the emulator.",
                run.run_id,
                run.pipeline_name,
                extra={"action": "run_crashed", "run_id": run.run_id, "pipeline": run.pipeline_name},
            )
            outcome = RunOutcome(FAILED, "Internal error has occurred.")
        self._end(run, outcome, execution.return_values)

    def _cancelled_before_start(self, run: PipelineRun) -> None:
        """A task that is cancelled before its first step never gets to end its run itself."""
        if run.run_id in self._active and not self._runtime.closing:
            self._end(run, CANCELLED)

    def _end(
        self, run: PipelineRun, outcome: RunOutcome, return_values: dict[str, Any] | None = None
    ) -> None:
        run.run_end = self._runtime.clock()
        run.message = outcome.message
        self._save(run, outcome.status)
        active = self._active.pop(run.run_id)
        for ended in active.ended:
            if not ended.done():
                ended.set_result((run, return_values or {}))
        parent = self._parents.pop(run.run_id, None)
        if parent is not None:
            self._children[parent].discard(run.run_id)
            if not self._children[parent]:
                del self._children[parent]
        for following in self._queues.leave(run):
            self._start(following)

    def _save(self, run: PipelineRun, status: str) -> None:
        run.status = status
        run.last_updated = self._runtime.clock()
        self._runtime.log.save_run(run)
        logger.info(
            "Run %s of pipeline %s is %s.",
            run.run_id,
            run.pipeline_name,
            status,
            extra={
                "action": "run_status",
                "run_id": run.run_id,
                "pipeline": run.pipeline_name,
                "status": status,
            },
        )

    def _start_child(self, run: PipelineRun, parent: PipelineRun) -> ChildRun:
        self._runtime.log.save_run(run)
        ended: asyncio.Future[tuple[PipelineRun, dict[str, Any]]] = asyncio.get_running_loop().create_future()
        self._children.setdefault(parent.run_id, set()).add(run.run_id)
        self._parents[run.run_id] = parent.run_id
        self.submit(run)
        self._active[run.run_id].ended.append(ended)
        return ChildRun(run.run_id, ended)
