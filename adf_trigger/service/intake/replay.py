"""Sends rejected messages again, and discards them, for the command and for HTTP alike."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from adf_trigger.clock import Clock
from adf_trigger.errors import AdfTriggerError, LedgerConflict, TryLater
from adf_trigger.events.texts import original_body
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import RunRecord
from adf_trigger.ledger.rejected import RejectedMessages
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.masking import unmasked
from adf_trigger.messages.texts import Reference, keyed_text, queue_text
from adf_trigger.news import RejectedMessage
from adf_trigger.request_ids import is_request_id
from adf_trigger.service.news.notify import is_rejection
from adf_trigger.service.optimistic import RETRY_AFTER, TRIES
from adf_trigger.service.steps import Steps

NOT_OURS = "this message was not written by adf-trigger"

_BEGINNING = datetime.fromtimestamp(0, tz=UTC)

Values = Callable[[RejectedMessage], Mapping[str, object]]
"""Returns the values of a message's masked parameters, as far as they are known."""

Send = Callable[[str], None]
"""Puts a text into the requests queue, or raises PublishError."""


class NotReplayable(AdfTriggerError):
    """A message cannot be sent again, or not in this way; the text says why."""


class ValuesMissing(NotReplayable):
    """Values that are secret, and therefore not kept, were not given.

    Attributes:
        names: the parameters' names.
    """

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"the values of {', '.join(names)} are not kept and must be given")
        self.names = names


class Replayer:
    """Processes one rejected message at a time. Every method may raise PublishError or LedgerError.

    Args:
        messages: the ledger's rejected messages.
        ledger: holds the requests that their keys name.
        send: puts a text into the requests queue.
        clock: returns the current time.
        steps: surrounds each effect.
    """

    def __init__(
        self, messages: RejectedMessages, ledger: LedgerReader, send: Send, clock: Clock, steps: Steps
    ) -> None:
        self._messages = messages
        self._ledger = ledger
        self._put = send
        self._clock = clock
        self._steps = steps

    def replay(
        self,
        kept: KeptMessage,
        *,
        values: Values,
        force: bool,
        by: str | None = None,
        note: str | None = None,
    ) -> KeptMessage:
        """Send a message again under its key; returns the message as it now waits.

        It is put into the queue before that is recorded: after a crash between the two it is still a rejected message,
        and it is processed once, however often it is put into the queue. A reference to the original bytes is sent;
        where values had to be given, the message with these values.

        If it already waits in the queue, only `force` puts it there once more.

        Raises:
            NotReplayable: it cannot be sent again, or not in this way.
            ValueError: it cannot be read.
        """
        if kept.is_on_queue and not force:
            return kept
        if kept.waiting and not kept.is_on_queue:
            raise NotReplayable(kept.fate_in_words)
        self._require_may_be_sent(kept, force=force)
        message = kept.as_rejected()
        if kept.masked:
            self._send(_text_of(message, _with_values(kept.body, message.masked or [], values(message))))
        else:
            self._send(Reference(kept.key, kept.request_id, replay=True).as_text())
        sent = self._marked_as_sent(kept, by, note)
        if not kept.masked and (sent is None or sent.was_dismissed) and not kept.is_aside:
            # The reference in the queue leads to nothing: it is ignored there.
            raise NotReplayable("it was purged meanwhile" if sent is None else sent.fate_in_words)
        return kept.sent(self._clock(), by=by, note=note) if sent is None else sent

    def send(self, message: RejectedMessage, *, values: Values, force: bool) -> None:
        """Send a message again that an earlier version has left in the rejected queue only.

        Raises:
            NotReplayable: it cannot be sent again, or not in this way.
            ValueError: it cannot be read.
        """
        if message.reason == NOT_OURS:
            raise NotReplayable(NOT_OURS)
        body = original_body(message)
        _require_no_copy(message.taken_as, force=force)
        _require_own_key(_given_key(_object_of(body)), message.request_id, force=force)
        if message.masked:
            body = _with_values(body, message.masked, values(message))
        self._send(_text_of(message, body))

    def dismiss(self, kept: KeptMessage, *, by: str | None = None, note: str | None = None) -> KeptMessage:
        """Discard a message; who did so remains recorded. One that was discarded before is unchanged.

        Raises:
            NotReplayable: it waits in the queue.
            TryLater: others keep changing it.
        """
        now: KeptMessage | None = kept
        for _ in range(TRIES):
            if now is None:
                return kept.dismissed(self._clock(), by=by, note=note)
            if now.is_on_queue:
                raise NotReplayable(now.fate_in_words)
            if now.waiting:
                return now
            try:
                with self._steps("rejected.discard"):
                    return self._messages.change(now.dismissed(self._clock(), by=by, note=note))
            except LedgerConflict:
                now = self._messages.get(kept.key)
        raise TryLater(f"message {kept.message_id} is being changed by others", retry_after=RETRY_AFTER)

    def _marked_as_sent(self, kept: KeptMessage, by: str | None, note: str | None) -> KeptMessage | None:
        """Record that it was sent again, unless it was accepted or dismissed meanwhile; None where it is gone."""
        for _ in range(TRIES):
            sent = kept.sent(self._clock(), by=by, note=note)
            try:
                with self._steps("rejected.mark_sent"):
                    return self._messages.change(sent)
            except LedgerConflict:
                now = self._messages.get(kept.key)
            if now is None or now.was_taken or now.was_dismissed:
                return now
            kept = now
        raise TryLater(f"message {kept.message_id} is being changed by others", retry_after=RETRY_AFTER)

    def _require_may_be_sent(self, kept: KeptMessage, *, force: bool) -> None:
        _require_no_copy(kept.taken_as, force=force)
        given = _given_key(_object_of(kept.body))
        _require_own_key(kept.key_of_another or given, kept.request_id, force=force)
        if force or not kept.factory:
            return
        named = self._ledger.get(kept.factory, kept.request_id)
        if named is not None and not named.record.rejected:
            raise NotReplayable(
                f"its key {kept.request_id} names a request that was accepted, whose status is {named.record.status}; "
                "with force (--force) it is sent anyway, and answered with that request or rejected"
            )

    def _send(self, text: str) -> None:
        with self._steps("replay.send"):
            self._put(text)


def became_request(kept: KeptMessage, record: RunRecord | None, later: KeptMessage | None) -> bool:
    """Whether a message that was sent again became a request; one sent with secrets leaves no mark.

    Args:
        kept: the message.
        record: the record of the request that its key names.
        later: another message under that key.
    """
    if record is not None and not is_rejection(record, kept):
        return True
    return later is not None and not later.waiting and later.key > kept.key


def _require_no_copy(taken_as: str | None, *, force: bool) -> None:
    if taken_as is not None and not force:
        raise NotReplayable(
            f"an equal message was accepted as request {taken_as}; with force (--force) it is sent again"
        )


def _given_key(message: Message) -> str | None:
    """The key in a message: earlier versions did not record that a rejected message had the key of another request."""
    given = message.document.get("requestId")
    return given if isinstance(given, str) and is_request_id(given) else None


def _require_own_key(key: str | None, request_id: str, *, force: bool) -> None:
    """Require that a message, sent again, keeps its key: under its own id it would be a new request."""
    if key not in (None, request_id) and not force:
        raise NotReplayable(
            f"its key {key} already named another request; with force (--force) it is sent as a request of "
            f"its own, under the key {request_id}"
        )


def _with_values(body: bytes, masked: list[str], values: Mapping[str, object]) -> bytes:
    given = {name.lower() for name in values}
    missing = [name for name in masked if name.lower() not in given]
    if missing:
        raise ValuesMissing(missing)
    return json.dumps(unmasked(_object_of(body).document, masked, values)).encode()


def _text_of(message: RejectedMessage, body: bytes) -> str:
    """The bytes of a message, unchanged if they contain its key, else with that key added."""
    text = _text_with_key(message, body)
    if text is None:
        raise NotReplayable("with its requestId it does not fit into a queue message")
    return text


def _text_with_key(message: RejectedMessage, body: bytes) -> str | None:
    decoded = _object_of(body)
    if decoded.own_key == message.request_id:
        return queue_text(body)
    if "requestId" not in decoded.document:
        return keyed_text(decoded.plain, message.request_id)
    return queue_text(json.dumps({**decoded.document, "requestId": message.request_id}).encode())


def _object_of(body: bytes) -> Message:
    decoded = Message.decode(body, message_id="", attempts=0, inserted_at=_BEGINNING)
    if not decoded.document:
        raise NotReplayable("its message is no JSON object, so it can never work")
    return decoded
