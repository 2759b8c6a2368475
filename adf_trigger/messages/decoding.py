"""Decodes requests of callers and messages of producers.

Every fault is named, and no input can raise anything but InvalidRequest.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from adf_trigger.contracts import (
    MAX_CORRELATION_ID,
    MAX_METADATA_ENTRIES,
    MAX_PIPELINE_NAME,
    QueuedRunRequest,
    RunRequest,
)
from adf_trigger.errors import Fault, InvalidRequest, TooLong
from adf_trigger.messages.encodings import plain_json
from adf_trigger.messages.envelopes import Event, event_in, is_event, key_of, place_of_request
from adf_trigger.messages.masking import as_bytes, masked, masked_at, without_callback
from adf_trigger.messages.strict_json import Parsed, parse
from adf_trigger.messages.texts import Reference, keyed_text, queue_text
from adf_trigger.messages.traces import traceparent_of
from adf_trigger.messages.wording import fault_of, pointer_to
from adf_trigger.plain_text import is_blank, without_controls
from adf_trigger.request_ids import is_request_id

_ENTRY = re.compile(r"/runs/([0-9]+)(?=/|$)")
"""The beginning of a pointer into one of several starts."""

_Request = TypeVar("_Request", bound=BaseModel)


def run_request(body: bytes) -> RunRequest:
    """The body of POST /pipelines/{pipeline}/runs; an empty one has only default values.

    Raises:
        InvalidRequest: with every fault.
    """
    return body_of(RunRequest, body)


def body_of(model: type[_Request], body: bytes) -> _Request:
    """The body of a call; an empty one has only default values.

    Raises:
        InvalidRequest: with every fault.
    """
    return _validated(model, parse(body if body.strip() else b"{}"))


def run_requests(
    body: bytes, *, most: int, longest: int
) -> list[QueuedRunRequest | InvalidRequest | TooLong]:
    """The starts in the body of POST /runs, in order, each decoded by itself: faults of one do not affect the others.

    Args:
        body: `{"runs": [...]}`.
        most: maximum number of starts.
        longest: maximum bytes of each, as JSON.

    Raises:
        InvalidRequest: the body is malformed; every fault is named.
    """
    parsed = parse(body)
    runs = parsed.document.get("runs") if isinstance(parsed.document, dict) else None
    entries = runs if isinstance(runs, list) else []
    own: dict[int, list[Fault]] = {}
    faults: list[Fault] = []
    for fault in parsed.faults:
        place = _ENTRY.match(fault.pointer)
        if place is None:
            faults.append(fault)
        else:
            own.setdefault(int(place[1]), []).append(Fault(fault.pointer[place.end() :], fault.message))
    if isinstance(parsed.document, dict):
        faults += (
            Fault(pointer_to((name,)), "there is no such field; each start goes below `runs`")
            for name in parsed.document
            if name != "runs"
        )
        if not 0 < len(entries) <= most:
            faults.append(Fault("/runs", f"must be an array of 1 to {most} starts"))
    elif not faults:
        faults.append(Fault("", "the body must be an object with the starts in `runs`"))
    if faults:
        raise InvalidRequest(faults)
    return [_entry(entry, own.get(number, []), longest) for number, entry in enumerate(entries)]


def _entry(entry: object, faults: list[Fault], longest: int) -> QueuedRunRequest | InvalidRequest | TooLong:
    if not isinstance(entry, dict):
        return InvalidRequest([Fault("", "must be an object: the body of a start, with its pipeline")])
    text = json.dumps(entry).encode()
    if len(text) > longest:
        return TooLong(f"at most {longest} bytes are allowed for a start, this has {len(text)}")
    read = parse(text)
    try:
        return _validated(
            QueuedRunRequest, replace(read, document=entry, faults=tuple(faults) or read.faults)
        )
    except InvalidRequest as exc:
        return exc


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A decoded message of the requests queue: its request, or its faults and whatever could be read.

    Attributes:
        id: its id in the queue.
        body: its bytes, exactly as received.
        plain: its JSON in UTF-8: the bytes themselves, or their decoded content.
        document: the JSON object of the request; empty if there is none. If an event's data is a request: the data.
        request: the request; None if it has faults, or is a reference, or an event without a request.
        faults: all its faults.
        attempts: deliveries so far.
        inserted_at: when it was put into the queue, or put back.
        waits_since: since when it has been put back because it could not be accepted; None if it was never put back.
        reference: the stored message that it stands for, if it is a reference.
        key: its idempotency key, where that is known from elsewhere.
        event: the event, if the message is one.
        origins: for an event that could not be made a request: parameter → the places in its JSON of the value.
    """

    id: str
    body: bytes
    plain: bytes
    document: Mapping[str, Any]
    request: QueuedRunRequest | None
    faults: tuple[Fault, ...]
    attempts: int
    inserted_at: datetime
    waits_since: datetime | None = None
    reference: Reference | None = None
    key: str | None = None
    event: Event | None = None
    origins: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)

    @classmethod
    def decode(
        cls,
        body: bytes,
        *,
        message_id: str,
        attempts: int,
        inserted_at: datetime,
        waits_since: datetime | None = None,
        key: str | None = None,
    ) -> "Message":
        """Decode a body in any known encoding. Any bytes are a message."""
        plain = plain_json(body)
        parsed = parse(plain)
        request: QueuedRunRequest | None = None
        event: Event | None = None
        place: str | None = ""
        faults: tuple[Fault, ...] = ()
        if parsed.is_text and isinstance(parsed.document, dict) and is_event(parsed.document):
            event, faults = event_in(parsed.document)
            place = place_of_request(event)
            faults = parsed.faults + faults
        asked = replace(parsed, document=event.data) if event is not None and place else parsed
        reference = Reference.in_document(parsed.document)
        if reference is None and place is not None and not faults:
            try:
                request = _validated(QueuedRunRequest, asked, place)
            except InvalidRequest as exc:
                faults = tuple(exc.faults)
        return cls(
            id=message_id
            if is_request_id(message_id)
            else f"message-{hashlib.sha256(body).hexdigest()[:16]}",
            body=body,
            plain=plain,
            document=asked.document if isinstance(asked.document, dict) else {},
            request=request,
            faults=faults,
            attempts=attempts,
            inserted_at=inserted_at,
            waits_since=waits_since,
            reference=reference,
            key=key,
            event=event,
        )

    @property
    def own_key(self) -> str | None:
        """The idempotency key that it gives; None if it gives none, or an invalid one.

        An event always has one: events of equal source and id are the same event (CloudEvents 1.0, `id`).
        """
        given = [self.document.get("requestId")]
        if self.event is not None:
            # A replay of a rejected message adds the key at the top level.
            given = [self.event.document.get("requestId"), *given, key_of(self.event.source, self.event.id)]
        return next((each for each in given if isinstance(each, str) and is_request_id(each)), None)

    @property
    def request_id(self) -> str:
        """The idempotency key: the one known from elsewhere, else its own if valid, else the message's id."""
        return self.key or self.own_key or self.id

    @property
    def put_at(self) -> datetime:
        """When it was first put into the queue, even if it was put back since."""
        return self.waits_since or self.inserted_at

    @property
    def was_delivered_before(self) -> bool:
        """Whether it was delivered before, and may have been accepted then."""
        return self.attempts > 1 or self.waits_since is not None

    @property
    def digest(self) -> str:
        """SHA-256 of its JSON, in hexadecimal: the same for the same message in any queue.

        A `callBackUri` is left out, as it is from the stored message.
        """
        document = without_callback(self.document)
        plain = self.plain if document == self.document else self._written(document)
        return hashlib.sha256(plain).hexdigest()

    def without_secrets(self, secure: Collection[str]) -> tuple[bytes, tuple[str, ...]]:
        """Its bytes without secrets, and the names of the parameters whose values were removed.

        `callBackUri` is removed entirely, in any case of its letters: it is no parameter, and a replay needs none.

        Args:
            secure: names of parameters that its pipeline declares as SecureString.
        """
        if self.origins:
            return self._event_without(secure)
        without, names = masked(self.document, secure)
        without = without_callback(without)
        if not names and without == self.document:
            return self.body, ()
        return self._written(without), names

    def _written(self, document: object) -> bytes:
        """Its JSON with another document in place of its own."""
        return as_bytes(document if self.event is None else self.event.document_with(document))

    def _event_without(self, secure: Collection[str]) -> tuple[bytes, tuple[str, ...]]:
        folded = {name.lower() for name in secure}
        places = [place for name, its in self.origins.items() if name.lower() in folded for place in its]
        document = parse(self.plain).document
        if not places:
            return self.body, ()
        if not isinstance(document, dict):
            return b"", ()  # the event is cut, so the values cannot be located
        if "data_base64" in document:
            places = [("data_base64",) if place[0].lower() == "data" else place for place in places]
        without, names = masked_at(document, places)
        return (as_bytes(without), names) if names else (self.body, ())

    def text_to_put_back(self) -> str | None:
        """The text that redelivers the same bytes under the same key; None if none fits."""
        if self.request is None or self.request_id == self.own_key:
            return queue_text(self.body)
        return None if "requestId" in self.document else keyed_text(self.plain, self.request_id)

    @property
    def pipeline(self) -> str:
        """The name it gives, in any case of the field's name; empty if it gives none."""
        other = (value for name, value in self.document.items() if name.lower() == "pipeline")
        name = self.document.get("pipeline", next(other, None))
        return _text(name)[:MAX_PIPELINE_NAME] if isinstance(name, str) else ""

    @property
    def traceparent(self) -> str | None:
        """The trace that it is part of: an attribute of an event, a field of a request; None if it gives none."""
        given = None if self.event is None else traceparent_of(self.event.document.get("traceparent"))
        return given or traceparent_of(self.document.get("traceparent"))

    @property
    def call_back_uri(self) -> str | None:
        """The address for calling its sender back, even if the message has faults; not checked."""
        given = self.document.get("callBackUri")
        return given if isinstance(given, str) else None

    @property
    def factory(self) -> str | None:
        """The alias it gives."""
        alias = self.document.get("factory")
        return alias if isinstance(alias, str) else None

    @property
    def correlation_id(self) -> str | None:
        """The sender's own id, if it gives one."""
        given = self.document.get("correlationId")
        return _text(given)[:MAX_CORRELATION_ID] if isinstance(given, str) and not is_blank(given) else None

    @property
    def metadata(self) -> dict[str, str]:
        """The labels it gives, without invalid ones."""
        given = self.document.get("metadata")
        labels = given.items() if isinstance(given, dict) else ()
        texts = [
            (_text(key), _text(each))
            for key, each in labels
            if isinstance(each, str) and not (is_blank(key) or is_blank(each))
        ]
        return dict(texts[:MAX_METADATA_ENTRIES])


def _text(given: str) -> str:
    """A readable text: unpaired surrogates, control characters and the like are replaced."""
    return without_controls(given)


def _twins(document: object) -> Iterator[Fault]:
    """A fault for each parameter whose name differs from another only in case: Data Factory would silently drop one."""
    parameters = document.get("parameters") if isinstance(document, dict) else None
    first: dict[str, str] = {}
    for name in parameters if isinstance(parameters, dict) else ():
        other = first.setdefault(name.lower(), name)
        if other != name:
            yield Fault(
                pointer_to(("parameters", name)),
                f"differs from {other} only in case, which Data Factory ignores",
            )


def _validated(model: type[_Request], parsed: Parsed, place: str = "") -> _Request:
    """The request in a document, which is at the pointer `place` of the body."""
    faults = list(parsed.faults)
    if parsed.is_text:
        found = list(_twins(parsed.document))
        try:
            request = model.model_validate(parsed.document, by_alias=True, by_name=False)
        except ValidationError as exc:
            found += (fault_of(error, model) for error in exc.errors(include_url=False))
        else:
            if not (faults or found):
                return request
        faults += (Fault(f"{place}{each.pointer}", each.message) for each in found)
    raise InvalidRequest(faults)
