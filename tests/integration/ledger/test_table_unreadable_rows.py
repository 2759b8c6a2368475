"""Unreadable rows, of another version or damaged, hide no others."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from azure.data.tables import TableClient

from adf_trigger.errors import UnreadableRow
from adf_trigger.ledger.keys import active_key, run_key
from adf_trigger.ledger.records import RunState
from adf_trigger.ledger.table import TableLedger
from tests.contracts.ledger_records import MINUTE, NOON, a_record
from tests.support.damaged import damage


def test_an_unreadable_active_row_hides_no_other(
    table_ledger: TableLedger, raw_table: TableClient, factory: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are handled in every tick, and the log names the row."""
    bad = table_ledger.claim(a_record(factory, "bad")).stored.record
    good = table_ledger.claim(a_record(factory, "good")).stored.record
    damage(raw_table, factory, active_key(bad.run_id))
    with caplog.at_level(logging.ERROR):
        assert [run.request_id for run in table_ledger.active(factory)] == [good.request_id]
    (record,) = [each for each in caplog.records if vars(each).get("action") == "ledger_row_unreadable"]
    assert vars(record)["row"] == active_key(bad.run_id)


def test_an_unreadable_record_is_an_error_of_its_own(
    table_ledger: TableLedger, raw_table: TableClient, factory: str
) -> None:
    """A read of that record raises the error; the listing and the purge continue without it."""
    stored = {
        key: table_ledger.claim(a_record(factory, key, requested_at=NOON + timedelta(seconds=n))).stored
        for n, key in enumerate(("old", "bad", "new"))
    }
    for each in stored.values():
        table_ledger.save(each, replace(each.record, state=RunState.PUBLISHED, published_at=NOON))
    damage(raw_table, factory, run_key("bad"))
    with pytest.raises(UnreadableRow):
        table_ledger.get(factory, "bad")
    page = table_ledger.runs(factory, since=None, limit=10, continuation=None)
    assert [record.request_id for record in page.records] == ["new", "old"]
    assert table_ledger.purge(factory, published_before=NOON + MINUTE, limit=10) == 2
    assert table_ledger.get(factory, "new") is None
