"""The record of a new request holds all of it except the values of secure parameters."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from adf_trigger.contracts import HistoryEntry, RunRequest, Source
from adf_trigger.ledger.records import CameAs, Overdue, RunRecord, RunState
from adf_trigger.messages.declaration import Declaration, Declared
from adf_trigger.messages.decoding import Message
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.policy import Policies
from adf_trigger.service.starting.new_record import new_record
from adf_trigger.service.submission import Lineage, Submission
from tests.contracts.ledger_records import MINUTE, NOON
from tests.support.admitted import policy, with_policy
from tests.support.memory_factory import MemoryFactory
from tests.support.world import FACTORY_ID, MovingClock

RUN, FIRST = uuid4(), uuid4()
BODY = (
    b'{"pipeline": "load", "parameters": {"customer": "A", "Token": "hush"}, "correlationId": "c",'
    b' "metadata": {"team": "loads"}, "overdueAfterSeconds": 600, "cancelWhenOverdue": true}'
)
POLICIES = Policies(with_policy(policy()).policy)


def declaration(*secure: str) -> Declaration:
    """A pipeline with two parameters, of which the given ones are secure."""
    return Declaration(
        "load",
        tuple(
            Declared(name, "securestring" if name in secure else "string", required=False)
            for name in ("customer", "token")
        ),
    )


def submission(**changes: Any) -> Submission:
    """A message with every field."""
    message = Message.decode(BODY, message_id="m-1", attempts=1, inserted_at=NOON)
    request = message.request
    assert request is not None
    whole = Submission(
        factory=FactoryHandle("default", FACTORY_ID, MemoryFactory(MovingClock())),
        pipeline="load",
        request=request,
        request_id="m-1",
        requested_by="ann",
        source=Source.QUEUE,
        message=message,
        traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        failure_is_error=True,
    )
    return replace(whole, **changes)


def test_a_record_has_every_field_of_the_request() -> None:
    """It has each field that a new record may have, and the value of a secure parameter nowhere."""
    asked = submission()
    record = new_record(asked, declaration("token"), POLICIES, RUN, NOON + MINUTE)
    assert record == RunRecord(
        factory=FACTORY_ID,
        request_id="m-1",
        pipeline="load",
        digest=asked.digest(("Token",)),
        run_id=RUN,
        state=RunState.ACCEPTED,
        status="Accepted",
        requested_at=NOON + MINUTE,
        parameters={"customer": "A"},
        secure_parameters=("Token",),
        declares_secrets=True,
        rerun=asked.request.rerun,
        correlation_id="c",
        metadata={"team": "loads"},
        requested_by="ann",
        source=Source.QUEUE,
        traceparent=asked.traceparent,
        overdue=Overdue(after_seconds=600, cancel=True),
        failure_is_error=True,
        message_digest=asked.message_digest,
        came_as=record.came_as,
        admission_key='"A"',
    )
    assert record.came_as is not None
    assert record.came_as.masked == ("Token",)
    assert record.message_digest is not None
    assert "hush" not in repr(record) + record.came_as.body.decode()


@pytest.mark.parametrize(("known", "declares"), [(True, False), (False, None)])
def test_without_secrets_the_message_is_kept_as_it_came(*, known: bool, declares: bool | None) -> None:
    """Where the pipeline is not known, the record notes that."""
    record = new_record(submission(), declaration() if known else None, POLICIES, RUN, NOON)
    assert (record.secure_parameters, record.declares_secrets) == ((), declares)
    assert record.parameters == {"customer": "A", "Token": "hush"}
    assert record.came_as == CameAs(body=BODY, masked=())
    assert record.digest == submission().digest(())


def test_a_call_has_no_message() -> None:
    """Its key is its own."""
    record = new_record(submission(message=None, source=Source.HTTP), None, POLICIES, RUN, NOON)
    assert (record.came_as, record.message_digest, record.source) == (None, None, Source.HTTP)


def test_a_rerun_belongs_to_its_group_and_names_its_requester() -> None:
    """A request that reruns nothing has no group."""
    entry = HistoryEntry(at=NOON, by="ann", action="rerun", note="mended")
    again = submission(
        lineage=Lineage(group_id=FIRST, attempt=3, entry=entry),
        request=RunRequest(reference_pipeline_run_id=FIRST, is_recovery=True, start_from_failure=True),
    )
    record = new_record(again, None, POLICIES, RUN, NOON)
    assert (record.group_id, record.attempt, record.history) == (FIRST, 3, (entry,))
    assert record.rerun == again.request.rerun
    assert record.rerun.reference_pipeline_run_id == FIRST
    first = new_record(submission(), None, POLICIES, RUN, NOON)
    assert (first.group_id, first.attempt, first.history) == (None, 1, ())


def test_the_policy_says_when_a_run_is_overdue_and_under_which_key_it_counts() -> None:
    """It is the policy of its own pipeline, unless the request gives the time."""
    policies = Policies(with_policy({"overdueAfterSeconds": 60, "cancelWhenOverdue": True}).policy)
    silent = submission(request=RunRequest(parameters={"customer": "A"}))
    record = new_record(silent, None, policies, RUN, NOON)
    assert (record.overdue, record.admission_key) == (Overdue(after_seconds=60, cancel=True), None)
    other = new_record(replace(silent, pipeline="other"), None, policies, RUN, NOON)
    assert (other.pipeline, other.overdue) == ("other", None)
    asked = submission(request=RunRequest(overdue_after_seconds=5, cancel_when_overdue=False))
    assert new_record(asked, None, policies, RUN, NOON).overdue == Overdue(after_seconds=5, cancel=False)
