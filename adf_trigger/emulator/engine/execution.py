"""One pipeline run, from its first activity to its outcome."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from adf_trigger.emulator.common.models import ActivityRun, PipelineRun, Recovery, wire_time
from adf_trigger.emulator.contract.activity import ActivityFailed
from adf_trigger.emulator.contract.control import ChildRun, InnerFailure, InnerRun
from adf_trigger.emulator.engine.attempts import Ended, run_attempts
from adf_trigger.emulator.engine.context import RunningActivity
from adf_trigger.emulator.engine.frames import Frame
from adf_trigger.emulator.engine.graph import (
    FAILED,
    SUCCEEDED,
    Graph,
    GraphError,
    Node,
    nested_activities,
)
from adf_trigger.emulator.engine.key_vault import KeyVaults
from adf_trigger.emulator.engine.new_run import new_run
from adf_trigger.emulator.engine.parameters import ParameterError
from adf_trigger.emulator.engine.recovery import RECOVERED, TakenOver, UnknownActivity
from adf_trigger.emulator.engine.rows import error_of
from adf_trigger.emulator.engine.runtime import Runtime
from adf_trigger.emulator.engine.scopes import Scopes
from adf_trigger.emulator.engine.variables import Variables
from adf_trigger.emulator.expressions import ExpressionError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a pipeline run ends.

    Attributes:
        status: Succeeded, Failed or Cancelled.
        message: the run's `message`; empty if it did not fail.
    """

    status: str
    message: str = ""


class PipelineExecution:
    """The execution of one run: its variables, its frames, its activities.

    Args:
        runtime: shared by all runs of the engine.
        run: the run; the engine maintains its status.

    Attributes:
        return_values: values that the run returns to its parent run.
        abandoned: whether the engine is stopping; nothing more is written about the run then.
    """

    def __init__(self, runtime: Runtime, run: PipelineRun) -> None:
        self.runtime = runtime
        self.run = run
        self.variables = Variables(run.definition.get("variables"))
        self.scopes = Scopes(runtime, run, self.variables)
        self.vaults = KeyVaults(runtime, run.factory_id, self.scopes)
        self.return_values: dict[str, Any] = {}
        self.abandoned = False
        self._taken_over: TakenOver | None = None
        self._graphs: dict[int, Graph] = {}

    async def execute(self) -> RunOutcome:
        """Run the pipeline's activities. A cancellation marks the active activity runs and propagates."""
        activities = self.run.definition.get("activities") or []
        for activity in _all_active(activities):
            if self.runtime.registry.find(str(activity["type"])) is None:
                return self._fail_unsupported(activity)
        try:
            self._make_graphs(activities)
            self._taken_over = self._recover(activities)
        except (GraphError, UnknownActivity) as exc:
            return RunOutcome(FAILED, str(exc))
        failures = await self._run_graph(self._graphs[id(activities)], Frame())
        if not failures:
            return RunOutcome(SUCCEEDED)
        return RunOutcome(
            FAILED,
            "\n".join(f"Operation on target {it.activity_name} failed: {it.message}" for it in failures),
        )

    async def run_inner(self, activities: Sequence[dict[str, Any]], frame: Frame) -> InnerRun:
        """Run a container's activities in their own frame."""
        failures = await self._run_graph(self._graphs[id(activities)], frame) if activities else []
        return InnerRun(failures[0] if failures else None, lambda value: self.scopes.evaluate(value, frame))

    def start_pipeline(self, name: str, parameters: dict[str, Any], parent: RunningActivity) -> ChildRun:
        """Start a child run for an ExecutePipeline activity."""
        factory_id = self.run.factory_id
        definitions = self.runtime.definitions(factory_id)
        definition = definitions.pipeline(name)
        if definition is None:
            raise ActivityFailed(
                f"The pipeline '{name}' does not exist in the factory.", error_code="BadRequest"
            )
        try:
            child = new_run(
                definitions,
                factory_id=factory_id,
                run_id=str(self.runtime.new_id()),
                pipeline_name=name,
                definition=definition,
                parameters=parameters,
                invoked_by={
                    "id": parent.activity_run_id.replace("-", ""),
                    "name": parent.name,
                    "invokedByType": "PipelineActivity",
                    "pipelineName": self.run.pipeline_name,
                    "pipelineRunId": self.run.run_id,
                },
                now=self.runtime.clock(),
                recovery=self._child_recovery(parent),
            )
        except ParameterError as exc:
            raise ActivityFailed(str(exc), error_code="BadRequest") from exc
        except ExpressionError as exc:
            raise ActivityFailed(exc.message, error_code=exc.code) from exc
        return self.runtime.start_child(child, self.run)

    def _child_recovery(self, parent: RunningActivity) -> Recovery | None:
        """The child of a recovery run recovers the child of the earlier run."""
        earlier = self._taken_over and self._taken_over.earlier(parent.node, parent.frame)
        if not earlier or "pipelineRunId" not in (earlier.output or {}):
            return None
        return Recovery(
            reference_run_id=earlier.output["pipelineRunId"], is_recovery=True, start_from_failure=True
        )

    async def _run_graph(self, graph: Graph, frame: Frame) -> list[InnerFailure]:
        """Run a list of activities and return those that make it fail."""
        outcomes: dict[str, str] = {}

        async def follow(node: Node) -> None:
            """Run an activity and then, in the same task, one of the activities that became ready."""
            started: Node | None = node
            while started is not None:
                outcomes[started.key] = await self._run_activity(started, frame)
                following = iter(graph.settle(started, outcomes))
                started = next(following, None)
                for other in following:
                    tasks.create_task(follow(other))

        async with asyncio.TaskGroup() as tasks:
            for root in graph.roots[1:]:
                tasks.create_task(follow(root))
            if graph.roots:
                await follow(graph.roots[0])
        return [
            InnerFailure(node.name, _message(frame.activities[node.name]))
            for node in graph.failures(outcomes)
        ]

    async def _run_activity(self, node: Node, frame: Frame) -> str:
        """Run an activity to its end and return its outcome as dependsOn sees it."""
        context = RunningActivity(self, node, frame)
        if node.definition.get("state") == "Inactive":
            return self._skip_inactive(context)
        type_name = str(node.definition["type"])
        earlier = self._taken_over and self._taken_over.find(node, frame)
        if earlier and self.runtime.registry.reaches_outside(type_name):
            return self._take_over(context, earlier)
        registry = self.runtime.registry
        activity = registry.find(type_name)
        assert activity is not None  # noqa: S101 - execute() has checked
        ended = await run_attempts(context, activity, has_policy=registry.is_execution(type_name))
        frame.activities[node.name] = _view(ended)
        return SUCCEEDED if ended.row.status == SUCCEEDED else FAILED

    def _take_over(self, context: RunningActivity, earlier: ActivityRun) -> str:
        """Copy the activity run of an activity that need not run again from the earlier run."""
        new = context.new_row()
        row = replace(
            earlier,
            run_id=new.run_id,
            activity_run_id=new.activity_run_id,
            start=new.start,
            end=new.start,
            recovery_status=RECOVERED,
        )
        self.runtime.log.save_activity(row)
        context.frame.activities[context.name] = _view(Ended(row, row.output))
        return row.status

    def _skip_inactive(self, context: RunningActivity) -> str:
        """Log a placeholder for an inactive activity and return the outcome that it is marked as."""
        outcome = str(context.definition.get("onInactiveMarkAs") or SUCCEEDED)
        row = context.new_row()
        row.status, row.end = "Inactive", row.start
        self.runtime.log.save_activity(row)
        # As documented: expressions find neither an output nor an error.
        context.frame.activities[context.name] = {"status": outcome, "ActivityRunId": row.activity_run_id}
        return outcome

    def _fail_unsupported(self, activity: dict[str, Any]) -> RunOutcome:
        """Fail the run, before any activity starts, because of a type that is not emulated."""
        failure = ActivityFailed(
            f"The activity type '{activity['type']}' is not emulated. "
            f"Emulated are: {', '.join(self.runtime.registry.names)}.",
            error_code="ActivityTypeNotEmulated",
            failure_type="SystemError",
        )
        node = Graph([{**activity, "dependsOn": []}]).roots[0]
        row = RunningActivity(self, node, Frame()).new_row()
        row.status, row.end, row.error = FAILED, row.start, error_of(node.name, failure)
        self.runtime.log.save_activity(row)
        return RunOutcome(FAILED, f"Operation on target {node.name} failed: {failure.message}")

    def _make_graphs(self, activities: Sequence[dict[str, Any]]) -> None:
        """Make a graph of every list of activities in the definition, by the list's id, once for all iterations."""
        graph = self._graphs[id(activities)] = Graph(activities)
        for node in graph.nodes.values():
            for inner in nested_activities(node.definition):
                self._make_graphs(inner)

    def _recover(self, activities: Sequence[dict[str, Any]]) -> TakenOver | None:
        recovery = self.run.recovery
        if recovery is None or not (recovery.start_activity_name or recovery.start_from_failure):
            return None
        rows = self.runtime.log.activities(self.run.factory_id, recovery.reference_run_id)
        return TakenOver(recovery, activities, rows)


def _all_active(activities: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for activity in activities:
        if activity.get("state") != "Inactive":
            yield activity
            for inner in nested_activities(activity):
                yield from _all_active(inner)


def _message(view: dict[str, Any]) -> str:
    if "error" not in view:
        return "The activity is inactive and marked as failed."
    return str(view["error"]["message"])


def _view(ended: Ended) -> dict[str, Any]:
    """The value of `activity('name')`. There is an error only if it failed."""
    row = ended.row
    view = {
        "output": ended.output,
        "status": SUCCEEDED if row.status == SUCCEEDED else FAILED,
        "ActivityRunId": row.activity_run_id,
        "ExecutionStartTime": wire_time(row.start),
        "ExecutionEndTime": wire_time(row.end),
    }
    if row.status != SUCCEEDED:
        view["error"] = row.error
    return view
