"""Every waiting caller is called back once when the run ends, whatever happens between two steps, and no other is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import (
    BadRequest,
    InvalidRequest,
    LedgerConflict,
    LedgerError,
    PublishError,
    Refused,
    RequestConflict,
)
from adf_trigger.service.callbacks.callbacks import CALLBACKS, MOST_OF_A_REQUEST
from adf_trigger.service.callbacks.caller import MANY, READ_AGAIN
from adf_trigger.service.steps import logged_steps
from tests.support.callbacks import URI, finished, kept, uri_of
from tests.support.world import FACTORY_ID, World, settings


@pytest.fixture
def world() -> World:
    """A service with a pipeline."""
    world = World()
    world.factory.declare("load", n={"type": "Int", "defaultValue": 0})
    return world


def test_the_end_is_reported_in_the_tick_that_sees_it_and_the_address_is_erased(world: World) -> None:
    """The call is made once, not before the end, and nothing is left of the address."""
    world.submit(call_back_uri=URI)
    world.tick(after=15)
    assert world.called_back.calls == []
    assert [each.secret for each in kept(world)] == [URI]
    finished(world)
    world.tick(after=15)
    assert world.called_back.reported == [(URI, "Succeeded")]
    assert kept(world) == []
    for _ in range(3):
        world.tick(after=3_600)
    assert len(world.called_back.calls) == 1


@pytest.mark.parametrize("status", ["Failed", "Cancelled"])
def test_every_other_end_is_reported_as_well(world: World, status: str) -> None:
    """The run failed, or was cancelled."""
    world.submit(call_back_uri=URI)
    finished(world, status=status)
    world.tick(after=15)
    assert world.called_back.reported == [(URI, status)]


def test_a_later_rejection_is_reported_with_its_reason(world: World) -> None:
    """One cause is the start deadline."""
    world.factory.fail_next("create_run", BadRequest("no", status=400))
    with pytest.raises(Refused):
        world.submit(call_back_uri=URI)
    assert kept(world) == []
    world.factory.fail_next("create_run", BadRequest("no", status=400))
    world.submit("queued", source=Source.QUEUE, call_back_uri=uri_of(2))
    world.tick(after=15)
    (uri, event), *_ = world.called_back.calls
    assert (uri, event.data.status) == (uri_of(2), "Rejected")
    assert event.data.reason


def test_every_repeat_s_own_address_is_called(world: World) -> None:
    """A retried activity brings another address under the same request; an equal address is called once."""
    world.submit(call_back_uri=uri_of(1), parameters={"n": 1})
    assert world.submit(call_back_uri=uri_of(2), parameters={"n": 1}).replayed
    assert world.submit(call_back_uri=uri_of(2), parameters={"N": 1}).replayed
    assert world.submit(parameters={"n": 1}).replayed
    finished(world)
    world.tick(after=15)
    assert sorted(world.called_back.reported) == [(uri_of(1), "Succeeded"), (uri_of(2), "Succeeded")]
    assert len(world.factory.runs) == 1


def test_a_caller_that_comes_after_the_end_is_called_directly(world: World) -> None:
    """It needs no tick."""
    world.submit()
    finished(world)
    world.tick(after=15)
    assert world.submit(call_back_uri=URI).replayed
    assert world.called_back.reported == [(URI, "Succeeded")]
    assert kept(world) == []


def test_a_tick_makes_a_direct_call_that_failed(world: World) -> None:
    """This holds whatever prevented the direct call."""
    world.submit()
    finished(world)
    world.tick(after=15)
    world.called_back.answers[URI] = [PublishError("no answer")]
    world.submit(call_back_uri=URI)
    world.tick(after=15)
    assert world.called_back.reported == [(URI, "Succeeded")] * 2
    assert kept(world) == []


def test_a_caller_that_comes_while_the_run_ends_is_called(world: World) -> None:
    """The end comes between the read of the record and the write of the row: the next tick finds it."""
    world.submit()
    finished(world)

    @contextmanager
    def steps(name: str) -> Iterator[None]:
        if name == "callbacks.keep":
            world.steps = logged_steps
            world.tick(after=15)
        yield

    world.services.submitter._callbacks._steps = steps
    world.submit(call_back_uri=URI)
    world.tick(after=15)
    assert world.called_back.reported == [(URI, "Succeeded")]


def test_an_accepted_request_never_lacks_its_callback(world: World) -> None:
    """The callback is written before the claim: where that fails, the request is not accepted."""
    world.notes.before["put"] = [LedgerError("down")]
    with pytest.raises(LedgerError):
        world.submit(call_back_uri=URI)
    assert world.ledger.get(FACTORY_ID, "key-1") is None
    assert world.factory.runs == {}


def test_a_refused_caller_is_not_called_for_the_run_of_another(world: World) -> None:
    """It used the key with another body: neither the request nor, where the row stayed, a tick calls it."""
    world.submit(parameters={"n": 1})
    with pytest.raises(RequestConflict):
        world.submit(parameters={"n": 2}, call_back_uri=URI)
    assert kept(world) == []
    world.notes.before["remove"] = [LedgerError("down")]
    with pytest.raises(RequestConflict):
        world.submit(parameters={"n": 2}, call_back_uri=URI)
    assert len(kept(world)) == 1
    finished(world)
    world.tick(after=15)
    world.tick(after=15)
    assert world.called_back.calls == []
    assert kept(world) == []


def test_a_callback_without_a_request_is_removed_after_a_while(world: World) -> None:
    """Its caller was killed, or was answered that the ledger is down, and came again under another key."""
    world.ledger.before["claim"] = [LedgerError("down")]
    with pytest.raises(LedgerError):
        world.submit(call_back_uri=URI)
    world.tick(after=1_800)
    assert len(kept(world)) == 1
    world.tick(after=1_801)
    assert kept(world) == []
    assert world.called_back.calls == []


def test_a_request_that_comes_again_late_keeps_its_callback(world: World) -> None:
    """A message may wait for the ledger almost as long as a callback without a request is kept."""
    world.ledger.before["claim"] = [LedgerError("down")]
    with pytest.raises(LedgerError):
        world.submit(call_back_uri=URI)
    world.clock.forward(3_500)
    world.submit(call_back_uri=URI)
    finished(world)
    world.tick(after=200)
    assert world.called_back.reported == [(URI, "Succeeded")]


def test_a_request_has_a_bounded_number_of_callbacks_and_the_next_one_is_refused(world: World) -> None:
    """The refusal is an error: an accepted callback is always called."""
    for number in range(MOST_OF_A_REQUEST):
        world.submit(call_back_uri=uri_of(number))
    with pytest.raises(RequestConflict, match="callbacks wait"):
        world.submit(call_back_uri=uri_of(99))
    assert world.submit().replayed
    assert world.submit(call_back_uri=uri_of(0)).replayed
    assert len(kept(world)) == MOST_OF_A_REQUEST


def test_an_address_that_is_no_longer_allowed_is_not_called(world: World) -> None:
    """The setting applies as it is when the call is made."""
    world.submit(call_back_uri=URI)
    finished(world)
    world.settings = settings(ADF_TRIGGER_CALLBACK_HOSTS="[]")
    world.restart()
    world.tick(after=15)
    assert world.called_back.calls == []
    assert len(kept(world)) == 1
    world.settings = settings()
    world.restart()
    world.tick(after=15)
    assert world.called_back.reported == [(URI, "Succeeded")]


def test_a_wrong_address_is_reported_with_every_other_fault_and_nothing_is_kept(world: World) -> None:
    """This also holds for a repeat, which would be answered without it."""
    with pytest.raises(InvalidRequest) as caught:
        world.submit(call_back_uri="https://evil.example/?sig=secret-part", parameters={"m": 1})
    assert {each.pointer for each in caught.value.faults} == {"/callBackUri", "/parameters/m"}
    assert "secret-part" not in str(caught.value.faults)
    world.submit(parameters={"n": 1})
    with pytest.raises(InvalidRequest):
        world.submit(parameters={"n": 1}, call_back_uri="https://evil.example/")
    assert kept(world) == []


def test_without_callbacks_a_tick_reads_one_page_and_writes_nothing(world: World) -> None:
    """A request without an address costs no additional call."""
    world.submit()
    read: list[str] = []
    named = world.notes.named

    def counting(scope: str, prefix: str = "") -> Any:
        read.append(prefix)
        return named(scope, prefix)

    world.notes.named = counting  # type: ignore[method-assign]
    world.tick(after=15)
    assert read.count(CALLBACKS) == 1


def test_many_waiting_callbacks_are_read_once_a_minute_and_when_a_run_has_ended(world: World) -> None:
    """A tick in which nothing changed does not read thousands of waiting callbacks."""
    for number in range(MANY // MOST_OF_A_REQUEST):
        for each in range(MOST_OF_A_REQUEST):
            world.submit(f"key-{number}", call_back_uri=uri_of(number * 1_000 + each))
        world.clock.forward(1)
    read: list[str] = []
    named = world.notes.named

    def counting(scope: str, prefix: str = "") -> Any:
        read.append(prefix)
        return named(scope, prefix)

    world.notes.named = counting  # type: ignore[method-assign]
    world.tick(after=15)
    for _ in range(3):
        world.tick(after=15)
    assert read.count(CALLBACKS) == 1
    world.tick(after=READ_AGAIN)
    assert read.count(CALLBACKS) == 2
    finished(world, "key-3")
    world.tick(after=15)
    assert read.count(CALLBACKS) == 3
    assert len(world.called_back.calls) == MOST_OF_A_REQUEST


def test_a_faulty_row_delays_no_other_callback(world: World) -> None:
    """It was changed meanwhile, or was written by another version."""
    for number in range(3):
        world.submit(f"key-{number}", call_back_uri=uri_of(number))
        finished(world, f"key-{number}")
    world.notes.put(FACTORY_ID, f"{CALLBACKS}odd", {"request": 1})
    world.tick()
    world.clock.forward(15)
    world.notes.before["put"] = [LedgerConflict("changed")]
    world.tick()
    for _ in range(2):
        world.tick(after=60)
    assert {uri for uri, _ in world.called_back.calls} == {uri_of(number) for number in range(3)}


def test_health_shows_how_many_wait(world: World) -> None:
    """It shows nothing else of them."""
    world.submit(call_back_uri=URI)
    world.tick(after=15)
    tick = world.services.notes.get("app", "tick")
    assert tick is not None
    assert tick.value["callbacks"] == 1
    assert "secret-part" not in str(tick.value)
