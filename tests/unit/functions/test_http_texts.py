"""Texts of callers (ids, labels, notes): unreadable or misleading ones are refused with a reason."""

import json
from typing import Any

import azure.functions as func
import pytest

from adf_trigger.errors import RunNotFound
from tests.support.world import World
from tests.unit.functions.conftest import Caller

BLANK = ("", " ", "\t", "\n", "\u00a0\u2003", "\u200b", "\u2060\ufeff")
CONTROLS = (
    "a\x00b",
    "a\nb",
    "\x1b[2J",
    "a\x7f",
    "a\x85",
    "a\u2028b",
    "a\u202egnp.exe",
    "\u2066a\u2069",
    "a\ufffe",
)
RUN_ID = "6e2f6bb9-6ee5-4f0b-a6d6-3c0b5a3cdb5a"
READABLE = ("orders 4711", " a ", "Grüße", "日本語", "שלום", "👩‍👩‍👧", "a\u200eb", "{}<>&\"'")


def faults_of(response: func.HttpResponse) -> dict[str, str]:
    """The faults of a problem: pointer → message."""
    problem = json.loads(response.get_body())
    assert (response.status_code, problem["type"].rpartition("/")[2]) == (400, "invalid-request")
    return {each["pointer"]: each["message"] for each in problem["errors"]}


def starts(text: str) -> list[tuple[dict[str, Any], str]]:
    """Bodies of starts that have a text somewhere, and the place."""
    return [
        ({"correlationId": text}, "/correlationId"),
        ({"metadata": {"team": text}}, "/metadata/team"),
        ({"metadata": {text: "sales"}}, f"/metadata/{text.replace('/', '~1')}"),
        ({"referencePipelineRunId": None, "startActivityName": text}, "/startActivityName"),
    ]


@pytest.mark.parametrize("text", [*BLANK, *CONTROLS])
def test_a_start_with_an_unreadable_text_is_refused_with_a_sentence(caller: Caller, text: str) -> None:
    """It is refused by HTTP, alone or among many, and nothing starts."""
    said = "blank" if text in BLANK and text else "empty" if not text else "control characters"
    for body, pointer in starts(text):
        found = faults_of(caller.post(body))
        assert list(found) == [pointer]
        assert said in found[pointer]
        many = caller.call(
            "start_runs", "POST", "runs", body=json.dumps({"runs": [{"pipeline": "load", **body}]}).encode()
        )
        assert json.loads(many.get_body())["runs"][0]["status"] == 400
    assert "create_run" not in caller.world.factory.calls


@pytest.mark.parametrize("text", [*BLANK, *CONTROLS])
def test_a_message_with_an_unreadable_text_is_rejected_with_a_readable_event(
    caller: Caller, world: World, text: str
) -> None:
    """The same rule applies to both ways; the event has no such text either."""
    for number, (body, _) in enumerate(starts(text)):
        caller.message({"pipeline": "load", "requestId": f"key-{number}", **body}, message_id=f"m-{number}")
    assert len(world.kept()) == len(starts(text))
    assert "create_run" not in world.factory.calls
    for event in world.outbox.events:
        texts = [event.data.correlation_id or "a", *event.data.metadata, *event.data.metadata.values()]
        assert not [each for each in texts if each in (*BLANK, *CONTROLS)]


@pytest.mark.parametrize("text", READABLE)
def test_a_readable_text_is_accepted_unchanged(caller: Caller, text: str) -> None:
    """Any language is accepted, with its combining marks and texts that a program may misread."""
    answer = caller.post({"correlationId": text, "metadata": {text: text}})
    assert answer.status_code == 202, answer.get_body()
    view = json.loads(answer.get_body())
    assert (view["correlationId"], view["metadata"]) == (text, {text: text})


@pytest.mark.parametrize("text", [*BLANK, *CONTROLS])
@pytest.mark.parametrize("verb", ["cancel", "rerun", "resolve", "replay"])
def test_a_note_that_cannot_be_read_is_refused(caller: Caller, verb: str, text: str) -> None:
    """It would stay in the history for later readers."""
    caller.post({}, Idempotency_Key="key")
    body = {"note": text, **({"as": "dismiss"} if verb == "resolve" else {})}
    assert list(faults_of(caller.steer(verb, "key", body))) == ["/note"]
    assert caller.world.factory.cancelled == []


@pytest.mark.parametrize("text", ["a\u202eb", "\u2066a\u2069", "\u200b"])
def test_a_key_that_resembles_another_is_refused(caller: Caller, text: str) -> None:
    """Bidirectional and invisible characters name no request either."""
    assert list(faults_of(caller.post({}, Idempotency_Key=text))) == ["Idempotency-Key"]


def test_a_request_that_an_earlier_version_accepted_is_rerun_and_published(
    caller: Caller, world: World
) -> None:
    """A record with labels that are refused now continues."""
    world.submit("old")
    stored = world.ledger.get(world.services.factories.choose(None).id, "old")
    assert stored is not None
    object.__setattr__(stored.record, "correlation_id", " ")
    object.__setattr__(stored.record, "metadata", {"": "a\nb"})
    world.ledger.save(stored, stored.record)
    world.factory.finish(stored.record.run_id, "Failed")
    world.tick(after=15)
    assert [each.data.correlation_id for each in world.outbox.events] == [" "]
    assert caller.steer("rerun", "old").status_code == 202


@pytest.mark.parametrize("verb", ["cancel", "rerun", "resolve", "replay"])
def test_all_faults_of_query_headers_and_body_are_listed_together(caller: Caller, verb: str) -> None:
    """A caller that mends one does not meet the next one then."""
    caller.post({}, Idempotency_Key="key")
    params = {"by": "name", "factory": "nowhere", "force": "true"}
    expected = {"by", "factory", "force", "/note", "/extra"}
    answer = caller.steer(verb, "key", {"note": " ", "extra": 1}, params=params, Idempotency_Key='"')
    found = faults_of(answer)
    if verb == "rerun":
        expected |= {"Idempotency-Key"}
    if verb == "resolve":
        expected |= {"/as"}
    assert set(found) == expected


@pytest.mark.parametrize(
    ("verb", "body", "pointers"),
    [
        ("rerun", {"mode": "fromActivity"}, {"/activity"}),
        ("rerun", {"activity": "Copy"}, {"/activity"}),
        ("resolve", {"as": "dismiss", "runId": RUN_ID, "force": True}, {"/runId", "/force"}),
    ],
)
def test_a_contradictory_body_is_listed_with_the_faults_of_the_query(
    caller: Caller, verb: str, body: dict[str, Any], pointers: set[str]
) -> None:
    """It is a fault of the call, for any run."""
    answer = caller.steer(verb, "key", body, params={"mode": "whole"})
    assert set(faults_of(answer)) == {"mode", *pointers}


def test_a_start_and_a_batch_name_the_faults_of_the_query_with_those_of_the_body(caller: Caller) -> None:
    """So is an unknown factory."""
    request = func.HttpRequest(
        "POST",
        "http://h/api/pipelines/load/runs",
        params={"factory": "nowhere", "extra": "1"},
        headers={"Idempotency-Key": '"'},
        route_params={"pipeline": "load"},
        body=b'{"correlationId": " "}',
    )
    assert set(faults_of(caller.ask("start_run", request))) == {
        "factory",
        "extra",
        "Idempotency-Key",
        "/correlationId",
    }
    request = func.HttpRequest(
        "POST",
        "http://h/api/runs",
        params={"factory": "nowhere", "extra": "1"},
        headers={"Idempotency-Key": "k"},
        body=b'{"starts": []}',
    )
    assert {"factory", "extra", "Idempotency-Key", "/starts"} <= set(
        faults_of(caller.ask("start_runs", request))
    )


def test_a_reference_that_data_factory_does_not_have_is_a_refusal(caller: Caller) -> None:
    """It is 400 with its own text: the pipeline exists."""
    said = f"createRun: HTTP 400 ReferencedPipelineRunNotFound: Referenced pipeline run id {RUN_ID} does not exist."
    caller.world.factory.fail_next("create_run", RunNotFound(said, status=400))
    answer = caller.post({"referencePipelineRunId": RUN_ID})
    problem = json.loads(answer.get_body())
    assert (answer.status_code, problem["type"].rpartition("/")[2]) == (400, "refused")
    assert f"Referenced pipeline run id {RUN_ID} does not exist." in problem["detail"]
    assert json.loads(caller.post({}, pipeline="nothing").get_body())["type"].endswith("/pipeline-not-found")
