"""Any order of any steps on a ledger, held against a model made of plain dictionaries."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from adf_trigger.errors import LedgerConflict
from adf_trigger.ledger.listing import ListedRun, Question
from adf_trigger.ledger.port import Ledger, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from tests.contracts.ledger_records import MINUTE, NOON, a_factory, a_record

KEYS = ["A", "a", "b.1"]
RUN_IDS = [UUID(int=n) for n in range(1, 6)]

STATUSES = {
    RunState.ACCEPTED: "Accepted",
    RunState.SUBMITTED: "InProgress",
    RunState.ENDED: "Failed",
    RunState.PUBLISHED: "Rejected",
}

keys = st.sampled_from(KEYS)
run_ids = st.sampled_from(RUN_IDS)
states = st.sampled_from(RunState)
minutes = st.integers(min_value=0, max_value=3)


def check_against_model(ledger: Ledger, *, examples: int, steps: int) -> None:
    """Take steps on a ledger and on the model, and compare them after each."""

    class Machine(LedgerMachine):
        def __init__(self) -> None:
            super().__init__(ledger)

    run_state_machine_as_test(
        Machine, settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    )


class LedgerMachine(RuleBasedStateMachine):
    """Few keys and few runIds, so that they collide; readings of any age, so that they are stale.

    The model: which reading of a key is the present one, and which runIds each key has had.
    """

    readings = Bundle[Stored]("readings")

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger = ledger
        self.factory = a_factory()
        self.present: dict[str, Stored] = {}
        self.had: dict[str, set[UUID]] = {}

    @rule(target=readings, key=keys, run_id=run_ids, minute=minutes)
    def claim(self, key: str, run_id: UUID, minute: int) -> Stored:
        record = a_record(self.factory, key, run_id=run_id, requested_at=NOON + minute * MINUTE)
        try:
            claim = self.ledger.claim(record)
        except LedgerConflict:
            assert key not in self.present
            assert self.owner(run_id) is not None
            return multiple()  # type: ignore[return-value]  # Hypothesis: nothing for the bundle
        if claim.created:
            assert key not in self.present
            assert self.owner(run_id) is None
            assert claim.stored.record == record
            self.present[key] = claim.stored
            self.had[key] = {run_id}
        else:
            assert claim.stored == self.present[key]
        return claim.stored

    @rule(target=readings, reading=readings, run_id=st.none() | run_ids, state=states, minute=minutes)
    def save(self, reading: Stored, run_id: UUID | None, state: RunState, minute: int) -> Stored:
        record = replace(
            reading.record,
            run_id=run_id or reading.record.run_id,
            state=state,
            status=STATUSES[state],
            # As the service writes it: a run that is submitted is confirmed.
            submitted_at=reading.record.submitted_at
            or (reading.record.requested_at if state is RunState.SUBMITTED else None),
            published_at=reading.record.requested_at + minute * MINUTE
            if state is RunState.PUBLISHED
            else None,
            attempts=reading.record.attempts + 1,
        )
        key = record.request_id
        possible = self.is_present(reading) and self.owner(record.run_id) in (None, key)
        try:
            saved = self.ledger.save(reading, record)
        except LedgerConflict:
            assert not possible
            return multiple()  # type: ignore[return-value]  # Hypothesis: nothing for the bundle
        assert possible
        assert saved.etag != reading.etag
        assert replace(saved.record, former_run_ids=()) == replace(record, former_run_ids=())
        self.present[key] = saved
        self.had[key].add(record.run_id)
        return saved

    @rule(target=readings, reading=readings, run_id=run_ids, minute=minutes)
    def reclaim(self, reading: Stored, run_id: UUID, minute: int) -> Stored:
        key = reading.record.request_id
        record = a_record(
            self.factory, key, run_id=run_id, requested_at=NOON + minute * MINUTE, digest="another"
        )
        possible = self.is_present(reading) and self.owner(run_id) in (None, key)
        try:
            stored = self.ledger.reclaim(reading, record)
        except LedgerConflict:
            assert not possible
            return multiple()  # type: ignore[return-value]  # Hypothesis: nothing for the bundle
        assert possible
        assert stored.record == record
        self.present[key] = stored
        self.had[key] = {run_id}
        return stored

    @rule(reading=readings)
    def release(self, reading: Stored) -> None:
        self.release_if_present(reading)

    @rule(reading=consumes(readings))
    def release_and_forget(self, reading: Stored) -> None:
        self.release_if_present(reading)

    @rule(minute=minutes, limit=st.integers(min_value=1, max_value=3))
    def purge(self, minute: int, limit: int) -> None:
        published_before = NOON + minute * MINUTE
        old = {key for key, stored in self.present.items() if is_old(stored.record, published_before)}
        assert self.ledger.purge(self.factory, published_before=published_before, limit=limit) == min(
            len(old), limit
        )
        gone = {key for key in self.present if self.ledger.get(self.factory, key) is None}
        assert gone <= old
        assert len(gone) == min(len(old), limit)
        for key in gone:
            del self.present[key], self.had[key]

    @invariant()
    def every_key_leads_to_its_record(self) -> None:
        for key in KEYS:
            assert self.ledger.get(self.factory, key) == self.present.get(key)

    @invariant()
    def every_run_id_leads_to_its_record(self) -> None:
        for run_id in RUN_IDS:
            owner = self.owner(run_id)
            expected = None if owner is None else self.present[owner]
            assert self.ledger.find(self.factory, run_id) == expected

    @invariant()
    def what_is_not_told_is_active(self) -> None:
        records = [s.record for s in self.present.values() if s.record.state is not RunState.PUBLISHED]
        expected = sorted(records, key=lambda record: (record.requested_at, record.request_id))
        assert self.ledger.active(self.factory) == [ActiveRun.of(record) for record in expected]

    @invariant()
    def the_listing_has_every_record_once(self) -> None:
        listed: list[RunRecord] = []
        continuation = None
        while True:
            page = self.ledger.runs(self.factory, since=None, limit=2, continuation=continuation)
            listed += page.records
            continuation = page.continuation
            if continuation is None:
                break
        records = sorted((s.record for s in self.present.values()), key=lambda record: record.request_id)
        records.sort(key=lambda record: record.requested_at, reverse=True)
        assert listed == records

    @rule(limit=st.integers(min_value=1, max_value=3))
    def a_list_shows_every_record_as_it_is(self, limit: int) -> None:
        shown: list[ListedRun] = []
        after: str | None = ""
        while after is not None:
            page = self.ledger.listing(self.factory, Question(), after=after, limit=limit)
            shown += [entry.run for entry in page.entries]
            after = page.read_to
        records = sorted((s.record for s in self.present.values()), key=lambda record: record.request_id)
        records.sort(key=lambda record: record.requested_at, reverse=True)
        assert shown == [ListedRun.of(record) for record in records]

    def release_if_present(self, reading: Stored) -> None:
        possible = self.is_present(reading)
        try:
            self.ledger.release(reading)
        except LedgerConflict:
            assert not possible
            return
        assert possible
        key = reading.record.request_id
        del self.present[key], self.had[key]

    def is_present(self, reading: Stored) -> bool:
        return self.present.get(reading.record.request_id) == reading

    def owner(self, run_id: UUID) -> str | None:
        return next((key for key, had in self.had.items() if run_id in had), None)


def is_old(record: RunRecord, published_before: datetime) -> bool:
    """Whether a purge may take a record."""
    return record.published_at is not None and record.published_at < published_before
