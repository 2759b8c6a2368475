"""POST /runs/{id}/resolve and /replay: an operator's decisions about unknown and rejected requests."""

import json
from typing import Any

import azure.functions as func
import pytest

from adf_trigger.errors import PublishError
from adf_trigger.messages.decoding import Message
from tests.support.memory_factory import LOST_REPLY, Ids
from tests.support.world import World, settings
from tests.unit.functions.conftest import INSERTED, Caller


def body_of(response: func.HttpResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(response.get_body())


def kind_of(response: func.HttpResponse) -> tuple[int, str]:
    """The status and the kind of a problem."""
    return response.status_code, body_of(response)["type"].rpartition("/")[2]


def faults_of(response: func.HttpResponse) -> dict[str, str]:
    """The faults of a request: where, and what."""
    assert response.status_code == 400
    return {fault["pointer"]: fault["message"] for fault in body_of(response)["errors"]}


@pytest.fixture
def world() -> World:
    """A service that parks requests in doubt."""
    world = World(settings=settings(ADF_TRIGGER_POLICY='{"*": {"unknownOutcome": "park"}}'))
    world.factory.declare("load")
    world.factory.declare("vault", user={"type": "String"}, password={"type": "SecureString"})
    return world


def rejected(caller: Caller, **fields: Any) -> None:
    """A message that can never work."""
    caller.message({"pipeline": "load", "requestId": "key", "surprise": 1, **fields})


def delivered(caller: Caller) -> None:
    """Deliver the messages of the requests queue."""
    texts, caller.world.outbox.put_back_texts = caller.world.outbox.put_back_texts, []
    for text, _ in texts:
        caller.message(text.encode(), message_id="m-2")


def test_an_unknown_run_is_adopted_from_its_candidates(caller: Caller, world: World) -> None:
    """409 lists them, 202 watches the named one, and the history names the operator."""
    world.factory.ids = Ids.IGNORED
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    caller.post({}, Idempotency_Key="key")
    for _ in range(8):
        world.tick(after=30)
    answer = caller.steer("resolve", "key", {"as": "adopt"})
    assert kind_of(answer) == (409, "wrong-state")
    (candidate,) = body_of(answer)["candidates"]
    assert candidate["status"] == "InProgress"
    answer = caller.steer(
        "resolve", "key", {"as": "adopt", "runId": candidate["runId"], "note": "it is this"}
    )
    view = body_of(answer)
    assert (answer.status_code, view["runId"], view["status"]) == (202, candidate["runId"], "InProgress")
    assert view["history"][0]["note"] == f"run {candidate['runId']}: it is this"


def test_a_decision_is_required(caller: Caller) -> None:
    """A body without one, or with an unknown one, is a fault."""
    caller.post({}, Idempotency_Key="key")
    assert faults_of(caller.steer("resolve", "key")).keys() == {"/as"}
    assert faults_of(caller.steer("resolve", "key", {"as": "forget", "runId": "x"})).keys() == {
        "/as",
        "/runId",
    }
    assert faults_of(caller.steer("resolve", "key", {"as": "dismiss", "force": True})).keys() == {"/force"}
    assert kind_of(caller.steer("resolve", "key", {"as": "dismiss"})) == (409, "wrong-state")


@pytest.mark.parametrize("named", ["m-1", "key"])
def test_a_rejected_message_is_dismissed(caller: Caller, world: World, named: str) -> None:
    """Its bytes are no longer kept, under any of its ids; sending it to Data Factory again is replay's task."""
    rejected(caller)
    assert kind_of(caller.steer("resolve", named, {"as": "resubmit"})) == (409, "wrong-state")
    assert caller.steer("resolve", named, {"as": "dismiss"}).status_code == 200
    assert [kept.body for kept in world.kept()] == [b""]


def test_a_refused_request_is_dismissed_with_its_message(caller: Caller, world: World) -> None:
    """Its record stays, and its history names the operator; repeated there is nothing left to do."""
    caller.message({"pipeline": "nowhere", "requestId": "other"})
    caller.message({"pipeline": "load", "requestId": "key", "referencePipelineRunId": "x"}, message_id="m-9")
    assert {message.request_id for message in world.kept()} == {"key", "other"}
    for _ in range(2):
        answer = caller.steer("resolve", "key", {"as": "dismiss", "note": "known"})
        assert answer.status_code == 200
    assert {message.request_id for message in world.kept() if message.body} == {"other"}


def test_a_rejected_message_is_replayed_once_its_cause_is_gone(caller: Caller, world: World) -> None:
    """It is 202 with the future request, whose Location shows it once its message is accepted."""
    caller.message({"pipeline": "later", "requestId": "key"})
    world.factory.declare("later")
    answer = caller.steer("replay", "m-1", {"note": "declared now"})
    view = body_of(answer)
    assert (answer.status_code, view["status"], view["ended"]) == (202, "Accepted", False)
    assert answer.headers["Location"] == "/api/runs/key"
    delivered(caller)
    assert body_of(caller.get("key"))["status"] == "Queued"
    assert [kept.body for kept in world.kept()] == [b""]


def test_secret_values_are_required(caller: Caller, world: World) -> None:
    """They are not kept: a replay without them is refused with their names, and one with others, too."""
    rejected(caller, pipeline="vault", parameters={"user": "u", "password": "hunter2"})
    assert faults_of(caller.steer("replay", "key")).keys() == {"/parameters/password"}
    wrong = caller.steer("replay", "key", {"parameters": {"password": "x", "user": "y"}})
    assert faults_of(wrong).keys() == {"/parameters/user"}
    answer = caller.steer("replay", "key", {"parameters": {"Password": "hunter3"}})
    assert answer.status_code == 202
    assert "hunter" not in answer.get_body().decode()
    ((text, _),) = world.outbox.put_back_texts
    message = Message.decode(text.encode(), message_id="m", attempts=1, inserted_at=INSERTED)
    assert message.document["parameters"] == {"user": "u", "password": "hunter3"}


def test_a_possible_copy_is_replayed_by_force_alone(caller: Caller, world: World) -> None:
    """An equal message was accepted under another id: 409 says so, and force replays it."""
    caller.message({"pipeline": "load"}, message_id="m-1")
    caller.message({"pipeline": "load"}, message_id="m-7", poison=True)
    answer = caller.steer("replay", "m-7")
    assert kind_of(answer) == (409, "wrong-state")
    assert "was accepted as request m-1" in body_of(answer)["detail"]
    assert caller.steer("replay", "m-7", {"force": True}).status_code == 202
    assert len(world.outbox.put_back_texts) == 1


def test_a_replay_in_an_outage_of_the_queue_keeps_the_message(caller: Caller, world: World) -> None:
    """It is 503, and the message is unchanged."""
    rejected(caller)
    world.outbox.before.append(PublishError("no queue"))
    assert kind_of(caller.steer("replay", "key")) == (503, "try-later")
    assert len(world.kept()) == 1


def test_only_a_rejected_message_is_replayed(caller: Caller) -> None:
    """An active run and a message that can never work are refused, each with its reason."""
    caller.post({}, Idempotency_Key="run")
    assert kind_of(caller.steer("replay", "run")) == (409, "wrong-state")
    caller.message(b"no json", message_id="m-3")
    assert "no JSON object" in body_of(caller.steer("replay", "m-3"))["detail"]


def test_links_lead_to_possible_actions(caller: Caller, world: World) -> None:
    """They cancel active runs, rerun ended ones, decide unknown fates, and replay kept messages."""
    run = body_of(caller.post({}, Idempotency_Key="a/b"))
    assert run["links"]["cancel"] == "/api/runs/a~2Fb/cancel"
    assert {run["links"][verb] for verb in ("rerun", "resolve", "replay")} == {None}
    world.factory.finish(world.services.query.find("a/b").run_id, "Failed")
    caller.tick()
    links = body_of(caller.get("a/b"))["links"]
    assert (links["rerun"], links["cancel"]) == ("/api/runs/a~2Fb/rerun", None)
    rejected(caller)
    links = body_of(caller.get("m-1"))["links"]
    assert (links["replay"], links["resolve"]) == (
        "/api/runs/m-1/replay?by=messageId",
        "/api/runs/m-1/resolve?by=messageId",
    )
    world.factory.ids = Ids.IGNORED
    world.factory.fail_next("create_run", LOST_REPLY)
    caller.post({}, Idempotency_Key="lost")
    for _ in range(8):
        world.tick(after=30)
    assert body_of(caller.get("lost"))["links"]["resolve"] == "/api/runs/lost/resolve"
