"""At most so many runs of a pipeline, or of a key of it, at once: who is given a place, who waits, who is refused.

A place is taken in the transaction of the claim, or of the lease to send; so no two requests take the same one. It is
given back by nobody: whether a request still has its place is what its record says (`RunRecord.has_place_in`), and who
wants one where none is free looks there. Order follows from the numbers that the row gives, and from no clock.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from adf_trigger.clock import Clock
from adf_trigger.contracts import RunChoice
from adf_trigger.errors import AtCapacity, LedgerConflict, TryLater, UnreadableRow
from adf_trigger.ledger.places import Holder, KeptPlaces, Places, name_of
from adf_trigger.ledger.port import Claim, LedgerReader, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState, Waits
from adf_trigger.service.admission import moves as admission_moves
from adf_trigger.service.admission.keys import key_of
from adf_trigger.service.factories import Factories
from adf_trigger.service.policy import Policies
from adf_trigger.service.recording import joining
from adf_trigger.service.recording.records import Records
from adf_trigger.settings.policy import AdmissionPolicy, Overflow

logger = logging.getLogger(__name__)

MOST_TRIES = 12
LONGEST_PAUSE = 0.4
"""How often places are read anew that others keep changing, and seconds between two tries at most."""

LOCK_WAIT = 20.0
"""Seconds that a thread waits for the others of its process that want the same places."""

LOCKS = 64
"""Places share the locks: there may be any number of keys."""

RETRY_AFTER = 2.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is to be written of a request that wants a place.

    Attributes:
        record: as it shall be.
        places: as they shall be; None where they stay.
    """

    record: RunRecord
    places: KeptPlaces | None

    @property
    def is_admitted(self) -> bool:
        return self.record.admitted_at is not None


class Admission:
    """Decides who is given a place. Threads may share it.

    Args:
        ledger: the run ledger.
        records: writes it.
        policies: what may be decided for each pipeline.
        factories: all configured factories, some of which have records under several ids.
        choice: makes of a record what a caller is told of a run that is in the way.
        clock: gives the present instant.
        pause: waits for so many seconds.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        records: Records,
        policies: Policies,
        factories: Factories,
        choice: Callable[[RunRecord], RunChoice],
        clock: Clock,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._policies = policies
        self._factories = factories
        self._choice = choice
        self._clock = clock
        self._pause = pause
        self._lock_wait = LOCK_WAIT
        self._locks = [threading.RLock() for _ in range(LOCKS)]

    def claim(self, record: RunRecord, *, to_send: bool) -> Claim:
        """Insert a new request with a place, or in line for one, or find the earlier one of the same key.

        One that is held wants no place before that is over, and stands in line for it at once: else who comes after
        the release would pass it.

        Args:
            record: the request.
            to_send: whether it is leased to its sender where it has a place.

        Raises:
            AtCapacity: there is no place, and the policy refuses what has none. Nothing was kept.
            TryLater: others keep changing the places. Nothing was kept.
            InvalidRequest, LedgerError: see `Records.claim`.
        """
        policy = self._policy_for_new(record)
        if policy is None:
            return self._records.claim(record, to_send=to_send)

        def claim() -> Claim:
            try:
                entry = self._new_entry(record, policy)
            except AtCapacity:
                earlier = self._ledger.get(record.factory, record.request_id)
                if earlier is None:
                    raise
                return Claim(earlier, created=False)
            leased = to_send and entry.is_admitted
            return self._records.claim(entry.record, to_send=leased, places=entry.places)

        try:
            return self._tried(self._name(record, policy), claim)
        except LedgerConflict as exc:
            raise _busy() from exc

    def reclaim(self, rejected: Stored, record: RunRecord, *, to_send: bool) -> Stored:
        """Put a new request in the place of a rejected one of the same key, as `claim` does.

        Raises:
            LedgerConflict: the rejected one has changed since it was read.
            AtCapacity, TryLater, InvalidRequest, LedgerError: see `claim`.
        """
        policy = self._policy_for_new(record)
        if policy is None:
            return self._records.reclaim(rejected, record, to_send=to_send)

        def reclaim() -> Stored:
            entry = self._new_entry(record, policy)
            leased = to_send and entry.is_admitted
            return self._records.reclaim(rejected, entry.record, to_send=leased, places=entry.places)

        return self._tried(self._name(record, policy), reclaim, of=rejected)

    def lease(self, stored: Stored, *, others: int = 0) -> Stored | None:
        """Lease a request to this process, which is about to call createRun; None where it has to wait for a place.

        Who calls it for one that waits in line knows that those before it wait no more.

        Args:
            stored: the request.
            others: runs of others that are counted with its own.

        Raises:
            LedgerConflict: somebody else has changed it, or keeps changing its places.
            LedgerError: the ledger is out of reach.
        """
        record = stored.record
        policy = self._policies.of(record.pipeline).admission
        if policy is None or record.admitted_at is not None or record.sent_at is not None:
            return self._records.lease_to_send(stored)

        def lease() -> Stored | None:
            entry = self._entry(record, policy, others)
            if entry is None:
                return None
            if entry.is_admitted:
                return self._records.admit(stored, entry.record, entry.places)
            if entry.places is not None:
                self._records.line_up(stored, entry.record, entry.places)
            return None

        try:
            return self._tried(self._name(record, policy), lease, of=stored)
        except TryLater as exc:
            raise LedgerConflict(str(exc)) from exc

    def reason_of(self, record: RunRecord) -> str:
        """What a request in line waits for, in words."""
        policy = self._policies.of(record.pipeline).admission
        if policy is None or record.places != self._name(record, policy):
            return "it waits for a place"  # in the line of another policy: the next tick sees to it
        return admission_moves.reason(self._empty(record, policy), policy)

    def room(self, factory: str, places: Places, rows: Mapping[str, ActiveRun]) -> int | None:
        """How many of those who wait may be given a place now; None where they are not counted there any more.

        Args:
            factory: whose places they are.
            places: as they are.
            rows: active rows by request, read after the places: who has not ended there has its place still.
        """
        policy = self._policies.of(places.pipeline).admission
        if policy is None or policy.key != places.by:
            return None
        return max(0, policy.at_once - len(self.holders(factory, places, rows)))

    def holders(self, factory: str, places: Places, rows: Mapping[str, ActiveRun]) -> Sequence[Holder]:
        """Who has a place still; see `room`."""
        return self._holding(factory, places, below=0, rows=rows)

    def _new_entry(self, record: RunRecord, policy: AdmissionPolicy) -> _Entry:
        entry = self._entry(record, policy) if record.held is None else self._held_entry(record, policy)
        if entry is None:
            raise RuntimeError(f"a new request waits already: {record.request_id}")
        if entry.is_admitted or record.held is not None:
            return entry
        if policy.overflow is Overflow.REFUSE:
            raise self._full(record, policy)
        joined = self._joined(record, policy) if policy.overflow is Overflow.JOIN else None
        return entry if joined is None else _Entry(joined, None)

    def _joined(self, record: RunRecord, policy: AdmissionPolicy) -> RunRecord | None:
        """A new request as it joins one with a place that is the same; None where there is none.

        None also where a place is free, but for a line that nobody stands in any more: it lines up, and a tick sees.
        """
        places = self._read(record, policy).places
        there = self._there(record, places)
        other = joining.same_among(there, record)
        is_free = places.has_line and len(there) < policy.at_once
        if other is None or (is_free and self._is_left(record.factory, places)):
            return None
        return joining.join(record, other)

    def _policy_for_new(self, record: RunRecord) -> AdmissionPolicy | None:
        """The policy of a new request; None also where nobody but its caller can start it, and may not yet."""
        if record.held is not None and record.secure_parameters:
            return None
        return self._policies.of(record.pipeline).admission

    def counts_others(self, places: Places) -> bool:
        """Whether runs of others are counted among places."""
        policy = self._policies.of(places.pipeline).admission
        return policy is not None and policy.count_others

    def _entry(self, record: RunRecord, policy: AdmissionPolicy, others: int = 0) -> _Entry | None:
        """Where a request stands that has no place: with one, or in line; None where it goes on to wait as it does."""
        kept = self._read(record, policy)
        places = kept.places
        in_line = record.waits_for is Waits.ADMISSION and record.places == places.name
        if policy.count_others and not kept.etag:
            in_line = False  # no row, no count of others' runs: it is lined up anew, and seen with its row
        secret = bool(record.secure_parameters)
        in_vain = (
            places.has_line and policy.overflow is Overflow.REFUSE and self._is_left(record.factory, places)
        )
        if in_line or secret or in_vain or not (places.has_line or policy.count_others):
            # Who alone has its secrets cannot be called when its turn comes: it takes what is free when it comes.
            most = policy.at_once - others - self._elsewhere(record.factory, places)
            holding = self._holding(record.factory, places, below=most, but=record.request_id)
            if len(holding) < most:
                served = places.issued if in_vain else places.served
                served = max(served, record.place_number or 0) if in_line else served
                taken = replace(
                    places,
                    holders=(*holding, Holder(record.request_id, record.run_id)),
                    served=served,
                    issued=max(places.issued, served),
                )
                admitted = admission_moves.admit(record, taken, now=self._clock())
                return _Entry(admitted, KeptPlaces(taken, kept.etag))
        if in_line or (secret and record.waits_for is Waits.CALLER):
            return None
        reason = admission_moves.reason(places, policy)
        if secret:
            return _Entry(admission_moves.leave_to_caller(record, places, reason=reason), None)
        return self._last_in_line(record, kept, reason)

    def _held_entry(self, record: RunRecord, policy: AdmissionPolicy) -> _Entry:
        """In line, whatever is free, with the reason of who holds it."""
        return self._last_in_line(record, self._read(record, policy), record.message or "")

    @staticmethod
    def _last_in_line(record: RunRecord, kept: KeptPlaces, reason: str) -> _Entry:
        longer = replace(kept.places, issued=kept.places.issued + 1)
        waiting = admission_moves.line_up(record, longer, number=longer.issued, reason=reason)
        return _Entry(waiting, KeptPlaces(longer, kept.etag))

    def _holding(
        self,
        factory: str,
        places: Places,
        *,
        below: int,
        but: str | None = None,
        rows: Mapping[str, ActiveRun] | None = None,
    ) -> Sequence[Holder]:
        """Who has a place still, but for one request; once these are fewer than so many, no more are looked at."""
        holding = [each for each in places.holders if each.request_id != but]
        for holder in tuple(holding):
            if len(holding) < below:
                break
            if not self._holds(
                factory, places.name, holder, None if rows is None else rows.get(holder.request_id)
            ):
                holding.remove(holder)
        return holding

    def _holds(self, factory: str, name: str, holder: Holder, row: ActiveRun | None) -> bool:
        if row is not None and row.run_id == holder.run_id and _is_under_way(row):
            return True
        try:
            stored = self._ledger.get(factory, holder.request_id)
        except UnreadableRow:
            return True  # of a later version: what has become of it cannot be told
        return stored is not None and stored.record.has_place_in(name)

    def _is_left(self, factory: str, places: Places) -> bool:
        """Whether nobody stands in a line any more. Where one is refused and not put there, no tick would find out."""
        rows = self._ledger.active(factory)
        return not any(row.places == places.name and row.waits_for is Waits.ADMISSION for row in rows)

    def _elsewhere(self, factory: str, places: Places) -> int:
        """How many have places that are kept under further ids of the same factory."""
        handle = self._factories.kept_under(factory)
        others = () if handle is None else self._factories.of(handle.alias)
        count = 0
        for other in others:
            if other.id.lower() != factory.lower():
                kept = self._ledger.places(other.id, places.name)
                count += 0 if kept is None else len(self._holding(other.id, kept.places, below=0))
        return count

    def _full(self, record: RunRecord, policy: AdmissionPolicy) -> AtCapacity:
        places = self._read(record, policy).places
        there = self._there(record, places)
        why = (
            "these are under way or in doubt" if there else "requests that came before it wait for their turn"
        )
        return AtCapacity(
            f"{admission_moves.counted(places, policy)}, and {why}; the policy of the pipeline refuses more",
            runs=[self._choice(each) for each in there],
        )

    def _there(self, record: RunRecord, places: Places) -> Sequence[RunRecord]:
        """The records of those who have a place."""
        found = (self._ledger.get(record.factory, each.request_id) for each in places.holders)
        return [each.record for each in found if each is not None and each.record.has_place_in(places.name)]

    def _read(self, record: RunRecord, policy: AdmissionPolicy) -> KeptPlaces:
        empty = self._empty(record, policy)
        return self._ledger.places(record.factory, empty.name) or KeptPlaces(empty)

    @staticmethod
    def _empty(record: RunRecord, policy: AdmissionPolicy) -> Places:
        key = key_of(policy, record)
        name = name_of(record.pipeline, policy.key, key)
        return Places(name=name, pipeline=record.pipeline, by=policy.key, key=key)

    def _name(self, record: RunRecord, policy: AdmissionPolicy) -> str:
        return name_of(record.pipeline, policy.key, key_of(policy, record))

    def _tried(self, name: str, attempt: Callable[[], T], *, of: Stored | None = None) -> T:
        """What an attempt gives, made anew on the places as they are where somebody has changed them.

        Raises:
            LedgerConflict: the record itself has changed.
            TryLater: others keep changing the places.
        """
        with self._lock_of(name):
            for number in range(MOST_TRIES):
                try:
                    return attempt()
                except LedgerConflict:
                    if of is not None and self._has_changed(of):
                        raise
                self._pause(random.uniform(0, min(LONGEST_PAUSE, 0.02 * 2**number)))  # noqa: S311 - no secret
        raise _busy()

    def _has_changed(self, stored: Stored) -> bool:
        present = self._ledger.get(stored.record.factory, stored.record.request_id)
        return present is None or present.etag != stored.etag

    @contextmanager
    def _lock_of(self, name: str) -> Iterator[None]:
        """Keeps a process from losing races against itself."""
        lock = self._locks[int(name[:8], 16) % LOCKS]
        if not lock.acquire(timeout=self._lock_wait):
            raise _busy()
        try:
            yield
        finally:
            lock.release()


def _is_under_way(row: ActiveRun) -> bool:
    """Whether a row says by itself that its request was admitted, and has not ended."""
    return row.state is not RunState.ENDED and row.waits_for in {None, Waits.PIPELINE}


def _busy() -> TryLater:
    return TryLater("its places are being taken by others; nothing was kept of it", retry_after=RETRY_AFTER)
