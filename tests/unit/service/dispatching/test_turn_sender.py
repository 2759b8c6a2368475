"""How a factory's turn sends a request: with one call, after its gate and its pilot, and only within the turn."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from adf_trigger.errors import BadRequest, NotSent, PipelineQueueFull, UnknownOutcome
from adf_trigger.ledger.port import Stored
from adf_trigger.service.calls.allowance import Allowance
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.gate import Wait
from adf_trigger.service.calls.permits import Permit
from adf_trigger.service.calls.throttling import Bucket
from adf_trigger.service.dispatching.dispatch_turn import Turn
from adf_trigger.service.dispatching.reconcile import Sightings
from adf_trigger.service.dispatching.turn_sender import TurnSender
from adf_trigger.service.recording.records import Records
from tests.support.holding import hold
from tests.support.world import FACTORY_ID, STARTED, World

FULL = PipelineQueueFull("There are 100 runs waiting.", status=400, code="BadRequest")


@dataclass
class AskedGate:
    """Reports whether runs may be started, and counts the calls: each may take the single probe."""

    wait: Wait | None = None
    asked: int = 0

    def wait_to_send(self, _: object) -> Wait | None:
        """See Gate."""
        self.asked += 1
        return self.wait

    def next_try(self, _: object) -> Wait | None:
        """See Gate."""
        return self.wait


class AskedAllowance(Allowance):
    """Allows every call, and notes which were taken."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[Bucket] = []
        self.asked = 0

    def take(self, factory: str, bucket: Bucket, *, patience: float = 0.0, reserved: bool = False) -> bool:
        """See Allowance."""
        assert (factory, patience >= 0, reserved) == (FACTORY_ID, True, True)
        self.taken.append(bucket)
        self.asked += 1
        return True

    def give_back(self, factory: str, bucket: Bucket, *, reserved: bool = False) -> None:
        """See Allowance."""
        assert (factory, bucket, reserved) == (FACTORY_ID, self.taken.pop(), True)


@dataclass
class Places:
    """Leases a request that has a place."""

    records: Records | None

    def lease(self, stored: Stored, **_: Any) -> Stored | None:
        """See Admission."""
        return None if self.records is None else self.records.lease_to_send(stored)


class Pilot:
    """Counts those that wait until the first has shown whether runs can be started."""

    def __init__(self) -> None:
        self.held = 0

    def __enter__(self) -> None:
        self.held += 1

    def __exit__(self, *_: object) -> None: ...


class Sends(World):
    """Two requests that wait, and a sender whose gate counts."""

    gate: AskedGate

    def sender(self) -> TurnSender:
        """The sender of this service's dispatcher."""
        sender = self.services.tick._parts.dispatcher._sender
        sender._gate = self.gate  # type: ignore[assignment] # the part of it that is used
        return sender

    def waiting(self, key: str) -> Stored:
        """A request that was not sent yet."""
        stored = self.ledger.get(FACTORY_ID, key)
        assert stored is not None
        return stored

    def send(self, turn: Turn, key: str = "key-1", permit: Permit | None = None, **doubt: Any) -> bool:
        """Send one in a turn; whether it was sent."""
        factory = self.services.factories.choose(None)
        doubt.setdefault("in_doubt_since", None)
        return self.sender().send(factory, self.waiting(key), turn, permit, **doubt)


@pytest.fixture
def world() -> Sends:
    """Both were postponed."""
    world = Sends()
    world.gate = AskedGate()
    world.factory.declare("load")
    for key in ("key-1", "key-2"):
        world.factory.fail_next("create_run", NotSent("down"))
        world.submit(key)
    world.factory.calls.clear()
    return world


def a_turn(calls: int = 10, allowance: Allowance | None = None) -> Turn:
    """A turn that has just begun."""
    return Turn(Budget(calls, allowance=allowance, factory=FACTORY_ID), Sightings())


def test_where_no_call_is_left_no_more_are_sent_in_the_turn(world: Sends) -> None:
    """The request is unchanged, and later ones wait, too."""
    turn, before = a_turn(calls=0), world.waiting("key-1")
    assert world.send(turn) is False
    assert turn.sending is False
    assert world.waiting("key-1") == before
    assert world.gate.asked == 0


def test_a_turn_that_sends_no_more_takes_no_call_and_no_probe(world: Sends) -> None:
    """It takes none for a request that has a permit, nor for one that has none."""
    allowance = AskedAllowance()
    turn = a_turn(allowance=allowance)
    turn.sending = False
    assert world.send(turn) is False
    with Permit(lambda: None) as permit:
        assert world.send(turn, permit=permit) is False
    assert (allowance.asked, world.gate.asked, world.factory.calls) == (0, 0, [])


@pytest.mark.parametrize("is_proven", [True, False])
def test_a_request_without_a_permit_takes_one_write_of_the_turns_budget(
    world: Sends, *, is_proven: bool
) -> None:
    """A request that has one takes none."""
    allowance = AskedAllowance()
    turn = a_turn(allowance=allowance)
    turn.proven = is_proven
    with Permit(lambda: None) as permit:
        assert world.send(turn, "key-2", permit) is True
    assert allowance.asked == 0
    turn.proven = is_proven
    assert world.send(turn) is True
    assert (allowance.taken, allowance.asked) == ([Bucket.WRITES], 1)
    assert {world.status("key-1"), world.status("key-2")} <= STARTED


def test_the_gate_is_asked_once_a_turn(world: Sends) -> None:
    """It may allow one request as a probe, which a second question would refuse."""
    turn = a_turn()
    assert [world.send(turn, key) for key in ("key-1", "key-2")] == [True, True]
    assert world.gate.asked == 1


@pytest.mark.parametrize("has_place", [True, False])
def test_a_request_without_a_place_is_not_sent_and_the_turn_continues(
    world: Sends, *, has_place: bool
) -> None:
    """Its call is given to the next one."""
    turn = a_turn()
    sender = world.sender()
    records = sender._records
    place = Places(records if has_place else None)
    sender._admission = place  # type: ignore[assignment] # the part of it that is used
    assert world.send(turn) is has_place
    assert turn.sending is True
    assert turn.budget.left == 10 - has_place
    assert world.factory.calls.count("create_run") == has_place


def test_where_the_gate_says_wait_nothing_is_sent_in_the_turn(world: Sends) -> None:
    """The call is given back."""
    world.gate.wait = Wait(world.clock() + timedelta(seconds=60), "left alone")
    turn = a_turn()
    assert world.send(turn) is False
    assert turn.sending is False
    assert world.send(turn, "key-2") is False
    assert (turn.proven, turn.budget.left) == (False, 10)
    assert world.factory.calls == []


@pytest.mark.parametrize(
    ("error", "proven", "sending"),
    [
        (None, True, True),
        (BadRequest("it is wrong", status=400), True, True),
        (FULL, True, True),
        (NotSent("down"), False, False),
        (UnknownOutcome("no answer"), False, False),
    ],
)
def test_a_turn_continues_where_a_request_has_shown_that_runs_can_be_started(
    world: Sends, error: Exception | None, *, proven: bool, sending: bool
) -> None:
    """Any answer about the request itself shows that; one about the factory, or none, ends the turn."""
    if error is not None:
        world.factory.fail_next("create_run", error)
    turn = a_turn()
    assert world.send(turn) is True
    assert (turn.proven, turn.sending) == (proven, sending)
    assert turn.full == ({"load"} if error is FULL else set())


def test_a_refused_request_ends_with_the_reason(world: Sends) -> None:
    """It is published in the same tick."""
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    turn = a_turn()
    world.send(turn)
    (ended,) = turn.ended
    assert (ended.record.status, ended.record.message) == ("Rejected", "Data Factory refused it: it is wrong")


def test_the_others_wait_for_the_first_until_it_has_shown_whether_runs_can_be_started(world: Sends) -> None:
    """After that none waits."""
    turn = a_turn()
    pilot = Pilot()
    turn.pilot = pilot  # type: ignore[assignment] # counts
    world.send(turn)
    assert (pilot.held, turn.proven) == (1, True)
    world.send(turn, "key-2")
    assert pilot.held == 1


@pytest.mark.parametrize("is_proven", [True, False])
def test_the_doubt_of_an_earlier_call_outlasts_one_that_was_not_made(
    world: Sends, *, is_proven: bool
) -> None:
    """This holds for whichever request of the turn comes first."""
    turn = a_turn()
    turn.proven = is_proven
    world.factory.fail_next("create_run", NotSent("down"))
    since: datetime = world.clock() - timedelta(seconds=30)
    world.send(turn, in_doubt_since=since)
    assert world.waiting("key-1").record.sent_at == since


def test_a_request_that_is_held_at_the_last_look_does_not_end_the_turn(world: Sends) -> None:
    """Another pipeline may be free, or the next key."""
    turn = a_turn()
    hold(world)
    world.clock.forward(2)
    assert world.send(turn) is True
    assert world.waiting("key-1").record.held is not None
    assert (turn.sending, turn.proven, turn.budget.left) == (True, False, 10)
    assert world.factory.calls == []
