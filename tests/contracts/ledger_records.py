"""Records for tests of the ledger."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from adf_trigger.contracts import HistoryEntry, Rerun, Source
from adf_trigger.ledger.records import (
    CameAs,
    Cancellation,
    Held,
    JoinedTo,
    Overdue,
    RunRecord,
    RunState,
    Waits,
)
from adf_trigger.ledger.room import MAX_REQUEST_CHARS
from adf_trigger.results import ActivityError, ActivityResult, ChildRun, Results, RouteDelivery, RunInvoker

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_factory() -> str:
    """A factory that no other test has."""
    return (
        f"/subscriptions/{uuid4()}/resourceGroups/rg-Loads_(prod)"
        "/providers/Microsoft.DataFactory/factories/adf-loads"
    )


def a_record(factory: str, request_id: str = "load-2026-11-22", **changes: Any) -> RunRecord:
    """A record as submit makes it, unless told otherwise."""
    fields: dict[str, Any] = {
        "factory": factory,
        "request_id": request_id,
        "pipeline": "CopyPipeline",
        "digest": "d1",
        "run_id": uuid4(),
        "state": RunState.ACCEPTED,
        "status": "Accepted",
        "requested_at": NOON,
    }
    return RunRecord(**{**fields, **changes})


def a_large_record(chars: int = MAX_REQUEST_CHARS, letter: str = "x", **changes: Any) -> RunRecord:
    """A record whose request takes so much room, in a parameter of one letter."""
    room = chars - len(json.dumps([{"text": ""}, [], None, {}, []], separators=(",", ":")))
    each = len(json.dumps(letter)) - 2
    text = letter * (room // each) + "x" * (room % each)
    return a_record(a_factory(), "k" * 128, parameters={"text": text}, **changes)


def a_full_record(factory: str) -> RunRecord:
    """A record with every field set to something that is not its default."""
    return a_record(
        factory,
        state=RunState.ENDED,
        status="Failed",
        parameters={
            "day": "2026-11-22",
            "depth": 2.5,
            "deep": {"list": [1, None, True, "ü"]},
            "huge": 10**30,
        },
        secure_parameters=("password", "token"),
        rerun=Rerun(
            reference_pipeline_run_id=uuid4(),
            is_recovery=True,
            start_activity_name="Copy",
            start_from_failure=False,
        ),
        correlation_id="order-17",
        metadata={"team": "loads"},
        requested_by="key:default",
        source=Source.QUEUE,
        attempts=3,
        not_before=NOON + MINUTE,
        lease_until=NOON + 2 * MINUTE,
        sent_at=NOON + 3 * MINUTE,
        doubted_from=NOON + 2 * MINUTE,
        last_answer="HTTP 503",
        waits_for=Waits.PIPELINE,
        held=Held(by="0123456789abcdef", since=NOON + MINUTE),
        held_seconds=90.5,
        rejections=2,
        looked_at=NOON + 2 * MINUTE,
        missing_since=NOON + 3 * MINUTE,
        submitted_at=NOON + 4 * MINUTE,
        last_seen_at=NOON + 5 * MINUTE,
        started_at=NOON + 6 * MINUTE,
        ended_at=NOON + 7 * MINUTE + timedelta(microseconds=123_456),
        duration_ms=60_000,
        message="Operation on target Copy failed",
        truncated=True,
        failure_is_error=True,
        errors=(
            ActivityError(
                activity_name="Copy",
                activity_type="Copy",
                error_code="2200",
                failure_type="UserError",
                message="The blob 'ü\U0001f600' is missing.",
                activity_run_id="a-1",
                iteration_hash="0f",
                retry_attempt=1,
                user_properties={"file": "ü.csv"},
                cured=True,
                child_run_id=str(uuid4()),
            ),
        ),
        results=Results(
            activities=[
                ActivityResult(
                    activity_name="Copy",
                    activity_type="Copy",
                    activity_run_id="a-1",
                    status="Failed",
                    started_at=NOON,
                    ended_at=NOON + MINUTE,
                    duration_ms=60_000,
                    retry_attempt=1,
                    iteration_hash="0f",
                    user_properties={"file": "ü.csv"},
                    figures={"dataRead": 10**12, "throughput": 1.5, "exists": True},
                    error_code="2200",
                    child_run_id=str(uuid4()),
                )
            ],
            activities_left_out=1,
            errors_left_out=2,
            children=[
                ChildRun(
                    run_id=str(uuid4()),
                    pipeline="child",
                    activity_name="Call",
                    activity_run_id="a-2",
                    waited_for=True,
                    status="Failed",
                    errors=[ActivityError(activity_name="Copy", message="why")],
                )
            ],
            children_left_out=3,
            return_value={"rows": 1, "deep": [None, {"a": "ü"}]},
            details="full",
        ),
        declares_secrets=True,
        admission_key='"A"',
        places="f" * 64,
        place_number=7,
        admitted_at=NOON,
        joined_to=JoinedTo(request_id="first", run_id=uuid4(), is_confirmed=True, rejections=1),
        routes=(RouteDelivery(route="finance", status="pending", at=NOON, attempts=2, why="HTTP 503"),),
        invoked_by=RunInvoker(type="ScheduleTrigger", name="nightly", id="0a"),
        overdue=Overdue(after_seconds=600, cancel=True, told_at=NOON + 9 * MINUTE),
        traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        published_at=NOON + 8 * MINUTE,
        former_run_ids=(uuid4(),),
        message_digest="d" * 64,
        group_id=uuid4(),
        attempt=3,
        reruns=2,
        unknowns=1,
        event_id="an event's id",
        resubmitted_at=NOON + 2 * MINUTE,
        dismissed=True,
        cancellation=Cancellation(
            asked_at=NOON, recursive=False, due_at=NOON + MINUTE, attempts=2, waits="throttled"
        ),
        history=(HistoryEntry(at=NOON, by="key:default", action="cancel", note="not needed"),),
        came_as=CameAs(body=bytes(range(256)) * 256, masked=("password",)),
    )
