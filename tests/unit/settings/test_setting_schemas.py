"""The schemas of settings in files: an editor reports what the service would."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from adf_trigger.settings import Settings
from adf_trigger.settings.policy import PoliciesByName
from adf_trigger.settings.routes import RoutesByName
from adf_trigger.settings.triggers import Triggers
from tests.support.documents import ROOT
from tests.support.schema_borders import any_displaced, displaced, for_python
from tests.support.schema_files import FOLDER
from tests.support.setting_schemas import SCHEMAS
from tests.support.world import FACTORY_ID

INFRA = ROOT / "infra"
PUBLISHED: dict[str, Any] = {file: for_python(make()) for file, make in SCHEMAS.items()}
VALIDATORS = {file: Draft202012Validator(schema) for file, schema in PUBLISHED.items()}
READERS: dict[str, TypeAdapter[Any]] = {
    "policy.schema.json": TypeAdapter(PoliciesByName),
    "routes.schema.json": TypeAdapter(RoutesByName),
    "triggers.schema.json": TypeAdapter(Triggers),
}
FILES = {f"{name}.json": f"{name}.schema.json" for name in ("policy", "routes", "triggers")}

MEMBER = st.SearchStrategy[Any]
USUALLY = 40


def mostly(usual: Any, *others: Any) -> MEMBER:
    """A value that is mostly a usual one; `...` stands for a missing one."""
    return st.sampled_from([usual] * USUALLY + list(others))


def objects(**members: MEMBER) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of such members, few of which are invalid."""
    return st.fixed_dictionaries(members).map(
        lambda found: {name: each for name, each in found.items() if each is not ...}
    )


POLICY = objects(
    unknownOutcome=st.sampled_from([..., "reconcile", "resubmit", "park"]) | mostly(..., "guess"),
    details=mostly("all", "failed", "full", "most", None),
    overdueAfterSeconds=mostly(..., None, 0, 1, 45 * 86_400, 45 * 86_400 + 1),
    cancelWhenOverdue=mostly(..., True, None),
    observe=mostly(..., "none", "topLevel", "top"),
    correlationParameter=mostly(..., None, "", "requestId", "x" * 261),
    retries=mostly(..., 1),
    admission=mostly(..., None)
    | objects(
        atOnce=mostly(1, 0, 50, 51, "x", ...),
        key=mostly(
            ..., None, "", "correlationId", "parameters.day", "parameters.", "metadata.team", "day", 1
        ),
        overflow=mostly("hold", ..., "refuse", "join", "queue", None),
        countOthers=st.sampled_from([True, False, ...]) | mostly(..., None),
        atonce=mostly(..., 1),
    ),
)
HOOK = objects(
    url=mostly("HOOK_URL", "https://example.com", ""),
    secret=mostly("HOOK_SECRET", 1, ...),
    key=mostly(..., "x"),
)
ROUTE = objects(
    queue=mostly("a-b-c", "ab", "a--b", "Abc", "-abc", "x" * 64) | mostly(..., None),
    webhook=mostly(..., None) | HOOK,
    pipelines=mostly(..., [], ["Load"], "Load", [1]),
    statuses=mostly(["Failed", "Overdue"], [], ["InProgress"], None),
    callers=mostly(..., ["app:1"], None),
    topic=mostly(..., "x"),
)
NAMES_OF_ROUTES = st.sampled_from(["a", "on-call", "x" * 40]) | mostly("b", "no name", "x" * 41)
OF_BLOBS = objects(
    scope=mostly("/subscriptions/x", "", None, ...),
    events=mostly(
        ["Microsoft.Storage.BlobCreated"], ["microsoft.storage.blobdeleted"], ["Other"], [], "x", [1], ...
    ),
    blobPathBeginsWith=mostly("/c/blobs/in/", None, "", "/c/blobs", "/c/", "c/blobs", "/c/in/", ...)
    | mostly(..., None),
    blobPathEndsWith=mostly(".csv", None, "", 1) | mostly(...),
    ignoreEmptyBlobs=mostly(True, None, "yes"),
    subjectBeginsWith=mostly(..., "x"),
)
CUSTOM = objects(
    scope=mostly("/subscriptions/x", "", 1, ...),
    events=mostly(["Made"], [], [""], None, ...),
    subjectBeginsWith=mostly("x", None, "", 1),
    subjectEndsWith=mostly(..., "x", 1),
    blobPathEndsWith=mostly(..., "x"),
)
START = objects(
    pipelineReference=mostly(
        {"referenceName": "Load"},
        {"referenceName": "a/b"},
        {"referenceName": "x" * 261},
        {"referenceName": 1},
        {},
        "x",
        ...,
    ),
    parameters=mostly(..., None, {}, {"file": "@trigger().name"}, "x"),
)


def trigger(kind: str, given: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Definitions of triggers of a kind."""
    return objects(
        name=mostly("t", "", None, "x" * 261, ...),
        factory=mostly(..., None, "", "adf", 1),
        calls=mostly(..., None, [], ["PutBlob"], "x", [1]),
        kind=mostly(..., "x"),
        properties=objects(
            type=mostly(kind, "ScheduleTrigger", ...),
            typeProperties=given | mostly(..., None),
            pipelines=st.lists(START, max_size=2) | mostly(..., None),
            annotations=mostly(..., []),
            runtimeState=mostly("Started", ...),
            recurrence=mostly(..., {}),
        ),
    )


def is_accepted(file: str, document: object) -> bool:
    """Whether the service accepts a document, as the text of a setting."""
    try:
        READERS[file].validate_python(json.dumps(document), by_alias=True, by_name=False)
    except ValidationError:
        return False
    return True


def said(file: str, document: object) -> list[str]:
    """The errors of an editor about a document."""
    return [error.message for error in VALIDATORS[file].iter_errors(document)]


def judged_alike(file: str, document: object) -> None:
    """Check that the service and an editor both accept a document, or neither."""
    assert is_accepted(file, document) == (said(file, document) == []), document


POLICIES = st.dictionaries(st.sampled_from(["*", "Load", "load orders"]), POLICY, max_size=2)
ROUTES = st.dictionaries(NAMES_OF_ROUTES, ROUTE, max_size=2)
TRIGGERS = (
    trigger("BlobEventsTrigger", OF_BLOBS)
    | trigger("CustomEventsTrigger", CUSTOM)
    | trigger("ScheduleTrigger", CUSTOM)
)


@given(any_displaced(POLICIES, PUBLISHED["policy.schema.json"]))
def test_an_editor_accepts_the_policies_that_the_service_accepts(document: Any) -> None:
    """It accepts no others: faults of single policies show while they are written."""
    judged_alike("policy.schema.json", document)


@given(any_displaced(ROUTES, PUBLISHED["routes.schema.json"]))
def test_an_editor_accepts_the_routes_that_the_service_accepts(document: Any) -> None:
    """It accepts no others; the service checks the settings that they name."""
    judged_alike("routes.schema.json", document)


@given(any_displaced(TRIGGERS, PUBLISHED["triggers.schema.json"]))
def test_an_editor_accepts_the_triggers_that_the_service_accepts(document: Any) -> None:
    """It accepts no others; the service checks references in parameters."""
    judged_alike("triggers.schema.json", document)
    judged_alike("triggers.schema.json", [document])


WHOLE: list[tuple[str, Any]] = [
    (
        "policy.schema.json",
        {
            "$schema": "x",
            "Load": {
                "unknownOutcome": "park",
                "details": "failed",
                "overdueAfterSeconds": 60,
                "cancelWhenOverdue": True,
                "observe": "none",
                "correlationParameter": "requestId",
                "admission": {"atOnce": 1, "key": "parameters.day", "overflow": "hold", "countOthers": True},
            },
        },
    ),
    (
        "policy.schema.json",
        {"*": {"admission": {"atOnce": 50, "key": "correlationId", "overflow": "refuse"}}},
    ),
    (
        "routes.schema.json",
        {
            "$schema": "x",
            "a": {"queue": "a-b-c", "pipelines": ["Load"], "statuses": ["Failed"], "callers": ["app:1"]},
            "b": {"webhook": {"url": "HOOK_URL", "secret": "HOOK_SECRET"}},
        },
    ),
    (
        "triggers.schema.json",
        {
            "name": "t",
            "factory": "adf",
            "calls": ["PutBlob"],
            "properties": {
                "type": "BlobEventsTrigger",
                "typeProperties": {
                    "scope": "/subscriptions/x",
                    "events": ["Microsoft.Storage.BlobCreated"],
                    "blobPathBeginsWith": "/c/blobs/in/",
                    "blobPathEndsWith": ".csv",
                    "ignoreEmptyBlobs": True,
                },
                "pipelines": [{"pipelineReference": {"referenceName": "Load"}, "parameters": {"day": "x"}}],
                "annotations": [],
                "runtimeState": "Started",
            },
        },
    ),
    (
        "triggers.schema.json",
        [
            {
                "name": "t",
                "properties": {
                    "type": "CustomEventsTrigger",
                    "typeProperties": {
                        "scope": "/subscriptions/x",
                        "events": ["Made"],
                        "subjectBeginsWith": "x",
                        "subjectEndsWith": "y",
                    },
                    "pipelines": [{"pipelineReference": {"referenceName": "Load"}}],
                },
            }
        ],
    ),
]


@pytest.mark.parametrize(("file", "document"), WHOLE)
def test_both_accept_the_same_at_each_place(file: str, document: Any) -> None:
    """Every type, and values on both sides of a limit, at every place of a valid document."""
    assert is_accepted(file, document)
    assert said(file, document) == []
    apart = [
        each
        for each in displaced(document, PUBLISHED[file])
        if is_accepted(file, each) != VALIDATORS[file].is_valid(each)
    ]
    assert apart == []


def test_there_may_be_as_many_routes_and_triggers_as_the_service_reads() -> None:
    """The file's own `$schema` is no route."""
    routes: dict[str, Any] = {f"r{number}": {"queue": "events"} for number in range(20)}
    assert said("routes.schema.json", {"$schema": "x", **routes}) == []
    for document in (routes, {**routes, "more": {"queue": "events"}}):
        judged_alike("routes.schema.json", document)
        judged_alike("routes.schema.json", {"$schema": "x", **document})
    assert said("routes.schema.json", {**routes, "more": {"queue": "events"}}) != []


@pytest.mark.parametrize(("file", "schema"), FILES.items())
def test_the_files_of_the_deployment_fit_their_schemas(file: str, schema: str) -> None:
    """The published files are checked."""
    published = Draft202012Validator(json.loads((FOLDER / schema).read_text("utf-8")))
    published.check_schema(published.schema)
    published.validate(json.loads((INFRA / file).read_text("utf-8")))


def test_visual_studio_code_checks_those_files() -> None:
    """The settings of the workspace name the schemas relative to its folder."""
    associated = json.loads((ROOT / ".vscode" / "settings.json").read_text("utf-8"))["json.schemas"]
    found = {each["fileMatch"][0]: (ROOT / each["url"]).resolve() for each in associated}
    assert found == {f"/infra/{file}": FOLDER / schema for file, schema in FILES.items()}


def test_a_file_may_name_its_schema() -> None:
    """Editors read it there, and the service ignores it; it is no name of a pipeline or a route."""
    schema = {"$schema": "../docs/schemas/policy.schema.json"}
    found = Settings.from_env(
        {
            "ADF_TRIGGER_FACTORIES": FACTORY_ID,
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "ADF_TRIGGER_POLICY": json.dumps({**schema, "Load": {"details": "failed"}}),
            "ADF_TRIGGER_ROUTES": json.dumps({**schema, "a": {"queue": "events-a"}}),
        }
    )
    assert (list(found.policy), list(found.routes)) == (["Load"], ["a"])
    assert said("policy.schema.json", {**schema, "Load": {"details": "failed"}}) == []
    assert not is_accepted("policy.schema.json", {"$schema": {"details": "most"}})
