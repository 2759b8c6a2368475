"""Data Factory compares names case-insensitively: the pipeline's declaration gives their spelling."""

import json
from dataclasses import replace
from typing import Any

import pytest

from adf_trigger.contracts import RunRequest
from adf_trigger.errors import NotSent, RequestConflict, Unavailable
from adf_trigger.messages.decoding import Message
from adf_trigger.service.submission import Submission
from tests.support.resettled import restarted
from tests.support.world import FACTORY_ID, World, settings
from tests.unit.functions.conftest import Caller

POLICY = json.dumps({"Load": {"correlationParameter": "requestid"}})


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline `Load` with parameters in mixed case."""
    world = World(settings=settings(ADF_TRIGGER_POLICY=POLICY))
    optional = {"type": "String", "defaultValue": ""}
    secret = {"type": "SecureString", "defaultValue": ""}
    world.factory.declare("Load", Day={"type": "String"}, Password=secret, RequestId=optional)
    return world


def test_two_names_that_differ_in_case_alone_are_a_fault(world: World) -> None:
    """One of them would be dropped silently; this holds by HTTP and by queue, and for a rerun."""
    caller = Caller(world)
    body: dict[str, Any] = {"parameters": {"day": "A", "Day": "B"}}
    answer = caller.post(body, pipeline="Load")
    assert answer.status_code == 400
    assert [fault["pointer"] for fault in json.loads(answer.get_body())["errors"]] == ["/parameters/Day"]
    rerun = {**body, "referencePipelineRunId": "00000000-0000-4000-8000-000000000000"}
    assert caller.post(rerun, pipeline="Load").status_code == 400
    caller.message({"pipeline": "Load", **body})
    assert [fault.pointer for kept in world.kept() for fault in kept.faults] == ["/parameters/Day"]


def test_the_declared_spelling_is_kept_sent_and_published(world: World) -> None:
    """The record, createRun and the event have the pipeline's own names, in whatever case the request wrote them."""
    record = world.submit("k", "lOAD", parameters={"dAY": "monday", "pASSWORD": "hush"}).record
    assert (record.pipeline, record.parameters, record.secure_parameters) == (
        "Load",
        {"Day": "monday"},
        ("Password",),
    )
    (run,) = world.factory.runs.values()
    assert run.pipeline == "Load"
    assert run.parameters == {"Day": "monday", "Password": "hush", "RequestId": "k"}
    world.factory.finish(run.run_id)
    world.clock.forward(100)
    world.tick(after=100)
    assert [event.source for event in world.outbox.events] == [f"{FACTORY_ID}/pipelines/Load"]


def test_a_rejected_message_is_published_with_the_established_names(world: World) -> None:
    """Its pipeline is spelled as declared and its factory as seen first, so that sources stay comparable."""
    world.submit("k", "Load", parameters={"Day": "monday"})
    services = restarted(world, {"default": (FACTORY_ID.upper(), world.factory)})
    for number, pipeline in enumerate(("lOAD", "nowHere", 3)):
        body = json.dumps({"pipeline": pipeline, "surprise": 1}).encode()
        services.intake.take(
            Message.decode(body, message_id=f"m-{number}", attempts=1, inserted_at=world.clock())
        )
    sources = [event.source.removeprefix(f"{FACTORY_ID}/pipelines/") for event in world.outbox.events]
    assert sources == ["Load", "nowHere", ""]
    assert [event.data.pipeline for event in world.outbox.events] == sources
    assert [kept.pipeline for kept in world.kept()] == sources
    assert {kept.factory for kept in world.kept()} == {FACTORY_ID}


@pytest.mark.parametrize("again", ["Day", "day", "DAY"])
def test_the_same_request_in_another_case_is_the_same(world: World, again: str) -> None:
    """The digest is of the declared names."""
    first = world.submit("k", "Load", parameters={"day": "monday", "password": "hush"})
    second = world.submit("k", "LOAD", parameters={again: "monday", "PASSWORD": "hush"})
    assert (first.replayed, second.replayed) == (False, True)
    with pytest.raises(RequestConflict):
        world.submit("k", "Load", parameters={again: "tuesday", "password": "hush"})
    with pytest.raises(RequestConflict):
        world.submit("k", "Load", parameters={again: "monday", "password": "other"})


def test_a_record_of_an_earlier_version_keeps_its_digest(world: World) -> None:
    """A request that was kept under its names as given is recognised, in whatever case it is spelled now."""
    stored = world.ledger.claim(world.submit("new", "Load", parameters={"day": "monday"}).record).stored
    given = Submission(
        factory=world.services.factories.choose(None),
        pipeline="load",
        request=RunRequest(parameters={"dAy": "monday"}),
        request_id="old",
    )
    old = replace(stored.record, request_id="old", parameters={"dAy": "monday"}, digest=given.digest(()))
    for spelling in ("dAy", "Day", "day"):
        request = RunRequest(parameters={spelling: "monday"})
        assert replace(given, request=request).asks_for(old)
    assert not replace(given, request=RunRequest(parameters={"day": "tuesday"})).asks_for(old)


def test_a_correlation_parameter_is_sent_once(world: World) -> None:
    """Policy, pipeline and request may write it in any case; the request id is its value."""
    world.submit("k", "Load", parameters={"Day": "monday", "REQUESTID": "mine"})
    (run,) = world.factory.runs.values()
    assert run.parameters == {"Day": "monday", "RequestId": "k"}


def test_a_repeat_in_another_case_is_answered_in_an_outage(world: World) -> None:
    """The kept declaration gives the spelling, where the pipeline cannot be asked."""
    world.submit("k", "Load", parameters={"day": "monday"})
    world.restart()
    world.declarations.remove(FACTORY_ID, "Load")
    world.clock.forward(3600)
    world.factory.before["get_pipeline"] = [Unavailable("down", status=503)] * 9
    assert world.submit("k", "load", parameters={"DAY": "monday"}).replayed


def test_a_correlation_parameter_is_sent_as_the_pipeline_declares_it_by_the_timer_too(world: World) -> None:
    """The declaration that an earlier process has kept is enough; the record's digest leaves the parameter out."""
    world.factory.fail_next("create_run", NotSent("no connection"))
    record = world.submit("k", "Load", parameters={"day": "monday"}).record
    assert record.parameters == {"Day": "monday"}
    world.restart()
    world.factory.before["get_pipeline"] = [Unavailable("down", status=503)] * 99
    for _ in range(20):
        world.tick(after=60)
    (run,) = world.factory.runs.values()
    assert run.parameters == {"Day": "monday", "RequestId": "k"}
    assert world.ledger.claim(record).stored.record.digest == record.digest
