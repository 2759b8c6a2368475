"""The rejected queue as a person works through it: look, replay, discard."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

from adf_trigger.contracts import RejectedMessage
from adf_trigger.errors import AdfTriggerError, PublishError
from adf_trigger.events.queues import NEVER_EXPIRES
from adf_trigger.events.texts import original_text

HELD = 120
"""Seconds for which messages are hidden from others while they are looked through."""

_BATCH = 32


class NotReplayable(AdfTriggerError):
    """The original message is no JSON object, so that sending it again cannot help."""


@dataclass(frozen=True, slots=True)
class Held:
    """A message of the rejected queue while it is looked at."""

    rejected: RejectedMessage
    raw: QueueMessage


class RejectedQueue:
    """Works through the rejected queue. Every method may raise PublishError where storage is out of reach.

    Args:
        rejected: client of the rejected queue that leaves texts as they are.
        requests: client of the requests queue.
    """

    def __init__(self, rejected: QueueClient, requests: QueueClient) -> None:
        self._rejected = rejected
        self._requests = requests

    def all(self) -> list[RejectedMessage]:
        """Every message, oldest first; each stays where it is."""
        found: list[RejectedMessage] = []
        self._work_through(lambda held: found.append(held.rejected))
        return sorted(found, key=lambda message: message.rejected_at)

    def replay(self, chosen: Callable[[RejectedMessage], bool]) -> tuple[list[str], list[str]]:
        """Send the chosen ones to the requests queue again, under their keys, and take them off this one.

        Returns:
            The requestIds that were sent, and those whose message cannot be sent, which stay.
        """
        sent: list[str] = []
        kept: list[str] = []

        def replay_one(held: Held) -> bool:
            if not chosen(held.rejected):
                return False
            try:
                self._send_again(held.rejected)
            except NotReplayable:
                kept.append(held.rejected.request_id)
                return False
            sent.append(held.rejected.request_id)
            return True

        self._work_through(replay_one)
        return sent, kept

    def discard(self, chosen: Callable[[RejectedMessage], bool]) -> list[str]:
        """Remove the chosen ones for good; their requestIds."""
        gone: list[str] = []

        def discard_one(held: Held) -> bool:
            if chosen(held.rejected):
                gone.append(held.rejected.request_id)
                return True
            return False

        self._work_through(discard_one)
        return gone

    def _send_again(self, rejected: RejectedMessage) -> None:
        """Sent before it is deleted here: a crash between the two repeats the key, which starts nothing twice."""
        text = json.dumps({**_request_of(rejected), "requestId": rejected.request_id}, ensure_ascii=False)
        self._requests.send_message(text, time_to_live=NEVER_EXPIRES)

    def _work_through(self, handle: Callable[[Held], Any]) -> None:
        """Show each message once to `handle`; those for which it returns True are deleted, the others let go."""
        looked_at: list[QueueMessage] = []
        try:
            for held in self._receive():
                if handle(held) is True:
                    self._rejected.delete_message(held.raw)
                else:
                    looked_at.append(held.raw)
        except AzureError as exc:
            raise PublishError("the rejected queue could not be worked through") from exc
        finally:
            self._let_go(looked_at)

    def _receive(self) -> Iterator[Held]:
        try:
            for raw in self._rejected.receive_messages(messages_per_page=_BATCH, visibility_timeout=HELD):
                yield Held(_decoded(raw), raw)
        except ResourceNotFoundError:
            return

    def _let_go(self, messages: list[QueueMessage]) -> None:
        for raw in messages:
            try:
                self._rejected.update_message(raw, visibility_timeout=0)
            except AzureError:
                return  # they show again by themselves after HELD seconds


def _decoded(raw: QueueMessage) -> RejectedMessage:
    text = str(raw.content)
    try:
        return RejectedMessage.model_validate_json(base64.b64decode(text, validate=True))
    except ValueError:  # no base64, and so not even ASCII; or no message of ours
        return _stranger(raw, text)


def _stranger(raw: QueueMessage, text: str) -> RejectedMessage:
    """Something that this service did not write: shown, and kept until somebody discards it."""
    return RejectedMessage(
        request_id=raw.id,
        message_id=raw.id,
        message=text,
        reason="this message was not written by adf-trigger",
        attempts=0,
        rejected_at=raw.inserted_on or datetime.fromtimestamp(0, tz=UTC),
    )


def _request_of(rejected: RejectedMessage) -> dict[str, Any]:
    try:
        document = json.loads(original_text(rejected))
    except ValueError as exc:
        raise NotReplayable(f"the message of {rejected.request_id} is no JSON") from exc
    if not isinstance(document, dict):
        raise NotReplayable(f"the message of {rejected.request_id} is no JSON object")
    return document
