"""One tick of the timer: dispatch what is unsent, watch what is active, publish what has ended.

Safe to overlap with another tick, since every step is a conditional write: the platform's timer lock is no fence.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from adf_trigger.clock import Clock
from adf_trigger.errors import LedgerError
from adf_trigger.ledger.notes import APP_SCOPE, Notes
from adf_trigger.service.admission.summary import LINES, LinesOf, lines_for_note
from adf_trigger.service.apps.own_notes import FALLBACK_NOTE, TICK_NOTE
from adf_trigger.service.calls.allowance import Allowance
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.holds.summary import HELD, counted_by_hold, for_note
from adf_trigger.service.steps import Steps
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.service.timer.limits import TimeLimits
from adf_trigger.service.timer.parts import TurnParts
from adf_trigger.service.timer.rounds import Rounds, Turn
from adf_trigger.service.timer.turn import FactoryTurn, take_turn
from adf_trigger.settings.schedule import Schedule

logger = logging.getLogger(__name__)

TIMER = "timer"
"""The function that runs a tick as a rule."""

MOST_TROUBLE = 20
"""Maximum parts that were not completed which the note of a tick names."""


class TickRunner:
    """Runs a tick: one round of the timer over all factories.

    Args:
        factories: all configured factories.
        parts: what is done for each.
        clock: returns the current time.
        notes: where the end of each tick is noted.
        steps: surrounds that write.
        allowance: the calls that are allowed, by subscription and factory.
        tick_threads: works for several factories at once.
        calls: Data Factory calls that may be spent on each factory.
        schedule: of the timer: a tick ends before the next one is due.
        seconds: a monotonic clock, to keep a tick short.
    """

    def __init__(
        self,
        factories: Factories,
        parts: TurnParts,
        clock: Clock,
        notes: Notes,
        steps: Steps,
        allowance: Allowance,
        tick_threads: TickThreads,
        *,
        calls: int,
        schedule: Schedule,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._factories = factories
        self._parts = parts
        self._stages = parts.stages(has_threads=not tick_threads.is_alone)
        self._clock = clock
        self._notes = notes
        self._steps = steps
        self._allowance = allowance
        self._tick_threads = tick_threads
        self._calls = calls
        self._schedule = schedule
        self._seconds = seconds
        self._first = 0

    def run(self, *, by: str = TIMER) -> None:
        """Do one tick for every factory. The trouble of one, or of one part, does not keep the others from theirs.

        While the calls of one hang, the others have another turn whenever the timer is due, since it does not fire
        before this returns. Where the time is over before every factory had its turn, the next tick begins with those
        that had none.

        Args:
            by: which function runs it.
        """
        begun = self._clock()
        limits = TimeLimits.of_tick(self._schedule, begun, self._seconds)
        factories = list(self._factories)
        first = self._first % len(factories)
        unreached, trouble = list[int](), dict[int, Sequence[str]]()
        held = dict[int, tuple[str, Mapping[str, int]]]()
        lines = dict[int, tuple[str, LinesOf]]()
        rounds = Rounds([*factories[first:], *factories[:first]], lambda: self._until_due(limits))

        def take(turn: Turn) -> None:
            try:
                if turn.number and limits.are_over and not turn.is_another:
                    unreached.append(turn.number)
                    return
                within = self._limits_of_another(limits) if turn.is_another else limits
                work = FactoryTurn(turn.factory, self._budget(turn.factory))
                take_turn(self._stages, work, within, self._tick_threads)
                trouble[turn.number] = work.trouble
                if work.is_read:
                    held[turn.number] = turn.factory.alias, counted_by_hold(work.active)
                    lines[turn.number] = turn.factory.alias, LinesOf.among(work.active)
            finally:
                rounds.over(turn)

        self._tick_threads.begin_each(take, rounds)
        undone = list(dict.fromkeys(each for number in sorted(trouble) for each in trouble[number]))
        if unreached:
            self._first = (first + min(unreached)) % len(factories)
            undone.append(f"reach {len(unreached)} factories")
        if not limits.are_over:
            self._parts.purger.purge_messages()
        waiting = {HELD: for_note([*held.values()]), LINES: lines_for_note([*lines.values()])}
        self._note(begun, by, {**waiting, "trouble": undone[:MOST_TROUBLE]})

    def _until_due(self, limits: TimeLimits) -> float | None:
        """Seconds until the timer is due again; None where the platform's limit is nearer."""
        now = self._clock()
        wait = (self._schedule.next_after(now) - now).total_seconds()
        return wait if self._seconds() + wait < limits.hard else None

    def _limits_of_another(self, limits: TimeLimits) -> TimeLimits:
        """The limits of another turn in a tick: those of the tick that would have begun now, and the tick's own."""
        another = TimeLimits.of_tick(self._schedule, self._clock(), self._seconds)
        return replace(another, hard=limits.hard)

    def _budget(self, factory: FactoryHandle) -> Budget:
        return Budget(
            self._calls, seconds=self._seconds, allowance=self._allowance, factory=factory.present_id
        )

    def _note(self, begun: datetime, by: str, seen: Mapping[str, object]) -> None:
        """Note when a tick was last completed, by whom, and what it could not do.

        The timer has a note of its own: health judges it by its own ticks.
        """
        now = self._clock()
        note = {
            "at": now.isoformat(),
            "by": by,
            "seconds": round((now - begun).total_seconds(), 3),
            "factories": len(list(self._factories)),
            "callbacks": sum(self._parts.caller.waiting(each.id) for each in self._factories),
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
