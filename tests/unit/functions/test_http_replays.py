"""By HTTP: replays and dismissals are answered as often as they are repeated, and every link works."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func
import pytest

from adf_trigger.errors import BadRequest, LedgerConflict
from tests.support.world import World
from tests.unit.functions.conftest import Caller


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline with a text."""
    world = World()
    world.factory.declare("load", n={"type": "String", "defaultValue": ""})
    return world


def body_of(response: func.HttpResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(response.get_body())


def stands(response: func.HttpResponse) -> tuple[int, str]:
    """The status of an answer and of its run."""
    return response.status_code, body_of(response)["status"]


def deliver(caller: Caller, number: int = 2) -> None:
    """Deliver the messages of the requests queue."""
    texts, caller.world.outbox.put_back_texts = caller.world.outbox.put_back_texts, []
    for text, _ in texts:
        caller.message(text.encode(), message_id=f"m-{number}")


def every_link_works(caller: Caller, view: Any) -> None:
    """Each readable link is found."""
    for name in ("self", "result"):
        link = view["links"][name]
        if link is not None:
            url = urlsplit(link)
            request = func.HttpRequest(
                "GET",
                f"http://host{link}",
                route_params={"id": url.path.split("/")[3]},
                params=dict(parse_qsl(url.query)),
                body=b"",
            )
            answer = caller.ask("get_run_result" if name == "result" else "get_run", request)
            assert answer.status_code in {200, 202}, link


def test_a_replayed_message_is_visible_from_the_answer_on(caller: Caller, world: World) -> None:
    """Its Location shows it waiting, and then its run; repeated, it is shown and not put once more."""
    caller.message({"pipeline": "later", "requestId": "key"})
    world.factory.declare("later")
    first = caller.steer("replay", "m-1", {"note": "declared now"})
    assert stands(first) == (202, "Accepted")
    assert first.headers["Location"] == "/api/runs/key"
    assert first.headers["Retry-After"]
    for _ in range(2):
        for named in ("key", "m-1"):
            assert stands(caller.get(named)) == (200, "Accepted")
            assert stands(caller.steer("replay", named)) == (202, "Accepted")
        every_link_works(caller, body_of(first))
    assert "waits there" in body_of(caller.get("key"))["reason"]
    assert [entry["note"] for entry in body_of(caller.get("key"))["history"]] == ["declared now"]
    assert len(world.outbox.put_back_texts) == 1
    deliver(caller)
    for named in ("key", "m-1"):
        assert stands(caller.get(named)) == (200, "Queued")
        assert stands(caller.steer("replay", named)) == (202, "Queued")
    world.factory.finish(world.services.query.find("key").run_id)
    caller.tick()
    for named in ("key", "m-1"):
        assert stands(caller.steer("replay", named)) == (200, "Succeeded")
    assert (len(world.factory.runs), world.outbox.put_back_texts) == (1, [])


def test_a_rejected_request_waits_while_its_message_does(caller: Caller, world: World) -> None:
    """It is not shown as Rejected, which would be an end; rejected again, it is."""
    world.factory.fail_next("create_run", BadRequest("no", status=400, code="BadRequest"))
    caller.message({"pipeline": "load", "requestId": "key"})
    assert stands(caller.get("key")) == (200, "Rejected")
    for number in range(2, 4):
        world.clock.forward(60)
        assert stands(caller.steer("replay", "key")) == (202, "Accepted")
        view = body_of(caller.get("key"))
        assert (view["status"], view["ended"]) == ("Accepted", False)
        every_link_works(caller, view)
        assert stands(caller.steer("replay", "key")) == (202, "Accepted")
        if number == 2:
            world.factory.fail_next("create_run", BadRequest("no", status=400, code="BadRequest"))
        deliver(caller, number)
        assert stands(caller.get("key")) == (200, "Rejected" if number == 2 else "Queued")
    assert len(world.factory.runs) == 1


def test_a_waiting_message_can_only_be_read(caller: Caller) -> None:
    """The other calls answer what it waits for."""
    caller.message({"pipeline": "load", "requestId": "key", "surprise": 1})
    caller.steer("replay", "key")
    for verb, body in (("cancel", None), ("rerun", None), ("resolve", {"as": "dismiss"})):
        answer = caller.steer(verb, "key", body)
        assert answer.status_code == 409, verb
        assert "requests queue" in body_of(answer)["detail"]


def test_a_message_whose_key_was_anothers_starts_a_run_by_force_alone(caller: Caller, world: World) -> None:
    """409 names the key and its replacement, and force replays it under that."""
    caller.post({"parameters": {"n": "a"}}, Idempotency_Key="key")
    caller.message({"pipeline": "load", "requestId": "key", "parameters": {"n": "b"}}, message_id="m-5")
    answer = caller.steer("replay", "m-5")
    assert answer.status_code == 409
    for expected in ("its key key already named another request", "force", "under the key m-5"):
        assert expected in body_of(answer)["detail"]
    assert world.outbox.put_back_texts == []
    assert stands(caller.steer("replay", "m-5", {"force": True})) == (202, "Accepted")
    deliver(caller, 6)
    assert stands(caller.get("m-5")) == (200, "Queued")
    assert [run.parameters["n"] for run in world.factory.runs.values()] == ["a", "b"]


def test_an_event_whose_key_was_anothers_starts_a_run_by_force_alone(caller: Caller, world: World) -> None:
    """Its key is derived from its source and id."""
    event = {"specversion": "1.0", "type": "t", "source": "/s", "id": "1", "data": {"pipeline": "load"}}
    caller.message(event, message_id="m-1")
    event["data"] = {"pipeline": "load", "parameters": {"n": "b"}}
    caller.message(event, message_id="m-5")
    assert stands(caller.get("m-5")) == (200, "Rejected")
    assert caller.steer("replay", "m-5").status_code == 409
    caller.steer("replay", "m-5", {"force": True})
    deliver(caller, 6)
    assert stands(caller.get("m-5")) == (200, "Queued")
    assert len(world.factory.runs) == 2


@pytest.mark.parametrize("named", ["m-1", "key"])
def test_a_dismissed_message_stays_dismissed(caller: Caller, world: World, named: str) -> None:
    """Each call is 200, with operator, time and reason; it is found by its ids, and its links work."""
    caller.message({"pipeline": "load", "requestId": "key", "surprise": "secret"})
    first = caller.steer("resolve", named, {"as": "dismiss", "note": "known"})
    world.clock.forward(3_600)
    again = caller.steer("resolve", named, {"as": "dismiss", "note": "another"})
    shown = caller.get(named)
    assert body_of(first) == body_of(again) == body_of(shown)
    assert [answer.status_code for answer in (first, again, shown)] == [200, 200, 200]
    view = body_of(first)
    assert (view["status"], view["ended"]) == ("Rejected", True)
    assert "dismissed" in view["reason"]
    assert [(each["note"], each["at"]) for each in view["history"]] == [("known", "2026-01-05T12:00:00Z")]
    assert (view["links"]["replay"], view["links"]["resolve"]) == (None, None)
    every_link_works(caller, view)
    answer = caller.steer("replay", named)
    assert (answer.status_code, "dismissed" in body_of(answer)["detail"]) == (409, True)
    assert [kept.body for kept in world.kept()] == [b""]


def test_a_dismissal_is_shown_where_the_history_of_the_request_could_not_be_written(
    caller: Caller, world: World
) -> None:
    """The command writes none either: the rest of the message gives time and operator."""
    world.factory.fail_next("create_run", BadRequest("no", status=400, code="BadRequest"))
    caller.message({"pipeline": "load", "requestId": "key"})
    world.ledger.before["save"] = [LedgerConflict("busy")] * 5
    for _ in range(2):
        answer = caller.steer("resolve", "key", {"as": "dismiss", "note": "known"})
        assert stands(answer) == (200, "Rejected")
        assert [entry["note"] for entry in body_of(answer)["history"]] == ["known"]


def test_the_link_in_an_event_stays_valid(caller: Caller, world: World) -> None:
    """Whatever happens to a rejected message, the link in its event leads to it or to its request."""
    for number in range(3):
        caller.message({"pipeline": "load", "surprise": 1}, message_id=f"m-{number}")
    caller.steer("resolve", "m-1", {"as": "dismiss"})
    caller.steer("replay", "m-2")
    deliver(caller, 7)
    for event in world.outbox.events:
        every_link_works(caller, json.loads(event.data.model_dump_json()))
