"""Looks up runs in the ledger."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from adf_trigger.contracts import RunView
from adf_trigger.errors import AmbiguousRun, Fault, InvalidRequest, NotFound
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.ledger.rejected import RejectedMessages
from adf_trigger.request_ids import as_guid, is_request_id
from adf_trigger.service.apps.unconfigured import UnconfiguredFactoryWatcher
from adf_trigger.service.factories import Factories
from adf_trigger.service.intake.replay import became_request
from adf_trigger.service.news.views import RunViews
from adf_trigger.service.watching.refresh import RunRefresher

By = Literal["requestId", "runId", "messageId"]
"""The kind of an id: one of a run's, or that of a rejected message."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A run as callers see it, and its record; None for a rejected message."""

    view: RunView
    record: RunRecord | None = None


class RunFinder:
    """Finds runs by either of their ids.

    Args:
        factories: all configured factories.
        ledger: the run ledger.
        rejected: messages that were rejected.
        unconfigured: knows the factories that have left the settings.
        views: describes the runs where several have the id.
        refresher: refreshes a run that is shown from Data Factory.
    """

    def __init__(
        self,
        factories: Factories,
        ledger: LedgerReader,
        rejected: RejectedMessages,
        unconfigured: UnconfiguredFactoryWatcher,
        views: RunViews,
        refresher: RunRefresher,
    ) -> None:
        self._rejected = rejected
        self._factories = factories
        self._ledger = ledger
        self._unconfigured = unconfigured
        self._views = views
        self._refresher = refresher

    def find(self, run: str, *, factory: str | None = None, by: By | None = None) -> RunRecord:
        """The record of a requestId or runId, in every factory unless one is named.

        Factories that have left the settings are searched, too. Where a configured one has such a run, only
        unfinished runs of the others count.

        Args:
            run: the id.
            factory: alias of a configured factory, or a resource id, also of one that has left the settings.
            by: which id it is; None for either.

        Raises:
            NotFound: no factory has such a run.
            AmbiguousRun: several runs have the id.
            InvalidRequest: there is no such factory.
            LedgerError: the ledger is out of reach.
        """
        here, gone = self._searched(factory)
        found = self._in(here, run, by)
        unconfigured = self._in(gone, run, by)
        if found:
            unconfigured = [record for record in unconfigured if record.state is not RunState.PUBLISHED]
        found += unconfigured
        if len(found) > 1:
            raise AmbiguousRun(run, [self._views.choice(record) for record in found])
        if found:
            return found[0]
        if factory is not None and not here and not self._unconfigured.has(factory):
            self._factories.choose(factory, pointer="factory")  # raises, and names the configured ones
        raise NotFound(_unknown(run))

    def show(self, run: str, *, factory: str | None = None, by: By | None = None) -> RunView:
        """The run of an id, as callers see it, or the rejected message that it names where it names no run.

        Args:
            run: a requestId, a runId, or the id of a message.
            factory: see `find`.
            by: see `find`; a message has no runId.

        Raises:
            NotFound: there is neither.
            AmbiguousRun, InvalidRequest, LedgerError: see `find`.
        """
        return self.open(run, factory=factory, by=by).view

    def open(self, run: str, *, factory: str | None = None, by: By | None = None) -> Opened:
        """The same, with the record that is shown.

        Raises:
            AdfTriggerError: see `show`.
        """
        found = self.find_or_kept(run, factory=factory, by=by)
        if isinstance(found, KeptMessage):
            return Opened(self._views.kept(found))
        record = self._refresher.fresh(found)
        return Opened(self._views.view(record), record)

    def find_or_kept(
        self, run: str, *, factory: str | None = None, by: By | None = None
    ) -> RunRecord | KeptMessage:
        """The record of an id, or its kept message; see `show`.

        The message where there is no record, or where the record was rejected and its message was sent again since.
        """
        record = self.find_unless_unknown(run, factory=factory, by=by)
        if record is not None and not record.rejected:
            return record
        record, kept = self._both(run, record, factory, by)
        waits = kept is not None and kept.is_on_queue and not kept.is_aside
        found = record if record is not None and not waits else kept
        if found is None:
            raise NotFound(_unknown(run))
        return found

    def find_unless_unknown(
        self, run: str, *, factory: str | None = None, by: By | None = None
    ) -> RunRecord | None:
        """The record of an id; None where there is none; see `find`."""
        try:
            return self.find(run, factory=factory, by=by)
        except NotFound:
            return None

    def find_both(
        self, run: str, *, factory: str | None = None, by: By | None = None
    ) -> tuple[RunRecord | None, KeptMessage | None]:
        """The record of an id, and its kept message: at least one of them.

        A message that was sent again and taken leads to its outcome: its request, or a later message under its key.

        Raises:
            NotFound: there is neither.
            AmbiguousRun, InvalidRequest, LedgerError: see `find`.
        """
        return self._both(run, self.find_unless_unknown(run, factory=factory, by=by), factory, by)

    def _both(
        self, run: str, record: RunRecord | None, factory: str | None, by: By | None
    ) -> tuple[RunRecord | None, KeptMessage | None]:
        if record is not None:
            kept = self.find_kept(record.request_id, factory=record.factory, by="requestId")
            return record, None if kept is None else self._followed(kept, record)
        kept = self.find_kept(run, factory=factory, by=by)
        if kept is None:
            raise NotFound(_unknown(run))
        record = self._record_of(kept)
        followed = self._followed(kept, record)
        return (record if followed is not kept or kept.was_taken else None), followed

    def _followed(self, kept: KeptMessage, record: RunRecord | None) -> KeptMessage:
        """A message, or where it was sent again and taken, a later one under its key, or what is left of it."""
        if not kept.was_taken and not (kept.is_on_queue and kept.masked):
            return kept
        later = self._rejected.find(kept.request_id, but=kept.key)
        if later is not None and later.key < kept.key:
            later = None
        if kept.was_taken or became_request(kept, record, later):
            return later or (kept if kept.was_taken else kept.taken(kept.waits_since))
        return kept

    def _record_of(self, kept: KeptMessage) -> RunRecord | None:
        places = [kept.factory] if kept.factory else [handle.id for handle in self._factories]
        found = (self._ledger.get(place, kept.request_id) for place in places)
        return next((stored.record for stored in found if stored is not None), None)

    def searched(self, factory: str | None) -> Sequence[str]:
        """The resource ids that are searched for runs: of the factory, or of all, also of those that have left.

        Raises:
            InvalidRequest: there is no such factory.
            LedgerError: the ledger is out of reach.
        """
        here, gone = self._searched(factory)
        if factory is not None and not here and not self._unconfigured.has(factory):
            self._factories.choose(factory, pointer="factory")  # raises, and names the configured ones
        return [*here, *gone]

    def find_kept(self, run: str, *, factory: str | None = None, by: By | None = None) -> KeptMessage | None:
        """The kept message with an id, its own or its request's, or what is left of it; None where there is none.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        kept = self._rejected.find(run, by=by) if by != "runId" and is_request_id(run) else None
        if kept is None or (factory and kept.factory.lower() not in self._ids_of(factory)):
            return None
        return kept

    def _ids_of(self, factory: str) -> set[str]:
        here, gone = self._searched(factory)
        return {each.lower() for each in (*here, *gone)}

    def _searched(self, factory: str | None) -> tuple[Sequence[str], Sequence[str]]:
        """The resource ids to search: of configured factories, and of those that have left the settings."""
        if factory is None:
            return [handle.id for handle in self._factories], self._unconfigured.ids()
        here = [handle.id for handle in self._factories.of(factory)]
        if here:
            return here, ()
        handle = self._factories.kept_under(factory)
        if handle is not None:
            return [handle.id], ()
        # An alias that has left the settings together with its factory may be in the link of a caller.
        unconfigured = self._unconfigured.ids()
        return (), [factory] if factory.lower() in unconfigured else unconfigured

    def _in(self, factories: Sequence[str], run: str, by: By | None) -> list[RunRecord]:
        found = {}
        for factory in factories:
            for record in self._matches(factory, run, by):
                found[factory, record.request_id] = record
        return list(found.values())

    def _matches(self, factory: str, run: str, by: By | None) -> Iterator[RunRecord]:
        if by in {None, "requestId"} and (stored := self._ledger.get(factory, run)) is not None:
            yield stored.record
        run_id = as_guid(run) if by in {None, "runId"} else None
        if run_id is not None and (stored := self._ledger.find(factory, run_id)) is not None:
            yield stored.record


def by_of(text: str | None) -> By | None:
    """Decode the kind of an id from a query parameter.

    Raises:
        InvalidRequest: it is none of these.
    """
    match text:
        case None | "requestId" | "runId" | "messageId":
            return text
        case _:
            raise InvalidRequest([Fault("by", "must be requestId, runId or messageId")])


def _unknown(run: str) -> str:
    return f"no run has the requestId or runId {run}"
