"""The trouble of one record, of any kind, prevents no other from being started, published or purged."""

import logging

import pytest

from adf_trigger.errors import BadRequest, InvalidRequest, LedgerError, NotSent, PublishError, UnreadableRow
from adf_trigger.service.troubles import Troubles
from tests.support.faulty_ledger import TroubledLedger
from tests.support.world import STARTED, World

MANY = 30
BAD = [f"bad-{number:02d}" for number in range(MANY)]


@pytest.fixture
def ledger() -> TroubledLedger:
    """The ledger."""
    return TroubledLedger()


@pytest.fixture
def world(ledger: TroubledLedger) -> World:
    """A service whose factory has a pipeline `load`."""
    world = World(ledger=ledger)
    world.factory.declare("load", x={"type": "Object", "defaultValue": {}})
    return world


def waiting(world: World, keys: list[str]) -> None:
    """Requests that were accepted while nothing could be sent."""
    world.factory.always["create_run"] = NotSent("no route")
    for key in keys:
        world.submit(key)
    world.factory.always.clear()


@pytest.mark.parametrize(
    "trouble",
    [
        UnreadableRow("a row of the ledger cannot be understood"),
        LedgerError("this one times out"),
        ValueError("a bug"),
        KeyError("another one"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_unaffected_request_is_started_in_the_same_tick(
    world: World, ledger: TroubledLedger, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Thirty records that cannot be processed stand before it; each is named in the log."""
    waiting(world, [*BAD, "innocent"])
    ledger.unreadable.update(dict.fromkeys(BAD, trouble))
    with caplog.at_level(logging.ERROR):
        world.tick(after=61)
    assert world.status("innocent") in STARTED
    named = {
        vars(record).get("request_id")
        for record in caplog.records
        if vars(record).get("action") == "dispatch_record_failed"
    }
    assert named >= set(BAD)


def test_a_request_that_cannot_be_encoded_is_rejected_and_the_next_one_is_sent(world: World) -> None:
    """Its record ends, with its event; it does not end the tick."""
    waiting(world, [*BAD, "innocent"])
    for _ in BAD:
        world.factory.fail_next("create_run", InvalidRequest([]))
    world.tick(after=61)
    assert {world.status(key) for key in BAD} == {"Rejected"}
    assert world.status("innocent") in STARTED
    assert {event.subject for event in world.outbox.events} == set(BAD)


def test_a_refused_request_is_rejected_and_the_next_one_is_sent(world: World) -> None:
    """A refusal is about one request."""
    waiting(world, [*BAD, "innocent"])
    for _ in BAD:
        world.factory.fail_next("create_run", BadRequest("wrong", status=400))
    world.tick(after=61)
    assert world.status("innocent") in STARTED


@pytest.mark.parametrize("trouble", [PublishError("too large"), ValueError("a bug")])
def test_an_event_that_cannot_be_sent_delays_no_other(world: World, trouble: Exception) -> None:
    """The next run's event goes out in the same tick; the failed one is sent when it can be."""
    for key in ("first", "second"):
        world.submit(key)
        world.factory.finish(world.services.query.find(key).run_id)
    world.outbox.before.append(trouble)
    world.tick(after=15)
    assert [event.subject for event in world.outbox.events] == ["second"]
    world.tick(after=100)
    assert {event.subject for event in world.outbox.events} == {"first", "second"}


def test_an_ended_record_that_cannot_be_read_delays_no_event(world: World, ledger: TroubledLedger) -> None:
    """Its neighbours are published."""
    for key in [*BAD, "innocent"]:
        world.submit(key)
        world.factory.finish(world.services.query.find(key).run_id)
    world.outbox.before.extend(PublishError("away") for _ in [*BAD, "innocent"])
    world.tick(after=15)
    ledger.unreadable.update(dict.fromkeys(BAD, UnreadableRow("what is this")))
    world.tick(after=100)
    assert {event.subject for event in world.outbox.events} == {"innocent"}


def test_a_record_that_grows_too_large_affects_itself_alone(world: World) -> None:
    """A write that fails for one request is logged, and the next one is started."""
    waiting(world, ["bad", "innocent"])
    world.ledger.before["save"] = [UnreadableRow("too large to keep")]
    world.tick(after=61)
    assert world.status("innocent") in STARTED


def test_storage_that_does_not_answer_ends_the_part_after_a_while() -> None:
    """A ledger out of reach is not waited for once per record."""
    troubles = Troubles("dispatch", patience=0.0)
    with pytest.raises(LedgerError), troubles.of("first"):
        raise LedgerError("away")
    patient = Troubles("dispatch")
    for _ in range(100):
        with patient.of("first"):
            raise LedgerError("away")


def test_a_killed_process_is_not_kept_running() -> None:
    """Only errors are a record's trouble."""
    troubles = Troubles("dispatch")
    with pytest.raises(KeyboardInterrupt), troubles.of("first"):
        raise KeyboardInterrupt
