"""Checks a request before it is claimed: whether its factory accepts new ones, and whether it fits its pipeline."""

import logging
from datetime import timedelta

from adf_trigger.clock import Clock
from adf_trigger.contracts import Source
from adf_trigger.errors import (
    CredentialError,
    DataFactoryError,
    FactoryUnusable,
    Fault,
    InvalidRequest,
    Refused,
    ResourceNotFound,
    Throttled,
    TryLater,
)
from adf_trigger.ledger.room import require_room
from adf_trigger.messages.declaration import Declaration
from adf_trigger.service.admission.keys import key_fault, key_of
from adf_trigger.service.callbacks.rules import CallbackRules
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.holds.notes import HoldNotes
from adf_trigger.service.policy import Policies
from adf_trigger.service.starting.definitions import Definitions
from adf_trigger.service.submission import Submission

logger = logging.getLogger(__name__)

JUST_NOW = timedelta(seconds=2)
"""Maximum age of a definition by which a request is rejected."""

OUTAGE_WAIT = 30.0
"""Seconds to wait where a request cannot be accepted until Data Factory answers."""

LEAST_WAIT = 5.0
"""Minimum seconds that a caller is asked to wait."""

UNPROBED_FOR = timedelta(minutes=2)
"""A factory that no timer has probed for this long is probed by the next caller."""


class Checker:
    """Checks requests. Stores nothing.

    Args:
        definitions: what pipelines declare.
        gate: says whether a factory may be called now.
        policies: the policy of each pipeline.
        holds: the holds of operators.
        clock: returns the current time.
        callbacks: which addresses may be called back.
    """

    def __init__(
        self,
        definitions: Definitions,
        gate: Gate,
        policies: Policies,
        holds: HoldNotes,
        clock: Clock,
        callbacks: CallbackRules,
    ) -> None:
        self._definitions = definitions
        self._gate = gate
        self._policies = policies
        self._holds = holds
        self._clock = clock
        self._callbacks = callbacks

    def check(self, submission: Submission) -> Declaration | None:
        """Check a request; returns what the pipeline declares, or None where that cannot be known now.

        Raises:
            InvalidRequest: it can never work; every fault is named.
            Refused: Data Factory has no such pipeline. While the pipeline is held, since a deployment may create it
                again, a request is checked against its last known declaration, if there is one.
            TryLater: it cannot be checked, or cannot be accepted, just now.
            LedgerError: the holds could not be read.
        """
        self._defer_where_unusable(submission)
        faults = self._callbacks.faults(submission.request)
        try:
            definition = self._declared(submission)
        except InvalidRequest as exc:
            raise InvalidRequest([*exc.faults, *faults]) from exc
        if faults:
            raise InvalidRequest(faults)
        secure = definition.secure_among(submission.request.parameters) if definition else ()
        require_room(
            {name: value for name, value in submission.request.parameters.items() if name not in secure},
            secure=secure,
            correlation_id=submission.request.correlation_id,
            metadata=submission.request.metadata,
            came_as=submission.came_as(definition.secure_names if definition else ()),
        )
        return definition

    def require_callback(self, submission: Submission) -> None:
        """Check only the callback address of a repeated request.

        Raises:
            InvalidRequest: the address may not be called.
        """
        self._callbacks.require(submission.request)

    def _declared(self, submission: Submission) -> Declaration | None:
        """Check parameters; returns what the pipeline declares; see check."""
        factory, pipeline = submission.factory, submission.pipeline
        if not self._gate.may_read(factory):
            wait = self._gate.next_try(factory)
            return self._last_known(submission, "Data Factory is throttling" if wait is None else wait.reason)
        try:
            definition = self._definitions.get(factory, pipeline)
            faults = self._faults(submission, definition)
            if faults:  # the pipeline may have been published again since
                definition = self._definitions.get(factory, pipeline, no_older_than=JUST_NOW)
                faults = self._faults(submission, definition)
        except ResourceNotFound:
            known = self._known_while_held(submission)
            if known is None:
                raise
            return known
        except (DataFactoryError, CredentialError) as exc:
            if isinstance(exc, Refused) and not isinstance(exc, (Throttled, FactoryUnusable)):
                raise
            self._defer_where_unusable(submission)
            return self._last_known(submission, str(exc))
        if faults:
            raise InvalidRequest(faults)
        return definition

    def _defer_where_unusable(self, submission: Submission) -> None:
        """Answer a caller with TryLater where its factory cannot be used; a message waits instead."""
        state = self._gate.state(submission.factory)
        if state is None or not state.defers_callers or submission.source is not Source.HTTP:
            return
        wait = state.next_probe_at - self._clock()
        if wait > -UNPROBED_FOR:
            raise TryLater(str(state), retry_after=max(LEAST_WAIT, wait.total_seconds()))

    def _last_known(self, submission: Submission, outage: str) -> Declaration | None:
        """The last known declaration of the pipeline, the request checked against it as far as possible.

        None where it is not known, and the request has no parameters to check.
        """
        pipeline, parameters = submission.pipeline, submission.request.parameters
        definition = self._definitions.remembered(submission.factory, pipeline)
        if definition is None:
            if parameters:
                raise _try_later(f"the parameters of {pipeline} cannot be checked just now", outage)
            return None
        self._require_fit(submission, definition, outage)
        if definition.secure_among(parameters):
            raise _try_later("a request with secure parameters is not kept for later", outage)
        return definition

    def _known_while_held(self, submission: Submission) -> Declaration | None:
        """The last known declaration of a pipeline that is missing, the request checked against it.

        None where the request is not held, or nothing is known of the pipeline.
        """
        pipeline = submission.pipeline
        key = key_of(self._policies.of(pipeline).admission, submission.request)
        if not self._holds.of(submission.factory).cover(pipeline, key):
            return None
        definition = self._definitions.remembered(submission.factory, pipeline)
        if definition is None:
            return None
        self._require_fit(submission, definition, "it is missing while it is held")
        logger.info(
            "Pipeline %s is missing while it is held; the request is checked against its last known declaration",
            pipeline,
            extra={
                "action": "pipeline_missing_while_held",
                "pipeline": pipeline,
                "request_id": submission.request_id,
            },
        )
        return definition

    def _require_fit(self, submission: Submission, definition: Declaration, why_old: str) -> None:
        """Require that a request fits a declaration that may be old."""
        faults = self._faults(submission, definition)
        if faults and submission.source is Source.QUEUE:
            # A message would be rejected for good by a declaration that may be old: it can wait instead.
            raise _try_later(f"it does not fit the last known declaration of {submission.pipeline}", why_old)
        if faults:
            raise InvalidRequest(faults)

    def _faults(self, submission: Submission, definition: Declaration) -> list[Fault]:
        overdue = self._policies.overdue(submission.pipeline, submission.request)
        if submission.request.cancel_when_overdue and overdue is None:
            words = "needs overdueAfterSeconds: neither the request nor the pipeline's policy says when it is overdue"
            return [Fault("/cancelWhenOverdue", words)]
        policy = self._policies.of(submission.pipeline)
        if (secret := key_fault(policy.admission, definition)) is not None:
            return [secret]
        correlation = policy.correlation_parameter
        given: dict[str, object] = dict(submission.request.parameters)
        if correlation is not None and correlation.lower() not in {name.lower() for name in given}:
            given[correlation] = submission.request_id
        if submission.request.reference_pipeline_run_id is not None:
            return []  # Data Factory uses the parameters of the run that is rerun
        return definition.faults_of(given)


def _try_later(reason: str, outage: str) -> TryLater:
    return TryLater(f"{reason}: {outage}", retry_after=OUTAGE_WAIT)
