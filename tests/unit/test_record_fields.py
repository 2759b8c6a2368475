"""What a record holds is bounded, field by field, so that there is always room for its end."""

from dataclasses import fields

from adf_trigger.ledger.records import RunRecord

OF_THE_REQUEST = {
    "parameters",
    "secure_parameters",
    "correlation_id",
    "metadata",
    "came_as",
}
BOUNDED_AT_THE_DOOR = {
    "traceparent",
    "factory",
    "request_id",
    "pipeline",
    "rerun",
    "requested_by",
    "digest",
    "message_digest",
    "admission_key",
    "places",
}
BOUNDED_HERE = {
    "status",
    "message",
    "last_answer",
    "errors",
    "results",
    "cancellation",
    "history",
    "invoked_by",
    "former_run_ids",
}
OF_FIXED_SIZE = {
    *("run_id", "state", "source", "requested_at", "attempts", "not_before", "lease_until", "sent_at"),
    *(
        "doubted_from",
        "waits_for",
        "held",
        "held_seconds",
        "rejections",
        "submitted_at",
        "last_seen_at",
        "looked_at",
        "missing_since",
    ),
    *("started_at", "ended_at", "duration_ms", "truncated", "published_at", "group_id", "attempt", "reruns"),
    *(
        "unknowns",
        "resubmitted_at",
        "dismissed",
        "event_id",
        "failure_is_error",
        "declares_secrets",
        "routes",
        "overdue",
        "place_number",
        "admitted_at",
        "joined_to",
    ),
}


def test_every_field_of_a_record_has_its_bound() -> None:
    """A new field has its limit in `ledger/room.py` and stands in one of these lists: else an end may find no room."""
    known = OF_THE_REQUEST | BOUNDED_AT_THE_DOOR | BOUNDED_HERE | OF_FIXED_SIZE
    assert {each.name for each in fields(RunRecord)} == known
