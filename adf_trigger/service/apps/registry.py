"""Finds other apps on the same storage: two that differ take, and reject, each other's messages."""

import hashlib
import logging
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from adf_trigger.clock import Clock
from adf_trigger.ledger.notes import APP_SCOPE, Notes
from adf_trigger.service.apps.own_notes import own_names
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

APP_NOTES = "app|"
SIGNED_EVERY = timedelta(minutes=2)
ALIVE = timedelta(minutes=10)
"""An app that has written its note within this time is active."""
FORGOTTEN_AFTER = timedelta(days=30)
MAX_LISTED = 20
MAX_FACTORIES = 60


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """The identity that an app registers.

    Attributes:
        name: of the app; all its instances have the same.
        version: of the package.
        factories: resource ids of the factories that it starts runs in.
        queue: where it reads requests from.
        settings: digests of its other settings, by their names.
    """

    name: str
    version: str
    factories: tuple[str, ...]
    queue: str
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """Distinguishes it from other apps; a hash, since an app's name may have any characters."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:32]

    @property
    def note(self) -> str:
        """The name of its note."""
        return APP_NOTES + self.mark

    @property
    def listed_factories(self) -> list[str]:
        """The factories as they are compared: in lower case, sorted, at most as many as a note holds."""
        return sorted(factory.lower() for factory in self.factories)[:MAX_FACTORIES]

    def differs_from(self, other: dict[str, Any]) -> str | None:
        """How another app that reads the same queue or watches the same factories differs; None where it does not."""
        shared = set(other["factories"]) & set(self.listed_factories)
        if other["queue"] != self.queue:
            settings = self._other_settings(other)
            return f"watches the same factories and {settings}" if shared and settings else None
        differences = [f"reads {self.queue}"]
        if other["factories"] != self.listed_factories:
            differences.append("has other factories")
        if other["version"] != self.version:
            differences.append(f"has version {other['version']} (this one: {self.version})")
        if settings := self._other_settings(other):
            differences.append(settings)
        return " and ".join(differences) if len(differences) > 1 else None

    def _other_settings(self, other: dict[str, Any]) -> str:
        """The names of settings that differ, of those that both versions have."""
        theirs = other.get("settings") or {}
        names = [name for name, digest in self.settings.items() if theirs.get(name, digest) != digest]
        return f"has other values of {', '.join(sorted(names)[:MAX_LISTED])}" if names else ""


@dataclass(frozen=True, slots=True)
class Owners:
    """Which other app on the same storage owns which factories.

    Attributes:
        apps: of each, its factories in lower case, and whether its note is recent. An app that lists MAX_FACTORIES
            may have any.
    """

    apps: Sequence[tuple[frozenset[str], bool]]

    def has(self, factory: str, *, alive: bool = False) -> bool:
        """Whether a factory may be another app's; with `alive`, an active app's."""
        return any(
            factory.lower() in factories or len(factories) >= MAX_FACTORIES
            for factories, at_work in self.apps
            if at_work or not alive
        )


class AppRegistry:
    """Registers this app, and finds other active apps that differ.

    Args:
        me: this app.
        notes: of the ledger that they share.
        clock: returns the current time.
        steps: surrounds each effect.
    """

    def __init__(self, me: AppIdentity, notes: Notes, clock: Clock, steps: Steps) -> None:
        self._me = me
        self._notes = notes
        self._clock = clock
        self._steps = steps
        self._signed_at: datetime | None = None
        self._logged: frozenset[str] = frozenset()
        self._found: tuple[str, ...] = ()

    def check(self) -> Sequence[str]:
        """One sentence for each other active app that differs; a new one is logged. Reads every two minutes.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        now = self._clock()
        if self._signed_at is not None and timedelta() <= now - self._signed_at < SIGNED_EVERY:
            return self._found
        with self._steps("neighbours.sign"):
            self._notes.put(APP_SCOPE, self._me.note, self._signature(now))
        self._signed_at = now
        self._found = tuple(self._others(now))[:MAX_LISTED]
        for sentence in self._found:
            if sentence not in self._logged:
                logger.warning("%s", sentence, extra={"action": "other_app_found"})
        self._logged = frozenset(self._found)
        return self._found

    def owners(self) -> Owners:
        """The factories of all other apps that are remembered.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        now = self._clock()
        ages = [
            (note, now - datetime.fromisoformat(note.value["seenAt"]))
            for note in self._notes.named(APP_SCOPE, APP_NOTES)
            if note.name != self._me.note
        ]
        return Owners(
            [
                (frozenset(note.value.get("factories", ())), age <= ALIVE)
                for note, age in ages
                if age <= FORGOTTEN_AFTER
            ]
        )

    def _signature(self, now: datetime) -> dict[str, Any]:
        return {
            "name": self._me.name[:256],
            "version": self._me.version,
            "factories": self._me.listed_factories,
            "queue": self._me.queue,
            "settings": dict(self._me.settings),
            "seenAt": now.isoformat(),
        }

    def _others(self, now: datetime) -> Sequence[str]:
        found = []
        for note in self._notes.named(APP_SCOPE, APP_NOTES):
            if note.name == self._me.note:
                continue
            age = now - datetime.fromisoformat(note.value["seenAt"])
            if age > FORGOTTEN_AFTER:
                for own in own_names(note.name.removeprefix(APP_NOTES)):
                    self._notes.remove(APP_SCOPE, own)
                self._notes.remove(APP_SCOPE, note.name)
            elif age <= ALIVE and (difference := self._me.differs_from(note.value)) is not None:
                app = note.value["name"]
                found.append(
                    f"Another app on the same storage, {app}, {difference}: each does a share of the work"
                )
        return found


def this_machine() -> str:
    """The name of an app that is not on App Service: the machine and the folder."""
    return f"{platform.node()}:{Path(__file__).resolve().parents[3]}"
