"""Ends requests that have joined the runs of others, once these have ended; run by the timer."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState, Waits
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.publishing.publish import Publisher
from adf_trigger.service.recording import joining
from adf_trigger.service.recording.joining import Fate
from adf_trigger.service.recording.records import Records
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.service.troubles import Troubles


class JoinedEnder:
    """Ends joined requests.

    Args:
        ledger: the run ledger.
        records: writes it.
        publisher: publishes the ends.
        tick_threads: processes several requests concurrently.
    """

    def __init__(
        self, ledger: LedgerReader, records: Records, publisher: Publisher, tick_threads: TickThreads
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._publisher = publisher
        self._tick_threads = tick_threads

    def end(
        self,
        factory: str,
        active: Sequence[ActiveRun],
        ended: Sequence[Stored],
        over: Collection[UUID],
        budget: Budget,
    ) -> None:
        """End and publish the joined requests whose run has ended. Those whose run is still active are not read.

        Args:
            factory: resource id under which they are kept.
            active: its active rows, as they were read when the tick began.
            ended: records that have since ended without a run.
            over: runs that Data Factory has since shown as ended.
            budget: says when the time is up; the next tick continues.

        Raises:
            LedgerError, PublishError: storage is out of reach; the next tick continues.
        """
        ended_ids = {each.record.request_id for each in ended}
        still_active = {
            (row.request_id, row.run_id)
            for row in active
            if row.state is not RunState.ENDED and row.request_id not in ended_ids and row.run_id not in over
        }
        joined = defaultdict[str, list[ActiveRun]](list)
        for row in active:
            to = row.joined_to
            if to is not None and (to.request_id, to.run_id) not in still_active:
                joined[to.request_id].append(row)
        troubles = Troubles("end_joined")

        def end(request_id: str) -> None:
            with troubles.of(request_id):
                other = self._ledger.get(factory, request_id)
                for row in budget.while_it_lasts(joined[request_id]):
                    with troubles.of(row.request_id):
                        self._end(factory, row, None if other is None else other.record)

        self._tick_threads.each(end, budget.while_it_lasts(joined))

    def _end(self, factory: str, row: ActiveRun, other: RunRecord | None) -> None:
        stored = self._ledger.get(factory, row.request_id)
        if stored is None or stored.record.ended or stored.record.waits_for is not Waits.JOINED:
            return  # another process was first
        fate, to = joining.fate_of(stored.record, other), stored.record.joined_to
        named = f"request {to and to.request_id}"
        if fate is Fate.ACTIVE:
            return
        if other is not None and fate is Fate.ENDED_BEFORE:
            self._records.leave_joined(stored, other)
            return
        if other is not None and fate is Fate.ENDED:
            leased = self._records.end_joined(stored, other)
        elif fate is Fate.REJECTED:
            reason = f"{named}, which it had joined, was rejected, and its key was used again"
            leased = self._records.lease_to_publish(self._records.reject(stored, reason))
        else:
            reason = f"the record of {named}, which it had joined, no longer exists"
            leased = self._records.lease_to_publish(self._records.park(stored, reason))
        self._publisher.publish_leased(leased)
