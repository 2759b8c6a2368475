"""The command `adf-trigger` and the Python client, on real processes that are killed and started again."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from adf_trigger.client import Client, RequestRefused, RunFailed, Start, WaitTimedOut
from adf_trigger.client.retrying import Retrying
from adf_trigger.client.settings import ClientSettings
from adf_trigger.contracts import RunView
from tests.support.documents import ROOT
from tests.support.local_stack import LocalStack
from tests.support.waiting import until
from tests.support.warm import CLI, command

LIMIT = 120.0
SOON_AGAIN = ("--lock-period", "15", "--lock-recovery", "1")
"""The timer of a host that was killed is held for this long, the shortest that storage grants, and not for a minute."""
COPY = "Adfv2QuickStartParamPipeline"
WAITS = {
    "activities": [
        {
            "name": "Pause",
            "type": "Wait",
            "typeProperties": {"waitTimeInSeconds": "@pipeline().parameters.n"},
            "dependsOn": [],
        }
    ],
    "parameters": {"n": {"type": "Int", "defaultValue": 1}},
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, warm: str) -> Iterator[LocalStack]:
    """A stack that is found by its own command alone, whose timer fires by itself."""
    state = tmp_path_factory.mktemp("state")
    state.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(state))
        data = tmp_path_factory.mktemp("data")
        with LocalStack(
            poll_schedule="*/1 * * * * *", host_options=SOON_AGAIN, data=data, warm=warm
        ) as running:
            for _ in running.quickstart.provision():
                continue
            running.quickstart.upload()
            running.define("Pause", WAITS)
            yield running


def environment(stack: LocalStack, *, found: bool = False) -> dict[str, str]:
    """What the command finds: the address and the key, or nothing but the stack itself."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ADF_TRIGGER_")}
    if found:
        return own
    endpoints = stack.endpoints
    return {
        **own,
        "ADF_TRIGGER_URL": endpoints.functions_url,
        "ADF_TRIGGER_KEY": endpoints.functions_key,
        "AZURE_STORAGE_CONNECTION_STRING": endpoints.storage_connection_string,
    }


def adf_trigger(
    stack: LocalStack, *arguments: str, found: bool = False, key: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end: by itself where it finds the stack, else forked off what has imported it."""
    assert stack.warm is not None
    begin = [sys.executable, "-m", "adf_trigger"] if found else command(stack.warm, CLI)
    return subprocess.run(
        [*begin, *arguments],
        cwd=ROOT,
        env={**environment(stack, found=found), **({} if key is None else {"ADF_TRIGGER_KEY": key})},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


INTERRUPTIBLE = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from adf_trigger.__main__ import main; sys.exit(main())"
)
"""The command, as a terminal starts it: what runs in the background of a shell has its interrupts ignored."""


@contextmanager
def started(stack: LocalStack, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command in the background; it has ended when the context exits."""
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, *arguments],
        cwd=ROOT,
        env=environment(stack),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def client_of(stack: LocalStack) -> Client:
    """A client of the stack that waits out what passes."""
    settings = ClientSettings.from_env(environment(stack))
    return Client(settings=settings, retrying=Retrying(within=LIMIT))


def test_a_run_is_started_and_waited_for_where_nothing_is_set(stack: LocalStack) -> None:
    """The local stack is found by itself, values are typed by the declaration, and the exit code is the end."""
    done = adf_trigger(stack, "run", "pause", "-p", "N=1", "--wait", found=True)
    assert done.returncode == 0, done.stderr
    assert "Succeeded" in done.stdout
    (run,) = stack.runs("Pause")
    assert run["parameters"] == {"n": "1"}


def test_a_failed_run_says_why(stack: LocalStack) -> None:
    """Codes, sentence and what to type, and all of it by id, too."""
    given = ("-p", "strParamInputFileName=nowhere.txt", "-p", "strParamOutputFileName=x.txt")
    done = adf_trigger(stack, "run", COPY, *given, "--wait", "-k", "fails/1 é")
    assert done.returncode == 1, done.stderr
    assert "CopyFromBlobToBlob (Copy)  2200  UserErrorSourceBlobNotExist" in done.stdout
    assert "The required Blob is missing." in done.stdout
    shown = adf_trigger(stack, "show", "fails/1 é", "-o", "json")
    assert json.loads(shown.stdout)["status"] == "Failed"
    activities = adf_trigger(stack, "activities", "fails/1 é")
    assert "CopyFromBlobToBlob" in activities.stdout
    listed = adf_trigger(stack, "list", "--status", "Failed", "--pipeline", COPY)
    assert "fails/1 é" in listed.stdout
    again = adf_trigger(stack, "rerun", "fails/1 é", "--from-failure", "--wait")
    assert again.returncode == 1, again.stderr
    assert len(stack.runs(COPY)) == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("run", "Nope", "-p", "n=1"), 3),
        (("run", "Nope"), 3),
        (("run", "Pause", "-p", "n=x"), 2),
        (("run", "Pause", "-p", "m=1"), 3),
        (("show", "nowhere"), 3),
        (("cancel", "nowhere"), 3),
        (("list", "--since", "1h", "--factory", "nowhere"), 3),
        (("events", "--consume", "no-such-queue"), 3),
    ],
)
def test_failures_are_reported_in_words(stack: LocalStack, arguments: tuple[str, ...], code: int) -> None:
    """Each with its own exit code, and nothing is started."""
    before = len(stack.runs())
    done = adf_trigger(stack, *arguments)
    assert done.returncode == code, done.stderr
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
    assert len(stack.runs()) == before


def test_a_wrong_key_is_reported(stack: LocalStack) -> None:
    """The platform answers it without a word; the command does not."""
    done = adf_trigger(stack, "run", "Pause", key="wrong")
    assert done.returncode == 4
    assert "the key is missing, or does not authorise this call" in done.stderr


def test_looking_around_works(stack: LocalStack) -> None:
    """Pipelines with what they declare, and the health."""
    pipelines = adf_trigger(stack, "pipelines")
    assert "Pause\n-p n=Int  = 1\n" in pipelines.stdout.replace("  -p", "-p")
    stack.eventually(lambda: adf_trigger(stack, "health").returncode == 0, ticking=False)


def test_a_wait_that_is_too_short_leaves_the_run_alone(stack: LocalStack) -> None:
    """124, and then it can be cancelled, and waited for as cancelled."""
    done = adf_trigger(stack, "run", "Pause", "-p", "n=600", "-w", "--timeout", "1s", "-k", "long")
    assert done.returncode == 124, done.stderr
    assert "The run continues" in done.stderr
    with client_of(stack) as client, pytest.raises(WaitTimedOut):
        client.wait("long", timeout=0.5)
    assert adf_trigger(stack, "cancel", "long", "--note", "too long").returncode == 0
    with client_of(stack) as client, pytest.raises(RunFailed) as caught:
        client.wait("long", timeout=LIMIT)
    assert caught.value.run.status == "Cancelled"
    assert [entry.note for entry in caught.value.run.history][-1] == "too long"


@pytest.mark.skipif(os.name == "nt", reason="an interrupt is sent otherwise there")
def test_an_interrupt_leaves_the_run_alone(stack: LocalStack) -> None:
    """130, and it says how to look."""
    with started(stack, "run", "Pause", "-p", "n=600", "-w", "-k", "interrupted") as waiting:
        until(lambda: stack.status("interrupted") == "InProgress", LIMIT)
        waiting.send_signal(signal.SIGINT)
        _, err = waiting.communicate(timeout=LIMIT)
    assert waiting.returncode == 130, err
    assert "adf-trigger show interrupted" in err
    assert stack.status("interrupted") == "InProgress"
    adf_trigger(stack, "cancel", "interrupted")


def test_a_wait_and_a_start_outlive_the_host(stack: LocalStack) -> None:
    """The host is killed while one run is waited for, and another is started while there is none: each is run once."""
    before = len(stack.runs("Pause"))
    with started(stack, "run", "Pause", "-p", "n=8", "-w", "-k", "outlives") as waiting:
        until(lambda: stack.status("outlives") == "InProgress", LIMIT)
        stack.kill_functions()
        with started(stack, "run", "Pause", "-w", "-k", "meanwhile") as meanwhile:
            stack.processes.restart_functions()
            out, err = meanwhile.communicate(timeout=LIMIT)
            assert meanwhile.returncode == 0, out + err
        out, err = waiting.communicate(timeout=LIMIT)
    assert waiting.returncode == 0, out + err
    assert len(stack.runs("Pause")) == before + 2


def test_many_are_started_in_one_call_and_one_that_is_wrong_is_its_own_error(stack: LocalStack) -> None:
    """Each has its run, or its error, in its place; asked for again under their keys nothing is started twice."""
    starts = [
        Start(pipeline="Pause", key="many-1"),
        Start(pipeline="Nope"),
        Start(pipeline="Pause", key="many-2"),
    ]
    before = len(stack.runs("Pause"))
    with client_of(stack) as client:
        for _ in range(2):
            first, wrong, last = client.start_many(starts)
            assert isinstance(first, RunView)
            assert isinstance(wrong, RequestRefused)
            assert isinstance(last, RunView)
        assert [client.wait(key, timeout=LIMIT).status for key in ("many-1", "many-2")] == ["Succeeded"] * 2
    assert len(stack.runs("Pause")) == before + 2


def test_a_rejected_message_is_seen_replayed_and_discarded(stack: LocalStack) -> None:
    """All by HTTP: what could not run is sent again once its pipeline is there, and what is not wanted is discarded."""
    stack.caller.send({"pipeline": "Later", "requestId": "later"})
    stack.caller.send({"pipeline": "Never", "requestId": "never"})
    until(lambda: {stack.status("later"), stack.status("never")} == {"Rejected"}, LIMIT)
    until(lambda: {"later", "never"} <= set(adf_trigger(stack, "rejected", "list").stdout.split()), LIMIT)
    stack.define("Later", WAITS)
    replayed = adf_trigger(stack, "rejected", "replay", "later")
    assert replayed.returncode == 0, replayed.stderr
    until(lambda: stack.status("later") == "Succeeded", LIMIT)
    discarded = adf_trigger(stack, "rejected", "discard", "never", "nowhere")
    assert (discarded.returncode, discarded.stdout.split()[0]) == (3, "never"), discarded.stderr
    assert "never" not in adf_trigger(stack, "rejected", "list").stdout.split()


def test_ends_are_followed_without_a_queue_and_then_taken_off_it(stack: LocalStack) -> None:
    """Following leaves the events where they are; consuming shows each once, and deletes it."""
    done = adf_trigger(stack, "events", "--since", "1d", "-o", "json")
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"fails/1 é", "outlives"} <= {run["requestId"] for run in printed}
    ends = [run["endedAt"] for run in printed]
    assert ends == sorted(ends)
    lines: list[dict[str, Any]] = []
    with started(stack, "events", "--consume", stack.endpoints.events_queue, "-o", "json") as consuming:
        assert consuming.stdout is not None
        reading = threading.Thread(
            target=lambda out: lines.extend(json.loads(line) for line in out), args=(consuming.stdout,)
        )
        reading.start()
        wanted = {run["requestId"] for run in printed}
        until(lambda: wanted <= {run["requestId"] for run in lines}, LIMIT)
        consuming.send_signal(signal.SIGINT)
        reading.join(LIMIT)
        consuming.wait(LIMIT)
    assert consuming.returncode == 130
    names = [(run["requestId"], run["status"]) for run in lines]
    assert len(names) == len(set(names))
