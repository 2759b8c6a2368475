"""Every link of every answer leads to its own record, whatever callers use as keys."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func
import pytest

from adf_trigger.contracts import as_dict
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.request_ids import from_path
from adf_trigger.service.reading.query import by_of
from tests.support.world import World
from tests.unit.functions.conftest import Caller

GUID = "6e2f6bb9-6ee5-4f0b-a6d6-3c0b5a3cdb5a"


def body_of(response: func.HttpResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(response.get_body())


def linked(document: Any, of: str = "") -> Iterator[tuple[str, str]]:
    """Each link of a document, with the id of the record that it stands with."""
    if isinstance(document, dict):
        of = document.get("messageId") or document.get("requestId") or of
        for name, value in document.items():
            if name != "instance":  # the requested path, and no link
                yield from linked(value, of)
    elif isinstance(document, list):
        for value in document:
            yield from linked(value, of)
    elif isinstance(document, str) and document.startswith("/api/runs/"):
        yield document, of


def meant(world: World, link: str) -> str:
    """The id of a link's target; raises where it is ambiguous, or missing."""
    url = urlsplit(link)
    query = dict(parse_qsl(url.query))
    run = from_path(url.path.split("/")[3])
    found = world.services.query.find_or_kept(run, factory=query.get("factory"), by=by_of(query.get("by")))
    return found.message_id if isinstance(found, KeptMessage) else found.request_id


def answers(caller: Caller, world: World) -> Iterator[Any]:
    """Answers, events, lists and headers about runs whose keys, runIds and message ids are one another's."""
    first = caller.post({}, Idempotency_Key="first")
    yield body_of(first)
    run_id = body_of(first)["runId"]
    for answer in (caller.post({}, Idempotency_Key=run_id), caller.post({}, Idempotency_Key=run_id)):
        yield body_of(answer)
        yield {"requestId": run_id, "location": answer.headers["Location"]}
    second = body_of(caller.post({}, Idempotency_Key=GUID))
    yield second
    caller.message({"pipeline": "load", "extra": 1}, message_id=GUID)
    caller.message({"pipeline": "load", "requestId": GUID, "extra": 1}, message_id=run_id)
    many = [{"pipeline": "load", "requestId": second["runId"]}]
    yield body_of(caller.call("start_runs", "POST", "runs", body=json.dumps({"runs": many}).encode()))
    for run in (run_id, GUID, second["runId"]):
        yield body_of(caller.get(run))
        for verb in ("cancel", "rerun"):
            answer = caller.steer(verb, run, params={"by": "requestId"})
            yield body_of(answer)
            if "Location" in answer.headers:
                yield {"requestId": body_of(answer)["requestId"], "location": answer.headers["Location"]}
        yield body_of(caller.get(run, by="requestId"))
    caller.tick()
    failed = body_of(caller.post({}, Idempotency_Key=GUID.replace("6e", "7f")))
    world.factory.finish(world.services.query.find(failed["requestId"]).run_id, "Failed")
    caller.tick()
    request = func.HttpRequest(
        "GET",
        f"http://h/api/runs/{failed['requestId']}/result?onFailure=error",
        params={"onFailure": "error"},
        route_params={"id": failed["requestId"]},
        body=b"",
    )
    answer = caller.ask("get_run_result", request)
    assert answer.status_code == 424
    yield body_of(answer)
    yield body_of(caller.call("list_runs", "GET", "runs"))
    for event in world.outbox.events:
        yield as_dict(event)["data"]


def test_no_link_leads_to_another_record_or_is_ambiguous(caller: Caller, world: World) -> None:
    """Keys are runIds of others, message ids are keys: each link leads to the record that it stands with."""
    pairs = [pair for answer in answers(caller, world) for pair in linked(answer)]
    assert len(pairs) > 50
    assert {(link, of) for link, of in pairs if meant(world, link) != of} == set()


@pytest.mark.parametrize("key", ["orders 4711", "x"])
def test_an_unambiguous_key_needs_no_by(caller: Caller, key: str) -> None:
    """Its links are as short as usual."""
    assert all("?" not in link for link, _ in linked(body_of(caller.post({}, Idempotency_Key=key))))


def test_by_message_id_finds_a_message_alone(caller: Caller) -> None:
    """A run whose key is its id is not found, nor another message whose request has that key."""
    caller.post({}, Idempotency_Key="m-1")
    caller.message({"pipeline": "load", "extra": 1}, message_id="m-1")
    caller.message({"pipeline": "load", "requestId": "m-1", "extra": 1}, message_id="m-2")
    assert body_of(caller.get("m-1"))["status"] != "Rejected"
    assert body_of(caller.get("m-1", by="messageId"))["messageId"] == "m-1"
    assert caller.get("m-3", by="messageId").status_code == 404
    assert caller.steer("resolve", "m-1", {"as": "dismiss"}, params={"by": "messageId"}).status_code == 200
    assert body_of(caller.get("m-1", by="messageId"))["reason"].startswith("it was dismissed")
    assert body_of(caller.get("m-2", by="messageId"))["messageId"] == "m-2"
