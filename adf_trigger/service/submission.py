"""A request to start a run, as the use cases receive it."""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from adf_trigger.contracts import HistoryEntry, RunRequest, Source
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.records import CameAs, RunRecord
from adf_trigger.messages.declaration import Declaration, respelled
from adf_trigger.messages.decoding import Message
from adf_trigger.service.digest import digest_of
from adf_trigger.service.factories import FactoryHandle


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """The lineage of a rerun.

    Attributes:
        group_id: runId of the first run of its group.
        attempt: its number in the group.
        entry: who asked for it; the first entry of its history.
    """

    group_id: UUID
    attempt: int
    entry: HistoryEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A request to start a run, decoded.

    Attributes:
        factory: the factory to start it in.
        pipeline: name of the pipeline to run.
        request: the body.
        request_id: the idempotency key.
        requested_by: who asked, where that is known.
        source: how it came.
        message: the message it came as; None for an HTTP call.
        sent_again: the kept message, where it was sent again or waits.
        lineage: the run that it reruns, where that is known here.
        traceparent: the trace that it is part of; it does not affect the run, so a repeat may have another.
        not_after: when it expires; None where it does not.
        failure_is_error: see RunRecord; it does not affect the run, so a repeat may have the other value.
    """

    factory: FactoryHandle
    pipeline: str
    request: RunRequest
    request_id: str
    requested_by: str | None = None
    source: Source = Source.HTTP
    message: Message | None = None
    sent_again: KeptMessage | None = None
    lineage: Lineage | None = None
    traceparent: str | None = None
    not_after: datetime | None = None
    failure_is_error: bool = False

    def declared_as(self, declaration: Declaration) -> "Submission":
        """The same request with the pipeline's spelling of its own name and of its parameters."""
        parameters = declaration.spelled(self.request.parameters)
        pipeline = declaration.pipeline
        return replace(
            self,
            pipeline=pipeline if pipeline.lower() == self.pipeline.lower() else self.pipeline,
            request=self.request.model_copy(update={"parameters": parameters}),
        )

    def spelled_like(self, record: RunRecord) -> "Submission":
        """The same request with parameter names spelled as in a record, its own or another request's."""
        names = (*record.parameters, *record.secure_parameters)
        parameters = respelled(self.request.parameters, names)
        return replace(self, request=self.request.model_copy(update={"parameters": parameters}))

    @property
    def message_digest(self) -> str | None:
        """SHA-256 of the message it came as, where that gave no key of its own."""
        return self.message.digest if self.message is not None and self.message.own_key is None else None

    def came_as(self, secure: Collection[str]) -> CameAs | None:
        """The message it came as, without the values of the named parameters."""
        if self.message is None:
            return None
        body, names = self.message.without_secrets(secure)
        return CameAs(body=body, masked=names)

    def digest(self, secure: Collection[str]) -> str:
        """The digest of its content, with the named parameters treated as secrets."""
        parameters = self.request.parameters
        return digest_of(
            self.factory.id,
            self.pipeline,
            self.request,
            secret={name: json.dumps(parameters[name]) for name in secure if name in parameters},
            request_id=self.request_id,
        )

    def asks_for(self, record: RunRecord) -> bool:
        """Whether it asks for the same as a record; names are case-insensitive.

        Parameters that are secret in the record are compared as secrets.
        """
        return record.digest == self.spelled_like(record).digest(record.secure_parameters)
