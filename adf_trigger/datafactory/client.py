"""The client of one factory."""

from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from pydantic import JsonValue

from adf_trigger.azure.resource_ids import FactoryId
from adf_trigger.datafactory.management import ManagementApi
from adf_trigger.datafactory.models import (
    ActivityRun,
    CreatedRun,
    Dataset,
    Factory,
    LinkedService,
    Page,
    PipelineResource,
    PipelineRun,
    RunFilter,
    TimeWindow,
)
from adf_trigger.datafactory.resources import Factories, NamedResources
from adf_trigger.datafactory.runs import RunOperations


class DataFactoryClient:
    """The client of one factory. Safe to share between threads.

    Every method may raise CredentialError (no token, nothing sent) and DataFactoryError: NotSent where no
    connection was made, a Refused for a definite no, and where there was no clear answer Unavailable for what
    only reads, UnknownOutcome for what has an effect. What only reads is repeated within the retry policy of
    `api`; what has an effect is sent once.

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
        self._runs = RunOperations(api, factory)

    def get_factory(self) -> Factory:
        """The factory itself."""
        return self._factories.get(self.factory_id)

    def get_pipeline(self, name: str) -> PipelineResource:
        """The published definition of a pipeline.

        Raises:
            ResourceNotFound: there is none of that name.
            InvalidRequest: the service takes no such name.
        """
        return self.pipelines.get(name)

    def list_pipelines(self) -> Iterator[PipelineResource]:
        """The published pipelines: one call a page, made as it is asked for."""
        return self.pipelines.list()

    def create_run(
        self,
        pipeline: str,
        parameters: Mapping[str, JsonValue],
        *,
        client_request_id: UUID,
        reference_pipeline_run_id: UUID | None = None,
        is_recovery: bool | None = None,
        start_activity_name: str | None = None,
        start_from_failure: bool | None = None,
        secrets: Collection[str] = (),
        within: float | None = None,
    ) -> CreatedRun:
        """Start a run. The call is sent once; only a token that was not taken is replaced and tried again.

        Args:
            pipeline: name of a published pipeline.
            parameters: name → value. Ignored by the service where reference_pipeline_run_id is given.
            client_request_id: goes along as x-ms-client-request-id. Recorded calls of the service show that it
                becomes the runId; no document promises it.
            reference_pipeline_run_id: rerun this run, with its parameters.
            is_recovery: group the new run with the one it reruns.
            start_activity_name: rerun from this activity on; goes before start_from_failure.
            start_from_failure: rerun from the failed activities on.
            secrets: values that no error and no log may repeat, even where the service's answer does.
            within: seconds after which the call is cut, its token included.

        Raises:
            NotSent: no connection was made; no run was started.
            Refused: a definite no (Throttled among them); no run was started.
            UnknownOutcome: there was no clear answer: a run may have been started.
            InvalidRequest: the name or the parameters cannot be sent.
        """
        return self._runs.create(
            pipeline,
            parameters,
            client_request_id=client_request_id,
            reference_pipeline_run_id=reference_pipeline_run_id,
            is_recovery=is_recovery,
            start_activity_name=start_activity_name,
            start_from_failure=start_from_failure,
            secrets=secrets,
            within=within,
        )

    def get_run(self, run_id: UUID) -> PipelineRun:
        """One run.

        Raises:
            ResourceNotFound: the service has no such run; it keeps runs for 45 days.
        """
        return self._runs.get(run_id)

    def query_runs(self, run_filter: RunFilter) -> Iterator[Page[PipelineRun]]:
        """Runs that changed in a window of time, in pages of up to 100: one call each, made as it is asked for.

        Runs may show up late, and runs started by Debug in the studio never do.
        """
        return self._runs.query(run_filter)

    def query_activity_runs(self, run_id: UUID, *, window: TimeWindow) -> list[ActivityRun]:
        """All activity runs of a run that changed in a window of time; each retry and iteration is one."""
        return self._runs.query_activities(run_id, window)

    def cancel_run(self, run_id: UUID, *, recursive: bool = True) -> None:
        """Cancel a run, and the runs that it started unless told not to.

        Raises:
            ResourceNotFound: the service has no such run (it says so with 400).
            UnknownOutcome: there was no clear answer. Asking again is safe, a run is cancelled once.
        """
        self._runs.cancel(run_id, recursive=recursive)

    def create_or_update_factory(
        self, *, location: str, tags: Mapping[str, str] | None = None, if_match: str | None = None
    ) -> Factory:
        """Create the factory, or replace it; `Factories` takes the rarer settings.

        Args:
            location: Azure region.
            tags: labels.
            if_match: replace that version alone (`*`: any that is there); None creates or replaces.
        """
        return self._factories.create_or_update(
            self.factory_id, location=location, tags=tags, if_match=if_match
        )

    def delete_factory(self) -> bool:
        """Delete the factory and all that is defined in it; False where there was none."""
        return self._factories.delete(self.factory_id)
