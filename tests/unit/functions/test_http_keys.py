"""Keys of callers: accepted by header, returned in Location and links, and found again."""

import json
from urllib.parse import unquote

import azure.functions as func
import pytest

from adf_trigger.request_ids import in_path
from tests.support.world import World, settings
from tests.unit.functions.conftest import Caller

PEOPLES = [
    "manual__2026-11-25T06:00:00+00:00",
    "in/2026/11/orders (1).csv",
    "..",
    "100%",
    "a~2Eb",
    'say "hi" \\ bye',
    "Überweisung 中文 🚀",
    "🚀" * 255,
]


def get(caller: Caller, link: str) -> func.HttpResponse:
    """GET of a link, its last segment passed as the host does."""
    path, _, query = link.partition("?")
    route = {"id": unquote(path.split("/runs/")[1])}
    params = dict(pair.split("=") for pair in query.split("&") if pair)
    return caller.ask(
        "get_run", func.HttpRequest("GET", f"http://h{link}", params=params, route_params=route, body=b"")
    )


@pytest.mark.parametrize("key", PEOPLES)
def test_any_key_is_accepted_and_found_by_its_link(caller: Caller, world: World, key: str) -> None:
    """It gets 202, a replay under the same key, and a link that any host decodes to the same run."""
    quoted = '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    first = caller.post({}, Idempotency_Key=quoted)
    run = json.loads(first.get_body())
    assert (first.status_code, run["requestId"]) == (202, key)
    assert run["links"]["self"] == f"/api/runs/{in_path(key)}"
    assert json.loads(get(caller, run["links"]["self"]).get_body())["runId"] == run["runId"]
    assert json.loads(caller.get(in_path(key)).get_body())["runId"] == run["runId"]
    assert caller.post({}, Idempotency_Key=key).status_code == 200
    assert len(world.factory.runs) == 1
    echoed = first.headers.get("Idempotency-Key")
    assert echoed == (quoted if key.isascii() else None)


@pytest.mark.parametrize("key", PEOPLES)
def test_every_header_of_an_answer_is_printable_ascii(caller: Caller, key: str) -> None:
    """The platform answers 500 for any other one, after the claim."""
    caller.post({}, Idempotency_Key=key)
    for answer in (caller.post({}, Idempotency_Key=key), caller.get(in_path(key))):
        assert [
            value for value in answer.headers.values() if not (value.isascii() and value.isprintable())
        ] == []


@pytest.mark.parametrize("header", ['"half', '"a"b"', '"a\\b"', "a\x00b", "x" * 256, '""', ""])
def test_an_invalid_key_starts_nothing(caller: Caller, world: World, header: str) -> None:
    """It is 400 and describes a valid key."""
    answer = caller.post({}, Idempotency_Key=header)
    assert answer.status_code == 400
    assert [error["pointer"] for error in json.loads(answer.get_body())["errors"]] == ["Idempotency-Key"]
    assert world.factory.runs == {}


def test_links_begin_with_the_public_url_and_never_with_a_callers_header() -> None:
    """Any caller can set Host, DISGUISED-HOST and X-Forwarded-Host."""
    world = World(settings=settings(ADF_TRIGGER_PUBLIC_BASE_URL="https://api.example.com/pipelines/"))
    world.factory.declare("load")
    caller = Caller(world)
    answer = caller.post({}, Host="evil.example", DISGUISED_HOST="evil.example", Idempotency_Key="a/b")
    assert json.loads(answer.get_body())["links"]["self"] == "https://api.example.com/pipelines/runs/a~2Fb"
    assert answer.headers["Location"].startswith("https://api.example.com/pipelines/runs/a~2Fb")
    assert b"evil" not in answer.get_body()
