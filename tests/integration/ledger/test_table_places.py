"""Two hosts with four threads each claim requests of one key, at Azurite: each has a place or a number of its own."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from adf_trigger.clock import utcnow
from adf_trigger.contracts import RunChoice
from adf_trigger.errors import LedgerConflict, TryLater
from adf_trigger.ledger.places import KeptPlaces
from adf_trigger.ledger.port import Claim
from adf_trigger.ledger.records import RunRecord, Waits
from adf_trigger.ledger.table import TableLedger
from adf_trigger.service.admission.admission import Admission
from adf_trigger.service.admission.contention import MOST_TRIES
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.policy import Policies
from adf_trigger.service.recording.records import Records
from adf_trigger.service.steps import logged_steps
from adf_trigger.settings.policy import AdmissionPolicy, PipelinePolicy
from tests.contracts.ledger_records import a_record
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


def a_host(factory: str, ledger: Counting) -> Admission:
    """What a host decides by: its own locks, and the ledger that both have."""
    handle = FactoryHandle("default", factory, MemoryFactory(utcnow))
    records = Records(ledger, utcnow, logged_steps, lease=timedelta(seconds=90))  # type: ignore[arg-type]  # it is one
    return Admission(
        ledger,  # type: ignore[arg-type]
        records,
        Policies({"load": POLICY}),
        Factories({"default": handle}),
        _told,
        utcnow,
    )


def _told(record: RunRecord) -> RunChoice:
    raise AssertionError(f"nobody is refused: {record.request_id}")


def test_of_two_hosts_each_claim_has_a_place_or_a_number_of_its_own(
    table_ledger: TableLedger, factory: str
) -> None:
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
