"""Runs a command, and ends it and its descendants when the supervisor ends, on systems without fork.

    python watchdog.py GRACE_SECONDS PID_FILE COMMAND [ARGUMENT ...]

Standard input is a pipe to the supervisor, which ends when the supervisor closes it or dies in any way. Then the
command is asked to end, and its descendants are killed once it has ended or the grace period is over; they are also
killed when it ends by itself. The exit code is the command's, 128 plus the signal for a signal. See guard.py for
systems with process groups, where no descendant can escape: here one that was orphaned within a second may.

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
"""Seconds between two scans for descendants of the command, which cannot be found once they are orphans."""
_NEW_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""On Windows: the process group that receives Ctrl+Break."""


def main(grace: float, pid_file: Path, command: list[str]) -> int:
    """Run the command; return its exit code.

    Args:
        grace: seconds that the command has to end once it is asked to.
        pid_file: file for its process id.
        command: program and arguments.
    """
    try:
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, creationflags=_NEW_GROUP)
    except OSError as exc:
        sys.stderr.write(f"{command[0]}: {exc.strerror}\n")
        return 1
    # After the start: the command would inherit the ignored signals.
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
    """Wait for the end of the command, or of the supervisor and then of the grace period; return the descendants."""
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
