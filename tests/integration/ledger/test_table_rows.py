"""The rows in the table, and the ways to open it."""

import base64
import re
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import trustme
from azure.core.credentials import AccessToken
from azure.data.tables import TableClient

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.errors import LedgerConflict, LedgerError
from adf_trigger.ledger.encoding import encode_record
from adf_trigger.ledger.keys import partition_key, run_key
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.port import Cursor
from adf_trigger.ledger.records import RunState
from adf_trigger.ledger.rows import operations, rows_of
from adf_trigger.ledger.table import TableLedger
from adf_trigger.results import ActivityError
from tests.contracts.ledger_records import MINUTE, NOON, a_large_record, a_record


def row_keys(raw_table: TableClient, factory: str) -> list[str]:
    """The keys of all rows of a factory."""
    rows = raw_table.query_entities(
        "PartitionKey eq @partition", parameters={"partition": partition_key(factory)}
    )
    return [row["RowKey"] for row in rows]


def test_a_claim_writes_four_rows(table_ledger: TableLedger, raw_table: TableClient, factory: str) -> None:
    """A record has a run, an active, an id and a when row in the partition of its factory."""
    run_id = UUID("11111111-2222-3333-4444-555555555555")
    table_ledger.claim(a_record(factory, "load-1", run_id=run_id))
    assert row_keys(raw_table, factory) == [
        f"active|{run_id}",
        f"id|{run_id}",
        "run|load-1",
        "when|936069054399999999|load-1",
    ]


def test_rows_are_added_and_removed_with_the_record(
    table_ledger: TableLedger, raw_table: TableClient, factory: str
) -> None:
    """Adopting adds an id row, publishing removes the active row, purging keeps the cursor."""
    stored = table_ledger.claim(a_record(factory, "load-1")).stored
    chosen, adopted = stored.record.run_id, uuid4()
    table_ledger.save_cursor(factory, Cursor(polled_until=NOON))
    stored = table_ledger.save(stored, replace(stored.record, run_id=adopted, state=RunState.SUBMITTED))
    table_ledger.save(stored, replace(stored.record, state=RunState.PUBLISHED, published_at=NOON))
    assert row_keys(raw_table, factory) == sorted(
        ["cursor|", f"id|{chosen}", f"id|{adopted}", "run|load-1", "when|936069054399999999|load-1"]
    )
    table_ledger.purge(factory, published_before=NOON + MINUTE, limit=1)
    assert row_keys(raw_table, factory) == ["cursor|"]


def test_more_active_runs_than_one_reply_holds_are_all_found(
    table_ledger: TableLedger, raw_table: TableClient, factory: str
) -> None:
    """Storage returns at most a thousand rows; the ledger follows the continuation."""
    count = 1_010
    rows = [
        {"PartitionKey": partition_key(factory), "RowKey": key, **properties}
        for n in range(count)
        for key, properties in rows_of(a_record(factory, f"load-{n}"), "{}").items()
        if key.startswith("active|")
    ]
    for start in range(0, count, 100):
        raw_table.submit_transaction([("create", row) for row in rows[start : start + 100]])
    active = table_ledger.active(factory)
    assert {run.request_id for run in active} == {f"load-{n}" for n in range(count)}


def test_a_listing_skips_rows_without_a_record(
    table_ledger: TableLedger, raw_table: TableClient, factory: str
) -> None:
    """A row of the listing whose record is gone shortens a page and breaks nothing."""
    for n in range(3):
        table_ledger.claim(a_record(factory, f"load-{n}", requested_at=NOON + n * MINUTE))
    raw_table.delete_entity(partition_key(factory), "run|load-1")
    page = table_ledger.runs(factory, since=None, limit=2, continuation=None)
    assert [record.request_id for record in page.records] == ["load-2"]
    page = table_ledger.runs(factory, since=None, limit=2, continuation=page.continuation)
    assert [record.request_id for record in page.records] == ["load-0"]
    assert table_ledger.purge(factory, published_before=NOON + 9 * MINUTE, limit=9) == 0


def test_a_record_of_a_later_version_is_read(
    table_ledger: TableLedger, raw_table: TableClient, factory: str
) -> None:
    """Unknown fields are ignored, so that two versions can run side by side."""
    stored = table_ledger.claim(a_record(factory, "load-1")).stored
    row = raw_table.get_entity(partition_key(factory), "run|load-1")
    row["document0"] = row["document0"][:-1] + ',"invented_later":{"a":1}}'
    raw_table.upsert_entity(row)
    found = table_ledger.get(factory, "load-1")
    assert found is not None
    assert found.record == stored.record


def test_creating_the_table_again_changes_nothing(table_ledger: TableLedger, factory: str) -> None:
    """Every start may create the table."""
    stored = table_ledger.claim(a_record(factory)).stored
    table_ledger.create_table_if_missing()
    assert table_ledger.get(factory, stored.record.request_id) == stored


def test_a_missing_table_is_an_error_and_not_an_empty_ledger(
    azurite: str, table_ledger: TableLedger, factory: str
) -> None:
    """Without the table, nothing is free, nothing is lost and nothing is healthy: it is an error."""
    ledger = open_table_ledger(StorageAccount(connection_string=azurite), table=f"t{uuid4().hex}")
    elsewhere = table_ledger.claim(a_record(factory)).stored
    for step in (
        lambda: ledger.save(elsewhere, replace(elsewhere.record, attempts=1)),
        lambda: ledger.save(
            elsewhere, replace(elsewhere.record, state=RunState.PUBLISHED, published_at=NOON)
        ),
        lambda: ledger.release(elsewhere),
        lambda: ledger.claim(a_record(factory)),
        lambda: ledger.get(factory, "load"),
        lambda: ledger.find(factory, uuid4()),
        lambda: ledger.active(factory),
        lambda: ledger.runs(factory, since=None, limit=1, continuation=None),
        lambda: ledger.cursor(factory),
        lambda: ledger.save_cursor(factory, Cursor()),
        lambda: ledger.purge(factory, published_before=NOON, limit=1),
        ledger.check,
    ):
        with pytest.raises(LedgerError, match="TableNotFound") as caught:
            step()
        assert not isinstance(caught.value, LedgerConflict)


def test_a_wrong_key_is_an_error_that_does_not_show_it(azurite: str, table: str, factory: str) -> None:
    """A rejected account key raises immediately, and is nowhere in the error."""
    key = base64.b64encode(b"not the key of this account").decode()
    ledger = open_table_ledger(
        StorageAccount(connection_string=re.sub("AccountKey=[^;]+", f"AccountKey={key}", azurite)),
        table=table,
    )
    for step in (lambda: ledger.claim(a_record(factory)), ledger.check):
        with pytest.raises(LedgerError, match="403") as caught:
            step()
        error: BaseException | None = caught.value
        while error is not None:
            assert key not in f"{error!r} {error}"
            error = error.__cause__


class _Credential:
    """A credential without a principal that records its scopes."""

    def __init__(self) -> None:
        self.scopes: list[str] = []

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        self.scopes.extend(scopes)
        return AccessToken("the-token", int(time.time()) + 3600)


@pytest.fixture
def secure_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str | None]]]:
    """A table service over https without rows, and the Authorization headers that it received.

    Azurite's tables accept no tokens.
    """
    got: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            got.append(self.headers["Authorization"])
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"value": []}')

        def log_message(self, *_: object) -> None:
            pass

    setattr(Handler, "do_GET", Handler.answer)  # noqa: B010  # named after the request's method
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_identity_signs_in_to_storage(secure_storage: tuple[str, list[str | None]], factory: str) -> None:
    """By endpoint and credential, every call carries a token for storage."""
    endpoint, got = secure_storage
    credential = _Credential()
    ledger = open_table_ledger(
        StorageAccount(table_endpoint=endpoint, credential=credential), table="adfruns"
    )
    assert ledger.active(factory) == []
    assert got == ["Bearer the-token"]
    assert credential.scopes == ["https://storage.azure.com/.default"]


def test_a_record_left_at_its_limit_by_an_earlier_version_ends(
    table_ledger: TableLedger, raw_table: TableClient
) -> None:
    """A record without room for its end is overwritten with it, published and purged like any other."""
    old = a_large_record(499_000, "ü", state=RunState.SUBMITTED, status="Queued")
    partition, run = partition_key(old.factory), run_key(old.request_id)
    rows = rows_of(old, encode_record(old))
    raw_table.submit_transaction(operations(partition, run, {}, rows, etag=None, write_id="w"))
    stored = table_ledger.get(old.factory, old.request_id)
    assert stored is not None
    error = ActivityError(activity_name="a", message="m" * 1024)
    end = replace(
        old, state=RunState.ENDED, status="Failed", message="m" * 1024, errors=(error,) * 20, ended_at=NOON
    )
    ended = table_ledger.save(stored, end)
    assert (ended.record.status, ended.record.truncated) == ("Failed", True)
    assert ended.record.parameters == old.parameters
    assert table_ledger.get(old.factory, old.request_id) == ended
    table_ledger.save(ended, replace(ended.record, state=RunState.PUBLISHED, published_at=NOON))
    assert table_ledger.purge(old.factory, published_before=NOON + MINUTE, limit=5) == 1
