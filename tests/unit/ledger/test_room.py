"""A record fits into its entity in every state: what grows is bounded, and a request leaves room for it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.contracts import MAX_NOTE, HistoryEntry
from adf_trigger.errors import Fault, InvalidRequest
from adf_trigger.ledger import room
from adf_trigger.ledger.encoding import encode_record
from adf_trigger.ledger.kept_messages import Fate, KeptMessage
from adf_trigger.ledger.keys import partition_key, run_key
from adf_trigger.ledger.memory import MemoryLedger
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import CameAs, Cancellation, RunRecord, RunState
from adf_trigger.ledger.rejected_rows import encode_kept
from adf_trigger.ledger.room import MAX_RECORD_CHARS, MAX_REQUEST_CHARS, RecordTooLarge, fitted, require_room
from adf_trigger.ledger.rows import rows_of, split, split_bytes
from adf_trigger.messages.limits import ELLIPSIS
from adf_trigger.results import ActivityError, ActivityResult, ChildRun, Results
from tests.contracts.ledger_records import MINUTE, NOON, a_factory, a_full_record, a_large_record, a_record

LARGEST = "\U0010ffff"
"""A character that takes twelve characters of ASCII JSON, such as an emoji."""


def grown(record: RunRecord, letter: str = LARGEST) -> RunRecord:
    """A record with everything that may ever be written into it, and more."""
    error = ActivityError(
        activity_name=letter * 256,
        activity_type=letter * 256,
        error_code=letter * 256,
        failure_type=letter * 256,
        message=letter * 1024,
    )
    entry = HistoryEntry(at=NOON, by=letter * 500, action="cancel", note=letter * 2_000)
    return replace(
        record,
        state=RunState.ENDED,
        status=letter * 1_000,
        message=letter * 100_000,
        last_answer=letter * 100_000,
        cancellation=Cancellation(asked_at=NOON, waits=letter * 100_000),
        errors=(error,) * 10,
        results=Results(
            errors_left_out=3,
            activities=[
                ActivityResult(activity_name=letter * 256, status=letter * 256, figures={letter * 9: 1})
            ]
            * 100,
            children=[ChildRun(run_id=letter * 256, errors=[error] * 10)] * 20,
            return_value={"x": letter * 20_000},
        ),
        history=(entry,) * 100,
        former_run_ids=tuple(UUID(int=n) for n in range(40)),
        started_at=NOON,
        ended_at=NOON,
        requested_by=letter * 256,
        pipeline="p" * 260,
    )


@pytest.mark.parametrize("letter", ["x", "ü", "\U0001f600", LARGEST, '"', "\x00"])
def test_an_accepted_request_has_room_for_its_end(letter: str) -> None:
    """At the very limit of acceptance, an end keeps its message, the failed activities, and the latest history."""
    request = a_large_record(letter=letter)
    require_room(request.parameters, metadata={})
    record, text = fitted(grown(request))
    assert len(text) <= MAX_RECORD_CHARS
    assert record.parameters == request.parameters
    assert len(record.message or "") == len(record.last_answer or "") == 1_000
    assert record.errors
    assert record.results is not None
    assert record.results.errors_left_out == 3 + 10 - len(record.errors)
    assert len(record.history) > 1
    assert record.truncated


@pytest.mark.parametrize("taken", [1, 2])
def test_a_larger_request_is_refused_with_a_fault_of_its_own(taken: int) -> None:
    """One character too many is a fault of the parameters, with both sizes."""
    require_room(a_large_record(MAX_REQUEST_CHARS).parameters, metadata={})
    with pytest.raises(InvalidRequest) as caught:
        require_room(a_large_record(MAX_REQUEST_CHARS + taken).parameters, metadata={})
    (fault,) = caught.value.faults
    assert fault.pointer == "/parameters"
    assert (
        f"{MAX_REQUEST_CHARS + taken} characters of JSON in ASCII, at most {MAX_REQUEST_CHARS}"
        in fault.message
    )


@pytest.mark.parametrize(
    "item", ["1e15", "1e5", '"ü"', '"\U0010ffff"', '"\\u0001"', '"\x7f"', "{}", '"\\""', "0"]
)
def test_a_body_of_64_kib_always_passes(item: str) -> None:
    """No JSON of the default body limit, nor any message that a queue accepts, is refused for lack of room."""
    size = 65_536
    values = ",".join([item] * ((size - 40) // (len(item.encode()) + 1)))
    body = f'{{"parameters":{{"n":[{values}]}}}}'.encode()
    assert size - 64 < len(body) <= size
    require_room(json.loads(body)["parameters"], metadata={}, came_as=CameAs(body=body))


def size_of(value: str | bytes) -> int:
    """Bytes of a property's value, which storage keeps as UTF-16."""
    return len(value if isinstance(value, bytes) else value.encode("utf-16-le"))


def entity_bytes(partition: str, key: str, properties: Mapping[str, str | bytes]) -> int:
    """What Table storage counts for an entity.

    Source: "How Azure Storage Bills" and "Understanding the Table service data model".
    """
    values = (4 + size_of(each) for each in properties.values())
    return 4 + 2 * len(partition + key) + sum(8 + 2 * len(name) for name in properties) + sum(values)


@given(
    chars=st.integers(1_000, MAX_REQUEST_CHARS - 32_768),
    letter=st.characters(codec=None),
    more=st.characters(codec=None),
    body=st.integers(0, 65_536),
)
def test_the_largest_record_fits_into_an_entity(chars: int, letter: str, more: str, body: int) -> None:
    """In any script, a record and its message keep to 1 MiB, 255 properties, and 64 KiB in each of them."""
    record, text = fitted(grown(a_large_record(chars, letter, came_as=CameAs(body=bytes(body))), more))
    row = dict(rows_of(record, text)[run_key(record.request_id)], write_id="w" * 32)
    assert entity_bytes(partition_key(record.factory) * 3, run_key(record.request_id), row) <= 1024 * 1024
    assert len(row) <= 250
    assert all(size_of(each) <= 65_536 for each in row.values())


@pytest.mark.parametrize("letter", ["x", "ü", LARGEST])
def test_a_rejected_message_fits_into_an_entity(letter: str) -> None:
    """With any number of faults and secrets, in any script, it is kept beside its 64 KiB."""
    message = KeptMessage(
        factory=a_factory(),
        name="m-1",
        request_id=letter * 255,
        message_id="m-1",
        pipeline=letter * 260,
        body=bytes(65_536),
        masked=(letter * 900,) * 3_000,
        faults=(Fault(letter * 900, letter * 900),) * 3_000,
        reason=letter * 10_000,
        requested_by=letter * 256,
        taken_as=letter * 255,
        key_of_another=letter * 255,
        fate=Fate(what="returned", at=NOON, by=letter * 256, note=letter * MAX_NOTE),
        received_at=NOON,
        rejected_at=NOON,
    )
    row: dict[str, str | bytes] = {**split(encode_kept(message)), **split_bytes(message.body)}
    assert entity_bytes("rejected", "k" * 400, row) <= 1024 * 1024


@pytest.mark.parametrize("letter", ["x", "\U0001f600"])
def test_a_history_is_bounded_and_marked_as_cut(letter: str) -> None:
    """For any number of entries, the newest are kept behind one that stands for all earlier ones."""
    entries = tuple(
        HistoryEntry(at=NOON + n * MINUTE, by="b" * 256, action=str(n), note=letter * 2_000)
        for n in range(60)
    )
    record, _ = fitted(replace(a_full_record(a_factory()), history=entries))
    mark, *kept = record.history
    assert (mark.action, mark.by) == ("truncated", None)
    assert mark.note == "earlier entries are not stored"
    assert mark.at == kept[0].at - MINUTE
    assert [each.action for each in kept] == [str(n) for n in range(60 - len(kept), 60)]
    assert len(kept[-1].note or "") == MAX_NOTE
    assert len(record.history) <= room.MOST_ENTRIES
    assert len(json.dumps([each.model_dump(mode="json") for each in record.history])) <= 61_000
    again, _ = fitted(replace(record, history=(*record.history, entries[0])))
    assert [each.action for each in again.history].count("truncated") == 1


def test_a_record_that_fits_is_left_unchanged() -> None:
    """A record of a common size is not cut, and fitting it again changes nothing."""
    record = a_full_record(a_factory())
    assert fitted(record) == (record, encode_record(record))
    large, text = fitted(grown(a_large_record()))
    assert fitted(large) == (large, text)


def put_unfitted(ledger: MemoryLedger, record: RunRecord) -> Stored:
    """A record as an earlier version may have left it, whose size was never checked."""
    return ledger._put(ledger._partition(record.factory), record, encode_record(record))


@pytest.mark.parametrize("chars", [499_000, 510_000, 900_000])
def test_a_record_that_an_earlier_version_left_too_large_still_ends(chars: int) -> None:
    """Its end is kept, cut and marked so, with the parameters where there is room for them."""
    ledger = MemoryLedger()
    stored = put_unfitted(ledger, a_large_record(chars, state=RunState.SUBMITTED, status="Queued"))
    large = grown(stored.record)
    ended = ledger.save(stored, replace(large, status="Failed")).record
    assert (ended.state, ended.status, ended.truncated) == (RunState.ENDED, "Failed", True)
    assert ended.message is not None
    assert ELLIPSIS in ended.message
    assert (ended.parameters == stored.record.parameters) is (chars < 500_000)
    published = ledger.save(Stored(ended, "2"), replace(ended, state=RunState.PUBLISHED, published_at=NOON))
    assert ledger.purge(published.record.factory, published_before=NOON + timedelta(days=1), limit=1) == 1


def test_an_unsent_request_never_loses_its_parameters() -> None:
    """Data Factory would be given other ones than requested: it is an error instead."""
    ledger = MemoryLedger()
    stored = put_unfitted(ledger, a_large_record(900_000))
    with pytest.raises(RecordTooLarge, match="too large"):
        ledger.save(stored, replace(stored.record, attempts=1))


def test_a_request_of_very_many_parameters_loses_them_all_and_says_so() -> None:
    """Their names alone take more room than a record has."""
    names = {f"{'n' * 100}{number}": 1 for number in range(10_000)}
    ledger = MemoryLedger()
    submitted = a_record(a_factory(), state=RunState.SUBMITTED, status="Queued", parameters=names)
    stored = put_unfitted(ledger, submitted)
    ended = ledger.save(
        stored, replace(stored.record, state=RunState.ENDED, status="Failed", ended_at=NOON)
    ).record
    assert (ended.status, ended.parameters, ended.truncated) == ("Failed", {}, True)
