"""The HTTP functions: decode, call a use case, encode."""

from http import HTTPStatus

import azure.functions as func

from adf_trigger.clock import IdSource
from adf_trigger.contracts import RunPreview, RunRequest
from adf_trigger.errors import Fault, InvalidRequest
from adf_trigger.functions.answers import Parameters, answered, run_response, unreadable
from adf_trigger.functions.composition import UseCases
from adf_trigger.functions.decoding import (
    KEY_HEADER,
    id_of,
    idempotency_key,
    pipeline_name,
    principal_of,
    truth_of,
    unknown_parameters,
)
from adf_trigger.functions.services import Services
from adf_trigger.messages.decoding import run_request
from adf_trigger.service.query import by_of
from adf_trigger.service.submission import Submission

KEY_REQUIRED = (
    "is required here (ADF_TRIGGER_REQUIRE_IDEMPOTENCY_KEY): name the request, the same name on every retry of it, so "
    "that it is started once"
)

ASK_PARAMETER = "validateOnly"


def http_functions(use_cases: UseCases, new_id: IdSource) -> func.Blueprint:
    """The HTTP functions over the use cases."""
    blueprint = func.Blueprint()

    @blueprint.function_name("start_run")
    @blueprint.route("pipelines/{pipeline}/runs", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    async def start_run(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Start a run of a pipeline."""

        def work(services: Services, parameters: Parameters) -> func.HttpResponse:
            body = req.get_body()
            if (unread := unreadable(req, body, services.settings.max_body_bytes)) is not None:
                return unread
            submission, only_ask = _submission(services, req, parameters, body, new_id)
            if only_ask:
                return _preview(services, submission, keyed=KEY_HEADER in req.headers)
            submitted = services.submitter.submit(submission)
            status = HTTPStatus.OK if submitted.replayed else HTTPStatus.ACCEPTED
            return run_response(services, services.views.view(submitted.record), status)

        return await answered(use_cases, req, context, None, work)

    @blueprint.function_name("get_run")
    @blueprint.route("runs/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    async def get_run(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """One run, by requestId or runId, or a rejected message by its id."""

        def work(services: Services, parameters: Parameters) -> func.HttpResponse:
            view = services.query.show(
                id_of(req),
                factory=parameters.get("factory"),
                by=by_of(parameters.get("by")),
            )
            return run_response(services, view, HTTPStatus.OK)

        return await answered(use_cases, req, context, ["factory", "by"], work)

    return blueprint


def _submission(
    services: Services, req: func.HttpRequest, parameters: Parameters, body: bytes, new_id: IdSource
) -> tuple[Submission, bool]:
    """Everything that a request says, and whether it only asks; every fault of its parts together."""
    only_ask, faults = truth_of(parameters, ASK_PARAMETER)
    faults += unknown_parameters(parameters, ["factory", ASK_PARAMETER])
    key, pipeline, request = None, "", RunRequest()
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
        factory = services.factories.choose(request.factory or parameters.get("factory"))
    except InvalidRequest as exc:
        raise InvalidRequest([*faults, *exc.faults]) from None
    if faults:
        raise InvalidRequest(faults)
    submission = Submission(
        factory=factory,
        pipeline=pipeline,
        request=request,
        request_id=key or str(new_id()),
        requested_by=principal_of(req, authenticated=services.settings.authentication_enabled),
    )
    return submission, only_ask


def _preview(services: Services, submission: Submission, *, keyed: bool) -> func.HttpResponse:
    previewed = services.preview.preview(submission)
    earlier = previewed.earlier
    answer = RunPreview(
        outcome="start" if earlier is None else "repeat",
        request_id=submission.request_id if keyed else None,
        factory=submission.factory.alias,
        pipeline=submission.pipeline,
        parameters=previewed.parameters,
        run=None if earlier is None else services.views.view(earlier),
    )
    return func.HttpResponse(answer.model_dump_json(), mimetype="application/json")
