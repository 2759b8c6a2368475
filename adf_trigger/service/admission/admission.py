"""Limits the concurrent runs of a pipeline, or of each value of a key: requests get a place, wait, or are refused.

A place is taken in the transaction of the claim, or of the lease to send, so that no two requests take the same one. It
is never given back explicitly: a request's record shows whether it still holds its place (`RunRecord.has_place_in`),
and is read when another request finds no free place. The order follows from the numbers that the row issues, not from a
clock.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from adf_trigger.clock import Clock
from adf_trigger.contracts import RunChoice
from adf_trigger.errors import AtCapacity, LedgerConflict, TryLater
from adf_trigger.ledger.places import Holder, Places
from adf_trigger.ledger.port import Claim, LedgerReader, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord
from adf_trigger.service.admission import moves as admission_moves
from adf_trigger.service.admission.contention import Contention, busy
from adf_trigger.service.admission.entries import Entries
from adf_trigger.service.admission.holders import Holders
from adf_trigger.service.admission.keys import places_of
from adf_trigger.service.factories import Factories
from adf_trigger.service.policy import Policies
from adf_trigger.service.recording.records import Records
from adf_trigger.settings.policy import AdmissionPolicy


class Admission:
    """Gives places to requests. Thread-safe.

    Args:
        ledger: the run ledger.
        records: writes it.
        policies: the policy of each pipeline.
        factories: all configured factories, some of which have records under several ids.
        choice: describes a run that holds a place to a caller that finds none free.
        clock: returns the current time.
        pause: sleeps, in seconds.
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
        self._holders = Holders(ledger, factories)
        self._entries = Entries(ledger, self._holders, choice, clock)
        self._contention = Contention(ledger, pause)

    def claim(self, record: RunRecord, *, to_send: bool) -> Claim:
        """Insert a new request with a place, or in line for one, or find the earlier one of the same key.

        A held request takes no place until the hold is over, but lines up immediately, so that requests that come after
        the release do not overtake it.

        Args:
            record: the request.
            to_send: whether it is leased to its sender where it has a place.

        Raises:
            AtCapacity: no place is free, and the policy refuses further requests. Nothing was kept.
            TryLater: others keep changing the places. Nothing was kept.
            InvalidRequest, LedgerError: see `Records.claim`.
        """
        policy = self._policy_for_new(record)
        if policy is None:
            return self._records.claim(record, to_send=to_send)

        def claim() -> Claim:
            try:
                entry = self._entries.of_new(record, policy)
            except AtCapacity:
                earlier = self._ledger.get(record.factory, record.request_id)
                if earlier is None:
                    raise
                return Claim(earlier, created=False)
            leased = to_send and entry.is_admitted
            return self._records.claim(entry.record, to_send=leased, places=entry.places)

        try:
            return self._contention.tried(places_of(record, policy).name, claim)
        except LedgerConflict as exc:
            raise busy() from exc

    def reclaim(self, rejected: Stored, record: RunRecord, *, to_send: bool) -> Stored:
        """Replace a rejected request by a new one of the same key, as `claim` does.

        Raises:
            LedgerConflict: the rejected request has changed since it was read.
            AtCapacity, TryLater, InvalidRequest, LedgerError: see `claim`.
        """
        policy = self._policy_for_new(record)
        if policy is None:
            return self._records.reclaim(rejected, record, to_send=to_send)

        def reclaim() -> Stored:
            entry = self._entries.of_new(record, policy)
            leased = to_send and entry.is_admitted
            return self._records.reclaim(rejected, entry.record, to_send=leased, places=entry.places)

        return self._contention.tried(places_of(record, policy).name, reclaim, of=rejected)

    def lease(self, stored: Stored, *, others: int = 0) -> Stored | None:
        """Lease a request to this process, which is about to call createRun; None where it has to wait for a place.

        For a request in line, the caller makes sure that none before it waits any more.

        Args:
            stored: the request.
            others: runs of others that count against the limit.

        Raises:
            LedgerConflict: another process has changed it, or keeps changing its places.
            LedgerError: the ledger is out of reach.
        """
        record = stored.record
        policy = self._policies.of(record.pipeline).admission
        if policy is None or record.admitted_at is not None or record.sent_at is not None:
            return self._records.lease_to_send(stored)

        def lease() -> Stored | None:
            entry = self._entries.of(record, policy, others)
            if entry is None:
                return None
            if entry.is_admitted:
                return self._records.admit(stored, entry.record, entry.places)
            if entry.places is not None:
                self._records.line_up(stored, entry.record, entry.places)
            return None

        try:
            return self._contention.tried(places_of(record, policy).name, lease, of=stored)
        except TryLater as exc:
            raise LedgerConflict(str(exc)) from exc

    def reason_of(self, record: RunRecord) -> str:
        """What a request in line waits for, in words."""
        policy = self._policies.of(record.pipeline).admission
        if policy is None or record.places != places_of(record, policy).name:
            return "it waits for a place"  # in the line of another policy: the next tick moves it
        return admission_moves.reason(places_of(record, policy), policy)

    def room(self, factory: str, places: Places, rows: Mapping[str, ActiveRun]) -> int | None:
        """How many waiting requests may get a place now; None where the policy does not limit them any more.

        Args:
            factory: resource id that the places are kept under.
            places: as last read.
            rows: active rows by request, read after the places: a request that has not ended there keeps its place.
        """
        policy = self._policies.of(places.pipeline).admission
        if policy is None or policy.key != places.by:
            return None
        return max(0, policy.at_once - len(self.holders(factory, places, rows)))

    def holders(self, factory: str, places: Places, rows: Mapping[str, ActiveRun]) -> Sequence[Holder]:
        """The requests that still hold a place; see `room`."""
        return self._holders.of(factory, places, rows=rows)

    def counts_others(self, places: Places) -> bool:
        """Whether runs of others count against the limit of these places."""
        policy = self._policies.of(places.pipeline).admission
        return policy is not None and policy.count_others

    def _policy_for_new(self, record: RunRecord) -> AdmissionPolicy | None:
        """The policy of a new request; None also where only its caller can start it, and it is held."""
        if record.held is not None and record.secure_parameters:
            return None
        return self._policies.of(record.pipeline).admission
