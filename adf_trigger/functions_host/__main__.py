"""`python -m adf_trigger.functions_host --app DIR`: a local Functions host as a process.

App settings come from the environment, else from local.settings.json. Logs go to stderr, one JSON object a line. With
--json, one line on stdout reports that it is ready and how to reach it. Its keys come from the environment
(FUNCTIONS_HOST_KEY, FUNCTIONS_MASTER_KEY), where the app does not see them; by default they are generated.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import NoReturn, TextIO

from adf_trigger.functions_host.common.config import HostConfig, HostTimes
from adf_trigger.functions_host.common.errors import HostError
from adf_trigger.functions_host.environment import HOST_KEY, MASTER_KEY, SOCKET
from adf_trigger.functions_host.host import POOL_THREADS, FunctionsHost
from adf_trigger.functions_host.worker.index import HttpTrigger, IndexedFunction, QueueTrigger
from adf_trigger.functions_host.worker.logs import configure

_THREAD_END_SECONDS = 0.2
logger = logging.getLogger(__package__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a host until SIGTERM or SIGINT; return the exit code: 0, or 1 if it could not run."""
    options = _parser().parse_args(arguments)
    environ = dict(os.environ)
    config = _config(options)
    ready_stream, sys.stdout = sys.stdout, sys.stderr  # what the app prints must not mix with the ready line
    configure(sys.stderr)
    try:
        host = asyncio.run(_run(config, ready_stream, as_json=options.json))
    except (HostError, OSError) as exc:
        logger.critical("The host cannot run: %s", exc, extra={"action": "host_failed"})
        return 1
    if host.listening is not None:
        _replace_process(host, environ)
    if _threads_left():
        _exit(0)
    return 0


async def _run(config: HostConfig, ready_stream: TextIO, *, as_json: bool) -> FunctionsHost:
    host = FunctionsHost(config, os.environ)
    signalled = asyncio.Event()

    def stop() -> None:
        signalled.set()
        host.stop_requested.set()

    _on_stop(stop)
    async with host:
        if config.listen_on is None:
            print(_ready(host) if as_json else _summary(host), file=ready_stream, flush=True)
        await host.stop_requested.wait()
    if host.failure is not None:
        raise HostError(f"a listener failed: {type(host.failure).__name__}") from host.failure
    if host.crash is not None:
        _exit(0)
    if signalled.is_set():
        host.listening = None
    return host


def _on_stop(stop: Callable[[], None]) -> None:
    """Call `stop` on each stop signal; SIGBREAK is the one that a parent on Windows can send."""
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if (number := signal.Signals.__members__.get(name)) is None:
            continue
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # the event loop of Windows has none
            signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(stop))


def _replace_process(host: FunctionsHost, environ: Mapping[str, str]) -> NoReturn:
    """Replace this process by a new host, which ends all threads; callers keep waiting on the same socket.

    On the platform, host and worker are two processes, and only the worker is killed and restarted.
    """
    assert host.listening is not None  # noqa: S101 - checked by the caller
    if not hasattr(os, "fork"):
        logger.critical(
            "The host stops: this system cannot replace a running process",
            extra={"action": "host_not_replaced"},
        )
        _exit(1)
    host.listening.set_inheritable(True)
    own = {
        HOST_KEY: host.config.key,
        MASTER_KEY: host.config.master_key,
        SOCKET: str(host.listening.fileno()),
    }
    logging.shutdown()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**environ, **own})  # noqa: S606 - itself


def _exit(code: int) -> NoReturn:
    """End the process, with everything that still runs."""
    logging.shutdown()
    os._exit(code)


def _threads_left() -> bool:
    """Whether a function, or a call to storage, is still running in a thread.

    Threads cannot be stopped, and the interpreter would wait for them.
    """
    pools = [thread for thread in threading.enumerate() if thread.name.startswith(POOL_THREADS)]
    for thread in pools:
        thread.join(_THREAD_END_SECONDS)
        if thread.is_alive():
            return True
    return False


def _ready(host: FunctionsHost) -> str:
    return json.dumps(
        {
            "url": host.url,
            "key": host.config.key,
            "master_key": host.config.master_key,
            "pid": os.getpid(),
            "host_id": host.host_id,
            "functions": [function.name for function in host.functions],
            "function_keys": {function.name: host.keys.of(function.name) for function in host.functions},
        }
    )


def _summary(host: FunctionsHost) -> str:
    lines = [f"{host.url}  key: {host.config.key}  master key: {host.config.master_key}"]
    lines += [f"  {function.name}: {_trigger(function)}" for function in host.functions]
    return "\n".join(lines)


def _trigger(function: IndexedFunction) -> str:
    trigger = function.trigger
    if isinstance(trigger, HttpTrigger):
        return f"[{','.join(sorted(trigger.methods or {'all'}))}] {trigger.route}"
    return f"queue {trigger.queue}" if isinstance(trigger, QueueTrigger) else f"timer {trigger.schedule}"


def _config(options: argparse.Namespace) -> HostConfig:
    config = HostConfig(
        app=options.app,
        address=options.address,
        port=options.port,
        host_id=options.host_id,
        times=HostTimes(**{item.name: getattr(options, item.name) for item in fields(HostTimes)}),
        time_scale=options.time_scale,
        drain_seconds=options.drain_seconds,
        grace_seconds=options.grace_seconds,
        shuffle=options.shuffle,
        forgiving=options.forgiving,
    )
    if descriptor := os.environ.pop(SOCKET, ""):
        config = replace(config, listen_on=int(descriptor))
    if key := os.environ.pop(HOST_KEY, ""):
        config = replace(config, key=key)
    if master_key := os.environ.pop(MASTER_KEY, ""):
        config = replace(config, master_key=master_key)
    return config


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m adf_trigger.functions_host", description=__doc__)
    parser.add_argument("--app", type=Path, required=True, help="folder with function_app.py")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 picks a free one")
    parser.add_argument("--host-id", default=None, help="id of the host; hosts with the same id share timers")
    parser.add_argument("--json", action="store_true", help="print one JSON line when ready")
    parser.add_argument(
        "--time-scale", type=float, default=1.0, help="multiplies leases, locks, visibilityTimeout"
    )
    parser.add_argument(
        "--drain-seconds", type=float, default=30.0, help="time for requests in progress to end at a stop"
    )
    parser.add_argument(
        "--grace-seconds", type=float, default=10.0, help="time for running functions to end after that"
    )
    parser.add_argument(
        "--forgiving",
        action="store_true",
        help="for development: survive faults that end the platform's host",
    )
    parser.add_argument(
        "--no-shuffle", dest="shuffle", action="store_false", help="keep the order of the messages of a batch"
    )
    times = parser.add_argument_group("times of the platform, in seconds, before --time-scale")
    for item in fields(HostTimes):
        option = "--" + item.name.replace("_", "-")
        times.add_argument(option, type=float, default=item.default, metavar="SECONDS")
    return parser


if __name__ == "__main__":
    sys.exit(main())
