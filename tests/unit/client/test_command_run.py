"""`adf-trigger run`, with a service that is a function."""

import json
from typing import Any

import httpx
import pytest

from tests.unit.client.service import RUN_ID, Reply, Service, answer, problem, run, silent
from tests.unit.client.terminal import command, shown

COPY_ERROR = (
    "Failure happened on 'Source' side. ErrorCode=UserErrorSourceBlobNotExist,'Type=Microsoft.DataTransfer.Common."
    "Shared.HybridDeliveryException,Message=The required Blob is missing. raw/orders-2026-11-30.csv,"
    "Source=Microsoft.DataTransfer.ClientLibrary,'"
)
FAILED = run(
    "Failed",
    requestId=RUN_ID,
    reason="CopyOrders: UserErrorSourceBlobNotExist",
    durationMs=5100,
    errors=[
        {"activityName": "CopyOrders", "activityType": "Copy", "errorCode": "2200", "message": COPY_ERROR},
    ],
)
DECLARED = answer(
    {
        "factory": "default",
        "name": "LoadOrders",
        "parameters": {
            "day": {"type": "String", "default": None, "secure": False, "required": True},
            "n": {"type": "Int", "default": 0, "secure": False, "required": False},
            "password": {"type": "SecureString", "default": None, "secure": True, "required": True},
        },
    }
)


def test_a_failed_run_prints_the_reason_and_the_next_commands() -> None:
    """Within 80 columns: status, duration, activity, error codes, message, two commands."""
    service = Service(answer(run("Accepted", runId=None), 202), answer(FAILED))
    done = command(service, "run", "LoadOrders", "--wait", terminal=True)
    assert done.code == 1
    assert done.out.splitlines() == [
        f"LoadOrders {RUN_ID}",
        "✗ Failed after 5.1 s",
        "  CopyOrders (Copy)  2200  UserErrorSourceBlobNotExist",
        "  The required Blob is missing. raw/orders-2026-11-30.csv",
    ]
    hints = [line for line in shown(done.err).splitlines() if line.startswith("  adf-trigger")]
    assert hints == [f"  adf-trigger show {RUN_ID}", f"  adf-trigger rerun {RUN_ID} --from-failure"]


@pytest.mark.parametrize(
    ("status", "code"), [("Succeeded", 0), ("Failed", 1), ("Rejected", 3), ("Unknown", 5), ("Cancelled", 6)]
)
def test_the_exit_code_of_a_wait_is_the_status_of_the_run(status: str, code: int) -> None:
    """Scripts read the status from it."""
    service = Service(answer(run(), 202), answer(run(status, reason="because")))
    done = command(service, "run", "LoadOrders", "--wait")
    assert (done.code, "\x1b" in done.all) == (code, False)
    assert status in done.out


@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        (problem("invalid-request", 400, detail="1 fault found; see errors"), 3, "1 fault found"),
        (problem("pipeline-not-found", 404, detail="no such pipeline"), 3, "no such pipeline"),
        (problem("settings-faulty", 503, headers={"Retry-After": "90"}, detail="mend them"), 3, "mend them"),
        (silent(401), 4, "the key is missing"),
        (silent(429), 3, "accepts no calls at present"),
        (silent(500), 5, "it is not known whether this had its effect"),
        (httpx.ReadError("reset"), 5, "adf-trigger show 00000000"),
        (httpx.ConnectError("refused"), 3, "was not reached"),
        (silent(404), 3, "no such route"),
        (answer({"status": "Queued"}, 202), 5, "adf-trigger show 00000000"),
        (silent(200, "<html>sign in</html>"), 5, "is the URL right"),
    ],
)
def test_the_exit_code_of_a_failed_start(reply: Reply, code: int, words: str) -> None:
    """Rejected, forbidden or unknown: each has its own exit code and message."""
    done = command(Service(reply), "run", "LoadOrders", "-k", "00000000-mine")
    assert done.code == code
    assert words in done.err
    assert "Traceback" not in done.err


def test_a_wait_that_times_out_exits_like_timeout() -> None:
    """The code is 124, and the run continues: the next commands are shown."""
    done = command(
        Service(answer(run(), 202), answer(run())), "run", "LoadOrders", "--wait", "--timeout", "5m"
    )
    assert done.code == 124
    assert "still InProgress after 300 s. The run continues" in done.err
    assert "adf-trigger cancel key-1" in done.err


@pytest.mark.parametrize(("reply", "code"), [(httpx.ConnectError("refused"), 5), (silent(401), 4)])
def test_an_interrupted_wait_is_not_reported_as_a_failed_start(reply: Reply, code: int) -> None:
    """The run continues: the next commands are shown, and JSON has the run."""
    done = command(Service(answer(run(), 202), reply), "run", "LoadOrders", "--wait", "-o", "json")
    assert done.code == code
    assert "the run continues" in done.err
    assert json.loads(done.out)["requestId"] == "key-1"


def test_ctrl_c_reports_that_the_run_continues() -> None:
    """The code is 130, and the output shows how to look at it, or to cancel it."""

    def interrupted(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    done = command(Service(answer(run(), 202), interrupted), "run", "LoadOrders", "--wait")
    assert done.code == 130
    assert "The run continues" in done.err
    assert "adf-trigger show key-1    adf-trigger cancel key-1" in done.err


def test_ctrl_c_in_the_middle_of_a_start_names_the_key() -> None:
    """The key alone shows whether a run was started."""

    def interrupted(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    done = command(Service(interrupted), "run", "LoadOrders", "-k", "my key")
    assert done.code == 130
    assert "not known whether a run was started" in done.err
    assert "adf-trigger show 'my key'" in done.err


def test_json_is_the_run_alone() -> None:
    """Standard output is one JSON document; other messages go to standard error."""
    service = Service(answer(run("Accepted", runId=None), 202), answer(FAILED))
    done = command(service, "run", "LoadOrders", "--wait", "-o", "json")
    assert json.loads(done.out)["errors"][0]["message"] == COPY_ERROR
    assert done.code == 1
    started = command(Service(answer(run(), 202)), "run", "LoadOrders", "-o", "json")
    assert json.loads(started.out)["status"] == "InProgress"
    assert started.code == 0


def test_values_are_sent_with_their_declared_types() -> None:
    """Declared names compare without case; a JSON value needs no declaration."""
    service = Service(DECLARED, answer(run(), 202))
    given = ["-p", "DAY=2026-11-30", "-p", "n=5", "-p", "extra:=[1]"]
    assert command(service, "run", "loadorders", *given).code == 0
    assert json.loads(service.asked[1].content)["parameters"] == {"day": "2026-11-30", "n": 5, "extra": [1]}


def test_invalid_values_are_reported_before_the_start() -> None:
    """Every fault is named before anything starts, and no value is shown: any may be a secret."""
    service = Service(DECLARED, answer(run(), 202))
    done = command(service, "run", "LoadOrders", "-p", "n=hunter2", "-p", "x:={hunter2", "-p", "=y")
    assert done.code == 2
    assert [line.partition(":")[0] for line in done.err.splitlines()] == ["-p n", "-p x", "-p "]
    assert "hunter2" not in done.all
    assert len(service.asked) == 1


def test_a_key_for_starts_alone_still_starts() -> None:
    """Without access to the declarations, values are sent as text, and the command says so."""
    service = Service(silent(401), answer(run(), 202))
    done = command(service, "run", "LoadOrders", "-p", "n=5", "-p", "m:=6")
    assert done.code == 0
    assert "values of -p are sent as text" in done.err
    assert json.loads(service.asked[1].content)["parameters"] == {"n": "5", "m": 6}


def test_an_unknown_pipeline_is_reported_before_the_start() -> None:
    """The first request reports it."""
    service = Service(problem("pipeline-not-found", 404, detail="there is no pipeline Nope"))
    done = command(service, "run", "Nope", "-p", "n=5")
    assert (done.code, done.err) == (3, "there is no pipeline Nope\n")
    assert [request.method for request in service.asked] == ["GET"]


def test_a_secret_is_read_from_a_file_and_never_shown(tmp_path: Any) -> None:
    """The value is the file's content without its last line break."""
    (tmp_path / "secret").write_text("hunter2\n")
    service = Service(DECLARED, answer(run(parameters={"password": "********"}), 202))
    done = command(service, "run", "LoadOrders", "-p", f"password=@{tmp_path / 'secret'}")
    assert json.loads(service.asked[1].content)["parameters"] == {"password": "hunter2"}
    assert (done.code, "hunter2" in done.all) == (0, False)


def test_control_characters_of_others_are_escaped() -> None:
    """Escapes, bidirectional marks and line breaks in names and messages are shown, not executed."""
    evil = "\x1b[2J\x1b]0;owned\x07\u202egnp.exe\n  ✓ Succeeded"
    service = Service(answer(run(), 202), answer(run("Failed", pipeline=evil, reason=evil, requestId=evil)))
    for output in ("table", "json"):
        service.replies = [answer(run(), 202), answer(run("Failed", pipeline=evil, reason=evil))]
        done = command(service, "run", "LoadOrders", "--wait", "-o", output, terminal=True)
        assert not {"\x07", "\u202e"} & set(done.out)
        assert "\x1b[2J" not in done.out
        assert "\n  ✓ Succeeded" not in done.out


def test_colours_are_for_terminals_alone() -> None:
    """A terminal gets them, NO_COLOR and a pipe do not."""
    ended = answer(run("Succeeded", durationMs=1000))
    assert (
        "\x1b[1;32m"
        in command(Service(answer(run(), 202), ended), "run", "P", "-w", terminal=True, colours=True).out
    )
    assert (
        "\x1b[1;32m" not in command(Service(answer(run(), 202), ended), "run", "P", "-w", terminal=True).out
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "LoadOrders", "--timeout", "5m"],
        ["run", "LoadOrders", "--wait", "--timeout", "soon"],
        ["run", "LoadOrders", "--label", "x"],
        ["run", ""],
        ["run", "LoadOrders", "-k", "a\nb"],
        ["no-such-command"],
        ["run", "LoadOrders", "--key-file", "/no/such/file"],
        ["rerun", "x", "--from-failure", "--from-activity", "y"],
        ["resolve", "x", "--as", "adopt"],
        ["list", "--since", "soon"],
    ],
)
def test_wrong_usage_is_reported_and_sends_nothing(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The code is 2, with a message, and nothing is sent to the service."""
    service = Service(answer(run()))
    done = command(service, *arguments)
    assert done.code == 2
    assert done.err or capsys.readouterr().err
    assert service.asked == []


def test_a_dry_run_starts_nothing() -> None:
    """The output says so."""
    preview = {"outcome": "start", "factory": "default", "pipeline": "LoadOrders", "parameters": {}}
    service = Service(answer(preview))
    done = command(service, "run", "LoadOrders", "--dry-run")
    assert (done.code, done.out) == (0, "LoadOrders would be started now. Nothing was started.\n")
    assert service.asked[0].url.query == b"validateOnly=true"


def test_a_start_without_a_free_place_is_reported_with_the_runs_in_the_way() -> None:
    """Nothing was started; the exit code is that of a rejection."""
    in_the_way = [
        {
            "requestId": "orders-1",
            "runId": RUN_ID,
            "factory": "default",
            "pipeline": "LoadOrders",
            "status": "InProgress",
            "requestedAt": "2026-11-26T06:00:00Z",
            "link": "/api/runs/orders-1",
        }
    ]
    service = Service(
        problem("at-capacity", 409, detail="at most 1 run may go on at once", inTheWay=in_the_way)
    )
    done = command(service, "run", "LoadOrders")
    assert done.code == 3
    assert "at most 1 run may go on at once" in done.err
    assert "InProgress  LoadOrders  orders-1" in done.err
