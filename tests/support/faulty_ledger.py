"""The memory ledger, declarations and notes, able to fail on command."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from adf_trigger.ledger.kept_messages import By, KeptMessage
from adf_trigger.ledger.memory import MemoryLedger
from adf_trigger.ledger.memory_declarations import MemoryDeclarations
from adf_trigger.ledger.memory_notes import MemoryNotes
from adf_trigger.ledger.memory_rejected import MemoryRejected
from adf_trigger.ledger.notes import Note
from adf_trigger.ledger.places import KeptPlaces
from adf_trigger.ledger.port import Claim, Stored
from adf_trigger.ledger.records import RunRecord
from adf_trigger.messages.declaration import Declaration
from tests.support.memory_factory import raise_planned


class FaultyLedger(MemoryLedger):
    """Fails where a test says so: method → errors, raised one by one, before or after the effect."""

    def __init__(self) -> None:
        super().__init__()
        self.before: dict[str, list[Exception]] = {}
        self.after: dict[str, list[Exception]] = {}
        self.lost = set[str]()

    def get(self, factory: str, request_id: str) -> Stored | None:
        """See Ledger. A record that is lost has left its row among the active ones behind."""
        raise_planned(self.before, "get")
        return None if request_id in self.lost else super().get(factory, request_id)

    def find(self, factory: str, run_id: UUID) -> Stored | None:
        """See Ledger."""
        raise_planned(self.before, "find")
        return super().find(factory, run_id)

    def claim(self, record: RunRecord, places: KeptPlaces | None = None) -> Claim:
        """See Ledger."""
        raise_planned(self.before, "claim")
        claim = super().claim(record, places)
        raise_planned(self.after, "claim")
        return claim

    def save(self, stored: Stored, record: RunRecord, places: KeptPlaces | None = None) -> Stored:
        """See Ledger."""
        raise_planned(self.before, "save")
        saved = super().save(stored, record, places)
        raise_planned(self.after, "save")
        return saved

    def release(self, stored: Stored) -> None:
        """See Ledger."""
        raise_planned(self.before, "release")
        super().release(stored)
        raise_planned(self.after, "release")


class TroubledLedger(FaultyLedger):
    """A ledger in which the records of some requests, and the places of some names, cannot be read."""

    def __init__(self) -> None:
        super().__init__()
        self.unreadable: dict[str, Exception] = {}

    def get(self, factory: str, request_id: str) -> Stored | None:
        """See Ledger."""
        if request_id in self.unreadable:
            raise self.unreadable[request_id]
        return super().get(factory, request_id)

    def places(self, factory: str, name: str) -> KeptPlaces | None:
        """See Ledger."""
        if name in self.unreadable:
            raise self.unreadable[name]
        return super().places(factory, name)

    def all_places(self, factory: str, *, after: str = "", limit: int | None = None) -> Sequence[KeptPlaces]:
        """See Ledger."""
        found = super().all_places(factory, after=after, limit=limit)
        return [kept for kept in found if kept.places.name not in self.unreadable]


class FaultyDeclarations(MemoryDeclarations):
    """Fails where a test says so: method → errors, raised one by one instead of the effect; counts the writes."""

    def __init__(self) -> None:
        super().__init__()
        self.instead: dict[str, list[Exception]] = {}
        self.puts = 0

    def get(self, factory: str, pipeline: str) -> Declaration | None:
        """See Declarations."""
        raise_planned(self.instead, "get")
        return super().get(factory, pipeline)

    def put(self, factory: str, declaration: Declaration) -> None:
        """See Declarations."""
        self.puts += 1
        raise_planned(self.instead, "put")
        super().put(factory, declaration)

    def remove(self, factory: str, pipeline: str) -> None:
        """See Declarations."""
        raise_planned(self.instead, "remove")
        super().remove(factory, pipeline)


class FaultyNotes(MemoryNotes):
    """Fails where a test says so: method → errors, raised one by one, before or after the effect."""

    def __init__(self) -> None:
        super().__init__()
        self.before: dict[str, list[Exception]] = {}
        self.after: dict[str, list[Exception]] = {}

    def get(self, scope: str, name: str) -> Note | None:
        """See Notes."""
        raise_planned(self.before, "get")
        return super().get(scope, name)

    def put(
        self,
        scope: str,
        name: str,
        value: dict[str, Any],
        etag: str | None = None,
        *,
        secret: str | None = None,
    ) -> Note:
        """See Notes."""
        raise_planned(self.before, "put")
        note = super().put(scope, name, value, etag, secret=secret)
        raise_planned(self.after, "put")
        return note

    def named(self, scope: str, prefix: str = "") -> Sequence[Note]:
        """See Notes."""
        raise_planned(self.before, "named")
        return super().named(scope, prefix)

    def remove(self, scope: str, name: str, etag: str | None = None) -> None:
        """See Notes."""
        raise_planned(self.before, "remove")
        super().remove(scope, name, etag)
        raise_planned(self.after, "remove")


class FaultyRejected(MemoryRejected):
    """Fails where a test says so: method → errors, raised one by one, before or after the effect."""

    def __init__(self) -> None:
        super().__init__()
        self.before: dict[str, list[Exception]] = {}
        self.after: dict[str, list[Exception]] = {}

    def keep(self, message: KeptMessage) -> KeptMessage:
        """See RejectedMessages."""
        raise_planned(self.before, "keep")
        kept = super().keep(message)
        raise_planned(self.after, "keep")
        return kept

    def change(self, message: KeptMessage) -> KeptMessage:
        """See RejectedMessages."""
        raise_planned(self.before, "change")
        changed = super().change(message)
        raise_planned(self.after, "change")
        return changed

    def find(self, given: str, *, but: str | None = None, by: By | None = None) -> KeptMessage | None:
        """See RejectedMessages."""
        raise_planned(self.before, "find")
        return super().find(given, but=but, by=by)

    def get(self, key: str) -> KeptMessage | None:
        """See RejectedMessages."""
        raise_planned(self.before, "get")
        return super().get(key)

    def remove(self, key: str) -> None:
        """See RejectedMessages."""
        raise_planned(self.before, "remove")
        super().remove(key)
        raise_planned(self.after, "remove")
