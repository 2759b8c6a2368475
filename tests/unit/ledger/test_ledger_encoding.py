import json
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.errors import LedgerError
from adf_trigger.ledger.encoding import (
    decode_active,
    decode_cursor,
    decode_record,
    encode_active,
    encode_cursor,
    encode_record,
    successor,
)
from adf_trigger.ledger.port import Cursor
from adf_trigger.ledger.records import ActiveRun, RunState
from adf_trigger.ledger.rows import PROPERTY_CHARS, join, split
from tests.contracts.ledger_records import MINUTE, NOON, a_factory, a_full_record, a_record

FACTORY = a_factory()


def _read_from_json(text: str) -> str:
    """The text with adjacent surrogate halves joined into one character, as every JSON reader does."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


any_character = st.text(st.characters(codec=None)).map(
    _read_from_json
)  # lone surrogates too: JSON can write them
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_character,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_character, inner, max_size=4),
    max_leaves=20,
)


TOLD = (
    '{"factory":"/subscriptions/1/resourceGroups/rg/providers/Microsoft.DataFactory/factories/f","request_id":"k",'
    '"pipeline":"CopyPipeline","digest":"d1","run_id":"00000000-0000-0000-0000-000000000001","state":"told",'
    '"status":"Succeeded","requested_at":"2026-11-22T11:59:00Z","secure_parameters":[],"rerun":'
    '{"reference_pipeline_run_id":null,"is_recovery":null,"start_activity_name":null,"start_from_failure":null},'
    '"correlation_id":null,"metadata":{},"requested_by":null,"source":"http","attempts":0,"not_before":null,'
    '"lease_until":null,"sent_at":null,"submitted_at":null,"last_seen_at":null,"started_at":null,"ended_at":null,'
    '"duration_ms":null,"message":null,"errors":[],"truncated":false,"told_at":"2026-11-22T12:00:00Z",'
    '"former_run_ids":[],"parameters":{}}'
)
"""A published record, as versions before the renaming of that state have written it."""


@given(st.dictionaries(any_character, json_values, max_size=4))
def test_parameters_are_read_back_unchanged(parameters: dict[str, object]) -> None:
    """Any JSON that a caller can send is kept, in plain ASCII."""
    record = a_record(FACTORY, parameters=parameters)
    text = encode_record(record)
    assert text.isascii()
    assert decode_record(text) == record


def test_every_field_is_read_back_unchanged() -> None:
    """A record with every field set is kept, with the bytes of its message."""
    record = a_full_record(FACTORY)
    assert record.came_as is not None
    assert decode_record(encode_record(record), record.came_as.body) == record


def test_a_record_of_an_earlier_version_that_was_published_is_read_as_published() -> None:
    """The state that is now `published` was written as `told`: such rows are read as long as they are kept."""
    record = decode_record(TOLD)
    assert (record.state, record.published_at) == (RunState.PUBLISHED, NOON)
    assert record.was_published_before(NOON + MINUTE)
    assert not record.was_published_before(NOON)
    rewritten = json.loads(encode_record(record))
    assert (rewritten["state"], rewritten["published_at"]) == ("published", "2026-11-22T12:00:00Z")
    assert "told_at" not in rewritten


def test_an_earlier_version_gets_only_the_error_fields_that_it_knows() -> None:
    """It refuses an error with more fields, so that it could neither read nor publish a failed run."""
    written = json.loads(encode_record(a_full_record(FACTORY)))
    known = {"activityName", "activityType", "errorCode", "failureType", "message"}
    assert written["errors"]
    assert all(set(error) == known for error in written["errors"])


def test_unknown_fields_of_a_later_version_are_ignored_at_every_depth() -> None:
    """An unknown field makes no record unreadable, wherever it stands."""
    record = a_full_record(FACTORY)
    written = json.loads(encode_record(record))
    assert record.came_as is not None
    assert record.results is not None
    for place in (written["errors"][0], written["results"], written["history"][0], written["rerun"]):
        place["ofLater"] = {"a": 1}
    assert decode_record(json.dumps(written), record.came_as.body) == record


def test_active_rows_and_cursors_are_read_back_unchanged() -> None:
    """The short rows are kept as exactly as the record."""
    run = ActiveRun.of(a_full_record(FACTORY))
    assert decode_active(encode_active(run)) == run
    cursor = Cursor(polled_until=NOON)
    assert decode_cursor(encode_cursor(cursor)) == cursor


@pytest.mark.parametrize("decode", [decode_record, decode_active, decode_cursor])
@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"state": "lost", "polled_until": "never"}'])
def test_a_text_that_is_not_ours_is_an_error_of_the_ledger(
    decode: Callable[[str], object], text: str
) -> None:
    """The error says that a row written by something else cannot be read."""
    with pytest.raises(LedgerError, match="cannot be decoded") as caught:
        decode(text)
    assert caught.value.__cause__ is not None


@given(st.integers(min_value=0, max_value=5), st.integers(min_value=-1, max_value=1))
def test_a_text_is_split_within_the_limit_of_a_property(pieces: int, more: int) -> None:
    """No property is longer than Table storage accepts, and the pieces make up the text."""
    text = "x" * max(0, pieces * PROPERTY_CHARS + more)
    properties = split(text)
    assert all(0 < len(piece.encode("utf-16-le")) <= 64 * 1024 for piece in properties.values())
    assert join(properties) == text


def test_pieces_are_joined_in_order_of_their_number() -> None:
    """The eleventh piece comes after the tenth, and not after the first."""
    text = "".join(f"{n:032000d}" for n in range(12))
    shuffled = dict(sorted(split(text).items()))
    assert join(shuffled) == text


def test_a_successor_keeps_every_run_id_once() -> None:
    """Former runIds are kept in order, and the present one is not among them."""
    one, two, three = (UUID(int=n) for n in range(1, 4))
    record = a_record(FACTORY, run_id=one)
    for run_id in (two, three, two, two):
        record = successor(record, replace(record, run_id=run_id))
    assert record.run_ids == (one, three, two)


def test_a_successor_does_not_depend_on_the_earlier_record_of_its_maker() -> None:
    """A new record of the same request gets the former runIds."""
    earlier = replace(a_record(FACTORY), former_run_ids=(UUID(int=1),))
    later = successor(earlier, a_record(FACTORY, run_id=UUID(int=2)))
    assert later.run_ids == (UUID(int=1), earlier.run_id, UUID(int=2))


@pytest.mark.parametrize(
    "changes", [{"factory": "/other"}, {"request_id": "other"}, {"requested_at": NOON + MINUTE}]
)
def test_another_request_is_no_successor(changes: dict[str, object]) -> None:
    """A record of another request cannot follow."""
    record = a_record(FACTORY)
    with pytest.raises(ValueError, match="record"):
        successor(record, replace(record, **changes))  # type: ignore[arg-type]  # changes of several types
