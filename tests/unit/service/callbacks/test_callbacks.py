"""Who waits for the end of a run is called back: each once, whatever comes between two steps, and nobody else."""

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


def test_the_end_is_told_in_the_tick_that_sees_it_and_the_address_is_erased(world: World) -> None:
    """Not before, once, and nothing is left of it."""
    world.submit(call_back_uri=URI)
    world.tick(after=15)
    assert world.called_back.calls == []
    assert [each.secret for each in kept(world)] == [URI]
    finished(world)
    world.tick(after=15)
    assert world.called_back.told == [(URI, "Succeeded")]
    assert kept(world) == []
    for _ in range(3):
        world.tick(after=3_600)
    assert len(world.called_back.calls) == 1


@pytest.mark.parametrize("status", ["Failed", "Cancelled"])
def test_another_end_is_told_as_well(world: World, status: str) -> None:
    """A run that failed, and one that was cancelled."""
    world.submit(call_back_uri=URI)
    finished(world, status=status)
    world.tick(after=15)
    assert world.called_back.told == [(URI, status)]


def test_a_request_that_is_rejected_later_is_told_with_its_reason(world: World) -> None:
    """At its start deadline, for instance."""
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
    """A retry of an activity brings another one, and is no other request; the same one is called once."""
    world.submit(call_back_uri=uri_of(1), parameters={"n": 1})
    assert world.submit(call_back_uri=uri_of(2), parameters={"n": 1}).replayed
    assert world.submit(call_back_uri=uri_of(2), parameters={"N": 1}).replayed
    assert world.submit(parameters={"n": 1}).replayed
    finished(world)
    world.tick(after=15)
    assert sorted(world.called_back.told) == [(uri_of(1), "Succeeded"), (uri_of(2), "Succeeded")]
    assert len(world.factory.runs) == 1


def test_who_comes_after_the_end_is_called_at_once(world: World) -> None:
    """Without a tick."""
    world.submit()
    finished(world)
    world.tick(after=15)
    assert world.submit(call_back_uri=URI).replayed
    assert world.called_back.told == [(URI, "Succeeded")]
    assert kept(world) == []


def test_a_tick_calls_who_could_not_be_called_at_once(world: World) -> None:
    """Whatever has kept it from that."""
    world.submit()
    finished(world)
    world.tick(after=15)
    world.called_back.answers[URI] = [PublishError("no answer")]
    world.submit(call_back_uri=URI)
    world.tick(after=15)
    assert world.called_back.told == [(URI, "Succeeded")] * 2
    assert kept(world) == []


def test_who_comes_while_the_run_ends_is_called(world: World) -> None:
    """Between the look at the record and the row: the next tick finds it."""
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
    assert world.called_back.told == [(URI, "Succeeded")]


def test_a_request_that_was_taken_never_lacks_its_callback(world: World) -> None:
    """It is kept before the claim: where it cannot be, nothing is taken."""
    world.notes.before["put"] = [LedgerError("down")]
    with pytest.raises(LedgerError):
        world.submit(call_back_uri=URI)
    assert world.ledger.get(FACTORY_ID, "key-1") is None
    assert world.factory.runs == {}


def test_who_is_refused_is_not_told_of_another_s_run(world: World) -> None:
    """The same key with another body: neither at once nor, where the row could not be removed, by a tick."""
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


def test_a_callback_whose_request_never_came_to_be_is_removed_after_a_while(world: World) -> None:
    """Its caller was killed, or heard that the ledger is down, and came again under another key."""
    world.ledger.before["claim"] = [LedgerError("down")]
    with pytest.raises(LedgerError):
        world.submit(call_back_uri=URI)
    world.tick(after=1_800)
    assert len(kept(world)) == 1
    world.tick(after=1_801)
    assert kept(world) == []
    assert world.called_back.calls == []


def test_a_request_that_comes_again_late_keeps_its_callback(world: World) -> None:
    """A message that waited for the ledger almost as long as a callback without a request is kept."""
    world.ledger.before["claim"] = [LedgerError("down")]
    with pytest.raises(LedgerError):
        world.submit(call_back_uri=URI)
    world.clock.forward(3_500)
    world.submit(call_back_uri=URI)
    finished(world)
    world.tick(after=200)
    assert world.called_back.told == [(URI, "Succeeded")]


def test_a_request_has_so_many_callbacks_and_the_next_one_is_refused(world: World) -> None:
    """Loudly: whoever waits is called."""
    for number in range(MOST_OF_A_REQUEST):
        world.submit(call_back_uri=uri_of(number))
    with pytest.raises(RequestConflict, match="callbacks wait"):
        world.submit(call_back_uri=uri_of(99))
    assert world.submit().replayed
    assert world.submit(call_back_uri=uri_of(0)).replayed
    assert len(kept(world)) == MOST_OF_A_REQUEST


def test_an_address_that_is_not_allowed_any_more_is_not_called(world: World) -> None:
    """The setting counts as it is when the call is made."""
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
    assert world.called_back.told == [(URI, "Succeeded")]


def test_a_wrong_address_is_named_with_every_other_fault_and_nothing_is_kept(world: World) -> None:
    """Also of a repeat, which would be answered without it."""
    with pytest.raises(InvalidRequest) as caught:
        world.submit(call_back_uri="https://evil.example/?sig=secret-part", parameters={"m": 1})
    assert {each.pointer for each in caught.value.faults} == {"/callBackUri", "/parameters/m"}
    assert "secret-part" not in str(caught.value.faults)
    world.submit(parameters={"n": 1})
    with pytest.raises(InvalidRequest):
        world.submit(parameters={"n": 1}, call_back_uri="https://evil.example/")
    assert kept(world) == []


def test_where_there_is_none_a_tick_reads_one_page_and_writes_nothing(world: World) -> None:
    """And a request without an address costs nothing more."""
    world.submit()
    read: list[str] = []
    named = world.notes.named

    def counting(scope: str, prefix: str = "") -> Any:
        read.append(prefix)
        return named(scope, prefix)

    world.notes.named = counting  # type: ignore[method-assign]
    world.tick(after=15)
    assert read.count(CALLBACKS) == 1


def test_many_that_wait_are_read_once_a_minute_and_when_something_has_ended(world: World) -> None:
    """A tick with nothing changed does not read what thousands wait for."""
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


def test_the_trouble_of_one_is_its_own(world: World) -> None:
    """A row that was changed meanwhile, or that another version has written, keeps no other from its call."""
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


def test_health_has_how_many_wait(world: World) -> None:
    """And nothing else of them."""
    world.submit(call_back_uri=URI)
    world.tick(after=15)
    tick = world.services.notes.get("app", "tick")
    assert tick is not None
    assert tick.value["callbacks"] == 1
    assert "secret-part" not in str(tick.value)
