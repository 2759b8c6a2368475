"""Actions on rejected messages by HTTP: send one again, or discard it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from adf_trigger.clock import Clock
from adf_trigger.contracts import HistoryEntry, RunView
from adf_trigger.errors import Fault, InvalidRequest, NotFound, TryLater, WrongState
from adf_trigger.events.outbox import Outbox
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import RunRecord
from adf_trigger.ledger.rejected import RejectedMessages
from adf_trigger.messages.waiting import LIFE
from adf_trigger.messages.wording import pointer_to
from adf_trigger.service import optimistic
from adf_trigger.service.intake.replay import NotReplayable, Replayer, ValuesMissing
from adf_trigger.service.news.views import DISMISS, REPLAY, RunViews
from adf_trigger.service.recording.records import Records
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOrder:
    """An order to send a rejected message again.

    Attributes:
        force: whether to send it although it may start a second run, or already waits in the queue.
        values: of secure parameters, which are not kept.
        by: who gave the order, where known.
        note: why.
    """

    force: bool = False
    values: Mapping[str, object] = field(default_factory=dict)
    by: str | None = None
    note: str | None = None


class RejectedMessageActions:
    """Sends rejected messages again, and discards them.

    Args:
        replayer: sends and discards them.
        ledger: the run ledger.
        records: writes it.
        views: shows them.
        clock: returns the current time.
    """

    def __init__(
        self, replayer: Replayer, ledger: LedgerReader, records: Records, views: RunViews, clock: Clock
    ) -> None:
        self._replayer = replayer
        self._ledger = ledger
        self._records = records
        self._views = views
        self._clock = clock

    def replay(self, record: RunRecord | None, kept: KeptMessage | None, order: ReplayOrder) -> RunView:
        """Send a message again; returns the view of it as it waits. One that was sent before is returned unchanged.

        Args:
            record: the record of its request, where there is one.
            kept: the message.
            order: the order.

        Raises:
            WrongState: no message is kept of it, or it can never work.
            InvalidRequest: values of secure parameters are missing, or others are given.
            PublishError, LedgerError: storage is out of reach; the message is kept as it was.
        """
        if kept is None:
            raise WrongState(_not_kept(record))
        if kept.was_taken and record is not None and not record.rejected:
            return self._views.view(record)
        if kept.is_on_queue and not order.force:
            return self._views.kept(kept)
        secret = {name.lower() for name in kept.masked}
        if others := [name for name in order.values if name.lower() not in secret]:
            raise InvalidRequest(
                [
                    Fault(pointer_to(("parameters", name)), "its value is kept and must not be given")
                    for name in others
                ]
            )
        try:
            sent = self._replayer.replay(
                kept, values=lambda _: order.values, force=order.force, by=order.by, note=order.note
            )
        except ValuesMissing as exc:
            raise InvalidRequest(
                [
                    Fault(
                        pointer_to(("parameters", name)),
                        "its value is secret and not kept: it must be given",
                    )
                    for name in exc.names
                ]
            ) from exc
        except (NotReplayable, ValueError) as exc:
            raise WrongState(str(exc)) from exc
        logger.info(
            "Sent rejected message %s again",
            kept.message_id,
            extra={
                "action": "message_replayed",
                "request_id": kept.request_id,
                "message_id": kept.message_id,
            },
        )
        self._note(record, HistoryEntry(at=self._clock(), by=order.by, action=REPLAY, note=order.note))
        return self._views.kept(sent if sent.is_on_queue else kept.sent(self._clock(), by=order.by))

    def dismiss(
        self, record: RunRecord | None, kept: KeptMessage | None, *, by: str | None, note: str | None
    ) -> RunView:
        """Discard a message; returns the view of it or of its request. One that was discarded before is unchanged.

        Raises:
            WrongState: it was sent again, and waits in the requests queue.
            LedgerError: the ledger is out of reach; the message is kept as it was.
        """
        if kept is not None and not kept.was_taken:
            before = kept.was_dismissed
            try:
                kept = self._replayer.dismiss(kept, by=by, note=note)
            except NotReplayable as exc:
                raise WrongState(str(exc)) from exc
            if not before:
                entry = HistoryEntry(at=self._clock(), by=by, action=DISMISS, note=note)
                record = self._note(record, entry) or record
                logger.info(
                    "Dismissed rejected message %s",
                    kept.message_id,
                    extra={
                        "action": "message_discarded",
                        "request_id": kept.request_id,
                        "message_id": kept.message_id,
                    },
                )
        if record is not None:
            return self._with_dismissal(self._views.view(record), kept)
        if kept is None:
            raise ValueError("neither a request nor a message")
        return self._views.kept(kept)

    def _with_dismissal(self, view: RunView, kept: KeptMessage | None) -> RunView:
        """The request with the dismissal of its message, also where its history could not be written."""
        is_shown = (
            kept is None or not kept.was_dismissed or any(each.action == DISMISS for each in view.history)
        )
        if kept is None or is_shown:
            return view
        return view.model_copy(update={"history": [*view.history, *self._views.kept(kept).history]})

    def _note(self, record: RunRecord | None, entry: HistoryEntry) -> RunRecord | None:
        """Add an action to the history of a rejected request; an active request keeps a history of its own."""

        def note(stored: Stored) -> RunRecord | None:
            return self._records.note(stored, entry).record if stored.record.ended else None

        try:
            return None if record is None else optimistic.update(self._ledger, record, note)
        except (NotFound, TryLater):
            return None  # the action is done, whether or not it could be noted


def _not_kept(record: RunRecord | None) -> str:
    if record is not None and record.rejected:
        return "no message is kept of it: send the request again under its key"
    return "it is not a rejected message" + ("" if record is None else f": its status is {record.status}")


def wire_rejected_requests(
    messages: RejectedMessages,
    outbox: Outbox,
    ledger: LedgerReader,
    records: Records,
    views: RunViews,
    clock: Clock,
    steps: Steps,
) -> RejectedMessageActions:
    """A `RejectedMessageActions` that replays kept messages into the requests queue; see both classes."""
    replayer = Replayer(messages, ledger, partial(outbox.put_back, delay=0, life=LIFE), clock, steps)
    return RejectedMessageActions(replayer, ledger, records, views, clock)
