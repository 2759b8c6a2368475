"""POST /runs/{id}/cancel, and what all calls that steer a run have in common."""

import json
from typing import Any

import azure.functions as func

from adf_trigger.errors import BadRequest, Forbidden, Throttled
from tests.support.memory_factory import LOST_REPLY
from tests.support.world import World
from tests.unit.functions.conftest import Caller

VERBS = ["cancel", "rerun"]


def body_of(response: func.HttpResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(response.get_body())


def kind_of(response: func.HttpResponse) -> tuple[int, str]:
    """The status and the kind of a problem."""
    return response.status_code, body_of(response)["type"].rpartition("/")[2]


def test_a_run_is_cancelled_and_shown(caller: Caller, world: World) -> None:
    """It is 202 while the run is being cancelled, 200 once it has ended, with one entry for any number of calls."""
    world.factory.cancels_at_once = False
    caller.post({}, Idempotency_Key="key")
    run_id = body_of(caller.get("key"))["runId"]
    for run in ("key", run_id):
        answer = caller.steer("cancel", run, {"note": "wrong day"})
        assert (answer.status_code, body_of(answer)["status"]) == (202, "Canceling")
        assert (answer.headers["Location"], "Retry-After" in answer.headers) == ("/api/runs/key", True)
    world.factory.finish(world.services.query.find("key").run_id, "Cancelled")
    caller.tick()
    answer = caller.steer("cancel", "key")
    assert (answer.status_code, body_of(answer)["status"]) == (200, "Cancelled")
    (entry,) = body_of(answer)["history"]
    assert (entry["action"], entry["by"], entry["note"]) == ("cancel", None, "wrong day")


def test_an_unstarted_request_is_cancelled_directly(caller: Caller, world: World) -> None:
    """It is 200, since nothing is left to do, without a runId; the key still names it."""
    world.factory.fail_next("create_run", Throttled("slow", retry_after=20))
    assert caller.post({}, Idempotency_Key="key").status_code == 202
    answer = caller.steer("cancel", "key")
    assert (answer.status_code, body_of(answer)["status"], body_of(answer)["runId"]) == (
        200,
        "Cancelled",
        None,
    )
    assert body_of(caller.post({}, Idempotency_Key="key"))["status"] == "Cancelled"


def test_a_request_in_doubt_is_marked_to_be_cancelled(caller: Caller, world: World) -> None:
    """It is 202, and the view shows the mark."""
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    caller.post({}, Idempotency_Key="key")
    answer = caller.steer("cancel", "key")
    assert (answer.status_code, body_of(answer)["status"]) == (202, "Accepted")
    assert body_of(answer)["reason"].startswith("it is to be cancelled")


def test_a_missing_role_and_a_refusal_are_reported(caller: Caller, world: World) -> None:
    """It is 502 with the service's text where a role is missing, 409 where this run cannot be cancelled."""
    caller.post({}, Idempotency_Key="key")
    world.factory.fail_next("cancel_run", Forbidden("no pipelineruns/cancel/action", status=403))
    answer = caller.steer("cancel", "key")
    assert kind_of(answer) == (502, "data-factory-denied")
    assert "cancel/action" in body_of(answer)["detail"]
    world.factory.fail_next("cancel_run", BadRequest("not this one", status=400))
    answer = caller.steer("cancel", "key")
    assert kind_of(answer) == (409, "wrong-state")
    assert "not this one" in body_of(answer)["detail"]


def test_a_rejected_message_is_over(caller: Caller) -> None:
    """Its id leads to no run that could be cancelled: the message is shown unchanged."""
    caller.message({"pipeline": "load", "requestId": "key", "surprise": 1})
    answer = caller.steer("cancel", "m-1")
    assert (answer.status_code, body_of(answer)["status"]) == (200, "Rejected")


def test_the_faults_of_a_body_come_together(caller: Caller) -> None:
    """Values that are no booleans, too long texts and unknown names are each listed with their place."""
    caller.post({}, Idempotency_Key="key")
    answer = caller.steer("cancel", "key", {"recursive": "no", "note": "x" * 2_000, "recursiv": True})
    assert answer.status_code == 400
    assert {fault["pointer"] for fault in body_of(answer)["errors"]} == {"/recursive", "/note", "/recursiv"}
    assert caller.steer("cancel", "key", b"[").status_code == 400
    assert caller.steer("cancel", "key", b"x" * 70_000).status_code == 413
