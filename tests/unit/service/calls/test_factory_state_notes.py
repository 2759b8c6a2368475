"""The state of a factory is read from a note as it was written, by this version and by others."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from adf_trigger.errors import AdfTriggerError, Throttled, Unavailable
from adf_trigger.ledger.notes import Note
from adf_trigger.service.calls.factory_state import (
    FIRST_PROBE,
    SAME_TROUBLE,
    FactoryState,
    Trouble,
    began_at,
    next_probe,
    state_of,
    value_of,
)
from adf_trigger.service.calls.throttling import LONGEST_THROTTLED_WAIT, Bucket
from tests.contracts.ledger_records import MINUTE, NOON

STATE = FactoryState(
    since=NOON,
    kind=Trouble.DENIED,
    because="the identity has no role",
    bucket=Bucket.WRITES,
    next_probe_at=NOON + MINUTE,
    probes=3,
    written_at=NOON + timedelta(seconds=30),
)


def note(**changes: Any) -> Note:
    """The note of that state, changed."""
    return Note("factory", {**value_of(STATE), **changes}, "etag")


def without(name: str) -> Note:
    """The note without a member."""
    return Note("factory", {key: value for key, value in value_of(STATE).items() if key != name}, "etag")


@pytest.mark.parametrize("kind", Trouble)
@pytest.mark.parametrize("bucket", Bucket)
def test_a_state_is_read_as_it_was_written(kind: Trouble, bucket: Bucket) -> None:
    """This holds for every kind; the time of writing is not known of an earlier version's note."""
    state = replace(STATE, kind=kind, bucket=bucket)
    assert state_of(Note("factory", value_of(state), "etag")) == state
    assert state_of(without("written_at")) == replace(STATE, written_at=None)
    assert value_of(replace(STATE, written_at=None)) == without("written_at").value


@pytest.mark.parametrize(
    "read",
    [
        None,
        note(released_at=(NOON + MINUTE).isoformat()),
        note(kind="of another version"),
        note(bucket="of another version"),
        note(since="yesterday"),
        note(probes="many"),
        note(next_probe_at=None),
        note(written_at="late"),
        *(without(name) for name in ("since", "kind", "because", "bucket", "next_probe_at", "probes")),
    ],
)
def test_a_state_that_is_over_or_cannot_be_read_holds_no_request(read: Note | None) -> None:
    """The next call finds the state again."""
    assert state_of(read) is None


@pytest.mark.parametrize(
    ("read", "began"),
    [
        (None, NOON),
        (note(since=(NOON - MINUTE).isoformat()), NOON - MINUTE),
        (note(kind="locked"), NOON),
        (note(since=(NOON - MINUTE).isoformat(), kind="locked"), NOON - MINUTE),
        (
            note(since=(NOON - 9 * MINUTE).isoformat(), released_at=(NOON - MINUTE).isoformat()),
            NOON - 9 * MINUTE,
        ),
        (
            note(since=(NOON - 9 * MINUTE).isoformat(), released_at=(NOON + MINUTE).isoformat()),
            NOON - 9 * MINUTE,
        ),
        (note(since=(NOON - 9 * MINUTE).isoformat(), released_at=(NOON - SAME_TROUBLE).isoformat()), NOON),
        (note(kind="locked", released_at=(NOON - MINUTE).isoformat()), NOON),
        (note(released_at="just now"), NOON),
        (Note("factory", {"kind": "denied", "released_at": NOON.isoformat()}, "etag"), NOON),
    ],
)
def test_trouble_that_returns_soon_keeps_its_first_beginning(read: Note | None, began: datetime) -> None:
    """It is of the same kind, within minutes by either clock; a lasting state keeps its beginning."""
    assert began_at(read, Trouble.DENIED, NOON) == began


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (Unavailable("no answer", status=503), FIRST_PROBE),
        (Throttled("slow", retry_after=1), FIRST_PROBE),
        (Throttled("slow", retry_after=20), timedelta(seconds=20)),
        (Throttled("slow", retry_after=10**6), LONGEST_THROTTLED_WAIT),
    ],
)
def test_the_next_probe_waits_as_asked_within_bounds(error: AdfTriggerError, waits: timedelta) -> None:
    """A probe that is due later is not moved forward."""
    assert next_probe(None, error, NOON) == NOON + waits
    later = replace(STATE, next_probe_at=NOON + 2 * LONGEST_THROTTLED_WAIT)
    assert next_probe(later, error, NOON) == later.next_probe_at
    assert next_probe(replace(STATE, next_probe_at=NOON), error, NOON) == NOON + waits


@pytest.mark.parametrize(
    ("kind", "bucket", "gated", "refuses", "fault"),
    [
        (Trouble.DENIED, Bucket.READS, {Bucket.READS, Bucket.WRITES}, True, True),
        (Trouble.DENIED, Bucket.WRITES, {Bucket.WRITES}, True, True),
        (Trouble.FULL, Bucket.WRITES, {Bucket.WRITES}, False, False),
        (Trouble.OUTAGE, Bucket.READS, set(), False, True),
    ],
)
def test_what_a_state_prevents(
    kind: Trouble, bucket: Bucket, gated: set[Bucket], *, refuses: bool, fault: bool
) -> None:
    """Where reads fail, no run could be watched and so none is started; an outage prevents nothing."""
    state = replace(STATE, kind=kind, bucket=bucket)
    assert {each for each in Bucket if state.gates(each)} == gated
    assert (state.defers_callers, state.is_fault) == (refuses, fault)


def test_a_state_shows_its_beginning_reason_and_remedy() -> None:
    """It does so in a sentence for operators; a full factory is no fault."""
    said = str(STATE)
    assert said.startswith("Data Factory cannot be used since 2026-")
    assert ": the identity has no role Assign the role Data Factory Contributor" in said
    full = str(replace(STATE, kind=Trouble.FULL, because="10,000 runs are active"))
    assert full.startswith("the factory takes no more runs since 2026-")
    assert full.endswith(" UTC: 10,000 runs are active")
