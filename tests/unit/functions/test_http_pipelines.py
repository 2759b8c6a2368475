"""GET /pipelines: which pipelines can be started, and which parameters they take."""

import json
from typing import Any

import azure.functions as func
import pytest

from adf_trigger.errors import DataFactoryError, Forbidden, Throttled, Unavailable
from adf_trigger.messages.masking import MASK
from adf_trigger.service.reading.pipelines import MAX_BODY
from tests.support.memory_factory import MemoryFactory
from tests.support.resettled import restarted
from tests.support.world import FACTORY_ID, World
from tests.unit.functions.conftest import Caller

OTHER = FACTORY_ID + "-2"


def asked(caller: Caller, **params: str) -> func.HttpResponse:
    """GET /pipelines."""
    return caller.ask(
        "list_pipelines", func.HttpRequest("GET", "http://host/api/pipelines", params=params, body=b"")
    )


def one(caller: Caller, name: str, **params: str) -> func.HttpResponse:
    """GET /pipelines/{name}."""
    request = func.HttpRequest(
        "GET", f"http://host/api/pipelines/{name}", params=params, route_params={"pipeline": name}, body=b""
    )
    return caller.ask("get_pipeline", request)


def body_of(answer: func.HttpResponse) -> Any:
    """The JSON of a 200."""
    assert answer.status_code == 200, answer.get_body()
    return json.loads(answer.get_body())


def with_two(world: World) -> MemoryFactory:
    """Two factories, configured as a and b."""
    other = MemoryFactory(world.clock)
    other.declare("copy")
    world.services = restarted(world, {"a": (FACTORY_ID, world.factory), "b": (OTHER, other)})
    return other


def test_pipelines_are_listed_with_what_they_declare(caller: Caller, world: World) -> None:
    """Types are shown as written, with defaults and which are required; the default of a secure one is masked."""
    world.factory.declare(
        "Vault",
        day={"type": "String"},
        depth={"type": "int", "defaultValue": 0},
        tables={"type": "Array", "defaultValue": [1, {"a": None}]},
        nothing={"type": "String", "defaultValue": None},
        password={"type": "secureString", "defaultValue": "s3cret"},
        token={"type": "SecureString"},
    )
    answer = body_of(asked(caller))
    assert [each["name"] for each in answer["pipelines"]] == ["load", "Vault"]
    assert (answer["unread"], answer["truncated"]) == ([], False)
    vault = answer["pipelines"][1]
    assert (vault["factory"], list(vault["parameters"])) == (
        "default",
        ["day", "depth", "tables", "nothing", "password", "token"],
    )
    assert vault["parameters"] == {
        "day": {"type": "String", "default": None, "secure": False, "required": True},
        "depth": {"type": "int", "default": 0, "secure": False, "required": False},
        "tables": {"type": "Array", "default": [1, {"a": None}], "secure": False, "required": False},
        "nothing": {"type": "String", "default": None, "secure": False, "required": False},
        "password": {"type": "secureString", "default": MASK, "secure": True, "required": False},
        "token": {"type": "SecureString", "default": None, "secure": True, "required": True},
    }
    assert "s3cret" not in json.dumps(answer)
    assert body_of(one(caller, "vault")) == vault


def test_all_factories_are_listed_or_the_named_one(caller: Caller, world: World) -> None:
    """It is named by alias, or by resource id in any letter case."""
    with_two(world)
    answer = body_of(asked(caller))
    assert [(each["factory"], each["name"]) for each in answer["pipelines"]] == [("a", "load"), ("b", "copy")]
    for factory in ("b", OTHER, OTHER.upper()):
        assert [each["name"] for each in body_of(asked(caller, factory=factory))["pipelines"]] == ["copy"]
    assert asked(caller, factory="nobody").status_code == 400
    assert one(caller, "copy").status_code == 400
    assert body_of(one(caller, "copy", factory="b"))["factory"] == "b"


def test_a_factory_that_cannot_be_read_is_listed_with_its_error_beside_the_others(
    caller: Caller, world: World
) -> None:
    """This holds for any trouble; queried alone it is an error."""
    other = with_two(world)
    other.always["*"] = Forbidden("no role\non that scope", status=403)
    answer = body_of(asked(caller))
    assert [each["name"] for each in answer["pipelines"]] == ["load"]
    (unread,) = answer["unread"]
    assert unread["factory"] == "b"
    assert "no role" in unread["reason"]
    assert "\n" not in unread["reason"]
    assert asked(caller, factory="b").status_code in (502, 503)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Throttled("slow", status=429, retry_after=5), 503),
        (Unavailable("down", status=500), 503),
        (Forbidden("no role", status=403), 502),
    ],
)
def test_trouble_of_the_only_factory_is_the_answer(
    caller: Caller, world: World, error: DataFactoryError, status: int
) -> None:
    """Nothing else could be shown."""
    world.factory.always["*"] = error
    assert asked(caller).status_code == status
    assert one(caller, "load").status_code in (status, 503)


def test_an_unknown_pipeline_is_404(caller: Caller) -> None:
    """An impossible name is a fault, listed with the others."""
    answer = one(caller, "nobody")
    assert (answer.status_code, json.loads(answer.get_body())["type"].rpartition("/")[2]) == (
        404,
        "pipeline-not-found",
    )
    answer = one(caller, "a<b", factori="x")
    assert {each["pointer"] for each in json.loads(answer.get_body())["errors"]} == {"pipeline", "factori"}


def test_every_page_is_read(caller: Caller, world: World) -> None:
    """Each page costs one call; there are no more pipelines than Data Factory allows."""
    for number in range(120):
        world.factory.declare(f"p-{number:03}")
    world.factory.calls.clear()
    assert len(body_of(asked(caller))["pipelines"]) == 121
    assert world.factory.calls == ["list_pipelines"] * 3


def test_a_long_default_is_cut_in_the_middle(caller: Caller, world: World) -> None:
    """Its JSON text is cut."""
    world.factory.declare("load", list={"type": "Array", "defaultValue": ["x" * 5_000, "end"]})
    default = body_of(asked(caller))["pipelines"][0]["parameters"]["list"]["default"]
    assert len(default) <= 2_048
    assert default.startswith('["xxx')
    assert default.endswith('"end"]')


def test_a_long_list_is_cut_and_says_so(caller: Caller, world: World) -> None:
    """Of thousands of pipelines with long defaults the first are shown."""
    parameters = {f"p-{n}": {"type": "String", "defaultValue": "x" * 2_000} for n in range(40)}
    for number in range(80):
        world.factory.declare(f"p-{number:03}", **parameters)
    answer = asked(caller)
    assert len(answer.get_body()) < MAX_BODY + 100_000
    assert body_of(answer)["truncated"] is True
    assert 40 < len(body_of(answer)["pipelines"]) < 80


def test_a_malformed_definition_hides_no_other(caller: Caller, world: World) -> None:
    """A value that is not the expected object declares nothing."""
    world.factory.pipelines["odd"] = {
        "name": "odd",
        "properties": {"parameters": {"a": None, "b": {"type": 7}}},
    }
    world.factory.pipelines["odder"] = {"name": "odder", "properties": None}
    names = [each["name"] for each in body_of(asked(caller))["pipelines"]]
    assert names == ["load", "odd", "odder"]
