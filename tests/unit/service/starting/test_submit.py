"""Submitting requests, on memory adapters."""

import logging
from collections.abc import Callable

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import (
    BadRequest,
    InvalidRequest,
    LedgerError,
    NotFound,
    NotSent,
    RequestConflict,
    ResourceNotFound,
    Throttled,
    TryLater,
    Unavailable,
)
from adf_trigger.ledger.records import RunState
from tests.support.memory_factory import LOST_REPLY
from tests.support.world import FACTORY_ID, STARTED, World

pytestmark = pytest.mark.untraced

STRING = {"type": "String"}


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline `load` without parameters."""
    world = World()
    world.factory.declare("load")
    return world


def test_a_request_starts_one_run_under_the_id_that_was_chosen_before(world: World) -> None:
    """The record holds Data Factory's runId, which is the GUID that createRun was given."""
    submitted = world.submit()
    assert not submitted.replayed
    assert submitted.record.state is RunState.SUBMITTED
    assert list(world.factory.runs) == [submitted.record.run_id]


def test_the_same_request_again_gets_the_same_run(world: World) -> None:
    """A repeat of key and body starts nothing and is marked as a repeat."""
    first = world.submit(parameters={})
    again = world.submit(parameters={}, correlation_id="labels do not count")
    assert again.replayed
    assert again.record.run_id == first.record.run_id
    assert len(world.factory.runs) == 1


def test_another_body_under_the_same_key_is_a_conflict(world: World) -> None:
    """A key names one request."""
    world.factory.declare("load", day={"type": "String", "defaultValue": "x"})
    world.submit(parameters={"day": "monday"})
    with pytest.raises(RequestConflict):
        world.submit(parameters={"day": "tuesday"})
    assert len(world.factory.runs) == 1


def test_wrong_parameters_are_all_reported_before_anything_is_claimed(world: World) -> None:
    """Missing, undeclared and mistyped parameters are named together, and the key stays free."""
    world.factory.declare("load", day=STRING, count={"type": "int"}, flag={"type": "Bool"})
    with pytest.raises(InvalidRequest) as caught:
        world.submit(parameters={"Day": 3, "flag": 1, "extra": "x"})
    assert {fault.pointer for fault in caught.value.faults} == {
        "/parameters/count",
        "/parameters/Day",
        "/parameters/flag",
        "/parameters/extra",
    }
    with pytest.raises(NotFound):
        world.services.query.find("key-1")


def test_a_request_is_checked_against_the_current_pipeline(world: World) -> None:
    """A parameter that was published a moment ago is not refused because of a cached declaration."""
    world.submit("before")
    world.factory.declare("load", day=STRING)
    world.clock.forward(10)
    assert world.submit("after", parameters={"day": "monday"}).record.state is RunState.SUBMITTED


def test_an_unknown_pipeline_is_reported_and_nothing_is_kept(world: World) -> None:
    """A request for a pipeline that does not exist leaves no claim behind."""
    with pytest.raises(ResourceNotFound):
        world.submit(pipeline="nowhere")
    assert world.ledger.active(FACTORY_ID) == []


def test_a_refusal_frees_the_key_for_a_corrected_request(world: World) -> None:
    """The refusal is raised, and the same key may be used for another request."""
    world.factory.fail_next("create_run", BadRequest("wrong", status=400, code="BadRequest"))
    with pytest.raises(BadRequest):
        world.submit(metadata={"try": "1"})
    assert world.submit().record.state is RunState.SUBMITTED


def test_a_refused_message_is_recorded_as_rejected(world: World) -> None:
    """The sender of a message cannot be answered, so its refusal is kept to be published."""
    world.factory.fail_next("create_run", BadRequest("wrong", status=400, code="BadRequest"))
    record = world.submit(source=Source.QUEUE).record
    assert (record.state, record.status) == (RunState.ENDED, "Rejected")


@pytest.mark.parametrize(
    "error", [Throttled("slow down", retry_after=20), NotSent("no route")], ids=["throttled", "not sent"]
)
def test_a_request_that_was_not_sent_is_accepted_and_started_later(
    world: World, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Throttling or an outage delays a request, not its caller."""
    world.factory.fail_next("create_run", error)
    with caplog.at_level(logging.INFO):
        record = world.submit().record
    assert (record.state, record.status) == (RunState.ACCEPTED, "Accepted")
    assert "request_postponed" in [getattr(each, "action", "") for each in caplog.records]
    world.tick(after=21)
    assert world.status() in STARTED
    assert len(world.factory.runs) == 1


def test_while_data_factory_asks_for_a_pause_nothing_is_sent(world: World) -> None:
    """A second request within a Retry-After is accepted without a call, and started after it."""
    world.factory.fail_next("create_run", Throttled("slow down", retry_after=30))
    world.submit("one")
    world.submit("two")
    assert world.factory.calls.count("create_run") == 1
    world.tick(after=5)
    assert world.factory.calls.count("create_run") == 1
    world.tick(after=30)
    assert len(world.factory.runs) == 2


def test_a_lost_reply_is_accepted_and_its_run_adopted(world: World) -> None:
    """A run whose createRun reply was lost is found by its id; nothing is sent a second time."""
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    record = world.submit().record
    assert record.status == "Accepted"
    world.tick(after=10)
    assert world.status() in ("Queued", "InProgress")
    assert world.factory.calls.count("create_run") == 1
    assert list(world.factory.runs) == [record.run_id]


def test_secret_values_are_neither_kept_nor_needed_by_the_digest(world: World) -> None:
    """The value of a SecureString is in no record, and still distinguishes two requests."""
    world.factory.declare("load", password={"type": "secureString"})
    record = world.submit(parameters={"password": "hunter2-hunter2"}).record
    assert "hunter2" not in repr(record)
    assert record.secure_parameters == ("password",)
    assert world.factory.runs[record.run_id].parameters == {"password": "hunter2-hunter2"}
    assert world.submit(parameters={"password": "hunter2-hunter2"}).replayed
    with pytest.raises(RequestConflict):
        world.submit(parameters={"password": "something else"})


def test_in_an_outage_a_known_pipeline_is_accepted_and_an_unknown_one_only_without_parameters(
    world: World,
) -> None:
    """Parameters that may be secret are not written before their types are known."""
    world.factory.declare("load", day={**STRING, "defaultValue": "today"})
    outage = Unavailable("down", status=503)
    world.factory.fail_next("get_pipeline", outage)
    with pytest.raises(TryLater):
        world.submit("cold", parameters={"day": "x"})
    world.factory.fail_next("get_pipeline", outage)
    world.factory.fail_next("create_run", NotSent("down"))
    assert world.submit("bare").record.status == "Accepted"
    world.submit("warm", parameters={"day": "x"})
    world.clock.forward(3600)
    world.factory.fail_next("get_pipeline", outage)
    world.factory.fail_next("create_run", NotSent("down"))
    assert world.submit("remembered", parameters={"day": "y"}).record.status == "Accepted"


def test_a_record_that_cannot_be_written_after_create_run_is_reconciled(world: World) -> None:
    """When the ledger fails between createRun and its record, the run is adopted and not doubled."""
    world.ledger.before["save"] = [LedgerError("the table is away")]
    record = world.submit().record
    assert record.status == "Accepted"
    world.tick(after=200)
    assert world.services.query.find("key-1").state is RunState.SUBMITTED
    assert list(world.factory.runs) == [record.run_id]


def republished(world: World) -> None:
    """The pipeline now declares other parameters."""
    world.factory.declare("load", other={"type": "Int"})


def deleted(world: World) -> None:
    """The pipeline is deleted."""
    del world.factory.pipelines["load"]


def secured(world: World) -> None:
    """The parameter is now a SecureString."""
    world.factory.declare("load", day={"type": "SecureString"})


def out_of_reach(world: World) -> None:
    """The parameter is a SecureString, and Data Factory does not answer."""
    secured(world)
    world.submit("another", parameters={"day": "x"})
    world.clock.forward(3600)
    world.factory.fail_next("get_pipeline", Unavailable("down", status=503))
    world.factory.fail_next("get_pipeline", Unavailable("down", status=503))


@pytest.mark.parametrize("source", list(Source))
@pytest.mark.parametrize("change", [republished, deleted, secured, out_of_reach])
def test_a_repeat_is_answered_whatever_has_happened_to_the_pipeline(
    world: World, change: Callable[[World], None], source: Source
) -> None:
    """An accepted request stays accepted: a second delivery is no refusal of an active run."""
    world.factory.declare("load", day=STRING)
    first = world.submit(parameters={"day": "monday"}, source=source)
    world.clock.forward(3600)
    change(world)
    again = world.submit(parameters={"day": "monday"}, source=source)
    assert (again.replayed, again.record.run_id) == (True, first.record.run_id)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (republished, InvalidRequest),
        (deleted, ResourceNotFound),
        (secured, RequestConflict),
        (out_of_reach, TryLater),
    ],
)
def test_another_body_under_a_key_is_not_a_repeat(
    world: World, change: Callable[[World], None], error: type[Exception]
) -> None:
    """Its faults are reported."""
    world.factory.declare("load", day=STRING)
    world.submit(parameters={"day": "monday"})
    world.clock.forward(3600)
    change(world)
    with pytest.raises(error):
        world.submit(parameters={"day": "tuesday"})


def test_a_rejected_message_is_not_a_repeat(world: World) -> None:
    """It has started nothing, so the same message again gets its present faults."""
    world.factory.declare("load", day=STRING)
    world.factory.fail_next("create_run", BadRequest("wrong", status=400, code="BadRequest"))
    world.submit(parameters={"day": "monday"}, source=Source.QUEUE)
    world.tick()
    world.clock.forward(3600)
    deleted(world)
    with pytest.raises(ResourceNotFound):
        world.submit(parameters={"day": "monday"}, source=Source.QUEUE)
