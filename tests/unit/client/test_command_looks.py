"""Commands that read, with a service that is a function."""

import json
import os
import subprocess
import sys
from typing import Any
from urllib.parse import parse_qs

import click
import pytest

from adf_trigger.client.command.main import BROKEN_PIPE, main
from adf_trigger.client.command.running import pipeline_names
from adf_trigger.client.command.session import Surroundings
from tests.support.documents import ROOT
from tests.unit.client.service import RUN_ID, URL, Reply, Service, answer, problem, run, silent
from tests.unit.client.terminal import command

LONG = "Adfv2QuickStartParamPipelineOfTheNightlyLoad"
RUNS = [
    run(
        "Failed",
        requestId=RUN_ID,
        pipeline=LONG,
        durationMs=5100,
        reason="CopyOrders: UserErrorSourceBlobNotExist",
    ),
    run("InProgress", requestId="manual__2026-11-25T06:00:00+00:00"),
    run(
        "Rejected",
        requestId="bad",
        reason="The body is not JSON at all, which a request has to be, at line 1, column 1",
    ),
]


def listed(*runs: dict[str, Any], continuation: str | None = None) -> Reply:
    """A page of a list."""
    return answer({"runs": list(runs), "continuation": continuation})


def query_of(service: Service, number: int = 0) -> dict[str, list[str]]:
    """The query of a call."""
    return parse_qs(service.asked[number].url.query.decode())


def test_a_list_fits_a_terminal_without_breaking_words() -> None:
    """On 80 columns no word, name or id is broken."""
    done = command(Service(listed(*RUNS)), "list", terminal=True)
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    words = " ".join(done.out.split())
    for each in RUNS:
        assert {each["requestId"], each["pipeline"], each["status"]} <= set(words.split())
        assert each.get("reason", "") in words


def test_a_piped_list_is_a_line_each_between_tabs() -> None:
    """cut and awk can read it."""
    done = command(Service(listed(*RUNS)), "list")
    rows = [line.split("\t") for line in done.out.splitlines()]
    assert [row[3] for row in rows] == [each["requestId"] for each in RUNS]
    assert {len(row) for row in rows} == {6}


def test_a_list_is_read_in_pages_up_to_the_limit() -> None:
    """A short page is not the last one; the limit ends it."""
    service = Service(
        listed(RUNS[0], continuation="a"), listed(continuation="b"), listed(*RUNS, continuation="c")
    )
    done = command(service, "list", "-n", "2", "-o", "json")
    assert len(json.loads(done.out)) == 2
    assert [query_of(service, number).get("continuation") for number in range(3)] == [None, ["a"], ["b"]]
    assert len(service.asked) == 3


def test_every_filter_is_sent() -> None:
    """The query has the service's names."""
    service = Service(listed())
    filters = ["--status", "failed", "--pipeline", "P", "--since", "2026-11-30", "--correlation-id", "c"]
    done = command(service, "list", *filters, "--until", "2026-12-01T06:00:00+01:00")
    assert (done.code, done.err) == (0, "None found.\n")
    assert query_of(service) == {
        "status": ["Failed"],
        "pipeline": ["P"],
        "since": ["2026-11-30T00:00:00Z"],
        "until": ["2026-12-01T06:00:00+01:00"],
        "correlationId": ["c"],
        "limit": ["20"],
    }


def test_show_prints_everything_and_fits() -> None:
    """It prints who, when, why, the parameters, and the history."""
    view = run(
        "Failed",
        requestId=RUN_ID,
        requestedBy="ada@example.com",
        startedAt="2026-11-26T06:00:01Z",
        endedAt="2026-11-26T06:01:06Z",
        parameters={"day": "2026-11-30", "n": 5, "password": "********"},
        metadata={"team": "sales"},
        correlationId="c-1",
        reason="CopyOrders: Oops",
        errors=[
            {"activityName": "CopyOrders", "activityType": "Copy", "errorCode": "1", "message": "Oops " * 40}
        ],
        history=[{"at": "2026-11-26T06:02:00Z", "by": "grace", "action": "rerun", "note": "again"}],
    )
    done = command(Service(answer(view)), "show", RUN_ID, terminal=True)
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    text = " ".join(done.out.split())
    for words in (
        "ada@example.com",
        "after 1:05",
        "-p n 5",
        "label team sales",
        "c-1",
        "rerun by grace: again",
        "Oops Oops",
    ):
        assert words in text


def test_show_prints_the_runs_below_and_every_consumer() -> None:
    """It prints failures below with their iteration, unfinished runs, return values, and the route of the run."""
    child = "6d2d1c7e-0000-4000-8000-000000000001"
    below = {"activityName": "CopyOrders", "activityType": "Copy", "errorCode": "2200", "message": "no blob"}
    view = run(
        "Failed",
        endedAt="2026-11-26T06:01:06Z",
        overdueSince="2026-11-26T06:00:30Z",
        returnValue={"rows": 3},
        errors=[
            {"activityName": "Retried", "message": "slow", "cured": True},
            {"activityName": "CallChild", "childRunId": child, "userProperties": {"file": "größe.csv"}},
        ],
        errorsLeftOut=7,
        children=[
            {"runId": child, "pipeline": "orders", "status": "Failed", "errors": [below], "errorsLeftOut": 4},
            {"runId": "other", "pipeline": "worker", "status": "InProgress"},
        ],
        routes=[
            {"route": "finance", "status": "delivered", "at": "2026-11-26T06:01:07Z"},
            {"route": "hook", "status": "pending", "at": "2026-11-26T06:01:07Z", "why": "answered 503"},
        ],
    )
    text = " ".join(command(Service(answer(view)), "show", "key-1", terminal=True).out.split())
    for words in (
        "cured by a retry",
        "file: größe.csv",
        f"in run {child} of orders: CopyOrders",
        "no blob and 4 more",
        "and 7 more",
        "overdue since 2026-11-26",
        'returns {"rows": 3}',
        "worker other InProgress",
        "route finance delivered",
        "route hook pending: answered 503",
    ):
        assert words in text


def test_an_ambiguous_id_is_reported_with_its_distinctions() -> None:
    """Each choice is listed with the options that name it."""
    choices = [
        {**run(), "link": "/api/runs/key-1?factory=a&by=requestId", "factory": name} for name in ("a", "b c")
    ]
    for each in choices:
        del each["links"], each["ended"]
    service = Service(problem("ambiguous-run", 409, detail="key-1 means 2 runs", choices=choices))
    done = command(service, "show", "key-1")
    assert done.code == 3
    assert "--factory a --by requestId" in done.err
    assert "--factory 'b c' --by requestId" in done.err
    service = Service(answer(run()))
    command(service, "show", "key-1", "--factory", "a", "--by", "requestId")
    assert query_of(service) == {"factory": ["a"], "by": ["requestId"]}


def test_pipelines_are_listed_with_their_declarations() -> None:
    """The form is that of `-p`; a secret's default is not shown."""
    declared = {
        "day": {"type": "String", "default": None, "secure": False, "required": True},
        "n": {"type": "Int", "default": 3, "secure": False, "required": False},
        "password": {"type": "SecureString", "default": "********", "secure": True, "required": False},
    }
    service = Service(answer({"pipelines": [{"factory": "f", "name": "LoadOrders", "parameters": declared}]}))
    done = command(service, "pipelines", terminal=True)
    assert done.out.splitlines() == [
        "LoadOrders",
        "  -p day=String",
        "  -p n=Int  = 3",
        "  -p password=SecureString  (has a default)",
    ]


@pytest.mark.parametrize(
    ("replies", "code", "words"),
    [
        (
            [answer({"status": "ok", "since": None, "version": "1", "troubles": [], "warnings": ["odd"]})],
            0,
            "odd",
        ),
        (
            [
                answer(
                    {
                        "status": "unavailable",
                        "since": "2026-11-26T06:00:00Z",
                        "troubles": [
                            {"since": "2026-11-26T06:00:00Z", "what": "factory:default: lacks a role"}
                        ],
                    },
                    503,
                )
            ],
            1,
            "lacks a role",
        ),
        (
            [silent(401), answer({"status": "ok", "since": "2026-11-26T06:00:00Z"})],
            0,
            "ok since 2026-11-26 06:00:00Z",
        ),
        ([silent(503, "Function host is not running.")], 3, "Function host is not running."),
    ],
)
def test_health_is_printed_whatever_it_is(replies: list[Reply], code: int, words: str) -> None:
    """A report of an unhealthy app is a reply; without a key for the details, the public part is shown."""
    done = command(Service(*replies), "health")
    assert done.code == code
    assert words in done.all


STARTING = {"status": "starting", "since": None}


def test_health_waits_for_the_first_report() -> None:
    """A stack or an app that has just started is not reported as unhealthy: its timer has not reported yet."""
    service = Service(
        answer(STARTING), answer(STARTING), answer({"status": "ok", "since": "2026-11-26T06:00:00Z"})
    )
    done = command(service, "health")
    assert done.code == 0
    assert done.all == "ok since 2026-11-26 06:00:00Z\n"
    assert service.time.now == 2


@pytest.mark.parametrize(("words", "spent"), [(("--wait", "0"), 0), (("--wait", "3"), 3), ((), 30)])
def test_health_does_not_wait_forever(words: tuple[str, ...], spent: int) -> None:
    """An app whose timer never reports is described as still starting."""
    service = Service(*[answer(STARTING)] * (spent + 1))
    done = command(service, "health", *words)
    assert done.code == 1
    assert done.all == "starting\n"
    assert service.time.now == spent


def test_activities_are_listed_with_their_errors() -> None:
    """Each is one line, with the reason of its failure."""
    common = {"activityRunId": "a", "details": "full"}
    found = [
        {
            **common,
            "activityName": "Pause",
            "activityType": "Wait",
            "status": "Succeeded",
            "durationMs": 1000,
        },
        {
            **common,
            "activityName": "CopyOrders",
            "activityType": "Copy",
            "status": "Failed",
            "durationMs": 4000,
            "error": {"errorCode": "2200", "message": "The required Blob is missing."},
        },
    ]
    service = Service(answer({"requestId": "key-1", "activities": found, "details": "full"}))
    done = command(service, "activities", "key-1", terminal=True)
    assert service.asked[0].url.path == "/api/runs/key-1/activities"
    assert "✗ Failed          4.0 s  CopyOrders (Copy)" in done.out
    assert "2200  The required Blob is missing." in done.out


def test_without_a_url_and_a_stack_the_error_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is neither a traceback nor a guess."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert main(["list"]) == 2
    assert "ADF_TRIGGER_URL" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reply", "names"),
    [
        (
            answer({"pipelines": [{"factory": "f", "name": name} for name in ("Load", "load2", "Other")]}),
            ["Load", "load2"],
        ),
        (silent(401), []),
        (silent(404), []),
    ],
)
def test_names_of_pipelines_are_completed_where_the_service_lists_them(
    reply: Reply, names: list[str]
) -> None:
    """Whatever it answers, the shell is not disturbed."""
    around = Surroundings(
        environ={"ADF_TRIGGER_URL": URL}, impatient=lambda _settings: Service(reply).client()
    )
    with click.Context(click.Command("run"), obj=around) as ctx:
        assert pipeline_names(ctx, "LO") == names


@pytest.mark.skipif(os.name == "nt", reason="a pipe without a reader behaves differently there")
def test_a_closed_pipe_ends_it_quietly() -> None:
    """`adf-trigger completion bash | head -0` ends without an error message, and not as a failed run."""
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "adf_trigger", "completion", "bash"],
            cwd=ROOT,
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, "")
