"""The record of a new request."""

from datetime import datetime
from uuid import UUID

from adf_trigger.contracts import RunStatus
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.messages.declaration import Declaration
from adf_trigger.service.admission.keys import key_of
from adf_trigger.service.policy import Policies
from adf_trigger.service.submission import Submission


def new_record(
    submission: Submission, definition: Declaration | None, policies: Policies, run_id: UUID, now: datetime
) -> RunRecord:
    """Build the record of a new request.

    Args:
        submission: the request.
        definition: what its pipeline declares; None where that is not known.
        policies: the policy of each pipeline.
        run_id: the run id chosen for it.
        now: the current time.
    """
    request = submission.request
    secure = definition.secure_among(request.parameters) if definition else ()
    lineage = submission.lineage
    return RunRecord(
        factory=submission.factory.id,
        request_id=submission.request_id,
        pipeline=submission.pipeline,
        digest=submission.digest(secure),
        run_id=run_id,
        state=RunState.ACCEPTED,
        status=RunStatus.ACCEPTED,
        requested_at=now,
        parameters={name: value for name, value in request.parameters.items() if name not in secure},
        secure_parameters=secure,
        declares_secrets=None if definition is None else bool(definition.secure_names),
        rerun=request.rerun,
        correlation_id=request.correlation_id,
        metadata=dict(request.metadata),
        requested_by=submission.requested_by,
        source=submission.source,
        traceparent=submission.traceparent,
        overdue=policies.overdue(submission.pipeline, request),
        failure_is_error=submission.failure_is_error,
        message_digest=submission.message_digest,
        group_id=None if lineage is None else lineage.group_id,
        attempt=1 if lineage is None else lineage.attempt,
        history=() if lineage is None else (lineage.entry,),
        came_as=submission.came_as(definition.secure_names if definition else ()),
        admission_key=key_of(policies.of(submission.pipeline).admission, request),
    )
