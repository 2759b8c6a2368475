"""Runs a command and ends it, and all that it started, when whoever asked for it is gone: where there is no fork.

    python watchdog.py GRACE_SECONDS PID_FILE COMMAND [ARGUMENT ...]

Standard input is a pipe to the supervisor, whose end comes when the supervisor closes it or dies in any way. Then the
command is asked to end, and is ended with its descendants once it is gone or the grace is over; those that it leaves
behind when it ends by itself, too. The exit code is the command's, 128 and more for a signal. See guard.py for systems
with process groups, where nothing of a family can get away: here what lost its parent within a second may.

Run as a file, without the package, so that it starts fast.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

_KILLED_SECONDS = 5.0
_POLL_SECONDS = 0.1
_LOOK_SECONDS = 1.0
"""Seconds between two scans for child processes of the command, which cannot be found once they are orphans."""
_NEW_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""On Windows: what Ctrl+Break is sent to."""


def main(grace: float, pid_file: Path, command: list[str]) -> int:
    """Run the command; give its exit code.

    Args:
        grace: seconds that the command has to end once it is asked to.
        pid_file: where its process id is written.
        command: what to run.
    """
    try:
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, creationflags=_NEW_GROUP)
    except OSError as exc:
        sys.stderr.write(f"{command[0]}: {exc.strerror}\n")
        return 1
    # Only now: the command would inherit what is ignored.
    for name in ("SIGINT", "SIGHUP", "SIGTERM"):
        if name in signal.Signals.__members__:
            signal.signal(signal.Signals[name], signal.SIG_IGN)
    unfinished = pid_file.with_suffix(".unfinished")
    unfinished.write_text(str(running.pid), encoding="ascii")
    unfinished.replace(pid_file)
    family = _wait(running, grace)
    for process in family:
        with contextlib.suppress(psutil.Error):
            process.kill()
    running.kill()
    psutil.wait_procs(family, _KILLED_SECONDS)
    code = running.wait()
    return code if code >= 0 else 128 - code


def _wait(running: "subprocess.Popen[bytes]", grace: float) -> set[psutil.Process]:
    """Wait for the end of the command, or of the supervisor and then of the command's grace; give its descendants."""
    gone = threading.Event()
    threading.Thread(target=_see_the_end, args=(gone,), daemon=True).start()
    family: set[psutil.Process] = set()
    looked = 0.0
    while running.poll() is None and not gone.wait(_POLL_SECONDS):
        if time.monotonic() - looked > _LOOK_SECONDS:
            family |= _descendants(running.pid)
            looked = time.monotonic()
    family |= _descendants(running.pid)
    if running.poll() is None:
        _ask_to_end(running)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(grace)
    return family


def _see_the_end(gone: threading.Event) -> None:
    while os.read(0, 1):
        pass
    gone.set()


def _descendants(pid: int) -> set[psutil.Process]:
    try:
        return set(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return set()


def _ask_to_end(running: "subprocess.Popen[bytes]") -> None:
    ctrl_break = getattr(signal, "CTRL_BREAK_EVENT", None)
    if ctrl_break is None:
        running.terminate()
        return
    with contextlib.suppress(OSError):
        running.send_signal(ctrl_break)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
