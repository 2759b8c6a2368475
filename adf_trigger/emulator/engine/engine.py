"""The engine: accepts runs, queues them, executes them and ends them.

Everything happens on one event loop: call it only from there.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx

from adf_trigger.emulator.common.clock import Clock, IdSource, new_id, utcnow
from adf_trigger.emulator.common.models import ActivityRun, PipelineRun
from adf_trigger.emulator.common.options import Options
from adf_trigger.emulator.contract.activity import ActivityFailed
from adf_trigger.emulator.contract.control import ChildRun
from adf_trigger.emulator.contract.registry import Registry
from adf_trigger.emulator.engine.execution import PipelineExecution, RunOutcome
from adf_trigger.emulator.engine.graph import FAILED
from adf_trigger.emulator.engine.ports import Definitions, RunLog
from adf_trigger.emulator.engine.progression import Mode, Progression, Progressions
from adf_trigger.emulator.engine.queues import MAX_QUEUED_RUNS, QUEUE_IS_FULL, PipelineQueues
from adf_trigger.emulator.engine.rows import error_of
from adf_trigger.emulator.engine.runtime import LocationOf, Runtime, TokenSource
from adf_trigger.emulator.engine.secrets import GivenSecrets
from adf_trigger.emulator.outbound.surroundings import Surroundings

logger = logging.getLogger(__name__)

CANCELLED = RunOutcome("Cancelled")
INTERRUPTED = RunOutcome(FAILED, "The emulator was stopped while the run was in progress.")
HTTP_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Default in seconds, for activities without their own."""


@dataclass(slots=True)
class _ActiveRun:
    """A run that has not ended: queued, or in progress.

    Attributes:
        run: the run.
        progression: how it progresses.
        in_progress: whether it has left the queue.
        execution: executes its activities; None while it is queued, or if it executes none.
        task: the task that ends it; None while it is queued, or if a read or a release ends it.
        reads: number of reads while it was in progress.
        ended: resolved at its end; None if no parent run waits for it.
    """

    run: PipelineRun
    progression: Progression
    in_progress: bool = False
    execution: PipelineExecution | None = None
    task: asyncio.Task[None] | None = None
    reads: int = 0
    ended: asyncio.Future[PipelineRun] | None = None


def _east_us(_factory_id: str) -> str:
    return "East US"


class Engine:
    """Runs pipelines.

    Args:
        log: where runs are stored.
        definitions: the resources of a factory, by its resource id.
        clock: the current time.
        new_id: makes GUIDs for activity runs and child runs.
        registry: the activity types.
        http: client for Web activities and connectors; by default the engine makes and closes its own.
        token: gets an access token of a factory's managed identity by factory id and resource.
        options: the emulator's options; they may change while the engine runs.
        location: region of a factory by its id.
        surroundings: the stack around the pipelines, and the hosts that they may call.

    Attributes:
        progressions: how the runs of each pipeline progress; by default for real.
        secrets: values that stand in for secrets in Key Vaults.
    """

    def __init__(
        self,
        log: RunLog,
        definitions: Callable[[str], Definitions],
        *,
        clock: Clock = utcnow,
        new_id: IdSource = new_id,
        registry: Registry,
        http: httpx.AsyncClient | None = None,
        token: TokenSource,
        options: Options | None = None,
        location: LocationOf = _east_us,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._own_http = http is None
        outside = surroundings or Surroundings()
        self.secrets = GivenSecrets()
        self._runtime = Runtime(
            log=log,
            definitions=definitions,
            clock=clock,
            new_id=new_id,
            registry=registry,
            http=http or outside.client(timeout=HTTP_TIMEOUT),
            surroundings=outside,
            token=token,
            options=options or Options(),
            location=location,
            start_child=self._start_child,
            secrets=self.secrets,
        )
        self._active: dict[str, _ActiveRun] = {}
        self._children: dict[str, set[str]] = {}
        self._parents: dict[str, str] = {}
        self._queues = PipelineQueues()
        self.progressions = Progressions()

    def submit(self, run: PipelineRun) -> None:
        """Accept a run that has just been stored as Queued: start it, or leave it in its pipeline's queue."""
        self._admit(_ActiveRun(run, self.progressions.of(run.pipeline_name)))

    def queue_is_full(self, factory_id: str, pipeline_name: str) -> bool:
        """Whether a pipeline has as many queued runs as the service allows."""
        return self._queues.waiting(factory_id, pipeline_name) >= MAX_QUEUED_RUNS

    def cancel(self, factory_id: str, run_id: str, *, recursive: bool) -> None:
        """Cancel a run: it is Canceling immediately, and Cancelled when its activities have stopped.

        A run that has ended or does not exist is ignored. With `recursive`, the runs that it started are
        cancelled too, and so on.
        """
        active = self._find(factory_id, run_id)
        if active is not None:
            self._cancel(active)
        if recursive:
            for child in tuple(self._children.get(run_id, ())):
                self.cancel(factory_id, child, recursive=True)

    def observe_read(self, factory_id: str, run_id: str) -> None:
        """Count a read of a run, before the response: a run that ends after n reads ends at the next one."""
        active = self._find(factory_id, run_id)
        if active is None or not active.in_progress or active.progression.mode is not Mode.AFTER_READS:
            return
        if active.reads >= active.progression.reads:
            self._end_as_scripted(active)
        active.reads += 1

    def held(self) -> list[str]:
        """Ids of the runs that are held until they are released."""
        return [
            run_id
            for run_id, active in self._active.items()
            if active.in_progress and active.progression.mode is Mode.HELD
        ]

    def release(self, run_id: str, outcome: str | None = None) -> bool:
        """End a held run with `outcome`, by default that of its progression; False if it is not held.

        Raises:
            ValueError: the outcome is not Succeeded, Failed or Cancelled.
        """
        if run_id not in self.held():
            return False
        active = self._active[run_id]
        if outcome is not None:
            active.progression = replace(active.progression, outcome=outcome)
        self._end_as_scripted(active)
        return True

    def resume(self) -> None:
        """Settle the unfinished runs that a stopped engine left in the log.

        Queued runs have done nothing yet and are submitted again. Runs that were in progress are not: how far
        their activities got is not known, and repeating them would be wrong, so they end as Failed with a
        message that says why. Runs that were being cancelled end as Cancelled.
        """
        for run in self._runtime.log.unfinished():
            if run.status == "Queued":
                self.submit(run)
                continue
            outcome = CANCELLED if run.status == "Canceling" else INTERRUPTED
            for row in self._runtime.log.activities(run.factory_id, run.run_id):
                if row.end is None:
                    self._interrupt(row, outcome.status)
            self._settle(run, outcome)

    async def reset(self) -> None:
        """Drop all runs and progressions. Nothing more is written about runs that were in progress."""
        forgotten = list(self._active.values())
        self._active, self._children, self._parents = {}, {}, {}
        self._queues = PipelineQueues()
        self.progressions.reset()
        for active in forgotten:
            if active.execution is not None:
                active.execution.abandoned = True
            if active.task is not None:
                active.task.cancel()
        await asyncio.gather(*(it.task for it in forgotten if it.task is not None), return_exceptions=True)

    def forget(self, factory_id: str) -> None:
        """Stop and drop the runs of a factory that is being deleted. Nothing more is written about them."""
        forgotten = [
            active
            for active in self._active.values()
            if active.run.factory_id.casefold() == factory_id.casefold()
        ]
        for active in forgotten:
            del self._active[active.run.run_id]
            self._children.pop(active.run.run_id, None)
            self._parents.pop(active.run.run_id, None)
            self._queues.leave(active.run)
            if active.execution is not None:
                active.execution.abandoned = True
            if active.task is not None:
                active.task.cancel()

    async def close(self) -> None:
        """Stop. Unfinished runs stay in the log as they are, for `resume` to settle."""
        await self.reset()
        if self._own_http:
            await self._runtime.http.aclose()

    def _find(self, factory_id: str, run_id: str) -> _ActiveRun | None:
        active = self._active.get(run_id)
        return active if active and active.run.factory_id.casefold() == factory_id.casefold() else None

    def _admit(self, active: _ActiveRun) -> None:
        run = active.run
        self._active[run.run_id] = active
        if active.progression.mode is Mode.AT_ONCE:
            self._end_as_scripted(active)
        elif self._runtime.options.strict and self.queue_is_full(run.factory_id, run.pipeline_name):
            self._end(run, RunOutcome(FAILED, QUEUE_IS_FULL))
        elif self._queues.enter(run):
            self._start(active)

    def _start(self, active: _ActiveRun) -> None:
        active.in_progress = True
        match active.progression.mode:
            case Mode.REAL:
                work = self._run(active)
            case Mode.AFTER_SECONDS:
                work = self._end_later(active)
            case _:
                self._begin(active.run)
                return
        active.task = asyncio.get_running_loop().create_task(work)
        active.task.add_done_callback(lambda task: self._settle_cancelled(active, task))

    def _cancel(self, active: _ActiveRun) -> None:
        if active.task is None:
            self._end(active.run, CANCELLED)
        elif active.run.status != "Canceling":
            self._save(active.run, "Canceling")
            active.task.cancel()

    def _begin(self, run: PipelineRun) -> None:
        run.run_start = run.run_start or self._runtime.clock()
        run.message = ""
        self._save(run, "InProgress")

    async def _run(self, active: _ActiveRun) -> None:
        """Execute a run in its own task. As the outermost edge it turns every exception into an outcome."""
        run = active.run
        return_values: dict[str, Any] = {}
        try:
            self._begin(run)
            active.execution = PipelineExecution(self._runtime, run)
            outcome = await active.execution.execute()
            return_values = active.execution.return_values
        except asyncio.CancelledError:
            if self._active.get(run.run_id) is not active:
                raise
            outcome = CANCELLED
        except Exception:  # the outermost edge: a bug of the emulator ends the run, not the emulator
            logger.exception(
                "Run %s of pipeline %s failed: an internal error of the emulator.",
                run.run_id,
                run.pipeline_name,
                extra={"action": "run_crashed", "run_id": run.run_id, "pipeline": run.pipeline_name},
            )
            outcome = RunOutcome(FAILED, "Internal error has occurred.")
        self._end(run, outcome, return_values)

    async def _end_later(self, active: _ActiveRun) -> None:
        self._begin(active.run)
        await asyncio.sleep(active.progression.seconds)
        self._end_as_scripted(active)

    def _end_as_scripted(self, active: _ActiveRun) -> None:
        script = active.progression
        self._end(active.run, RunOutcome(script.outcome, script.message if script.outcome == FAILED else ""))

    def _settle_cancelled(self, active: _ActiveRun, task: asyncio.Task[None]) -> None:
        """End the run of a task that was cancelled before its first step, or while it only slept."""
        if task.cancelled() and self._active.get(active.run.run_id) is active:
            self._end(active.run, CANCELLED)

    def _end(
        self, run: PipelineRun, outcome: RunOutcome, return_values: dict[str, Any] | None = None
    ) -> None:
        """End a run, resolve its future, detach it from its parent and start the runs that can leave the queue."""
        run.return_value = return_values or {}
        self._settle(run, outcome)
        active = self._active.pop(run.run_id)
        if active.ended is not None and not active.ended.done():
            active.ended.set_result(run)
        self._forget_child(run.run_id)
        for following in self._queues.leave(run):
            self._start(self._active[following.run_id])

    def _settle(self, run: PipelineRun, outcome: RunOutcome) -> None:
        run.run_end = self._runtime.clock()
        run.run_start = run.run_start or run.run_end
        run.message = outcome.message
        self._save(run, outcome.status)

    def _interrupt(self, row: ActivityRun, status: str) -> None:
        row.status, row.end = status, self._runtime.clock()
        if status == FAILED:
            row.error = error_of(
                row.activity_name, ActivityFailed(INTERRUPTED.message, error_code="Interrupted")
            )
        self._runtime.log.save_activity(row)

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
        self._children.setdefault(parent.run_id, set()).add(run.run_id)
        self._parents[run.run_id] = parent.run_id
        ended: asyncio.Future[PipelineRun] = asyncio.get_running_loop().create_future()
        self._admit(_ActiveRun(run, self.progressions.of(run.pipeline_name), ended=ended))
        return ChildRun(run.run_id, ended)

    def _forget_child(self, run_id: str) -> None:
        parent = self._parents.pop(run_id, None)
        if parent is not None:
            self._children[parent].discard(run_id)
            if not self._children[parent]:
                del self._children[parent]
