"""The HTTP functions: decode, call a use case, encode."""

import json
import logging
from http import HTTPStatus
from urllib.parse import quote

import azure.functions as func

from adf_trigger.clock import IdSource
from adf_trigger.contracts import ENDED_IN_DATA_FACTORY, RunRequest, RunStatus, RunView
from adf_trigger.decoding import run_request
from adf_trigger.errors import AdfTriggerError, InvalidRequest
from adf_trigger.functions.decoding import KEY_HEADER, idempotency_key, pipeline_name
from adf_trigger.functions.problems import TOO_LARGE, problem, problem_of
from adf_trigger.functions.services import Services
from adf_trigger.service.submit import Submission

logger = logging.getLogger(__name__)

CALLER_HEADER = "x-ms-client-principal-name"
"""Who called, where App Service authentication is in front of the functions."""

POLL_AGAIN = 10
"""Seconds after which it is worth asking for an active run again."""

_OVER = frozenset({*ENDED_IN_DATA_FACTORY, RunStatus.REJECTED, RunStatus.UNKNOWN})


def http_functions(services: Services, new_id: IdSource) -> func.Blueprint:
    """The HTTP functions over the use cases."""
    blueprint = func.Blueprint()
    handlers = _Handlers(services, new_id)

    @blueprint.function_name("start_run")
    @blueprint.route("pipelines/{pipeline}/runs", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    def start_run(req: func.HttpRequest) -> func.HttpResponse:
        """Start a run of a pipeline."""
        return handlers.start_run(req)

    @blueprint.function_name("get_run")
    @blueprint.route("runs/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    def get_run(req: func.HttpRequest) -> func.HttpResponse:
        """One run, by requestId or runId."""
        return handlers.get_run(req)

    @blueprint.function_name("health")
    @blueprint.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the host passes it by name
        """Whether storage, credential and factories answer."""
        return handlers.health()

    return blueprint


class _Handlers:
    def __init__(self, services: Services, new_id: IdSource) -> None:
        self._services = services
        self._new_id = new_id

    def start_run(self, req: func.HttpRequest) -> func.HttpResponse:
        body = req.get_body()
        if len(body) > self._services.settings.max_body_bytes:
            limit = f"at most {self._services.settings.max_body_bytes} bytes are read, this has {len(body)}"
            return problem(TOO_LARGE, limit, instance=_path(req))
        try:
            submitted = self._services.submit(self._submission(req, body))
        except AdfTriggerError as exc:
            return self._problem(req, exc)
        status = HTTPStatus.OK if submitted.replayed else HTTPStatus.ACCEPTED
        return _run(self._services.views.view(submitted.record), status)

    def get_run(self, req: func.HttpRequest) -> func.HttpResponse:
        try:
            record = self._services.query.find(req.route_params["id"], factory=req.params.get("factory"))
        except AdfTriggerError as exc:
            return self._problem(req, exc)
        return _run(self._services.views.view(record), HTTPStatus.OK)

    def health(self) -> func.HttpResponse:
        report = self._services.health.report()
        states = {name: "ok" if answers else "unavailable" for name, answers in report.components.items()}
        status = HTTPStatus.OK if report.healthy else HTTPStatus.SERVICE_UNAVAILABLE
        return _json({"status": "ok" if report.healthy else "unavailable", "components": states}, status)

    def _submission(self, req: func.HttpRequest, body: bytes) -> Submission:
        """Everything that a request says, every fault of its parts together."""
        faults = []
        key, pipeline, request = None, "", RunRequest()
        try:
            key = idempotency_key(req.headers.get(KEY_HEADER))
        except InvalidRequest as exc:
            faults += exc.faults
        try:
            pipeline = pipeline_name(req.route_params.get("pipeline"))
        except InvalidRequest as exc:
            faults += exc.faults
        try:
            request = run_request(body)
            factory = self._services.factories.choose(request.factory or req.params.get("factory"))
        except InvalidRequest as exc:
            raise InvalidRequest([*faults, *exc.faults]) from None
        if faults:
            raise InvalidRequest(faults)
        return Submission(
            factory=factory,
            pipeline=pipeline,
            request=request,
            request_id=key or str(self._new_id()),
            requested_by=req.headers.get(CALLER_HEADER),
        )

    def _problem(self, req: func.HttpRequest, error: AdfTriggerError) -> func.HttpResponse:
        logger.info(
            "Answered %s with a problem: %s",
            req.url,
            error,
            extra={"action": "request_refused", "error": type(error).__name__},
        )
        return problem_of(error, instance=_path(req))


def _run(view: RunView, status: HTTPStatus) -> func.HttpResponse:
    headers = {"Location": view.links.self, KEY_HEADER: f'"{view.request_id}"'}
    if view.status not in _OVER:
        headers["Retry-After"] = str(POLL_AGAIN)
    return func.HttpResponse(
        view.model_dump_json(), status_code=status, headers=headers, mimetype="application/json"
    )


def _path(req: func.HttpRequest) -> str:
    return quote("/" + req.url.split("://", 1)[-1].partition("/")[2].partition("?")[0], safe="/%:@")


def _json(document: object, status: HTTPStatus) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(document), status_code=status, mimetype="application/json")
