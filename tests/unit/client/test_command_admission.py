"""What the command prints of requests that wait for a place of their pipeline or of their key."""

import json
from typing import Any

import pytest

from tests.unit.client.service import RUN_ID, Service, answer, run
from tests.unit.client.terminal import command

REASON = "it waits for a place: at most 1 run of LoadOrders may go on at once"


def waiting(before: int, *, exact: bool = True, **members: Any) -> dict[str, Any]:
    """A waiting request."""
    return run("Accepted", runId=None, reason=REASON, inLine={"before": before, "exact": exact}, **members)


@pytest.mark.parametrize(
    ("before", "exact", "said"),
    [
        (0, True, "it is next in line"),
        (0, False, "it may be next in line"),
        (1, True, "1 request is ahead of it"),
        (12_345, False, "about 12,345 requests are ahead of it"),
    ],
)
def test_show_prints_how_many_are_before_it(before: int, exact: bool, said: str) -> None:  # noqa: FBT001 - a case
    """It also prints whether that was counted."""
    done = command(Service(answer(waiting(before, exact=exact, admissionKey='"contoso"'))), "show", "key-1")
    assert done.code == 0
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert {REASON, f"in line {said}", 'counted by "contoso"'} <= set(lines)


def test_a_waiting_run_shows_why_it_waits() -> None:
    """It is printed immediately, and during a wait with piped output."""
    begun = command(Service(answer(waiting(3), 202)), "run", "LoadOrders")
    assert begun.code == 0
    assert [line.strip() for line in begun.out.splitlines()][:3] == [
        "LoadOrders key-1 Accepted",
        REASON,
        "3 requests are ahead of it",
    ]
    service = Service(answer(waiting(3), 202), answer(waiting(2)), answer(run("Succeeded")))
    waited = command(service, "run", "LoadOrders", "--wait")
    assert waited.code == 0
    assert [line.strip() for line in waited.err.splitlines()][:3] == [
        "LoadOrders key-1 Accepted",
        REASON,
        "3 requests are ahead of it",
    ]


def test_show_prints_which_run_it_has_joined() -> None:
    """It prints the request, and the run once it is known."""
    for run_id in (RUN_ID, None):
        joined = run("Accepted", runId=None, joinedTo={"requestId": "first", "runId": run_id})
        done = command(Service(answer(joined)), "show", "key-1")
        assert f"joined to first, run {run_id or '-'}" in " ".join(done.out.split())


def test_json_is_the_services_own() -> None:
    """The JSON is for programs."""
    done = command(Service(answer(waiting(3))), "show", "key-1", "-o", "json")
    assert json.loads(done.out)["inLine"] == {"before": 3, "exact": True}


def test_no_key_moves_the_cursor() -> None:
    """A key may hold any text."""
    done = command(Service(answer(waiting(0, admissionKey='"\x1b[2Jx"'))), "show", "key-1", terminal=True)
    assert "\x1b[2J" not in done.out


WAY = {
    "requestId": "first",
    "runId": RUN_ID,
    "factory": "default",
    "pipeline": "LoadOrders",
    "status": "InProgress",
    "requestedAt": "2026-11-26T06:00:00Z",
    "link": "/api/runs/first",
}
HOLD = {"reason": "deploying", "since": "2026-11-26T06:00:00Z", "until": "2026-11-27T06:00:00Z"}
PREVIEWS: dict[str, tuple[dict[str, Any], int, list[str]]] = {
    "repeat": (
        {"run": run()},
        0,
        ["The response would be the run of the same request, which is InProgress. Nothing was started."],
    ),
    "held": (
        {"hold": HOLD, "message": "the factory is held", "inLine": {"before": 1, "exact": True}},
        0,
        [
            (
                "LoadOrders would be accepted, and not started while it is held, with 1 request ahead of it. "
                "Nothing was started."
            ),
            "the factory is held",
        ],
    ),
    "wait": (
        {"message": REASON, "inLine": {"before": 1_200, "exact": False}},
        0,
        [
            "LoadOrders would be accepted, and wait, with about 1,200 requests ahead of it. Nothing was started.",
            REASON,
        ],
    ),
    "join": (
        {"joinedTo": {"requestId": "first", "runId": None}},
        0,
        ["It would join the run of first, and end with it. Nothing was started."],
    ),
    "refuse": (
        {"message": "at most 1 run may go on at once", "inTheWay": [WAY]},
        3,
        [
            "LoadOrders would be refused. Nothing was started.",
            "at most 1 run may go on at once",
            f"in the way: first InProgress, run {RUN_ID}",
        ],
    ),
}


@pytest.mark.parametrize("outcome", PREVIEWS)
def test_a_dry_run_prints_what_would_happen(outcome: str) -> None:
    """One that would be rejected ends with the exit code of a rejected start."""
    members, code, said = PREVIEWS[outcome]
    preview = {
        "outcome": outcome,
        "factory": "default",
        "pipeline": "LoadOrders",
        "parameters": {},
        **members,
    }
    service = Service(answer(preview))
    done = command(service, "run", "LoadOrders", "--dry-run")
    assert done.code == code
    assert [line.strip() for line in done.out.splitlines()] == said


def test_a_dry_run_sends_what_a_start_would_send() -> None:
    """Its key identifies a repeat, and it may be counted by its labels and its correlation id."""
    preview = {"outcome": "start", "factory": "default", "pipeline": "LoadOrders", "parameters": {}}
    service = Service(answer(preview))
    labels = ["-k", "k-1", "--correlation-id", "c", "--label", "team=sales"]
    assert command(service, "run", "LoadOrders", "--dry-run", *labels).code == 0
    (request,) = service.asked
    assert request.headers["Idempotency-Key"] == '"k-1"'
    assert json.loads(request.content) == {
        "parameters": {},
        "correlationId": "c",
        "metadata": {"team": "sales"},
    }


def test_health_counts_waiting_requests() -> None:
    """It prints the number of lines, and since when the first waits."""
    lines = [
        {"factory": "eu", "waiting": 1_200, "lines": 3, "longest": 9, "since": "2026-11-26T06:00:00Z"},
        {"factory": "us", "waiting": 1, "lines": 1, "longest": 1, "since": None},
    ]
    health = {"status": "ok", "troubles": [], "warnings": [], "lines": lines}
    done = command(Service(answer(health)), "health")
    assert (done.code, [line.strip() for line in done.out.splitlines()]) == (
        0,
        [
            "ok",
            "1,200 waiting in 3 lines of eu, the first since 2026-11-26 06:00:00Z",
            "1 waiting in 1 line of us",
        ],
    )
