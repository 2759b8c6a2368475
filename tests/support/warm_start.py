"""Stands in for a process that is forked elsewhere: see warm.py. Run as a file, so that it starts fast."""

import json
import os
import signal
import socket
import sys


def start(address: str, module: str, arguments: list[str]) -> int:
    """Request a process with this one's environment and output, and wait until it ends: its exit code.

    Args:
        address: of the forking process.
        module: whose `__main__` it runs.
        arguments: of it.
    """
    with socket.socket(socket.AF_UNIX) as keeper:
        keeper.connect(address)
        socket.send_fds(keeper, [b"."], [sys.stdout.fileno(), sys.stderr.fileno()])
        request = {
            "module": module,
            "arguments": arguments,
            "environment": dict(os.environ),
            "folder": os.getcwd(),  # noqa: PTH109 - to import less
        }
        keeper.sendall(json.dumps(request).encode() + b"\n")
        with keeper.makefile("rb") as lines:
            if not lines.readline():
                return 1
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda number, _: keeper.sendall(bytes([number])))
            return int(lines.readline() or 1)


if __name__ == "__main__":
    code = start(sys.argv[1], sys.argv[2], sys.argv[3:])
    if code < 0:  # by a signal
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)
