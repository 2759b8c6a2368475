"""The events that are routed: ends, rejected messages, overdue runs; and how each is found again from a note."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adf_trigger.contracts import RunStatus
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import RunRecord
from adf_trigger.ledger.rejected import RejectedMessages
from adf_trigger.news import CompletionEvent
from adf_trigger.service.news import event_ids
from adf_trigger.service.news.notify import Notifier, Rejection
from adf_trigger.settings.routes import OVERDUE

Make = Callable[[], CompletionEvent]
"""Builds an event on demand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedNews:
    """An event to be routed.

    Attributes:
        id: of its event.
        factory: resource id of its factory; empty where it is not known.
        request_id: what it is about.
        pipeline: its pipeline, by which routes may filter.
        word: its status, or `overdue`, likewise.
        caller: who asked, likewise.
        event: builds it.
        record: the record whose `routes` record its deliveries; None where it has no record.
        found_by: further members of a note that find it again, beside factory, request and event.
    """

    id: str
    factory: str
    request_id: str
    pipeline: str
    word: str
    caller: str | None
    event: Make
    record: RunRecord | None = None
    found_by: Mapping[str, str] = field(default_factory=dict)


class NewsFinder:
    """Builds routed events, and finds them again from their notes.

    Args:
        notifier: builds the events.
        ledger: the run ledger.
        messages: rejected messages.
    """

    def __init__(self, notifier: Notifier, ledger: LedgerReader, messages: RejectedMessages) -> None:
        self._notifier = notifier
        self._ledger = ledger
        self._messages = messages

    def of_end(self, record: RunRecord) -> RoutedNews:
        """The event of the end of a record."""
        return RoutedNews(
            id=event_ids.of_record(record),
            factory=record.factory,
            request_id=record.request_id,
            pipeline=record.pipeline,
            word=record.status,
            caller=record.requested_by,
            event=lambda: self._notifier.event_of(record),
            record=record,
        )

    def of_overdue(self, record: RunRecord) -> RoutedNews:
        """The event that a run is overdue, in the status of its record."""
        return RoutedNews(
            id=event_ids.of_overdue(record),
            factory=record.factory,
            request_id=record.request_id,
            pipeline=record.pipeline,
            word=OVERDUE,
            caller=record.requested_by,
            event=lambda: self._notifier.event_of_overdue(record),
            found_by={"status": record.status},
        )

    def of_message(self, kept: KeptMessage) -> RoutedNews:
        """The event of the rejection of a kept message."""
        return RoutedNews(
            id=event_ids.of_message(kept.request_id, kept.message_id),
            factory=kept.factory,
            request_id=kept.request_id,
            pipeline=kept.pipeline,
            word=RunStatus.REJECTED,
            caller=kept.requested_by,
            event=lambda: self._notifier.event_of_kept(kept),
            found_by={"message": kept.key},
        )

    def of_unkept(self, rejection: Rejection) -> RoutedNews:
        """The event of the rejection of a message that cannot be kept: it is never found again."""
        event = self._notifier.event_of_rejection(rejection)
        return RoutedNews(
            id=event.id,
            factory=rejection.factory,
            request_id=rejection.run.request_id,
            pipeline=rejection.run.pipeline,
            word=RunStatus.REJECTED,
            caller=rejection.run.requested_by,
            event=lambda: event,
        )

    def find(self, factory: str, value: Mapping[str, Any]) -> RoutedNews | None:
        """The event that a note is about; None where it is obsolete.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        if "message" in value:
            kept = self._messages.get(value["message"])
            return None if kept is None else self._same(self.of_message(kept), value)
        stored = self._ledger.get(value.get("factory", factory), value["request"])
        if stored is None:
            return None
        if "status" in value:
            return self._same(self._overdue_again(stored.record, value["status"]), value)
        return self._same(self.of_end(stored.record), value) if stored.record.ended else None

    def _overdue_again(self, record: RunRecord, status: str) -> RoutedNews | None:
        """The event of a run that was overdue, which may have ended since."""
        known = record.overdue is not None and record.overdue_since is not None
        return self.of_overdue(self._notifier.as_in_progress(record, status)) if known else None

    @staticmethod
    def _same(news: RoutedNews | None, value: Mapping[str, Any]) -> RoutedNews | None:
        """The event found, unless it is another one: the request has moved on, or its key was used again."""
        return news if news is not None and news.id == value["event"] else None
