"""Runs a command, and ends it and its descendants when the supervisor ends.

    python guard.py GRACE_SECONDS COMMAND [ARGUMENT ...]

Standard input is a socket to the supervisor. The process forks a guard and becomes the command, which thus
keeps the process id that the supervisor knows. The guard waits for the end of the socket, which comes when
the supervisor closes it or dies in any way, SIGKILL included. Then it ends its process group: SIGTERM, and
then SIGKILL once the command has ended or the grace period is over. It is in that group itself, so the group's
id cannot be reused while it is needed, and the last signal ends the guard, too.

Run as a file, without the package, so that it starts fast. Works on systems with fork and process groups.
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
        grace: seconds from SIGTERM to SIGKILL.
        command: program and arguments. The process must lead its process group.
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
