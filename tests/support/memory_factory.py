"""A Data Factory in memory, for the use cases' tests: small, exact, and able to fail on command."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID, uuid4

from adf_trigger.clock import Clock
from adf_trigger.contracts import ENDED_IN_DATA_FACTORY, NO_RERUN, Rerun
from adf_trigger.datafactory.models import (
    ActivityRun,
    CreatedRun,
    Factory,
    InvokedBy,
    Page,
    PipelineResource,
    PipelineRun,
    ReplyHeaders,
    RunFilter,
    RunGlance,
    TimeWindow,
)
from adf_trigger.errors import BadRequest, DataFactoryError, FactoryFull, ResourceNotFound, UnknownOutcome

T = TypeVar("T")


class Ids(StrEnum):
    """How createRun treats the GUID that it is given."""

    HONOURED = "honoured"
    IGNORED = "ignored"
    REPEAT_REFUSED = "repeat refused"


@dataclass
class Run:
    """A run as this factory keeps it."""

    run_id: UUID
    pipeline: str
    parameters: dict[str, Any]
    updated: datetime
    created: datetime
    invoked_by: str = "Manual"
    invoked_by_run: UUID | None = None
    invoked_by_name: str | None = None
    group: UUID | None = None
    began: datetime | None = None
    status: str = "InProgress"
    message: str = ""
    failed: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class MemoryFactory:
    """A factory with runs that end when the test says so.

    Attributes:
        before: errors that calls raise before their effect: operation → errors, used up one by one.
        after: errors that calls raise after their effect.
        always: errors that every call of an operation (`*`: any) raises before its effect, until they are removed.
        hidden: runs that neither lists nor reads show.
        lag: how long a new run stays hidden.
        remaining_reads: the subscription's remaining reads that lists report.
        calls: names of the operations called.
        within: seconds that each createRun was given.
        reruns: each started run, and the rerun that createRun was given.
        cancelled: the runs that cancel was called for, and whether with the runs below.
        cancels_at_once: whether a cancelled run is Cancelled immediately; otherwise it is Canceling.
        most_runs: the limit of concurrent runs.
    """

    clock: Clock
    ids: Ids = Ids.HONOURED
    pipelines: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[UUID, Run] = field(default_factory=dict)
    before: dict[str, list[Exception]] = field(default_factory=dict)
    after: dict[str, list[Exception]] = field(default_factory=dict)
    always: dict[str, Exception] = field(default_factory=dict)
    hidden: set[UUID] = field(default_factory=set)
    lag: timedelta = timedelta()
    remaining_reads: int | None = None
    calls: list[str] = field(default_factory=list)
    within: list[float | None] = field(default_factory=list)
    reruns: list[tuple[UUID, Rerun]] = field(default_factory=list)
    cancelled: list[tuple[UUID, bool]] = field(default_factory=list)
    cancels_at_once: bool = True
    most_runs: int | None = None

    def declare(self, pipeline: str, **parameters: dict[str, Any]) -> None:
        """Define a pipeline with declared parameters, such as `day={"type": "String"}`."""
        self.pipelines[pipeline.lower()] = {"name": pipeline, "properties": {"parameters": parameters}}

    def finish(self, run_id: UUID, status: str = "Succeeded", **changes: Any) -> None:
        """End a run."""
        run = self.runs[run_id]
        run.status, run.updated = status, self.clock()
        for name, value in changes.items():
            setattr(run, name, value)

    def fail_next(self, operation: str, error: Exception, *, after: bool = False) -> None:
        """Make the next call of an operation fail, before or after its effect."""
        (self.after if after else self.before).setdefault(operation, []).append(error)

    def get_factory(self) -> Factory:
        """See PipelineRuns."""
        with_faults(self, "get_factory")
        return Factory.model_validate({"name": "f", "properties": {"provisioningState": "Succeeded"}})

    def get_pipeline(self, name: str) -> PipelineResource:
        """See PipelineRuns."""
        with_faults(self, "get_pipeline")
        if name.lower() not in self.pipelines:
            raise ResourceNotFound(
                "The document could not be retrieved because it does not exist.", code="NotFound"
            )
        return PipelineResource.model_validate(self.pipelines[name.lower()])

    def list_pipelines(self) -> Iterator[PipelineResource]:
        """See PipelineRuns."""
        for number, each in enumerate([*self.pipelines.values()]):
            if number % 50 == 0:
                with_faults(self, "list_pipelines")
            yield PipelineResource.model_validate(each)
        if not self.pipelines:
            with_faults(self, "list_pipelines")

    def create_run(
        self,
        pipeline: str,
        parameters: Mapping[str, Any],
        *,
        client_request_id: UUID,
        rerun: Rerun = NO_RERUN,
        secrets: Collection[str] = (),  # noqa: ARG002 - part of the port
        within: float | None = None,
    ) -> CreatedRun:
        """See PipelineRuns."""
        self.within.append(within)
        with_faults(self, "create_run")
        if pipeline.lower() not in self.pipelines:
            raise ResourceNotFound("no such pipeline", code="NotFound")
        if self.most_runs is not None and self._active_count() >= self.most_runs:
            raise FactoryFull(
                "The limit of concurrent pipeline runs per data factory is reached.", status=400
            )
        run_id = self._new_run_id(client_request_id)
        self.reruns.append((run_id, rerun))
        kept_under = uuid4() if run_id in self.runs else run_id  # a doubled run stays to be counted
        self.runs[kept_under] = Run(run_id, pipeline, dict(parameters), self.clock(), self.clock())
        raise_planned(self.after, "create_run")
        return CreatedRun(run_id=run_id, client_request_id=client_request_id)

    def _active_count(self) -> int:
        return sum(run.status in {"Queued", "InProgress", "Canceling"} for run in self.runs.values())

    def _new_run_id(self, asked: UUID) -> UUID:
        if self.ids is Ids.IGNORED:
            return uuid4()
        if self.ids is Ids.REPEAT_REFUSED and asked in self.runs:
            raise BadRequest("a run of that id exists", status=400, code="BadRequest")
        return asked

    def get_run(self, run_id: UUID) -> PipelineRun:
        """See PipelineRuns."""
        with_faults(self, "get_run")
        if run_id not in self.runs or not self._shows(self.runs[run_id]):
            raise ResourceNotFound("no such run", code="NotFound", status=404)
        return as_run(self.runs[run_id])

    def query_runs(
        self, run_filter: RunFilter, *, wanted: Callable[[RunGlance], bool] | None = None
    ) -> Iterator[Page[PipelineRun]]:
        """See PipelineRuns."""
        shown = [
            run
            for run in self.runs.values()
            if run_filter.last_updated_after <= run.updated <= run_filter.last_updated_before
            and self._shows(run)
            and all(
                (run.status if each.operand == "Status" else run.pipeline) in each.values
                for each in run_filter.filters
            )
        ]
        pages = self._pages("query_runs", shown)
        return sifted(
            (Page(items=[*map(as_run, page.items)], more=page.more, reply=page.reply) for page in pages),
            wanted,
        )

    def _pages(self, operation: str, items: Sequence[T]) -> Iterator[Page[T]]:
        for start in range(0, max(1, len(items)), 100):
            with_faults(self, operation)
            reply = ReplyHeaders(remaining_reads=self.remaining_reads)
            yield Page(items=items[start : start + 100], more=start + 100 < len(items), reply=reply)

    def _shows(self, run: Run) -> bool:
        return run.run_id not in self.hidden and self.clock() - run.created >= self.lag

    def query_activity_runs(
        self, run_id: UUID, *, window: TimeWindow, newest_first: bool = False
    ) -> Iterator[Page[ActivityRun]]:
        """See PipelineRuns."""
        assert window.after < window.before
        activities = [ActivityRun.model_validate(each) for each in self.runs[run_id].failed]
        activities = activities[::-1] if newest_first else activities
        yield from self._pages("query_activity_runs", activities)

    def cancel_run(self, run_id: UUID, *, recursive: bool = True) -> None:
        """See PipelineRuns. A run that has ended stays as it is."""
        with_faults(self, "cancel_run")
        if run_id not in self.runs:
            raise ResourceNotFound(
                f"Referenced pipeline run id {run_id} does not exist.",
                code="ReferencedPipelineRunNotFound",
                status=400,
            )
        self.cancelled.append((run_id, recursive))
        if self.runs[run_id].status not in ENDED_IN_DATA_FACTORY:
            self.finish(run_id, "Cancelled" if self.cancels_at_once else "Canceling")
        raise_planned(self.after, "cancel_run")


def with_faults(factory: MemoryFactory, operation: str) -> None:
    """Note a call, and fail it where that was planned."""
    factory.calls.append(operation)
    raise_planned(factory.before, operation)
    standing = factory.always.get(operation) or factory.always.get("*")
    if standing is not None:
        raise standing


def raise_planned(planned: dict[str, list[Exception]], operation: str) -> None:
    """Raise the next planned error of an operation."""
    if planned.get(operation):
        raise planned[operation].pop(0)


def as_run(run: Run) -> PipelineRun:
    """The run as the service would show it."""
    return PipelineRun(
        run_id=run.run_id,
        pipeline_name=run.pipeline,
        parameters=run.parameters,
        status=run.status,
        message=run.message,
        run_start=None if run.status == "Queued" else run.began or run.updated - timedelta(seconds=1),
        last_updated=run.updated,
        run_group_id=str(run.group or run.run_id),
        invoked_by=InvokedBy(
            invoked_by_type=run.invoked_by,
            name=run.invoked_by_name,
            pipeline_run_id=None if run.invoked_by_run is None else str(run.invoked_by_run),
        ),
    )


def sifted(
    pages: Iterable[Page[PipelineRun]], wanted: Callable[[RunGlance], bool] | None = None
) -> Iterator[Page[PipelineRun]]:
    """Pages without the unwanted runs."""
    for page in pages:
        yield replace(page, items=[run for run in page.items if wanted is None or wanted(at_a_glance(run))])


def at_a_glance(run: PipelineRun) -> RunGlance:
    """The fields that the service's JSON shows first."""
    return RunGlance(
        run_id=run.run_id,
        pipeline_name=run.pipeline_name,
        invoked_by_type=(run.invoked_by and run.invoked_by.invoked_by_type) or "",
        last_updated=run.last_updated,
        status=run.status,
    )


LOST_REPLY = UnknownOutcome("the reply was lost")
"""The error of a call whose answer never came."""


def is_data_factory_error(error: Exception) -> bool:
    """Whether an error is one that a client raises."""
    return isinstance(error, DataFactoryError)
