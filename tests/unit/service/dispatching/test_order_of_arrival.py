"""A waiting request is started before later ones, whatever happens between two steps of those that meet."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pytest

from adf_trigger.contracts import RunRequest
from adf_trigger.errors import CredentialError, Forbidden, ScopeLocked, TryLater
from adf_trigger.ledger.notes import Note
from adf_trigger.ledger.places import KeptPlaces
from adf_trigger.ledger.port import Claim, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.service.starting.backlog import NOTE
from adf_trigger.service.submission import Submission
from tests.support.faulty_ledger import FaultyLedger, FaultyNotes
from tests.support.held_up import HeldUp
from tests.support.world import FACTORY_ID
from tests.unit.service.starting.test_backlog import BURST, Bucketed, Busy, a_world

pytestmark = pytest.mark.untraced

STARTED = 3
"""Requests that are started before the others have to wait."""

Meanwhile = Callable[[], object]


class Between:
    """The points before and after each access to storage, at one of which a callback runs."""

    def __init__(self) -> None:
        self.count = 0
        self._at: int | None = None
        self._meanwhile: Meanwhile = lambda: None

    def at(self, point: int, meanwhile: Meanwhile) -> None:
        """Run a callback at the point of a number, counted from now on."""
        self.count, self._at, self._meanwhile = 0, point, meanwhile

    def __call__(self) -> None:
        """Such a point."""
        here, self.count = self.count, self.count + 1
        if here == self._at:
            self._at = None
            self._meanwhile()

    @contextmanager
    def around(self) -> Iterator[None]:
        """The point before an access and the one after it."""
        self()
        yield
        self()


class SharedLedger(FaultyLedger):
    """A ledger in memory on which others may act at each point."""

    between: Between

    def active(self, factory: str) -> Sequence[ActiveRun]:
        """See Ledger."""
        with self.between.around():
            return super().active(factory)

    def claim(self, record: RunRecord, places: KeptPlaces | None = None) -> Claim:
        """See Ledger."""
        with self.between.around():
            return super().claim(record, places)

    def save(self, stored: Stored, record: RunRecord, places: KeptPlaces | None = None) -> Stored:
        """See Ledger."""
        with self.between.around():
            return super().save(stored, record, places)


class SharedNotes(FaultyNotes):
    """Notes in memory on which others may act at each point."""

    between: Between

    def get(self, scope: str, name: str) -> Note | None:
        """See Notes."""
        with self.between.around():
            return super().get(scope, name)

    def put(
        self,
        scope: str,
        name: str,
        value: dict[str, Any],
        etag: str | None = None,
        *,
        secret: str | None = None,
    ) -> Note:
        """See Notes."""
        with self.between.around():
            return super().put(scope, name, value, etag, secret=secret)

    def remove(self, scope: str, name: str, etag: str | None = None) -> None:
        """See Notes."""
        with self.between.around():
            super().remove(scope, name, etag)


def worlds() -> tuple[Busy, Busy, Between]:
    """Two instances of a service, one's backlog of three requests, and the points between their steps."""
    between = Between()
    one = Busy(ledger=SharedLedger(), notes=SharedNotes())
    one.factory = Bucketed(one.clock)
    one.factory.declare("load", n={"type": "String"})
    other = Busy(
        clock=one.clock,
        ledger=one.ledger,
        notes=one.notes,
        outbox=one.outbox,
        rejected=one.rejected,
        declarations=one.declarations,
    )
    other.factory = one.factory
    for shared in (one.ledger, one.notes):
        assert isinstance(shared, SharedLedger | SharedNotes)
        shared.between = between
    one.restart()
    other.restart()
    for _ in range(BURST - STARTED):
        one.factory.take()  # calls of others, which the first reply shows
    one.ask(*range(STARTED + 3))
    other.ask(STARTED + 3)
    one.clock.forward(2)
    return one, other, between


def overtaken(world: Busy) -> list[str]:
    """Requests that have been started before an earlier one."""
    order = world.factory.order
    return [n for place, n in enumerate(order) if any(earlier < n for earlier in order[place + 1 :])]


EARLY = range(300, 304)
LATE = range(400, 404)


def check(one: Busy, other: Busy) -> None:
    """Requests that come two seconds later start behind all others, and in the end every request is started."""
    one.clock.forward(2)
    for number in LATE:
        (one if number % 2 else other).ask(number)
    for _ in range(3):
        one.tick(after=15)
    assert sorted(one.factory.order) == [f"{n:04}" for n in [*range(STARTED + 4), *EARLY, *LATE]]
    early, late = ([f"{n:04}" for n in numbers] for numbers in (EARLY, LATE))
    assert not [n for n in overtaken(one) if n in late], one.factory.order
    assert not [n for n in overtaken(one) if n not in (*early, *late)], one.factory.order
    assert one.notes.get(FACTORY_ID, NOTE) is None
    assert one.factory.refused == 0


def points(run: Callable[[Busy, Busy], object]) -> int:
    """How many points there are in a run."""
    one, other, between = worlds()
    before = between.count
    run(one, other)
    return between.count - before


def tick(one: Busy, _: Busy) -> None:
    """The tick that ends the backlog."""
    one.services.tick.run()


def ask(_: Busy, other: Busy) -> None:
    """Requests that come to the other instance."""
    other.ask(*EARLY)


@pytest.mark.parametrize("fresh", [False, True], ids=["knows of the backlog", "reads the note"])
def test_a_request_at_any_point_of_a_tick_is_not_overtaken(fresh: bool) -> None:  # noqa: FBT001
    """It comes between any two accesses of the tick to storage, whatever the other instance has read before."""
    count = points(tick)
    assert count > 20
    for point in range(count):
        one, other, between = worlds()
        if not fresh:
            other.services.submitter._backlog.since(other.services.factories.choose(None))
        between.at(point, partial(ask, one, other))
        tick(one, other)
        check(one, other)


def test_a_tick_at_any_point_of_a_request_lets_no_request_overtake() -> None:
    """The backlog ends between any two accesses of a request to storage."""
    count = points(ask)
    assert count > 8
    for point in range(count):
        one, other, between = worlds()
        between.at(point, partial(tick, one, other))
        ask(one, other)
        check(one, other)


def stepped() -> tuple[Busy, HeldUp]:
    """A service with a backlog of three requests, and its steps."""
    steps = HeldUp()
    world = Busy(steps=steps)
    world.factory = Bucketed(world.clock)
    world.factory.declare("load", n={"type": "String"})
    world.restart()
    for _ in range(BURST - STARTED):
        world.factory.take()
    world.ask(*range(STARTED + 3))
    world.clock.forward(1)
    return world, steps


def test_a_tick_whose_rows_are_from_before_a_burst_continues_with_it() -> None:
    """It does not end the backlog of the requests that it had not read, not even for a moment."""
    world, steps = stepped()
    waiting_at_the_end = list[int]()

    def burst() -> None:
        world.ask(*range(100, 200))
        steps.hold("backlog.end", lambda: waiting_at_the_end.append(world.waiting()))

    steps.hold("send.create_run", burst)
    world.services.tick.run()
    assert world.notes.get(FACTORY_ID, NOTE) is not None
    assert world.waiting() == 93
    world.clock.forward(1.5)
    world.ask(*range(600, 611))
    for _ in range(10):
        world.tick(after=15)
    assert not overtaken(world)
    assert waiting_at_the_end == [0]
    assert world.notes.get(FACTORY_ID, NOTE) is None


def test_a_request_that_joined_an_ending_backlog_is_not_overtaken() -> None:
    """Where the ledger shows a waiting request when the note is gone, the backlog continues until it is started."""
    world, steps = stepped()

    def join() -> None:
        world.ask(*EARLY)
        steps.hold("send.create_run", lambda: world.ask(*LATE))

    steps.hold("backlog.end", join)
    world.services.tick.run()
    assert len(world.factory.order) > STARTED + 3 + len(EARLY)
    assert not overtaken(world)


@pytest.mark.parametrize(
    "trouble",
    [
        Forbidden("it may not", status=403),
        ScopeLocked("it is locked", status=409),
        CredentialError("no token"),
    ],
    ids=["403", "lock", "no token"],
)
@pytest.mark.parametrize("by", ["the caller", "the timer"])
def test_a_request_that_waits_through_trouble_of_the_factory_is_not_overtaken_afterwards(
    trouble: Exception, by: str
) -> None:
    """The first newcomer when the factory may be tried again waits behind the waiting ones, as do later newcomers."""
    world = a_world()
    world.factory.always["create_run"] = trouble
    taken = []

    def come(number: int, *, at_once: bool = True) -> None:
        with suppress(
            TryLater
        ):  # a request without a claim is not accepted while the factory is known to take none
            world.services.submitter.submit(submission(world, number), at_once=at_once)
            taken.append(f"{number:04}")

    for number in range(3):
        come(number, at_once=by == "the caller")
    world.tick(after=15)
    world.clock.forward(3_600)
    world.factory.always.clear()
    world.restart()
    come(3)
    come(4)
    for _ in range(4):
        world.tick(after=60)
    world.clock.forward(5)
    come(5)
    assert [run.parameters["n"] for run in world.factory.runs.values()] == taken
    assert taken[-1] == "0005"
    assert world.notes.get(FACTORY_ID, NOTE) is None


def submission(world: Busy, number: int) -> Submission:
    """A request by HTTP."""
    return Submission(
        factory=world.services.factories.choose(None),
        pipeline="load",
        request=RunRequest(parameters={"n": f"{number:04}"}),
        request_id=f"key-{number:04}",
    )


def test_two_ticks_that_end_one_backlog_end_no_other() -> None:
    """A note is removed only by the tick that has read it, and a newer note stays."""
    world, steps = stepped()
    begun = list[object]()

    def another() -> None:
        """Its tick ends the backlog, and a new one begins."""
        world.services.tick.run()
        world.clock.forward(1)
        world.ask(*range(100, 140))
        begun.append(world.notes.get(FACTORY_ID, NOTE))

    steps.hold("backlog.end", another)
    world.services.tick.run()
    assert world.waiting() > 0
    assert begun == [world.notes.get(FACTORY_ID, NOTE)]
    assert world.submit("last", parameters={"n": "9999"}).record.state is RunState.ACCEPTED
