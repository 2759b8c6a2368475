"""Sends rejected messages again, and discards them: one home for the command and the calls by HTTP."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from adf_trigger.contracts import RejectedMessage
from adf_trigger.errors import AdfTriggerError
from adf_trigger.events.texts import original_body
from adf_trigger.ledger.rejected import KeptMessage, RejectedMessages
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.masking import unmasked
from adf_trigger.messages.texts import Reference, keyed_text, queue_text
from adf_trigger.service.steps import Steps

NOT_OURS = "this message was not written by adf-trigger"

_BEGINNING = datetime.fromtimestamp(0, tz=UTC)

Values = Callable[[RejectedMessage], Mapping[str, object]]
"""Gives the values of what is masked in a message, those of them that are known."""

Send = Callable[[str], None]
"""Puts a text into the requests queue, or raises PublishError."""


class NotReplayable(AdfTriggerError):
    """A message cannot be sent again, or not so; the text says why."""


class ValuesMissing(NotReplayable):
    """Values that are not kept, since they are secret, have to be given.

    Attributes:
        names: of the parameters.
    """

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"the values of {', '.join(names)} are not kept and have to be given")
        self.names = names


class Replayer:
    """Works on one rejected message at a time. Every method may raise PublishError or LedgerError.

    Args:
        messages: the ledger's rejected messages.
        send: puts a text into the requests queue.
        steps: surrounds each effect.
    """

    def __init__(self, messages: RejectedMessages, send: Send, steps: Steps) -> None:
        self._messages = messages
        self._put = send
        self._steps = steps

    def replay(self, kept: KeptMessage, *, values: Values, force: bool) -> None:
        """Send a message again under its key, and keep it no longer.

        Sent before it is removed: a crash between the two repeats the key, which starts nothing twice.

        Raises:
            NotReplayable: it cannot be sent again, or not so.
        """
        if self.send(kept.as_rejected(), kept, values=values, force=force):
            self.discard(kept)

    def discard(self, kept: KeptMessage) -> None:
        """Keep a message no longer."""
        with self._steps("rejected.discard"):
            self._messages.remove(kept.key)

    def send(
        self,
        message: RejectedMessage,
        kept: KeptMessage | None,
        *,
        values: Values,
        force: bool,
    ) -> bool:
        """Send a message again under its key; whether it is to be removed here then.

        Args:
            message: the message.
            kept: what the ledger has of it; None for one that an earlier version has left in the rejected queue.
            values: asked for what is masked in it.
            force: send it although an equal one was taken.

        Raises:
            NotReplayable: it cannot be sent again, or not so.
            ValueError: it cannot be read.
        """
        if message.taken_as is not None and not force:
            raise NotReplayable(
                f"an equal message was taken as request {message.taken_as}; with force (--force) it is sent again"
            )
        if kept is None and message.reason == NOT_OURS:
            raise NotReplayable(NOT_OURS)
        body = original_body(message)
        if message.masked:
            body = _with_values(body, message.masked, values(message))
        text = _text_to_send(message, body)
        if text is not None:
            self._send(text)
            return True
        if kept is None or message.masked:
            raise NotReplayable("it fits with its requestId into no queue's message")
        with self._steps("rejected.keep_aside"):
            self._messages.put(replace(kept, waiting=True, reason="it was sent again"))
        self._send(Reference(kept.key, kept.request_id).as_text())
        return False

    def _send(self, text: str) -> None:
        with self._steps("replay.send"):
            self._put(text)


def _with_values(body: bytes, masked: list[str], values: Mapping[str, object]) -> bytes:
    given = {name.lower() for name in values}
    missing = [name for name in masked if name.lower() not in given]
    if missing:
        raise ValuesMissing(missing)
    return json.dumps(unmasked(_object_of(body).document, masked, values)).encode()


def _text_to_send(message: RejectedMessage, body: bytes) -> str | None:
    """The same bytes where they give the key that the message goes by, else with that key in them."""
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
