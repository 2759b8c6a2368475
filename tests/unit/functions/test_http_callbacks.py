"""A `callBackUri` by call and by message: accepted, or refused with a reason, and shown nowhere."""

import base64
import json
import logging
from typing import Any

import pytest

from adf_trigger.errors import BadRequest, LedgerError, Throttled
from adf_trigger.service.callbacks.callbacks import CALLBACKS
from tests.support.world import FACTORY_ID, World
from tests.unit.functions.conftest import Caller

SECRET = "0123456789-callback-secret"
URI = f"https://dpeastus.svc.datafactory.azure.com/dataplane/workflow/callback/1?sig={SECRET}"
MESSAGE = {"pipeline": "load", "requestId": "key-1", "callBackUri": URI}


def waiting(world: World) -> list[str | None]:
    """The stored addresses."""
    return [each.secret for each in world.notes.named(FACTORY_ID, CALLBACKS)]


def everything_shown(caller: Caller, world: World) -> str:
    """Every text that the service shows of its content."""
    answers = [
        caller.call("list_runs", "GET", "runs"),
        caller.get("key-1"),
        caller.get("m-1"),
        caller.call("health_details", "GET", "health/details"),
    ]
    stored = world.ledger.get(FACTORY_ID, "key-1")
    kept = [(each, each.body.decode()) for each in world.kept()]
    notes = [each.value for scope in (FACTORY_ID, "app") for each in world.notes.named(scope)]
    texts = [repr(world.outbox.events), repr(world.outbox.rejected), repr(stored), repr(kept), repr(notes)]
    return "\n".join([*(each.get_body().decode() for each in answers), *texts])


@pytest.fixture(autouse=True)
def _declared(world: World) -> None:
    world.factory.declare("load", n={"type": "Int", "defaultValue": 0})


def by_call(caller: Caller) -> None:
    """POST /pipelines/{pipeline}/runs."""
    assert caller.post({"callBackUri": URI}, Idempotency_Key='"key-1"').status_code == 202


def by_batch(caller: Caller) -> None:
    """POST /runs."""
    body = json.dumps({"runs": [MESSAGE]}).encode()
    answer = caller.call("start_runs", "POST", "runs", body=body)
    assert json.loads(answer.get_body())["runs"][0]["status"] == 202


def by_message(caller: Caller) -> None:
    """On the requests queue."""
    caller.message(json.dumps(MESSAGE).encode())


def by_message_in_base64(caller: Caller) -> None:
    """As many clients write it."""
    caller.message(base64.b64encode(json.dumps(MESSAGE).encode()))


def by_cloud_event(caller: Caller) -> None:
    """As the data of a CloudEvent."""
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": MESSAGE}
    caller.message(json.dumps(event).encode())


@pytest.mark.parametrize("ask", [by_call, by_batch, by_message, by_message_in_base64, by_cloud_event])
def test_it_is_shown_nowhere(
    caller: Caller, world: World, ask: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It is hidden while it waits and after the call, however it came; and it is called."""
    caplog.set_level(logging.DEBUG)
    ask(caller)
    world.tick(after=15)
    assert waiting(world) == [URI]
    shown = everything_shown(caller, world)
    world.factory.finish(world.services.query.find("key-1").run_id)
    world.tick(after=15)
    shown += everything_shown(caller, world)
    assert [uri for uri, _ in world.called_back.calls] == [URI]
    assert waiting(world) == []
    assert '"Succeeded"' in shown
    assert SECRET not in shown
    assert SECRET not in caplog.text
    assert SECRET not in str([vars(record) for record in caplog.records])


@pytest.mark.parametrize(
    "body",
    [
        {**MESSAGE, "surprise": 1},
        {**MESSAGE, "callbackUri": MESSAGE["callBackUri"]},
        {**MESSAGE, "pipeline": "nowhere"},
        {**MESSAGE, "callBackUri": f"https://evil.example/?{SECRET}"},
        {**MESSAGE, "parameters": {"m": 1}},
        {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {**MESSAGE, "surprise": 1}},
    ],
)
def test_all_other_fields_of_a_rejected_message_are_kept(
    caller: Caller, world: World, body: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The record, the copy, the event and the log are without it; a replay needs none."""
    caplog.set_level(logging.DEBUG)
    caller.message(json.dumps(body).encode())
    (kept,) = world.kept()
    without = {name: value for name, value in body.items() if name.lower() != "callbackuri"}
    if "data" in body:
        without["data"] = {name: each for name, each in body["data"].items() if name != "callBackUri"}
    assert json.loads(kept.body) == without
    assert kept.masked == ()
    assert SECRET not in everything_shown(caller, world)
    assert SECRET not in caplog.text
    assert SECRET not in str([vars(record) for record in caplog.records])


@pytest.mark.parametrize(
    "body",
    [
        {**MESSAGE, "surprise": 1},
        {**MESSAGE, "pipeline": "nowhere"},
        {**MESSAGE, "factory": "nowhere"},
        {**MESSAGE, "parameters": {"m": 1}},
        {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {**MESSAGE, "surprise": 1}},
    ],
)
def test_the_caller_of_a_rejected_message_is_called_with_the_reason(
    caller: Caller, world: World, body: dict[str, Any]
) -> None:
    """It is called once, however often the message is delivered; a faulty address is not called."""
    for _ in range(2):
        caller.message(json.dumps(body).encode())
    for _ in range(3):
        world.tick(after=60)
    ((uri, event),) = world.called_back.calls
    assert uri == URI
    assert event.data.status == "Rejected"
    assert event.data.message
    assert event.id == world.outbox.events[0].id
    assert waiting(world) == []
    caller.message(json.dumps({**MESSAGE, "callBackUri": "https://evil.example/"}).encode(), message_id="m-2")
    world.tick(after=60)
    assert len(world.called_back.calls) == 1


def test_a_message_that_cannot_wait_with_its_callback_is_rejected_and_published(
    caller: Caller, world: World
) -> None:
    """No key fits into it, so the ledger would have to keep it without the address: that never happens silently."""
    world.factory.before["get_pipeline"] = [Throttled("slow", retry_after=20)]
    message = {"pipeline": "load", "requestId": None, "parameters": {"n": 1}, "callBackUri": URI}
    caller.message(json.dumps(message).encode())
    world.tick(after=60)
    ((uri, event),) = world.called_back.calls
    assert (uri, event.data.status) == (URI, "Rejected")
    assert "the values of callBackUri are not kept" in (event.data.message or "")
    assert SECRET not in everything_shown(caller, world)


def test_another_message_under_a_used_key_is_called_back_for_itself(caller: Caller, world: World) -> None:
    """It is not called for the run that has the key."""
    caller.post({}, Idempotency_Key='"key-1"')
    caller.message(json.dumps({**MESSAGE, "parameters": {"n": 1}}).encode())
    world.tick(after=15)
    ((uri, event),) = world.called_back.calls
    assert (uri, event.data.status) == (URI, "Rejected")
    assert "already names another request" in (event.data.message or "")


def test_an_outage_of_the_ledger_loses_no_callback_of_a_rejected_message(
    caller: Caller, world: World
) -> None:
    """The message is put back until both can be kept."""
    world.notes.before["put"] = [LedgerError("down")]
    caller.message(json.dumps({**MESSAGE, "surprise": 1}).encode())
    assert world.kept() == []
    ((text, delay),) = world.outbox.put_back_texts
    world.clock.forward(delay)
    caller.message(text.encode())
    world.tick(after=15)
    assert [uri for uri, _ in world.called_back.calls] == [URI]


def test_a_request_that_data_factory_refuses_is_kept_without_it(caller: Caller, world: World) -> None:
    """Its message goes to the rejected ones; its caller is called with the reason."""
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    by_message(caller)
    assert SECRET not in everything_shown(caller, world)
    (kept,) = world.kept()
    assert json.loads(kept.body) == {"pipeline": "load", "requestId": "key-1"}
    world.tick(after=15)
    ((uri, event),) = world.called_back.calls
    assert (uri, event.data.status) == (URI, "Rejected")
    assert "it is wrong" in (event.data.reason or "")


def test_a_message_that_waits_keeps_it(caller: Caller, world: World) -> None:
    """It is put back with its bytes unchanged, and called back in the end."""
    world.factory.before["get_pipeline"] = [Throttled("slow", retry_after=20)]
    message = {**MESSAGE, "parameters": {"n": 1}}
    caller.message(json.dumps(message).encode())
    ((text, delay),) = world.outbox.put_back_texts
    world.tick(after=delay)
    caller.message(text.encode())
    world.factory.finish(world.services.query.find("key-1").run_id)
    world.tick(after=15)
    assert [uri for uri, _ in world.called_back.calls] == [URI]


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("https://evil.example/?" + SECRET, "names a host that is not called back"),
        (URI.replace("https", "http"), "must begin with https://"),
        (URI.replace(".com/", ".com:8443/"), "must be on port 443"),
        (URI.replace("dpeastus", "user@dpeastus"), "must name no user"),
        ("https://169.254.169.254/?" + SECRET, "not an IP address"),
        (URI + "x" * 9_000, "at most 8192 characters"),
        ("", "must not be empty"),
        (1, "must be text"),
        ([URI], "must be text"),
    ],
)
def test_a_faulty_one_is_400_and_not_quoted(caller: Caller, world: World, uri: Any, said: str) -> None:
    """Nothing is started or kept."""
    answer = caller.post({"callBackUri": uri}, Idempotency_Key='"key-1"')
    assert answer.status_code == 400
    (fault,) = json.loads(answer.get_body())["errors"]
    assert fault["pointer"] == "/callBackUri"
    assert said in fault["message"]
    assert SECRET not in answer.get_body().decode()
    assert world.factory.runs == {}
    assert waiting(world) == []


def test_a_preview_reports_a_faulty_one_and_keeps_no_valid_one(caller: Caller, world: World) -> None:
    """This holds for `validateOnly`, also of a repeat."""

    def ask(uri: str) -> int:
        body = json.dumps({"callBackUri": uri}).encode()
        path = "pipelines/load/runs?validateOnly=true"
        answer = caller.call("start_run", "POST", path, body=body, Idempotency_Key='"key-1"')
        assert SECRET not in answer.get_body().decode()
        return int(answer.status_code)

    for _ in range(2):
        assert ask(URI) == 200
        assert ask("https://evil.example/?" + SECRET) == 400
        assert waiting(world) == []
        caller.post({}, Idempotency_Key='"key-1"')


def test_another_address_is_the_same_request_and_another_body_is_not(caller: Caller, world: World) -> None:
    """A retry of the activity is answered with the run; another request is refused and not called."""
    assert caller.post({"callBackUri": URI}, Idempotency_Key='"key-1"').status_code == 202
    assert caller.post({"callBackUri": URI + "2"}, Idempotency_Key='"key-1"').status_code == 200
    assert caller.post({}, Idempotency_Key='"key-1"').status_code == 200
    other = {"callBackUri": URI + "3", "parameters": {"n": 1}}
    assert caller.post(other, Idempotency_Key='"key-1"').status_code == 422
    assert sorted(filter(None, waiting(world))) == [URI, URI + "2"]


def test_a_rerun_accepts_none(caller: Caller, world: World) -> None:
    """It is no field of that call."""
    by_call(caller)
    world.factory.finish(world.services.query.find("key-1").run_id)
    world.tick(after=15)
    answer = caller.steer("rerun", "key-1", {"callBackUri": URI})
    assert answer.status_code == 400
    assert SECRET not in answer.get_body().decode()
