"""Pipeline runs and activity runs: start, get, query, cancel."""

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from pydantic import JsonValue

from adf_trigger.azure.resource_ids import FactoryId, entity_segment
from adf_trigger.datafactory.calls import Call, Effect, Reply
from adf_trigger.datafactory.failures import garbled
from adf_trigger.datafactory.management import ManagementApi
from adf_trigger.datafactory.models import (
    ActivityRun,
    CreatedRun,
    Page,
    PipelineRun,
    RunFilter,
    ServiceObject,
    TimeWindow,
)
from adf_trigger.datafactory.replies import read_items, read_json, read_object
from adf_trigger.datafactory.resources import API_VERSION

_STARTED = frozenset({200, 201, 202})
_CANCELLED = frozenset({200, 202, 204})

M = TypeVar("M", bound=ServiceObject)


class RunOperations:
    """The runs of one factory's pipelines.

    Args:
        api: makes the calls.
        factory: whose runs they are.
    """

    def __init__(self, api: ManagementApi, factory: FactoryId) -> None:
        self._api = api
        self._path = factory.path

    def create(
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
        """Start a run; see `DataFactoryClient.create_run`."""
        options = {
            "referencePipelineRunId": reference_pipeline_run_id,
            "isRecovery": is_recovery,
            "startActivityName": start_activity_name,
            "startFromFailure": start_from_failure,
        }
        call = Call(
            operation="Pipelines_CreateRun",
            method="POST",
            path=f"{self._path}/pipelines/{entity_segment('pipeline', pipeline)}/createRun",
            effect=Effect.START,
            client_request_id=client_request_id,
            query={"api-version": API_VERSION}
            | {name: _query_value(value) for name, value in options.items() if value is not None},
            body=dict(parameters),
            accepts=_STARTED,
            secrets=frozenset(secrets),
            within=within,
        )
        return self._api.perform(call, partial(_read_created, call))

    def get(self, run_id: UUID) -> PipelineRun:
        """One run."""
        call = self._call("PipelineRuns_Get", "GET", f"/pipelineruns/{run_id}", Effect.NONE)
        return self._api.perform(call, partial(_read_run, call, run_id))

    def query(self, run_filter: RunFilter) -> Iterator[Page[PipelineRun]]:
        """Runs that changed in a window of time, page by page."""
        body = run_filter.model_dump(mode="json", exclude_defaults=True)
        return self._pages("PipelineRuns_QueryByFactory", "/queryPipelineRuns", body, PipelineRun)

    def query_activities(self, run_id: UUID, window: TimeWindow) -> list[ActivityRun]:
        """All activity runs of a run that changed in a window of time."""
        pages = self._pages(
            "ActivityRuns_QueryByPipelineRun",
            f"/pipelineruns/{run_id}/queryActivityruns",
            RunFilter(last_updated_after=window.after, last_updated_before=window.before).model_dump(
                mode="json", exclude_defaults=True
            ),
            ActivityRun,
        )
        return [run for page in pages for run in page.items if run.pipeline_run_id in (None, "", str(run_id))]

    def cancel(self, run_id: UUID, *, recursive: bool) -> None:
        """Cancel a run."""
        call = self._call(
            "PipelineRuns_Cancel",
            "POST",
            f"/pipelineruns/{run_id}/cancel",
            Effect.CHANGE,
            query={"api-version": API_VERSION, "isRecursive": _query_value(recursive)},
            accepts=_CANCELLED,
        )
        self._api.perform(call, lambda _: None)

    def _pages(self, operation: str, path: str, body: dict[str, Any], model: type[M]) -> Iterator[Page[M]]:
        while True:
            call = self._call(operation, "POST", path, Effect.NONE, body=body)
            page, token = self._api.perform(call, partial(_read_page, call, model))
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


def _read_run(call: Call, run_id: UUID, reply: Reply) -> PipelineRun:
    run = read_object(call, reply, PipelineRun)
    if run.run_id != run_id:
        raise garbled(call, reply, f"it tells of another run, {run.run_id}")
    return run


def _read_created(call: Call, reply: Reply) -> CreatedRun:
    run_id = read_json(call, reply).get("runId")
    try:
        parsed = UUID(run_id)
    except (ValueError, TypeError, AttributeError) as exc:
        raise garbled(call, reply, f"its runId is no GUID: {str(run_id)!r}") from exc
    facts = reply.facts(call.client_request_id)
    return CreatedRun(
        run_id=parsed,
        client_request_id=call.client_request_id,
        request_id=facts.request_id,
        correlation_id=facts.correlation_id,
        remaining_writes=facts.remaining_writes,
    )


def _read_page(call: Call, model: type[M], reply: Reply) -> tuple[Page[M], str | None]:
    items, whole = read_items(call, reply, model)
    token = whole.get("continuationToken")
    if not token:
        return Page(items=items, reply=reply.facts(call.client_request_id)), None
    if not isinstance(token, str) or token == call.body.get("continuationToken"):
        raise garbled(call, reply, "its next page is itself, or nowhere")
    return Page(items=items, reply=reply.facts(call.client_request_id)), token


def _query_value(value: UUID | str | bool) -> str:  # noqa: FBT001  # a value, not a switch
    return str(value).lower() if isinstance(value, bool) else str(value)
