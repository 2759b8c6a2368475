"""The state of a factory that cannot be used: why, since when, and its note in the ledger.

A missing role, a lock, a missing scope or a token that cannot be acquired is no fault of a request:
requests wait until the factory can be used again. A state that gates reads gates createRun, too, since a started run
could not be watched; one that gates createRun alone does not affect reads.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from adf_trigger.errors import (
    AdfTriggerError,
    CredentialError,
    FactoryFull,
    Forbidden,
    NotSent,
    QuotaExceeded,
    ScopeLocked,
    ScopeNotFound,
    SubscriptionUnusable,
    Unauthorized,
    Unavailable,
    UnknownOutcome,
)
from adf_trigger.ledger.notes import Note
from adf_trigger.service.calls.throttling import LONGEST_THROTTLED_WAIT, Bucket

SAME_TROUBLE = timedelta(minutes=5)
"""Trouble of the same kind that returns within this time counts as uninterrupted."""

FIRST_PROBE = timedelta(seconds=5)
"""How long the first probe waits."""


class Trouble(StrEnum):
    """Why a factory cannot be used."""

    DENIED = "denied"
    UNAUTHORISED = "unauthorised"
    NOT_FOUND = "not_found"
    LOCKED = "locked"
    DISABLED = "disabled"
    QUOTA = "quota"
    FULL = "full"
    CREDENTIAL = "credential"
    OUTAGE = "outage"


_TROUBLES: tuple[tuple[type[AdfTriggerError], Trouble], ...] = (
    (Forbidden, Trouble.DENIED),
    (Unauthorized, Trouble.UNAUTHORISED),
    (ScopeNotFound, Trouble.NOT_FOUND),
    (ScopeLocked, Trouble.LOCKED),
    (SubscriptionUnusable, Trouble.DISABLED),
    (QuotaExceeded, Trouble.QUOTA),
    (FactoryFull, Trouble.FULL),
    (CredentialError, Trouble.CREDENTIAL),
    (NotSent, Trouble.OUTAGE),
    (Unavailable, Trouble.OUTAGE),
    (UnknownOutcome, Trouble.OUTAGE),
)

_ADVICE = {
    Trouble.DENIED: (
        "Assign the role Data Factory Contributor on the factory (or one with its createrun and pipelineruns actions) "
        "to this app's identity. A new assignment takes up to 30 minutes; where it came through a group, a managed "
        "identity's token may be served from Azure's own cache for hours, which a direct assignment avoids."
    ),
    Trouble.NOT_FOUND: "Check the resource id in ADF_TRIGGER_FACTORIES, and that the factory exists.",
    Trouble.LOCKED: "Remove the lock from the factory, its resource group or its subscription.",
}


def trouble_of(error: AdfTriggerError) -> Trouble | None:
    """The state of the factory that an error shows; None where it is about the request alone."""
    return next((trouble for kind, trouble in _TROUBLES if isinstance(error, kind)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactoryState:
    """A factory that cannot be used.

    Attributes:
        since: when that began.
        kind: why, for programs.
        because: why, in Data Factory's words, at most LONGEST_REASON characters.
        bucket: READS where nothing can be called, WRITES where only runs cannot be started.
        next_probe_at: when one call may be made to see whether it is over.
        probes: how many were made.
        written_at: when the next one was set; None in a note of an earlier version.
    """

    since: datetime
    kind: Trouble
    because: str
    bucket: Bucket
    next_probe_at: datetime
    probes: int = 0
    written_at: datetime | None = None

    @property
    def defers_callers(self) -> bool:
        """Whether new requests by HTTP are answered with 503 and Retry-After.

        Not in an outage: requests are checked by the last known declarations, and wait until it is over. Nor where the
        factory is full: nothing is wrong with it, and it takes runs again when some have ended.
        """
        return self.kind not in {Trouble.OUTAGE, Trouble.FULL}

    @property
    def is_fault(self) -> bool:
        """Whether something is wrong that an operator should know of; not where the factory is full."""
        return self.kind is not Trouble.FULL

    @property
    def advice(self) -> str:
        """What an operator can do; empty where Data Factory's own text says it."""
        return _ADVICE.get(self.kind, "")

    def gates(self, bucket: Bucket) -> bool:
        """Whether calls of that bucket wait for a probe.

        An outage gates nothing: every call may show that it is over.
        """
        return self.kind is not Trouble.OUTAGE and (self.bucket is Bucket.READS or bucket is Bucket.WRITES)

    def __str__(self) -> str:
        cannot = "Data Factory cannot be used" if self.is_fault else "the factory takes no more runs"
        sentence = f"{cannot} since {self.since:%Y-%m-%d %H:%M:%S} UTC: {self.because}"
        return f"{sentence} {self.advice}".strip()


def state_of(note: Note | None) -> FactoryState | None:
    """Decode the state in a note; None where it is over, or cannot be decoded."""
    if note is None or note.value.get("released_at") is not None:
        return None
    try:
        return FactoryState(
            since=datetime.fromisoformat(note.value["since"]),
            kind=Trouble(note.value["kind"]),
            because=str(note.value["because"]),
            bucket=Bucket(note.value["bucket"]),
            next_probe_at=datetime.fromisoformat(note.value["next_probe_at"]),
            probes=int(note.value["probes"]),
            written_at=_written_at(note),
        )
    except (KeyError, TypeError, ValueError):
        return None  # of another version: the next call finds out again


def _written_at(note: Note) -> datetime | None:
    text = note.value.get("written_at")
    return None if text is None else datetime.fromisoformat(text)


def value_of(state: FactoryState) -> dict[str, Any]:
    """Encode a state as the value of its note."""
    written_at = {} if state.written_at is None else {"written_at": state.written_at.isoformat()}
    return {
        **written_at,
        "since": state.since.isoformat(),
        "kind": state.kind.value,
        "because": state.because,
        "bucket": state.bucket.value,
        "next_probe_at": state.next_probe_at.isoformat(),
        "probes": state.probes,
    }


def began_at(note: Note | None, kind: Trouble, now: datetime) -> datetime:
    """When the trouble began; trouble that returns within SAME_TROUBLE counts as uninterrupted."""
    state = state_of(note)
    if state is not None:
        return state.since
    if note is None or note.value.get("kind") != kind.value:
        return now
    try:
        over = datetime.fromisoformat(note.value["released_at"])
        began = datetime.fromisoformat(note.value["since"])
    except (KeyError, TypeError, ValueError):
        return now
    return began if abs(now - over) < SAME_TROUBLE else now


def next_probe(before: FactoryState | None, error: AdfTriggerError, now: datetime) -> datetime:
    """When the next probe may be made: as Retry-After asks, within bounds."""
    asked = timedelta(seconds=getattr(error, "retry_after", None) or 0.0)
    due = now + max(FIRST_PROBE, min(asked, LONGEST_THROTTLED_WAIT))
    return due if before is None else max(due, before.next_probe_at)
