"""Keeps the callback addresses of requests, each in a row of its own until it was called.

The row is written before the request is claimed, so that no accepted request lacks it. It names the request and
the digest of its content: the outcome of another request is never sent there.
"""

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adf_trigger.azure.public_addresses import UnsafeAddress
from adf_trigger.clock import Clock
from adf_trigger.errors import LedgerConflict, LedgerError, RequestConflict
from adf_trigger.ledger.notes import Note, Notes
from adf_trigger.messages.decoding import Message
from adf_trigger.service.callbacks.rules import CallbackRules
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.optimistic import TRIES
from adf_trigger.service.steps import Steps
from adf_trigger.service.submission import Submission

logger = logging.getLogger(__name__)

CALLBACKS = "callback|"
"""Notes of callbacks, in the scope of a factory."""

MOST_OF_A_REQUEST = 50
"""Maximum callbacks that wait for one request: each repeat of an activity brings one of its own."""

NO_REQUEST_FOR = timedelta(hours=1)
"""How long a callback without a request is kept: its claim may be under way, or its message be delivered again."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A callback as it is kept.

    Attributes:
        request: the request whose end it reports.
        digest: of its content.
        host: that is called; all of the address that is shown.
        since: when it was last received.
        due: the earliest time of the next call, once the run has ended.
        attempts: calls so far.
        first_at: the first of them.
        message: id of the rejected message, where it reports a rejection instead of an end.
    """

    request: str
    digest: str
    host: str
    since: datetime
    due: datetime
    attempts: int = 0
    first_at: datetime | None = None
    message: str | None = None

    def as_value(self) -> dict[str, Any]:
        """The value of its note."""
        return {
            "request": self.request,
            "digest": self.digest,
            "host": self.host,
            "since": self.since.isoformat(),
            "due": self.due.isoformat(),
            "attempts": self.attempts,
            "firstAt": None if self.first_at is None else self.first_at.isoformat(),
            "message": self.message,
        }

    @classmethod
    def of(cls, note: Note) -> "Waiting | None":
        """Decode a note; None for one in another version's format."""
        try:
            value, first = note.value, note.value["firstAt"]
            read = cls(
                request=str(value["request"]),
                digest=str(value["digest"]),
                host=str(value["host"]),
                since=datetime.fromisoformat(value["since"]),
                due=datetime.fromisoformat(value["due"]),
                attempts=int(value["attempts"]),
                first_at=None if first is None else datetime.fromisoformat(first),
                message=value.get("message"),
            )
        except (KeyError, TypeError, ValueError):
            return None
        instants = (read.since, read.due, read.first_at or read.since)
        return read if note.secret and all(each.tzinfo for each in instants) else None


class Callbacks:
    """Keeps callbacks.

    Args:
        rules: which addresses may be called.
        notes: where they are kept.
        clock: returns the current time.
        steps: surrounds each effect.
        home: resource id of a factory, for messages whose own is not known.
    """

    def __init__(self, rules: CallbackRules, notes: Notes, clock: Clock, steps: Steps, *, home: str) -> None:
        self.rules = rules
        self._notes = notes
        self._clock = clock
        self._steps = steps
        self._home = home

    def keep(self, submission: Submission, digest: str) -> bool:
        """Keep the address of a request, where it has one; returns whether it is new.

        Args:
            submission: the request, placed where its record is or will be.
            digest: of the record that answers it.

        Raises:
            InvalidRequest: the address may not be called.
            RequestConflict: the request has MOST_OF_A_REQUEST callbacks already.
            LedgerError: it could not be kept, or the outcome is not known.
        """
        uri, scope = submission.request.call_back_uri, submission.factory.id
        if uri is None:
            return False
        self.rules.require(submission.request)
        of_request = _of_request(submission.request_id)
        name = f"{of_request}{_mark(uri)}"
        for _ in range(TRIES):
            kept = {each.name: each for each in self._notes.named(scope, of_request)}
            mine, now = kept.get(name), self._clock()
            known = None if mine is None else Waiting.of(mine)
            if known is not None and known.digest == digest and now - known.since < NO_REQUEST_FOR / 2:
                return False
            if mine is None and len(kept) >= MOST_OF_A_REQUEST:
                raise RequestConflict(
                    f"{MOST_OF_A_REQUEST} callbacks wait for the end of {submission.request_id} already"
                )
            waiting = Waiting(submission.request_id, digest, self.rules.host_of(uri), now, now)
            try:
                with self._steps("callbacks.keep"):
                    self._notes.put(
                        scope, name, waiting.as_value(), "" if mine is None else mine.etag, secret=uri
                    )
            except LedgerConflict:
                continue  # another process is writing the same one
            return mine is None
        raise LedgerError("others keep changing the callback of the request")

    def keep_of_rejected(self, message: Message, factory: FactoryHandle | None) -> None:
        """Keep the address of a message that is about to be rejected, where it has one that may be called.

        Args:
            message: as it came.
            factory: its factory; None where that is not known.

        Raises:
            LedgerError: it could not be kept, or the outcome is not known.
        """
        uri = message.call_back_uri
        if uri is None:
            return
        try:
            host = self.rules.host_of(uri)
        except UnsafeAddress:
            return  # the address is one of the message's faults
        now = self._clock()
        waiting = Waiting(message.request_id, "", host, now, now, message=message.id)
        scope = self._home if factory is None else factory.id
        try:
            with self._steps("callbacks.keep"):
                name = f"{_of_request(f'message {message.id}')}{_mark(uri)}"
                self._notes.put(scope, name, waiting.as_value(), "", secret=uri)
        except LedgerConflict:
            return  # it was kept at an earlier delivery

    def forget(self, submission: Submission) -> None:
        """Remove the address of a request that is refused to its caller.

        Where that fails, the timer calls or removes it.
        """
        uri = submission.request.call_back_uri
        if uri is None:
            return
        try:
            with self._steps("callbacks.forget"):
                self._notes.remove(submission.factory.id, f"{_of_request(submission.request_id)}{_mark(uri)}")
        except LedgerError as exc:
            logger.warning(
                "The callback of request %s, which was refused, could not be removed: %s",
                submission.request_id,
                exc,
                extra={"action": "callback_not_forgotten", "request_id": submission.request_id},
            )


def of_request(request_id: str) -> str:
    """The prefix of the names of a request's callbacks."""
    return _of_request(request_id)


def _of_request(request_id: str) -> str:
    return f"{CALLBACKS}{_mark(request_id)}|"


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:40]
