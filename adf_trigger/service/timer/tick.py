"""One tick of the timer: dispatch what is unsent, watch what is active, publish what has ended.

Safe to overlap with another tick, since every step is a conditional write: the platform's timer lock is no fence.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.errors import AdfTriggerError, LedgerError, PublishError
from adf_trigger.ledger.notes import APP_SCOPE, Notes
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import ActiveRun
from adf_trigger.service.admission.sweep import PlacesSweeper
from adf_trigger.service.apps.own_notes import FALLBACK_NOTE, TICK_NOTE
from adf_trigger.service.callbacks.caller import CallbackCaller
from adf_trigger.service.calls.allowance import Allowance
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.dispatching.dispatch import Dispatcher
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.holds.summary import HELD, counted_by_hold, for_note
from adf_trigger.service.intake.keep import Keeper
from adf_trigger.service.intake.overdue_messages import OverdueMessageWatcher
from adf_trigger.service.other_runs.publisher import OtherRunPublisher
from adf_trigger.service.publishing.publish import Publisher
from adf_trigger.service.publishing.routes import Router
from adf_trigger.service.recording.records import Records
from adf_trigger.service.steering.cancel import Canceller
from adf_trigger.service.steps import Steps
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.service.watching.joined_ends import JoinedEnder
from adf_trigger.service.watching.monitor import Listed, Monitor
from adf_trigger.service.watching.overdue_runs import OverdueRunWatcher
from adf_trigger.settings.schedule import Schedule

logger = logging.getLogger(__name__)

TICK_SECONDS = 100.0
"""Maximum seconds in which a tick begins new work, whatever its schedule. Beyond functionTimeout, five minutes in
host.json, the
platform kills the worker with every call that runs in it: the rest is for what is under way then and for what follows
a tick, on storage that hangs."""

SHARE_OF_PERIOD = 0.9
"""A tick ends before the next one is due: what it leaves is the first that the next one does."""

LEAST_SECONDS = 5.0
"""Minimum seconds of each part of a tick, however long those before it took, so that none starves."""

FACTORIES_AT_ONCE = 64
"""Factories that are processed concurrently: one whose calls hang keeps no other waiting."""

TIMER = "timer"
"""The function that runs a tick as a rule."""

MOST_TROUBLE = 20

PURGE_EVERY = timedelta(minutes=10)
"""How long a process purges nothing of a factory of which all that is old is gone."""

PURGED_A_TICK = 100
"""Records removed in one tick: few enough to leave time for the rest."""


@dataclass(slots=True)
class _Turn:
    """One factory's turn.

    Attributes:
        factory: whose turn it is.
        budget: calls that may still be spent on it.
        active: its active runs, read once.
        ended: records that have ended since these were read.
        listed: what the monitor has listed.
        over: runs that it has seen to have ended.
        trouble: parts that were not done whole.
    """

    factory: FactoryHandle
    budget: Budget
    active: Sequence[ActiveRun] = ()
    ended: Sequence[Stored] = ()
    listed: Listed | None = None
    over: set[UUID] = field(default_factory=set)
    trouble: list[str] = field(default_factory=list)


_Part = Callable[[_Turn, Budget], None]


class TickRunner:
    """Runs a tick: one round of the timer over all factories.

    Args:
        factories: all configured factories.
        ledger: the run ledger.
        records: writes it.
        clock: gives the present instant.
        dispatcher: starts what is accepted.
        canceller: cancels what Data Factory has not confirmed to be cancelled.
        monitor: watches what is started.
        publisher: publishes what has ended.
        router: leads news to further consumers.
        caller: calls back who waits for the end of a run.
        overdue_runs: tells of runs that go on for too long.
        joined: ends those who have joined the runs of other requests.
        others: tells of runs that others have started.
        keeper: purges kept messages.
        overdue: looks after those that wait for too long.
        places: removes what is left of places that nobody has.
        gate: which factories may not be called now; what is known of them is published all the same.
        notes: where the end of each tick is noted.
        steps: surrounds that write.
        allowance: the calls that are allowed, by subscription and factory.
        tick_threads: works for several factories at once.
        calls: Data Factory calls that may be spent on each factory.
        retention: how long published records are kept.
        schedule: of the timer: a tick ends before the next one is due.
        seconds: a clock that never goes back, to keep a tick short.
    """

    def __init__(
        self,
        factories: Factories,
        ledger: LedgerReader,
        records: Records,
        clock: Clock,
        dispatcher: Dispatcher,
        canceller: Canceller,
        monitor: Monitor,
        publisher: Publisher,
        overdue_runs: OverdueRunWatcher,
        router: Router,
        caller: CallbackCaller,
        joined: JoinedEnder,
        others: OtherRunPublisher,
        keeper: Keeper,
        overdue: OverdueMessageWatcher,
        places: PlacesSweeper,
        gate: Gate,
        notes: Notes,
        steps: Steps,
        allowance: Allowance,
        tick_threads: TickThreads,
        *,
        calls: int,
        retention: timedelta,
        schedule: Schedule,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._factories = factories
        self._ledger = ledger
        self._records = records
        self._clock = clock
        self._dispatcher = dispatcher
        self._canceller = canceller
        self._monitor = monitor
        self._publisher = publisher
        self._overdue_runs = overdue_runs
        self._router = router
        self._caller = caller
        self._joined = joined
        self._others = others
        self._keeper = keeper
        self._overdue = overdue
        self._places = places
        self._gate = gate
        self._notes = notes
        self._steps = steps
        self._allowance = allowance
        self._tick_threads = tick_threads
        self._calls = calls
        self._retention = retention
        self._schedule = schedule
        self._seconds = seconds
        self._first = 0
        self._purged: dict[str, datetime] = {}

    def run(self, *, by: str = TIMER) -> None:
        """Do one tick for every factory. The trouble of one, or of one part, does not keep the others from theirs.

        Where the time is over before every factory had its turn, the next tick begins with those that had none.

        Args:
            by: which function runs it.
        """
        begun, started = self._clock(), self._seconds()
        limits = _Limits(started + self._time_for(begun), started + TICK_SECONDS, self._seconds)
        factories = list(self._factories)
        first = self._first % len(factories)
        trouble, unreached = list[str](), list[int]()
        held = list[tuple[str, Mapping[str, int]]]()

        def take_turn(numbered: tuple[int, FactoryHandle]) -> None:
            number, factory = numbered
            if number and limits.are_over:
                unreached.append(number)
                return
            budget = Budget(
                self._calls, seconds=self._seconds, allowance=self._allowance, factory=factory.present_id
            )
            turn = _Turn(factory, budget)
            self._take_turn(turn, limits)
            trouble.extend(turn.trouble)
            held.append((factory.alias, counted_by_hold(turn.active)))

        self._tick_threads.each(
            take_turn, enumerate((*factories[first:], *factories[:first])), at_once=FACTORIES_AT_ONCE
        )
        if unreached:
            self._first = (first + min(unreached)) % len(factories)
            trouble.append(f"reach {len(unreached)} factories")
        if not limits.are_over:
            self._purge_messages()
        self._note(begun, by, {HELD: for_note(held), "trouble": trouble[:MOST_TROUBLE]})

    def _time_for(self, now: datetime) -> float:
        """Seconds that a tick may take: less than its schedule, where that leaves it any."""
        due = self._schedule.next_after(now)
        period = (self._schedule.next_after(due) - due).total_seconds()
        return min(TICK_SECONDS, max(SHARE_OF_PERIOD * period, 2 * LEAST_SECONDS))

    def _take_turn(self, turn: _Turn, limits: "_Limits") -> None:
        """Each part has its share of the time. Starting, cancelling and watching go on side by side."""
        self._attempt("probe", self._probe, turn, limits.until(1 / 6))
        self._attempt("read", self._read, turn, limits.until(1 / 2))
        self._attempt("note_doubts", self._note_doubts, turn, limits.until(1 / 2))
        share = 1 / 2 if self._tick_threads.is_alone else 4 / 5
        together: list[tuple[str, _Part, float]] = [
            ("dispatch", self._dispatch, share),
            ("cancel", self._cancel, share),
            ("monitor", self._watch, 4 / 5),
        ]
        self._tick_threads.each(
            lambda part: self._attempt(part[0], part[1], turn, limits.until(part[2])),
            together,
            at_once=len(together),
        )
        self._attempt("let_in", self._let_in, turn, limits.until(1 / 2))
        self._attempt("end_joined", self._end_joined, turn, limits.until(4 / 5))
        self._attempt("observe", self._observe, turn, limits.until(1 / 2))
        self._attempt("publish", self._publish, turn, limits.until(4 / 5))
        self._attempt("tell_overdue", self._tell_overdue, turn, limits.until(4 / 5))
        self._attempt("call_back", self._call_back, turn, limits.until(4 / 5))
        self._attempt("purge", self._purge, turn, limits.until(1))
        self._attempt("deliver", self._deliver, turn, limits.until(1))

    def _note(self, begun: datetime, by: str, seen: Mapping[str, object]) -> None:
        """Tell when a tick was last done whole, by whom, and what it could not do.

        The timer has a note of its own: health judges it by its own ticks.
        """
        now = self._clock()
        note = {
            "at": now.isoformat(),
            "by": by,
            "seconds": round((now - begun).total_seconds(), 3),
            "factories": len(list(self._factories)),
            "callbacks": sum(self._caller.waiting(each.id) for each in self._factories),
            **seen,
        }
        try:
            with self._steps("tick.note"):
                self._notes.put(APP_SCOPE, TICK_NOTE if by == TIMER else FALLBACK_NOTE, note)
        except LedgerError as exc:
            logger.warning(
                "The end of this tick could not be written: %s",
                exc,
                extra={"action": "tick_not_noted", "error": type(exc).__name__},
            )

    def _probe(self, turn: _Turn, _: Budget) -> None:
        self._gate.probe(turn.factory)

    def _read(self, turn: _Turn, _: Budget) -> None:
        turn.active = self._ledger.active(turn.factory.id)

    def _dispatch(self, turn: _Turn, budget: Budget) -> None:
        turn.ended = self._dispatcher.dispatch(turn.factory, turn.active, budget)

    def _let_in(self, turn: _Turn, budget: Budget) -> None:
        """Places of runs that were seen to have ended are taken in the same tick."""
        turn.ended = [*turn.ended, *self._dispatcher.let_in(turn.factory, turn.active, budget)]

    def _end_joined(self, turn: _Turn, budget: Budget) -> None:
        self._joined.end(turn.factory.id, turn.active, turn.ended, turn.over, budget)

    def _cancel(self, turn: _Turn, budget: Budget) -> None:
        self._canceller.repeat(turn.factory, turn.active, budget)

    def _watch(self, turn: _Turn, budget: Budget) -> None:
        if self._gate.may_read(turn.factory):
            turn.listed = self._monitor.poll(turn.factory, turn.active, budget, turn.over)

    def _note_doubts(self, turn: _Turn, _: Budget) -> None:
        self._others.note_doubts(turn.factory, turn.active)

    def _observe(self, turn: _Turn, budget: Budget) -> None:
        self._others.tell(turn.factory, turn.listed, budget)

    def _publish(self, turn: _Turn, budget: Budget) -> None:
        self._publisher.publish(turn.factory, turn.active, turn.ended, budget)

    def _tell_overdue(self, turn: _Turn, budget: Budget) -> None:
        self._overdue_runs.tell(turn.factory, turn.active, budget)

    def _deliver(self, turn: _Turn, budget: Budget) -> None:
        self._router.deliver(turn.factory, budget)

    def _call_back(self, turn: _Turn, budget: Budget) -> None:
        self._caller.call(turn.factory.id, turn.active, budget.while_it_lasts)

    def _purge(self, turn: _Turn, _: Budget) -> None:
        if self._purges(turn.factory.id):
            self._places.sweep(turn.factory.id)
            count = self._records.purge(turn.factory.id, before=self._oldest(), limit=PURGED_A_TICK)
            self._has_purged(turn.factory.id, count)

    def _purge_messages(self) -> None:
        try:
            self._keeper.complete_listing()
            if self._purges(APP_SCOPE):
                # First: what was lost is not purged, and what has come to its end may be.
                were_all = self._overdue.look()
                count = self._keeper.purge(before=self._oldest(), limit=PURGED_A_TICK)
                self._has_purged(APP_SCOPE, count if were_all else PURGED_A_TICK)
        except (LedgerError, PublishError) as exc:
            logger.warning(
                "This tick could not purge, list or look after all rejected messages: %s",
                exc,
                extra={"action": "purge_failed", "error": type(exc).__name__},
            )

    def _oldest(self) -> datetime:
        return self._clock() - self._retention

    def _purges(self, scope: str) -> bool:
        """Whether something may be old there: looking for it costs a call of storage."""
        last = self._purged.get(scope)
        return last is None or not timedelta() <= self._clock() - last < PURGE_EVERY

    def _has_purged(self, scope: str, count: int) -> None:
        if count < PURGED_A_TICK:
            self._purged[scope] = self._clock()

    def _attempt(self, name: str, part: _Part, turn: _Turn, until: float) -> None:
        """Do one part; log it where that is not done whole."""
        budget = turn.budget.part(until)
        try:
            if not budget.is_over:
                part(turn, budget)
        except AdfTriggerError as exc:
            logger.warning(
                "This tick could not %s %s: %s",
                name,
                turn.factory.alias,
                exc,
                extra={"action": f"{name}_failed", "factory": turn.factory.id, "error": type(exc).__name__},
            )
            turn.trouble.append(f"{name} {turn.factory.alias}")
            return
        if budget.is_over:
            logger.warning(
                "This tick could not %s all of %s: its time was over, and the next tick continues",
                name,
                turn.factory.alias,
                extra={"action": "tick_cut", "factory": turn.factory.id, "part": name},
            )
            turn.trouble.append(f"{name} {turn.factory.alias}")


@dataclass(frozen=True, slots=True)
class _Limits:
    """Until when a tick begins new work.

    Attributes:
        soft: as its schedule has it.
        hard: as the platform has it.
        seconds: their clock.
    """

    soft: float
    hard: float
    seconds: Callable[[], float]

    @property
    def are_over(self) -> bool:
        return self.seconds() >= self.soft

    def until(self, share: float) -> float:
        """When a part ends that has a share of what is left, and its least."""
        now = self.seconds()
        return min(self.hard, max(now + (self.soft - now) * share, now + LEAST_SECONDS))
