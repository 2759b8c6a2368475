"""Lost, broken and late replies of storage, distinguished from conflicts with another writer."""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.errors import LedgerConflict, LedgerError
from adf_trigger.ledger import rows
from adf_trigger.ledger.encoding import encode_record
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.records import ActiveRun, RunState
from adf_trigger.ledger.table import TableLedger
from tests.contracts.ledger_records import MINUTE, NOON, a_record
from tests.integration.ledger.faulty_storage import (
    BUSY,
    BUSY_BUT_DONE,
    FINE,
    LOST_REPLY,
    LOST_REQUEST,
    Fault,
    FaultyStorage,
)

pytestmark = pytest.mark.usefixtures("no_waiting")

READ_TIMEOUT = 0.4
LATE_REPLY = Fault(stall=2 * READ_TIMEOUT, keep=0)
ATTEMPTS = 3
DONE_IN_THE_END = [
    pytest.param([LOST_REPLY], id="reply lost"),
    pytest.param([LOST_REPLY] * ATTEMPTS, id="every reply lost"),
    pytest.param([LATE_REPLY], id="reply late"),
    pytest.param([LOST_REQUEST], id="request lost"),
    pytest.param([BUSY], id="busy"),
    pytest.param([BUSY_BUT_DONE], id="busy but done"),
    pytest.param([BUSY, LOST_REPLY], id="busy, then reply lost"),
    pytest.param([LOST_REQUEST, BUSY_BUT_DONE, LOST_REQUEST], id="done in the midst of losses"),
]


@pytest.fixture
def storage(azurite: str) -> Iterator[FaultyStorage]:
    """A proxy in front of Azurite."""
    endpoint = re.search("TableEndpoint=(http://[^/]+)", azurite)
    assert endpoint is not None
    with FaultyStorage(endpoint[1]) as storage:
        yield storage


@pytest.fixture
def ledger(azurite: str, storage: FaultyStorage, table: str, table_ledger: TableLedger) -> TableLedger:  # noqa: ARG001  # the table must be there
    """The ledger through the proxy; `table_ledger` is the same one without it."""
    return open_table_ledger(
        StorageAccount(
            connection_string=azurite.replace(storage.upstream, storage.url), read_timeout=READ_TIMEOUT
        ),
        table=table,
    )


@pytest.mark.parametrize("faults", DONE_IN_THE_END)
def test_a_claim_without_a_clear_reply_is_recognised_as_its_own(
    ledger: TableLedger, storage: FaultyStorage, factory: str, faults: list[Fault]
) -> None:
    """A claim that was written is created, whatever happened to the replies."""
    storage.faults.extend(faults)
    claim = ledger.claim(a_record(factory))
    assert claim.created
    assert not storage.faults
    assert ledger.get(factory, claim.stored.record.request_id) == claim.stored
    saved = ledger.save(claim.stored, replace(claim.stored.record, attempts=1))
    assert [run.run_id for run in ledger.active(factory)] == [saved.record.run_id]


@pytest.mark.parametrize("faults", DONE_IN_THE_END)
def test_a_claim_that_came_second_finds_the_first(
    ledger: TableLedger, storage: FaultyStorage, factory: str, faults: list[Fault]
) -> None:
    """A claim of a taken key finds the earlier record, whatever happened to the replies, or fails."""
    earlier = ledger.claim(a_record(factory)).stored
    storage.faults.extend(faults)
    try:
        claim = ledger.claim(a_record(factory))
    except LedgerConflict:
        raise
    except LedgerError:
        assert len(faults) == ATTEMPTS
        return
    assert not claim.created
    assert claim.stored == earlier


@pytest.mark.parametrize("faults", DONE_IN_THE_END)
def test_a_save_without_a_clear_reply_is_no_conflict(
    ledger: TableLedger, storage: FaultyStorage, factory: str, faults: list[Fault]
) -> None:
    """A save that was written returns the ETag that the next save needs, whatever happened to the replies."""
    stored = ledger.claim(a_record(factory)).stored
    storage.faults.extend(faults)
    saved = ledger.save(stored, replace(stored.record, attempts=1))
    assert ledger.get(factory, stored.record.request_id) == saved
    published = replace(saved.record, state=RunState.PUBLISHED, published_at=NOON)
    storage.faults.extend(faults)
    saved = ledger.save(saved, published)
    assert ledger.get(factory, stored.record.request_id) == saved
    assert ledger.active(factory) == []


@pytest.mark.parametrize("faults", DONE_IN_THE_END)
def test_a_release_without_a_clear_reply_is_no_conflict(
    ledger: TableLedger, storage: FaultyStorage, factory: str, faults: list[Fault]
) -> None:
    """A release that was written raises nothing, whatever happened to the replies."""
    stored = ledger.claim(a_record(factory)).stored
    storage.faults.extend(faults)
    ledger.release(stored)
    assert ledger.get(factory, stored.record.request_id) is None


@pytest.mark.parametrize("faults", DONE_IN_THE_END)
def test_a_purge_without_clear_replies_counts_the_removed_rows(
    ledger: TableLedger, storage: FaultyStorage, factory: str, faults: list[Fault]
) -> None:
    """A purge counts a removal whose replies were lost."""
    stored = ledger.claim(a_record(factory)).stored
    ledger.save(stored, replace(stored.record, state=RunState.PUBLISHED, published_at=NOON))
    storage.faults.extend(faults)
    assert ledger.purge(factory, published_before=NOON + MINUTE, limit=1) == 1


@pytest.mark.parametrize("fault", [LOST_REQUEST, BUSY])
def test_a_write_that_never_arrived_is_an_error_and_no_conflict(
    ledger: TableLedger, storage: FaultyStorage, factory: str, fault: Fault
) -> None:
    """A write that storage never received fails after its attempts, keeps the cause, and has changed nothing."""
    stored = ledger.claim(a_record(factory, "earlier")).stored
    before = len(storage.writes)
    for write in (
        lambda: ledger.claim(a_record(factory)),
        lambda: ledger.save(stored, replace(stored.record, attempts=1)),
        lambda: ledger.release(stored),
    ):
        storage.faults.extend([fault] * ATTEMPTS)
        with pytest.raises(LedgerError) as caught:
            write()
        assert not isinstance(caught.value, LedgerConflict)
        assert caught.value.__cause__ is not None
    assert len(storage.writes) - before == 3 * ATTEMPTS
    assert ledger.get(factory, "earlier") == stored
    assert len(ledger.active(factory)) == 1


def test_a_save_that_another_writer_overtook_is_a_conflict(
    ledger: TableLedger, table_ledger: TableLedger, storage: FaultyStorage, factory: str
) -> None:
    """A save whose request was lost, while another one was written, is not mistaken for its own."""
    stored = ledger.claim(a_record(factory)).stored
    record = replace(stored.record, attempts=1)
    other = replace(LOST_REQUEST, meanwhile=lambda: table_ledger.save(stored, record))
    storage.faults.append(other)
    with pytest.raises(LedgerConflict):
        ledger.save(stored, record)


def test_a_claim_that_another_caller_overtook_came_second(
    ledger: TableLedger, table_ledger: TableLedger, storage: FaultyStorage, factory: str
) -> None:
    """A claim whose request was lost, while another caller wrote the same one, has created nothing."""
    record = a_record(factory)
    storage.faults.append(replace(LOST_REQUEST, meanwhile=lambda: table_ledger.claim(record)))
    assert not ledger.claim(record).created


def test_a_claim_is_repeated_where_the_earlier_one_was_released(
    ledger: TableLedger, table_ledger: TableLedger, storage: FaultyStorage, factory: str
) -> None:
    """Where the record that a claim lost to is released before it can be read, the key is claimed after all."""
    earlier = ledger.claim(a_record(factory)).stored
    storage.faults.append(replace(FINE, meanwhile=lambda: table_ledger.release(earlier)))
    assert ledger.claim(a_record(factory)).created


def test_a_release_does_not_touch_the_next_claim(
    ledger: TableLedger, table_ledger: TableLedger, storage: FaultyStorage, factory: str
) -> None:
    """Where the key was claimed again before the release was repeated, the new record stays."""
    stored = ledger.claim(a_record(factory)).stored
    new = a_record(factory, digest="d2")
    storage.faults.append(replace(LOST_REPLY, meanwhile=lambda: table_ledger.claim(new)))
    with pytest.raises(LedgerConflict):
        ledger.release(stored)
    found = ledger.get(factory, new.request_id)
    assert found is not None
    assert found.record == new


def test_the_reply_to_a_claim_may_break_off_anywhere(
    ledger: TableLedger, storage: FaultyStorage, factory: str
) -> None:
    """A claim is recognised as its own wherever the reply to it breaks off."""
    for kept in range(0, 1600, 23):
        storage.faults.append(Fault(keep=kept))
        assert ledger.claim(a_record(factory, f"load-{kept}")).created
    assert len(ledger.active(factory)) == len(range(0, 1600, 23))


@pytest.mark.parametrize("fault", [LOST_REPLY, BUSY, LATE_REPLY])
def test_a_read_is_repeated(ledger: TableLedger, storage: FaultyStorage, factory: str, fault: Fault) -> None:
    """Reads, queries among them, survive a lost reply."""
    stored = ledger.claim(a_record(factory)).stored
    storage.read_faults.append(fault)
    assert ledger.get(factory, stored.record.request_id) == stored
    storage.read_faults.append(fault)
    assert len(ledger.active(factory)) == 1


def test_the_reply_to_a_read_may_break_off_anywhere(
    ledger: TableLedger, storage: FaultyStorage, factory: str
) -> None:
    """A row or a listing whose reply breaks off anywhere is read again, and never accepted incomplete."""
    stored = ledger.claim(a_record(factory)).stored
    for kept in range(0, 1600, 23):
        storage.read_faults.append(Fault(keep=kept))
        assert ledger.get(factory, stored.record.request_id) == stored
        storage.read_faults.append(Fault(keep=kept))
        assert len(ledger.active(factory)) == 1


@pytest.mark.parametrize("content", [b"", b"<html>proxy</html>", b"[]", b"null", b'{"value": 1}', b"{"])
@pytest.mark.parametrize("kind", ["text/html", "application/json"])
def test_an_invalid_reply_is_an_error(
    ledger: TableLedger, storage: FaultyStorage, factory: str, content: bytes, kind: str
) -> None:
    """A reply that is not storage's is a LedgerError, and neither a row nor a missing row."""
    storage.read_faults.extend([Fault(reaches=False, status=200, content=content, kind=kind)] * 4)
    storage.faults.extend([Fault(reaches=False, status=202, content=content, kind=kind)] * ATTEMPTS)
    for step in (
        lambda: ledger.get(factory, "load"),
        lambda: ledger.active(factory),
        lambda: ledger.runs(factory, since=None, limit=1, continuation=None),
        ledger.check,
        lambda: ledger.claim(a_record(factory)),
    ):
        with pytest.raises(LedgerError):
            step()
        storage.read_faults.extend([Fault(reaches=False, status=200, content=content, kind=kind)] * 4)


@pytest.mark.parametrize(
    ("kind", "content"),
    [("text/html", b"<html>blocked</html>"), ("text/plain", b""), ("application/json", b'{"message": "no"}')],
)
@pytest.mark.parametrize("status", [403, 404, 409, 412, 429])
def test_a_404_of_a_proxy_is_an_error(
    ledger: TableLedger, storage: FaultyStorage, factory: str, status: int, kind: str, content: bytes
) -> None:
    """A proxy's page is no missing row: no acknowledged request is denied, and nothing is written because of it."""
    stored = ledger.claim(a_record(factory)).stored
    page = Fault(reaches=False, status=status, content=content, kind=kind)
    for step in (
        lambda: ledger.get(factory, stored.record.request_id),
        lambda: ledger.active(factory),
        lambda: ledger.claim(a_record(factory, "another")),
        lambda: ledger.save(stored, replace(stored.record, status="Odd")),
    ):
        storage.read_faults.extend([page] * 9)
        storage.faults.extend([page] * 9)
        with pytest.raises(LedgerError):
            step()
        storage.read_faults.clear()
        storage.faults.clear()
    assert ledger.get(factory, stored.record.request_id) == stored
    assert ledger.claim(a_record(factory, "another")).created


def test_a_row_of_another_request_is_rejected(
    ledger: TableLedger, storage: FaultyStorage, factory: str
) -> None:
    """The row of another request is not accepted as the requested one."""
    row = {"RowKey": "run|other", **rows.split(encode_record(a_record(factory, "other")))}
    for content in (row, {"value": [row]}):
        fault = Fault(
            reaches=False, status=200, content=json.dumps(content).encode(), kind="application/json"
        )
        for step in (lambda: ledger.get(factory, "load"), lambda: ledger.active(factory)):
            storage.read_faults.extend([fault] * ATTEMPTS)
            with pytest.raises(LedgerError, match="GarbledReply"):
                step()


def test_retries_of_a_read_are_bounded(ledger: TableLedger, storage: FaultyStorage, factory: str) -> None:
    """A read of storage that does not reply ends in an error that keeps its cause."""
    storage.read_faults.extend([BUSY] * 100)
    with pytest.raises(LedgerError, match="503") as caught:
        ledger.get(factory, "load")
    assert caught.value.__cause__ is not None
    assert storage.reads < 10


def test_a_settled_write_is_logged(
    ledger: TableLedger, storage: FaultyStorage, factory: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A write that was recognised as its own only by reading it back is logged."""
    storage.faults.append(LOST_REPLY)
    with caplog.at_level(logging.WARNING, logger="adf_trigger.ledger"):
        ledger.claim(a_record(factory))
    assert [
        getattr(record, "action", None) for record in caplog.records if record.name.startswith("adf")
    ] == ["ledger_write_settled"]


def test_an_update_whose_reply_has_no_etag_is_settled(
    ledger: TableLedger, storage: FaultyStorage, factory: str
) -> None:
    """The condition of the next write is read back where the reply to an update lacks the ETag."""
    stored = ledger.claim(a_record(factory)).stored
    storage.faults.append(Fault(status=204))
    saved = ledger.save(stored, replace(stored.record, attempts=1))
    assert ledger.get(factory, stored.record.request_id) == saved


def test_a_move_without_an_active_row_is_a_plain_update(
    ledger: TableLedger, storage: FaultyStorage, factory: str
) -> None:
    """Three of the five writes of a run's life are transactions: its claim, its end and its publication."""
    lease: dict[str, Any] = {"lease_until": NOON + MINUTE}
    life: list[dict[str, Any]] = [
        {"state": RunState.SUBMITTED, "status": "Queued", "submitted_at": NOON},
        {"state": RunState.ENDED, "status": "Succeeded", "last_seen_at": NOON, "lease_until": None},
        lease,
        {"state": RunState.PUBLISHED, "published_at": NOON},
    ]
    stored = ledger.claim(a_record(factory, sent_at=NOON, attempts=1, **lease)).stored
    for move in life:
        stored = ledger.save(stored, replace(stored.record, **move))
        published = stored.record.state is RunState.PUBLISHED
        assert ledger.active(factory) == ([] if published else [ActiveRun.of(stored.record)])
    assert storage.writes == ["POST", "PUT", "POST", "PUT", "POST"]


def test_a_clear_conflict_is_not_repeated(ledger: TableLedger, storage: FaultyStorage, factory: str) -> None:
    """A write that lost is sent once."""
    stored = ledger.claim(a_record(factory)).stored
    ledger.save(stored, replace(stored.record, attempts=1))
    before = len(storage.writes)
    with pytest.raises(LedgerConflict):
        ledger.save(stored, replace(stored.record, attempts=2))
    assert len(storage.writes) - before == 1


def test_reading_active_runs_costs_only_active_rows(
    ledger: TableLedger, storage: FaultyStorage, factory: str
) -> None:
    """One query returns the active runs, however many records are published."""
    for n in range(20):
        stored = ledger.claim(a_record(factory, f"load-{n}")).stored
        ledger.save(stored, replace(stored.record, state=RunState.PUBLISHED, published_at=NOON))
    ledger.claim(a_record(factory))
    before = storage.reads
    assert len(ledger.active(factory)) == 1
    assert storage.reads - before == 1


def test_unreachable_storage_is_an_error(azurite: str, storage: FaultyStorage, factory: str) -> None:
    """Where nothing listens, every operation raises a LedgerError."""
    with FaultyStorage(storage.upstream) as gone:
        address = gone.url
    ledger = open_table_ledger(
        StorageAccount(connection_string=azurite.replace(storage.upstream, address), connect_timeout=0.5),
        table="runs",
    )
    for step in (
        lambda: ledger.claim(a_record(factory)),
        lambda: ledger.get(factory, "load"),
        lambda: ledger.active(factory),
        ledger.check,
        ledger.create_table_if_missing,
    ):
        with pytest.raises(LedgerError):
            step()


def test_no_fault_means_one_transaction(ledger: TableLedger, storage: FaultyStorage, factory: str) -> None:
    """A claim is one request to storage, without a read before it."""
    storage.faults.append(FINE)
    ledger.claim(a_record(factory))
    assert (storage.writes, storage.reads) == (["POST"], 0)
