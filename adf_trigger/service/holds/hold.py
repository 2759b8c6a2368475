"""Holds: requests are accepted and not started until an operator releases the hold, or it ends."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from adf_trigger.ledger.records import Held, RunRecord

LONGEST_HOLD = timedelta(days=30)
"""How far ahead the end of a hold may be."""

USUAL_HOLD = timedelta(hours=24)
"""The default length of a hold."""

FORGOTTEN_AFTER = timedelta(days=7)
"""How long the end of a hold is remembered: the start deadlines of its requests continue from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The scope of a hold within a factory.

    Attributes:
        pipeline: its name, in any case of letters; None for every pipeline.
        key: the canonical text of the key that a policy counts requests under; None for every key.
    """

    pipeline: str | None = None
    key: str | None = None

    @property
    def id(self) -> str:
        """An id derived from the scope alone."""
        said = json.dumps([self.pipeline and self.pipeline.lower(), self.key])
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    def covers(self, record: RunRecord) -> bool:
        """Whether a request is in the scope."""
        return self.covers_line(record.pipeline, record.admission_key)

    def covers_line(self, pipeline: str, key: str | None) -> bool:
        """Whether all requests of a pipeline with a key are in the scope."""
        return self.touches(pipeline) and (self.key is None or self.key == key)

    def touches(self, pipeline: str) -> bool:
        """Whether any requests of a pipeline are in the scope."""
        return self.pipeline is None or self.pipeline.lower() == pipeline.lower()

    def __str__(self) -> str:
        """In words."""
        named = "the factory" if self.pipeline is None else f"pipeline {self.pipeline}"
        return named if self.key is None else f"the key {self.key} of {named}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold of a factory, a pipeline or a key.

    Attributes:
        scope: what is held.
        reason: why, in the operator's words.
        since: when it began.
        until: when it is over, unless it is released before.
        written_at: when it was last written.
        by: who wrote it; None where that is not known.
        released_at: when it was released; None while it was not.
    """

    scope: Scope
    reason: str
    since: datetime
    until: datetime
    written_at: datetime
    by: str | None = None
    released_at: datetime | None = None

    @property
    def ended_at(self) -> datetime:
        """When it ends, by its writers' clocks."""
        return self.until if self.released_at is None else min(self.until, self.released_at)

    @property
    def in_words(self) -> str:
        """The reason that a request in its scope waits."""
        by = f" by {self.by}" if self.by else ""
        return f"{self.scope} is held{by} until {self.until:%Y-%m-%dT%H:%M:%SZ}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Holds:
    """The holds of a factory as they were read.

    Attributes:
        standing: holds in force, by the id of their scope.
        ended: when past holds ended, by the id of their scope; the oldest are forgotten.
    """

    standing: Mapping[str, Hold] = field(default_factory=dict)
    ended: Mapping[str, datetime] = field(default_factory=dict)

    def covering(self, record: RunRecord) -> Hold | None:
        """The hold that keeps a request from being started; of several the one that lasts longest."""
        found = [each for each in self.standing.values() if each.scope.covers(record)]
        return max(found, key=lambda hold: hold.until, default=None)

    def cover(self, pipeline: str, key: str | None) -> bool:
        """Whether all requests of a pipeline with a key are held."""
        return any(each.scope.covers_line(pipeline, key) for each in self.standing.values())

    def touch(self, pipeline: str) -> bool:
        """Whether any requests of a pipeline are held."""
        return any(each.scope.touches(pipeline) for each in self.standing.values())

    def keep(self, held: Held | None) -> bool:
        """Whether the hold of a request is still in force."""
        return held is not None and held.by in self.standing

    @property
    def cover_all(self) -> bool:
        """Whether the whole factory is held."""
        return _WHOLE.id in self.standing

    def end_of(self, held: Held, now: datetime) -> datetime:
        """When the hold of a request ended; FORGOTTEN_AFTER ago where that is no longer known."""
        return max(held.since, min(now, self.ended.get(held.by, now - FORGOTTEN_AFTER)))


_WHOLE = Scope()

NONE = Holds()
"""No holds."""


def value_of(hold: Hold) -> dict[str, Any]:
    """Encode a hold as the value of its note."""
    return {
        "pipeline": hold.scope.pipeline,
        "key": hold.scope.key,
        "reason": hold.reason,
        "since": hold.since.isoformat(),
        "until": hold.until.isoformat(),
        "writtenAt": hold.written_at.isoformat(),
        "by": hold.by,
        "releasedAt": None if hold.released_at is None else hold.released_at.isoformat(),
    }


def hold_of(value: Mapping[str, Any]) -> Hold | None:
    """Decode the hold of a note; None for one in another version's format."""
    try:
        reason = value["reason"]
        pipeline, key, by = (value.get(name) for name in ("pipeline", "key", "by"))
        since, until, written_at = (_instant(value[name]) for name in ("since", "until", "writtenAt"))
        released = value.get("releasedAt")
        released_at = None if released is None else _instant(released)
    except (KeyError, TypeError, ValueError):
        return None
    if not isinstance(reason, str) or not all(isinstance(each, str | None) for each in (pipeline, key, by)):
        return None
    return Hold(
        scope=Scope(pipeline=pipeline, key=key),
        reason=reason,
        since=since,
        until=until,
        written_at=written_at,
        by=by,
        released_at=released_at,
    )


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("the time has no time zone")
    return instant


def shown_first(holds: Sequence[Hold]) -> Sequence[Hold]:
    """The holds in the order in which they are shown: the whole factory first, then by name."""
    return sorted(holds, key=lambda hold: ((hold.scope.pipeline or "").lower(), hold.scope.key or ""))
