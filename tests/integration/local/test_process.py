"""Processes of the local stack end completely, also when the process that started them is gone."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from adf_trigger.local.processes.families import HAS_GROUPS, group_has_ended
from adf_trigger.local.processes.process import Process, StartFailed, ready_line

PATIENT_SECONDS = 60.0
ROOT = Path(__file__).parents[3]

# Starts a child of its own, says both process ids, and stays until a signal ends it.
FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("pids", os.getpid(), child.pid, "ready", flush=True)
time.sleep(600)
"""


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition becomes true in time."""
    deadline = time.monotonic() + PATIENT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def has_ended(pid: int) -> bool:
    """Whether the process has ended; a zombie counts as ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def group(pgid: int) -> list[int]:
    """The living processes of a process group."""
    members = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == pgid and not has_ended(process.pid):
                members.append(process.pid)
        except ProcessLookupError:
            continue
    return members


def family_pids(output: str) -> list[int] | None:
    """The process ids that FAMILY has written."""
    words = output.split()
    return [int(word) for word in words[1:3]] if "ready" in words else None


@pytest.fixture(params=["groups", "trees"])
def held_by(request: pytest.FixtureRequest) -> str:
    """A family is held together by its process group, or by a watchdog as on a system without one."""
    return str(request.param)


def code_of(number: signal.Signals, held_by: str) -> int:
    """The exit code of a process that a signal has ended; a watchdog reports it as a shell does."""
    return -number if held_by == "groups" else 128 + number


@pytest.fixture
def run(tmp_path: Path, held_by: str) -> Iterator[Callable[..., Process]]:
    """Runs Python code as a guarded process."""
    started: list[Process] = []

    def start(code: str, *, grace: float = PATIENT_SECONDS) -> Process:
        log = tmp_path / f"{len(started)}.log"
        command = [sys.executable, "-c", textwrap.dedent(code)]
        process = Process("thing", command, log=log, grace=grace, groups=held_by == "groups")
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()


def test_the_process_id_is_that_of_the_command(run: Callable[..., Process]) -> None:
    """A signal to the process id reaches the command itself, not a wrapper."""
    process = run(FAMILY)
    pids = process.wait_until_ready(family_pids, timeout=PATIENT_SECONDS)
    assert pids[0] == process.pid


def test_stop_lets_the_process_end_in_its_own_way(run: Callable[..., Process]) -> None:
    """SIGTERM comes first, so a process can save what it has; its exit code is reported."""
    process = run(
        """
        import signal, sys, time
        def save(*_):
            print("saved", flush=True)
            sys.exit(7)
        signal.signal(signal.SIGTERM, save)
        print("ready", flush=True)
        while True:
            time.sleep(0.05)
        """
    )
    process.wait_until_ready(lambda output: "ready" in output or None, timeout=PATIENT_SECONDS)
    assert process.stop() == 7
    assert "saved" in process.output()


def test_a_process_that_does_not_end_is_killed(run: Callable[..., Process], held_by: str) -> None:
    """A process that ignores SIGTERM is killed when its grace period is over."""
    process = run(
        """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("ready", flush=True)
        time.sleep(600)
        """,
        grace=0.2,
    )
    process.wait_until_ready(lambda output: "ready" in output or None, timeout=PATIENT_SECONDS)
    assert process.stop() == code_of(signal.SIGKILL, held_by)


def test_stop_leaves_nothing_of_the_family(run: Callable[..., Process]) -> None:
    """A stop ends the command, its children and the guard."""
    process = run(FAMILY)
    pids = process.wait_until_ready(family_pids, timeout=PATIENT_SECONDS)
    family = {*pids, *group(process.pid)}
    process.stop()
    assert eventually(lambda: group(process.pid) == [])
    assert eventually(lambda: all(has_ended(pid) for pid in family))


def test_stop_cleans_up_after_a_killed_process(run: Callable[..., Process], held_by: str) -> None:
    """Where the command was killed from outside, stop ends its descendants; a watchdog has already ended them."""
    process = run(FAMILY)
    _, child = process.wait_until_ready(family_pids, timeout=PATIENT_SECONDS)
    if held_by == "trees":
        time.sleep(2.0)  # it looks for descendants once a second, and finds none that have lost their parent
    os.kill(process.pid, signal.SIGKILL)
    assert eventually(lambda: process.exit_code == code_of(signal.SIGKILL, held_by))
    assert held_by == "trees" or not has_ended(child)
    process.stop()
    assert eventually(lambda: has_ended(child))


@pytest.mark.skipif(not HAS_GROUPS, reason="there are no process groups")
def test_a_zombie_is_not_waited_for() -> None:
    """Its group exists until its parent has reaped it; living processes in it are waited for."""
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        assert not group_has_ended(process.pid)
        process.kill()
        assert eventually(lambda: group_has_ended(process.pid))
        os.killpg(process.pid, 0)  # it is there: Popen has not been asked
    assert group_has_ended(process.pid)


def test_stop_may_be_called_again(run: Callable[..., Process]) -> None:
    """A second stop does nothing and returns the same exit code."""
    process = run("raise SystemExit(3)")
    assert eventually(lambda: process.exit_code is not None)
    assert process.stop() == process.stop() == 3


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_supervisor(tmp_path: Path, how: signal.Signals, held_by: str) -> None:
    """When the process that started it is killed, the whole family ends."""
    code = f"""
        import sys, time
        from pathlib import Path
        from adf_trigger.local.processes.process import Process
        log = Path({str(tmp_path / "log")!r})
        process = Process("thing", [sys.executable, "-c", {FAMILY!r}], log=log, groups={held_by == "groups"})
        process.wait_until_ready(lambda output: "ready" in output or None, timeout={PATIENT_SECONDS})
        print(process.output(), flush=True)
        time.sleep(600)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        pids = family_pids(supervisor.stdout.readline())
        assert pids is not None
        assert not any(has_ended(pid) for pid in pids)
        supervisor.send_signal(how)
    assert eventually(lambda: group(pids[0]) == [])
    assert eventually(lambda: all(has_ended(pid) for pid in pids))


def test_a_process_that_ends_early_shows_its_log(run: Callable[..., Process]) -> None:
    """The error of a failed start shows the exit code and the process's output."""
    process = run("raise SystemExit('the port is taken')")
    with pytest.raises(StartFailed, match=r"exit code 1 before it was ready[^$]*the port is taken"):
        process.wait_until_ready(family_pids, timeout=PATIENT_SECONDS)


def test_a_process_that_is_not_ready_in_time_is_stopped(run: Callable[..., Process]) -> None:
    """A start that takes too long fails, and no process is left."""
    process = run("import time; print('hm', flush=True); time.sleep(600)")
    with pytest.raises(StartFailed, match=r"not ready within 0\.5 s"):
        process.wait_until_ready(family_pids, timeout=0.5)
    assert group(process.pid) == []


def test_a_command_that_does_not_exist_fails_to_start(tmp_path: Path, held_by: str) -> None:
    """The error names the missing command."""
    process = Process(
        "thing", [str(tmp_path / "no-such-program")], log=tmp_path / "log", groups=held_by == "groups"
    )
    with pytest.raises(StartFailed, match="no-such-program"):
        process.wait_until_ready(family_pids, timeout=PATIENT_SECONDS)


def test_a_ready_line_is_kept_apart_from_the_log(tmp_path: Path) -> None:
    """The ready line may hold secrets: its file is private, and the log lacks it."""
    code = (
        "import sys; print('{\"key\": 1}', flush=True); print('{\"level\": 2}', file=sys.stderr, flush=True)"
    )
    log, answers = tmp_path / "log", tmp_path / "answers"
    process = Process("thing", [sys.executable, "-c", code], log=log, answers=answers)
    assert process.wait_until_ready(ready_line, timeout=PATIENT_SECONDS) == {"key": 1}
    process.stop()
    assert answers.stat().st_mode & 0o077 == 0
    assert log.read_text() == process.tail() + "\n" == '{"level": 2}\n'


def test_the_log_of_an_earlier_start_is_ignored(tmp_path: Path) -> None:
    """A log is appended to; readiness is read from its new part."""
    log = tmp_path / "log"
    log.write_text("ready\n")
    process = Process("thing", [sys.executable, "-c", "raise SystemExit(1)"], log=log)
    with pytest.raises(StartFailed):
        process.wait_until_ready(lambda output: "ready" in output or None, timeout=PATIENT_SECONDS)
    assert log.read_text().startswith("ready\n")


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("", None),
        ('warming up\n{"a": 1', None),
        ('warming up\n{"a": 1}', None),
        ('warming up\n{not json}\n{"a": 1}\n{"b": 2}\n', {"a": 1}),
    ],
)
def test_a_ready_line_is_a_whole_line_of_json(output: str, found: object) -> None:
    """An incomplete line is not accepted yet, and any other output never."""
    assert ready_line(output) == found
