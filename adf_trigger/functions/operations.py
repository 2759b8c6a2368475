"""The calls of the HTTP API with their parameters, bodies and answers: the source of the OpenAPI description."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from adf_trigger.contracts import RunRequest, RunView
from adf_trigger.functions.operation import Answer, Operation
from adf_trigger.functions.parameters import Schema
from adf_trigger.functions.problems import (
    AMBIGUOUS,
    AT_CAPACITY,
    CROSS_SITE,
    DENIED,
    FACTORY_NOT_FOUND,
    FAILED,
    INVALID_REQUEST,
    KEY_REUSED,
    LENGTH_REQUIRED,
    PIPELINE_NOT_FOUND,
    REFUSED,
    RUN_FAILED,
    RUN_NOT_FOUND,
    SETTINGS_FAULTY,
    TOO_LARGE,
    TRY_LATER,
    WRONG_STATE,
    ProblemType,
)
from adf_trigger.orders import (
    CancelRequest,
    HoldList,
    HoldRequest,
    ReleaseRequest,
    ReplayRequest,
    RerunRequest,
    ResolveRequest,
    StartResults,
    StartRunsRequest,
)
from adf_trigger.readings import PipelineList, PipelineView, RunActivities, RunList, RunPreview

_STEERED_HEADERS = ("Location", "Idempotency-Key", "Retry-After")
_RUN_HEADERS = (*_STEERED_HEADERS, "Preference-Applied")
PROBLEM_HEADERS: Mapping[ProblemType, Sequence[str]] = {RUN_FAILED: ("Idempotency-Key", "Preference-Applied")}
"""Headers of a problem about a run."""
_OF_A_RUN = (RUN_NOT_FOUND, AMBIGUOUS)
_OF_A_BODY = (LENGTH_REQUIRED, TOO_LARGE)
OF_EVERY_CALL = (INVALID_REQUEST, SETTINGS_FAULTY, TRY_LATER)
OF_EVERY_POST = (CROSS_SITE,)

_HEALTH: Schema = {
    "type": "object",
    "required": ["status", "since"],
    "properties": {
        "status": {"type": "string", "enum": ["ok", "starting", "unavailable"]},
        "since": {"type": ["string", "null"], "format": "date-time"},
    },
}
_HEALTH_DETAILS: Schema = {
    "type": "object",
    "required": ["status", "since", "version", "troubles", "warnings"],
    "properties": {
        **_HEALTH["properties"],
        "version": {"type": "string"},
        "troubles": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["since", "what"],
                "properties": {
                    "since": {"type": "string", "format": "date-time"},
                    "what": {"type": "string"},
                },
            },
        },
        "warnings": {"type": "array", "items": {"type": "string"}},
    },
}

_TAKEN_EVENTS: Schema = {
    "type": "object",
    "required": ["events", "claimed", "repeated", "rejected", "unwanted"],
    "properties": {
        name: {"type": "integer", "minimum": 0}
        for name in ("events", "claimed", "repeated", "rejected", "unwanted")
    },
}
_VALIDATED: Schema = {
    "type": "object",
    "required": ["validationResponse"],
    "properties": {"validationResponse": {"type": "string"}},
}
_EVENTS: Schema = {"type": ["array", "object"]}

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "start_run",
        "post",
        "/pipelines/{pipeline}/runs",
        "runs",
        "Start a run of a pipeline, once for each key.",
        {
            HTTPStatus.ACCEPTED: Answer(
                "The request is accepted; Location leads to its result.", RunView, _RUN_HEADERS
            ),
            HTTPStatus.OK: Answer(
                "The same request was made before, or the run that was waited for has ended; with validateOnly, a "
                "preview of the outcome.",
                {"anyOf": [RunView, RunPreview]},
                _RUN_HEADERS,
            ),
        },
        ("pipeline", "factory", "validateOnly", "onFailure", "key", "prefer", "traceparent"),
        RunRequest,
        {"parameters": {"day": "2026-11-30"}, "correlationId": "orders-4711", "metadata": {"team": "sales"}},
        (REFUSED, PIPELINE_NOT_FOUND, *_OF_A_BODY, AT_CAPACITY, KEY_REUSED, RUN_FAILED, DENIED),
    ),
    Operation(
        "start_runs",
        "post",
        "/runs",
        "runs",
        "Start many runs, each as if started alone; the timer sends them.",
        {HTTPStatus.OK: Answer("The outcome of each, in the order of the requests.", StartResults)},
        ("factory",),
        StartRunsRequest,
        {
            "runs": [
                {"pipeline": "LoadOrders", "requestId": "orders-4711", "parameters": {"day": "2026-11-30"}}
            ]
        },
        _OF_A_BODY,
    ),
    Operation(
        "take_events",
        "post",
        "/events",
        "events",
        "Start the runs that the declared triggers start on events of Event Grid or CloudEvents, each once.",
        {
            HTTPStatus.OK: Answer(
                "Counts of the events: claimed, claimed before, rejected, or wanted by no trigger; or the echoed code "
                "of the event that validates a subscription.",
                {"anyOf": [_TAKEN_EVENTS, _VALIDATED]},
            )
        },
        problems=_OF_A_BODY,
        bodies={
            "application/json": _EVENTS,
            "application/cloudevents+json": {"type": "object"},
            "application/cloudevents-batch+json": {"type": "array"},
        },
    ),
    Operation(
        "take_events",
        "options",
        "/events",
        "events",
        "Answer the CloudEvents handshake: whether events may be sent here.",
        {
            HTTPStatus.OK: Answer(
                "CloudEvents may be sent here.",
                None,
                ("WebHook-Allowed-Origin", "WebHook-Allowed-Rate", "Allow"),
            )
        },
        ("origin",),
    ),
    Operation(
        "list_runs",
        "get",
        "/runs",
        "runs",
        "Runs, newest first, rejected and unknown ones included.",
        {HTTPStatus.OK: Answer("A page of runs.", RunList)},
        ("status", "onlyPipeline", "since", "until", "correlationId", "factory", "limit", "continuation"),
    ),
    Operation(
        "get_run",
        "get",
        "/runs/{id}",
        "runs",
        "One run, or a rejected message.",
        {
            HTTPStatus.OK: Answer(
                "The run in its present state, or its end if that was waited for.", RunView, _RUN_HEADERS
            )
        },
        ("id", "factory", "by", "prefer"),
        problems=_OF_A_RUN,
    ),
    Operation(
        "get_run_result",
        "get",
        "/runs/{id}/result",
        "runs",
        "How a run has ended, for clients that poll by status.",
        {
            HTTPStatus.ACCEPTED: Answer(
                "It has not ended yet; Retry-After says when to ask again.", RunView, _RUN_HEADERS
            ),
            HTTPStatus.OK: Answer("It has ended.", RunView, _RUN_HEADERS),
        },
        ("id", "factory", "by", "onFailure", "prefer"),
        problems=(*_OF_A_RUN, RUN_FAILED),
    ),
    Operation(
        "list_activities",
        "get",
        "/runs/{id}/activities",
        "runs",
        "The activity runs of a run, as Data Factory has them now.",
        {HTTPStatus.OK: Answer("All of them.", RunActivities)},
        ("id", "factory", "by", "child"),
        problems=(*_OF_A_RUN, DENIED, FAILED),
    ),
    Operation(
        "list_pipelines",
        "get",
        "/pipelines",
        "pipelines",
        "The pipelines that can be started, with what they declare.",
        {HTTPStatus.OK: Answer("All of them.", PipelineList)},
        ("factory",),
        problems=(DENIED, FAILED),
    ),
    Operation(
        "get_pipeline",
        "get",
        "/pipelines/{pipeline}",
        "pipelines",
        "One pipeline, with what it declares.",
        {HTTPStatus.OK: Answer("The pipeline.", PipelineView)},
        ("pipeline", "factory"),
        problems=(PIPELINE_NOT_FOUND, DENIED, FAILED),
    ),
    Operation(
        "rerun_run",
        "post",
        "/runs/{id}/rerun",
        "steering",
        "Rerun a run that has ended, with its parameters.",
        {
            HTTPStatus.ACCEPTED: Answer("The rerun is accepted.", RunView, _STEERED_HEADERS),
            HTTPStatus.OK: Answer("The same rerun was requested before.", RunView, _STEERED_HEADERS),
        },
        ("id", "factory", "by", "key", "traceparent"),
        RerunRequest,
        {"mode": "fromFailure", "note": "the source exists now"},
        (*_OF_A_RUN, *_OF_A_BODY, WRONG_STATE, AT_CAPACITY, KEY_REUSED, REFUSED, PIPELINE_NOT_FOUND, DENIED),
    ),
    Operation(
        "resolve_run",
        "post",
        "/runs/{id}/resolve",
        "steering",
        "Decide about a run whose outcome is unknown, or discard a rejected message.",
        {
            HTTPStatus.ACCEPTED: Answer(
                "The decision is made; the request continues.", RunView, _STEERED_HEADERS
            ),
            HTTPStatus.OK: Answer("Nothing is left to do.", RunView, _STEERED_HEADERS),
        },
        ("id", "factory", "by"),
        ResolveRequest,
        {"as": "adopt", "runId": "5f0c2d36-9f53-4be1-a4b1-4a1c1d6f9a41", "note": "seen in the studio"},
        (*_OF_A_RUN, *_OF_A_BODY, WRONG_STATE, DENIED, FAILED),
    ),
    Operation(
        "replay_run",
        "post",
        "/runs/{id}/replay",
        "steering",
        "Send a rejected message again, under its key.",
        {
            HTTPStatus.ACCEPTED: Answer(
                "It is in the requests queue, or its run is active.", RunView, _STEERED_HEADERS
            ),
            HTTPStatus.OK: Answer(
                "It was sent again before, and its run has ended.", RunView, _STEERED_HEADERS
            ),
        },
        ("id", "factory", "by"),
        ReplayRequest,
        {"parameters": {"password": "a value that is not stored"}, "note": "the pipeline exists now"},
        (*_OF_A_RUN, *_OF_A_BODY, WRONG_STATE),
    ),
    Operation(
        "cancel_run",
        "post",
        "/runs/{id}/cancel",
        "steering",
        "Cancel a run, or a request that is not started yet.",
        {
            HTTPStatus.ACCEPTED: Answer("The cancellation is requested.", RunView, _STEERED_HEADERS),
            HTTPStatus.OK: Answer("Nothing is left to cancel.", RunView, _STEERED_HEADERS),
        },
        ("id", "factory", "by"),
        CancelRequest,
        {"recursive": True, "note": "the source was wrong"},
        (*_OF_A_RUN, *_OF_A_BODY, WRONG_STATE, REFUSED, DENIED),
    ),
    Operation(
        "hold_factory",
        "post",
        "/factories/{alias}/hold",
        "steering",
        "Hold a factory, a pipeline or a key: its requests are accepted, but not started until release or expiry.",
        {HTTPStatus.OK: Answer("It is held; the holds of the factory.", HoldList)},
        ("alias",),
        HoldRequest,
        {"pipeline": "LoadOrders", "reason": "deploying release 41", "until": "2026-11-30T18:00:00Z"},
        (FACTORY_NOT_FOUND, *_OF_A_BODY),
    ),
    Operation(
        "release_factory",
        "post",
        "/factories/{alias}/release",
        "steering",
        "Release a hold: its requests are started, in order of arrival.",
        {HTTPStatus.OK: Answer("It is not held; the remaining holds of the factory.", HoldList)},
        ("alias",),
        ReleaseRequest,
        {"pipeline": "LoadOrders"},
        (FACTORY_NOT_FOUND, *_OF_A_BODY),
    ),
    Operation(
        "health",
        "get",
        "/health",
        "health",
        "Whether the service is healthy, and since when: public.",
        {
            HTTPStatus.OK: Answer("Healthy.", _HEALTH),
            HTTPStatus.SERVICE_UNAVAILABLE: Answer("Unhealthy, or just started.", _HEALTH),
        },
        keyed=False,
    ),
    Operation(
        "health_details",
        "get",
        "/health/details",
        "health",
        "All problems in words, and the other details of the health.",
        {
            HTTPStatus.OK: Answer("Healthy.", _HEALTH_DETAILS),
            HTTPStatus.SERVICE_UNAVAILABLE: Answer("Unhealthy, or just started.", _HEALTH_DETAILS),
        },
    ),
    Operation(
        "acknowledge_ledger",
        "post",
        "/health/acknowledge",
        "health",
        "Acknowledge that the ledger is new.",
        {
            HTTPStatus.OK: Answer(
                "The acknowledgement is recorded.", {"type": "object", "required": ["ledger"]}
            )
        },
    ),
    Operation(
        "openapi",
        "get",
        "/openapi.json",
        "description",
        "This description.",
        {HTTPStatus.OK: Answer("OpenAPI 3.1.", {"type": "object", "required": ["openapi"]})},
    ),
)
