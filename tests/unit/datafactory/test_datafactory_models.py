"""Replies of the service, parsed leniently."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adf_trigger.datafactory.models import (
    ActivityRun,
    Factory,
    FieldFilter,
    FieldOrder,
    PipelineResource,
    PipelineRun,
    ReplyHeaders,
    RunFilter,
)
from adf_trigger.messages.declaration import Declaration, Declared

RUN_ID = "2f7fdb90-5df1-4b8e-ac2f-064cfa58202b"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
RUN_FIELDS = [
    "id",
    "runGroupId",
    "isLatest",
    "pipelineName",
    "parameters",
    "runDimension",
    "runDimensions",
    "invokedBy",
    "lastUpdated",
    "runStart",
    "runEnd",
    "durationInMs",
    "status",
    "message",
    "annotations",
    "reply",
    "_reply",
    "somethingNew",
]
ACTIVITY_FIELDS = [
    "activityName",
    "activityType",
    "activityRunId",
    "pipelineRunId",
    "activityRunStart",
    "durationInMs",
    "status",
    "error",
    "input",
    "output",
    "retryAttempt",
    "iterationHash",
]


def test_a_run_is_read_as_the_service_writes_it() -> None:
    """Seven digits of a second, upper-cased ids and the singular runDimension are all accepted."""
    run = PipelineRun.model_validate(
        {
            "id": f"/SUBSCRIPTIONS/S/…/FACTORIES/F/pipelineruns/{RUN_ID}",
            "runId": RUN_ID,
            "debugRunId": None,
            "runGroupId": RUN_ID,
            "pipelineName": "Copy data 1",
            "parameters": {"names": '["a.csv"]'},
            "invokedBy": {"id": "80a0", "name": "Manual", "invokedByType": "Manual"},
            "runStart": "2018-06-16T00:37:44.6257014Z",
            "runEnd": None,
            "durationInMs": None,
            "status": "InProgress",
            "message": "",
            "lastUpdated": "2018-06-16T00:38:12.73Z",
            "annotations": [],
            "runDimension": {"JobId": "79c1"},
            "isLatest": True,
        }
    )
    assert run.run_id == UUID(RUN_ID)
    assert run.run_start == datetime(2018, 6, 16, 0, 37, 44, 625701, tzinfo=UTC)
    assert run.last_updated == datetime(2018, 6, 16, 0, 38, 12, 730000, tzinfo=UTC)
    assert run.run_dimension == {"JobId": "79c1"}
    assert run.invoked_by is not None
    assert run.invoked_by.invoked_by_type == "Manual"
    assert run.model_extra == {"debugRunId": None, "annotations": []}


@given(st.dictionaries(st.sampled_from(RUN_FIELDS), JSON))
def test_no_odd_field_hides_a_run(fields: dict[str, Any]) -> None:
    """Whatever the fields hold, a run with an id is read, and no field replaces the reply's headers."""
    run = PipelineRun.model_validate(fields | {"runId": RUN_ID})
    assert run.run_id == UUID(RUN_ID)
    assert run.reply == ReplyHeaders()
    assert all(moment is None or moment.tzinfo is UTC for moment in (run.run_start, run.last_updated))


@given(st.dictionaries(st.sampled_from(ACTIVITY_FIELDS), JSON))
def test_no_odd_field_hides_an_activity_run(fields: dict[str, Any]) -> None:
    """Whatever the fields hold, an activity run is read, and its error is available."""
    run = ActivityRun.model_validate(fields)
    assert isinstance(run.status, str)
    assert isinstance(run.error.message, str)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Canceled", "Cancelled"),
        ("In Progress", "InProgress"),
        ("Queued", "Queued"),
        ("Hibernating", "Hibernating"),
        (None, ""),
    ],
)
def test_a_status_is_any_word(written: str | None, read: str) -> None:
    """Two spellings of documents become those of replies; an unknown status is kept."""
    assert PipelineRun.model_validate({"runId": RUN_ID, "status": written}).status == read


def test_a_run_without_its_id_is_an_error() -> None:
    """The id is the one required field."""
    with pytest.raises(ValidationError):
        PipelineRun.model_validate({"runId": None, "status": "Succeeded"})


def test_a_time_without_a_zone_is_utc() -> None:
    """The service means UTC where it writes no zone."""
    run = PipelineRun.model_validate({"runId": RUN_ID, "runEnd": "2018-06-16T00:37:44"})
    assert run.run_end == datetime(2018, 6, 16, 0, 37, 44, tzinfo=UTC)


def test_an_etag_is_read_in_both_spellings() -> None:
    """Factories have eTag with quotes in its value, their resources have etag."""
    assert Factory.model_validate({"eTag": '"0000-1"'}).etag == '"0000-1"'
    assert PipelineResource.model_validate({"etag": "0000-2"}).etag == "0000-2"


def test_a_pipeline_has_its_declared_parameters() -> None:
    """Types have one case, whatever the definition's; a null default is a default, and its value is not kept."""
    declared = {
        "day": {"type": "string"},
        "names": {"type": "Array", "defaultValue": []},
        "key": {"type": "secureString", "defaultValue": None},
        "new": {"type": "Tensor"},
        "broken": 1,
    }
    pipeline = PipelineResource.model_validate({"name": "Load", "properties": {"parameters": declared}})
    assert pipeline.declaration == Declaration(
        "Load",
        (
            Declared("day", "string", required=True),
            Declared("names", "array", required=False),
            Declared("key", "securestring", required=False),
            Declared("new", "tensor", required=True),
            Declared("broken", "", required=True),
        ),
    )


def test_a_pipeline_without_parameters_declares_none() -> None:
    """parameters may be absent or null."""
    assert PipelineResource.model_validate({"properties": {}}).declaration.parameters == ()
    assert PipelineResource.model_validate({"properties": {"parameters": None}}).declaration.parameters == ()


def test_a_filter_accepts_aware_times_alone() -> None:
    """A naive time would mean another instant on another machine."""
    with pytest.raises(ValidationError):
        RunFilter(
            last_updated_after=datetime(2026, 1, 1),  # noqa: DTZ001  # naive on purpose
            last_updated_before=datetime(2026, 1, 2, tzinfo=UTC),
        )


def test_a_filter_is_written_with_the_services_names() -> None:
    """Operands, operators and sort keys keep their wire names; unset ones are not sent."""
    written = RunFilter(
        last_updated_after=datetime(2026, 1, 1, tzinfo=UTC),
        last_updated_before=datetime(2026, 1, 2, tzinfo=UTC),
        filters=(FieldFilter(operand="Status", operator="In", values=("Failed", "Cancelled")),),
        order_by=(FieldOrder(order_by="RunStart", order="DESC"),),
    ).model_dump(mode="json", exclude_defaults=True)
    assert written == {
        "lastUpdatedAfter": "2026-01-01T00:00:00Z",
        "lastUpdatedBefore": "2026-01-02T00:00:00Z",
        "filters": [{"operand": "Status", "operator": "In", "values": ["Failed", "Cancelled"]}],
        "orderBy": [{"orderBy": "RunStart", "order": "DESC"}],
    }
