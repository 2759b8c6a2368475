"""Functions hosts and emulators that start fast: each is forked off a process that has done their imports.

Most of a start is imports. Where tests start such processes by the dozen, one process imports once and forks for each.
What is forked is a process of its own all the same, with its own environment, output and end. `warm_start.py` asks for
it: it stands in for the command, passes signals on, and ends as the forked process does.
"""

import gc
import importlib
import json
import os
import shlex
import signal
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from pydantic import BaseModel

from adf_trigger.ledger.adapters import adapter_of
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.listing import ListedRun
from adf_trigger.ledger.places import Places
from adf_trigger.ledger.port import Cursor
from adf_trigger.ledger.records import ActiveRun, RunRecord
from adf_trigger.local.processes.environment import child_environment
from adf_trigger.local.processes.process import Process, ready_line
from adf_trigger.local.stack.stack import Stack, StackConfig
from adf_trigger.local.stack.stack_config import Progress
from adf_trigger.messages.declaration import Declaration
from tests.support.waiting import LIMIT

MODULES = ("functions_host", "emulator")
"""What can be forked: `python -m adf_trigger.…`."""
CLI = "adf-trigger"
"""What else can be forked: `python -m adf_trigger`, the command that people use."""
_IMPORTED_BY_THE_APP = "adf_trigger.functions.app"
_IMPORTED_WHEN_USED = (
    "_strptime",
    "anyio._backends._asyncio",
    "azure.core.rest._http_response_impl",
    "azure.core.rest._requests_basic",
    "azure.identity._credentials.app_service",
    "encodings.utf_8_sig",
    "httpcore",
    "uvicorn.lifespan.off",
    "uvicorn.protocols.websockets.auto",
)
"""What they import with their first calls."""
_DOCUMENTS = (ActiveRun, Cursor, Declaration, KeptMessage, ListedRun, Places, RunRecord)
"""Whose type adapters they would each build at the first use."""
_ROOT = Path(__file__).parents[2]
_START = Path(__file__).with_name("warm_start.py")


def command(address: str, module: str) -> list[str]:
    """The command to run instead of `python -m adf_trigger.…`, before its arguments.

    The process id that is seen is that of the stand-in; the ready line has the true one.

    Args:
        address: of `warm_processes`.
        module: one of MODULES, or CLI.
    """
    return [sys.executable, "-I", "-S", str(_START), address, module]


def command_of(address: str) -> list[str]:
    """What to run instead of `python -m adf_trigger.local`, before its arguments: its stack is a WarmStack."""
    return [sys.executable, "-m", "tests.support.warm_command", address]


def write_script(file: Path, address: str) -> None:
    """Write a script that is `adf-trigger`, forked; of `up` it forks what is started.

    Args:
        file: the script.
        address: of `warm_processes`.
    """
    forked, up = (shlex.join(words) for words in (command(address, CLI), command_of(address)))
    file.write_text(f'#!/bin/sh\ncase "$1" in up) exec {up} "$@";; *) exec {forked} "$@";; esac\n')
    file.chmod(0o755)


class WarmStack(Stack):
    """A local stack whose emulator and functions hosts are forked; all else is unchanged.

    Args:
        config: see Stack.
        address: of `warm_processes`.
        progress: see Stack.
    """

    def __init__(self, config: StackConfig, address: str, progress: Progress | None = None) -> None:
        super().__init__(config, progress)
        self._address = address

    def _start_python(
        self, module: str, options: Sequence[object], settings: Mapping[str, str], *, name: str | None = None
    ) -> Process:
        name = name or module
        process = Process(
            name,
            [*command(self._address, module), *map(str, options)],
            log=self._log(name),
            answers=self._data / f"{name}.ready",
            env=child_environment(settings),
            held=self._held,
        )
        self._processes[name] = process
        return process

    def _pids(self) -> dict[str, int]:
        pids = super()._pids()
        for name, process in self._processes.items():
            pids[name] = (ready_line(process.output()) or {}).get("pid", pids[name])
        return pids


@contextmanager
def warm_processes() -> Iterator[str]:
    """Address of a process that forks others; they end with it."""
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        address = str(Path(folder) / "s")
        process = Process(
            "warm",
            [sys.executable, "-m", "tests.support.warm", address],
            log=Path(folder) / "log",
            env=child_environment({"PYTHONPATH": str(_ROOT)}),
        )
        try:
            process.wait_until_ready(ready_line, timeout=LIMIT)
            yield address
        finally:
            process.stop()


def serve(address: str) -> NoReturn:
    """Fork a process for each connection."""
    for module in (*MODULES, CLI):
        importlib.import_module(_main_of(module))
    for name in (_IMPORTED_BY_THE_APP, *_IMPORTED_WHEN_USED):
        importlib.import_module(name)
    _complete(BaseModel)
    for document in _DOCUMENTS:
        adapter_of(document)
    assert threading.active_count() == 1, "a fork has none of the threads"
    gc.collect()
    gc.freeze()  # so that the forks keep sharing the memory of the imports
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        sys.stdout.write(json.dumps({"address": address}) + "\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            _reap()
            if os.fork() == 0:
                listener.close()
                _keep(connection)
            connection.close()


def _main_of(module: str) -> str:
    return "adf_trigger.client.command.main" if module == CLI else f"adf_trigger.{module}.__main__"


def _complete(model: type[BaseModel]) -> None:
    """Build what models, and their subclasses, would build at their first use in each process."""
    for each in model.__subclasses__():
        each.model_rebuild()
        _complete(each)


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _keep(connection: socket.socket) -> NoReturn:
    """Fork a process, pass signals on to it, and report its exit; kill it when the requester is gone."""
    _, streams, _, _ = socket.recv_fds(connection, 1, 2)
    with connection.makefile("rb") as lines:
        request = json.loads(lines.readline())
    forked = os.fork()
    if forked == 0:
        connection.close()
        _become(request, streams)
    for stream in streams:
        os.close(stream)
    connection.sendall(b"%d\n" % forked)
    ended = threading.Event()
    threading.Thread(target=_pass_on, args=(connection, forked, ended), daemon=True).start()
    _, status = os.waitpid(forked, 0)
    ended.set()
    with suppress(OSError):  # nobody waits for it any more
        connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _pass_on(connection: socket.socket, process: int, ended: threading.Event) -> None:
    """Pass signals on until nobody wants to know of the process any more, which ends it."""
    with suppress(ProcessLookupError):
        with suppress(ConnectionError):
            while received := connection.recv(1):
                os.kill(process, received[0])
        if not ended.is_set():
            os.kill(process, signal.SIGKILL)


def _become(request: Mapping[str, Any], streams: Sequence[int]) -> NoReturn:
    for stream, number in zip(streams, (1, 2), strict=True):
        os.dup2(stream, number)
        os.close(stream)
    # The objects of before know of files, in which one can seek.
    sys.stdout = os.fdopen(1, "w", encoding=sys.stdout.encoding, closefd=False)
    sys.stderr = os.fdopen(
        2, "w", encoding=sys.stderr.encoding, errors="backslashreplace", buffering=1, closefd=False
    )
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = [request["module"], *request["arguments"]]
    # A process that replaces itself starts this again: itself, and not the parent that it was forked off.
    sys.orig_argv = [sys.executable, "-m", f"adf_trigger.{request['module']}", *request["arguments"]]
    code = 1
    try:
        main = sys.modules[_main_of(request["module"])].main
        code = main(request["arguments"])
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else 1
    except Exception:  # noqa: BLE001 - the outermost edge, where Python would print it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
