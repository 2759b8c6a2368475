"""A local stack whose Python processes are forked without a stand-in: its interpreter and its guard's cost more.

They end with the process that asked for them, too, but by SIGKILL. Where that end is what is tested, WarmStack serves.
"""

import json
import select
import signal
import socket
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from adf_trigger.local.processes.environment import child_environment
from adf_trigger.local.processes.families import Family, Streams
from adf_trigger.local.processes.process import Process
from tests.support.warm import WarmStack


class ForkedStack(WarmStack):
    """A local stack, for tests that start its functions host by the dozen."""

    def _start_python(
        self, module: str, options: Sequence[object], settings: Mapping[str, str], *, name: str | None = None
    ) -> Process:
        name = name or module
        process = _Forked(
            name,
            [self._address, module, *map(str, options)],
            log=self._log(name),
            answers=self._data / f"{name}.ready",
            env=child_environment(settings),
        )
        self._processes[name] = process
        return process


class _Forked(Process):
    """A process whose command is the address of what forks it, its module and its arguments."""

    def _start(
        self,
        command: Sequence[str],
        streams: Streams,
        *,
        env: Mapping[str, str] | None,
        held: Collection[int],
        groups: bool,
    ) -> Family:
        del held, groups
        address, module, *arguments = command
        request = {
            "module": module,
            "arguments": arguments,
            "environment": dict(env or {}),
            "folder": str(Path.cwd()),
        }
        return _Connected(address, request, streams, self._grace)


class _Connected:
    """A forked process, which lasts no longer than this connection to what keeps it."""

    def __init__(self, address: str, request: Mapping[str, object], streams: Streams, grace: float) -> None:
        self._grace = grace
        self._exit_code: int | None = None
        self._keeper = socket.socket(socket.AF_UNIX)
        self._keeper.connect(address)
        socket.send_fds(self._keeper, [b"."], [streams.output.fileno(), streams.errors.fileno()])
        self._keeper.sendall(json.dumps(request).encode() + b"\n")
        self._lines = self._keeper.makefile("rb", buffering=0)
        self.pid = int(self._lines.readline())

    def exit_code(self) -> int | None:
        return self._ended(within=0.0)

    def stop(self) -> int:
        for number, seconds in ((signal.SIGTERM, self._grace), (signal.SIGKILL, None)):
            if self._exit_code is None:
                with suppress(OSError):  # it has just ended
                    self._keeper.sendall(bytes([number]))
            if (code := self._ended(within=seconds)) is not None:
                return code
        raise AssertionError("a killed process did not end")

    def _ended(self, within: float | None) -> int | None:
        if self._exit_code is None and select.select([self._keeper], [], [], within)[0]:
            self._exit_code = int(self._lines.readline() or -signal.SIGKILL)
            self._lines.close()
            self._keeper.close()
        return self._exit_code
