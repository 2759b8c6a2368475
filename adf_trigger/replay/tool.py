"""The operations on rejected messages: list, replay, discard.

They are records of the ledger. The rejected queue has copies of them, and messages that earlier versions left there.
"""

import base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

from adf_trigger.clock import Clock, utcnow
from adf_trigger.errors import PublishError
from adf_trigger.events.queues import put_message
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.rejected import RejectedMessages
from adf_trigger.news import RejectedMessage
from adf_trigger.service.intake.replay import NOT_OURS, NotReplayable, Replayer, Values
from adf_trigger.service.steps import logged_steps

HELD = 120
"""Seconds for which messages of the queue are hidden from others while they are processed."""

_BATCH = 32
_PAGE = 50
_BEGINNING = datetime.fromtimestamp(0, tz=UTC)


@dataclass(slots=True)
class Done:
    """The result for the chosen messages, each by its requestId.

    Attributes:
        done: those that were replayed or discarded.
        before: those that had been before, and what became of them.
        kept: those that were not, and why.
        named: every id of any of them.
    """

    done: list[str] = field(default_factory=list)
    before: list[tuple[str, str]] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)
    named: set[str] = field(default_factory=set)


class ReplayTool:
    """Processes the rejected messages. Every method may raise PublishError or LedgerError.

    Args:
        messages: the ledger's rejected messages.
        ledger: has the requests that their keys name.
        rejected: client of the rejected queue that does not change texts.
        requests: client of the requests queue.
        by: who processes them.
        clock: returns the current time.
    """

    def __init__(
        self,
        messages: RejectedMessages,
        ledger: LedgerReader,
        rejected: QueueClient,
        requests: QueueClient,
        *,
        by: str | None = None,
        clock: Clock = utcnow,
    ) -> None:
        self._messages = messages
        self._rejected = rejected
        self._by = by
        self._replayer = Replayer(messages, ledger, partial(put_message, requests), clock, logged_steps)

    def all(self) -> list[RejectedMessage]:
        """Every message, oldest first; none is removed."""
        found = [kept.as_rejected() for kept in self._in_ledger() if not kept.waiting]
        known = {message.message_id for message in found}

        def look(message: RejectedMessage) -> bool:
            if message.record is None and message.message_id not in known:
                found.append(message)
            return False

        self._work_through_queue(look, self._length())
        return sorted(found, key=lambda message: message.rejected_at)

    def fates(self, name: str) -> list[tuple[str, str]]:
        """What became of the messages of an id that are no longer rejected: the requestId of each, and a sentence."""
        return [
            (kept.request_id, kept.fate_in_words)
            for kept in self._in_ledger()
            if kept.waiting and name in kept.ids
        ]

    def replay(
        self,
        chosen: Callable[[RejectedMessage], bool],
        *,
        values: Values,
        force: bool = False,
        named: bool = False,
    ) -> Done:
        """Send the chosen ones of the messages present now to the requests queue again, under their keys.

        Each is sent before the ledger records it: after a crash in between it may be sent twice, and is accepted once.

        Args:
            chosen: selects them.
            values: called for the values that are masked in them.
            force: also send those that may start a second run, and those already in the queue.
            named: whether they are chosen by id, so that those that were sent before are reported, too.
        """

        def send(message: RejectedMessage, kept: KeptMessage | None) -> None:
            if kept is None:
                self._replayer.send(message, values=values, force=force)
            else:
                self._replayer.replay(kept, values=values, force=force, by=self._by)

        def was_done(kept: KeptMessage) -> bool:
            return kept.was_taken or (kept.is_on_queue and not force)

        return self._work_through(chosen, send, was_done, named=named)

    def discard(self, chosen: Callable[[RejectedMessage], bool], *, named: bool = False) -> Done:
        """Remove the chosen ones for good; see `replay`."""

        def remove(_: RejectedMessage, kept: KeptMessage | None) -> None:
            if kept is not None:
                self._replayer.dismiss(kept, by=self._by)

        return self._work_through(
            chosen, remove, lambda kept: kept.was_taken or kept.was_dismissed, named=named
        )

    def _work_through(
        self,
        chosen: Callable[[RejectedMessage], bool],
        handle: Callable[[RejectedMessage, KeptMessage | None], None],
        was_done: Callable[[KeptMessage], bool],
        *,
        named: bool,
    ) -> Done:
        """Handle each chosen message once, and remove its copy. A failure of one does not stop the others.

        Args:
            chosen: selects them.
            handle: handles one.
            was_done: whether one was handled before, so that it is only reported.
            named: see `replay`.
        """
        result, gone = Done(), set[str]()
        # A replayed message may be rejected again immediately: only messages that were present before are processed.
        in_the_queue = self._length()
        looked_at = (each for each in self._in_ledger() if not each.waiting or named)
        keys = [kept.key for kept in looked_at if chosen(kept.as_rejected())]

        def attempt(message: RejectedMessage, kept: KeptMessage | None) -> bool:
            result.named |= {message.request_id, message.message_id}
            try:
                handle(message, kept)
            except (NotReplayable, ValueError) as exc:
                result.kept.append((message.request_id, str(exc)))
                return False
            result.done.append(message.request_id)
            return True

        for key in keys:
            kept = self._messages.get(key)
            if kept is None:
                continue
            if was_done(kept):
                result.named |= set(kept.ids)
                result.before.append((kept.request_id, kept.fate_in_words))
                gone.add(key)
            elif attempt(kept.as_rejected(), kept):
                gone.add(key)

        def in_queue(message: RejectedMessage) -> bool:
            if message.record is not None:
                return message.record in gone
            return chosen(message) and attempt(message, None)

        self._work_through_queue(in_queue, in_the_queue)
        return result

    def _in_ledger(self) -> Iterator[KeptMessage]:
        after = ""
        while page := self._messages.list(after=after, limit=_PAGE):
            yield from page
            after = page[-1].key

    def _work_through_queue(self, handle: Callable[[RejectedMessage], bool], length: int) -> None:
        """Pass `length` messages once to `handle`; those for which it returns True are deleted."""
        looked_at: list[QueueMessage] = []
        try:
            for raw in self._receive(length):
                if handle(_decoded(raw)):
                    self._rejected.delete_message(raw)
                else:
                    looked_at.append(raw)
        except AzureError as exc:
            raise PublishError("the rejected queue could not be read") from exc
        finally:
            self._release(looked_at)

    def _receive(self, length: int) -> Iterable[QueueMessage]:
        if length == 0:
            return []
        return self._rejected.receive_messages(
            messages_per_page=min(_BATCH, length), visibility_timeout=HELD, max_messages=length
        )

    def _length(self) -> int:
        try:
            return self._rejected.get_queue_properties().approximate_message_count or 0
        except ResourceNotFoundError:
            return 0
        except AzureError as exc:
            raise PublishError("the rejected queue could not be read") from exc

    def _release(self, messages: list[QueueMessage]) -> None:
        for raw in messages:
            try:
                self._rejected.update_message(raw, visibility_timeout=0)
            except AzureError:
                return  # they become visible again after HELD seconds


def _decoded(raw: QueueMessage) -> RejectedMessage:
    text = str(raw.content)
    try:
        return RejectedMessage.model_validate_json(base64.b64decode(text, validate=True))
    except ValueError:  # no base64 (it may not even be ASCII), or not one of our messages
        return _stranger(raw, text)


def _stranger(raw: QueueMessage, text: str) -> RejectedMessage:
    """A message that this service did not write: shown, and kept until it is discarded."""
    return RejectedMessage(
        request_id=raw.id,
        message_id=raw.id,
        message=text,
        reason=NOT_OURS,
        attempts=0,
        rejected_at=raw.inserted_on or _BEGINNING,
    )
