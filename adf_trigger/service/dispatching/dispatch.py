"""Sends, or sends again, accepted requests that are not started yet. Run by the timer."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.errors import LedgerError
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState, Waits
from adf_trigger.ledger.unreadable import readable
from adf_trigger.service.admission.admission import Admission
from adf_trigger.service.admission.line import Lines, Opening, is_in_line
from adf_trigger.service.admission.others import OtherRuns
from adf_trigger.service.admission.start_times import StartTimes
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.calls.permits import Permit
from adf_trigger.service.calls.throttling import Bucket
from adf_trigger.service.dispatching.dispatch_turn import Taken, Turn
from adf_trigger.service.dispatching.reconcile import Reconciler, Sightings
from adf_trigger.service.dispatching.settle import Settler
from adf_trigger.service.dispatching.turn_sender import TurnSender
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.holds.hold import NONE, Holds
from adf_trigger.service.holds.notes import HoldNotes
from adf_trigger.service.recording import transitions
from adf_trigger.service.recording.records import Records
from adf_trigger.service.starting.backlog import Backlog
from adf_trigger.service.starting.send import Sender
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.service.troubles import Troubles

ROUNDS = 10
"""Maximum rounds per tick for requests that arrive while it runs; later ones are left to the next tick."""

AFTER_A_PAUSE = timedelta(milliseconds=100)
"""Added to the pause that a 429 asks for, so that what was postponed until its end is due."""

FULL_QUEUE_WAIT = timedelta(seconds=60)
"""How long a request waits for a pipeline at its concurrency limit."""


class Dispatcher:
    """Starts the runs of waiting requests from the timer, in order of arrival.

    Args:
        ledger: the run ledger.
        records: writes it.
        clock: returns the current time.
        sender: calls createRun.
        settler: settles requests whose createRun got no clear answer.
        gate: says whether a factory may be called now.
        holds: what operators hold.
        backlog: whether requests wait for calls that are allowed.
        tick_threads: processes several requests concurrently.
        times: when a request may be taken up, and until when it may be started.
        admission: gives places to requests that wait for one.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        records: Records,
        clock: Clock,
        sender: TurnSender,
        settler: Settler,
        gate: Gate,
        holds: HoldNotes,
        backlog: Backlog,
        tick_threads: TickThreads,
        times: StartTimes,
        admission: Admission,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._clock = clock
        self._sender = sender
        self._settler = settler
        self._gate = gate
        self._holds = holds
        self._backlog = backlog
        self._tick_threads = tick_threads
        self._times = times
        self._admission = admission
        self._lines = Lines(ledger, admission, times, OtherRuns(gate, clock))

    def dispatch(
        self, factory: FactoryHandle, active: Sequence[ActiveRun], budget: Budget
    ) -> Sequence[Stored]:
        """Process every request that is due.

        A factory that is throttled, down, or cannot be used is skipped; a failure of one request does not affect the
        others.

        Returns:
            The records that have ended without a run, whose events are to be published.

        Raises:
            LedgerError: the ledger is out of reach; the next tick continues.
        """
        holds = self._held_of(factory, active)
        openings = self._lines.openings(factory, active, holds, budget)
        let_in = {row.request_id for each in openings for row in each.rows[: each.room]}
        unsent = (row for row in active if row.may_be_unsent and row.request_id not in let_in)
        alone = [row for row in unsent if not self._waits_in_line(row, holds)]
        return self._dispatch(factory, alone, openings, holds, budget)

    def let_in(self, factory: FactoryHandle, active: Sequence[ActiveRun], budget: Budget) -> Sequence[Stored]:
        """Start requests that wait for a place, where one is free by now: runs may have ended since `dispatch`.

        Returns:
            The records that have ended without a run, whose events are to be published.

        Raises:
            LedgerError: the ledger is out of reach; the next tick continues.
        """
        if not any(is_in_line(row) for row in active):
            return []
        holds = self._held_of(factory, active)
        openings = self._lines.openings(factory, active, holds, budget)
        return self._dispatch(factory, [], openings, holds, budget) if openings else []

    def _held_of(self, factory: FactoryHandle, active: Sequence[ActiveRun]) -> Holds:
        return self._holds.of(factory) if any(row.may_be_unsent for row in active) else NONE

    def _dispatch(
        self,
        factory: FactoryHandle,
        alone: Sequence[ActiveRun],
        openings: Sequence[Opening],
        holds: Holds,
        budget: Budget,
    ) -> Sequence[Stored]:
        """Process requests that wait for no place, and the first of each line, in order of arrival."""
        turn = Turn(budget, Sightings(), holds, openings={each.first.request_id: each for each in openings})
        troubles = Troubles("dispatch")

        def take_up(taken: Taken) -> None:
            with taken.permit or nullcontext(), troubles.of(taken.row.request_id):
                self._take_up(factory, taken.row, turn, taken.permit)

        unsent, known = sorted([*alone, *(each.first for each in openings)], key=_by_arrival), set[UUID]()
        for _ in range(ROUNDS):
            self._tick_threads.each(take_up, self._in_turn(unsent, turn))
            known.update(row.run_id for row in unsent if not turn.holds.keep(row.held))
            unsent = self._next_round(factory, turn, known) if unsent else []
            if not unsent:
                break
        if not turn.waits:
            self._gate.no_request_waits(factory)
        elif not turn.sending and self._gate.next_try(factory):
            self._have_others_wait(factory)
        return turn.ended

    def _have_others_wait(self, factory: FactoryHandle) -> None:
        """Have requests that come while the factory cannot be used wait behind those that there are."""
        if self._backlog.since(factory) is None:
            self._backlog.begin(factory, drained=False)

    def _next_round(self, factory: FactoryHandle, turn: Turn, known: Collection[UUID]) -> list[ActiveRun]:
        """The requests that are to be processed next in this turn.

        A 429 asks for a second as a rule: what it keeps from being started goes on then, and not with the next turn.
        """
        if turn.sending or turn.behind:
            return self._come_meanwhile(factory, turn, known)
        pause = self._gate.pause_of_sends(factory)
        if pause is None or not turn.waits:
            return []
        self._have_others_wait(factory)
        if not turn.budget.pause((pause + AFTER_A_PAUSE).total_seconds()):
            return []
        turn.begin_again()
        return sorted(self._to_be_sent(factory, turn), key=_by_arrival)

    def _come_meanwhile(self, factory: FactoryHandle, turn: Turn, known: Collection[UUID]) -> list[ActiveRun]:
        """The requests that have arrived since the rows were read, and wait behind the earlier ones.

        While the note of a backlog stands, new requests are claimed and not sent. The note is removed where the ledger,
        read after it, shows no such request; the ledger is read once more when the note is gone, since a request that
        saw the note may have been claimed meanwhile.
        """
        if not (turn.behind or turn.sending):
            return []
        note = self._backlog.read(factory)
        if turn.behind and note is None:
            self._backlog.begin(factory)
        if turn.behind or note is None:
            return []
        waiting = self._waiting(factory, turn, known)
        if not waiting and self._backlog.end(factory, note):
            try:
                waiting = self._waiting(factory, turn, known)
            except LedgerError:
                self._backlog.begin_again(factory, note)
                raise
            if waiting:
                self._backlog.begin_again(factory, note)
        return waiting

    def _waiting(self, factory: FactoryHandle, turn: Turn, known: Collection[UUID]) -> list[ActiveRun]:
        """Requests that wait for their turn, except those that this tick knows, or that are held."""
        return [
            row
            for row in self._to_be_sent(factory, turn)
            if row.run_id not in known and self._times.is_due(row)
        ]

    def _to_be_sent(self, factory: FactoryHandle, turn: Turn) -> Iterator[ActiveRun]:
        """The requests that wait for their turn, by the ledger and the holds as they are now."""
        active = self._ledger.active(factory.id)
        turn.holds = self._held_of(factory, active)
        for row in active:
            if row.may_be_unsent and self._is_to_be_sent(row, turn) and row.waits_for is not Waits.ADMISSION:
                yield row

    def _waits_in_line(self, row: ActiveRun, holds: Holds) -> bool:
        """Whether it waits only for room in its line, and its deadline has not passed."""
        is_noted = row.held is None or holds.keep(row.held)
        return is_in_line(row) and is_noted and not self._times.is_too_late(row, holds)

    def _in_turn(self, unsent: Sequence[ActiveRun], turn: Turn) -> Iterator[Taken]:
        """The rows whose turn it is, in order of arrival; each that will be sent has a permit.

        One thread at a time advances it, so that the first request is the first to get a permit.
        """
        for number, row in enumerate(unsent):
            if turn.budget.is_over:
                turn.waits = True  # the other waiting requests were not looked at: the next tick continues
                turn.behind = any(self._is_to_be_sent(each, turn) for each in unsent[number:])
                return
            if not self._has_its_turn(row, turn):
                continue
            permit = None
            if self._is_to_be_sent(row, turn) and not self._is_to_be_noted(row, turn):
                permit = self._permit(turn)
                if permit is None:
                    continue
            yield Taken(row, permit)

    def _permit(self, turn: Turn) -> Permit | None:
        """A permit to start the run of the next request."""
        if not turn.sending:
            return None
        permit = turn.budget.permit(Bucket.WRITES)
        if permit is None:
            turn.sending, turn.behind = False, True
        return permit

    def _is_to_be_sent(self, row: ActiveRun, turn: Turn) -> bool:
        if row.state is not RunState.ACCEPTED or row.sent_at is not None or row.waits_for is Waits.CALLER:
            return False
        return not turn.holds.keep(row.held) and not self._times.is_too_late(row, turn.holds)

    def _has_its_turn(self, row: ActiveRun, turn: Turn) -> bool:
        due = self._times.is_due(row)
        if turn.holds.keep(row.held):
            return row.cancel_at is not None and due  # a request in doubt is settled, so that it can end
        if row.sent_at is not None:
            return due
        if self._is_to_be_noted(row, turn) or self._times.is_too_late(row, turn.holds):
            return self._times.is_free(row)
        if row.waits_for is Waits.CALLER:
            return False
        turn.waits = True
        if not due and row.waits_for is None:
            turn.sending = False  # those that came later wait behind it
        return due and turn.sending

    @staticmethod
    def _is_to_be_noted(row: ActiveRun, turn: Turn) -> bool:
        """Whether nothing is sent for it now, but the start or the end of a hold has to be recorded."""
        if row.held is None:
            opening = turn.openings.get(row.request_id)
            return turn.holds.cover_all or (opening is not None and opening.is_held)
        return row.waits_for in {Waits.CALLER, Waits.ADMISSION}

    def _let_in(self, factory: FactoryHandle, opening: Opening, turn: Turn, permit: Permit | None) -> None:
        """Start the requests of a line, one after another, until no place is left or one fails."""
        room = opening.room
        for row in opening.rows:
            if turn.budget.is_over or room == 0:
                return
            stored = readable(row.request_id, self._ledger.get, factory.id, row.request_id)
            if stored is None or not is_in_line(ActiveRun.of(stored.record)):
                continue  # it does not wait any more, or is of a later version, which starts it
            if self._is_held(stored, turn):
                continue
            sent = self._sender.send(factory, stored, turn, permit, in_doubt_since=None)
            permit = None
            if not (sent or self._is_in_another(opening, stored)):
                return
            room = None if room is None else room - 1

    def _is_in_another(self, opening: Opening, stored: Stored) -> bool:
        """Whether a request was not sent because its pipeline's policy now puts it into another line."""
        present = self._ledger.get(stored.record.factory, stored.record.request_id)
        return present is not None and present.record.places != opening.places

    def _take_up(self, factory: FactoryHandle, row: ActiveRun, turn: Turn, permit: Permit | None) -> None:
        opening = turn.openings.get(row.request_id)
        if opening is not None and is_in_line(row):
            self._let_in(factory, opening, turn, permit)
            return
        stored = self._ledger.get(factory.id, row.request_id)
        if stored is None or not self._times.is_free(stored.record):
            return  # another process has taken it since the row was read
        record = stored.record
        if record.state is RunState.SUBMITTED:
            self._hand_over(stored)
        elif record.state is not RunState.ACCEPTED:
            return
        elif record.sent_at is not None:
            self._settler.settle(factory, stored, turn)
        elif not self._is_held(stored, turn):
            self._take_up_unsent(factory, stored, turn, permit)

    def _take_up_unsent(
        self, factory: FactoryHandle, stored: Stored, turn: Turn, permit: Permit | None
    ) -> None:
        record = stored.record
        if self._times.is_too_late(record, turn.holds):
            turn.ended.append(self._records.reject(stored, self._too_late(factory, record)))
        elif record.waits_for in {Waits.CALLER, Waits.ADMISSION}:
            if record.held is not None:
                ended = turn.holds.end_of(record.held, self._clock())
                self._records.unhold(stored, ended=ended, in_line=self._admission.reason_of(record))
        elif self._times.is_due(record):
            self._start(factory, stored, turn, permit)

    def _is_held(self, stored: Stored, turn: Turn) -> bool:
        """Whether a hold keeps it from being started; if so, the hold is recorded."""
        record, now = stored.record, self._clock()
        if turn.holds.keep(record.held):
            return True
        hold = turn.holds.covering(record)
        if hold is None:
            return False
        by, since, reason = hold.scope.id, hold.since, hold.in_words
        ended = now if record.held is None else turn.holds.end_of(record.held, now)
        moved = transitions.hold(record, by=by, since=since, ended=ended, reason=reason)
        if self._times.is_too_late(moved, turn.holds):
            return False
        self._records.hold(stored, by=by, since=since, ended=ended, reason=reason)
        return True

    def _too_late(self, factory: FactoryHandle, record: RunRecord) -> str:
        wait = self._gate.next_try(factory)
        reason = record.message or "no reason is known"
        return f"it could not be started in time: {reason if wait is None else wait.reason}"

    def _hand_over(self, stored: Stored) -> None:
        """Leave a started run to the monitor, so that its record need not be read at every tick."""
        if stored.record.lease_until is not None:
            self._records.hand_over(stored)

    def _start(self, factory: FactoryHandle, stored: Stored, turn: Turn, permit: Permit | None) -> None:
        if stored.record.pipeline.lower() in turn.full:
            self._wait_for_the_pipeline(stored)
            return
        self._sender.send(factory, stored, turn, permit, in_doubt_since=None)

    def _wait_for_the_pipeline(self, stored: Stored) -> None:
        self._records.postpone(
            stored,
            until=self._clock() + FULL_QUEUE_WAIT,
            reason="the pipeline takes no more runs now",
            waits_for=Waits.PIPELINE,
        )


def _by_arrival(row: ActiveRun) -> tuple[datetime, str]:
    return row.requested_at, row.request_id


def wire_dispatcher(
    ledger: LedgerReader,
    records: Records,
    clock: Clock,
    sender: Sender,
    gate: Gate,
    reconciler: Reconciler,
    holds: HoldNotes,
    backlog: Backlog,
    tick_threads: TickThreads,
    times: StartTimes,
    admission: Admission,
) -> Dispatcher:
    """Wire a `Dispatcher` with its parts."""
    turn_sender = TurnSender(records, clock, sender, gate, reconciler, admission)
    settler = Settler(records, clock, gate, reconciler, turn_sender, times)
    return Dispatcher(
        ledger, records, clock, turn_sender, settler, gate, holds, backlog, tick_threads, times, admission
    )
