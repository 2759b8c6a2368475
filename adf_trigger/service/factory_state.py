"""Whether each factory can be used: kept in the ledger, so that all instances know it and one of them at a time asks.

What a missing role, a lock, a missing scope or a token that cannot be acquired says is nothing against a request:
requests wait until the factory can be used again. A state that gates reads gates createRun, too, since what is started
could not be watched; one that gates createRun alone leaves reads as they are.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from adf_trigger.clock import Clock
from adf_trigger.errors import (
    AdfTriggerError,
    CredentialError,
    Forbidden,
    LedgerConflict,
    LedgerError,
    NotSent,
    QuotaExceeded,
    ScopeLocked,
    ScopeNotFound,
    SubscriptionUnusable,
    Unauthorized,
    Unavailable,
    UnknownOutcome,
)
from adf_trigger.ledger.notes import Note, Notes
from adf_trigger.service.elapsed import Elapsed, bounded
from adf_trigger.service.steps import Steps
from adf_trigger.service.throttling import LONGEST_THROTTLED_WAIT, Bucket

logger = logging.getLogger(__name__)

NOTE = "state"
"""Name of the note, in the scope of the factory."""

KNOWN_FOR = timedelta(seconds=1)
"""How long what was read of a state is used again."""

SAME_TROUBLE = timedelta(minutes=5)
"""Trouble of the same kind that is back within that time has never been over."""

LONGEST_REASON = 1_000
_FIRST_PROBE = timedelta(seconds=5)
_LONGEST_PROBE = timedelta(seconds=60)


class Trouble(StrEnum):
    """Why a factory cannot be used."""

    DENIED = "denied"
    UNAUTHORISED = "unauthorised"
    NOT_FOUND = "not_found"
    LOCKED = "locked"
    DISABLED = "disabled"
    QUOTA = "quota"
    CREDENTIAL = "credential"
    OUTAGE = "outage"


_TROUBLES: tuple[tuple[type[AdfTriggerError], Trouble], ...] = (
    (Forbidden, Trouble.DENIED),
    (Unauthorized, Trouble.UNAUTHORISED),
    (ScopeNotFound, Trouble.NOT_FOUND),
    (ScopeLocked, Trouble.LOCKED),
    (SubscriptionUnusable, Trouble.DISABLED),
    (QuotaExceeded, Trouble.QUOTA),
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
    """What an error says of the factory as a whole; None where it says nothing of it."""
    return next((trouble for kind, trouble in _TROUBLES if isinstance(error, kind)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactoryState:
    """A factory that cannot be used.

    Attributes:
        since: when that began.
        kind: why, for programs.
        because: why, in the service's words, at most LONGEST_REASON characters.
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
    def refuses_new_requests(self) -> bool:
        """Whether a caller who can be answered is asked to come again.

        Not in an outage: what is known of pipelines is enough to check a request, and it waits until that is over.
        """
        return self.kind is not Trouble.OUTAGE

    @property
    def advice(self) -> str:
        """What an operator can do; empty where there is no more to say than the service does."""
        return _ADVICE.get(self.kind, "")

    def gates(self, bucket: Bucket) -> bool:
        """Whether calls of that bucket wait for a probe. An outage gates nothing: every call tells when it is over."""
        return self.kind is not Trouble.OUTAGE and (self.bucket is Bucket.READS or bucket is Bucket.WRITES)

    def __str__(self) -> str:
        sentence = f"Data Factory cannot be used since {self.since:%Y-%m-%d %H:%M:%S} UTC: {self.because}"
        return f"{sentence} {self.advice}".strip()


@dataclass(frozen=True, slots=True)
class _Known:
    """What was last read or written of a factory's note."""

    at: datetime
    note: Note | None


class FactoryStates:
    """The states of all factories. Safe to share between threads; no method raises an error of the ledger.

    Args:
        notes: where they are kept.
        clock: gives the present instant.
        steps: surrounds each write.
        seconds: a clock that never goes back.
    """

    def __init__(
        self, notes: Notes, clock: Clock, steps: Steps, *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._notes = notes
        self._clock = clock
        self._elapsed = Elapsed(clock, seconds)
        self._steps = steps
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def of(self, factory: str) -> FactoryState | None:
        """The state of a factory (its resource id); None where it can be used, as far as is known.

        The ledger is read at most once a second; while it is out of reach, what was known stands.
        """
        return self._state(self._note(factory))

    def hold(self, factory: str, error: AdfTriggerError, bucket: Bucket = Bucket.READS) -> None:
        """A call has shown that the factory cannot be used. What says nothing of the factory changes nothing."""
        kind = trouble_of(error)
        if kind is None:
            return
        note, now = self._note(factory), self._clock()
        before = self._state(note)
        held = FactoryState(
            since=_since(note, kind, now),
            kind=kind,
            because=str(error)[:LONGEST_REASON],
            bucket=bucket if before is None or before.bucket is Bucket.WRITES else before.bucket,
            next_probe_at=_next_probe(before, error, now),
            probes=before.probes if before else 0,
            written_at=now,
        )
        if before is not None and (before.kind, before.bucket) == (held.kind, held.bucket):
            return  # known already; the next probe is set by whoever makes it
        if self._write("factory_state.hold", factory, _value_of(held), note):
            logger.warning(
                "Factory %s cannot be used (%s): %s",
                factory,
                kind,
                held.because,
                extra={"action": "factory_held", "factory": factory, "trouble": kind, "bucket": held.bucket},
            )

    def release(self, factory: str) -> None:
        """A call has shown that the factory can be used, or nobody waits for it any more."""
        note = self._note(factory)
        state = _state_of(note)
        if note is None or state is None:
            return
        value = {**note.value, "released_at": self._clock().isoformat()}
        if self._write("factory_state.release", factory, value, note):
            logger.info(
                "Factory %s can be used again after %s (%s)",
                factory,
                self._clock() - state.since,
                state.kind,
                extra={"action": "factory_released", "factory": factory, "trouble": state.kind},
            )

    def may_probe(self, factory: str) -> bool:
        """Whether this caller may make a call now: always where the factory can be used, else one caller at a time.

        Who is let through makes the call at once; the next one is let through after a while.
        """
        note, now = self._note(factory), self._clock()
        state = _state_of(note)
        if note is None or state is None:
            return True
        waits = timedelta() if state.written_at is None else state.next_probe_at - state.written_at
        if not self._elapsed.is_over(
            factory.lower(),
            note.etag,
            until=state.next_probe_at,
            lasts=waits if timedelta() < waits < LONGEST_THROTTLED_WAIT else LONGEST_THROTTLED_WAIT,
            written_at=state.written_at,
        ):
            return False
        interval = min(_LONGEST_PROBE, _FIRST_PROBE * (1 << min(state.probes + 1, 10)))
        probe = {
            **note.value,
            "next_probe_at": (now + interval).isoformat(),
            "probes": state.probes + 1,
            "written_at": now.isoformat(),
        }
        return self._write("factory_state.probe", factory, probe, note)

    def _state(self, note: Note | None) -> FactoryState | None:
        """The state that a note tells of. Nobody waits for a probe that another clock has set ahead of any."""
        state = _state_of(note)
        if state is None:
            return None
        return replace(
            state, next_probe_at=bounded(state.next_probe_at, self._clock(), LONGEST_THROTTLED_WAIT)
        )

    def _note(self, factory: str) -> Note | None:
        key, now = factory.lower(), self._clock()
        with self._lock:
            known = self._known.get(key)
        if known is not None and timedelta() <= now - known.at < KNOWN_FOR:
            return known.note
        try:
            note = self._notes.get(factory, NOTE)
        except LedgerError as exc:
            logger.warning(
                "The state of factory %s could not be read: %s",
                factory,
                exc,
                extra={"action": "factory_state_not_read", "factory": factory},
            )
            return None if known is None else known.note
        self._remember(factory, note)
        return note

    def _write(self, step: str, factory: str, value: dict[str, Any], before: Note | None) -> bool:
        """Write a state unless another instance was first; whether it was written."""
        try:
            with self._steps(step):
                note = self._notes.put(factory, NOTE, value, "" if before is None else before.etag)
        except LedgerConflict:
            with self._lock:
                self._known.pop(factory.lower(), None)
            return False
        except LedgerError as exc:
            logger.warning(
                "The state of factory %s could not be written: %s",
                factory,
                exc,
                extra={"action": "factory_state_not_written", "factory": factory},
            )
            return False
        self._remember(factory, note)
        return True

    def _remember(self, factory: str, note: Note | None) -> None:
        with self._lock:
            self._known[factory.lower()] = _Known(self._clock(), note)


def _state_of(note: Note | None) -> FactoryState | None:
    """The state that a note tells of; None where it is over, or cannot be understood."""
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
        return None  # of another version: the next call tells anew


def _written_at(note: Note) -> datetime | None:
    text = note.value.get("written_at")
    return None if text is None else datetime.fromisoformat(text)


def _value_of(state: FactoryState) -> dict[str, Any]:
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


def _since(note: Note | None, kind: Trouble, now: datetime) -> datetime:
    """When the trouble began; what is back soon after it was over has gone on."""
    state = _state_of(note)
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


def _next_probe(before: FactoryState | None, error: AdfTriggerError, now: datetime) -> datetime:
    asked = timedelta(seconds=getattr(error, "retry_after", None) or 0.0)
    due = now + max(_FIRST_PROBE, min(asked, LONGEST_THROTTLED_WAIT))
    return due if before is None else max(due, before.next_probe_at)
