"""Rejects messages: those that can never work are kept with their reason, and published once."""

import logging
import re

from adf_trigger.clock import Clock
from adf_trigger.contracts import PIPELINE_NAME_PATTERN, RunStatus, RunView
from adf_trigger.errors import (
    AdfTriggerError,
    InvalidRequest,
    LedgerError,
    PublishError,
    Refused,
    RequestConflict,
)
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.messages.decoding import Message
from adf_trigger.service.callbacks.callbacks import Callbacks
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.intake.keep import Keeper
from adf_trigger.service.intake.requeue import LEDGER_WAIT, Requeuer
from adf_trigger.service.news.notify import Notifier, QueuedMessage, Rejection
from adf_trigger.service.news.views import RunViews
from adf_trigger.service.publishing.publish import Publisher
from adf_trigger.service.publishing.routes import Router
from adf_trigger.service.starting.definitions import Definitions

logger = logging.getLogger(__name__)


class Rejecter:
    """Rejects messages. Every method may raise PublishError: then the message must be delivered again.

    Args:
        notifier: publishes the rejections of messages that can never work.
        router: delivers them to further consumers.
        callbacks: keeps the callback that a message asks for.
        publisher: publishes the rejections of requests that Data Factory has refused.
        keeper: removes secrets from messages that are kept.
        requeuer: puts back those that cannot be rejected now.
        definitions: what pipelines declare.
        views: gives the links of a message.
        clock: returns the current time.
        requested_by: recorded as the sender of messages.
    """

    def __init__(
        self,
        notifier: Notifier,
        router: Router,
        callbacks: Callbacks,
        publisher: Publisher,
        keeper: Keeper,
        requeuer: Requeuer,
        definitions: Definitions,
        views: RunViews,
        clock: Clock,
        *,
        requested_by: str,
    ) -> None:
        self._notifier = notifier
        self._router = router
        self._callbacks = callbacks
        self._publisher = publisher
        self._keeper = keeper
        self._requeuer = requeuer
        self._definitions = definitions
        self._views = views
        self._clock = clock
        self._requested_by = requested_by

    def reject(
        self,
        message: Message,
        came_as: Message,
        factory: FactoryHandle | None,
        error: AdfTriggerError | None,
        *,
        taken_as: str | None = None,
    ) -> bool:
        """Reject a message; where the ledger cannot keep it, it is put back. Returns whether it is done.

        Args:
            message: the request.
            came_as: the message as it is in the queue: the request, or a reference to it.
            factory: its factory; None where that is not known.
            error: the reason; None where it may be the copy of a message that was accepted.
            taken_as: the request that an equal message was accepted as.
        """
        body, names = self._keeper.without_secrets(message, factory)
        key_is_in_use = isinstance(error, RequestConflict)
        rejection = Rejection(
            run=self._view(message, factory, key_is_in_use=key_is_in_use),
            factory=factory.id if factory else "",
            reason=_reason(error, taken_as),
            traceparent=message.traceparent,
            faults=tuple(error.faults) if isinstance(error, InvalidRequest) else (),
            message=QueuedMessage(
                id=message.id,
                name=message.id,
                body=body,
                masked=names,
                attempts=message.attempts,
                received_at=message.inserted_at,
                rejected_at=self._clock(),
                taken_as=taken_as,
                key_of_another=message.request_id if key_is_in_use else None,
            ),
        )
        try:
            if taken_as is None:
                # Before the rejection is published, since the message is kept without the address.
                self._callbacks.keep_of_rejected(message, factory)
            self._notifier.rejected(rejection, self._router.route_rejected)
        except LedgerError as exc:
            # The message of a reference is delivered again under its id, and is kept already.
            if came_as is not message or not self._published_without_ledger(message, rejection):
                self._requeuer.put_back(came_as, LEDGER_WAIT, exc)
                return False
        except PublishError as exc:
            self._put_back_its_reference(message, exc)
        logger.warning(
            "Rejected message %s: %s",
            message.id,
            rejection.reason,
            extra={
                "action": "message_rejected",
                "message_id": message.id,
                "request_id": rejection.run.request_id,
                "faults": len(rejection.faults),
            },
        )
        return True

    def publish_again(self, kept: KeptMessage, came_as: Message) -> None:
        """Publish a recorded rejection that could not be published when it was made."""
        try:
            self._notifier.rejected_again(kept, self._router.route_rejected)
        except PublishError as exc:
            self._requeuer.put_back(came_as, LEDGER_WAIT, exc)

    def publish(self, factory: FactoryHandle, record: RunRecord, message: Message) -> None:
        """Publish the rejection of a request now, with the message as it came; where that fails, the timer does."""
        if record.state is not RunState.ENDED:
            return
        try:
            if record.rejected:
                self._notifier.keep(record, *self._keeper.without_secrets(message, factory))
            self._publisher.publish_one(factory, record.request_id)
        except (LedgerError, PublishError) as exc:
            logger.warning(
                "The rejection of request %s could not be published now and is left to the timer: %s",
                record.request_id,
                exc,
                extra={"action": "publishing_postponed", "request_id": record.request_id},
            )

    def _put_back_its_reference(self, message: Message, error: PublishError) -> None:
        """Leave the publication to a reference: the message would be delivered again under another id."""
        try:
            reference = self._keeper.reference_to(message)
        except LedgerError:
            reference = None
        if reference is None:
            raise error
        self._requeuer.put_back_reference(reference, message, LEDGER_WAIT, error)

    def _published_without_ledger(self, message: Message, rejection: Rejection) -> bool:
        """Publish a rejection although it cannot be kept: its message would be delivered again under another id."""
        if message.own_key is not None:
            return False
        try:
            self._notifier.rejected_without_ledger(rejection)
        except ValueError:
            return False
        self._router.route_unkept(rejection)
        return True

    def _view(self, message: Message, factory: FactoryHandle | None, *, key_is_in_use: bool) -> RunView:
        """A message as consumers see it: without parameters, since any may be secure, and the same every time.

        If its key names another request, it is shown under its own id.
        """
        request_id = message.id if key_is_in_use else message.request_id
        return RunView(
            request_id=request_id,
            message_id=message.id,
            factory=factory.alias if factory else "",
            pipeline=self._declared(message, factory),
            status=RunStatus.REJECTED,
            ended=True,
            correlation_id=message.correlation_id,
            metadata=message.metadata,
            requested_by=self._requested_by,
            requested_at=message.inserted_at,
            ended_at=message.inserted_at,
            links=self._views.links_of_message(message.id),
        )

    def _declared(self, message: Message, factory: FactoryHandle | None) -> str:
        """The pipeline's name in its declared spelling, where that is known: consumers compare sources with case."""
        if factory is None or re.fullmatch(PIPELINE_NAME_PATTERN, message.pipeline) is None:
            return message.pipeline
        declaration = self._definitions.remembered(factory, message.pipeline)
        return message.pipeline if declaration is None else declaration.pipeline


def _reason(error: AdfTriggerError | None, taken_as: str | None) -> str:
    if error is None:
        return (
            f"it may be a copy of the message that was accepted as request {taken_as}: the host gave up on it"
        )
    if isinstance(error, InvalidRequest):
        return "the message has faults"
    return f"Data Factory refused it: {error}" if isinstance(error, Refused) else str(error)
