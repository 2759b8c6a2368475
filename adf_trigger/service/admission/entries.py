"""Decides how a request enters: with a place, in line, joined to another request, or refused."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from adf_trigger.clock import Clock
from adf_trigger.contracts import RunChoice
from adf_trigger.errors import AtCapacity
from adf_trigger.ledger.places import Holder, KeptPlaces
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import RunRecord, Waits
from adf_trigger.service.admission import moves as admission_moves
from adf_trigger.service.admission.holders import Holders
from adf_trigger.service.admission.keys import places_of
from adf_trigger.service.recording import joining
from adf_trigger.settings.policy import AdmissionPolicy, Overflow


@dataclass(frozen=True, slots=True)
class Entry:
    """The decision about a request, to be written.

    Attributes:
        record: the new record.
        places: the new places; None where they do not change.
    """

    record: RunRecord
    places: KeptPlaces | None

    @property
    def is_admitted(self) -> bool:
        """Whether it has a place."""
        return self.record.admitted_at is not None


class Entries:
    """Decides by the present places. A decision is written on condition that they have not changed since.

    Args:
        ledger: the run ledger.
        holders: knows which requests hold a place.
        choice: describes a run that holds a place to a caller that finds none free.
        clock: returns the current time.
    """

    def __init__(
        self, ledger: LedgerReader, holders: Holders, choice: Callable[[RunRecord], RunChoice], clock: Clock
    ) -> None:
        self._ledger = ledger
        self._holders = holders
        self._choice = choice
        self._clock = clock

    def of_new(self, record: RunRecord, policy: AdmissionPolicy) -> Entry:
        """Decide about a new request: it gets a place, lines up, or joins another request.

        Raises:
            AtCapacity: no place is free, and the policy refuses further requests.
        """
        entry = self.of(record, policy) if record.held is None else self._held_entry(record, policy)
        if entry is None:
            raise RuntimeError(f"a new request waits already: {record.request_id}")
        if entry.is_admitted or record.held is not None:
            return entry
        if policy.overflow is Overflow.REFUSE:
            raise self._full(record, policy)
        joined = self._joining(record, policy) if policy.overflow is Overflow.JOIN else None
        return entry if joined is None else Entry(joined, None)

    def _joining(self, record: RunRecord, policy: AdmissionPolicy) -> RunRecord | None:
        """A new request, joined to a request with a place that asks for the same; None where there is none.

        None also where a place is free behind a line that is empty by now: it lines up, and the next tick admits it.
        """
        places = self._read(record, policy).places
        there = self._holders.known_of(record.factory, places)
        other = joining.joinable_among(there.records, record)
        is_free = places.has_line and len(there) < policy.at_once
        if other is None or (is_free and self._holders.is_line_empty(record.factory, places)):
            return None
        return joining.join(record, other)

    def of(self, record: RunRecord, policy: AdmissionPolicy, others: int = 0) -> Entry | None:
        """Decide about a request without a place: it gets one, or lines up; None where it waits as before."""
        kept = self._read(record, policy)
        places = kept.places
        in_line = record.waits_for is Waits.ADMISSION and record.places == places.name
        if in_line and (record.place_number or 0) > places.issued:  # the row that gave it was removed by hand
            places = replace(places, issued=self._holders.last_number(record.factory, places))
        if policy.count_others and not kept.etag:
            in_line = False  # runs of others are counted only with a row: it lines up again, which writes one
        secret = bool(record.secure_parameters)
        refuses = policy.overflow is Overflow.REFUSE
        is_empty_line = places.has_line and refuses and self._holders.is_line_empty(record.factory, places)
        may_be_next = in_line or is_empty_line or not (places.has_line or policy.count_others)
        if secret or (may_be_next and not self._holders.has_line_before(record.factory, places)):
            # Only its caller has its secret values, and cannot be called at its turn: it may take a free place now.
            most = policy.at_once - others - self._holders.elsewhere(record.factory, places)
            holding = self._holders.of(record.factory, places, below=most, but=record.request_id)
            if len(holding) < most:
                served = places.issued if is_empty_line else places.served
                served = max(served, record.place_number or 0) if in_line else served
                taken = replace(
                    places,
                    holders=(*holding, Holder(record.request_id, record.run_id)),
                    served=served,
                    issued=max(places.issued, served),
                )
                admitted = admission_moves.admit(record, taken, now=self._clock())
                return Entry(admitted, KeptPlaces(taken, kept.etag))
        if in_line or (secret and record.waits_for is Waits.CALLER):
            return None
        reason = admission_moves.reason(places, policy)
        if secret:
            return Entry(admission_moves.leave_to_caller(record, places, reason=reason), None)
        return self._last_in_line(record, kept, reason)

    def _held_entry(self, record: RunRecord, policy: AdmissionPolicy) -> Entry:
        """A held request lines up even where a place is free; its reason is that of the hold."""
        return self._last_in_line(record, self._read(record, policy), record.message or "")

    @staticmethod
    def _last_in_line(record: RunRecord, kept: KeptPlaces, reason: str) -> Entry:
        longer = replace(kept.places, issued=kept.places.issued + 1)
        waiting = admission_moves.line_up(record, longer, number=longer.issued, reason=reason)
        return Entry(waiting, KeptPlaces(longer, kept.etag))

    def _full(self, record: RunRecord, policy: AdmissionPolicy) -> AtCapacity:
        places = self._read(record, policy).places
        there = self._holders.all_known_of(record.factory, places)
        why = ["these are under way or in doubt"] if there.records else []
        why += [
            f"the record of request {each.request_id} (run {each.run_id}), which has a place, cannot be read"
            for each in there.unreadable
        ]
        if not why:
            why = ["requests that came before it wait for their turn"]
        return AtCapacity(
            f"{admission_moves.counted(places, policy)}, and {', and '.join(why)}; the policy of the pipeline "
            "refuses more",
            runs=[self._choice(each) for each in there.records],
        )

    def _read(self, record: RunRecord, policy: AdmissionPolicy) -> KeptPlaces:
        empty = places_of(record, policy)
        return self._ledger.places(record.factory, empty.name) or KeptPlaces(empty)
