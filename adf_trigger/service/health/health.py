"""The health of the service, answered from the reports that the timer writes into the ledger."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from adf_trigger.clock import Clock
from adf_trigger.errors import AdfTriggerError
from adf_trigger.ledger.notes import APP_SCOPE, Note, Notes
from adf_trigger.service.admission.summary import last_lines
from adf_trigger.service.apps.own_notes import FALLBACK_NOTE, HEALTH_NOTE, TICK_NOTE
from adf_trigger.service.apps.unconfigured import UNCONFIGURED_NOTES, listed
from adf_trigger.service.elapsed import Elapsed
from adf_trigger.service.health.ledger_identity import LEDGER_NOTE
from adf_trigger.service.health.observe import components_of, steady_since
from adf_trigger.service.holds.summary import with_waiting
from adf_trigger.service.intake.event_counts import EVENTS_NOTE, counted
from adf_trigger.service.publishing.route_states import ROUTE_STATES, listed_routes
from adf_trigger.service.threads.side_threads import Begin, begin
from adf_trigger.settings.schedule import Schedule

logger = logging.getLogger(__name__)

PATIENCE = 0.8
"""Maximum seconds that an answer waits for the ledger: it is given within one second whatever hangs."""
LOOK_AGAIN = 0.02
"""Seconds between two checks whether the ledger has been read."""
READ_AGAIN = 3.0
"""Seconds for which a reading is reused."""
TOO_OLD = 30.0
"""Seconds after which a reading that hangs invalidates the last one."""
REPORT = "report"
TICK = "complete tick"
LONGEST_TICK = 600
"""Seconds: no function of the app runs for longer."""


class HealthStatus(StrEnum):
    """The public part of the health."""

    OK = "ok"
    UNAVAILABLE = "unavailable"
    STARTING = "starting"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A problem of the service: since when, and what, in a sentence."""

    since: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Health:
    """The answer.

    Attributes:
        status: the public part.
        since: since when; None while starting.
        troubles: all problems, for operators.
        details: all other details, as JSON.
    """

    status: HealthStatus
    since: datetime | None = None
    troubles: tuple[Trouble, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Read:
    """The result of one reading of the ledger, and when: the notes, or why there are none."""

    at: float
    instant: datetime
    health: Note | None = None
    tick: Note | None = None
    ledger: Note | None = None
    unconfigured: tuple[Note, ...] = ()
    routes: tuple[Note, ...] = ()
    fallback_tick: Note | None = None
    missed: frozenset[str] = frozenset()
    events: Note | None = None
    observed: Sequence[Mapping[str, Any]] = ()
    holds: Sequence[Mapping[str, Any]] = ()
    error: str | None = None


class HealthReader:
    """Answers within a second: reads the ledger in the background, one reading at a time, and only on demand.

    Args:
        notes: where the timer's report is kept.
        clock: returns the current time.
        schedule: when the timer is due.
        triggers: names of the declared triggers.
        routes: names of the configured routes; None reports every route that has a note.
        observed: summarises the observed pipelines.
        holds: lists what operators hold.
        seconds: a monotonic clock, for waiting.
        begin: starts a thread.
    """

    def __init__(
        self,
        notes: Notes,
        clock: Clock,
        schedule: Schedule,
        *,
        triggers: Sequence[str] = (),
        routes: Collection[str] | None = None,
        observed: Callable[[], Sequence[Mapping[str, Any]]] = tuple,
        holds: Callable[[], Sequence[Mapping[str, Any]]] = tuple,
        seconds: Callable[[], float] = time.monotonic,
        begin: Begin = begin,
    ) -> None:
        self._triggers = triggers
        self._routes = routes
        self._observed = observed
        self._holds = holds
        self._begin = begin
        self._notes = notes
        self._clock = clock
        self._schedule = schedule
        self._seconds = seconds
        self._elapsed = Elapsed(clock, seconds)
        self._started = clock()
        self._lock = threading.Lock()
        self._reading_since: float | None = None
        self._good: _Read | None = None
        self._last: _Read | None = None
        self._silent_since: datetime | None = None

    async def answer(self) -> Health:
        """The health as last read, within a second.

        It uses none of the threads that the functions run on: they may all hang.
        """
        patient_until = self._asked()
        # The reading ends on a thread, which cannot set an asyncio.Event.
        while patient_until is not None and self._seconds() < patient_until and self._is_reading():  # noqa: ASYNC110
            await asyncio.sleep(LOOK_AGAIN)
        with self._lock:
            return self._judged()

    def _asked(self) -> float | None:
        """Start a reading if one is due; returns until when to wait for it, None where none is under way."""
        with self._lock:
            due = self._last is None or self._seconds() - self._last.at >= READ_AGAIN
            if due and self._reading_since is None:
                self._reading_since = self._seconds()
                if not self._begin(self._read, "health"):
                    self._reading_since = None
            return None if self._reading_since is None else self._reading_since + PATIENCE

    def _is_reading(self) -> bool:
        with self._lock:
            return self._reading_since is not None

    def _read(self) -> None:
        try:
            health, tick, ledger, fallback_tick, events = (
                self._notes.get(APP_SCOPE, name)
                for name in (HEALTH_NOTE, TICK_NOTE, LEDGER_NOTE, FALLBACK_NOTE, EVENTS_NOTE)
            )
            unconfigured = tuple(self._notes.named(APP_SCOPE, UNCONFIGURED_NOTES))
            read = _Read(
                self._seconds(),
                self._clock(),
                _understood(health),
                _understood(tick),
                _understood(ledger),
                unconfigured,
                fallback_tick=fallback_tick,
                events=events,
                routes=self._route_states(),
                observed=self._observed(),
                holds=self._holds(),
            )
            read = replace(read, missed=self._missed(read))
        except AdfTriggerError as exc:
            logger.warning(
                "The health report cannot be read: %s",
                exc,
                extra={"action": "health_not_read", "error": type(exc).__name__},
            )
            read = _Read(self._seconds(), self._clock(), error=f"the ledger cannot be read: {exc}")
        except Exception as exc:  # the outermost edge of a thread: nothing above it logs
            logger.exception("The health report cannot be read", extra={"action": "health_not_read"})
            read = _Read(
                self._seconds(), self._clock(), error=f"the ledger cannot be read: {type(exc).__name__}"
            )
        with self._lock:
            self._last = read
            if read.error is None:
                self._good, self._silent_since = read, None
            elif self._silent_since is None:
                self._silent_since = self._clock()
            self._reading_since = None

    def _route_states(self) -> tuple[Note, ...]:
        if self._routes is not None and not self._routes:
            return ()
        found = self._notes.named(APP_SCOPE, ROUTE_STATES)
        known = self._routes
        return tuple(each for each in found if known is None or each.name.removeprefix(ROUTE_STATES) in known)

    def _missed(self, read: _Read) -> frozenset[str]:
        """The problem of a timer that has not run for some periods, judged also by what this process has seen."""
        missed = set()
        for what, note in ((REPORT, read.health), (TICK, read.tick)):
            last = self._started if note is None else _instant(note, "at")
            due = self._schedule.missed_from(last, spent=0.0 if note is None else _seconds_of(note))
            version = "" if note is None else note.etag
            if self._elapsed.is_over(what, version, until=due, lasts=due - last, written_at=last):
                missed.add(what)
        return frozenset(missed)

    def _judged(self) -> Health:
        silence = self._silence()
        if self._good is None:
            return Health(HealthStatus.STARTING) if silence is None else _unavailable([silence], {})
        troubles = [] if silence is None else [silence]
        # Judged as of the reading: the last request may be long ago, and the next reading under way.
        troubles += _troubles(self._good, self._schedule, self._started)
        details = {**_details(self._good), "events": counted(self._good.events, self._triggers)}
        if troubles:
            return _unavailable(troubles, details)
        if self._good.health is None:
            return Health(HealthStatus.STARTING, details=details)
        return Health(HealthStatus.OK, _well_since(self._good), details=details)

    def _silence(self) -> Trouble | None:
        """The problem of a ledger that does not answer."""
        if self._silent_since is not None and self._last is not None and self._last.error is not None:
            return Trouble(self._silent_since, self._last.error)
        if self._reading_since is None or self._seconds() - self._reading_since < TOO_OLD:
            return None
        hangs = timedelta(seconds=self._seconds() - self._reading_since)
        return Trouble(self._clock() - hangs, "the ledger gives no answer")


def _troubles(read: _Read, schedule: Schedule, started: datetime) -> list[Trouble]:
    troubles = [
        Trouble(each.since, f"{name}: {each.why}")
        for name, each in components_of(read.health).items()
        if not each.ok
    ]
    for note, what in ((read.health, REPORT), (read.tick, TICK)):
        if note is None and what != REPORT:
            continue
        last = started if note is None else _instant(note, "at")
        if what in read.missed:
            when = (
                f"no {what} was written yet" if note is None else f"its last {what} is of {last.isoformat()}"
            )
            troubles.append(
                Trouble(schedule.next_after(last), f"the timer does not run as scheduled: {when}")
            )
    if read.ledger is not None and not read.ledger.value.get("acknowledged", True):
        since = _instant(read.ledger, "since")
        troubles.append(
            Trouble(
                since,
                f"ledger new since {since.isoformat()}: all earlier requests are forgotten, so that an old "
                "idempotency key would start its run again; an operator has to acknowledge it",
            )
        )
    return troubles


def _unavailable(troubles: list[Trouble], details: dict[str, Any]) -> Health:
    ordered = tuple(sorted(troubles, key=lambda trouble: trouble.since))
    return Health(HealthStatus.UNAVAILABLE, ordered[0].since, ordered, details)


def _well_since(read: _Read) -> datetime:
    """Since when all components have been well: since the last of them became so."""
    if read.health is None:
        raise ValueError("nothing was reported")
    instants = [each.since for each in components_of(read.health).values()]
    instants.append(steady_since(read.health) or _instant(read.health, "at"))
    if read.ledger is not None and "acknowledgedAt" in read.ledger.value:
        instants.append(_instant(read.ledger, "acknowledgedAt"))
    return max(instants)


def _details(read: _Read) -> dict[str, Any]:
    health = {} if read.health is None else read.health.value
    return {
        "observedAt": health.get("at"),
        "components": health.get("components", {}),
        "unfinishedStrangers": listed(read.unconfigured),
        "otherApps": health.get("warnings", []),
        "routes": listed_routes(read.routes, read.instant),
        "observed": list(read.observed),
        "holds": with_waiting(read.holds, [read.tick, read.fallback_tick]),
        "lines": list(last_lines([read.tick, read.fallback_tick])),
        "timer": None if read.tick is None else read.tick.value,
        "standIn": None if read.fallback_tick is None else read.fallback_tick.value,
        "ledger": None if read.ledger is None else read.ledger.value,
    }


def _seconds_of(note: Note) -> float:
    seconds = note.value.get("seconds", 0)
    return float(seconds) if isinstance(seconds, int | float) and 0 <= seconds < LONGEST_TICK else 0.0


def _understood(note: Note | None) -> Note | None:
    """Decode a note; None for one in another version's format."""
    try:
        if note is not None and datetime.fromisoformat(note.value.get("at") or note.value["since"]).tzinfo:
            return note
    except (KeyError, TypeError, ValueError):
        logger.warning("A note of the ledger cannot be decoded", extra={"action": "note_not_understood"})
    return None


def _instant(note: Note, name: str) -> datetime:
    return datetime.fromisoformat(note.value[name])
