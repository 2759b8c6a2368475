"""The judge of the chaos sees every kind of broken promise, and no other."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.history import History, Line, lines
from tests.chaos.verdict import Official, Verdict, judge

RUN, OTHER_RUN = "11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000002"


def line(kind: str, **facts: Any) -> Line:
    """A line of a history."""
    return {"at": 1.5, "kind": kind, **facts}


INVOKE = line("invoke", key="k", by="http")
ACCEPTED = line("return", key="k", by="http", acknowledged=True, status=202)
REPLAYED = line("return", key="k", by="http", acknowledged=True, status=200, runId=RUN)
STARTED = line("run", runId=RUN, pipelineName="quick", status="Succeeded", parameters={"key": "k"})
EVENT = line("event", key="k", id=f"{RUN}/Succeeded", status="Succeeded", runId=RUN)
VIEW = line("view", key="k", status=200, run={"runId": RUN, "status": "Succeeded"})
GOOD = [INVOKE, ACCEPTED, INVOKE, REPLAYED, STARTED, EVENT, EVENT, VIEW]


def broken(verdict: Verdict) -> dict[str, int]:
    """How many promises of each kind were broken."""
    kinds = ("lost", "doubled", "events_missing", "ids_differing", "too_many", "out_of_order")
    return {kind: len(getattr(verdict, kind)) for kind in kinds if getattr(verdict, kind)}


def without(*gone: Line) -> list[Line]:
    """The good history without some of its lines."""
    return [each for each in GOOD if each not in gone]


def test_a_good_history_breaks_no_promise() -> None:
    """A repeat with the same run and the same event twice are in order."""
    verdict = judge(GOOD)
    assert broken(verdict) == {}
    assert (verdict.requests, verdict.acknowledged, verdict.calls) == (1, 1, 2)
    assert (verdict.runs, verdict.most_runs, verdict.events) == (1, 1, 2)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (without(VIEW), {"lost": 1}),
        ([*without(VIEW), line("view", key="k", status=404, run={})], {"lost": 1}),
        (without(STARTED, EVENT), {"lost": 1, "events_missing": 1}),
        ([*without(VIEW), {**VIEW, "run": {"runId": RUN, "status": "InProgress"}}], {"lost": 1}),
        ([*without(VIEW), {**VIEW, "run": {"runId": RUN, "status": "Failed"}}], {"lost": 1}),
        ([*without(VIEW), {**VIEW, "run": {"runId": OTHER_RUN, "status": "Succeeded"}}], {"lost": 1}),
        ([*without(VIEW), {**VIEW, "run": {"status": "Unknown"}}], {"lost": 1}),
        ([*GOOD, {**STARTED, "runId": OTHER_RUN}], {"doubled": 1}),
        ([*GOOD, {**STARTED, "runId": OTHER_RUN, "parameters": {"key": "unknown"}}], {"doubled": 1}),
        ([*GOOD, ACCEPTED], {"doubled": 1}),
        ([*GOOD, {**REPLAYED, "runId": OTHER_RUN}], {"doubled": 1, "lost": 1}),
        (without(EVENT), {"events_missing": 1}),
        ([*GOOD, {**EVENT, "id": "k/Rejected", "runId": None}], {"ids_differing": 1}),
        ([*without(EVENT), {**EVENT, "runId": OTHER_RUN}], {"ids_differing": 1}),
        ([*GOOD, {**EVENT, "key": "a stranger"}], {"doubled": 1}),
    ],
)
def test_every_broken_promise_is_seen(history: Sequence[Line], expected: dict[str, int]) -> None:
    """A request that was lost, doubled, not published or published differently is counted as such."""
    assert broken(judge(history)) == expected


def running(*seconds: tuple[int, int]) -> list[Line]:
    """Runs of the pipeline of which three may run at the same time, each from one second to another."""
    return [
        line(
            "run",
            runId=f"r-{number}",
            pipelineName="counted",
            status="Succeeded",
            parameters={"key": f"c-{number}"},
            runStart=f"2026-11-26T06:00:{start:02d}Z",
            runEnd=f"2026-11-26T06:00:{end:02d}Z",
        )
        for number, (start, end) in enumerate(seconds)
    ]


def test_too_many_at_once_are_seen() -> None:
    """By the factory's own times of start and end, whoever requested the runs."""
    asked = [line("invoke", key=f"c-{number}", by="http") for number in range(4)]
    assert broken(judge([*asked, *running((0, 9), (1, 5), (2, 6), (5, 8))])) == {}
    assert broken(judge([*asked, *running((0, 9), (1, 5), (2, 6), (4, 8))])) == {"too_many": 1}


def in_turn(*seconds: tuple[int, int], customer: str = "c-0") -> list[Line]:
    """Runs of a customer, one of which may run at a time, each from one second to another."""
    return [
        {
            **each,
            "pipelineName": "ordered",
            "parameters": {**each["parameters"], "customer": customer},
        }
        for each in running(*seconds)
    ]


def asked_in_turn(*taken: bool, by: str = "http") -> list[Line]:
    """One request after another, each before the next is made answered or not."""
    return [
        {**each, "at": number + later}
        for number, is_taken in enumerate(taken)
        for later, each in (
            (0.1, line("invoke", key=f"c-{number}", by=by)),
            (0.2, line("return", key=f"c-{number}", by=by, acknowledged=is_taken)),
        )
    ]


def test_two_runs_of_a_customer_at_once_are_seen() -> None:
    """Runs of different customers may overlap."""
    asked = asked_in_turn(False, False)
    assert broken(judge([*asked, *in_turn((0, 2), (2, 4))])) == {}
    assert broken(judge([*asked, *in_turn((0, 3), (2, 4))])) == {"too_many": 1}
    first, second = in_turn((0, 3), (2, 4))
    other = {**second, "parameters": {"key": "c-1", "customer": "c-1"}}
    assert broken(judge([*asked, first, other])) == {}
    assert broken(judge([*asked, line("factory_moved"), *in_turn((0, 3), (2, 4))])) == {}


def test_a_request_that_overtakes_an_earlier_one_is_seen() -> None:
    """It overtakes one that was taken before it was made; the order of others is not known."""

    def order_of(*asked: Line) -> tuple[int, int]:
        verdict = judge([*asked, *in_turn((4, 5), (2, 3), (6, 7))])
        return verdict.ordered_pairs, len(verdict.out_of_order)

    assert order_of(*asked_in_turn(True, True, True)) == (3, 1)
    assert order_of(*asked_in_turn(False, True, True)) == (1, 0)
    assert order_of(*asked_in_turn(True, True, True, by="queue")) == (0, 0)


def test_unacknowledged_requests_may_be_lost_but_not_doubled() -> None:
    """A caller that was never answered has no promise, but for having at most one run."""
    unanswered = line("return", key="k", by="http", error="ReadTimeout")
    assert broken(judge([INVOKE, unanswered])) == {}
    assert broken(judge([INVOKE, unanswered, STARTED])) == {}
    assert broken(judge([INVOKE, STARTED, {**STARTED, "runId": OTHER_RUN}])) == {"doubled": 1}


def test_a_message_on_the_queue_is_acknowledged() -> None:
    """A message on the queue has the same promise as a request answered with 202."""
    verdict = judge([INVOKE, line("return", key="k", by="queue", acknowledged=True)])
    assert (verdict.acknowledged, verdict.messages) == (1, 1)
    assert broken(verdict) == {"lost": 1, "events_missing": 1}


def test_a_message_to_be_rejected_needs_no_run_and_is_published_as_rejected() -> None:
    """Without an event it is missing, with another status it is lost."""
    poison = line("invoke", key="m", by="queue", expect="Rejected")
    put = line("return", key="m", by="queue", acknowledged=True)
    rejection = line("event", key="m", id="m/Rejected", status="Rejected")
    assert broken(judge([poison, put, rejection])) == {}
    assert broken(judge([poison, put])) == {"events_missing": 1}
    assert broken(judge([poison, put, {**rejection, "status": "Failed"}])) == {"lost": 1}
    assert broken(judge([poison, put, rejection, {**rejection, "id": "other"}])) == {"ids_differing": 1}


def test_the_faults_of_a_row_are_counted_and_one_that_never_came_is_named() -> None:
    """A host that a fault ended is distinguished from one that failed."""
    ends = [line("end", host="a", exit_code=code, asked=asked) for code, asked in ((0, 0), (1, 0), (-9, 1))]
    verdict = judge([*ends, line("row", name="a row", faults={"met": 2, "missed": 0})])
    assert (verdict.ended, verdict.deaths) == (1, 1)
    assert (verdict.row_faults, verdict.unmet) == ({"met": 2, "missed": 0}, ["missed"])


def test_a_refusal_is_distinguished_from_a_transient_failure() -> None:
    """An answer that says no for good is listed; one that says to try again is only counted."""
    answers = [
        line("return", key="k", by="http", acknowledged=False, status=status) for status in (503, 429, 404)
    ]
    verdict = judge([INVOKE, *answers])
    assert verdict.failed_calls == 3
    assert verdict.refused == ["k was answered 404 None"]


def test_the_official_sdk_is_counted_by_request_and_by_call() -> None:
    """A run too many counts once for its request, and apart where one call alone started both."""

    def call(key: str, number: int, **outcome: str) -> Line:
        return line("official", ids="ignored", key=key, call=number, **outcome)

    def started(key: str, number: int) -> Line:
        return line("official_run", runId="r", parameters={"key": key, "call": str(number)})

    history = [
        *(call("one", 1, runId="r"), started("one", 1)),
        *(call("by-itself", 1, runId="r"), started("by-itself", 1), started("by-itself", 1)),
        *(call("again", 1, error="ServiceResponseError"), started("again", 1)),
        *(call("again", 2, runId="r"), started("again", 2)),
        *(call("late", 1, error="ServiceResponseError"), call("late", 2, runId="r"), started("late", 2)),
        line(
            "official_factory",
            ids="ignored",
            calls={"CreateRun": 9},
            faults={"reset before": 3, "drop after": 1},
        ),
    ]
    assert judge(history).official == {
        "ignored": Official(
            requests=4,
            calls=6,
            raised=2,
            not_started=1,
            with_two_runs=2,
            doubled_by_one_call=1,
            runs=6,
            most_runs=2,
            factory_calls=9,
            factory_faults=4,
        )
    }


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Every line comes back, with the time at which it was noted."""
    with History(tmp_path / "history.jsonl") as history:
        history.note("kill", host="a")
        history.note("factory", calls={"GetRun": 8, "CreateRun": 1}, faults={"reset before": 2})
    killed, factory = lines(tmp_path / "history.jsonl")
    assert (killed["kind"], killed["host"]) == ("kill", "a")
    assert killed["at"] <= factory["at"]
    verdict = judge([killed, factory])
    assert (verdict.kills, verdict.factory_calls, verdict.factory_faults) == (1, 9, 2)


REJECTED = line("event", key="k", id=f"{RUN}/Rejected", status="Rejected", requestedAt="10:00")
REJECTED_AGAIN = {**REJECTED, "id": f"{OTHER_RUN}/Rejected", "requestedAt": "10:01"}
MAY_REJECT = line("row", name="refused while repeated", faults={}, may_reject=True)
REJECTED_VIEW = line("view", key="k", status=200, run={"status": "Rejected"})


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([INVOKE, ACCEPTED, REJECTED, REJECTED, REJECTED_VIEW, MAY_REJECT], {}),
        ([INVOKE, ACCEPTED, REJECTED, ACCEPTED, REJECTED_AGAIN, REJECTED_VIEW, MAY_REJECT], {}),
        ([*GOOD, REJECTED, MAY_REJECT], {}),
        ([*GOOD, ACCEPTED, REJECTED, MAY_REJECT], {}),
        ([*GOOD, ACCEPTED, MAY_REJECT], {"doubled": 1}),
        ([*GOOD, REJECTED], {"ids_differing": 1}),
        ([*GOOD, REJECTED, {**REJECTED_AGAIN, "requestedAt": "10:00"}, MAY_REJECT], {"ids_differing": 1}),
        ([*GOOD, REJECTED, {**REJECTED, "requestedAt": "10:01"}, MAY_REJECT], {"ids_differing": 1}),
        ([INVOKE, ACCEPTED, REJECTED_VIEW, MAY_REJECT], {"lost": 1, "events_missing": 1}),
        ([INVOKE, ACCEPTED, REJECTED, VIEW, MAY_REJECT], {"lost": 1}),
        ([*without(EVENT), REJECTED, MAY_REJECT], {"events_missing": 1}),
    ],
)
def test_where_requests_may_be_rejected_each_rejection_is_published_once(
    history: Sequence[Line], expected: dict[str, int]
) -> None:
    """Rejections under one key have an id each, and stand beside the run that came of it in the end."""
    assert broken(judge(history)) == expected
