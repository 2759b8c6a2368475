"""The state of a factory is shared by all instances: they read it, probe one at a time, and survive its loss."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from adf_trigger.errors import (
    AdfTriggerError,
    BadRequest,
    Forbidden,
    LedgerError,
    PipelineQueueFull,
)
from adf_trigger.service.calls.factory_states import LONGEST_REASON, FactoryStates
from adf_trigger.service.steps import logged_steps
from tests.support.faulty_ledger import FaultyNotes
from tests.support.world import FACTORY_ID, MovingClock


class Instances:
    """Two instances over the same notes."""

    def __init__(self) -> None:
        self.clock, self.notes = MovingClock(), FaultyNotes()
        self.one, self.other = (FactoryStates(self.notes, self.clock, logged_steps) for _ in range(2))

    def hold(self, error: AdfTriggerError | None = None) -> None:
        """The first one finds that a role is missing."""
        self.one.hold(FACTORY_ID, error or Forbidden("no role", status=403))


def test_what_one_instance_finds_the_others_see_within_a_second() -> None:
    """The state is kept in the ledger; it is read at most once a second."""
    both = Instances()
    assert both.other.of(FACTORY_ID) is None
    both.hold()
    both.clock.forward(1)
    state = both.other.of(FACTORY_ID)
    assert state == both.one.of(FACTORY_ID.upper())
    assert state is not None
    both.other.release(FACTORY_ID)
    both.clock.forward(1)
    assert both.one.of(FACTORY_ID) is None


def test_one_instance_at_a_time_probes() -> None:
    """The first instance has the probe; the next one is allowed later, and later each time, up to a minute."""
    both = Instances()
    both.hold()
    assert not both.one.may_probe(FACTORY_ID), "a call that was just refused is not repeated immediately"
    let_through = []
    for second in range(600):
        both.clock.forward(1)
        granted = [states.may_probe(FACTORY_ID) for states in (both.one, both.other)]
        assert granted.count(True) <= 1
        if any(granted):
            let_through.append(second)
    gaps = [later - earlier for earlier, later in pairwise(let_through)]
    assert gaps == sorted(gaps)
    assert (gaps[0] <= 15, gaps[-1]) == (True, 60)


def test_of_two_concurrent_probes_one_is_allowed() -> None:
    """The slot is taken by a conditional write."""
    both = Instances()
    both.hold()
    both.clock.forward(30)
    assert both.other.of(FACTORY_ID) is not None  # both know the same note
    assert both.one.of(FACTORY_ID) is not None
    assert [both.one.may_probe(FACTORY_ID), both.other.may_probe(FACTORY_ID)] == [True, False]


def test_trouble_that_returns_directly_keeps_its_beginning() -> None:
    """A probe that succeeds by chance does not reset the beginning of the trouble."""
    both = Instances()
    both.hold()
    began = both.clock()
    both.clock.forward(100)
    both.one.release(FACTORY_ID)
    assert both.one.of(FACTORY_ID) is None
    both.clock.forward(60)
    both.hold()
    state = both.one.of(FACTORY_ID)
    assert state is not None
    assert state.since == began
    both.one.release(FACTORY_ID)
    both.clock.forward(timedelta(hours=1).total_seconds())
    both.hold()
    later = both.one.of(FACTORY_ID)
    assert later is not None
    assert later.since == both.clock()


def test_a_retry_after_puts_the_probe_off_within_a_bound() -> None:
    """The requested wait is honoured, up to five minutes."""
    for asked, due in ((20, 20), (999_999_999, 300)):
        both = Instances()
        both.hold(Forbidden("no role", status=403, retry_after=asked))
        state = both.one.of(FACTORY_ID)
        assert state is not None
        assert state.next_probe_at - both.clock() == timedelta(seconds=due)


def test_a_long_reason_is_cut() -> None:
    """A note has limited room for texts that people read."""
    both = Instances()
    both.hold(Forbidden(f"{'x' * 5_000} no role", status=403))
    state = both.one.of(FACTORY_ID)
    assert state is not None
    assert len(state.because) == LONGEST_REASON
    assert state.because.endswith(" no role")


def test_a_ledger_out_of_reach_raises_nothing_and_the_known_state_stays() -> None:
    """The state is no reason to fail; what cannot be written is reported by the next call."""
    both = Instances()
    both.hold()
    known = both.one.of(FACTORY_ID)
    both.clock.forward(2)
    both.notes.before["get"] = [LedgerError("away")] * 9
    both.notes.before["put"] = [LedgerError("away")] * 9
    assert both.one.of(FACTORY_ID) == known
    both.one.release(FACTORY_ID)
    both.other.hold(FACTORY_ID, Forbidden("no role", status=403))
    assert both.other.may_probe(FACTORY_ID)
    both.clock.forward(30)
    assert not both.one.may_probe(FACTORY_ID)


@pytest.mark.parametrize("value", [{}, {"since": 7}, {"since": "2026-01-05T12:00:00+00:00", "kind": "news"}])
def test_a_note_of_another_version_is_no_state(value: dict[str, Any]) -> None:
    """After a rollback the next call finds the state again, and writes it over the note."""
    both = Instances()
    both.notes.put(FACTORY_ID, "state", value)
    assert both.one.of(FACTORY_ID) is None
    both.hold()
    assert both.one.of(FACTORY_ID) is not None


def test_a_refusal_of_a_request_holds_no_other() -> None:
    """It concerns that request alone."""
    both = Instances()
    both.one.hold(FACTORY_ID, BadRequest("wrong", status=400))
    both.one.hold(FACTORY_ID, PipelineQueueFull("full", status=400))
    assert both.one.of(FACTORY_ID) is None
    assert both.notes.named(FACTORY_ID) == []
