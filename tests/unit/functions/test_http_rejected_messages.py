"""By HTTP: a rejected message is shown by its ids, as its event published it."""

import json
from typing import Any

import azure.functions as func
import pytest

from adf_trigger.news import CompletionEvent
from tests.support.world import FACTORY_ID, World
from tests.unit.functions.conftest import Caller


def shown(response: func.HttpResponse) -> Any:
    """The view of an answer."""
    assert response.status_code == 200, response.get_body()
    return json.loads(response.get_body())


def the_event(world: World) -> CompletionEvent:
    """The single event."""
    (event,) = world.outbox.events
    return event


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        b'{"pipeline": "load", "correlationId": "c", "metadata": {"a": "b"}, "surprise": 1}',
        b'{"pipeline": "load", "requestId": "k", "parameters": {"unknown": "secret"}}',
        b'{"pipeline": "load", "factory": "nobody"}',
    ],
    ids=["no JSON", "a fault", "its own key", "no factory"],
)
def test_the_link_of_a_rejection_leads_to_the_content_of_its_event(
    caller: Caller, world: World, body: bytes
) -> None:
    """Every field is equal, without the values of parameters."""
    caller.message(body)
    published = json.loads(the_event(world).data.model_dump_json())
    found = shown(caller.follow(published["links"]["self"]))
    assert found == {name: value for name, value in published.items() if name in found}
    assert (found["status"], found["links"]["self"]) == ("Rejected", "/api/runs/m-1?by=messageId")
    assert shown(caller.get(published["requestId"])) == found
    assert "secret" not in json.dumps(found)


def test_an_id_of_a_run_and_a_message_leads_to_the_run(caller: Caller, world: World) -> None:
    """The message has an id of its own, to which its event links."""
    caller.post({}, Idempotency_Key="k")
    caller.message({"pipeline": "load", "requestId": "k", "surprise": 1})
    assert shown(caller.get("k"))["status"] == "Queued"
    assert the_event(world).data.links.self == "/api/runs/m-1?by=messageId"
    assert shown(caller.get("m-1"))["status"] == "Rejected"


def test_only_a_rejected_message_is_found(caller: Caller, world: World) -> None:
    """A waiting or replayed message is 404, and so is one of another factory; none has a runId."""
    caller.message({"surprise": 1})
    assert caller.get("m-1", factory="default").status_code == 200
    assert caller.get("m-1", factory=FACTORY_ID).status_code == 200
    assert caller.get("m-1", by="requestId").status_code == 200
    assert caller.get("m-1", by="runId").status_code == 404
    assert caller.get("m-2").status_code == 404
    assert caller.get("m-1/../x").status_code == 404
    (kept,) = world.kept()
    world.rejected.remove(kept.key)
    assert caller.get("m-1").status_code == 404


def test_a_rejected_message_cannot_be_rerun(caller: Caller) -> None:
    """Its id is known: the answer gives the possible action."""
    caller.message({"pipeline": "load", "requestId": "k", "surprise": 1})
    for named in ("m-1", "k"):
        answer = caller.steer("rerun", named)
        problem = json.loads(answer.get_body())
        assert (answer.status_code, problem["type"].rpartition("/")[2]) == (409, "wrong-state")
        assert "replay" in problem["detail"]
