"""Commands that steer, and the one that follows, with a service that is a function."""

import json
from typing import Any

import httpx
import pytest

from adf_trigger.client.command.following import PAUSE_SECONDS
from tests.unit.client.service import RUN_ID, Service, answer, problem, run
from tests.unit.client.terminal import command


@pytest.mark.parametrize(
    ("arguments", "path", "body"),
    [
        (["cancel", "x", "--note", "wrong day"], "runs/x/cancel", {"recursive": True, "note": "wrong day"}),
        (["cancel", "x", "--not-recursive"], "runs/x/cancel", {"recursive": False}),
        (["rerun", "x"], "runs/x/rerun", {"mode": "whole"}),
        (["rerun", "x", "--from-failure"], "runs/x/rerun", {"mode": "fromFailure"}),
        (
            ["rerun", "x", "--from-activity", "Copy"],
            "runs/x/rerun",
            {"mode": "fromActivity", "activity": "Copy"},
        ),
        (["resolve", "x", "--as", "dismiss"], "runs/x/resolve", {"as": "dismiss"}),
        (
            ["resolve", "x", "--as", "resubmit", "--force"],
            "runs/x/resolve",
            {"as": "resubmit", "force": True},
        ),
        (["resolve", "x", "--as", "adopt", "--run-id", "r"], "runs/x/resolve", {"as": "adopt", "runId": "r"}),
        (["rejected", "replay", "x", "--force"], "runs/x/replay", {"force": True}),
        (
            ["rejected", "replay", "x", "-p", "p=s"],
            "runs/x/replay",
            {"force": False, "parameters": {"p": "s"}},
        ),
        (["rejected", "discard", "x"], "runs/x/resolve", {"as": "dismiss"}),
    ],
)
def test_a_command_sends_its_request(arguments: list[str], path: str, body: dict[str, Any]) -> None:
    """It succeeds when the service does."""
    service = Service(answer(run(), 202))
    assert command(service, *arguments).code == 0
    (asked,) = service.asked
    assert asked.url.path == f"/api/{path}"
    assert json.loads(asked.content) == body


@pytest.mark.parametrize(
    ("status", "history", "reported"),
    [
        ("Failed", [], True),
        ("Succeeded", [], True),
        ("Rejected", [], True),
        ("Cancelled", [], True),
        ("Failed", [{"at": "2026-11-26T06:00:00Z", "action": "rerun"}], True),
        ("Cancelled", [{"at": "2026-11-26T06:00:00Z", "action": "cancel"}], False),
        ("Canceling", [{"at": "2026-11-26T06:00:00Z", "action": "cancel"}], False),
    ],
)
def test_a_cancel_of_an_ended_run_is_reported(
    status: str, history: list[dict[str, str]], *, reported: bool
) -> None:
    """A run that ended before the cancel was not ended by it; that is no error."""
    for arguments in (["cancel", "x"], ["cancel", "x", "-o", "json"]):
        done = command(Service(answer(run(status, history=history))), *arguments)
        assert done.code == 0
        assert ("had already ended" in done.err) == reported


def test_a_rerun_may_be_waited_for() -> None:
    """The exit code is the status of the new run."""
    service = Service(answer(ran("again", "Queued"), 202), answer(ran("again", "Failed")))
    done = command(service, "rerun", "x", "--from-failure", "--wait")
    assert done.code == 1
    assert service.asked[1].url.path == "/api/runs/again"


def test_a_conflict_is_reported() -> None:
    """The code is 3, with the service's message."""
    done = command(
        Service(problem("conflict", 409, detail="it is not Unknown")), "resolve", "x", "--as", "dismiss"
    )
    assert (done.code, done.err) == (3, "it is not Unknown\n")


def test_the_candidates_of_an_unknown_run_are_listed_with_the_command_to_adopt_them() -> None:
    """Each has its parameters, which show whose run it is."""
    found = [
        {"runId": RUN_ID, "status": "InProgress", "startedAt": None, "parameters": {"day": "2026-11-30"}}
    ]
    service = Service(problem("wrong-state", 409, detail="choose one", candidates=found))
    done = command(service, "resolve", "x", "--as", "adopt", "--run-id", "r")
    assert done.code == 3
    assert done.err.splitlines() == [
        "choose one",
        '  not started yet  InProgress  {"day": "2026-11-30"}',
        f"    --as adopt --run-id {RUN_ID}",
    ]


def test_a_failure_of_one_rejected_message_stops_no_other() -> None:
    """The others are done, and the exit code reports the failure."""
    service = Service(answer(run(), 202), problem("run-not-found", 404, detail="none"), answer(run(), 202))
    done = command(service, "rejected", "discard", "a", "b", "c")
    assert done.code == 3
    assert [line.split()[0] for line in done.out.splitlines()] == ["a", "c"]
    assert done.err == "b: none\n"


@pytest.mark.parametrize("verb", ["replay", "discard"])
def test_an_earlier_decision_is_reported(verb: str) -> None:
    """It is no error, and its line has what was decided, when and by whom."""
    said = "it was done before (at 2026-11-26T05:00:00Z by me)"
    done = command(Service(answer(run("Rejected", reason=said))), "rejected", verb, "a")
    assert (done.code, done.out) == (0, f"a  Rejected  {said}\n")


class Factory:
    """A service with runs that end while they are read: each page of new ones is a moment later."""

    def __init__(self, *moments: list[dict[str, Any]]) -> None:
        self.moments = list(moments)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not self.moments:
            raise KeyboardInterrupt
        runs = self.moments[0]
        if not runs:
            raise httpx.ConnectError("an outage")
        if request.url.path != "/api/runs":
            name = request.url.path.rpartition("/")[2]
            return httpx.Response(200, json=next(each for each in runs if each["requestId"] == name))
        active = "status" in request.url.params
        return self._page(
            [each for each in runs if (not each["ended"] if active else each["requestId"] != "message")]
        )

    def next(self, seconds: float) -> None:
        if seconds == PAUSE_SECONDS:
            del self.moments[0]

    @staticmethod
    def _page(runs: list[dict[str, Any]]) -> httpx.Response:
        return httpx.Response(200, json={"runs": runs, "continuation": None})


def ran(name: str, status: str, ended: str | None = None) -> dict[str, Any]:
    """A run by its name."""
    return run(status, requestId=name, endedAt=ended, links={"self": f"/api/runs/{name}"})


def test_ends_are_printed_once_in_their_order_without_a_queue() -> None:
    """First the past ones, then each as it ends, over an outage: delayed, new, or requested long before."""
    old = ran("old", "Succeeded", "2026-11-26T05:00:00Z")
    older = ran("older", "Failed", "2026-11-26T04:00:00Z")
    factory = Factory(
        [ran("long", "InProgress"), old, older],
        [ran("long", "InProgress"), ran("quick", "Succeeded", "2026-11-26T06:01:00Z"), old, older],
        [ran("message", "Queued"), ran("long", "Failed", "2026-11-26T06:02:00Z"), old, older],
        [],
        [ran("message", "Cancelled", "2026-11-26T06:03:00Z")],
    )
    service = Service(factory)

    def sleep(seconds: float) -> None:
        service.time.now += seconds
        factory.next(seconds)

    service.time.sleep = sleep  # type: ignore[method-assign]
    done = command(service, "events", "--follow")
    assert done.code == 130
    assert [line.split("\t")[4] for line in done.out.splitlines()] == [
        "older",
        "old",
        "quick",
        "long",
        "message",
    ]
    assert "an outage" in done.err


def test_ends_may_be_one_json_document_a_line() -> None:
    """Programs can read them as they arrive."""
    service = Service(Factory([ran("old", "Succeeded", "2026-11-26T05:00:00Z")]))
    done = command(service, "events", "-o", "json")
    assert done.code == 0
    assert [json.loads(line)["requestId"] for line in done.out.splitlines()] == ["old"]
