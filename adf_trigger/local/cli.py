"""The command line of the local stack: `python -m adf_trigger.local up | setup`."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import FrameType

from rich.console import Console

from adf_trigger.emulator.commands.data_folder import DataFolderError
from adf_trigger.emulator.commands.env import add_env
from adf_trigger.emulator.commands.load import add_import
from adf_trigger.emulator.commands.running import NotRunning
from adf_trigger.emulator.commands.secrets_file import HELP as SECRETS_HELP
from adf_trigger.emulator.commands.secrets_file import secrets_file
from adf_trigger.emulator.commands.serve import add_allow_host, add_any_group, add_cloud, add_serve
from adf_trigger.errors import SettingsError
from adf_trigger.local.azurite import AzuriteInstallError, install
from adf_trigger.local.demo import story
from adf_trigger.local.endpoints import Endpoints
from adf_trigger.local.process import StartFailed
from adf_trigger.local.stack import APP, POLL_SCHEDULE, Ports, Stack, StackConfig

_WATCH_SECONDS = 0.2
_HIGHEST_PORT = 65_535
_PROGRAM = "python -m adf_trigger.local"


_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Stopped(KeyboardInterrupt):
    """Somebody asked to stop, or is no longer there: not an error, as KeyboardInterrupt is none."""


class ProcessDied(Exception):
    """A process of the stack has ended by itself. The text has the end of its log."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; give the exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except (
        StartFailed,
        ProcessDied,
        SettingsError,
        DataFolderError,
        AzuriteInstallError,
        NotRunning,
    ) as error:
        _say(str(error))
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM, description="Azure, as far as this project needs it, here."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_up(commands.add_parser("up", help="run everything until it is told to stop (Ctrl+C or SIGTERM)"))
    setup = commands.add_parser("setup", help="install Azurite, so that the first start is quick too")
    setup.set_defaults(run=_setup)
    add_serve(commands.add_parser("factory", help="run the local Data Factory alone, by http and https"))
    add_import(
        commands.add_parser(
            "import", help="load the folder of a factory's Git repository, or an ARM template of a factory"
        )
    )
    demo = commands.add_parser("demo", help="run both quickstart pipelines and show what comes of it")
    add_cloud(demo)
    demo.set_defaults(run=_demo)
    add_env(
        commands.add_parser(
            "env", help="print the running stack's addresses and keys as variables of a shell"
        )
    )
    return parser


def _add_up(up: argparse.ArgumentParser) -> None:
    up.add_argument("--json", action="store_true", help="print one JSON line once all is ready")
    up.add_argument("--data", type=Path, metavar="DIR", help="keep data here (default: a temporary folder)")
    up.add_argument("--app", type=Path, default=APP, metavar="DIR", help="folder with function_app.py")
    up.add_argument(
        "--poll-schedule", default=POLL_SCHEDULE, metavar="NCRONTAB", help="when the timer runs (%(default)s)"
    )
    up.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        help="an app setting; may be repeated",
    )
    up.add_argument(
        "--host-option",
        action="append",
        default=[],
        metavar="OPTION",
        help="an argument for the functions host",
    )
    up.add_argument("--secrets", type=_secrets, metavar="FILE", help=SECRETS_HELP)
    add_any_group(up)
    add_allow_host(up)
    add_cloud(up)
    up.add_argument("--restart", action="store_true", help="start the functions host again if it dies")
    for port in fields(Ports):
        up.add_argument(f"--{port.name.replace('_', '-')}-port", type=_port, default=0, metavar="N")
    up.set_defaults(run=_up)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _secrets(name: str) -> Path:
    secrets_file(name)  # read again where it is used; wrong, it is better told here
    return Path(name)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _HIGHEST_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def _setup(_: argparse.Namespace) -> int:
    _say(f"Azurite is installed: {install()}")
    return 0


def _demo(options: argparse.Namespace) -> int:
    return story.run(options.cloud)


def _up(options: argparse.Namespace) -> int:
    stack = Stack(
        StackConfig(
            data=options.data,
            app=options.app,
            ports=Ports(**{port.name: getattr(options, f"{port.name}_port") for port in fields(Ports)}),
            poll_schedule=options.poll_schedule,
            settings={"ADF_TRIGGER_CLOUD": options.cloud, **dict(options.set)},
            host_options=tuple(options.host_option),
            secrets=options.secrets,
            any_group=options.any_group,
            allow_hosts=tuple(options.allow_host),
        )
    )
    parent = os.getppid()
    try:
        with _stopped_by_signals(), stack as endpoints:
            if options.json:
                sys.stdout.write(endpoints.to_json() + "\n")
                sys.stdout.flush()
            else:
                _show(endpoints)
            _watch(stack, parent, restart=options.restart)
    except _Stopped as reason:
        _say(f"Stopped: {reason}.")
    return 0


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Turn the first signal to stop into `_Stopped`; ignore those that follow, since all is being stopped."""
    wanted = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]

    def stop(number: int, _: FrameType | None) -> None:
        for each in wanted:
            signal.signal(each, signal.SIG_IGN)
        raise _Stopped(signal.Signals(number).name)

    before = {number: signal.signal(number, stop) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(stack: Stack, parent: int, *, restart: bool) -> None:
    """Wait for the end.

    Raises:
        _Stopped: the process that started this one has gone. With SIGHUP ignored (nohup) that does not matter.
        ProcessDied: a process of the stack has ended by itself.
    """
    outlives_parent = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    while True:
        time.sleep(_WATCH_SECONDS)
        if os.getppid() != parent and not outlives_parent:
            raise _Stopped("the process that started this one has gone")
        name = stack.dead()
        if name == "functions" and restart:
            _say(stack.exit_report(name))
            stack.restart_functions()
            _say("functions is running again")
        elif name is not None:
            raise ProcessDied(stack.exit_report(name))


def _show(endpoints: Endpoints) -> None:
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print("Ready. Ctrl+C stops it.\n", style="bold green")
    for name, value in (
        ("Functions host", f"{endpoints.functions_url}/api"),
        ("  x-functions-key", endpoints.functions_key),
        ("Data Factory", endpoints.management_url),
        ("  by https", f"{endpoints.management_tls_url} (CA: {endpoints.ca_file})"),
        ("  control API", endpoints.control_url),
        ("  factory", endpoints.factory_id),
        ("  Azure's own names", f"{endpoints.proxy_url} (HTTPS proxy)"),
        ("Entra ID", f"{endpoints.authority_url}/{endpoints.tenant_id}"),
        ("  client id", endpoints.client_id),
        ("  client secret", endpoints.client_secret),
        ("Managed identity", endpoints.identity_endpoint),
        ("  X-IDENTITY-HEADER", endpoints.identity_header),
        ("Storage", endpoints.storage_connection_string),
        ("  requests", endpoints.requests_queue),
        ("  rejected", endpoints.rejected_queue),
        ("  events", endpoints.events_queue),
        ("  run ledger", endpoints.table),
    ):
        console.print(f"{name:<20} {value}")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
