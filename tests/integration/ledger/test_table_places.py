"""Places on Azurite: each claim of many hosts and threads gets one, or a number of its own; unreadable rows."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from azure.data.tables import TableClient

from adf_trigger.clock import utcnow
from adf_trigger.contracts import RunChoice
from adf_trigger.errors import AtCapacity, LedgerConflict, TryLater, UnreadableRow
from adf_trigger.ledger.keys import partition_key, run_key
from adf_trigger.ledger.places import KeptPlaces, places_key
from adf_trigger.ledger.port import Claim
from adf_trigger.ledger.records import RunRecord, Waits
from adf_trigger.ledger.table import TableLedger
from adf_trigger.service.admission.admission import Admission
from adf_trigger.service.admission.contention import MOST_TRIES
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.policy import Policies
from adf_trigger.service.recording.records import Records
from adf_trigger.service.steps import logged_steps
from adf_trigger.settings.policy import AdmissionPolicy, Overflow, PipelinePolicy
from tests.contracts.ledger_records import a_record
from tests.support.damaged import damage
from tests.support.memory_factory import MemoryFactory

HOSTS, THREADS, REQUESTS, AT_ONCE = 2, 4, 200, 3
PATIENCE = 120.0
POLICY = PipelinePolicy(admission=AdmissionPolicy(at_once=AT_ONCE, key="parameters.customer"))


class Counting:
    """The claims of a host, and how many of them lost a race."""

    def __init__(self, ledger: TableLedger) -> None:
        self._ledger = ledger
        self.conflicts = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._ledger, name)

    def claim(self, record: RunRecord, places: KeptPlaces | None = None) -> Claim:
        """See Ledger."""
        try:
            return self._ledger.claim(record, places)
        except LedgerConflict:
            self.conflicts += 1
            raise


def a_host(factory: str, ledger: Counting, policy: PipelinePolicy = POLICY) -> Admission:
    """A host's admission: its own locks, and the ledger that both hosts share."""
    handle = FactoryHandle("default", factory, MemoryFactory(utcnow))
    records = Records(ledger, utcnow, logged_steps, lease=timedelta(seconds=90))  # type: ignore[arg-type]  # it is one
    return Admission(
        ledger,  # type: ignore[arg-type]
        records,
        Policies({"load": policy}),
        Factories({"default": handle}),
        _never_rejected,
        utcnow,
    )


def _never_rejected(record: RunRecord) -> RunChoice:
    raise AssertionError(f"no claim is rejected: {record.request_id}")


def test_each_claim_of_two_hosts_gets_a_place_or_a_number(table_ledger: TableLedger, factory: str) -> None:
    """None is lost, three have places, the others are numbered without a gap, and races cost a few tries each."""
    ledgers = [Counting(table_ledger) for _ in range(HOSTS)]
    hosts = [a_host(factory, ledger) for ledger in ledgers]

    def claim(number: int) -> RunRecord:
        record = a_record(factory, f"r-{number}", pipeline="load", parameters={"customer": "A"})
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return hosts[number % HOSTS].claim(record, to_send=True).stored.record
            except TryLater:
                assert time.monotonic() < deadline

    with ThreadPoolExecutor(HOSTS * THREADS) as threads:
        records = list(threads.map(claim, range(REQUESTS)))
    waiting = [record for record in records if record.waits_for is Waits.ADMISSION]
    assert sorted(record.place_number or 0 for record in waiting) == list(range(1, REQUESTS - AT_ONCE + 1))
    assert sum(record.admitted_at is not None for record in records) == AT_ONCE
    assert {row.request_id for row in table_ledger.active(factory)} == {f"r-{n}" for n in range(REQUESTS)}
    (kept,) = table_ledger.all_places(factory)
    assert (len(kept.places.holders), kept.places.issued) == (AT_ONCE, REQUESTS - AT_ONCE)
    assert sum(ledger.conflicts for ledger in ledgers) < REQUESTS * MOST_TRIES / 4


def test_an_unreadable_holder_or_row_of_places_is_named(
    table_ledger: TableLedger, raw_table: TableClient, factory: str
) -> None:
    """Of a later version, or damaged: a holder keeps its place, and an unreadable row of places grants none."""
    refuses = PipelinePolicy(
        admission=AdmissionPolicy(at_once=1, key="parameters.customer", overflow=Overflow.REFUSE)
    )
    host = a_host(factory, Counting(table_ledger), refuses)

    def claim(key: str) -> RunRecord:
        record = a_record(factory, key, pipeline="load", parameters={"customer": "A"})
        return host.claim(record, to_send=True).stored.record

    first = claim("r-1")
    damage(raw_table, factory, run_key("r-1"))
    with pytest.raises(
        AtCapacity,
        match=rf"the record of request r-1 \(run {first.run_id}\), which has a place, cannot be read",
    ):
        claim("r-2")
    (kept,) = table_ledger.all_places(factory)
    damage(raw_table, factory, places_key(kept.places.name), '{"holders": 1}')
    with pytest.raises(UnreadableRow, match=f"the row {re.escape(places_key(kept.places.name))} of places"):
        claim("r-2")
    raw_table.delete_entity(partition_key(factory), places_key(kept.places.name))
    assert claim("r-2").admitted_at is not None
    assert [row.request_id for row in table_ledger.active(factory)] == ["r-1", "r-2"]
