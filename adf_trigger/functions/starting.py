"""Decodes a POST that starts a run: header, path, query and body, with all their faults."""

from dataclasses import dataclass

import azure.functions as func

from adf_trigger.clock import IdSource
from adf_trigger.contracts import RunRequest
from adf_trigger.errors import Fault, InvalidRequest
from adf_trigger.functions.answers import Parameters, unreadable
from adf_trigger.functions.decoding import (
    KEY_HEADER,
    KEY_REQUIRED,
    TRACE_HEADER,
    boolean_of,
    idempotency_key,
    pipeline_name,
    principal_of,
    unknown_parameters,
)
from adf_trigger.functions.holding import hold_view
from adf_trigger.functions.outcomes import ON_FAILURE, fails_by_status
from adf_trigger.functions.services import Services
from adf_trigger.messages.decoding import run_request
from adf_trigger.messages.traces import traceparent_of
from adf_trigger.readings import RunPreview
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.news.views import joined_run
from adf_trigger.service.starting.submit import Submitted
from adf_trigger.service.submission import Submission

ASK_PARAMETER = "validateOnly"


@dataclass(frozen=True, slots=True)
class Started:
    """A request that was accepted.

    Attributes:
        submitted: its record.
        by_status: whether this caller asked for an error if the run does not succeed.
    """

    submitted: Submitted
    by_status: bool


def start(
    services: Services, parameters: Parameters, req: func.HttpRequest, new_id: IdSource
) -> Started | func.HttpResponse:
    """Submit a request; returns a response instead for a validation, or for a body that cannot be read.

    Raises:
        InvalidRequest: with every fault.
        AdfTriggerError: see Submitter.submit.
    """
    body = req.get_body()
    if (unread := unreadable(req, body, services.settings.max_body_bytes)) is not None:
        return unread
    submission, only_ask = _submission(services, req, parameters, body, new_id)
    if only_ask:
        return _preview(services, submission, keyed=KEY_HEADER in req.headers)
    return Started(services.submitter.submit(submission), submission.failure_is_error)


def _submission(
    services: Services, req: func.HttpRequest, parameters: Parameters, body: bytes, new_id: IdSource
) -> tuple[Submission, bool]:
    """Decode a request, and whether it is only to be validated."""
    only_ask, faults = boolean_of(parameters, ASK_PARAMETER)
    by_status, more = fails_by_status(parameters)
    faults += more
    faults += unknown_parameters(parameters, ["factory", ASK_PARAMETER, ON_FAILURE])
    key, pipeline, request = None, "", RunRequest()
    factory: FactoryHandle | None = None
    try:
        key = idempotency_key(req.headers.get(KEY_HEADER))
        if key is None and services.settings.require_idempotency_key:
            faults.append(Fault(KEY_HEADER, KEY_REQUIRED))
    except InvalidRequest as exc:
        faults += exc.faults
    try:
        pipeline = pipeline_name(req.route_params.get("pipeline"))
    except InvalidRequest as exc:
        faults += exc.faults
    try:
        request = run_request(body)
    except InvalidRequest as exc:
        faults += exc.faults
        if "factory" in parameters:
            faults += _factory_faults(services, parameters["factory"])
    else:
        try:
            factory = _factory(services, request.factory, parameters.get("factory"))
        except InvalidRequest as exc:
            faults += exc.faults
    if faults or factory is None:
        raise InvalidRequest(faults)
    submission = Submission(
        factory=factory,
        pipeline=pipeline,
        request=request,
        request_id=key or str(new_id()),
        requested_by=principal_of(req, authenticated=services.settings.authentication_enabled),
        failure_is_error=by_status,
        traceparent=traceparent_of(req.headers.get(TRACE_HEADER)),
    )
    return submission, only_ask


def _factory(services: Services, in_body: str | None, in_query: str | None) -> FactoryHandle:
    """The factory that body or query names; both may if they name the same one."""
    faults = _factory_faults(services, in_query) if in_query is not None else []
    if faults or in_body is None:
        return services.factories.choose(in_query, pointer="/factory" if in_query is None else "factory")
    factory = services.factories.choose(in_body)
    if in_query is not None and services.factories.choose(in_query) != factory:
        raise InvalidRequest([Fault("factory", "the query names another factory than the body")])
    return factory


def _factory_faults(services: Services, in_query: str) -> list[Fault]:
    """The faults of the factory that the query names."""
    try:
        services.factories.choose(in_query, pointer="factory")
    except InvalidRequest as exc:
        return list(exc.faults)
    return []


def _preview(services: Services, submission: Submission, *, keyed: bool) -> func.HttpResponse:
    previewed = services.preview.preview(submission)
    earlier, outlook = previewed.earlier, previewed.outlook
    answer = RunPreview(
        outcome=outlook.outcome,
        request_id=submission.request_id if keyed else None,
        factory=submission.factory.alias,
        pipeline=submission.pipeline,
        parameters=previewed.parameters,
        run=None if earlier is None else services.views.view(earlier),
        message=outlook.message,
        hold=None if outlook.hold is None else hold_view(outlook.hold),
        in_line=outlook.in_line,
        joined_to=joined_run(outlook.joined_to),
        in_the_way=list(outlook.in_the_way),
    )
    return func.HttpResponse(answer.model_dump_json(), mimetype="application/json")
