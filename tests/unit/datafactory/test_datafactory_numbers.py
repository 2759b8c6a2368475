"""Numbers and times of the service are within bounds once parsed, whatever it sends."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adf_trigger.azure.retry_after import retry_after
from adf_trigger.datafactory.calls import Call, Effect, Reply
from adf_trigger.datafactory.lenient import EARLIEST, LATEST, MOST_DURATION, MOST_REMAINING
from adf_trigger.datafactory.models import ActivityRun, PipelineRun
from adf_trigger.datafactory.replies import read_items

RUN_ID = UUID("2f7fdb90-5df1-4b8e-ac2f-064cfa58202b")
NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
A_DAY = 86_400.0
CALL = Call(
    operation="PipelineRuns_QueryByFactory",
    method="POST",
    path="/",
    effect=Effect.NONE,
    client_request_id=RUN_ID,
)
INSTANTS = st.datetimes(timezones=st.timezones() | st.none()).map(datetime.isoformat) | st.sampled_from(
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+05:00",
        "0001-01-01T00:00:00",
        "9999-12-31T23:59:59.9999999Z",
        "9999-12-31T23:59:59-10:00",
        "253402300799",
        "-1",
        "1e400",
    ]
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, -(10**400), 2**63, -(2**63)])


def remaining(value: str) -> int | None:
    """The parsed header of the remaining writes."""
    reply = Reply(200, {"x-ms-ratelimit-remaining-subscription-writes": value}, b"")
    return reply.facts(RUN_ID).remaining_writes


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("1199", 1199),
        (" 7 ", 7),
        ("0", 0),
        ("-1", 0),
        ("-1000000", 0),
        ("-1" + "0" * 400, 0),
        ("9" * 400, MOST_REMAINING),
        ("9" * 5_000, MOST_REMAINING),
        ("", None),
        ("12.7", None),
        ("1_000", None),
        ("1e3", None),
        ("12, 13", None),
        ("\u0661\u0662", None),
        ("NaN", None),
        ("Infinity", None),
    ],
)
def test_the_rest_of_a_budget_is_read_within_bounds(value: str, read: int | None) -> None:
    """Plain digits count, below zero is nothing left, and anything else is None."""
    assert remaining(value) == read


@given(st.text(max_size=30) | NUMBERS.map(str))
@example("-" + "9" * 4_301)
def test_the_rest_is_between_zero_and_the_limit(value: str) -> None:
    """Whatever a header holds."""
    assert (read := remaining(value)) is None or 0 <= read <= MOST_REMAINING


@given(INSTANTS | NUMBERS | st.text(max_size=12) | st.none())
def test_an_instant_allows_arithmetic(value: object) -> None:
    """Times outside of the lifetime of runs are None: centuries may be added to and subtracted from the others."""
    run = PipelineRun.model_validate(
        {"runId": str(RUN_ID), "lastUpdated": value, "runStart": value, "runEnd": value}
    )
    activity = ActivityRun.model_validate({"activityRunStart": value, "activityRunEnd": value})
    for read in (
        run.last_updated,
        run.run_start,
        run.run_end,
        activity.activity_run_start,
        activity.activity_run_end,
    ):
        if read is not None:
            assert EARLIEST <= read < LATEST
            assert read - timedelta(days=36_500) < read < read + timedelta(days=36_500)


@given(NUMBERS | st.text(max_size=12) | st.none())
def test_a_duration_is_within_bounds(value: object) -> None:
    """No run ends before it began, and a number that consumers cannot read is None."""
    run = PipelineRun.model_validate({"runId": str(RUN_ID), "durationInMs": value})
    activity = ActivityRun.model_validate({"durationInMs": value, "retryAttempt": value})
    for read in (run.duration_in_ms, activity.duration_in_ms, activity.retry_attempt):
        assert read is None or 0 <= read <= MOST_DURATION


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity", "9" * 5_000, "-" + "9" * 5_000])
def test_one_number_hides_no_other_run(number: str) -> None:
    """A page is read whole although one of its numbers is invalid."""
    odd = f'{{"runId": "{RUN_ID}", "durationInMs": {number}, "parameters": {{"n": {number}}}}}'
    even = json.dumps({"runId": str(RUN_ID), "status": "Succeeded"})
    items, _ = read_items(CALL, Reply(200, {}, f'{{"value": [{odd}, {even}]}}'.encode()), PipelineRun)
    assert [item.run_id for item in items] == [RUN_ID, RUN_ID]
    assert items[0].duration_in_ms is None
    json.dumps(items[0].model_dump(mode="json"), allow_nan=False)


@given(
    st.text(max_size=40)
    | NUMBERS.map(str)
    | st.builds(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} {}".format,
        st.sampled_from(["Fri", "Mon", ""]),
        st.integers(0, 99),
        st.sampled_from(["Dec", "Jan", "Foo"]),
        st.integers(0, 99_999),
        st.integers(0, 99),
        st.integers(0, 99),
        st.integers(0, 99),
        st.sampled_from(["GMT", "-2359", "+2400", "+999999", "", "EST", "-0000"]),
    )
)
@example("Fri, 31 Dec 9999 23:59:59 -2359")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
@example("0, 0")
def test_a_retry_after_is_no_more_than_a_day(value: str) -> None:
    """It is seconds or a date; anything else is None."""
    wait = retry_after({"retry-after": value}, now=NOW)
    assert wait is None or 0 <= wait <= A_DAY
