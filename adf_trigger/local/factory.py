"""`factory`: the local Data Factory alone, optionally with its own Azurite."""

import argparse
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from adf_trigger.emulator.commands.serve import ServeHooks, add_serve, serve
from adf_trigger.local.azurite import Azurite
from adf_trigger.local.processes.ports import Ports, check, usual
from adf_trigger.local.screen.texts import ready
from adf_trigger.local.stack.stack_config import CONSOLE, Progress
from adf_trigger.local.terminal import Terminal

_STORAGE = ("blob", "queue", "table")
_OWN = ("management", "management_tls", "identity", "authority", "proxy")


def add_factory(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to a parser."""
    add_serve(parser)
    parser.add_argument(
        "--azurite", action="store_true", help="also start an Azurite, for the blobs that its pipelines copy"
    )
    parser.set_defaults(run=_factory, console=CONSOLE)


def _factory(options: argparse.Namespace) -> int:
    """Run it; return the exit code.

    Raises:
        PortTaken: a requested port is in use.
        AzuriteInstallError: Azurite could not be installed.
        StartFailed: it did not become ready.
    """
    ports = Ports(**{name: getattr(options, f"{name}_port") for name in _OWN})
    check(ports)
    progress = Progress() if options.json else Terminal()
    if not options.json:
        ports, notes = usual(ports, {}, of=(*_OWN, *(_STORAGE if options.azurite else ())))
        for note in notes:
            progress.note(note)
        for name in _OWN:
            setattr(options, f"{name}_port", getattr(ports, name))

    def azurite(data: Path, lock: int, running: ExitStack) -> str | None:
        if not options.azurite:
            progress.starting("Data Factory")
            return None
        progress.starting("Azurite")
        (data / "logs").mkdir(exist_ok=True)
        started = running.enter_context(
            Azurite(
                log=data / "logs" / "azurite.log",
                location=data / "azurite",
                blob_port=ports.blob,
                queue_port=ports.queue,
                table_port=ports.table,
                held=(lock,),
            )
        )
        listening = (urlsplit(url).port for url in (started.blob_url, started.queue_url, started.table_url))
        progress.started("Azurite", "blob {}, queue {}, table {}".format(*listening))
        progress.starting("Data Factory")
        return started.connection_string

    def report(facts: Mapping[str, str], data: Path) -> None:
        progress.started("Data Factory", facts["management_url"])
        page = f"{facts['management_url']}/"
        for line in ready(run=(), data=data, kept=options.data is not None, service=False, console=page):
            progress.shown(line)

    return serve(options, ServeHooks(azurite, report))
