"""Places under contention: one thread of a process at a time, and a new attempt where another host was faster."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import pytest

from adf_trigger.errors import BadRequest, LedgerConflict, TryLater
from adf_trigger.ledger.memory import MemoryLedger
from adf_trigger.ledger.places import name_of
from adf_trigger.ledger.records import RunState
from adf_trigger.service.admission.contention import LONGEST_PAUSE, MOST_TRIES, Contention
from tests.contracts.ledger_records import a_record
from tests.support.admitted import a_world, found, seen_to_end, start
from tests.support.world import FACTORY_ID

NAME = name_of("load", "parameters.customer", '"A"')


def contention(
    ledger: MemoryLedger | None = None, *, lock_wait: float = 60
) -> tuple[Contention, list[float]]:
    """Contention of one process, and the pauses between its attempts."""
    pauses: list[float] = []
    return Contention(ledger or MemoryLedger(), pauses.append, lock_wait=lock_wait), pauses


def losing(times: int, then: Callable[[], str] = lambda: "written") -> Callable[[], str]:
    """An attempt that loses a number of races before it wins."""
    left = iter([True] * times)

    def attempt() -> str:
        if next(left, False):
            raise LedgerConflict("another host was faster")
        return then()

    return attempt


def test_an_attempt_that_loses_is_repeated_after_a_short_pause() -> None:
    """The last attempt may still win."""
    tried, pauses = contention()
    assert tried.tried(NAME, losing(MOST_TRIES - 1)) == "written"
    assert len(pauses) == MOST_TRIES - 1
    assert all(0 <= pause <= LONGEST_PAUSE for pause in pauses)


def test_a_request_that_loses_every_race_is_asked_to_come_again() -> None:
    """It is given a time to wait."""
    tried, _ = contention()
    with pytest.raises(
        TryLater, match="its places are being taken by others; nothing was kept of it"
    ) as raised:
        tried.tried(NAME, losing(MOST_TRIES))
    assert raised.value.retry_after == 2.0


def test_a_record_that_was_changed_meanwhile_is_not_written_again() -> None:
    """The conflict is the record's own, and no further attempt could win; a removed record counts as changed."""
    ledger = MemoryLedger()
    stored = ledger.claim(a_record(FACTORY_ID)).stored
    tried, pauses = contention(ledger)
    assert tried.tried(NAME, losing(1), of=stored) == "written"
    changed = ledger.save(stored, replace(stored.record, message="changed"))
    with pytest.raises(LedgerConflict):
        tried.tried(NAME, losing(1), of=stored)
    ledger.release(changed)
    with pytest.raises(LedgerConflict):
        tried.tried(NAME, losing(1), of=changed)
    assert len(pauses) == 1


@contextmanager
def another_thread_has(held: Contention, name: str) -> Iterator[None]:
    """Have another thread of the process change places meanwhile."""
    taken, over = threading.Event(), threading.Event()

    def hold() -> str:
        taken.set()
        assert over.wait(60)
        return ""

    holder = threading.Thread(target=held.tried, args=(name, hold))
    holder.start()
    try:
        assert taken.wait(60)
        yield
    finally:
        over.set()
        holder.join()


def test_threads_that_wait_for_the_same_places_give_up_in_time() -> None:
    """A request whose lock takes too long is asked to come again, without an attempt."""
    tried, _ = contention(lock_wait=0.05)
    with (
        another_thread_has(tried, NAME),
        pytest.raises(TryLater, match="its places are being taken by others"),
    ):
        tried.tried(NAME, losing(0))
    assert tried.tried(NAME, losing(0)) == "written"


def test_other_places_are_changed_concurrently() -> None:
    """A change of places may change them again within itself, since the lock belongs to the thread."""
    tried, _ = contention(lock_wait=0.05)
    other = f"{(int(NAME[:8], 16) + 1) % 2**32:08x}{NAME[8:]}"
    with another_thread_has(tried, NAME):
        nested = losing(0, lambda: tried.tried(other, losing(0)))
        assert tried.tried(other, nested) == "written"


def test_a_request_that_another_process_has_cancelled_is_not_admitted_by_a_second_attempt() -> None:
    """Its own record was changed, not its places: the late attempt leaves it immediately."""
    world = a_world()
    start(world, "a-1")
    start(world, "a-2")
    seen_to_end(world, "a-1")
    late = world.ledger.get(FACTORY_ID, "a-2")
    assert late is not None
    world.cancel("a-2")
    with pytest.raises(LedgerConflict) as caught:
        world.services.submitter._admission.lease(late)
    assert caught.value.__cause__ is None


def test_a_rejected_request_that_another_process_has_replaced_is_not_replaced_again() -> None:
    """Its key is taken again: the late attempt finds the new request."""
    world = a_world()
    world.factory.fail_next("create_run", BadRequest("no", code="BadRequest", status=400))
    with pytest.raises(BadRequest):
        start(world, "a-1")
    late = world.ledger.get(FACTORY_ID, "a-1")
    assert late is not None
    replaced = start(world, "a-1")
    again = replace(late.record, run_id=uuid4(), state=RunState.ACCEPTED, status="Accepted", ended_at=None)
    with pytest.raises(LedgerConflict):
        world.services.submitter._admission.reclaim(late, again, to_send=False)
    assert found(world, "a-1") == replaced
