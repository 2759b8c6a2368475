"""The HTTP function that starts many runs in one call: decode, call a use case, encode."""

from dataclasses import replace
from http import HTTPStatus
from typing import Any

import azure.functions as func

from adf_trigger.clock import IdSource
from adf_trigger.contracts import QueuedRunRequest
from adf_trigger.errors import AdfTriggerError, Fault, InvalidRequest
from adf_trigger.functions.answers import Parameters, answered, json_response, query_faults, unreadable
from adf_trigger.functions.composition import UseCases
from adf_trigger.functions.decoding import KEY_HEADER, KEY_REQUIRED, TRACE_HEADER, principal_of
from adf_trigger.functions.problems import described_by
from adf_trigger.functions.services import Services
from adf_trigger.messages.decoding import run_requests
from adf_trigger.messages.traces import traceparent_of
from adf_trigger.orders import MAX_STARTS
from adf_trigger.service.starting.batch import BatchOutcome
from adf_trigger.service.submission import Submission

MAX_BATCH_BYTES = 262_144

NOT_FOR_BATCHES = "names a single request: in a batch each start has its own key, in requestId"


def batch_functions(use_cases: UseCases, new_id: IdSource) -> func.Blueprint:
    """The function over the use cases."""
    blueprint = func.Blueprint()

    @blueprint.function_name("start_runs")
    @blueprint.route("runs", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    async def start_runs(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Start many runs, each as if started alone; the timer sends them."""

        def work(services: Services, parameters: Parameters) -> func.HttpResponse:
            body = req.get_body()
            if (unread := unreadable(req, body, MAX_BATCH_BYTES)) is not None:
                return unread
            usual, faults = parameters.get("factory"), _faults(services, req, parameters)
            try:
                read = run_requests(body, most=MAX_STARTS, longest=services.settings.max_body_bytes)
            except InvalidRequest as exc:
                raise InvalidRequest([*faults, *exc.faults]) from None
            if faults:
                raise InvalidRequest(faults)
            by = principal_of(req, authenticated=services.settings.authentication_enabled)
            trace = traceparent_of(req.headers.get(TRACE_HEADER))
            submissions = [_within(trace, _submission(services, each, usual, by, new_id)) for each in read]
            results = services.batch.start(submissions)
            return json_response({"runs": [_result(services, each) for each in results]})

        return await answered(use_cases, req, context, None, work)

    return blueprint


def _faults(services: Services, req: func.HttpRequest, parameters: Parameters) -> list[Fault]:
    """The faults of query and headers."""
    faults = query_faults(parameters, ["factory"])
    if "factory" in parameters:
        try:
            services.factories.choose(parameters["factory"], pointer="factory")
        except InvalidRequest as exc:
            faults += exc.faults
    if KEY_HEADER in req.headers:
        faults.append(Fault(KEY_HEADER, NOT_FOR_BATCHES))
    return faults


def _submission(
    services: Services,
    read: QueuedRunRequest | AdfTriggerError,
    usual_factory: str | None,
    by: str | None,
    new_id: IdSource,
) -> Submission | AdfTriggerError:
    """Decode one start of a batch, or return its error."""
    if isinstance(read, AdfTriggerError):
        return read
    faults: list[Fault] = []
    if read.request_id is None and services.settings.require_idempotency_key:
        faults.append(Fault("/requestId", KEY_REQUIRED))
    try:
        factory = services.factories.choose(read.factory or usual_factory)
    except InvalidRequest as exc:
        return InvalidRequest([*faults, *exc.faults])
    if faults:
        return InvalidRequest(faults)
    return Submission(
        factory=factory,
        pipeline=read.pipeline,
        request=read,
        request_id=read.request_id or str(new_id()),
        requested_by=by,
        traceparent=traceparent_of(read.traceparent),
    )


def _within(trace: str | None, read: Submission | AdfTriggerError) -> Submission | AdfTriggerError:
    """A start as part of the call's trace, unless it names its own."""
    if isinstance(read, AdfTriggerError) or read.traceparent is not None:
        return read
    return replace(read, traceparent=trace)


def _result(services: Services, taken: BatchOutcome) -> dict[str, Any]:
    """The result of a start: the status that a single start would have got, and its run or its problem."""
    if isinstance(taken, AdfTriggerError):
        problem, _ = described_by(taken)
        return {"status": problem.status, "problem": problem.model_dump(mode="json", exclude_none=True)}
    status = HTTPStatus.OK if taken.replayed else HTTPStatus.ACCEPTED
    return {"status": status.value, "run": services.views.view(taken.record).model_dump(mode="json")}
