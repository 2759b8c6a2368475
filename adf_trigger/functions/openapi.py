"""Describes the HTTP API: OpenAPI 3.1, built from the models and from the table of calls."""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import azure.functions as func
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from adf_trigger import __version__
from adf_trigger.contracts import Problem, QueuedRunRequest
from adf_trigger.functions.answers import Parameters, answered
from adf_trigger.functions.composition import UseCases
from adf_trigger.functions.operation import Answer, Operation
from adf_trigger.functions.operations import (
    OF_EVERY_CALL,
    OF_EVERY_POST,
    OPERATIONS,
    PROBLEM_HEADERS,
)
from adf_trigger.functions.parameters import PARAMETERS, Parameter
from adf_trigger.functions.problem_examples import EXAMPLES
from adf_trigger.functions.problems import PROBLEM_TYPES, ProblemType
from adf_trigger.functions.schemas import describe_model
from adf_trigger.functions.services import Services
from adf_trigger.news import CompletionEvent, RejectedMessage

DIALECT = "https://json-schema.org/draft/2020-12/schema"
RELATIVE = "/api"
_SCHEMAS = "#/components/schemas/{model}"
_HEADERS: Mapping[str, str] = {
    "Location": "Where the run, or its result, is found.",
    "Idempotency-Key": "The request's key, quoted; only if it is ASCII.",
    "Retry-After": "Seconds after which to ask again.",
    "Preference-Applied": "The wait that was honoured.",
    "WebHook-Allowed-Origin": "The origin that may send events: the one that asked.",
    "WebHook-Allowed-Rate": "Requests that may be sent a minute: as many as were asked for; `*` if no number was.",
    "Allow": "The method for sending events.",
}
_OUTSIDE: Mapping[str, str] = {
    "401": "No key that is valid for this call; the platform answers, without a body.",
    "429": "The instance accepts no more calls; the platform answers, without a body.",
}
QUEUED: tuple[type[BaseModel], ...] = (QueuedRunRequest,)
WRITTEN: tuple[type[BaseModel], ...] = (CompletionEvent, RejectedMessage)
"""Models of queue messages, which are described here, too, although no call uses them."""


def openapi_functions(use_cases: UseCases) -> func.Blueprint:
    """The function that serves the description."""
    blueprint = func.Blueprint()

    @blueprint.function_name("openapi")
    @blueprint.route("openapi.json", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    async def openapi(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        """Serve the description of the API."""

        def work(services: Services, _parameters: Parameters) -> func.HttpResponse:
            root = services.settings.public_base_url or RELATIVE
            return func.HttpResponse(_described(root), mimetype="application/json")

        return await answered(use_cases, req, context, (), work)

    return blueprint


@lru_cache(maxsize=1)
def _described(root: str) -> str:
    return json.dumps(describe(root))


def describe(root: str = RELATIVE) -> dict[str, Any]:
    """Build the description.

    Args:
        root: the API's base: a relative reference, or a URL; never taken from a request's headers.
    """
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": DIALECT,
        "info": {
            "title": "adf-trigger",
            "version": __version__,
            "summary": "Start Azure Data Factory pipelines, once, and get notified of how they end.",
        },
        "servers": [{"url": root}],
        "security": [{"functionKey": []}, {"functionKeyInQuery": []}],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "parameters": {key: _parameter(each) for key, each in PARAMETERS.items()},
            "headers": {
                name: {"description": said, "schema": {"type": "string"}} for name, said in _HEADERS.items()
            },
            "examples": {
                kind.slug: {"summary": kind.title, "value": EXAMPLES[kind.slug]} for kind in PROBLEM_TYPES
            },
            "securitySchemes": {
                "functionKey": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
                "functionKeyInQuery": {"type": "apiKey", "in": "query", "name": "code"},
            },
        },
    }


def schemas() -> dict[str, Any]:
    """The schemas of all models, by name."""
    read = {each.body for each in OPERATIONS if each.body is not None}
    shown = {model for each in OPERATIONS for answer in each.answers.values() for model in _models(answer)}
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((model, "validation") for model in _sorted([*read, *QUEUED])),
        *((model, "serialization") for model in _sorted([*shown, Problem, *WRITTEN])),
    ]
    _, found = models_json_schema(modes, ref_template=_SCHEMAS)
    definitions: dict[str, Any] = found["$defs"]
    taken = {model.__name__ for model in (*read, *QUEUED)}
    for name, schema in definitions.items():
        describe_model(schema, modes, name)
        if name not in taken:
            schema.pop("additionalProperties", None)  # a later version may add members
    return definitions


def document_of(model: type[BaseModel], *, taken: bool) -> dict[str, Any]:
    """The JSON Schema of a model as a document of its own.

    Args:
        model: of the document.
        taken: whether this service reads it, rather than writes it.
    """
    mode: JsonSchemaMode = "validation" if taken else "serialization"
    schema = model.model_json_schema(mode=mode)
    modes = [(model, mode)]
    for name, each in ((model.__name__, schema), *schema.get("$defs", {}).items()):
        describe_model(each, modes, name)
        if not taken:
            each.pop("additionalProperties", None)
    return {"$schema": DIALECT, **schema}


def _sorted(models: Collection[type[BaseModel]]) -> Sequence[type[BaseModel]]:
    return sorted(set(models), key=lambda model: model.__name__)


def _models(answer: Answer) -> Sequence[type[BaseModel]]:
    if isinstance(answer.content, type):
        return [answer.content]
    choices = (answer.content or {}).get("anyOf", [])
    return [each for each in choices if isinstance(each, type)]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.where == "path",
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [{"$ref": f"#/components/parameters/{key}"} for key in operation.parameters],
        "responses": _responses(operation),
    }
    if operation.body is not None:
        content = {"schema": _reference(operation.body), "example": dict(operation.example)}
        needed = any(field.is_required() for field in operation.body.model_fields.values())
        described["requestBody"] = {"required": needed, "content": {"application/json": content}}
    if operation.bodies:
        content = {kind: {"schema": dict(schema)} for kind, schema in operation.bodies.items()}
        described["requestBody"] = {"required": True, "content": content}
    if not operation.keyed:
        described["security"] = [{}]
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, answer in operation.answers.items():
        responses[str(int(status))] = _answer(answer)
    if operation.keyed:
        of_all = OF_EVERY_CALL if operation.method == "get" else (*OF_EVERY_CALL, *OF_EVERY_POST)
        problems = dict.fromkeys((*of_all, *operation.problems))
        for status in sorted({kind.status for kind in problems}):
            _add(responses, str(int(status)), [kind for kind in problems if kind.status == status])
        responses |= {status: {"description": said} for status, said in _OUTSIDE.items()}
    return dict(sorted(responses.items()))


def _answer(answer: Answer) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.description}
    if answer.headers:
        described["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in answer.headers}
    if answer.content is not None:
        described["content"] = {"application/json": {"schema": _reference(answer.content)}}
    return described


def _add(responses: dict[str, Any], status: str, kinds: Sequence[ProblemType]) -> None:
    """A status may be a problem's, and an answer's of another media type, too."""
    response = responses.setdefault(status, {"description": "; ".join(kind.title for kind in kinds)})
    headers = [name for kind in kinds for name in PROBLEM_HEADERS.get(kind, ())]
    if headers:
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    response.setdefault("content", {})["application/problem+json"] = {
        "schema": _reference(Problem),
        "examples": {kind.slug: {"$ref": f"#/components/examples/{kind.slug}"} for kind in kinds},
    }


def _reference(content: type[BaseModel] | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(content, type):
        return {"$ref": _SCHEMAS.format(model=content.__name__)}
    return {
        name: [_reference(each) for each in value] if name == "anyOf" else value
        for name, value in content.items()
    }
