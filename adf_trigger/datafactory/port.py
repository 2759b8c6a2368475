"""The port to Data Factory: the runs of one factory's pipelines."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Protocol
from uuid import UUID

from pydantic import JsonValue

from adf_trigger.contracts import NO_RERUN, Rerun
from adf_trigger.datafactory.models import (
    ActivityRun,
    CreatedRun,
    Factory,
    Page,
    PipelineResource,
    PipelineRun,
    RunFilter,
    RunGlance,
    TimeWindow,
)


class PipelineRuns(Protocol):
    """The runs of one factory's pipelines.

    Every method may raise CredentialError and any DataFactoryError, except that those that read never raise
    UnknownOutcome, and those with an effect (create_run, cancel_run) never raise Unavailable.
    """

    def get_factory(self) -> Factory:
        """The factory itself."""

    def get_pipeline(self, name: str) -> PipelineResource:
        """The published definition of a pipeline."""

    def list_pipelines(self) -> Iterator[PipelineResource]:
        """The published pipelines: one call per page, made lazily."""

    def create_run(
        self,
        pipeline: str,
        parameters: Mapping[str, JsonValue],
        *,
        client_request_id: UUID,
        rerun: Rerun = NO_RERUN,
        secrets: Collection[str] = (),
        within: float | None = None,
    ) -> CreatedRun:
        """Start a run. The call is sent once, never repeated, and aborted after `within` seconds.

        No error and no log repeats one of the `secrets`.
        """

    def get_run(self, run_id: UUID) -> PipelineRun:
        """One run."""

    def query_runs(
        self, run_filter: RunFilter, *, wanted: Callable[[RunGlance], bool] | None = None
    ) -> Iterator[Page[PipelineRun]]:
        """Runs that changed in a window of time, page by page: one call each, made lazily.

        With `wanted`, pages have only the runs for which it returns true; it is called at least once for each run.
        """

    def query_activity_runs(
        self, run_id: UUID, *, window: TimeWindow, newest_first: bool = False
    ) -> Iterator[Page[ActivityRun]]:
        """Activity runs of a run that changed in a window of time, page by page: one call each, made lazily."""

    def cancel_run(self, run_id: UUID, *, recursive: bool = True) -> None:
        """Cancel a run, and by default the runs that it started."""
