"""At most so many runs of a pipeline, or of a key of it, at once: who is given a place, who waits, who is refused.

A place is taken in the transaction of the claim, or of the lease to send; so no two requests take the same one. It is
given back by nobody: whether a request still has its place is what its record says (`RunRecord.has_place_in`), and who
wants one where none is free looks there. Order follows from the numbers that the row gives, and from no clock.
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
    """Decides who is given a place. Thread-safe.

    Args:
        ledger: the run ledger.
        records: writes it.
        policies: the policy of each pipeline.
        factories: all configured factories, some of which have records under several ids.
        choice: describes a run that holds a place to a caller that finds none free.
        clock: returns the current time.
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
        self._holders = Holders(ledger, factories)
        self._entries = Entries(ledger, self._holders, choice, clock)
        self._contention = Contention(ledger, pause)

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
        """Put a new request in the place of a rejected one of the same key, as `claim` does.

        Raises:
            LedgerConflict: the rejected one has changed since it was read.
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
            return "it waits for a place"  # in the line of another policy: the next tick sees to it
        return admission_moves.reason(places_of(record, policy), policy)

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
        return self._holders.of(factory, places, rows=rows)

    def counts_others(self, places: Places) -> bool:
        """Whether runs of others are counted among places."""
        policy = self._policies.of(places.pipeline).admission
        return policy is not None and policy.count_others

    def _policy_for_new(self, record: RunRecord) -> AdmissionPolicy | None:
        """The policy of a new request; None also where nobody but its caller can start it, and may not yet."""
        if record.held is not None and record.secure_parameters:
            return None
        return self._policies.of(record.pipeline).admission
