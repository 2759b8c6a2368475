"""The row of the listing: when it is written, and what it holds."""

from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.contracts import RunStatus
from adf_trigger.ledger.encoding import encode_record
from adf_trigger.ledger.listing import ListedRun, decode_listed, encode_listed
from adf_trigger.ledger.records import RunRecord
from adf_trigger.ledger.rows import Rows, operations, rows_of
from tests.contracts.ledger_records import NOON, a_factory, a_full_record, a_record
from tests.contracts.listing_contract import life_of


def test_the_listing_is_written_only_at_the_claim_and_at_the_end() -> None:
    """A run costs no write of it while it waits, is sent, seen, looked up or missing, nor when it is published."""
    before = a_record(a_factory())
    written = [_written({}, _rows(before))]
    for after in life_of(before):
        written.append(_written(_rows(before), _rows(after)))
        before = after
    assert written[0] == "create"
    assert written[1:] == [None] * (len(written) - 3) + ["update", None]


def _rows(record: RunRecord) -> Rows:
    return rows_of(record, encode_record(record))


def _written(before: Rows, after: Rows) -> str | None:
    run = next(key for key in after if key.startswith("run|"))
    changes = operations("p", run, before, after, etag="e", write_id="w")
    return next((name for name, entity, _ in changes if str(entity["RowKey"]).startswith("when|")), None)


def test_every_field_of_a_listing_is_read_back_from_its_row() -> None:
    """Each field is tried in every form that it can have."""
    full = ListedRun.of(a_full_record(a_factory()))
    assert decode_listed(encode_listed(full)) == full


@given(
    pipeline=st.text(min_size=1, max_size=260),
    correlation_id=st.text(min_size=1, max_size=256),
    requested_by=st.none() | st.text(max_size=256),
)
def test_a_row_keeps_any_text(pipeline: str, correlation_id: str, requested_by: str | None) -> None:
    """Texts that were bounded on arrival are kept whole."""
    run = ListedRun(
        factory="/f",
        request_id="k",
        pipeline=pipeline,
        status=RunStatus.REJECTED,
        ended=True,
        requested_at=NOON,
        correlation_id=correlation_id,
        requested_by=requested_by,
    )
    text = encode_listed(run)
    assert text.isascii()
    assert decode_listed(text) == run
