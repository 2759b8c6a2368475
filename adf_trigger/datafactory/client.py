"""The client of one factory."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from pydantic import JsonValue

from adf_trigger.azure.resource_ids import FactoryId, entity_segment
from adf_trigger.contracts import NO_RERUN, Rerun
from adf_trigger.datafactory.calls import Call, Effect
from adf_trigger.datafactory.management import ManagementApi
from adf_trigger.datafactory.models import (
    ActivityRun,
    CreatedRun,
    Dataset,
    Factory,
    FieldOrder,
    LinkedService,
    Page,
    PipelineResource,
    PipelineRun,
    RunFilter,
    RunGlance,
    ServiceObject,
    TimeWindow,
)
from adf_trigger.datafactory.resources import API_VERSION, Factories, NamedResources
from adf_trigger.datafactory.run_replies import glance_filter, query_value, read_created, read_page, read_run

_STARTED = frozenset({200, 201, 202})
_CANCELLED = frozenset({200, 202, 204})

M = TypeVar("M", bound=ServiceObject)


class DataFactoryClient:
    """The client of one factory. Thread-safe.

    Every method may raise CredentialError (no token, nothing sent) and DataFactoryError: NotSent if no connection was
    made, a Refused for a definite refusal, and without a clear answer Unavailable for a read, UnknownOutcome for a call
    with an effect. Reads are repeated within the retry policy of `api`; a call with an effect is sent once.

    Args:
        factory: the factory.
        api: makes the calls; several clients may share one.

    Attributes:
        factory_id: the factory.
        linked_services: its linked services, by name.
        datasets: its datasets, by name.
        pipelines: its pipelines, by name.
    """

    def __init__(self, factory: FactoryId, api: ManagementApi) -> None:
        self.factory_id = factory
        self.linked_services = NamedResources(api, factory, "linkedservices", "LinkedServices", LinkedService)
        self.datasets = NamedResources(api, factory, "datasets", "Datasets", Dataset)
        self.pipelines = NamedResources(api, factory, "pipelines", "Pipelines", PipelineResource)
        self._factories = Factories(api)
        self._api = api
        self._path = factory.path

    def get_factory(self) -> Factory:
        """The factory itself."""
        return self._factories.get(self.factory_id)

    def get_pipeline(self, name: str) -> PipelineResource:
        """The published definition of a pipeline.

        Raises:
            ResourceNotFound: there is none of that name.
            InvalidRequest: the service does not accept the name.
        """
        return self.pipelines.get(name)

    def list_pipelines(self) -> Iterator[PipelineResource]:
        """The published pipelines: one call per page, made lazily."""
        return self.pipelines.list()

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
        """Start a run. The call is sent once; only after a rejected token it is sent again, with a new one.

        Args:
            pipeline: name of a published pipeline.
            parameters: name → value. Ignored by the service for a rerun.
            client_request_id: sent as x-ms-client-request-id. Recorded calls of the service show that it
                becomes the runId; no document promises it.
            rerun: which run to rerun, and from which activity on.
            secrets: values that no error and no log may repeat, even if the service's answer does.
            within: seconds after which the call is aborted, including the acquisition of its token.

        Raises:
            NotSent: no connection was made; no run was started.
            Refused: a definite refusal (Throttled among them); no run was started.
            UnknownOutcome: there was no clear answer: a run may have been started.
            InvalidRequest: the name or the parameters cannot be sent.
        """
        options = {
            "referencePipelineRunId": rerun.reference_pipeline_run_id,
            "isRecovery": rerun.is_recovery,
            "startActivityName": rerun.start_activity_name,
            "startFromFailure": rerun.start_from_failure,
        }
        call = Call(
            operation="Pipelines_CreateRun",
            method="POST",
            path=f"{self._path}/pipelines/{entity_segment('pipeline', pipeline)}/createRun",
            effect=Effect.START,
            client_request_id=client_request_id,
            query={"api-version": API_VERSION}
            | {name: query_value(value) for name, value in options.items() if value is not None},
            body=dict(parameters),
            accepts=_STARTED,
            secrets=frozenset(secrets),
            within=within,
        )
        return self._api.perform(call, partial(read_created, call))

    def get_run(self, run_id: UUID) -> PipelineRun:
        """One run.

        Raises:
            ResourceNotFound: the service has no such run; it keeps runs for 45 days.
        """
        call = self._call("PipelineRuns_Get", "GET", f"/pipelineruns/{run_id}", Effect.NONE)
        return self._api.perform(call, partial(read_run, call, run_id))

    def query_runs(
        self, run_filter: RunFilter, *, wanted: Callable[[RunGlance], bool] | None = None
    ) -> Iterator[Page[PipelineRun]]:
        """Runs that changed in a window of time, in pages of up to 100: one call each, made lazily.

        Runs may appear late, and runs started by Debug in the studio never do.

        Args:
            run_filter: which runs the service lists.
            wanted: selects the runs to decode, the others are left out of their page; None for all. It is called for
                each run, and for a whole page again if the reply turns out to be unreadable and is requested again.
        """
        body = run_filter.model_dump(mode="json", exclude_defaults=True)
        path = "/queryPipelineRuns"
        return self._pages("PipelineRuns_QueryByFactory", path, body, PipelineRun, glance_filter(wanted))

    def query_activity_runs(
        self, run_id: UUID, *, window: TimeWindow, newest_first: bool = False
    ) -> Iterator[Page[ActivityRun]]:
        """Activity runs of a run that changed in a window of time; each retry and iteration is one.

        In pages of up to 100: one call each, made lazily.

        Args:
            run_id: the run.
            window: when they changed.
            newest_first: whether those that began last come first; else in the service's own order.
        """
        order = (FieldOrder(order_by="ActivityRunStart", order="DESC"),) if newest_first else ()
        pages = self._pages(
            "ActivityRuns_QueryByPipelineRun",
            f"/pipelineruns/{run_id}/queryActivityruns",
            RunFilter(
                last_updated_after=window.after, last_updated_before=window.before, order_by=order
            ).model_dump(mode="json", exclude_defaults=True),
            ActivityRun,
        )
        for page in pages:
            own = [run for run in page.items if run.pipeline_run_id in (None, "", str(run_id))]
            yield replace(page, items=own)

    def cancel_run(self, run_id: UUID, *, recursive: bool = True) -> None:
        """Cancel a run, and by default the runs that it started.

        Raises:
            ResourceNotFound: the service has no such run (it says so with 400).
            UnknownOutcome: there was no clear answer. Asking again is safe, a run is cancelled once.
        """
        call = self._call(
            "PipelineRuns_Cancel",
            "POST",
            f"/pipelineruns/{run_id}/cancel",
            Effect.CHANGE,
            query={"api-version": API_VERSION, "isRecursive": query_value(recursive)},
            accepts=_CANCELLED,
        )
        self._api.perform(call, lambda _: None)

    def create_or_update_factory(
        self, *, location: str, tags: Mapping[str, str] | None = None, if_match: str | None = None
    ) -> Factory:
        """Create the factory, or replace it; `Factories` has the rarer settings.

        Args:
            location: Azure region.
            tags: labels.
            if_match: replace only that version (`*`: any existing one); None creates or replaces.
        """
        return self._factories.create_or_update(
            self.factory_id, location=location, tags=tags, if_match=if_match
        )

    def delete_factory(self) -> bool:
        """Delete the factory and everything in it; returns False if there was none."""
        return self._factories.delete(self.factory_id)

    def _pages(
        self,
        operation: str,
        path: str,
        body: dict[str, Any],
        model: type[M],
        is_wanted: Callable[[object], bool] | None = None,
    ) -> Iterator[Page[M]]:
        while True:
            call = self._call(operation, "POST", path, Effect.NONE, body=body)
            page, token = self._api.perform(call, partial(read_page, call, model, is_wanted))
            yield page
            if token is None:
                return
            body = {**body, "continuationToken": token}

    def _call(self, operation: str, method: str, path: str, effect: Effect, **more: Any) -> Call:
        return Call(
            operation=operation,
            method=method,
            path=self._path + path,
            effect=effect,
            client_request_id=self._api.new_id(),
            **{"query": {"api-version": API_VERSION}} | more,
        )
