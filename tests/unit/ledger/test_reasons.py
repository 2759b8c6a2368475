"""The reason of a run: one line, whatever Data Factory reports."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.ledger.reasons import reason_of
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.messages.limits import LONGEST_LINE, one_line
from adf_trigger.results import ActivityError
from tests.support.world import World

MISSING = (
    "ErrorCode=UserErrorSourceBlobNotExist,'Type=Microsoft.DataTransfer.Common.Shared.HybridDeliveryException,"
    "Message=The required Blob is missing. ContainerName: https://acct.blob.core.windows.net/raw, path: x.csv.,"
    "Source=Microsoft.DataTransfer.ClientLibrary,'"
)


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline `load`."""
    world = World()
    world.factory.declare("load")
    return world


def failed(name: str, code: str, message: str, **more: Any) -> dict[str, Any]:
    """A failed activity as Data Factory shows it."""
    return {
        "activityName": name,
        "activityType": "Copy",
        "status": "Failed",
        "error": {"errorCode": code, "message": message, "failureType": "UserError"},
        **more,
    }


def ended(world: World, status: str, *activities: dict[str, Any], message: str = "") -> str | None:
    """The reason of a run that has ended with this status and message."""
    run_id = world.submit().record.run_id
    world.factory.finish(run_id, status, failed=list(activities), message=message)
    world.tick(after=15)
    view = world.services.views.view(world.services.query.find("key-1"))
    assert view.ended
    return view.reason


@pytest.mark.parametrize(
    ("activity", "reason"),
    [
        (failed("CopyOrders", "2200", MISSING), "CopyOrders: UserErrorSourceBlobNotExist"),
        (
            failed("CopyOrders", "2200", f"Failure happened on 'Source' side. {MISSING}"),
            "CopyOrders: UserErrorSourceBlobNotExist",
        ),
        (
            failed("Call", "2108", "Error calling the endpoint 'https://x'.\nResponse status code: '500'."),
            "Call: 2108 Error calling the endpoint 'https://x'. Response status code: '500'.",
        ),
        (failed("Stop", "NoOrders", ""), "Stop: NoOrders"),
        (failed("Odd", "", ""), "Odd"),
    ],
)
def test_a_failed_run_says_which_activity_and_which_code(
    world: World, activity: dict[str, Any], reason: str
) -> None:
    """The code within the message takes precedence over 2200; without one it is the number and the text."""
    assert ended(world, "Failed", activity, message="Operation on target … failed") == reason


def test_the_cause_takes_precedence_over_its_container(world: World) -> None:
    """A loop whose message is only that an inner activity failed is not the reason, and the rest is counted."""
    loop = failed("ForEachOrder", "ActionFailed", "Activity failed because an inner activity failed")
    assert ended(world, "Failed", loop, failed("CopyOrders", "2200", MISSING)) == (
        "CopyOrders: UserErrorSourceBlobNotExist (and 1 more)"
    )


def test_a_cause_at_the_end_of_a_long_message_is_in_it(world: World) -> None:
    """The line has room for both ends: what failed first, what it came from, and how many more there are."""
    long = failed("Load", "E1", f"Operation on target Load failed: {'x' * 5_900} Cause: no space left")
    reason = ended(world, "Failed", long, failed("Stop", "E2", "too"))
    assert reason is not None
    assert reason.startswith("Load: E1 Operation on target Load failed")
    assert reason.endswith("Cause: no space left (and 1 more)")


@pytest.mark.parametrize("status", ["Failed", "Cancelled"])
def test_a_cause_at_the_end_of_a_long_message_of_the_run_is_in_it(world: World, status: str) -> None:
    """It is used where no activity gives more."""
    reason = ended(
        world, status, message=f"Operation on target Load failed: {'x' * 900} Cause: no space left"
    )
    assert reason is not None
    assert reason.endswith("Cause: no space left")
    assert len(reason) == LONGEST_LINE


def test_without_activities_the_reason_is_the_message(world: World) -> None:
    """It is Data Factory's message of the run itself."""
    assert ended(world, "Failed", message="Operation on target\n  X failed") == "Operation on target X failed"


def test_a_run_that_succeeded_needs_none(world: World) -> None:
    """This holds also where activities in it failed, which `errors` lists."""
    assert ended(world, "Succeeded", failed("CopyOrders", "2200", MISSING)) is None


def test_a_request_that_is_being_sent_says_so(world: World) -> None:
    """Its reason is set, and it has not ended."""
    world.ledger.claim(_claimed(world))
    view = world.services.query.show("key-1")
    assert (view.status, view.ended, view.reason) == ("Accepted", False, "it is being sent to Data Factory")


def _claimed(world: World) -> RunRecord:
    record = world.submit("other").record
    return replace(
        record, request_id="key-1", run_id=world.new_id(), state=RunState.ACCEPTED, status="Accepted"
    )


@given(st.text(max_size=3_000))
def test_it_is_one_line_of_bounded_length(text: str) -> None:
    """It has no line break, control character or bidirectional mark, and is within its limit."""
    line = one_line(text)
    assert len(line) <= LONGEST_LINE
    assert line.splitlines() in ([], [line])
    assert not any(ord(each) < 32 or "\u202a" <= each <= "\u202e" for each in line)


@given(name=st.text(max_size=300), code=st.text(max_size=300), message=st.text(max_size=1_024))
def test_the_reason_is_one_line_for_any_text_of_an_activity(name: str, code: str, message: str) -> None:
    """Its name, code and message are Data Factory's, or its users', text."""
    world = World()
    world.factory.declare("load")
    error = ActivityError(activity_name=name, error_code=code, message=message)
    reason = reason_of(_with(world, error))
    assert reason is not None
    assert len(reason) <= LONGEST_LINE
    assert len(reason.splitlines()) <= 1


def _with(world: World, error: ActivityError) -> RunRecord:
    return replace(world.submit().record, status="Failed", errors=(error,))
