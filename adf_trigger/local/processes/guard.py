"""Runs a command and ends it, and all that it started, when whoever asked for it is gone.

    python guard.py GRACE_SECONDS COMMAND [ARGUMENT ...]

Standard input is a socket to the supervisor. The process forks a guard and becomes the command, which so
keeps the process id that the supervisor knows. The guard waits for the end of the socket, which comes when
the supervisor closes it or dies in any way, SIGKILL included. Then it ends its process group: SIGTERM, and
then SIGKILL once the command is gone or the grace is over. It lives in that group itself, so the group's id
cannot go to another process while it is needed, and the last signal ends the guard too.

Run as a file, without the package, so that it starts fast. Works wherever fork and process groups do.
"""

import os
import signal
import socket
import sys
import time

_POLL_SECONDS = 0.02


def main(grace: float, command: list[str]) -> None:
    """Fork the guard, then become the command.

    Args:
        grace: seconds that the command has to end after SIGTERM.
        command: what to run. The process must lead its process group.
    """
    supervisor = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    command_pid = os.getpid()
    if os.fork() == 0:
        _guard(supervisor, command_pid, grace)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the list is the supervisor's
    except OSError as exc:
        sys.exit(f"{command[0]}: {exc.strerror}")


def _guard(supervisor: socket.socket, command_pid: int, grace: float) -> None:
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    while supervisor.recv(1):
        pass
    os.killpg(command_pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while os.getppid() == command_pid and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    os.killpg(command_pid, signal.SIGKILL)


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
