"""What an event and an answer show of the activities of an ended run."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from adf_trigger.contracts import RunView
from adf_trigger.datafactory.models import ActivityRun
from adf_trigger.events.texts import MAX_MESSAGE_BYTES, event_text
from adf_trigger.ledger.encoding import decode_record, encode_record
from adf_trigger.ledger.room import MAX_RECORD_CHARS
from adf_trigger.news import EventData
from adf_trigger.service.watching.figures import figures_of
from tests.support.activity_runs import COPY_OUTPUT, activity, failed
from tests.support.world import FACTORY_ID, World, settings

FULL = json.dumps({"*": {"details": "full"}})
PROPERTIES = {"file": "größe.csv"}


def ended(
    *activities: dict[str, Any],
    status: str = "Succeeded",
    parameters: dict[str, Any] | None = None,
    secure: bool = False,
    policy: str = "{}",
) -> World:
    """A service whose one run has ended with these activities, and was published."""
    world = World(settings=settings(ADF_TRIGGER_POLICY=policy))
    world.factory.declare(
        "load",
        text={"type": "String", "defaultValue": ""},
        **({"password": {"type": "SecureString", "defaultValue": "hush"}} if secure else {}),
    )
    run_id = world.submit(parameters=parameters or {}).record.run_id
    world.factory.finish(run_id, status, failed=list(activities))
    world.tick(after=15)
    assert len(world.outbox.events) == 1
    return world


def event_data(world: World) -> EventData:
    """The data of the single event, which GET returns, too."""
    (event,) = world.outbox.events
    shown = world.services.query.show("key-1")
    for name in RunView.model_fields:
        assert getattr(event.data, name) == getattr(shown, name), name
    return event.data


def test_each_activity_has_its_result() -> None:
    """They have name, type, status, times, attempt, user properties and metrics, in the order of beginning."""
    data = event_data(
        ended(
            activity("Later", "Wait", began=9),
            activity("CopyOrders", output=COPY_OUTPUT, userProperties=PROPERTIES, iterationHash="0f"),
        )
    )
    assert data.activities is not None
    copy, later = data.activities
    assert (copy.activity_name, copy.activity_type, copy.status) == ("CopyOrders", "Copy", "Succeeded")
    assert copy.started_at is not None
    assert copy.ended_at is not None
    assert (copy.ended_at - copy.started_at).total_seconds() * 1000 == copy.duration_ms == 1000
    assert (copy.retry_attempt, copy.iteration_hash, copy.user_properties) == (None, "0f", PROPERTIES)
    assert copy.figures == {
        "dataRead": 7_340_032,
        "dataWritten": 7_340_032,
        "filesRead": 3,
        "filesWritten": 3,
        "rowsRead": 812,
        "rowsCopied": 812,
        "copyDuration": 6,
        "throughput": 1194.667,
    }
    assert (later.activity_name, later.figures) == ("Later", {})
    assert (data.details, data.activities_left_out, data.truncated) == ("full", 0, False)


@pytest.mark.parametrize(
    ("kind", "output", "figures"),
    [
        ("Lookup", {"count": 3, "value": [{"a": 1}], "executionDuration": 2}, {"count": 3, "executionDuration": 2}),
        ("Lookup", {"firstRow": {"count": "secret"}}, {}),
        ("Delete", {"filesDeleted": 4, "datasetName": "d"}, {"filesDeleted": 4}),
        ("Filter", {"ItemsCount": 9, "FilteredItemsCount": 2}, {"ItemsCount": 9, "FilteredItemsCount": 2}),
        ("Filter", {"Value": [1]}, {}),
        ("GetMetadata", {"exists": False}, {"exists": False}),
        ("Script", {"recordsAffected": 7, "resultSets": []}, {"recordsAffected": 7}),
        ("WebActivity", {"count": 5, "dataRead": 6, "token": "t"}, {}),
        ("WebHook", {"statusCode": "202"}, {"statusCode": 202}),
        ("WebActivity", {"statusCode": 7}, {}),
        ("Copy", {"rowsRead": "many", "rowsCopied": 10**30, "throughput": math.inf, "dataRead": 1}, {"dataRead": 1}),
        ("Copy", "no object", {}),
        (
            "ExecuteDataFlow",
            {
                "runStatus": {
                    "metrics": {
                        "sink1": {"rowsWritten": 5, "sources": {"s1": {"rowsRead": 8}}},
                        "sink2": {"rowsWritten": 2, "sources": {}},
                        "odd": 3,
                    }
                }
            },
            {"rowsWritten": 7, "rowsRead": 8},
        ),
    ],
)  # fmt: skip
def test_metrics_are_data_factorys_counts(kind: str, output: Any, figures: dict[str, Any]) -> None:
    """They are selected by type and name; nothing of the answer of a source or an endpoint is included."""
    run = ActivityRun.model_validate(activity("A", kind, output=output))
    assert figures_of(run) == figures


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("Error calling the endpoint 'https://x'. Response status code: '500'", 500),
        ("Invoking Web Activity failed with HttpStatusCode - '401 : Unauthorized', message - ''", 401),
        ("the record 404 was not found", None),
    ],
)
def test_a_failed_call_has_the_status_of_its_error(message: str, status: int | None) -> None:
    """Its output lacks it; a number that is no HTTP status is ignored."""
    run = ActivityRun.model_validate(failed("Call", "2108", message, kind="WebActivity"))
    assert figures_of(run).get("statusCode") == status


RETURNED = {"rows": 3, "files": ["a", "b"], "none": None}


def returning(value: Any = RETURNED, **more: Any) -> dict[str, Any]:
    """An activity that sets its pipeline's return value."""
    shown = {"name": "pipelineReturnValue", "value": value}
    return activity("Return", "SetVariable", output=shown, **more)


def test_the_return_value_of_a_pipeline_is_published() -> None:
    """It is whole, with the activity that has set it; another variable is none."""
    other = activity("Set", "SetVariable", output={"name": "x", "value": {"no": 1}})
    assert event_data(ended(other, returning())).return_value == RETURNED
    assert event_data(ended(other)).return_value is None


def test_a_long_return_value_is_cut_in_the_middle() -> None:
    """Its JSON text is cut, and the event marks that."""
    data = event_data(ended(returning({"text": "a" * 9_000 + "end"})))
    assert isinstance(data.return_value, str)
    assert data.return_value.startswith('{"text":"aaa')
    assert data.return_value.endswith('aend"}')
    assert len(data.return_value) <= 8_000
    assert data.truncated


@pytest.mark.parametrize(
    "value", [{"x": float("inf")}, {"x": "\ud800"}, {"x": json.loads("[" * 90 + "]" * 90)}]
)
def test_no_return_value_prevents_a_run_from_being_published(value: Any) -> None:
    """Even with one that is no JSON, no Unicode or nested without end, the event can be read."""
    world = ended(returning(value))
    (event,) = world.outbox.events
    assert json.loads(event_text(event), parse_constant=pytest.fail)["data"]["status"] == "Succeeded"


def test_of_a_pipeline_with_secure_parameters_fields_that_may_hold_them_are_left_out() -> None:
    """Metrics, user properties and return value, though the request gave no secure parameter: it has a default."""
    world = ended(
        activity("Copy", output=COPY_OUTPUT, userProperties={"p": "hush"}),
        failed("Again", "2200", "no", userProperties={"p": "hush"}),
        returning({"password": "hush"}),
        secure=True,
    )
    data = event_data(world)
    assert data.details == "withheld"
    assert data.return_value is None
    assert [(each.figures, each.user_properties) for each in data.activities or ()] == [(None, None)] * 3
    assert [each.user_properties for each in data.errors or ()] == [None]
    stored = world.ledger.get(FACTORY_ID, "key-1")
    assert "hush" not in repr(stored) + event_text(world.outbox.events[0])


def test_with_full_details_they_are_still_published() -> None:
    """The policy of the pipeline asks for that."""
    data = event_data(
        ended(activity("Copy", output=COPY_OUTPUT, userProperties=PROPERTIES), secure=True, policy=FULL)
    )
    assert data.activities is not None
    (result,) = data.activities
    assert data.details == "full"
    assert (result.user_properties, (result.figures or {})["rowsCopied"]) == (PROPERTIES, 812)


def test_a_pipeline_that_has_dropped_its_secure_parameters_is_treated_by_its_former_declaration() -> None:
    """The declaration at the time of the request counts."""
    world = World()
    world.factory.declare("load", password={"type": "SecureString", "defaultValue": "hush"})
    run_id = world.submit().record.run_id
    world.factory.declare("load")
    world.factory.finish(run_id, failed=[activity("A", userProperties={"p": "hush"})])
    world.tick(after=120)
    assert event_data(world).details == "withheld"


def test_activities_that_were_not_read_are_null() -> None:
    """With details of failed runs alone nothing is claimed of activities that were not queried."""
    data = event_data(ended(activity("A"), policy=json.dumps({"*": {"details": "failed"}})))
    assert (data.activities, data.details, data.return_value) == (None, None, None)


def test_of_five_hundred_activities_the_failed_ones_are_published_and_then_the_last() -> None:
    """The event counts those that were left out; it is within its limit, and the record within its own."""
    runs = [
        failed(f"A{number}", "2200", "why " * 500, began=number, userProperties=PROPERTIES)
        if number in (3, 250)
        else activity(f"A{number}", began=number, output={**COPY_OUTPUT, "huge": "x" * 20_000})
        for number in range(500)
    ]
    world = ended(*runs, status="Failed", parameters={"text": "p" * 30_000})
    text = event_text(world.outbox.events[0])
    assert len(text) <= MAX_MESSAGE_BYTES
    data = json.loads(text)["data"]
    names = [each["activityName"] for each in data["activities"]]
    assert names[:2] == ["A3", "A250"]
    assert names[2:] == [f"A{number}" for number in range(500 - len(names) + 2, 500)]
    assert len(names) + data["activitiesLeftOut"] == 500
    assert len(names) > 30
    assert data["truncated"] is True
    stored = world.ledger.get(FACTORY_ID, "key-1")
    assert stored is not None
    assert len(encode_record(stored.record)) < MAX_RECORD_CHARS // 4


@limits(max_examples=25, deadline=None)
@given(
    character=st.sampled_from(["x", "€", "\U0001f600", '"', "\x01", "\uffff"]),
    sizes=st.lists(st.integers(0, 3_000), min_size=7, max_size=7),
    count=st.integers(1, 300),
    status=st.sampled_from(["Failed", "Succeeded"]),
)
def test_an_end_with_any_activities_is_published(
    character: str, sizes: list[int], count: int, status: str
) -> None:
    """Names, codes, messages, properties and outputs have any length: the event fits, with its status and an error."""
    name, kind, code, message, prop, output, returned = (character * size for size in sizes)
    runs = [
        activity(
            f"{name}{number}",
            kind or "Copy",
            status,
            error=(code, message),
            userProperties={prop: prop, "b": [prop]},
            output={"pipelineRunId": output, "dataRead": 3},
        )
        for number in range(count)
    ]
    world = ended(*runs, returning({returned: returned}), status="Failed")
    text = event_text(world.outbox.events[0])
    assert len(text) <= MAX_MESSAGE_BYTES
    data = json.loads(text)["data"]
    assert data["status"] == "Failed"
    assert bool(data["errors"]) is (status == "Failed")
    assert len(data["activities"]) + data["activitiesLeftOut"] == count + 1


def test_a_record_of_an_earlier_version_is_published_without_results() -> None:
    """Nothing is claimed of activities that were never kept."""
    world = ended(activity("A"))
    stored = world.ledger.get(FACTORY_ID, "key-1")
    assert stored is not None
    old = json.loads(encode_record(stored.record))
    del old["results"], old["declares_secrets"]
    view = world.services.views.view(decode_record(json.dumps(old)))
    assert (view.activities, view.details, view.children) == (None, None, [])
