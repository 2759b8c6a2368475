"""Parses replies about runs."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from pydantic import ValidationError

from adf_trigger.datafactory.calls import Call, Reply
from adf_trigger.datafactory.failures import garbled
from adf_trigger.datafactory.models import CreatedRun, Page, PipelineRun, RunGlance, ServiceObject
from adf_trigger.datafactory.replies import read_items, read_json, read_object

M = TypeVar("M", bound=ServiceObject)


def read_run(call: Call, run_id: UUID, reply: Reply) -> PipelineRun:
    """Parse a run, which must be the requested one."""
    run = read_object(call, reply, PipelineRun)
    if run.run_id != run_id:
        raise garbled(call, reply, f"it is about another run, {run.run_id}")
    return run


def read_created(call: Call, reply: Reply) -> CreatedRun:
    """Parse the reply of createRun."""
    run_id = read_json(call, reply).get("runId")
    try:
        parsed = UUID(run_id)
    except (ValueError, TypeError, AttributeError) as exc:
        raise garbled(call, reply, f"its runId is not a GUID: {str(run_id)!r}") from exc
    facts = reply.facts(call.client_request_id)
    return CreatedRun(
        run_id=parsed,
        client_request_id=call.client_request_id,
        request_id=facts.request_id,
        correlation_id=facts.correlation_id,
        remaining_writes=facts.remaining_writes,
    )


def glance_filter(wanted: Callable[[RunGlance], bool] | None) -> Callable[[object], bool] | None:
    """The same predicate for a run's JSON. An invalid run is wanted, so that decoding reports why."""
    if wanted is None:
        return None

    def is_wanted(value: object) -> bool:
        try:
            glance = RunGlance.model_validate(value)
        except ValidationError:
            return True
        return wanted(glance)

    return is_wanted


def read_page(
    call: Call, model: type[M], is_wanted: Callable[[object], bool] | None, reply: Reply
) -> tuple[Page[M], str | None]:
    """Parse a page of a query, and the token of the next one."""
    items, whole = read_items(call, reply, model, is_wanted)
    token = whole.get("continuationToken")
    if not token:
        return Page(items=items, reply=reply.facts(call.client_request_id)), None
    if not isinstance(token, str) or token == call.body.get("continuationToken"):
        raise garbled(call, reply, "its continuation token is repeated or invalid")
    return Page(items=items, more=True, reply=reply.facts(call.client_request_id)), token


def query_value(value: UUID | str | bool) -> str:  # noqa: FBT001  # a value, not a switch
    """Encode a value for a query string."""
    return str(value).lower() if isinstance(value, bool) else str(value)
