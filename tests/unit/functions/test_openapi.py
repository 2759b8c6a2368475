"""The description of the API: complete, valid, and consistent with the functions."""

import json
from collections.abc import Mapping
from typing import Any

import azure.functions as func
import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource

from adf_trigger.functions.app import app_of
from adf_trigger.functions.bindings import Bindings
from adf_trigger.functions.openapi import DIALECT, describe
from adf_trigger.functions.operations import OPERATIONS
from adf_trigger.functions.problems import PROBLEM_TYPES
from adf_trigger.messages.decoding import body_of as read_body
from tests.support.schema_files import FILES, FOLDER, MESSAGES, text_of
from tests.support.world import World, settings
from tests.unit.functions.conftest import Caller

DESCRIBED = describe()
REGISTRY: Registry[Any] = Registry().with_resource("urn:api", Resource.opaque(DESCRIBED))


def valid(document: Any, reference: str) -> None:
    """Validate a document against a part of the description."""
    Draft202012Validator(
        {"$ref": f"urn:api{reference}"}, registry=REGISTRY, format_checker=Draft202012Validator.FORMAT_CHECKER
    ).validate(document)


def json_of(answer: func.HttpResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(answer.get_body())


def registered(world: World) -> set[tuple[str, str, str, str]]:
    """Every HTTP function with its path, method and level, as registered with the platform."""
    found = set()
    for function in app_of(lambda: world.services, Bindings.of(world.settings)).get_functions():
        trigger = function.get_trigger()
        if trigger is not None and trigger.type == "httpTrigger":
            told = trigger.get_dict_repr()
            name, level = str(function.get_function_name()), told["authLevel"].name
            found |= {(name, f"/{told['route']}", method.name.lower(), level) for method in told["methods"]}
    return found


def test_every_route_is_described_and_every_description_is_a_route(world: World) -> None:
    """Name, path, method and the need of a key agree; the console is left out, which is a page and no call."""
    described = {
        (each.function, each.path, each.method, "FUNCTION" if each.keyed else "ANONYMOUS")
        for each in OPERATIONS
    }
    page = {("console", "/console/{*path}", method, "ANONYMOUS") for method in ("get", "head")}
    assert described | page == registered(world)
    assert not described & page


def test_the_description_is_openapi_3_1() -> None:
    """An independent validator accepts it; its schemas are JSON Schema 2020-12."""
    OpenAPIV31SpecValidator(DESCRIBED).validate()
    for schema in DESCRIBED["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_kind_of_problem_has_its_example() -> None:
    """The example is a problem of that kind, and stands at each call that answers with it."""
    examples = DESCRIBED["components"]["examples"]
    assert set(examples) == {kind.slug for kind in PROBLEM_TYPES}
    for kind in PROBLEM_TYPES:
        example = examples[kind.slug]["value"]
        valid(example, "#/components/schemas/Problem")
        assert (example["type"], example["status"], example["title"]) == (kind.uri, kind.status, kind.title)
    used = json.dumps(DESCRIBED["paths"])
    assert [slug for slug in examples if f"#/components/examples/{slug}" not in used] == []


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.body], ids=lambda each: each.function
)
def test_every_bodys_example_is_accepted(operation: Any) -> None:
    """Its schema and the reading code accept it."""
    valid(operation.example, f"#/components/schemas/{operation.body.__name__}")
    assert read_body(operation.body, json.dumps(operation.example).encode())


def test_answers_are_as_described(caller: Caller, world: World) -> None:
    """A run, a result, a list, problems, a preview and the health fit their schemas."""
    taken = caller.post({"metadata": {"a": "b"}}, Idempotency_Key="k")
    run_id = next(iter(world.factory.runs))
    for run in (taken, caller.get("k"), caller.call("get_run_result", "GET", "runs/k/result")):
        valid(json_of(run), "#/components/schemas/RunView")
    world.factory.finish(run_id, "Failed")
    world.tick(after=20)
    valid(json_of(caller.get("k")), "#/components/schemas/RunView")
    valid(json_of(caller.call("list_runs", "GET", "runs")), "#/components/schemas/RunList")
    for wrong in (
        caller.post({"day": 1}),
        caller.get("none"),
        caller.post({"startActivityName": "x"}, Idempotency_Key="k"),
    ):
        valid(json_of(wrong), "#/components/schemas/Problem")
    health = DESCRIBED["paths"]["/health"]["get"]["responses"]["503"]["content"]["application/json"]["schema"]
    Draft202012Validator(health).validate(json_of(caller.health()))


def test_a_body_that_is_needed_is_required() -> None:
    """A start, a cancellation or a rerun may be empty; a decision, a batch and a hold cannot."""
    bodies = {each.function: each for each in OPERATIONS if each.body is not None}
    for function, each in bodies.items():
        told = DESCRIBED["paths"][each.path][each.method]["requestBody"]["required"]
        assert told == (function in {"start_runs", "resolve_run", "hold_factory"}), function


def test_headers_are_described_where_they_are_sent(caller: Caller, world: World) -> None:
    """A failed result has key and wait, as a result does; calls that steer a run honour no wait."""
    caller.post({}, Idempotency_Key="k")
    world.factory.finish(world.services.query.find("k").run_id, "Failed")
    caller.tick()
    result = DESCRIBED["paths"]["/runs/{id}/result"]["get"]["responses"]
    answer = caller.call("get_run_result", "GET", "runs/k/result?onFailure=error", Prefer="wait=1")
    assert answer.status_code == 424
    assert set(answer.headers.keys()) >= set(result["424"]["headers"])
    for path in ("rerun", "cancel", "resolve", "replay"):
        for told in DESCRIBED["paths"][f"/runs/{{id}}/{path}"]["post"]["responses"].values():
            assert "Preference-Applied" not in told.get("headers", {})


def test_it_is_served_and_names_no_host_of_a_caller(caller: Caller) -> None:
    """Servers are relative, or given by the settings."""
    served = json_of(caller.call("openapi", "GET", "openapi.json", Host="evil.example"))
    assert served == DESCRIBED
    assert served["servers"] == [{"url": "/api"}]
    public = World(settings=settings(ADF_TRIGGER_PUBLIC_BASE_URL="https://api.example.com/adf"))
    told = json_of(Caller(public).call("openapi", "GET", "openapi.json"))
    assert told["servers"] == [{"url": "https://api.example.com/adf"}]


@pytest.mark.parametrize("file", FILES)
def test_the_schema_files_are_those_of_the_code(file: str) -> None:
    """`python -m tests.support.schema_files` writes them."""
    written = (FOLDER / file).read_text("utf-8")
    assert written == text_of(file)
    schema = json.loads(written)
    assert schema["$schema"] == DIALECT
    assert validator_for(schema) is Draft202012Validator
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("file", MESSAGES)
def test_the_files_describe_messages_as_the_description_does(file: str) -> None:
    """Only the references of nested models differ."""
    schema = json.loads((FOLDER / file).read_text("utf-8"))
    model = MESSAGES[file][0].__name__
    assert _flat(schema) == _flat(DESCRIBED["components"]["schemas"][model])


def _flat(schema: Mapping[str, Any]) -> str:
    own = {name: value for name, value in schema.items() if name not in {"$schema", "$defs"}}
    return json.dumps(own, sort_keys=True).replace("#/$defs/", "#/components/schemas/")


def test_documents_of_the_service_fit_the_files(caller: Caller, world: World) -> None:
    """An event, a rejected message and an accepted message are checked."""
    caller.message({"pipeline": "load", "requestId": "m", "metadata": {"a": "b"}})
    caller.message({"pipeline": "nowhere"}, message_id="m-2")
    world.factory.finish(next(iter(world.factory.runs)))
    world.tick(after=20)

    def check(file: str, document: Any) -> None:
        schema = json.loads((FOLDER / file).read_text("utf-8"))
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)

    check("run-request-message.schema.json", {"pipeline": "load", "requestId": "m", "metadata": {"a": "b"}})
    assert len(world.outbox.events) == 2
    for event in world.outbox.events:
        check("completion-event.schema.json", json.loads(event.model_dump_json()))
    (rejected,) = world.outbox.rejected
    check("rejected-message.schema.json", json.loads(rejected.model_dump_json()))
